"""What a run tells its user while jobs wait for their turn: how far it is, and what holds it."""

from __future__ import annotations


def outlook(submitted: int, jobs: int, *, rate: float | None, places: float | None) -> str:
    """One line, such as "12 of 240 submitted, the service takes about 8 calls a second".

    `rate` is what the service takes in calls per second, and `places` in tasks at a time; both are None where no
    limit was met.
    """
    told = [f"{submitted:,} of {jobs:,} submitted"]
    if rate is not None:
        pace = f"{rate:.0f} calls a second" if rate >= 1.5 else f"{max(1.0, rate * 60):.0f} calls a minute"
        told.append(f"the service takes about {pace}")
    if places is not None:
        told.append(f"the service works on about {places:.0f} at a time")
    return ", ".join(told)
