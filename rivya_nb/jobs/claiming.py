"""Which of some jobs this process may work on, and which are another one's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rivya_nb.errors import CreditLimitError
from rivya_nb.store.records import UNFINISHED, UNSENT, JobRecord

if TYPE_CHECKING:
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.store.store import Store


@dataclass(frozen=True)
class Claimed:
    """The ids of the jobs that this process owns now (`own`), and of those that other processes work on or a
    worker will (`elsewhere`); `records` has the records that have changed, by id. `refusal` is why those stay
    stopped that another process has stopped, if they do."""

    own: Set[str]
    elsewhere: Set[str]
    records: Mapping[str, JobRecord]
    refusal: str | None = None


def claim(store: Store, jobs: Sequence[LiveJob]) -> Claimed:
    """Become the owner of these jobs, as far as they are free and not only watched.

    Raises:
        StoreError: the store cannot be read or written.
    """
    claims = store.claims
    states = claims.states([job.id for job in jobs])
    # The kernel that was to send a job has stopped it, but a run of this process wants it.
    stopped = [job for job in jobs if states[job.id][0] == "stopped" and not job.is_held]
    refusal = None
    if stopped:
        try:
            claims.reopen(list(store.jobs([job.id for job in stopped]).values()), "planned")
        except CreditLimitError as error:
            stopped, refusal = [], f"stopped where it was to be sent, and not sent here: {error}"
    free = {job.id for job in stopped}
    free |= {job_id for job_id, (status, taken) in states.items() if status in UNFINISHED and not taken}
    left = free & {job.id for job in jobs if job.is_watched}
    own = claims.claim(free - left) if free - left else set()
    # The last owner may have changed the record just before it ended.
    stale = [
        job.id
        for job in jobs
        if (status := states[job.id][0]) != job.record.status
        or (job.id in own and status not in UNSENT)
        or job.id in left
    ]
    records = store.jobs(stale)
    elsewhere = {job_id for job_id, (status, taken) in states.items() if status in UNFINISHED and taken}
    # Where a worker died, the next one takes over.
    elsewhere |= {job_id for job_id in left if records[job_id].deferred is not None}
    return Claimed(own, elsewhere, records, refusal)
