"""What fits at the cursor in a `%%rivya` cell: in its line, and in its body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import count

from rivya_nb.contract.catalogue import Catalogue, Model, common_params
from rivya_nb.errors import UsageError
from rivya_nb.magics.cell import CellReader
from rivya_nb.magics.completion.cursor import Slot, find_slot
from rivya_nb.magics.completion.files import file_offers
from rivya_nb.magics.completion.models import model_offers
from rivya_nb.magics.completion.offers import Offer, Offers, fitting
from rivya_nb.magics.completion.values import list_offers, param_note
from rivya_nb.magics.completion.variables import (
    Namespace,
    fits_model,
    fits_param,
    fits_prompt,
    fits_reference,
    fitting_variables,
    variable_offers,
)
from rivya_nb.planning.ask import Ask, Axis
from rivya_nb.planning.braces import UNNAMED
from rivya_nb.planning.expansion import with_seeds
from rivya_nb.planning.line import FLAGS, Flag, is_flag, read_line
from rivya_nb.planning.prompt import NO_PROMPT, PromptTemplate, parse_prompt

_OPEN_BRACE = re.compile(r"(?<!\{)(?:\{\{)*\{\s*(\w*)\Z")


class CellLine:
    """The line of a `%%rivya` cell that is being written, with its cursor; `body` is the cell's body so far."""

    def __init__(
        self, before: str, after: str, body: str, namespace: Namespace, catalogue: Catalogue
    ) -> None:
        self.slot: Slot = find_slot(before, after, FLAGS)
        self._body = body
        self._namespace = namespace
        self._catalogue = catalogue
        self._line, _ = read_line(self.slot.others)
        self._reader = CellReader(namespace, catalogue)

    @cached_property
    def models(self) -> list[Model]:
        """The models of the line that are known."""
        ids = self._reader.models(self._line.model)
        return [self._catalogue[each] for each in dict.fromkeys(ids) if each in self._catalogue]

    def offers(self, flag_notes: Mapping[str, str]) -> Offers:
        """What fits at the cursor; `flag_notes` tell what each flag does."""
        slot = self.slot
        if slot.key is not None:
            return self._of_param(slot.key)
        if slot.flag is None:
            rest = slot.rest.partition("=")[0]
            return fitting(slot.typed, rest, [*self._params(), *self._flags(flag_notes)])
        if slot.flag.name == "--model":
            return self._of_models()
        return fitting(slot.typed, slot.rest, self._of_flag(slot.flag))

    def _params(self) -> Iterator[Offer]:
        given = {key for key, _ in self._line.params}
        params = [param for param in common_params(self.models) if param.key not in given]
        for param in sorted(params, key=lambda param: not param.required):
            yield Offer(param.key if self.slot.rest else f"{param.key}=", param_note(param))

    def _flags(self, notes: Mapping[str, str]) -> Iterator[Offer]:
        given = {word.partition("=")[0] for word in self.slot.others if is_flag(word)}
        for flag in FLAGS:
            takes_none = flag.name in ("--ref", "--shrink-refs") and not self._takes_references()
            if (flag.repeatable or flag.name not in given) and not takes_none:
                note = notes.get(flag.name, "")
                yield Offer(flag.name, f"{flag.value_name}: {note}" if flag.value_name else note)

    def _takes_references(self) -> bool:
        return not self.models or any(model.references is not None for model in self.models)

    def _of_param(self, key: str) -> Offers:
        param = next((param for param in common_params(self.models) if param.key == key), None)
        if param is None or any(key == given for given, _ in self._line.params):
            return Offers(self.slot.typed)
        variables = variable_offers(self._namespace, fits_param(key, self.models))
        return list_offers(self.slot.typed, self.slot.rest, param, variables)

    def _of_models(self) -> Offers:
        *given, typed = self.slot.typed.split(",")
        rest, *after = self.slot.rest.split(",")
        usable = [model for model in self._catalogue.values() if model.makes_pictures]
        offers = list(model_offers(model for model in usable if model.id not in (*given, *after)))
        if not given:
            offers += variable_offers(self._namespace, fits_model([model.id for model in usable]))
        return fitting(typed, rest, offers)

    def _of_flag(self, flag: Flag) -> Sequence[Offer]:
        if flag.name == "--ref" and self._takes_references():
            files = file_offers(self.slot.typed, self.models, any_format=self._line.shrink_refs)
            return [*files, *variable_offers(self._namespace, fits_reference)]
        if flag.name in ("--rows", "--cols"):
            other = self._line.cols if flag.name == "--rows" else self._line.rows
            return [
                Offer(axis.name, ", ".join(axis.labels[:3]) + (", …" if len(axis) > 3 else ""))
                for axis in self._axes()
                if axis.name != other
            ]
        return ()

    def _axes(self) -> tuple[Axis[object], ...]:
        """The axes that are written so far, in the line and in the body."""
        prompt = read_prompt(self._body, self._namespace)
        seeds = count()
        ask = Ask(
            prompt,
            tuple(model.id for model in self.models),
            {key: self._reader.values(key, value, self._ids) for key, value in self._line.params},
            dict.fromkeys(self._reader.references(self._line.refs), ()),
            min(self._line.repeat, 2),
            (*self._line.order, *(axis.name for axis in prompt.axes)),
        )
        with suppress(UsageError):
            ask = with_seeds(ask, self.models, lambda low, _: low + next(seeds))
        return ask.axes()

    @property
    def _ids(self) -> list[str]:
        return [model.id for model in self.models]


def read_prompt(body: str, namespace: Namespace) -> PromptTemplate:
    """The prompt that is written so far, with its variables put in where that is possible."""
    try:
        template = parse_prompt(body, variables=True)
    except UsageError:
        return NO_PROMPT
    try:
        return template.bind(namespace)
    except UsageError:
        return template


def body_offers(before: str, after: str, namespace: Namespace) -> Offers:
    """Behind a brace: the axes of the prompt that have a name, and the notebook's variables that fit in one."""
    brace = _OPEN_BRACE.search(before)
    if brace is None:
        return Offers("")
    rest = re.match(r"\w*", after)
    axes = [axis for axis in read_prompt(before + after, {}).axes if not axis.name.startswith(UNNAMED)]
    offers = [Offer(axis.name, "an axis of this prompt") for axis in axes]
    offers += [Offer(name, kind) for name, kind in fitting_variables(namespace, fits_prompt)]
    return fitting(brace[1], "" if rest is None else rest[0], offers)
