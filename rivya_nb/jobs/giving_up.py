"""When a job is given up before its submit: no run wants it any more."""

from __future__ import annotations

from rivya_nb.jobs.job import LiveJob
from rivya_nb.store.records import UNSENT

TICK = 1.0
"""Seconds after which a waiting job updates its notice, and checks whether it is still wanted."""


def is_given_up(job: LiveJob) -> bool:
    """True if a job was not sent, and no run wants it any more."""
    return job.record.is_final or (job.is_held and job.record.status in UNSENT)
