"""What a canary's pictures say: the newest occasion compared with the first one that has pictures."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count
from rivya_nb.errors import PictureError
from rivya_nb.measures.comparing import WORKERS, reader
from rivya_nb.measures.metric import FRAME
from rivya_nb.study.drift import Comparison, Shift, cell_distances, compare, floor_of

if TYPE_CHECKING:
    from rivya_nb.measures.metric import Sample
    from rivya_nb.store.canaries import CanaryRecord, OccasionRecord
    from rivya_nb.store.records import JobRecord, PictureRecord
    from rivya_nb.store.store import Store

_BOX = (8 * FRAME, 8 * FRAME)
"""The pixels in which a picture is read, as for the differences of a grid."""


@dataclass(frozen=True)
class Asked:
    """One occasion: its jobs in the order of cells, each cell's replicates one after the other."""

    at: int
    jobs: tuple[JobRecord, ...]


@dataclass(frozen=True)
class Finding:
    """What an occasion says: `comparison` with the one at `then`, None for that one itself, and where no cell has
    two pictures of both.

    `floor` is how much two pictures of a cell differ that were made on this occasion, by kind; `notes` say what is
    missing.
    """

    at: int
    then: int
    floor: Mapping[str, float]
    comparison: Comparison | None
    notes: tuple[str, ...] = ()

    @property
    def is_first(self) -> bool:
        """True for the occasion that all others are compared with."""
        return self.at == self.then

    @property
    def differs(self) -> bool | None:
        """Whether the service differs from then by more than its noise floor; None if that cannot be said."""
        return None if self.comparison is None else self.comparison.differs

    def to_json(self) -> str:
        """The form in which an occasion keeps it."""
        return json.dumps(asdict(self))


def read_finding(text: str | None) -> Finding | None:
    """The finding that `to_json` wrote; None where there is none that can be read."""
    try:
        values: dict[str, Any] = json.loads(text or "")
        if (compared := values["comparison"]) is not None:
            shifts = {kind: Shift(**each) for kind, each in compared["shifts"].items()}
            values["comparison"] = Comparison(**{**compared, "shifts": shifts})
        return Finding(**{**values, "notes": tuple(values["notes"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def asked(store: Store, canary: CanaryRecord) -> list[Asked]:
    """The occasions that have a run, the oldest first."""
    return [_asked(store, each, each.run_id) for each in canary.occasions if each.run_id is not None]


def _asked(store: Store, occasion: OccasionRecord, run_id: int) -> Asked:
    run = store.runs.get(run_id)
    jobs = store.jobs([cell.job_id for cell in run.cells])
    cells = sorted(run.current(jobs), key=lambda cell: cell.coordinates)
    return Asked(occasion.at, tuple(jobs[cell.job_id] for cell in cells))


def examine(
    store: Store, canary: CanaryRecord, occasions: Sequence[Asked], excluded: Collection[str] = ()
) -> Finding | None:
    """Compare the newest occasion with the first one; None where there is no picture yet.

    Of each job its first picture counts, unless its id is `excluded`. A picture takes some 3 ms if the store has
    its small picture, and a pair some 4: call it off the event loop. scikit-image must be installed.
    """
    pictured = [each for each in occasions if any(job.pictures for job in each.jobs)]
    if not pictured:
        return None
    then, now = pictured[0], pictured[-1]
    both = [then] if then is now else [then, now]
    samples = _samples(store, [job.pictures[0] for each in both for job in each.jobs if job.pictures])
    usable = {
        job.id: found
        for each in both
        for job in each.jobs
        if job.pictures and job.id not in excluded and (found := samples[job.pictures[0]]) is not None
    }
    by_cell = [_by_cell(each, usable, canary.replicates) for each in both]
    earlier = by_cell[0] if len(both) > 1 else [[] for _ in by_cell[0]]
    floor = floor_of([cell_distances(cell, 0) for cell in by_cell[-1]])
    compared = None
    if len(both) > 1:
        pairs = zip(earlier, by_cell[-1], strict=True)
        compared = compare([cell_distances([*old, *new], len(old)) for old, new in pairs])
    return Finding(now.at, then.at, floor, compared, tuple(_notes(both, usable, excluded)))


def _samples(store: Store, pictures: Sequence[PictureRecord]) -> dict[PictureRecord, Sample | None]:
    from rivya_nb.measures.metric import sample

    files = store.files
    load = reader(files.thumbnails)

    def read(picture: PictureRecord) -> Sample | None:
        try:
            # Of a video, the frame in its middle.
            return sample(load(files.path(picture.sha256, picture.mime_type), _BOX)[0])
        except PictureError:
            return None

    distinct = list(dict.fromkeys(pictures))
    with ThreadPoolExecutor(WORKERS) as workers:
        return dict(zip(distinct, workers.map(read, distinct), strict=True))


def _by_cell(occasion: Asked, usable: Mapping[str, Sample], replicates: int) -> list[list[Sample]]:
    cells = [occasion.jobs[at : at + replicates] for at in range(0, len(occasion.jobs), replicates)]
    return [[usable[job.id] for job in cell if job.id in usable] for cell in cells]


def _notes(occasions: Sequence[Asked], usable: Mapping[str, Sample], excluded: Collection[str]) -> list[str]:
    jobs = [job for each in occasions for job in each.jobs]
    left_out = [job for job in jobs if job.id not in usable]
    deleted = sum(job.deleted_at is not None for job in left_out)
    failed = sum(job.status == "failed" for job in left_out)
    apart = sum(job.id in excluded for job in left_out)
    waiting = len(left_out) - deleted - failed - apart
    words = [
        (deleted, "deleted"),
        (failed, "failed"),
        (apart, "excluded"),
        (waiting, "not here or not readable"),
    ]
    told = [f"{count(number, 'picture')} {what}, and left out" for number, what in words if number]
    if any(job.seed is None for job in jobs):
        told.append("some requests send no seed: what another seed changes is a part of their noise floor")
    return told
