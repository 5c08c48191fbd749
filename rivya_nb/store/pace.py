"""What a store keeps of how long tasks take, and of what services allow. Importing this file does not import the
database."""

from __future__ import annotations

from dataclasses import dataclass

DURATIONS_KEPT = 200
"""The number of tasks of one kind whose durations are kept: the latest ones."""

DURATIONS_ENOUGH = 5
"""The fewest durations from which anything is learned."""


@dataclass(frozen=True, slots=True)
class TaskDuration:
    """How long one task took: at least `least` and at most `most` seconds from the answer to its submission.

    Both are the same if the service told it. `submitted_at` is in epoch seconds, by this machine's clock.
    """

    submitted_at: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class FoundLimits:
    """What a service was found to allow for one key at `found_at`, in epoch seconds.

    `rate` is calls per second and `places` tasks at a time, for all kernels with the key together; None where no
    limit was met.
    """

    rate: float | None = None
    places: float | None = None
    found_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What one kernel wants of a service: tasks that it has there, and all jobs that are not collected yet."""

    in_flight: int
    wanted: int
