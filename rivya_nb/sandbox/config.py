"""The settings of a sandbox: its pace, its credits, and every fact that the documentation leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rivya_nb.sandbox.latency import Latency
from rivya_nb.sandbox.light import Light

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
"""The host names of a sandbox: it serves this machine only."""


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The settings of a sandbox. All times are in seconds.

    The second half are facts that the public documentation does not state: a client has to work with all
    possibilities, and its tests check them.
    """

    latency: Latency = 3.0
    """From submission to the end of a picture: a tenth of it queued, the rest processing. 0: done at once. A
    LatencyRange gives each task a time of its own."""
    video_slowness: float = 4.0
    """How many times as long as a picture a video takes."""
    audio_slowness: float = 2.0
    """How many times as long as a picture a sound takes."""
    credits: int = 10_000
    """The credits of a new account: enough for some eight hundred pictures."""
    light: Light = field(default_factory=Light)
    """How pictures of the same scene differ. By default they do not: the same request gives the same picture."""
    rate_limit: int | None = None
    """Calls that one key may make per `rate_window`; None: any number."""
    rate_window: float = 1.0
    max_in_flight: int | None = None
    """Tasks of one account that may be unfinished at a time; one more is `rate_limited`. None: any number."""
    disabled: bool = False
    """Every call is answered with `public_api_disabled`."""

    file_id_key: Literal["id", "file_id"] = "id"
    """The key of an uploaded file's id."""
    send_retry_after: bool = True
    """Whether `rate_limited` comes with a Retry-After header."""
    insufficient_credits_status: int = 402
    megabyte: int = 1_000_000
    """Bytes in the MB of the upload limits: 10^6 or 2^20."""
    full_response: bool = True
    """Whether a task's object has `final_credits`, `created_at` and `updated_at`."""
    prompt_unit: Literal["utf-16", "code-point"] = "utf-16"
    """The unit of a prompt's length."""
    idempotency_seconds: float = 86_400.0
    """How long an idempotency key is remembered."""
    file_seconds: float | None = None
    """How long an uploaded file lives; None: for ever."""
    token_required: bool = True
    """Whether a reference to a video or audio file has to give its duration token back."""
    token_seconds: float | None = None
    """How long a duration token is valid after its upload; None: as long as its file."""
    url_input: bool = False
    """Whether a reference may be any https address; the picture there is not fetched."""
    picture_seconds: float | None = None
    """How long a result's url works after its task has ended; None: for ever."""

    def slowness(self, category: str) -> float:
        """How many times as long as a picture a result of that category takes."""
        return {"video": self.video_slowness, "audio": self.audio_slowness}.get(category, 1.0)
