"""Every error of this package.

```
RivyaError
├── InvalidRequestError           the request breaks the model's rules; nothing was sent
├── UsageError                    a magic's line, an argument or a name is wrong; nothing was sent
├── CreditLimitError              a plan costs more than is allowed; nothing was sent
├── NotConnectedError             no service can be reached with the given key and address
├── KeyringError                  the operating system's keyring cannot be read or written
├── StoreError                    the folder of pictures and records cannot be used
│   ├── UnreachableError          the bucket of the pictures refuses or does not answer; later it may
│   │   └── DatabaseUnreachableError   the store's server does not answer; later it will
│   └── JobTakenError             another process works on the job by now
├── TransportError                no usable answer came back
│   ├── NotDeliveredError         the request certainly never reached the service
│   └── UnexpectedResponseError   an answer came back that the contract does not describe
├── PictureError                  a task's url did not deliver an acceptable picture
├── RunFailedError                a run ended without a single picture
└── ApiError                      the service refused, with a documented code
    ├── ApiKeyMissingError  ApiKeyInvalidError  ApiKeyRevokedError  ApiKeyExpiredError      401
    ├── ApiScopeDeniedError                                                                 403
    ├── ValidationFailedError                                                               400
    ├── InsufficientCreditsError                                                            402
    ├── NotFoundError                                                                       404
    ├── IdempotencyConflictError                                                            409
    ├── RateLimitedError                                                                    429
    ├── PublicApiDisabledError                                                              503
    └── GenerationFailedError                                                               in a task

KeyboardInterrupt
└── WaitInterruptedError          the kernel was interrupted while a cell waited; not an error of this package
```

The codes and their HTTP statuses are those that the Rivya Public API v1 documents; an unknown code becomes an
`ApiError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

SHOWN = 60
"""The most characters of a text from outside that a message shows."""

LONGEST = 1000
"""The most characters of one mistake; several may fill `_LONGEST_LIST` together."""

_LONGEST_LIST = 3000


def shortened(text: str, limit: int = SHOWN) -> str:
    """The text with at most `limit` characters; an ellipsis stands for what is left out, before its end."""
    tail = limit // 4
    return text if len(text) <= limit else f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"


class _MessageOnly:
    """An error that IPython shows without a traceback: its message says everything."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a traceback's place."""
        return [f"{type(self).__name__}: {self}"]


def put_in_words(error: asyncio.CancelledError, message: str) -> None:
    """Let IPython show a message in the place of asyncio's traceback. It has to stay the same error:
    `asyncio.timeout` and its like do not know one of another class as the cancellation that they asked for."""
    error.args = error.args or (message,)
    error._render_traceback_ = lambda: [f"CancelledError: {message}"]  # type: ignore[attr-defined]


class RivyaError(_MessageOnly, Exception):
    """Base of every error that a user is meant to read. A message that is too long loses its middle."""

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(message, _LONGEST_LIST))


class WaitInterruptedError(_MessageOnly, KeyboardInterrupt):
    """The kernel was interrupted while a cell waited for a run; what was submitted continues."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: `where` names the param, flag or part, `message` says what is wrong."""

    where: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", shortened(self.where, 2 * SHOWN))
        object.__setattr__(self, "message", shortened(self.message, LONGEST))

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class _MistakesError(RivyaError, ValueError):
    """Lists all mistakes that were found, in the order of the input."""

    def __init__(self, mistakes: Sequence[Mistake] | str) -> None:
        self.mistakes: tuple[Mistake, ...] = (
            (Mistake("", mistakes),) if isinstance(mistakes, str) else tuple(mistakes)
        )
        lines = _first([str(mistake) for mistake in self.mistakes])
        text = lines[0] if len(lines) == 1 else f"{len(self.mistakes)} mistakes\n  " + "\n  ".join(lines)
        # The input may contain half of a character, which a terminal cannot show.
        super().__init__(text.encode("utf-8", "backslashreplace").decode())


def _first(lines: list[str]) -> list[str]:
    """As many of the lines as a message holds, and how many more there are."""
    size = 0
    for at, line in enumerate(lines):
        size += len(line)
        if at and size > _LONGEST_LIST - SHOWN:
            return [*lines[:at], f"and {len(lines) - at:,} more"]
    return lines


class InvalidRequestError(_MistakesError):
    """The request breaks a rule of its model. `mistakes` lists all of them."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n  Nothing was sent and nothing was spent."


class UsageError(_MistakesError):
    """A magic's line, an argument or a name is wrong. `mistakes` lists all of them."""


class CreditLimitError(RivyaError):
    """A plan would cost more credits than is allowed; nothing was sent.

    `enough` is the limit in credits that would allow it; None if another limit than the plan's own was
    reached. `until` is when the period ends, in seconds since the epoch, if the limit is one of the store's.
    """

    def __init__(self, message: str, enough: int | None = None, until: float | None = None) -> None:
        super().__init__(message)
        self.enough = enough
        self.until = until


class NotConnectedError(RivyaError):
    """No service can be reached with the given key and address."""


class KeyringError(RivyaError):
    """The operating system's keyring cannot be read or written, or there is none."""


class StoreError(RivyaError):
    """The store's folder cannot be read or written."""


class UnreachableError(StoreError):
    """The bucket of the pictures refused, or did not answer; another attempt may succeed."""


class DatabaseUnreachableError(UnreachableError):
    """The store's database server did not answer, or ended the connection; another attempt may succeed.

    It is not known whether a transaction was done whose end was not answered.
    """


class JobTakenError(StoreError):
    """Another process works on the job by now, since it thought that this one had ended; nothing was changed."""


class TransportError(RivyaError):
    """No usable answer came back; whether the service acted on the request is not known."""


class NotDeliveredError(TransportError):
    """The request certainly never reached the service (no connection could be made).

    `may_pass` is True if the network is the reason, so that another attempt may succeed.
    """

    def __init__(self, message: str, *, may_pass: bool = True) -> None:
        super().__init__(message)
        self.may_pass = may_pass


class UnexpectedResponseError(TransportError):
    """An answer came back that the contract does not describe: HTML, broken JSON, another shape.

    `retry_after` is in seconds, None if the answer did not say it.
    """

    def __init__(
        self, message: str, *, http_status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.retry_after = retry_after


class PictureError(RivyaError):
    """The url of a finished task did not deliver an acceptable file, or cannot be fetched."""


class RunFailedError(RivyaError):
    """A run ended without a single picture."""


class ApiError(RivyaError):
    """The service refused a request.

    `code` is the documented code, empty if the answer had none. `http_status` is None for an error inside a
    task. The service's support can find the request by its `request_id`. `retry_after` is in seconds, None if
    the answer did not say it.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.code = code
        self.message = shortened(message, LONGEST)
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after = retry_after
        suffix = f" (request {request_id})" if request_id else ""
        super().__init__(f"{code}: {self.message}{suffix}" if code else f"{self.message}{suffix}")


class ApiKeyMissingError(ApiError):
    """`api_key_missing`: no key was sent."""


class ApiKeyInvalidError(ApiError):
    """`api_key_invalid`: the service does not know the key."""


class ApiKeyRevokedError(ApiError):
    """`api_key_revoked`: the key was withdrawn."""


class ApiKeyExpiredError(ApiError):
    """`api_key_expired`: the key's time is over."""


class ApiScopeDeniedError(ApiError):
    """`api_scope_denied`: the key may not do this."""


class ValidationFailedError(ApiError):
    """`validation_failed`: the service refused the request's content."""


class InsufficientCreditsError(ApiError):
    """`insufficient_credits`: the balance does not cover the request."""


class NotFoundError(ApiError):
    """`not_found`: no such task, file or model."""


class IdempotencyConflictError(ApiError):
    """`idempotency_conflict`: the key was used before, with another body."""


class RateLimitedError(ApiError):
    """`rate_limited`: too many requests; see `retry_after`."""


class PublicApiDisabledError(ApiError):
    """`public_api_disabled`: the service is switched off for now."""


class GenerationFailedError(ApiError):
    """`generation_failed`: the task failed; it is not billed."""


API_ERRORS: dict[str, type[ApiError]] = {
    "api_key_missing": ApiKeyMissingError,
    "api_key_invalid": ApiKeyInvalidError,
    "api_key_revoked": ApiKeyRevokedError,
    "api_key_expired": ApiKeyExpiredError,
    "api_scope_denied": ApiScopeDeniedError,
    "validation_failed": ValidationFailedError,
    "insufficient_credits": InsufficientCreditsError,
    "not_found": NotFoundError,
    "idempotency_conflict": IdempotencyConflictError,
    "rate_limited": RateLimitedError,
    "public_api_disabled": PublicApiDisabledError,
    "generation_failed": GenerationFailedError,
}
"""The documented codes, each with its error."""
