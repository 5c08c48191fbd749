"""Params in words."""

from __future__ import annotations

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.params import takes_words
from rivya_nb.contract.text import printable

_SHORT = 44


def param_note(param: Param) -> str:
    """What a param takes, in few words."""
    needed = "needed: " if param.required and param.default is None else ""
    return printable(needed + takes_words(param), _SHORT)


def param_help(key: str, params: list[tuple[str, Param | None]]) -> str:
    """The records of a param in the models that have it."""
    lines = []
    for model, param in params:
        if param is not None:
            default = "none" if param.default is None else str(param.default)
            lines += [
                f"{printable(key)}  a param of {printable(model)} ({printable(param.type)})",
                f"  takes    {printable(takes_words(param))}",
                "  needed"
                if param.required and param.default is None
                else f"  default  {printable(default)}",
            ]
    return "\n".join(lines)
