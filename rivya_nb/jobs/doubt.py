"""How long a submit without an answer may be repeated."""

from __future__ import annotations

import time

from rivya_nb.api.retry import REMEMBERED
from rivya_nb.store.records import JobRecord

DOUBTFUL = (
    "no answer came to its submit, more than 24 hours ago: whether it was billed is not known, and only "
    "resume with unsent=True (--unsent) sends it again, or fresh=True (--fresh) asks anew"
)


def is_doubtful(job: JobRecord) -> bool:
    """True if a submit got no answer, and is so old that repeating it under its key may be billed again."""
    unanswered = job.status in ("submitting", "unknown") and job.task_id is None
    # A time in the future was written by a wrong clock: then the age is not known.
    return unanswered and abs(time.time() - (job.submitted_at or job.created_at)) > REMEMBERED
