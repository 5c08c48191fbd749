"""What a run that waits for its turn tells its user: how far it is, what holds it, and how long it may take."""

from __future__ import annotations

CALLS_OF_A_JOB = 3.0
"""Calls that a job takes about: its submit, and two polls."""


def outlook(
    *,
    submitted: int,
    jobs: int,
    waiting: int,
    at_a_time: float,
    rate: float | None,
    places: float | None,
    typical: float | None,
) -> str:
    """One line, such as "12 of 240 submitted, the service takes about 8 calls a second, about 4 min left".

    `submitted` and `jobs` are the run's. `waiting` jobs of all runs share `at_a_time` places; `rate` is what the
    service takes in calls per second, `places` in tasks at a time, both None where no limit is known. A task
    typically takes `typical` seconds; None if that is not known.
    """
    told = [f"{submitted:,} of {jobs:,} submitted"]
    seconds = 0.0
    if rate is not None:
        told.append(f"the service takes about {rate:.0f} {'call' if rate < 1.5 else 'calls'} a second")
        seconds = waiting * CALLS_OF_A_JOB / rate
    if places is not None:
        told.append(f"the service works on about {places:.0f} at a time")
    if typical is not None:
        seconds = max(seconds, waiting * typical / at_a_time) + typical
    if seconds:
        told.append(f"about {_rounded(seconds)} left")
    return ", ".join(told)


def _rounded(seconds: float) -> str:
    if seconds < 55:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h"
