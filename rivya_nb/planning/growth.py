"""Adding values to the axes of an ask. A new axis begins with the value that all pictures share.

Each picture keeps its place: new values are added at the end of an axis, and new axes after the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.ideas import SEED_KEY, seed_named, shared_name, shared_names
from rivya_nb.contract.text import did_you_mean, listing, printable
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    NONE,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    REPEAT_AXIS,
    REPLICATE_AXIS,
    REQUEST_AXIS,
    Ask,
    label,
)
from rivya_nb.planning.prompt import PromptAxis, prompt_of
from rivya_nb.planning.seeds import DrawSeed, draw_seeds, seed_param, with_seeds_by_prompt
from rivya_nb.planning.values import read_number

Values = Mapping[str, object]
"""Values of an axis by their labels, in order."""

_MOST_VALUES = 4
_VALUE_LENGTH = 40
_COUNTED = (REPEAT_AXIS, REPLICATE_AXIS, REQUEST_AXIS)
_WHOLE = (MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS)


def labelled(values: Sequence[object]) -> dict[str, object]:
    """The values of an axis by the labels that they have in a grid."""
    return {label(value): value for value in values}


class Growth:
    """The ask of a run while values are added to it.

    `axes` are the labels of the run's axes by name, in their order. `labels` are those of the larger ask, without
    the axes that only count. `notes` say what the user should know.
    """

    def __init__(
        self, ask: Ask, axes: Mapping[str, tuple[str, ...]], catalogue: Catalogue, run_id: int
    ) -> None:
        self.ask = replace(ask, order=tuple(axes))
        self.labels = {name: labels for name, labels in axes.items() if name not in _COUNTED}
        self.notes: list[str] = []
        self._catalogue = catalogue
        self._run = f"run {run_id}"

    def add(self, name: str, values: Values) -> None:
        """Add those of the `values` that are not there yet to the axis `name`, which begins where there is none.

        Raises:
            UsageError: there is nothing of that name that could have several values, or it belongs to rows.
        """
        name = seed_named(name)
        self._check_alone(name)
        if name not in self.labels:
            today = self._today(name)
            if set(values) <= {today}:
                return
            self.labels[name] = (today,)
            self.ask = replace(self.ask, order=(*self.ask.order, name))
        new = {text: value for text, value in values.items() if text not in self.labels[name]}
        self.labels[name] += tuple(new)
        if name == MODEL_AXIS:
            self._add_models(list(new))
        elif name == REFERENCES_AXIS:
            self._add_references(new)
        elif name == PROMPT_AXIS or any(axis.name == name for axis in self.ask.prompt.axes):
            self._add_texts(name, list(new.values()))
        else:
            self._set_param(name, (*self._given(name), *new.values()))

    def repeat(self, count: int, draw_seed: DrawSeed) -> None:
        """Draw so many more seeds that are not there yet; a model without seeds is asked so many more times.

        Raises:
            UsageError: there are not so many, or they belong to rows.
        """
        self._check_alone(SEED_KEY)
        given = () if self.ask.drawn and SEED_KEY not in self.ask.params else self._given(SEED_KEY)
        seeds = [seed for seed in given or self.ask.drawn if seed is not None]
        if self.ask.repeat == 1 and not seeds and not self._seeded:
            self.replicate(count)
            return
        if not seeds or not self._seeded:
            self._count(count)
            return
        taken = {int(text) for text in map(str, [*seeds, *self.ask.drawn]) if text.isdecimal()}
        new = draw_seeds(self._seeded, count, draw_seed, taken)
        # A place that asks without a seed on purpose has none to number.
        if None in given or (given and not any(SEED_KEY in keys for keys in self.ask.left_out.values())):
            self.add(SEED_KEY, labelled(new))
            self.ask = replace(self.ask, drawn=(*self.ask.drawn, *new))
            return
        # A model that has no seed stands on an axis that counts, beside one seed for each number.
        params = {key: values for key, values in self.ask.params.items() if key != SEED_KEY}
        left_out = {
            model: tuple(key for key in keys if key != SEED_KEY) for model, keys in self.ask.left_out.items()
        }
        self.ask = replace(self.ask, params=params, left_out=left_out, drawn=(*seeds, *new))  # type: ignore[arg-type]
        self._count(count)

    def replicate(self, count: int) -> None:
        """Ask so many more times for the very same of each."""
        order = self.ask.order if REPLICATE_AXIS in self.ask.order else (*self.ask.order, REPLICATE_AXIS)
        self.ask = replace(self.ask, replicates=self.ask.replicates + count, order=order)

    def draw(self, draw_seed: DrawSeed) -> None:
        """Draw the seeds of prompts and repeats that are new, where each prompt has its own.

        Raises:
            UsageError: there are not so many.
        """
        if not self.ask.pair_seeds:
            self.ask = with_seeds_by_prompt(self.ask, self._seeded, draw_seed)

    def _count(self, more: int) -> None:
        order = self.ask.order if REPEAT_AXIS in self.ask.order else (*self.ask.order, REPEAT_AXIS)
        self.ask = replace(self.ask, repeat=self.ask.repeat + more, order=order)

    def _check_alone(self, name: str) -> None:
        """UsageError where values of that name stand in rows, together with others."""
        of_axis = {each.axis: each for each in self.ask.coupled}
        if coupling := of_axis.get(name) or self.ask.couplings.get(name):
            raise _wrong(
                name,
                f"in {self._run} the values of {listing(coupling.members)} belong together, row by row; plan the "
                f"larger table: {free_again(self.ask)}",
            )

    @property
    def _seeded(self) -> list[Model]:
        return [model for model in self._models if seed_param(model) is not None]

    @property
    def _models(self) -> list[Model]:
        """The records of the models, those that are not known left out."""
        return [self._catalogue[each] for each in self.ask.asked_models if each in self._catalogue]

    def _today(self, name: str) -> str:
        """The label of what all pictures share."""
        ask, own = self.ask, {axis.name: axis for axis in self.ask.prompt.axes}
        if ask.requests and (name in _WHOLE or name == REQUEST_AXIS):
            raise _wrong(
                name, f"{self._run} was given as requests one by one; plan those that you want beside them"
            )
        if name in own:
            return label(own[name].options[0])
        if name == PROMPT_AXIS:
            if named := [axis.name for axis in own.values() if len(axis.options) > 1]:
                raise _wrong(name, f"this run's wordings are the axes {listing(named)}; extend those")
            return label(self._whole_prompt)
        if name == MODEL_AXIS:
            return ask.models[0]
        if name == REFERENCES_AXIS:
            return listing(each.name for sets in ask.references.values() for each in sets) or NONE
        return self._todays_param(name)

    def _todays_param(self, key: str) -> str:
        models = self._models
        keys = dict.fromkeys(shared_name(each) for model in models for each in model.param_keys)
        if key not in keys:
            choices = [*self.ask.order, *keys, *_WHOLE]
            message = f"no axis of {self._run}, and no param of {listing(model.id for model in models)}"
            raise _wrong(key, f"{message}{did_you_mean(key, choices)}")
        if key == SEED_KEY and self.ask.draws and key not in self.ask.params:
            raise _wrong(key, "a seed was drawn for each repeat; extend(repeat=…) draws more")
        (value,) = self._given(key)
        defaults = {param.default for model in models if (param := model.param(key)) is not None}
        return label(defaults.pop() if value is None and len(defaults) == 1 else value)

    def _given(self, key: str) -> tuple[object, ...]:
        """The values of a param; of requests that were given one by one, the one that they share."""
        if key in self.ask.params or not self.ask.requests:
            return self.ask.params.get(key, (None,))
        given = (shared_names(each.params).get(key) for each in self.ask.requests)
        values = {label(value): value for value in given}
        if len(values) == 1:
            return tuple(values.values())
        shown = listing(printable(text, _VALUE_LENGTH) for text in list(values)[:_MOST_VALUES])
        more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
        raise _wrong(key, f"it differs between these requests ({shown}{more})")

    def _set_param(self, key: str, values: tuple[object, ...]) -> None:
        self.ask = replace(self.ask, params={**self.ask.params, key: values})

    def _add_models(self, ids: Sequence[str]) -> None:
        left_out = dict(self.ask.left_out)
        for model in (self._catalogue[each] for each in ids):
            for key, values in self.ask.params.items():
                if (param := model.param(key)) is not None and param.type == "number":
                    self._set_param(key, tuple(map(_as_number, values)))
            single = {key: values[0] for key, values in self.ask.params.items() if len(values) == 1}
            if lacking := tuple(key for key in single if model.param(key) is None):
                left_out[model.id] = lacking
            told = [key for key in lacking if single[key] is not None]
            if self.ask.draws and SEED_KEY not in self.ask.params and model.param(SEED_KEY) is None:
                told.append(SEED_KEY)
            if told:
                self.notes.append(f"{model.id} has no {listing(told)}, and is asked without")
        self.ask = replace(self.ask, models=(*self.ask.models, *ids), left_out=left_out)

    def _add_references(self, sets: Values) -> None:
        ask, labels = self.ask, self.labels[REFERENCES_AXIS]
        there = tuple(ask.references.values()) or ((),)
        self.ask = replace(ask, references=dict(zip(labels, (*there, *sets.values()), strict=True)))  # type: ignore[arg-type]

    def _add_texts(self, name: str, values: Sequence[object]) -> None:
        """Add wordings of the prompt: options of one of its axes, or whole prompts."""
        for value in values:
            if not isinstance(value, (str, int, float)):
                raise _wrong(name, f"a value of type {type(value).__name__}; a prompt takes text and numbers")
        texts = tuple(map(str, values))
        prompt = self.ask.prompt
        if all(axis.name != name for axis in prompt.axes):
            prompt = prompt_of([PromptAxis(PROMPT_AXIS, (self._whole_prompt,))])
        parts = [
            PromptAxis(name, (*part.options, *texts))
            if isinstance(part, PromptAxis) and part.name == name
            else part
            for part in prompt.parts
        ]
        # A file of prompts has them no more.
        self.ask = replace(self.ask, prompt=prompt_of(parts), table=None)

    @property
    def _whole_prompt(self) -> str:
        return self.ask.prompt.render({axis.name: 0 for axis in self.ask.prompt.axes})


def free_again(ask: Ask) -> str:
    """What is told of the price where something larger is planned anew."""
    if ask.draws:
        return "what the history has costs nothing where the drawn seeds are written down"
    return "what the history has costs nothing"


def _as_number(value: object) -> object:
    """The number that another model keeps as text, unless it would be written otherwise."""
    number = read_number(value) if isinstance(value, str) else value
    return number if str(number) == value else value


def _wrong(where: str, message: str) -> UsageError:
    return UsageError([Mistake(where, message)])
