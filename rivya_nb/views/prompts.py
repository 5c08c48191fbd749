"""Whole prompts, for whoever wants to read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rivya_nb.contract.text import count, printable

_MOST_LETTERS = 40_000
"""Characters of prompts in one output."""

_MOST_LINES = 8
_LINE_LENGTH = 160


class ToldPrompts(NamedTuple):
    """Prompts to unfold: what opens them, each of them whole, and how many more there are."""

    title: str
    prompts: Sequence[str]
    more: str


def told_prompts(prompts: Sequence[str]) -> ToldPrompts | None:
    """These prompts, or the first ones of very many; None if there are none."""
    if not prompts:
        return None
    told: list[str] = []
    letters = 0
    for prompt in prompts:
        letters += len(prompt)
        if told and letters > _MOST_LETTERS:
            break
        told.append("\n".join(map(printable, prompt.splitlines())))
    title = "the whole prompt" if len(prompts) == 1 else f"all {len(prompts):,} prompts"
    rest = len(prompts) - len(told)
    return ToldPrompts(
        title, told, f"and {count(rest, 'more prompt')}; the plan's requests have them" if rest else ""
    )


def prompt_lines(prompts: Sequence[str]) -> list[str]:
    """The same in plain text, shortened."""
    lines = [f"  prompt: {printable(prompt, _LINE_LENGTH)}" for prompt in prompts[:_MOST_LINES]]
    rest = len(prompts) - len(lines)
    return [*lines, f"  and {count(rest, 'more prompt')}"] if rest else lines
