"""What is asked before it is expanded: one prompt, some models, references and params, some of them axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

from rivya_nb.contract.catalogue import Model
from rivya_nb.contract.references import Reference
from rivya_nb.contract.text import as_sent
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.prompt import PromptTemplate

Value = TypeVar("Value")

PROMPT_AXIS = "prompt"
MODEL_AXIS = "model"
REFERENCES_AXIS = "references"
REPEAT_AXIS = "repeat"


@dataclass(frozen=True)
class Axis(Generic[Value]):
    """Several values of one thing, with a label for each."""

    name: str
    values: tuple[Value, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Ask:
    """A prompt and everything that may vary.

    `params` holds the values of each param, one or several; `references` sets of references by label, one
    set under the empty label where they are no axis; `order` names params, axes of the prompt, `model`,
    `references` and `repeat` in the order in which they were written, which makes the order of axes.
    """

    prompt: PromptTemplate
    models: tuple[Model, ...]
    params: Mapping[str, tuple[object, ...]]
    references: Mapping[str, tuple[Reference, ...]]
    repeat: int = 1
    order: tuple[str, ...] = ()

    def axes(self) -> tuple[Axis[object], ...]:
        """The axes in the order in which they were written.

        Raises:
            UsageError: two axes bear one name, or the prompt's bears one that means something else.
        """
        axes: list[Axis[object]] = [
            Axis(key, values, _labels(values)) for key, values in self.params.items() if len(values) > 1
        ]
        axes += [
            Axis(axis.name, axis.options, _labels(axis.options))
            for axis in self.prompt.axes
            if len(axis.options) > 1
        ]
        if len(self.models) > 1:
            axes.append(Axis(MODEL_AXIS, self.models, tuple(model.id for model in self.models)))
        if len(self.references) > 1:
            axes.append(Axis(REFERENCES_AXIS, tuple(self.references.values()), tuple(self.references)))
        if self.repeat > 1:
            axes.append(Axis(REPEAT_AXIS, tuple(range(self.repeat)), _labels(range(1, self.repeat + 1))))
        self._check_names()
        rank = {name: place for place, name in enumerate(self.order)}
        return tuple(sorted(axes, key=lambda axis: rank.get(axis.name, len(rank))))

    def _check_names(self) -> None:
        """The prompt's axes may be called anything but what a request is made of."""
        keys = {key for model in self.models for key in model.param_keys}
        taken = {*keys, *self.params, MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS}
        wrong = [axis.name for axis in self.prompt.axes if axis.name in taken]
        if wrong:
            raise UsageError(
                [Mistake(name, "an axis of the prompt cannot bear this name; rename it") for name in wrong]
            )


def combinations(axes: Sequence[Axis[object]]) -> Iterator[tuple[tuple[int, ...], dict[str, object]]]:
    """Every combination of the axes' values: its coordinates, and the values by axis name. The last axis runs
    fastest."""
    for coordinates in product(*(range(len(axis)) for axis in axes)):
        yield (
            coordinates,
            {axis.name: axis.values[place] for axis, place in zip(axes, coordinates, strict=True)},
        )


def _labels(values: Sequence[object]) -> tuple[str, ...]:
    return tuple("none" if value is None else as_sent(str(value)) or "(nothing)" for value in values)
