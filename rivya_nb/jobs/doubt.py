"""Submits that never got an answer: how long they may be repeated."""

from __future__ import annotations

import time

from rivya_nb.api.retry import REMEMBERED
from rivya_nb.store.records import JobRecord

DOUBTFUL = (
    "no answer came to its submit, more than 24 hours ago: whether it was billed is not known, and only "
    "resume with unsent=True (--unsent) sends it again, or fresh=True (--fresh) asks anew"
)


def is_doubtful(job: JobRecord) -> bool:
    """Whether a submit was never answered, and is too old to be repeated under its key without being billed."""
    unanswered = job.status in ("submitting", "unknown") and job.task_id is None
    # A submit in the future was written down by a clock that was wrong: then its age is not known.
    return unanswered and abs(time.time() - (job.submitted_at or job.created_at)) > REMEMBERED
