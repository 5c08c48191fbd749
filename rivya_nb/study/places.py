"""The pictures that a study rests on, each with its place: the value of each axis, and the facts of its row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from rivya_nb.store.records import JobRecord, PictureRecord, RunRecord, facts_at


@dataclass(frozen=True, slots=True)
class PicturedPlace:
    """A picture at its place in a run or a history: `labels` by the name of the axis, `facts` by their column.

    A job with several pictures has one of these for each. A job that stands at several places has its pictures at
    each of them.
    """

    job: JobRecord
    picture: PictureRecord
    labels: Mapping[str, str]
    facts: Mapping[str, str]


def pictured_places(
    record: RunRecord, jobs: Mapping[str, JobRecord], excluded: Collection[str] = ()
) -> Iterator[PicturedPlace]:
    """All pictures of a run in its order, less those of the jobs whose ids are `excluded`."""
    for cell in record.current(jobs):
        job = jobs[cell.job_id]
        if job.id in excluded:
            continue
        values = list(zip(record.axes, cell.coordinates, strict=True))
        labels = {axis.name: axis.labels[at] for axis, at in values}
        facts = facts_at(record.axes, cell.coordinates)
        for picture in job.pictures:
            yield PicturedPlace(job, picture, labels, facts)
