"""How long tasks take: always the same time, or a time that differs from task to task."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

_QUANTILE = NormalDist().inv_cdf(0.95)
"""Standard deviations from the middle to the end of a range that holds 90 % of the tasks."""


@dataclass(frozen=True, slots=True)
class LatencyRange:
    """A lognormal law: 90 % of the tasks take between `low` and `high` seconds, 5 % less and 5 % more.

    Raises:
        ValueError: not 0 < low < high < infinity.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise ValueError("a range of seconds has two ends above 0, the smaller one first, such as 8..20")

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the tasks ends; 0 < `share` < 1."""
        low, high = math.log(self.low), math.log(self.high)
        return math.exp(NormalDist((low + high) / 2, (high - low) / 2 / _QUANTILE).inv_cdf(share))


Latency = float | LatencyRange
"""Seconds from the submission of a task to its end."""


def parse(text: str) -> Latency:
    """`3` is always 3 s, `8..20` a LatencyRange.

    Raises:
        ValueError: the text is neither, or the seconds are negative or not finite.
    """
    low, dots, high = text.partition("..")
    try:
        numbers = [float(each) for each in ((low, high) if dots else (low,))]
    except ValueError:
        raise ValueError(f"{text!r} is neither a number of seconds nor a range such as 8..20") from None
    if len(numbers) == 2:
        return LatencyRange(*numbers)
    if not 0 <= numbers[0] < math.inf:
        raise ValueError(f"{text!r} is not a number of seconds from 0 on")
    return numbers[0]


def task_seconds(latency: Latency, request: str, number: int) -> float:
    """The seconds of one task: the same for the same request and number.

    `request` is any text that is the same for the same request; `number` tells its tasks apart, from 0 on.
    """
    if not isinstance(latency, LatencyRange):
        return latency
    digest = hashlib.sha256(f"{number} {request}".encode("utf-8", "replace")).digest()
    return latency.quantile((int.from_bytes(digest[:6], "big") + 0.5) / 2**48)
