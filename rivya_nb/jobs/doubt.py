"""When a submit without an answer may be repeated: as long as the service knows its idempotency key, which belongs
to the account of the API key that it was sent with."""

from __future__ import annotations

from rivya_nb.api.retry import REMEMBERED
from rivya_nb.store.records import JobRecord

_LATE = (
    "no answer came to its submit, more than 24 hours ago: whether it was billed is not known, and only "
    "resume with unsent=True (--unsent) sends it again, or fresh=True (--fresh) asks anew"
)

_OF_ANOTHER_KEY = (
    "no answer came to its submit, which was made with another API key: whether it was billed is not known. "
    "Resume it where that key is used, which finds out; here only resume with unsent=True (--unsent) sends it "
    "again, or fresh=True (--fresh) asks anew"
)


def doubt(job: JobRecord, now: float, label: str) -> str | None:
    """Why a submit that got no answer may be billed a second time if it is repeated; None if it may not, or if
    there is no such submit.

    `now` is the time of the store's clock, in seconds since the epoch, and `label` the tag of the key here.
    """
    if job.status not in ("submitting", "unknown") or job.task_id is not None:
        return None
    if job.sent_with not in ("", label):
        return _OF_ANOTHER_KEY
    # A time in the future was written by a wrong clock: then the age is not known.
    return _LATE if abs(now - (job.submitted_at or job.created_at)) > REMEMBERED else None
