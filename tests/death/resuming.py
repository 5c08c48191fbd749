"""The process after the one that died: collects, then sends what never was."""

from __future__ import annotations

import contextlib

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY


def go_on(url: str, store: str) -> list[dict[str, object]]:
    """Collect everything, first what was sent and then what was not; the jobs as they ended."""
    rv.connect(DEFAULT_KEY, url, store=store)
    with contextlib.suppress(rv.UsageError):
        rv.resume().wait(60)
    with contextlib.suppress(rv.UsageError):
        rv.resume(unsent=True).wait(60)
    jobs = {job.id: job for run in rv.runs() for job in run}
    return [
        {
            "status": job.status,
            "task": job.task_id,
            "credits": job.credits,
            "sizes": [i.size for i in job.images],
        }
        for job in jobs.values()
    ]
