"""Where the cursor stands: in which magic, in its line or in its body, in which word, and what the word is for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from rivya_nb.magics.awaiting import MAGIC
from rivya_nb.planning.line_reader import PARAM, Flag, is_flag
from rivya_nb.planning.words import split_words

_CELL = re.compile(rf"\s*%%{MAGIC}(?!\S)")
_LINE = re.compile(rf"\s*(?:[^=%#]*[^=%#!<>]=\s*)?%{MAGIC}(?!\S)")
_ABOVE = re.compile(r"\s*(?:#.*|%%.*)?")
"""What may stand above a cell magic: nothing, comments, and other cell magics that run the rest of the cell."""


class Part(Enum):
    """The parts of a magic."""

    NAME = "name"
    LINE = "line"
    BODY = "body"


class Spot(NamedTuple):
    """The cursor in a magic. `before` and `after` are the text of its part on both sides of the cursor, and `body`
    is the whole body; `is_cell` is True for the cell magic."""

    part: Part
    is_cell: bool
    before: str = ""
    after: str = ""
    body: str = ""


class Slot(NamedTuple):
    """The word at the cursor. `typed` is its part before the cursor, `rest` the part behind it.

    Where the word is a value, `flag` or `key` tell whose, and both parts are of the value only. `others` are the
    other words of the line."""

    typed: str
    rest: str
    others: tuple[str, ...]
    flag: Flag | None = None
    key: str | None = None


def find_spot(text: str, row: int, column: int) -> Spot | None:
    """The cursor's place in the magic of a cell's text, None where it is in none; both count from 0."""
    lines = text.split("\n")
    top = _top(lines)
    if top is None or row < top[0]:
        return _on_a_line(_LINE.match(lines[row]), lines[row], column, is_cell=False)
    at, name = top
    body = "\n".join(lines[at + 1 :])
    if row == at:
        return _on_a_line(name, lines[row], column, is_cell=True, body=body)
    before = "\n".join([*lines[at + 1 : row], lines[row][:column]])
    return Spot(Part.BODY, True, before, body[len(before) :], body)


def _top(lines: Sequence[str]) -> tuple[int, re.Match[str]] | None:
    """The row of the cell magic, and its name there."""
    for row, line in enumerate(lines):
        if name := _CELL.match(line):
            return row, name
        if not _ABOVE.fullmatch(line):
            return None
    return None


def _on_a_line(
    name: re.Match[str] | None, line: str, column: int, *, is_cell: bool, body: str = ""
) -> Spot | None:
    if name is None:
        return None
    if column > name.end():
        return Spot(Part.LINE, is_cell, line[name.end() : column], line[column:], body)
    return Spot(Part.NAME, is_cell) if column >= line.index("%", name.start()) else None


def find_slot(before: str, after: str, flags: Sequence[Flag]) -> Slot:
    """The word at the cursor, on a line with these flags; `before` and `after` are the line on both sides."""
    earlier, word = _last(before)
    rest = _rest(word, after)
    others = (*earlier, *split_words(after[len(rest) :]))
    known = {flag.name: flag for flag in flags if flag.value_name is not None}
    if is_flag(word):
        name, equals, value = word.partition("=")
        flag = known.get(name) if equals else None
        return Slot(word if flag is None else value, rest, others, flag)
    if match := PARAM.fullmatch(word):
        return Slot(match[2], rest, others, key=match[1])
    if earlier and (flag := known.get(earlier[-1])):
        return Slot(word, rest, (*earlier[:-1], *others[len(earlier) :]), flag)
    return Slot(word, rest, others)


def _last(before: str) -> tuple[tuple[str, ...], str]:
    """The words of a line, and the one that ends at its end; an empty one behind a blank."""
    words = split_words(before)
    if words and before.endswith(words[-1]):
        return tuple(words[:-1]), words[-1]
    return tuple(words), ""


def _rest(word: str, after: str) -> str:
    """The part of the word that follows the cursor."""
    if not word:
        return "" if not after or after[0].isspace() else split_words(after)[0]
    whole = split_words(word + after)[0]
    # A quote that nothing closes would take in the rest of the line.
    return re.match(r"\S*", after)[0] if _is_open(whole) else whole[len(word) :]  # type: ignore[index]


def _is_open(word: str) -> bool:
    """True if a blank behind the word would still belong to it."""
    return split_words(f"{word} .")[0] != word
