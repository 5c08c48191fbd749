"""The sandbox's keys. As with the test cards of payment providers, each makes the service behave in a certain
way.

| key | effect |
|---|---|
| `rvya_sk_sandbox` | none: every scope |
| `rvya_sk_sandbox_revoked` | 401 `api_key_revoked` |
| `rvya_sk_sandbox_expired` | 401 `api_key_expired` |
| `rvya_sk_sandbox_readonly` | 403 `api_scope_denied` on creating and uploading; it has the same account |
| `rvya_sk_sandbox_nofiles` | 403 `api_scope_denied` on `/files`, as with the service's older keys |
| `rvya_sk_sandbox_other` | none, but it has its own account, as a colleague's key has |
| `rvya_sk_sandbox_poor` | `insufficient_credits`: it has its own account without credits |
| `rvya_sk_sandbox_limited` | 429 `rate_limited` on every call |
| `rvya_sk_sandbox_disabled` | 503 `public_api_disabled` on every call |

Any other key gets 401 `api_key_invalid`, a call without a key 401 `api_key_missing`.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_KEY = "rvya_sk_sandbox"
"""The key with every scope. It is public, works with the sandbox only, and is not secret."""

OTHER_KEY = f"{DEFAULT_KEY}_other"
"""The key of another account."""

ALL_SCOPES = frozenset(
    {
        "models:read",
        "generations:create",
        "generations:read",
        "files:create",
        "files:read",
        "credits:read",
        "webhooks:manage",
        "chat:create",
        "chat:read",
    }
)
"""The scopes a key can carry (public documentation, authentication)."""


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a key allows. `refusal` is the error code that every call with it gets."""

    account: str = "main"
    scopes: frozenset[str] = ALL_SCOPES
    refusal: str | None = None


KEYS: dict[str, KeyGrant] = {
    DEFAULT_KEY: KeyGrant(),
    f"{DEFAULT_KEY}_revoked": KeyGrant(refusal="api_key_revoked"),
    f"{DEFAULT_KEY}_expired": KeyGrant(refusal="api_key_expired"),
    f"{DEFAULT_KEY}_readonly": KeyGrant(scopes=ALL_SCOPES - {"generations:create", "files:create"}),
    f"{DEFAULT_KEY}_nofiles": KeyGrant(scopes=ALL_SCOPES - {"files:create", "files:read"}),
    OTHER_KEY: KeyGrant(account="other"),
    f"{DEFAULT_KEY}_poor": KeyGrant(account="poor"),
    f"{DEFAULT_KEY}_limited": KeyGrant(refusal="rate_limited"),
    f"{DEFAULT_KEY}_disabled": KeyGrant(refusal="public_api_disabled"),
}

PENNILESS_ACCOUNTS = frozenset({"poor"})
"""Accounts without credits, whatever the configuration says."""
