"""Braces in a prompt: which are names, which are axes, and which are only braces.

The rules stand in `rivya_nb.planning.prompt`. Here text becomes a tree of what is written; what a name stands for
is decided there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rivya_nb.contract.text import shortened
from rivya_nb.errors import Mistake
from rivya_nb.planning.names import python_name

LITERAL = "; braces that belong to the text are written {{ and }}"

UNNAMED = "prompt"
"""The name of an axis that has no name in the prompt."""

# `{{a|b} c|d}` and `{{{a}}|b}`: an axis whose first option begins with a brace, but reads as a literal one.
_TORN_ESCAPE = re.compile(r"\{(?:\{\{[^{}]*\}\}|\{[^{}]*\})[^{}]*\|[^{}]*\}(?!\})")
_MAX_DEPTH = 20
_PATH = re.compile(r"(\w+)(\.\w+|\[[^\[\]]*\])+")


@dataclass(frozen=True)
class Slot:
    """A name in a prompt, for which a value is put in; `source` is how it was written."""

    name: str
    source: str


@dataclass(frozen=True)
class Group:
    """Options as they are written; `name` is None where none is given."""

    name: str | None
    options: tuple[tuple[Node, ...], ...]
    source: str


Node = str | Slot | Group


class _Parser:
    """Reads a text into a tree, in one pass from left to right."""

    def __init__(self, text: str, variables: bool) -> None:
        self.mistakes: list[Mistake] = []
        self._text = text
        self._variables = variables
        self._pairs = _pairs(text)

    def nodes(self, start: int, end: int, depth: int = 0) -> tuple[Node, ...]:
        text, nodes, here = self._text, list[Node](), start
        while here < end:
            pair = text[here : min(here + 2, end)]
            if pair in ("{{", "}}"):
                if torn := _TORN_ESCAPE.match(text, here, end):
                    self._wrong(
                        f"{torn[0]} starts with “{{{{”, a literal brace; to nest, put a blank between"
                    )
                nodes.append(pair[0])
                here += 2
            elif text[here] == "{" and here in self._pairs:
                close = self._pairs[here]
                nodes += self._braced(here, close, depth + 1)
                here = close + 1
            else:
                stop = next((at for at in range(here + 1, end) if text[at] in "{}"), end)
                nodes.append(text[here:stop])
                here = stop
        return tuple(nodes)

    def _braced(self, open_: int, close: int, depth: int) -> Sequence[Node]:
        """What a pair of braces means: a name, an axis, or only braces."""
        source = self._text[open_ : close + 1]
        if depth > _MAX_DEPTH:
            self._wrong(f"{shortened(source)} lies more than {_MAX_DEPTH} braces deep")
            return ()
        name = python_name(source[1:-1].strip())
        if name is not None:
            return (Slot(name, source),)
        bars = self._bars(open_ + 1, close)
        if (bars or "=" in source) and (group := self._group(open_, close, bars, depth)):
            return (group,)
        if self._variables and (path := _PATH.fullmatch(source[1:-1].strip())) and python_name(path[1]):
            self._wrong(f"{source} is more than a plain name; give it one in Python first{LITERAL}")
        return ("{", *self.nodes(open_ + 1, close, depth), "}")

    def _group(self, open_: int, close: int, bars: list[int], depth: int) -> Group | None:
        source = self._text[open_ : close + 1]
        edges = [open_, *bars, close]
        spans = [(left + 1, right) for left, right in pairwise(edges)]
        head, equals, tail = self._text[slice(*spans[0])].partition("=")
        name = None
        if equals and "{" not in head:
            name = python_name(head.strip())
            if not bars and (name is None or tail.startswith("=")):
                return None
            if name is None:
                self._wrong(
                    f"{head.strip()!r} in {shortened(source)} cannot name an axis; use a plain name as in "
                    f"{{light=dawn|dusk}}, or begin with {UNNAMED}= where the = belongs to the text"
                )
            spans[0] = (spans[0][0] + len(head) + 1, spans[0][1])
        elif not bars:
            return None
        if not any(self._text[slice(*span)].strip() for span in spans):
            if name is None:
                return None
            self._wrong(f"{shortened(source)} has no option; write {{{name}=one|another}}")
        return Group(name, tuple(self.nodes(*span, depth) for span in spans), source)

    def _bars(self, start: int, end: int) -> list[int]:
        """Where the options of a group end; bars within inner braces belong to those."""
        bars, here = [], start
        while here < end:
            char = self._text[here]
            if char == "|":
                bars.append(here)
            elif char == "{":
                here = self._pairs.get(here, here)
            here += 1
        return bars

    def _wrong(self, message: str) -> None:
        self.mistakes.append(Mistake("prompt", message))


def read_braces(text: str, *, variables: bool) -> tuple[tuple[Node, ...], list[Mistake]]:
    """The tree of `text`, and every mistake in it."""
    parser = _Parser(text, variables)
    return parser.nodes(0, len(text)), parser.mistakes


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """Every node, those within options included."""
    for node in nodes:
        yield node
        if isinstance(node, Group):
            for option in node.options:
                yield from walk(option)


def _pairs(text: str) -> dict[int, int]:
    """Where the brace that opens at an index is closed.

    Escaped braces count as pairs only within others, so that `}}` after a name closes two: `{a|{b}}`.
    """
    pairs: dict[int, int] = {}
    open_: list[tuple[int, bool]] = []
    here = 0
    while here < len(text):
        double = text[here : here + 2]
        if double == "{{":
            if open_:
                open_.append((here, True))
            here += 2
        elif text[here] == "{":
            open_.append((here, False))
            here += 1
        elif text[here] == "}":
            if double == "}}" and (not open_ or open_[-1][1]):
                if open_:
                    pairs[open_.pop()[0]] = here + 1
                here += 2
                continue
            while open_ and open_[-1][1]:
                open_.pop()
            if open_:
                pairs[open_.pop()[0]] = here
            here += 1
        else:
            here += 1
    return pairs
