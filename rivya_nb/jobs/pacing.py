"""When a task is polled.

As long as nothing is known about tasks of its kind, it is as the contract recommends: first after 2 to 3 s, then
every 5 to 10 s with growing intervals, and slower for video and audio. With known durations the polls are placed
where they find most, by the same rules: none in the first 2 s, and intervals of at least 5 s that never shrink.
`docs/pace.md` has the formulas, and what they bring.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rivya_nb.contract.media import Medium
    from rivya_nb.jobs.durations import Curve, Durations

EARLIEST = 2.0
"""Seconds from the submission in which no task is polled."""

FIRST = 2.5
"""Seconds from the submission to the first poll, if no durations are known."""

SECOND = 5.0
"""Seconds from the first poll to the second; no interval is shorter."""

GROWTH = 1.2
"""The factor between an interval and the next, if no durations are known, or a task exceeds them."""

LONGEST = 10.0
"""Seconds of the longest interval, if no durations are known."""

LONGEST_SHARE = 0.06
"""The longest interval as a part of a task's age, if that is more, for tasks that exceed the known durations."""

POLL_COST = 0.6
"""A poll is worth it if it finds tasks so many seconds earlier, on average over those that still run …"""

POLL_COST_SHARE = 0.014
"""… plus so much of what a task typically takes."""

MOMENTS = 56
"""The number of moments among which polls are chosen, from the first known end on …"""

MOMENTS_BEFORE = 14
"""… and before it, where polls find nothing, but keep the intervals short."""

BEYOND = 1.3
"""The last moment, as a multiple of what slow tasks take."""

DEADLINE = 30 * 60.0
"""Seconds after which a task that has not ended is no longer polled; it can be resumed later."""

SLOWER = 2.0
"""By how much all of these times are longer for video and audio."""


def slowness(medium: Medium) -> float:
    """The factor of the times between polls for tasks that make this."""
    return 1.0 if medium == "image" else SLOWER


def next_poll(durations: Durations | None, polls: Sequence[float], slower: float = 1.0) -> float:
    """When to poll a task next; in seconds after the answer to its submission, as all times here.

    `polls` are the earlier polls, in their order, at the times at which they left; all found the task running.
    `slower` is its `slowness`.
    """
    curve = None if durations is None else durations.curve
    if curve is None:
        documented = slower * _documented(len(polls))
        return polls[-1] + max(documented, _last_interval(polls)) if polls else slower * FIRST
    plan = _plan(curve, slower * min(EARLIEST, FIRST), slower * SECOND)
    if not polls:
        return plan.first
    interval = max(slower * SECOND, _last_interval(polls))
    earliest = polls[-1] + interval
    if earliest > plan.moments[-1]:
        longest = max(slower * LONGEST, LONGEST_SHARE * polls[-1])
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
        before = _spaced(earliest, first, MOMENTS_BEFORE) if first > earliest else []
        last = max(BEYOND * curve.slow, first + 2 * shortest)
        self.moments = moments = [*before, *_spaced(first, last, MOMENTS), last]
        self._cost = POLL_COST + POLL_COST_SHARE * curve.typical
        self._running = running = [curve.survival(moment) for moment in moments]
        # The area below the curve, by which a mean delay is computed.
        pieces = zip(moments, moments[1:], running, running[1:], strict=False)
        areas = ((end - begin) * (more + less) / 2 for begin, end, more, less in pieces)
        self._area = list(accumulate(areas, initial=0.0))
        self._costs: list[list[float]] = [[]] * len(moments)
        self._next: list[bytes] = [b""] * len(moments)
        for number in reversed(range(len(moments))):
            self._costs[number], self._next[number] = self._after(number, shortest)
        self.first = min(zip(self._with_first(shortest), moments, strict=True))[1]
        del self._costs

    def after(self, last: float, earliest: float) -> float:
        """The best next poll that is not before `earliest`, after one at `last`."""
        row = max(0, bisect_right(self.moments, last) - 1)
        return max(earliest, self.moments[self._next[row][bisect_left(self.moments, earliest)]])

    def _after(self, number: int, shortest: float) -> tuple[list[float], bytes]:
        """For each moment: the least cost of a next poll there or later, after one at `number`; and which."""
        moments, all_costs, cost = self.moments, self._costs, self._cost
        begin, part = moments[number], self._running[number]
        count = following = len(moments)
        least, chosen = math.inf, count - 1
        costs, best = [least] * count, bytearray([chosen]) * count
        earliest = bisect_left(moments, begin + shortest)
        for here in range(count - 1, earliest - 1, -1):
            interval = moments[here] - begin
            after = moments[here] + interval
            while moments[following - 1] >= after:
                following -= 1
            # All that still run pay for the poll; those that end meanwhile wait for it.
            total = (cost + interval) * part - self._area[here] + self._area[number]
            total += all_costs[here][following] if following < count else self._beyond(here, interval)
            if total < least:
                least, chosen = total, here
            costs[here], best[here] = least, chosen
        costs[:earliest] = [least] * earliest
        best[:earliest] = bytes([chosen]) * earliest
        return costs, bytes(best)

    def _beyond(self, number: int, interval: float) -> float:
        """The cost behind the last moment: tasks go on there for about their age, and the interval stays."""
        return self._running[number] * (self._cost * (1 + self.moments[number] / interval) + interval / 2)

    def _with_first(self, shortest: float) -> Iterator[float]:
        """The cost of each moment as that of the first poll, up to which there is no interval to keep."""
        for number, moment in enumerate(self.moments):
            following = bisect_left(self.moments, moment + shortest)
            is_within = following < len(self.moments)
            rest = self._costs[number][following] if is_within else self._beyond(number, shortest)
            yield self._cost + moment - self._area[number] + rest


def _spaced(first: float, last: float, count: int) -> list[float]:
    """So many moments from the first on, each later by the same factor, up to the last, which is left out."""
    return [first * math.pow(last / first, number / count) for number in range(count)]


@lru_cache(maxsize=128)
def _plan(curve: Curve, earliest: float, shortest: float) -> _Plan:
    return _Plan(curve, earliest, shortest)
