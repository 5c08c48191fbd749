"""Adding to pictures that are there: more values on a run's axes, or what is missing in a grid.

Nothing is sent here, and nothing is priced; requests are made.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.request import SEED_KEY, Request, build_request
from rivya_nb.contract.text import as_sent, did_you_mean, listing
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, REPEAT_AXIS, Axis
from rivya_nb.planning.expansion import (
    MOST_REQUESTS,
    DrawSeed,
    Expansion,
    PlannedRequest,
    check_repeat,
    draw_seeds,
    seed_param,
)
from rivya_nb.session.places import Known, Place, reference_label
from rivya_nb.session.placing import NONE, label_text
from rivya_nb.store.records import (
    COLLECTABLE,
    AxisRecord,
    CellRecord,
    JobRecord,
    RunRecord,
)

Values = Mapping[str, object]
"""Values of an axis by their labels, in order."""

_MOST_REASONS = 3


@dataclass(frozen=True)
class Addition:
    """New requests, and the cells of what is there already.

    `run` is the run that they are added to; None where they make one of their own.
    """

    expansion: Expansion
    kept: tuple[CellRecord, ...]
    run: RunRecord | None = None
    notes: tuple[str, ...] = ()


# Filling


def fill(
    grid: RunRecord,
    jobs: Mapping[str, JobRecord],
    catalogue: Catalogue,
    *,
    service: str,
    run: RunRecord | None,
) -> Addition:
    """What is missing in a grid: places that nothing was asked for, that failed, or whose picture is deleted.

    Raises:
        UsageError: something is missing, and for no place of it the pictures tell what it would be.
    """
    known = Known.read(grid, jobs, catalogue)
    standing: dict[Place, list[JobRecord]] = {}
    for place, job in known.jobs:
        standing.setdefault(place, []).append(job)
    missing = [
        place for place in _places(grid.axes) if not any(job.is_there for job in standing.get(place, ()))
    ]
    requests: list[PlannedRequest] = []
    reasons: Counter[str] = Counter()
    twins: dict[str, int] = {}
    for number, place in enumerate(missing):
        before = standing.get(place, [])
        try:
            request = _again(before[-1], catalogue) if before else _hole(known, place)
        except (UsageError, InvalidRequestError) as error:
            reasons["; ".join(str(mistake) for mistake in error.mistakes) or str(error)] += 1
            continue
        # What one job stood for stays one; what nobody asked for yet is a request of its own.
        copy = twins.setdefault(before[-1].id, number) if before else number
        requests.append(_planned(request, place, copy))
    if missing and not requests:
        raise UsageError(f"Nothing can be filled: {_told(reasons)}.")
    kept = tuple(cell for cell in grid.cells if jobs[cell.job_id].service == service)
    if not kept and not requests:
        raise UsageError(f"None of these pictures is from {service}.")
    if run is None:
        kept = tuple(replace(cell, reused=True) for cell in kept)
    notes = [f"{count_places(reasons.total())} empty: {_told(reasons)}"] if reasons else []
    return Addition(_expansion(grid.axes, requests), kept, run, (*notes, *_waiting(kept, jobs)))


def count_places(count: int) -> str:
    """`1 place stays`, `3 places stay`."""
    return f"{count} place stays" if count == 1 else f"{count} places stay"


def _again(job: JobRecord, catalogue: Catalogue) -> Request:
    return build_request(catalogue.image_model(job.model), job.prompt, job.params, job.references)


def _hole(known: Known, place: Place) -> Request:
    request = known.request(place)
    model = known.catalogue[request.model]
    unseeded = any(job.model == model.id and job.seed is None for _, job in known.jobs)
    if known.axis(SEED_KEY) is not None and request.seed is None and seed_param(model) and not unseeded:
        raise UsageError([Mistake(SEED_KEY, f"{model.id} takes one, and {NONE} is for models that do not")])
    return request


def _told(reasons: Counter[str]) -> str:
    told = [reason for reason, _ in reasons.most_common(_MOST_REASONS)]
    rest = len(reasons) - len(told)
    return "; ".join(told) + (f"; and {rest} other reasons" if rest else "")


def _waiting(kept: Sequence[CellRecord], jobs: Mapping[str, JobRecord]) -> list[str]:
    paid = {cell.job_id for cell in kept if jobs[cell.job_id].status in COLLECTABLE}
    return [f"{len(paid)} that may be paid for already are collected at no cost"] if paid else []


# Extending


def extend(
    run: RunRecord,
    jobs: Mapping[str, JobRecord],
    catalogue: Catalogue,
    wanted: Mapping[str, Values],
    repeat: int,
    draw_seed: DrawSeed,
) -> Addition:
    """The run's cells, and requests for every combination that has one of the `wanted` values.

    `wanted` has the values by axis, each by its label; a param, `model`, `references` or `prompt` that all
    pictures share becomes an axis. `repeat` asks for that many more seeds, or requests of a model without.

    Raises:
        InvalidRequestError, UsageError: with every mistake.
    """
    check_repeat(repeat)
    growing = _Growing(Known.read(run, jobs, catalogue), run.id)
    for name, values in wanted.items():
        growing.add(name, values)
    if repeat:
        growing.repeat(repeat, draw_seed)
    if growing.mistakes:
        raise UsageError(growing.mistakes)
    known, added = growing.result(), len(growing.axes) - len(run.axes)
    if math.prod(len(axis.labels) for axis in known.axes) > MOST_REQUESTS:
        raise UsageError(f"One run takes {MOST_REQUESTS:,} pictures at most.")
    requests: list[PlannedRequest] = []
    mistakes: dict[Mistake, None] = {}
    fresh = {(axis, index) for axis, index in known.given}
    for place in _places(known.axes):
        if fresh.isdisjoint(enumerate(place)):
            continue
        try:
            requests.append(_planned(known.request(place), place, len(requests)))
        except (InvalidRequestError, UsageError) as error:
            mistakes.update(dict.fromkeys(error.mistakes))
    if mistakes:
        raise InvalidRequestError(list(mistakes))
    kept = [
        replace(cell, coordinates=(*cell.coordinates, *[0] * added), reused=True)
        for cell in run.current(jobs)
    ]
    gone = len({cell.job_id for cell in kept if not jobs[cell.job_id].is_there})
    notes = [f"{gone} of run {run.id} stay missing; grid().fill() asks for them"] if gone else []
    return Addition(
        _expansion(known.axes, requests, growing.drawn), tuple(kept), None, (*notes, *growing.notes)
    )


@dataclass
class _Growing:
    """A run's axes while values are added to them."""

    known: Known
    run_id: int
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    drawn: tuple[int, ...] = ()
    given: dict[tuple[int, int], object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.axes = list(self.known.axes)

    def result(self) -> Known:
        added = (0,) * (len(self.axes) - len(self.known.axes))
        jobs = tuple((place + added, job) for place, job in self.known.jobs)
        return replace(self.known, axes=tuple(self.axes), jobs=jobs, given=self.given)

    def add(self, name: str, values: Values) -> None:
        index = next((at for at, axis in enumerate(self.axes) if axis.name == name), None)
        try:
            if index is None:
                index = self._begin(name, values)
            elif not self._takes_more(name):
                raise UsageError(
                    [Mistake(name, f"what its values stand for in run {self.run_id} cannot be told")]
                )
        except UsageError as error:
            self.mistakes += error.mistakes
            return
        if index is not None:
            self._append(index, values)
        if name == MODEL_AXIS:
            self._note_models([self.known.catalogue[label] for label in values])

    def _append(self, index: int, values: Values) -> None:
        axis = self.axes[index]
        new = {label: value for label, value in values.items() if label not in axis.labels}
        for place, value in enumerate(new.values(), start=len(axis.labels)):
            self.given[index, place] = value
        self.axes[index] = replace(axis, labels=(*axis.labels, *new))

    def _takes_more(self, name: str) -> bool:
        if self.known.axis(name) is not None and (name in _WHOLE or name in self.known.keys):
            return True
        parts = self.known.parts or ()
        return any(isinstance(part, AxisRecord) and part.name == name for part in parts)

    def _begin(self, name: str, values: Values) -> int | None:
        """A new axis that begins with today's value; None where nothing else is wanted."""
        models = self._models(values if name == MODEL_AXIS else {})
        keys = dict.fromkeys(key for model in models for key in model.param_keys)
        if name not in _WHOLE and name not in keys:
            choices = [*(axis.name for axis in self.axes), *keys, *_WHOLE]
            message = f"no axis of run {self.run_id}, and no param of {listing(model.id for model in models)}"
            raise UsageError([Mistake(name, f"{message}{did_you_mean(name, choices)}")])
        label = self._today(name)
        if set(values) <= {label}:
            return None
        self.axes.append(AxisRecord(name, (label,)))
        return len(self.axes) - 1

    def _today(self, name: str) -> str:
        """What all pictures share."""
        options = [part.name for part in self.known.parts or () if isinstance(part, AxisRecord)]
        if name == PROMPT_AXIS and options:
            raise UsageError(
                [Mistake(name, f"this run's wordings are the axes {listing(options)}; extend those")]
            )
        value = self.known.common(name)
        if name == REFERENCES_AXIS:
            return reference_label(value) if isinstance(value, tuple) else NONE
        if name in _WHOLE or value is not None:
            return label_text(value)  # type: ignore[arg-type]
        defaults = (self.known.effective(name, job) for _, job in self.known.jobs)
        return label_text(next((default for default in defaults if default is not None), None))

    def _models(self, more: Values = {}) -> list[Model]:  # noqa: B006 - never changed
        known = self.known.catalogue
        return [*self.known.models, *(known[label] for label in more if label in known)]

    def _note_models(self, models: Sequence[Model]) -> None:
        for model in models:
            lacking = [key for key in self.known.keys if model.param(key) is None]
            if lacking and model not in self.known.models:
                self.notes.append(f"{model.id} has no {listing(lacking)}, and is asked without")

    def repeat(self, count: int, draw_seed: DrawSeed) -> None:
        seeds = {job.seed for _, job in self.known.jobs if job.seed is not None}
        names = [axis.name for axis in self.axes]
        seeded = [model for model in self._models() if seed_param(model) is not None]
        everywhere = all(job.seed is not None for _, job in self.known.jobs)
        taken = {int(seed) for seed in seeds if str(seed).isdecimal()}
        if seeds:
            self.drawn = draw_seeds(seeded, count, draw_seed, taken)
        if REPEAT_AXIS not in names and (SEED_KEY in names or everywhere):
            self.add(SEED_KEY, {str(seed): seed for seed in self.drawn})
            return
        if REPEAT_AXIS not in names:
            self.axes.append(AxisRecord(REPEAT_AXIS, ("1",)))
            names.append(REPEAT_AXIS)
        index = names.index(REPEAT_AXIS)
        start = len(self.axes[index].labels) + 1
        drawn = self.drawn or (None,) * count
        self._append(index, {str(number): seed for number, seed in enumerate(drawn, start)})


_WHOLE = (MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS)


def labelled(values: Sequence[object]) -> dict[str, object]:
    """The values of an axis by the labels that they bear in a grid."""
    found: dict[str, object] = {}
    for value in values:
        if value is None or isinstance(value, (bool, float, int)):
            label = str(value).lower() if isinstance(value, bool) else label_text(value)
        else:
            label = as_sent(str(value)) or "(nothing)"
        found[label] = value
    return found


def _places(axes: Sequence[AxisRecord]) -> list[Place]:
    if math.prod(len(axis.labels) for axis in axes) > MOST_REQUESTS:
        raise UsageError(f"This grid has more than {MOST_REQUESTS:,} places; choose axes with fewer values.")
    return list(product(*(range(len(axis.labels)) for axis in axes)))


def _planned(request: Request, place: Place, copy: int) -> PlannedRequest:
    seeded = request.seed is not None
    return PlannedRequest(request, place, copy=0 if seeded else copy, reusable=seeded)


def _expansion(
    axes: Sequence[AxisRecord], requests: Sequence[PlannedRequest], drawn: tuple[int, ...] = ()
) -> Expansion:
    return Expansion(
        tuple(Axis(axis.name, axis.labels, axis.labels) for axis in axes), tuple(requests), drawn
    )
