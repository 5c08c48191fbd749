"""What a sandbox can be told: its pace, its money, and every fact that the documentation leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
"""Under which names a sandbox serves: to this machine only."""


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """How a sandbox behaves. All times are in seconds.

    The second half are facts that the public documentation does not settle: a client has to work with
    either side of each, and its tests run it against both.
    """

    latency: float = 3.0
    """From submission to the end of a task: a tenth of it queued, the rest processing. 0: done at once."""
    credits: int = 10_000
    """What the account was given, before anything was spent: some eight hundred pictures to play with."""
    rate_limit: int | None = None
    """Calls that one key may make per `rate_window`; None: any number."""
    rate_window: float = 1.0
    disabled: bool = False
    """Every call is answered with `public_api_disabled`."""

    file_id_key: Literal["id", "file_id"] = "id"
    """Under which key an uploaded file's id is given."""
    send_retry_after: bool = True
    """Whether `rate_limited` comes with a Retry-After header."""
    insufficient_credits_status: int = 402
    megabyte: int = 1_000_000
    """Bytes in the MB of the upload limits: 10^6 or 2^20."""
    full_response: bool = True
    """Whether a task's object has `final_credits`, `created_at` and `updated_at`."""
    prompt_unit: Literal["utf-16", "code-point"] = "utf-16"
    """What counts as one character of a prompt."""
    idempotency_seconds: float = 86_400.0
    """How long an idempotency key is remembered."""
    file_seconds: float | None = None
    """How long an uploaded file lives; None: for ever."""
    url_input: bool = False
    """Whether a reference may be any https address; the picture there is not fetched."""
    picture_seconds: float | None = None
    """How long a picture's url works after its task has ended; None: for ever."""
