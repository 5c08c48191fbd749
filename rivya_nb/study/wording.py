"""A prompt as a study file has it: a text in the language of a cell, beside the options of its longer axes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from rivya_nb.contract.text import did_you_mean
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.braces import LITERAL, Slot, escaped
from rivya_nb.planning.prompt import PromptAxis, parse_prompt

Part = str | PromptAxis
Options = Mapping[str, tuple[str, ...]]

_MOST_INLINE = 6
_INLINE_LENGTH = 80
"""Options of an axis that stands in the prompt itself, and their characters together."""


def written_prompt(parts: Iterable[Part], apart: Collection[str]) -> tuple[str | list[Part], Options]:
    """The prompt as text, and the options of the axes for which only their name stands in it.

    Axes whose options are many or long, and those that have to stand `apart`, are only named. Where the text would
    read otherwise, its parts come in its place.
    """
    parts = joined(parts)
    axes = {part.name: part.options for part in parts if isinstance(part, PromptAxis)}
    short = [
        name
        for name, options in axes.items()
        if name not in apart and 1 < len(options) <= _MOST_INLINE and len("".join(options)) <= _INLINE_LENGTH
    ]
    for inline in dict.fromkeys([tuple(short), ()]):
        named = {name: options for name, options in axes.items() if name not in inline}
        text = _text(parts, inline)
        try:
            if read_prompt(text, named) == parts:
                return text, named
        except UsageError:
            continue
    return parts, axes


def read_prompt(text: str, named: Options) -> list[Part]:
    """The parts of a prompt in which `named` axes stand as their names.

    Raises:
        UsageError: with every mistake in the text, and every name that is not there.
    """
    template = parse_prompt(text, variables=True, names=named.keys())
    own = {axis.name: axis.options for axis in template.axes}
    outer = {piece.name for piece in template.pieces if isinstance(piece, Slot)}
    mistakes = []
    for name in template.variables:
        shown = f"{{{shortened(name)}}}"
        if name not in named:
            hint = did_you_mean(name, [*named, *own]) or f"; give its options below [axes]{LITERAL}"
            mistakes.append(Mistake("prompt", f"there is nothing for {shown}{hint}"))
        elif name not in outer:
            mistakes.append(Mistake("prompt", f"{shown} stands within an axis, where only text fits"))
    mistakes += [
        Mistake("axes", f"{shortened(name)} has its options in the prompt, too; take one of them out")
        for name in own
        if name in named
    ]
    if mistakes:
        raise UsageError(mistakes)
    axes = {**own, **named}
    return joined(
        piece if isinstance(piece, str) else PromptAxis(piece.name, axes[piece.name])
        for piece in template.pieces
    )


def joined(parts: Iterable[Part]) -> list[Part]:
    """The parts, with texts that follow each other as one."""
    whole: list[Part] = []
    for part in parts:
        if isinstance(part, str) and whole and isinstance(whole[-1], str):
            whole[-1] += part
        elif part != "":
            whole.append(part)
    return whole


def _text(parts: Sequence[Part], inline: Collection[str]) -> str:
    written, seen = [], set[str]()
    for part in parts:
        if isinstance(part, str):
            written.append(escaped(part))
        elif part.name in inline and part.name not in seen:
            seen.add(part.name)
            written.append(f"{{{part.name}={'|'.join(map(escaped, part.options))}}}")
        else:
            written.append(f"{{{part.name}}}")
    return "".join(written)
