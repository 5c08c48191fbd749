"""When a task is polled.

As long as nothing is known about tasks of its kind, it is as the contract recommends: first after 2 to 3 s, then
every 5 to 10 s with growing intervals. With known durations the polls are placed where they find most, by the
same rules: none in the first 2 s, and intervals of at least 5 s that never shrink. `docs/pace.md` has the
formulas, and what they bring.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rivya_nb.jobs.durations import Curve, Durations

EARLIEST = 2.0
"""Seconds from the submission in which no task is polled."""

FIRST = 2.5
"""Seconds from the submission to the first poll, if no durations are known."""

SECOND = 5.0
"""Seconds from the first poll to the second; no interval is shorter."""

GROWTH = 1.2
"""The factor between an interval and the next, if no durations are known, or all are exceeded."""

LONGEST = 10.0
"""Seconds of the longest interval, if no durations are known."""

LONGEST_SHARE = 0.1
"""The longest interval as a part of a task's age, if that is more and all known durations are exceeded."""

POLL_COST = 0.4
"""A poll is worth it if it finds tasks so many seconds earlier, on average over those that still run …"""

POLL_COST_SHARE = 0.018
"""… plus so much of what a task typically takes."""

MOMENTS = 64
"""The number of moments among which polls are chosen."""

BEYOND = 1.5
"""The last moment, as a multiple of the longest known duration."""

DEADLINE = 30 * 60.0
"""Seconds after which a task that has not ended is no longer polled; it can be resumed later."""


def next_poll(durations: Durations | None, polls: Sequence[float]) -> float:
    """When to poll a task next; in seconds after the answer to its submission, as all times here.

    `polls` are the earlier polls, in their order, at the times at which they left; all found the task running.
    """
    curve = None if durations is None else durations.curve
    if curve is None:
        return polls[-1] + max(_documented(len(polls)), _last_interval(polls)) if polls else FIRST
    plan = _plan(curve, min(EARLIEST, FIRST), SECOND)
    if not polls:
        return plan.first
    interval = max(SECOND, _last_interval(polls))
    earliest = polls[-1] + interval
    if earliest > plan.moments[-1]:
        longest = max(LONGEST, LONGEST_SHARE * polls[-1])
        return polls[-1] + max(interval, min(longest, _last_interval(polls) * GROWTH))
    return plan.after(polls[-1], earliest)


def _documented(interval: int) -> float:
    """Seconds of the first, second, third … interval."""
    return min(LONGEST, SECOND * math.pow(GROWTH, min(interval - 1, 100)))


def _last_interval(polls: Sequence[float]) -> float:
    return polls[-1] - polls[-2] if len(polls) > 1 else 0.0


class _Plan:
    """The best polls for a curve, found from the last one back.

    A way to poll costs the mean time between a task's end and the poll that sees it, plus `cost` seconds for each
    poll. What is still to come depends on the last poll and on the last interval, since none may be shorter: so,
    for each moment of the last poll, `_next` has the best next moment among those that are not before another.
    """

    def __init__(self, curve: Curve, earliest: float, shortest: float) -> None:
        first = max(earliest, curve.start)
        last = max(BEYOND * curve.end, first + 2 * shortest)
        ratio = math.pow(last / first, 1 / (MOMENTS - 1))
        self.moments = [first * math.pow(ratio, number) for number in range(MOMENTS)]
        self._cost = POLL_COST + POLL_COST_SHARE * curve.typical
        self._running = [curve.survival(moment) for moment in self.moments]
        # The area below the curve, by which a mean delay is computed.
        pieces = zip(self.moments, self.moments[1:], self._running, self._running[1:], strict=False)
        self._area = list(
            accumulate(((end - begin) * (s + e) / 2 for begin, end, s, e in pieces), initial=0.0)
        )
        self._costs: list[list[float]] = [[]] * MOMENTS
        self._next: list[bytes] = [b""] * MOMENTS
        for number in reversed(range(MOMENTS)):
            self._costs[number], self._next[number] = self._from(number, shortest)
        # Before the first poll no interval is kept, so it is compared with all that may follow.
        totals = [self._first_total(number, shortest) for number in range(MOMENTS)]
        self.first = self.moments[totals.index(min(totals))]
        del self._costs

    def after(self, last: float, earliest: float) -> float:
        """The best next poll that is not before `earliest`, after one at `last`."""
        row = max(0, bisect_right(self.moments, last) - 1)
        return max(earliest, self.moments[self._next[row][bisect_left(self.moments, earliest)]])

    def _from(self, number: int, shortest: float) -> tuple[list[float], bytes]:
        """For each moment: the least cost of a next poll there or later, after one at `number`; and which."""
        moments, running, area = self.moments, self._running, self._area
        begin, part, area_before = moments[number], running[number], area[number]
        costs, best = [math.inf] * MOMENTS, bytearray([MOMENTS - 1]) * MOMENTS
        least, chosen, following = math.inf, MOMENTS - 1, MOMENTS
        for here in range(MOMENTS - 1, number, -1):
            interval = moments[here] - begin
            if interval < shortest:
                costs[: here + 1] = [least] * (here + 1)
                best[: here + 1] = bytes([chosen]) * (here + 1)
                break
            while following > here and moments[following - 1] >= moments[here] + interval:
                following -= 1
            # All that still run pay for the poll; those that end meanwhile wait for it.
            total = (self._cost + interval) * part - (area[here] - area_before)
            total += self._rest(here, following, interval)
            if total < least:
                least, chosen = total, here
            costs[here], best[here] = least, chosen
        return costs, bytes(best)

    def _rest(self, here: int, following: int, interval: float) -> float:
        """The cost after a poll: `following` is the first moment that keeps the interval."""
        if following < MOMENTS:
            return self._costs[here][following]
        # Behind the last moment, tasks go on for about their age, and the intervals stay.
        return self._running[here] * (self._cost * (1 + self.moments[here] / interval) + interval / 2)

    def _first_total(self, number: int, shortest: float) -> float:
        moment = self.moments[number]
        following = bisect_left(self.moments, moment + shortest)
        return self._cost + moment - self._area[number] + self._rest(number, following, shortest)


@lru_cache(maxsize=128)
def _plan(curve: Curve, earliest: float, shortest: float) -> _Plan:
    return _Plan(curve, earliest, shortest)
