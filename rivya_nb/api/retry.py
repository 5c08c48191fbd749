"""The one place that decides whether a call is repeated, how long it waits before, and when it gives up.

| what happened | repeated |
|---|---|
| no connection (`NotDeliveredError`) | yes |
| reset, timeout, broken answer (`TransportError`) | yes |
| 429, any 5xx, `public_api_disabled` | yes |
| 409 after an attempt of a billed call without an answer | yes: the service may still be busy with that one |
| 400, 401, 402, 403, 404, 409, any other 4xx, a redirect, JSON of another shape | no: it cannot succeed |

Repeating a submit is safe only because each repetition carries the same idempotency key and the same bytes.
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
"""Seconds after a submit for which the service is trusted to know its idempotency key. The contract does not say
how long that is."""

LEAST = 10.0
"""Seconds for an attempt that begins when the budget is used up: the event loop was busy during the wait."""

RATE_LIMITED = "rate limited"
"""The reason of a wait for a 429."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a call is repeated. All times are in seconds.

    Before attempt n + 1 the wait is

        Retry-After + uniform(0, first)                             where the answer sent one above 0,
        min(longest, first * 2 ** (n - 1)) * uniform(0.75, 1)       otherwise.

    The call ends with its last error after `attempts` attempts, where the wait would end later than `budget`
    after the first attempt began, or where the service asks for more than `longest_retry_after`. An attempt that
    is under way when the budget is used up ends there too.
    """

    attempts: int = 5
    budget: float = 180.0
    first: float = 0.5
    longest: float = 8.0
    longest_retry_after: float = 120.0


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """A wait that is about to begin: `attempt` has just failed for `reason`, `call` goes on in `seconds`."""

    reason: str
    seconds: float
    attempt: int
    call: str

    def __str__(self) -> str:
        return f"{self.reason}, next try in {self.seconds:.0f} s"


OnWait = Callable[[RetryNotice], object]


async def repeat(
    attempt: Callable[[], Awaitable[T]],
    *,
    call: str,
    policy: RetryPolicy,
    on_wait: OnWait | None = None,
    billed: bool = False,
) -> T:
    """The result of `attempt`, repeated as the policy says; else the last attempt's error.

    A `billed` call never ends with an error that denies acceptance (`NotDeliveredError`, `ApiError`) where an
    earlier attempt may have been accepted: it ends with a `TransportError` that tells both. While the service is
    busy with that one, it answers 409, and the call is repeated until the budget is used up.
    """
    doubt: TransportError | None = None
    conflict: ApiError | None = None
    began = time.time()
    started = time.monotonic()

    def is_late() -> bool:
        # Where the machine slept while this waited, the key may be forgotten by now.
        return billed and time.time() - began > REMEMBERED

    async def once() -> T:
        nonlocal doubt, conflict
        if doubt is not None and is_late():
            raise doubt
        left = policy.budget - (time.monotonic() - started)
        try:
            return await asyncio.wait_for(attempt(), left if left > 0 else LEAST)
        except asyncio.TimeoutError:
            late = TransportError(f"{call}: no whole answer in {policy.budget:g} s, all attempts together")
        except ApiError as error:
            conflict = error if is_taken(error) else None
            raise
        except TransportError as error:
            if not isinstance(error, NotDeliveredError):
                doubt = error
            raise
        if conflict is not None:
            # What was last said of the earlier attempt tells more than that time is over.
            raise conflict
        doubt = late
        raise late

    def is_taken(error: BaseException | None) -> bool:
        """True if the service still works on an earlier attempt that got no answer."""
        return doubt is not None and billed and isinstance(error, ApiError) and error.http_status == 409

    def is_over(state: RetryCallState) -> bool:
        error = _failure(state)
        return is_late() or _is_over(policy, state, counts=not is_taken(error))

    def announce(state: RetryCallState) -> None:
        reason = _reason(_failure(state))
        _announce(on_wait, RetryNotice(reason, state.upcoming_sleep, state.attempt_number, call))

    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        retry=lambda state: _worth_repeating(_failure(state)) or is_taken(_failure(state)),
        wait=lambda state: _seconds(policy, _failure(state), state.attempt_number),
        stop=is_over,
        before_sleep=announce,
        reraise=True,
    )
    try:
        return await retrying(once)
    except (NotDeliveredError, ApiError) as error:
        if not billed or doubt is None:
            raise
        last = error
    raise TransportError(
        f"{call}: an earlier attempt may have been accepted ({doubt}); the last one was not: {last}"
    ) from last


def _failure(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _worth_repeating(error: BaseException | None) -> bool:
    if isinstance(error, UnexpectedResponseError):
        status = error.http_status
        # A 2xx that reached this point was cut or garbled; the shape of whole JSON is read afterwards.
        return status is None or status == 429 or status >= 500 or 200 <= status < 300
    if isinstance(error, NotDeliveredError):
        return error.may_pass
    return isinstance(error, (TransportError, RateLimitedError, PublicApiDisabledError))


def _retry_after(error: BaseException | None) -> float | None:
    asked = error.retry_after if isinstance(error, (ApiError, UnexpectedResponseError)) else None
    return asked if asked is not None and asked > 0 else None


def _seconds(policy: RetryPolicy, error: BaseException | None, attempt: int) -> float:
    asked = _retry_after(error)
    if asked is not None:
        return asked + random.uniform(0, policy.first)  # noqa: S311 - spreads calls, guards nothing
    pause: float = min(policy.longest, policy.first * 2 ** (attempt - 1))
    return pause * random.uniform(0.75, 1)  # noqa: S311


def _is_over(policy: RetryPolicy, state: RetryCallState, *, counts: bool) -> bool:
    """True if nothing is left to try with; an attempt that `counts` uses up one of the policy's."""
    asked = _retry_after(_failure(state)) or 0.0
    spent = (state.seconds_since_start or 0.0) + state.upcoming_sleep
    return (
        (counts and state.attempt_number >= policy.attempts)
        or asked > policy.longest_retry_after
        or spent > policy.budget
    )


def _reason(error: BaseException | None) -> str:
    status = getattr(error, "http_status", None)
    if isinstance(error, RateLimitedError) or status == 429:
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
        # A face that cannot show a wait is no reason to give up a call that is paid for.
        logger.warning("the listener to waits failed", exc_info=True)
