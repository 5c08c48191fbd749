"""What the places of a grid ask for, read back from the jobs that stand in them.

Records keep labels and finished requests, so a value is learned from the jobs that share a place's label:
its row's seed, its column's ratio. What no axis names must be the same everywhere; a param may differ between
models, and anything may follow the axes that name no param, such as those of a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import cast

from rivya_nb.contract.catalogue import Catalogue, Model, Param
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request, build_request
from rivya_nb.contract.text import comparable, listing, printable
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, REPEAT_AXIS
from rivya_nb.planning.values import read_number
from rivya_nb.session.placing import NONE, label_text
from rivya_nb.store.records import AxisRecord, JobRecord, RunRecord
from rivya_nb.views.repeat import Part, prompt_parts

_MOST_VALUES = 4
_VALUE_LENGTH = 40

Place = tuple[int, ...]
"""Coordinates: an index into the labels of each axis."""


@dataclass(frozen=True)
class Known:
    """The jobs of a grid by place, with the axes as they are or as they are to become.

    `given` holds the values of labels that no job stands under yet, by axis and index; `parts` the prompt with
    its axes in their places, None where it cannot be told.
    """

    axes: tuple[AxisRecord, ...]
    jobs: tuple[tuple[Place, JobRecord], ...]
    catalogue: Catalogue
    parts: tuple[Part, ...] | None
    given: Mapping[tuple[int, int], object] = field(default_factory=dict)

    @classmethod
    def read(cls, run: RunRecord, jobs: Mapping[str, JobRecord], catalogue: Catalogue) -> Known:
        """What a run's own cells tell."""
        newest_last = sorted(run.cells, key=lambda cell: jobs[cell.job_id].created_at)
        known = tuple((cell.coordinates, jobs[cell.job_id]) for cell in newest_last)
        return cls(run.axes, known, catalogue, prompt_parts(run, jobs))

    def request(self, place: Place) -> Request:
        """What is asked for there.

        Raises:
            UsageError: the jobs do not tell.
            InvalidRequestError: what they tell is against the model's rules.
        """
        model = self.catalogue.image_model(str(self.value(MODEL_AXIS, place)))
        params = {
            key: _fitting(model.param(key), value)
            for key in self.keys
            if (value := self._param(key, model, place)) is not None
        }
        references = cast("tuple[Reference, ...]", self.value(REFERENCES_AXIS, place))
        return build_request(model, str(self.value(PROMPT_AXIS, place)), params, references)

    @property
    def keys(self) -> tuple[str, ...]:
        """The params that any of the jobs sent, and those that an axis names."""
        sent = dict.fromkeys(key for _, job in self.jobs for key in job.params)
        named = [axis.name for axis in self.axes if any(model.param(axis.name) for model in self.models)]
        return tuple(dict.fromkeys([*sent, *named]))

    @property
    def models(self) -> tuple[Model, ...]:
        """The records of the jobs' models."""
        ids = dict.fromkeys(job.model for _, job in self.jobs)
        return tuple(self.catalogue[model_id] for model_id in ids if model_id in self.catalogue)

    def axis(self, facet: str) -> int | None:
        """The axis whose values a facet's are: a param, the model, the references, or whole prompts."""
        for index, axis in enumerate(self.axes):
            if axis.name == facet and (facet != PROMPT_AXIS or self._has_whole_prompts(index)):
                return index
        return None

    def value(self, facet: str, place: Place) -> object:
        """The model, the prompt, the references or a param at a place; None for a param that is not sent.

        Raises:
            UsageError: the jobs do not tell.
        """
        own = self.axis(facet)
        if own is not None:
            return self._axis_value(facet, own, place[own])
        if facet == SEED_KEY and (drawn := self._drawn(place)) is not None:
            return drawn
        relevant = [(at, job) for at, job in self.jobs if self._concerns(facet, job)]
        for axes in self._influences():
            samples: dict[Place, tuple[object, object]] = {}
            for at, job in relevant:
                mark, value = self._marked(facet, job)
                if samples.setdefault(_onto(at, axes), (mark, value))[0] != mark:
                    break
            else:
                found = samples.get(_onto(place, axes))
                if found is not None:
                    return found[1]
                if not relevant:
                    return None
                if facet == PROMPT_AXIS and self.parts is not None:
                    return self._written(place)
                break
        raise UsageError(
            [Mistake(facet, f"{self._differing(relevant, facet)}, and no axis tells which is meant")]
        )

    def _differing(self, relevant: Sequence[tuple[Place, JobRecord]], facet: str) -> str:
        if facet == REFERENCES_AXIS:
            return "they differ between these pictures"
        values = dict.fromkeys(
            printable(str(self._marked(facet, job)[0]), _VALUE_LENGTH) for _, job in relevant
        )
        more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
        return f"it differs between these pictures ({listing(list(values)[:_MOST_VALUES])}{more})"

    def common(self, facet: str) -> object:
        """The value that all jobs share, whatever their place; UsageError where they do not."""
        still = replace(self, axes=(), given={}, parts=None)
        return still.value(facet, ())

    def _param(self, key: str, model: Model, place: Place) -> object:
        # What a model does not have is not sent to it; only an axis' own value is, to be refused by name.
        if model.param(key) is None and self.axis(key) is None:
            return None
        return self.value(key, place)

    def _has_whole_prompts(self, index: int) -> bool:
        labels = self.axes[index].labels
        return all(comparable(job.prompt) == comparable(labels[at[index]]) for at, job in self.jobs)

    def _axis_value(self, facet: str, axis: int, index: int) -> object:
        if (axis, index) in self.given:
            return self.given[axis, index]
        found = [
            self._marked(facet, job)[1]
            for at, job in self.jobs
            if at[axis] == index and self._concerns(facet, job)
        ]
        # A number stands for its text elsewhere, and what was sent for a default that was not.
        told = [value for value in reversed(found) if value is not None]
        numbers = [value for value in told if not isinstance(value, str)]
        if told or found:
            return next(iter([*numbers, *told]), None)
        label = self.axes[axis].labels[index]
        return None if label == NONE else label

    def _drawn(self, place: Place) -> object:
        """The seed that was drawn for a repeat that nobody asked for yet."""
        index = next((at for at, axis in enumerate(self.axes) if axis.name == REPEAT_AXIS), None)
        return None if index is None else self.given.get((index, place[index]))

    def _influences(self) -> Iterator[tuple[int, ...]]:
        """The sets of axes that may tell what has no axis of its own, the smallest first."""
        free = [
            index
            for index, axis in enumerate(self.axes)
            if axis.name == MODEL_AXIS or self.axis(axis.name) is None or axis.name not in self._facets
        ]
        for size in range(len(free) + 1):
            yield from combinations(free, size)

    @property
    def _facets(self) -> tuple[str, ...]:
        return (MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, *self.keys)

    def _concerns(self, facet: str, job: JobRecord) -> bool:
        """Whether a job can tell a facet: every one has a model, but not every one such a param."""
        if facet in (MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS) or facet in job.params:
            return True
        model = self.catalogue.get(job.model)
        return model is not None and model.param(facet) is not None

    def _marked(self, facet: str, job: JobRecord) -> tuple[object, object]:
        """A job's value twice: as it is compared, documented defaults included, and as it is sent."""
        if facet == MODEL_AXIS:
            return job.model, job.model
        if facet == PROMPT_AXIS:
            return comparable(job.prompt), job.prompt
        if facet == REFERENCES_AXIS:
            return tuple(reference.sha256 for reference in job.references), job.references
        sent = job.params.get(facet)
        return label_text(self.effective(facet, job)), sent

    def effective(self, key: str, job: JobRecord) -> ParamValue | None:
        """What a param was for a job: what was sent, else the documented default."""
        sent = job.params.get(key)
        model = self.catalogue.get(job.model)
        param = None if model is None else model.param(key)
        return param.default if sent is None and param is not None else sent

    def _written(self, place: Place) -> str:
        """The prompt with a place's options put in."""
        options = {
            axis.name: str(self.given.get((index, place[index]), axis.labels[place[index]]))
            for index, axis in enumerate(self.axes)
        }
        return "".join(part if isinstance(part, str) else options[part.name] for part in self.parts or ())


def reference_label(references: Sequence[Reference]) -> str:
    """What a set of references is called beside a row or above a column."""
    return listing(reference.name for reference in references) or NONE


def _onto(place: Place, axes: Sequence[int]) -> Place:
    return tuple(place[axis] for axis in axes)


def _fitting(param: Param | None, value: object) -> object:
    """The value as the param's model takes it: a number that another model keeps as text is one again."""
    if param is not None and param.type == "number" and isinstance(value, str):
        return read_number(value)
    return value
