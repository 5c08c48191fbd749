"""The store's records: plain frozen data. Importing this file does not import the database."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.media import Medium, medium_of
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request

UNSENT = frozenset({"planned", "uploading"})
"""Statuses of jobs that were certainly never submitted."""

SENT = frozenset({"submitting", "queued", "processing", "downloading"})
"""Statuses of unfinished jobs that were, or may have been, submitted: they may be billed, so they are
followed."""

FINAL = frozenset({"succeeded", "failed", "undelivered", "unknown", "stopped"})
"""Statuses of jobs that change only when the user asks for it."""

COLLECTABLE: Mapping[str, str] = {"unknown": "submitting", "undelivered": "downloading"}
"""Statuses of jobs that ended without a picture, though one is or may be paid for, each with the step from
which it is continued."""

UNFINISHED = UNSENT | SENT

NOT_BILLED = frozenset({"failed", "stopped"})

STATUSES = (
    "planned",
    "uploading",
    "submitting",
    "queued",
    "processing",
    "downloading",
    "succeeded",
    "failed",
    "undelivered",
    "unknown",
    "stopped",
)
"""Every status, in the order of a job's life."""


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """One file that a job has made: `sha256` in hex names it; width and height in pixels, size in bytes, duration
    in seconds.

    Width and height are 0 if there is no picture in it, or its format could not be decoded. The duration of a
    picture is None, and that of a video or sound where it cannot be read.
    """

    sha256: str
    mime_type: str
    width: int
    height: int
    size: int
    duration: float | None = None

    @property
    def medium(self) -> Medium:
        """Whether it is a picture, a video or sound."""
        return medium_of(self.mime_type)

    def as_reference(self, name: str) -> Reference:
        """The file as the input of another request, under this name."""
        return Reference(self.sha256, self.medium, self.mime_type, name, self.size, duration=self.duration)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One request's life.

    `id` is also the idempotency key. `price` is the documented price in credits, None if not known; with
    `price_is_least`, it may cost more. `makes` is what its model makes. `reserved_credits` and `final_credits` are
    the service's, None until it says them. `body` is the exact text that was, or will be, posted. `remote_status`
    is the service's own word. Times are seconds since the epoch. `owner` is the process that works on the job (see
    `ownership.py`). `params` are those that are sent. `deferred` is the id of the run that leaves the job to
    workers, if any. `deleted_at` is when the user deleted its pictures. `replicate` numbers requests that are the
    same on purpose; it is not sent. `asked_by` is the user who asked for it; empty where that is not known.
    `sent_with` is the tag of the key with which it was sent, once it was.
    """

    id: str
    service: str
    model: str
    prompt: str
    params: Mapping[str, ParamValue] = field(hash=False)
    references: tuple[Reference, ...]
    identity: str
    seed: ParamValue | None
    price: int | None
    status: str
    created_at: float
    task_id: str | None = None
    reserved_credits: int | None = None
    final_credits: int | None = None
    body: str | None = None
    remote_status: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    submitted_at: float | None = None
    finished_at: float | None = None
    owner: str | None = None
    deleted_at: float | None = None
    deferred: int | None = None
    replicate: int = 1
    asked_by: str = ""
    price_is_least: bool = False
    makes: Medium = "image"
    sent_with: str = ""
    pictures: tuple[PictureRecord, ...] = ()

    @property
    def shared_params(self) -> dict[str, ParamValue]:
        """The params that are sent, by the names that axes and filters have for them."""
        return shared_names(self.params)

    @property
    def is_final(self) -> bool:
        """True if the job has ended, well or not."""
        return self.status in FINAL

    @property
    def is_deferred(self) -> bool:
        """True if it was not sent yet, and a worker is to send it."""
        return self.deferred is not None and self.status in UNSENT

    @property
    def is_known_again(self) -> bool:
        """True if another job of the same request may stand for it: its seed or its number was written down."""
        return self.seed is not None or self.replicate > 1

    @property
    def is_there(self) -> bool:
        """True if its picture exists, or may still come without another request."""
        return bool(self.pictures) or self.status in UNFINISHED or self.status in COLLECTABLE

    # What a job costs is decided here alone. `store/billing.py` says the same in SQL, and a test compares both.

    @property
    def has_open_price(self) -> bool:
        """True if nobody knows beforehand what it may cost at most."""
        return self.price is None or self.price_is_least

    @property
    def expected_credits(self) -> int:
        """What the job costs if it succeeds: what the service reserved, or else the documented price (0 where that
        is not known)."""
        return (self.price or 0) if self.reserved_credits is None else self.reserved_credits

    @property
    def committed(self) -> int:
        """What the job costs, will cost or may have cost, in credits; this counts against a limit.

        0 where it failed or was stopped; the final credits where it has ended and they are known; otherwise what
        is expected.
        """
        if self.status in NOT_BILLED:
            return 0
        final = self.final_credits if self.is_final else None
        return self.expected_credits if final is None else final

    @property
    def credits(self) -> int:
        """The part of `committed` that was billed or is reserved: 0 until the service has taken the job."""
        return self.committed if self._is_taken else 0

    @property
    def certain_credits(self) -> int:
        """`credits`, but 0 where nobody knows how the job ended (`perhaps_billed`)."""
        return 0 if self.status == "unknown" else self.credits

    @property
    def costs_about(self) -> bool:
        """Whether the service took the job and did not say what it costs: `credits` is the documented price."""
        return self._is_taken and self.status not in NOT_BILLED and not self._is_told

    @property
    def credits_known(self) -> bool:
        """Whether `credits` is what the service said, or certainly nothing."""
        return not self.costs_about and self.status != "unknown"

    @property
    def is_paid_elsewhere(self) -> bool:
        """Whether it came from the store of somebody else, who paid for it: `credits` is 0, whatever it cost."""
        return self.status == "succeeded" and not self._is_taken

    @property
    def perhaps_billed(self) -> int:
        """Credits that were billed or not: nobody knows how the job ended."""
        return self.committed if self.status == "unknown" else 0

    @property
    def refunded(self) -> int:
        """Credits that were reserved, and came back when the job ended."""
        return max(0, (self.reserved_credits or 0) - self.committed) if self.is_final else 0

    @property
    def _is_told(self) -> bool:
        """Whether the service said what the job costs."""
        return self.reserved_credits is not None or (self.is_final and self.final_credits is not None)

    @property
    def _is_taken(self) -> bool:
        return self.task_id is not None or self._is_told

    @property
    def request(self) -> Request:
        return Request(
            self.model,
            self.prompt,
            self.params,
            self.references,
            self.price,
            replicate=self.replicate,
            price_is_least=self.price_is_least,
            makes=self.makes,
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """What several jobs have cost: each field sums up what `JobRecord` has under the same name.

    `certain_credits` were billed or are reserved; for some of them only the documented price is known where
    `costs_about`. `perhaps_billed` come on top of them, if they were billed at all.
    """

    credits: int = 0
    certain_credits: int = 0
    costs_about: bool = False
    perhaps_billed: int = 0

    @classmethod
    def by(cls, jobs: Iterable[JobRecord]) -> Spent:
        """The sums over these jobs."""
        return sum(
            (
                cls(
                    job.credits,
                    job.certain_credits,
                    job.costs_about and job.status != "unknown",
                    job.perhaps_billed,
                )
                for job in jobs
            ),
            cls(),
        )

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.credits + other.credits,
            self.certain_credits + other.certain_credits,
            self.costs_about or other.costs_about,
            self.perhaps_billed + other.perhaps_billed,
        )


class JobChanges(TypedDict, total=False):
    """The fields of `JobRecord` that may change."""

    status: str
    task_id: str | None
    reserved_credits: int | None
    final_credits: int | None
    body: str | None
    remote_status: str | None
    error_code: str | None
    error_message: str | None
    request_id: str | None
    submitted_at: float | None
    finished_at: float | None
    owner: str | None
    sent_with: str


HIGHEST_RATING = 5


@dataclass(frozen=True, slots=True)
class Marks:
    """The user's marks on a job's pictures. `rating` is 1 to 5, 0 if not rated; `tags` are sorted. `excluded` is
    the reason why they count in no figure, on one line; empty where they count."""

    rating: int = 0
    favourite: bool = False
    hidden: bool = False
    note: str = ""
    tags: tuple[str, ...] = ()
    excluded: str = ""


class MarkChanges(TypedDict, total=False):
    """The fields of `Marks` that may change. `tags` replaces all tags."""

    rating: int
    favourite: bool
    hidden: bool
    note: str
    tags: Collection[str]
    excluded: str


@dataclass(frozen=True, slots=True)
class AxisRecord:
    """One axis of a run and its values' labels. The first axis is rows, the second columns, others are pages.

    `facts` has, for each value, what its row of a table says beside the params, by column; it is empty where the
    axis comes from no table.
    """

    name: str
    labels: tuple[str, ...]
    facts: tuple[Mapping[str, str], ...] = field(default=(), hash=False)


def facts_at(axes: Sequence[AxisRecord], place: Sequence[int]) -> dict[str, str]:
    """The facts of a place, by column."""
    values = zip(axes, place, strict=True)
    return {name: text for axis, at in values if axis.facts for name, text in axis.facts[at].items()}


@dataclass(frozen=True, slots=True)
class CellRecord:
    """A job's place in a run: one index into each axis' labels. `reused` is True if the job is not new."""

    job_id: str
    coordinates: tuple[int, ...]
    reused: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The jobs of one cell, call or click, in the order of the plan. `created_at` in epoch seconds.

    `ask` is what was asked, as JSON (`planning/ask.py` has its form); None where that is not known. `asked_by` is
    the user who asked; empty where that is not known.
    """

    id: int
    name: str | None
    service: str
    created_at: float
    axes: tuple[AxisRecord, ...]
    cells: tuple[CellRecord, ...]
    ask: str | None = None
    asked_by: str = ""

    def current(self, jobs: Mapping[str, JobRecord]) -> tuple[CellRecord, ...]:
        """The cells in grid order, without what was asked for again because it failed, was stopped or was
        deleted."""
        places: dict[tuple[int, ...], list[CellRecord]] = {}
        for cell in self.cells:
            places.setdefault(cell.coordinates, []).append(cell)
        current: list[CellRecord] = []
        for cells in places.values():
            *earlier, latest = cells
            current += [cell for cell in earlier if jobs[cell.job_id].is_there]
            current.append(latest)
        return tuple(current)


@dataclass(frozen=True, slots=True)
class Deferral:
    """The limits with which a run is left to workers: what the new requests may cost, in credits, and how many of
    its jobs are worked on at a time (None: any number)."""

    max_credits: int
    max_parallel: int | None = None


@dataclass(frozen=True, slots=True)
class DeferredRun:
    """A run that was left to workers: no process works on `waiting` of its jobs now; `price` is what all those
    cost that were not sent yet, in credits."""

    id: int
    waiting: int
    price: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How far a run is: its places, those with pictures, those with unfinished jobs, those with such jobs that are
    left to workers, what its jobs make, and what it has cost.

    `credits` and `costs_about` are of the jobs that were made for it, as `Spent` has them. `job_id` is its first
    job with a picture, or else its first one. `ask` is what was asked, as it is stored, and `asked_by` who asked.
    """

    id: int
    name: str | None
    created_at: float
    places: int
    pictures: int
    unfinished: int
    deferred: int
    credits: int
    costs_about: bool
    makes: tuple[Medium, ...] = ()
    axes: tuple[AxisRecord, ...] = ()
    job_id: str | None = None
    ask: str | None = None
    asked_by: str = ""


def planned_job(request: Request, service: str, now: float) -> JobRecord:
    """A new job for a request, with a new id, which is its idempotency key; `now` in epoch seconds."""
    return JobRecord(
        id=uuid.uuid4().hex,
        service=service,
        model=request.model,
        prompt=request.prompt,
        params=dict(request.params),
        references=request.references,
        identity=request.identity,
        seed=request.seed,
        price=request.base_credits,
        price_is_least=request.price_is_least,
        makes=request.makes,
        status="planned",
        created_at=now,
        replicate=request.replicate,
    )
