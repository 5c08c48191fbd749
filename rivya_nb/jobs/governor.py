"""Decides when a submit or a poll may leave: the pace of one session at its service.

It begins briskly and learns from the answers (`limits.py`), so that a run ends about when its slowest task does,
and a limit that the service does not tell is found within seconds. A refusal for the rate only delays.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rivya_nb.api.retry import RATE_LIMITED, RetryPolicy, in_words, pause, retry_after
from rivya_nb.jobs.giving_up import TICK, is_given_up
from rivya_nb.jobs.in_flight import InFlight
from rivya_nb.jobs.limits import Limits

if TYPE_CHECKING:
    from rivya_nb.errors import RateLimitedError
    from rivya_nb.jobs.durations import Curve
    from rivya_nb.jobs.job import LiveJob

CALLS_AT_FIRST = 4
"""Submits and polls that are under way at first."""

CALLS_GROWTH = 0.5
"""How many more may be under way after each answer that is no refusal."""

MOST_CALLS = 16
"""Submits and polls that are under way at most."""

LIKELY = 0.8
"""The probability of a free place from which on a submit is tried."""

LIKELIER = 0.95
"""The same where a refusal costs longer than `SHORT`, since the service then asks to wait."""

SHORT = 1.0
"""Seconds of a wait after a refusal that cost little."""

UNLIKELY = 0.2
"""The probability of a free place below which a submit that is taken shows that there are more places."""

LOOK = 0.1
"""Seconds between two estimates whether a place is free."""


_Entry = tuple[float, int, "asyncio.Future[None]"]
"""A waiting call: when it was due, its number, and the future that is its turn."""


class Governor:
    """The turns of one session's submits and polls. Every coroutine runs on the session's loop.

    At most `most_calls` are under way. `in_flight` has the tasks that the service works on, and `limits` what it
    was found to allow. `others` is how many tasks other kernels with the same key have there, and `share` the part
    of the places that is this kernel's; None stands for all.
    """

    def __init__(self, policy: RetryPolicy, limits: Limits) -> None:
        self.in_flight = InFlight()
        self.limits = limits
        self.others = 0
        self.share: float | None = None
        self._policy = policy
        self._calls = self._submitting = 0
        self.most_calls = float(CALLS_AT_FIRST)
        self._submits: list[_Entry] = []
        self._polls: list[_Entry] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._next = self._submits_until = self._polls_until = 0.0
        self._in_a_row, self._refused_at, self._asked = 0, 0.0, 0.0
        self._is_poll_in_row = False

    @property
    def places(self) -> float | None:
        """How many tasks this kernel may have at the service; None if no limit is known."""
        places = self.limits.places
        return places if places is None or self.share is None else min(self.share, places)

    @asynccontextmanager
    async def turn(self, job: LiveJob, due: float, *, submit: bool) -> AsyncIterator[bool]:
        """Wait for the turn of a submit or poll that was due at `due` (monotonic seconds), and count it as under
        way; False, without a turn, if a submit's job is given up before.

        The earliest due call leaves first. While a rate limit lasts, the job says so.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._submits if submit else self._polls
        heapq.heappush(waiting, (due, next(self._order), turn))
        self._let_go()
        told = False
        try:
            while not turn.done() and not (submit and is_given_up(job)):
                until = self._submits_until if submit else self._polls_until
                # One job says it for all that wait.
                if (left := until - time.monotonic()) > 0 and waiting[0][2] is turn:
                    told = True
                    job.changed(notice=f"{RATE_LIMITED}, next try in {in_words(left)}")
                elif told:
                    told = False
                    job.changed()
                await asyncio.wait([turn], timeout=TICK)
            if told:
                job.changed()
            yield turn.done()
        finally:
            if turn.done():
                self._calls -= 1
                self._submitting -= submit
            turn.cancel()
            self._let_go()

    def _let_go(self) -> None:
        """Let every call leave whose turn has come, and look again when the next one's may come."""
        if self._timer is not None:
            self._timer.cancel()
        now = time.monotonic()
        again = now + TICK
        while self._calls < self.most_calls:
            ready: list[list[_Entry]] = []
            for waiting in (self._submits, self._polls):
                while waiting and waiting[0][2].done():
                    heapq.heappop(waiting)
                if waiting and (wait := self._wait(now, submit=waiting is self._submits)) > 0:
                    again = min(again, now + wait)
                elif waiting:
                    ready.append(waiting)
            if not ready:
                break
            first = min(ready)
            heapq.heappop(first)[2].set_result(None)
            self._calls += 1
            self._submitting += first is self._submits
            if (rate := self.limits.own_rate) is not None:
                self._next = max(self._next, now) + 1 / rate
        if self._submits or self._polls:
            self._timer = asyncio.get_running_loop().call_later(again - now, self._let_go)

    def _wait(self, now: float, *, submit: bool) -> float:
        """Seconds until a call of this kind may leave, or until that is looked at again; 0 if it may leave now."""
        left = max(self._next, self._submits_until if submit else self._polls_until) - now
        places = self.places
        if left > 0 or not submit or places is None:
            return max(0.0, left)
        chance = self._chance(now, places)
        if chance >= (LIKELY if self._asked <= SHORT else LIKELIER):
            return 0.0
        # Only then the answer tells whether there is one more.
        if chance < UNLIKELY and self.limits.may_probe(now):
            self.limits.probe(now)
            return 0.0
        return LOOK

    def _chance(self, now: float, places: float) -> float:
        return self.in_flight.chance_of_place(now, places - self._submitting)

    def answered(self) -> None:
        """Note an answer that was no refusal for the rate."""
        self.most_calls = min(MOST_CALLS, self.most_calls + CALLS_GROWTH)
        self._in_a_row, self._is_poll_in_row = 0, False

    def submit_was_taken(self, job_id: str, submitted: float, curve: Curve | None) -> None:
        """Note a task that was submitted at `submitted`, in monotonic seconds."""
        now = time.monotonic()
        self.answered()
        if (places := self.places) is not None:
            unlikely = self.in_flight.chance_of_place(submitted, places) < UNLIKELY
            if unlikely and self.in_flight.is_known:
                self.limits.found_a_place(now)
            else:
                self.in_flight.submit_was_taken(now, places)
        self.limits.accepted(now, submit=True)
        self.in_flight.join(job_id, submitted, now, curve)

    def poll_was_answered(self) -> None:
        """Note a poll that was not refused."""
        self.answered()
        self.limits.accepted(time.monotonic(), submit=False)

    def task_has_ended(self, job_id: str, took: float | None) -> None:
        """Note a task that was seen ended; it took so many seconds, if that is known."""
        self.in_flight.leave(job_id, took)
        if self.limits.places is not None:
            if (found := self.in_flight.found_places()) is not None:
                self.limits.set_places(found + self.others, time.monotonic())
            elif (least := self.in_flight.taken_at_once() + self.others) > self.limits.places:
                self.limits.set_places(least, time.monotonic())
        self._let_go()

    def was_refused(self, error: RateLimitedError, began: float, *, submit: bool) -> None:
        """Pause after a call that left at `began` (monotonic seconds) and was answered 429."""
        now = time.monotonic()
        # Calls that were under way together met the same limit: it counts once.
        if began >= self._refused_at:
            self._in_a_row += 1
            self._asked = retry_after(error) or 0.0
            self.most_calls = max(CALLS_AT_FIRST, self.most_calls / 2)
            if not submit:
                self._is_poll_in_row = True
                self.limits.poll_was_refused(now)
            elif self.limits.submit_was_refused(now, self.in_flight.expected(now) + self.others):
                self.in_flight.submit_was_refused(now, self.places or 0.0)
                if not self._is_poll_in_row:
                    # How long to wait is known better from the tasks.
                    self._in_a_row = 1
        self._refused_at = now
        until = now + pause(self._policy, error, self._in_a_row)
        self._submits_until = max(self._submits_until, until)
        if not submit:
            self._polls_until = max(self._polls_until, until)
