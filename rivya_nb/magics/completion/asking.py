"""The answers to TAB and Shift+TAB in a cell's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.catalogue import Catalogue, bundled
from rivya_nb.magics.awaiting import MAGIC
from rivya_nb.magics.completion.cursor import Part, find_spot
from rivya_nb.magics.completion.help import command_help, flag_notes, line_help, variable_at
from rivya_nb.magics.completion.offers import Offers
from rivya_nb.magics.current import open_session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def offers_at(shell: InteractiveShell, text: str, row: int, column: int) -> Offers | None:
    """What fits at the cursor of a cell's text; None where the cursor is in no magic of this extension.

    Behind a magic's name this always answers, if only with nothing: what fits in Python does not fit there.
    """
    spot = find_spot(text, row, column)
    if spot is None or spot.part is Part.NAME:
        return None
    if spot.part is Part.BODY:
        from rivya_nb.magics.completion.body import body_offers

        return body_offers(spot.before, spot.after, _variables(shell))
    if spot.is_cell:
        from rivya_nb.magics.completion.cell import CellLine

        line = CellLine(spot.before, spot.after, spot.body, _variables(shell), _catalogue())
        return line.offers(_flag_notes(shell))
    from rivya_nb.magics.completion.command import CommandLine

    name, blank, asking = spot.before.lstrip().partition(" ")
    if name == "generate" and blank:
        from rivya_nb.magics.completion.cell import CellLine

        asked = CellLine(asking, spot.after, "", _variables(shell), _catalogue())
        return asked.offers(_flag_notes(shell))
    return CommandLine(spot.before, spot.after, _catalogue(), open_session()).offers()


def inspection_at(shell: InteractiveShell, code: str, position: int, detail: int) -> Mapping[str, Any] | None:
    """What is known of the word at the cursor, as a bundle of MIME types; None where the cursor is in no magic of
    this extension."""
    before = code[:position]
    spot = find_spot(code, before.count("\n"), len(before) - before.rfind("\n") - 1)
    if spot is None:
        return None
    if spot.part is Part.BODY:
        return _of_shell(shell, variable_at(spot.before, spot.after), detail)
    text = ""
    if spot.part is Part.LINE:
        text = command_help(spot)
        if spot.is_cell:
            text = line_help(spot, _variables(shell), _catalogue(), _flag_notes(shell))
    magic = f"%%{MAGIC}" if spot.is_cell else f"%{MAGIC}"
    return {"text/plain": text} if text else _of_shell(shell, magic, detail)


def _of_shell(shell: InteractiveShell, name: str, detail: int) -> Mapping[str, Any]:
    try:
        bundle: Mapping[str, Any] = shell.object_inspect_mime(name, detail_level=detail) if name else {}
    except KeyError:
        return {}
    return {kind: text for kind, text in bundle.items() if kind != "text/html" or shell.enable_html_pager}


def _flag_notes(shell: InteractiveShell) -> Mapping[str, str]:
    return flag_notes(getattr(shell.find_cell_magic(MAGIC), "__doc__", None) or "")


def _catalogue() -> Catalogue:
    session = open_session()
    return bundled() if session is None else session.catalogue


def _variables(shell: InteractiveShell) -> dict[str, object]:
    """The variables that the notebook's user made."""
    hidden = shell.user_ns_hidden
    missing = object()
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if not name.startswith("_") and hidden.get(name, missing) is not value
    }
