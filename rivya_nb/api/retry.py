"""The one place that decides whether a call is repeated, how long it waits before that, and when it gives up.

| what happened | repeated |
|---|---|
| no connection (`NotDeliveredError`) | yes |
| reset, timeout, broken answer (`TransportError`) | yes |
| any 5xx, `public_api_disabled` | yes |
| 429 | yes, without limit: it says when to come back, and uses up neither attempts nor the budget |
| 409 after an attempt of a billed call without an answer | yes: the service may still be busy with that one |
| 400, 401, 402, 403, 404, 409, any other 4xx, a redirect, JSON of another shape | no: it cannot succeed |

Repeating a submit is safe only because each repetition has the same idempotency key and the same bytes.
`docs/retries.md` has the same rules and numbers beside those of other clients: keep both in step.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState

from rivya_nb.errors import (
    ApiError,
    NotDeliveredError,
    PublicApiDisabledError,
    RateLimitedError,
    TransportError,
    UnexpectedResponseError,
)

logger = logging.getLogger("rivya_nb.api")

T = TypeVar("T")


REMEMBERED = 24 * 3600.0
"""Seconds after a submit during which the service is expected to remember its idempotency key. The contract
does not say how long that is."""

LEAST = 10.0
"""Seconds for an attempt that begins when the budget is used up, because the event loop was busy meanwhile."""

_CHANCE = random.SystemRandom()
"""Spreads calls. A notebook that seeds Python's own generator gets its numbers from it undisturbed."""

RATE_LIMITED = "rate limited"
"""The reason for a wait after a 429."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a call is repeated. All times are in seconds.

    After the nth failed attempt, or the nth 429 in a row, the wait is

        Retry-After + uniform(0, first)                             if the answer sent one above 0,
        min(longest, first * 2 ** (n - 1)) * uniform(0.75, 1)       otherwise.

    The call ends with its last error after `attempts` failed attempts, if the wait would end later than
    `budget` after the first attempt began, or if the service asks for more than `longest_retry_after`. An
    attempt that is running when the budget is used up ends there, too. A 429 is not a failed attempt: its
    wait has no limit, and the budget counts neither that wait nor the attempt that it answered. With
    `ends_at_limit`, a 429 ends the call instead, unless an earlier attempt may have been accepted.
    """

    attempts: int = 5
    budget: float = 180.0
    first: float = 0.5
    longest: float = 8.0
    longest_retry_after: float = 120.0
    ends_at_limit: bool = False


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """A wait that begins now: `attempt` has just failed for `reason`, and `call` is repeated in `seconds`."""

    reason: str
    seconds: float
    attempt: int
    call: str

    def __str__(self) -> str:
        return f"{self.reason}, next try in {in_words(self.seconds)}"


OnWait = Callable[[RetryNotice], object]


async def repeat(
    attempt: Callable[[], Awaitable[T]],
    *,
    call: str,
    policy: RetryPolicy,
    on_wait: OnWait | None = None,
    billed: bool = False,
    until: float | None = None,
) -> T:
    """The result of `attempt`, repeated by the policy; if it fails for good, the last attempt's error is
    raised.

    A `billed` call never ends with an error that denies acceptance (`NotDeliveredError`, `ApiError`) if an
    earlier attempt may have been accepted: it ends with a `TransportError` that says both. While the service
    is busy with that attempt, it answers 409, and the call is repeated until the budget is used up. It is not
    repeated after `until`, in seconds since the epoch, which stands for an earlier call without an answer;
    None means 24 hours after the first attempt without one.
    """
    series = _Series(policy, call, billed=billed, until=until)

    async def once() -> T:
        began, started = time.time(), time.monotonic()
        if series.doubt is not None and series.is_late():
            raise series.doubt
        try:
            return await series.within_budget(attempt())
        except Exception as error:
            series.note(error, began, time.monotonic() - started)
            raise

    def announce(state: RetryCallState) -> None:
        error = _failure(state)
        if is_rate_limit(error):
            series.excused += state.upcoming_sleep
        _announce(on_wait, RetryNotice(_reason(error), state.upcoming_sleep, state.attempt_number, call))

    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        retry=lambda state: series.is_worth_repeating(_failure(state)),
        wait=lambda state: pause(policy, _failure(state), series.in_a_row),
        stop=series.is_over,
        before_sleep=announce,
        reraise=True,
    )
    try:
        return await retrying(once)
    except (NotDeliveredError, ApiError) as error:
        if not billed or series.doubt is None:
            raise
        last = error
    raise TransportError(
        f"{call}: an earlier attempt may have been accepted ({series.doubt}); the last one was not: {last}"
    ) from last


class _Series:
    """The attempts at one call. `doubt` is the first error of an attempt that may have been accepted,
    `in_a_row` the number of the last attempts that ended in the same way (by a 429, or otherwise), `excused`
    the seconds spent on rate limits."""

    def __init__(self, policy: RetryPolicy, call: str, *, billed: bool, until: float | None) -> None:
        self._policy = policy
        self._call = call
        self._started = time.monotonic()
        self._billed = billed
        self._until = until
        self._failures = 0
        self._limits = 0
        self._conflict: ApiError | None = None
        self.doubt: TransportError | None = None
        self.excused = 0.0

    @property
    def in_a_row(self) -> int:
        return self._limits or self._failures

    def note(self, error: Exception, began: float, took: float) -> None:
        """Count a failed attempt that began at this time, in seconds since the epoch, and took so many
        seconds."""
        if is_rate_limit(error):
            self._limits += 1
            self.excused += took
            return
        self._limits = 0
        self._conflict = error if isinstance(error, ApiError) and self._is_busy(error) else None
        if self._conflict is None:
            self._failures += 1
        if self.doubt is None and isinstance(error, TransportError):
            if isinstance(error, NotDeliveredError):
                return
            self.doubt = error
            self._until = began + REMEMBERED if self._until is None else self._until

    async def within_budget(self, attempt: Awaitable[T]) -> T:
        """Await an attempt for at most what is left of the budget."""
        left = self._policy.budget + self.excused - (time.monotonic() - self._started)
        try:
            return await asyncio.wait_for(attempt, left if left > 0 else LEAST)
        except asyncio.TimeoutError:
            budget = f"{self._policy.budget:g} s, all attempts together"
        if self._conflict is not None:
            # The conflict says more about an earlier attempt than that the time is over.
            raise self._conflict
        raise TransportError(f"{self._call}: no whole answer in {budget}")

    def _is_busy(self, error: BaseException | None) -> bool:
        """True if the service still works on an earlier attempt without an answer, of this call or before it."""
        doubtful = self._billed and self._until is not None
        return doubtful and isinstance(error, ApiError) and error.http_status == 409

    def is_worth_repeating(self, error: BaseException | None) -> bool:
        return _worth_repeating(error) or self._is_busy(error)

    def is_late(self) -> bool:
        """True if the service may have forgotten the key: the machine slept, or a rate limit lasted long."""
        return self._billed and self._until is not None and time.time() > self._until

    def is_over(self, state: RetryCallState) -> bool:
        if self.is_late():
            return True
        policy, error = self._policy, _failure(state)
        if is_rate_limit(error):
            return policy.ends_at_limit and self.doubt is None
        asked = retry_after(error) or 0.0
        spent = time.monotonic() - self._started + state.upcoming_sleep - self.excused
        used_up = self._failures >= policy.attempts and not self._is_busy(error)
        return used_up or asked > policy.longest_retry_after or spent > policy.budget


def pause(policy: RetryPolicy, error: BaseException | None, failures: int) -> float:
    """Seconds to wait after so many failures in a row, of which `error` is the last."""
    asked = retry_after(error)
    if asked is not None:
        return asked + _CHANCE.uniform(0, policy.first)
    # The exponent is bounded: a rate limit may last for days.
    doublings = min(failures - 1, 30)
    return min(policy.longest, policy.first * 2.0**doublings) * _CHANCE.uniform(0.75, 1)


def in_words(seconds: float) -> str:
    """The length of a wait, for a user."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def is_rate_limit(error: BaseException | None) -> bool:
    """True if the service, or a proxy before it, refused a call only because of the rate of calls."""
    return isinstance(error, RateLimitedError) or getattr(error, "http_status", None) == 429


def retry_after(error: BaseException | None) -> float | None:
    """The seconds that an answer asks to wait; None if it does not."""
    asked = error.retry_after if isinstance(error, (ApiError, UnexpectedResponseError)) else None
    return asked if asked is not None and asked > 0 else None


def _failure(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _worth_repeating(error: BaseException | None) -> bool:
    if is_rate_limit(error):
        return True
    if isinstance(error, UnexpectedResponseError):
        status = error.http_status
        # A 2xx here was cut or garbled; the shape of valid JSON is checked later.
        return status is None or status >= 500 or 200 <= status < 300
    if isinstance(error, NotDeliveredError):
        return error.may_pass
    return isinstance(error, (TransportError, PublicApiDisabledError))


def _reason(error: BaseException | None) -> str:
    status = getattr(error, "http_status", None)
    if is_rate_limit(error):
        return RATE_LIMITED
    if isinstance(error, PublicApiDisabledError):
        return "the service is switched off for now"
    if isinstance(error, NotDeliveredError):
        return "the service cannot be reached"
    if status == 409:
        return "the service is busy with an earlier attempt"
    if isinstance(status, int) and status >= 500:
        return f"the service failed ({status})"
    return "no usable answer"


def _announce(on_wait: OnWait | None, notice: RetryNotice) -> None:
    if on_wait is None:
        return
    try:
        on_wait(notice)
    except Exception:
        # The call may be paid for: it continues even if the wait cannot be shown.
        logger.warning("the listener to waits failed", exc_info=True)
