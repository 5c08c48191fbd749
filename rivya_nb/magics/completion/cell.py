"""What fits at the cursor in the line of a `%%rivya` cell.

What the first TAB does not need is imported where it is needed: TAB must not be felt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Catalogue, Model, common_params
from rivya_nb.magics.completion.cursor import Slot, find_slot
from rivya_nb.magics.completion.offers import Offer, Offers, fitting
from rivya_nb.magics.completion.words import param_note
from rivya_nb.planning.line import FLAGS, read_line
from rivya_nb.planning.line_reader import Flag, is_flag
from rivya_nb.planning.words import Text

if TYPE_CHECKING:
    from rivya_nb.magics.cell import CellReader
    from rivya_nb.magics.completion.variables import Namespace


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

    @cached_property
    def models(self) -> list[Model]:
        """The models of the line that are known."""
        named = self._line.model or _named_otherwise(self.slot.others)
        ids = [DEFAULT_MODEL] if named is None else self._reader.models(named)
        return [self._catalogue[each] for each in dict.fromkeys(ids) if each in self._catalogue]

    @cached_property
    def _reader(self) -> CellReader:
        from rivya_nb.magics.cell import CellReader

        return CellReader(self._namespace, self._catalogue)

    def offers(self, flag_notes: Mapping[str, str]) -> Offers:
        """What fits at the cursor; `flag_notes` tell what each flag does."""
        slot = self.slot
        if slot.key is not None:
            return self._of_param(slot.key)
        if slot.flag is None:
            rest = slot.rest.partition("=")[0]
            # What stands before a param must not make a flag of it.
            flags = self._flags(flag_notes) if slot.typed or not rest else ()
            return fitting(slot.typed, rest, [*self._params(), *flags])
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
        from rivya_nb.magics.completion.values import list_offers
        from rivya_nb.magics.completion.variables import fits_param, variable_offers

        param = next((param for param in common_params(self.models) if param.key == key), None)
        if param is None or any(key == given for given, _ in self._line.params):
            return Offers(self.slot.typed)
        variables = variable_offers(self._namespace, fits_param(key, self.models))
        return list_offers(self.slot.typed, self.slot.rest, param, variables)

    def _of_models(self) -> Offers:
        from rivya_nb.magics.completion.models import model_offers
        from rivya_nb.magics.completion.variables import fits_model, variable_offers

        *given, typed = self.slot.typed.split(",")
        rest, *after = self.slot.rest.split(",")
        usable = [model for model in self._catalogue.values() if model.can_run]
        offers = list(model_offers(model for model in usable if model.id not in (*given, *after)))
        if not given:
            offers += variable_offers(self._namespace, fits_model([model.id for model in usable]))
        return fitting(typed, rest, offers)

    def _of_flag(self, flag: Flag) -> Sequence[Offer]:
        if flag.name == "--ref" and self._takes_references():
            from rivya_nb.magics.completion.files import reference_offers
            from rivya_nb.magics.completion.variables import fits_reference, variable_offers

            files = reference_offers(self.slot.typed, self.models, any_format=self._line.shrink_refs)
            return [*files, *variable_offers(self._namespace, fits_reference)]
        if flag.name == "--prompts":
            from rivya_nb.magics.completion.files import file_offers
            from rivya_nb.magics.completion.variables import variable_offers
            from rivya_nb.planning.table_files import ENDINGS
            from rivya_nb.planning.tables import is_table

            return [*file_offers(self.slot.typed, ENDINGS), *variable_offers(self._namespace, is_table)]
        if flag.name == "--templates":
            return [Offer("on", "expand {a|b} in a row"), Offer("off", "send it as it stands")]
        if flag.name in ("--rows", "--cols"):
            from rivya_nb.magics.completion.axes import axes_so_far

            other = self._line.cols if flag.name == "--rows" else self._line.rows
            axes = axes_so_far(self._line, self._body, self.models, self._reader, self._namespace)
            return [
                Offer(axis.name, ", ".join(axis.labels[:3]) + (", …" if len(axis) > 3 else ""))
                for axis in axes
                if axis.name != other
            ]
        return ()


def _named_otherwise(words: Sequence[str]) -> Text | None:
    """The models of a line that names them as Python or another tool does, which the cell itself refuses:
    `model=ID` or `-m ID`."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        name, _, value = word.partition("=")
        if name in ("model", "-m") and (found := value or following):
            return Text(found)
    return None
