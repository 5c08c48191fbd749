"""The pictures that a study rests on, each with its place: the value of each axis, and the facts of its row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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


def places_in_runs(
    runs: Sequence[RunRecord], jobs: Mapping[str, JobRecord], excluded: Collection[str] = ()
) -> Iterator[PicturedPlace]:
    """All pictures of `jobs`, each once and in their order, with its place in `runs`, the oldest first.

    A job that stands in several of these runs has the labels and facts of all of them; where they name a column
    differently, those of the earliest run count.
    """
    labels: dict[str, dict[str, str]] = {}
    facts: dict[str, dict[str, str]] = {}
    for run in reversed(runs):
        cells = tuple(cell for cell in run.cells if cell.job_id in jobs)
        for place in pictured_places(replace(run, cells=cells), jobs, excluded):
            labels.setdefault(place.job.id, {}).update(place.labels)
            facts.setdefault(place.job.id, {}).update(place.facts)
    for job in jobs.values():
        if job.id not in excluded:
            for picture in job.pictures:
                yield PicturedPlace(job, picture, labels.get(job.id, {}), facts.get(job.id, {}))
