"""The sandbox's refusals, with the documented codes."""

from __future__ import annotations

HTTP_STATUS = {
    "validation_failed": 400,
    "api_key_missing": 401,
    "api_key_invalid": 401,
    "api_key_revoked": 401,
    "api_key_expired": 401,
    "insufficient_credits": 402,
    "api_scope_denied": 403,
    "not_found": 404,
    "idempotency_conflict": 409,
    "rate_limited": 429,
    "public_api_disabled": 503,
}
"""The documented codes of HTTP errors, with their statuses (public documentation, errors)."""


class Fault(Exception):  # noqa: N818 - an answer of the service, not an error of the program
    """An answer that is a refusal. `retry_after` is in seconds."""

    def __init__(self, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
