"""What Shift+TAB says about the words of a magic's line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue
from rivya_nb.magics.completion.cursor import Spot
from rivya_nb.magics.completion.words import param_help

if TYPE_CHECKING:
    from rivya_nb.magics.completion.variables import Namespace


def flag_notes(magic_help: str) -> Mapping[str, str]:
    """What each flag of `%%rivya` does, from the help of the magic."""
    notes = re.findall(r"^ +(--\S.*?)  +(\S.*)$", magic_help, re.MULTILINE)
    return {flag: text for usage, text in notes for flag in re.findall(r"--[\w-]+", usage)}


def line_help(spot: Spot, namespace: Namespace, catalogue: Catalogue, notes: Mapping[str, str]) -> str:
    """The record of the param at the cursor, the page of the model, or what the flag does; else an empty text."""
    from rivya_nb.magics.completion.cell import CellLine

    # As if the cursor stood behind the word.
    whole = re.match(r"\S*", spot.after)
    end = whole.end() if whole is not None else 0
    line = CellLine(spot.before + spot.after[:end], spot.after[end:], spot.body, namespace, catalogue)
    slot = line.slot
    if slot.key is not None:
        return param_help(slot.key, [(model.id, model.param(slot.key)) for model in line.models])
    name = slot.flag.name if slot.flag is not None else slot.typed
    if name == "--model" and slot.flag is not None and slot.typed in catalogue:
        return model_help(slot.typed, catalogue)
    if note := notes.get(name):
        return f"{name}  {note}"
    return param_help(name, [(model.id, model.param(name)) for model in line.models])


def model_help(model: str, catalogue: Catalogue) -> str:
    """The page of a model."""
    from rivya_nb.session.showing.models import ModelSheet

    return repr(ModelSheet(catalogue[model], catalogue, "the service"))


def command_help(spot: Spot) -> str:
    """How the command of a line is written, and what it does."""
    from rivya_nb.magics.commands import COMMANDS

    name = (spot.before + spot.after).split(maxsplit=1)[:1]
    entry = COMMANDS.get("".join(name))
    return "" if entry is None else f"%rivya {name[0]} {entry.usage}".rstrip() + f"\n  {entry.help}"


def variable_at(before: str, after: str) -> str:
    """The name in braces around the cursor, or an empty text."""
    start = re.search(r"\{\s*(\w*)\Z", before)
    end = re.match(r"(\w*)\s*\}", after)
    return "" if start is None or end is None else start[1] + end[1]
