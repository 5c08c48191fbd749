"""Braces in a prompt: which are names, which are axes, and which are only braces.

The rules stand in `rivya_nb.planning.prompt`. Here text becomes a tree of what is written; what a name stands for
is decided there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rivya_nb.errors import Mistake, shortened
from rivya_nb.planning.doubts import (
    FULL_WIDTH,
    Doubt,
    calculates,
    field_names,
    foreign_prefix,
    has_torn_quotes,
    is_field,
    kept_text,
    listed,
    lone_brace,
    of_another_tool,
    plain_text,
    spaced_name,
    why_no_axis,
)
from rivya_nb.planning.names import python_name

LITERAL = "; braces that belong to the text are written {{ and }}"

UNNAMED = "prompt"
"""The name of an axis that has no name in the prompt."""

# `{{a|b} c|d}` and `{{{a}}|b}`: an axis whose first option begins with a brace, but reads as a literal one.
_TORN_ESCAPE = re.compile(r"\{(?:\{\{[^{}]*\}\}|\{[^{}]*\})[^{}]*\|[^{}]*\}(?!\})")
_MAX_DEPTH = 20
_WAY = 200
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
        self.doubts: list[Doubt] = []
        self._text = text
        self._variables = variables
        self._pairs = _pairs(text)
        self._unnamed = 0

    def nodes(self, start: int, end: int, depth: int = 0) -> tuple[Node, ...]:
        text, nodes, here = self._text, list[Node](), start
        while here < end:
            pair = text[here : min(here + 2, end)]
            if pair in ("{{", "}}"):
                if torn := _TORN_ESCAPE.match(text, here, end):
                    self._wrong(
                        f"{shortened(torn[0])} starts with “{{{{”, a literal brace; to nest, put a space between"
                    )
                nodes.append(pair[0])
                here += 2
            elif text[here] == "{" and here in self._pairs:
                close = self._pairs[here]
                nodes += self._braced(here, close, depth + 1)
                here = close + 1
            else:
                if text[here] in "{}":
                    self._lone(here)
                stop = next((at for at in range(here + 1, end) if text[at] in "{}"), end)
                plain, wrong = plain_text(text[here:stop])
                nodes.append(plain)
                self.mistakes += [Mistake("prompt", message) for message in wrong]
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
            return (self._slot(name, open_, source),)
        bars = self._bars(open_ + 1, close)
        if bars or "=" in source:
            mistakes = len(self.mistakes)
            if group := self._group(open_, close, bars, depth):
                return (group,)
            if len(self.mistakes) > mistakes:
                return ()
        self._only_braces(source)
        return ("{", *self.nodes(open_ + 1, close, depth), "}")

    def _slot(self, name: str, open_: int, source: str) -> Slot:
        if self._variables and (prefix := foreign_prefix(self._text, open_)):
            self._wrong(
                f"{prefix}{shortened(source)} is written as in another tool; write {shortened(source)} without "
                f"{prefix} for the variable, or {prefix}{shortened(doubled(source))} for the text itself"
            )
        return Slot(name, source)

    def _only_braces(self, source: str) -> None:
        """Note where braces that are no axis may well be meant as something else than text."""
        inner, text = source[1:-1], shortened(doubled(source))
        axis = listed(inner) or (inner.translate(FULL_WIDTH) if "｜" in inner and "{" not in inner else None)
        if axis is not None:
            self._wrong(
                f"{shortened(source)} may be options or text; write {shortened(f'{{{axis}}}')} for an axis, or "
                f"{text} for the text itself"
            )
        elif self._variables and (path := _PATH.fullmatch(inner.strip())) and python_name(path[1]):
            self._wrong(
                f"{shortened(source)} is more than a plain name; give it one in Python first, as in "
                f"value = {shortened(inner.strip())}, and write {{value}}{LITERAL}: {text}"
            )
        elif self._variables and is_field(inner):
            self._wrong(_more_than_a_name(source))
        elif name := spaced_name(inner):
            self._doubt(
                {name},
                f"{shortened(source)} is no name; write {{{name}}} for the variable, or {text} for "
                "the text itself",
            )
        elif names := field_names(inner):
            self._doubt(names, _more_than_a_name(source))

    def _lone(self, at: int) -> None:
        """Note where a brace without a partner may well be part of a torn axis or name."""
        is_torn, name = lone_brace(self._text, at)
        brace = self._text[at]
        way = f"write {brace * 2} for a brace that belongs to the text"
        if is_torn:
            self._wrong(
                f"{self._around(at)} has options and only one brace; write {{a|b}} with both, or {way}"
            )
        elif name is not None:
            self._doubt(
                {name},
                f"{self._around(at)} has only one brace; write {{{name}}} for the variable, or {way}",
            )

    def _around(self, at: int) -> str:
        """What stands at a lone brace, as far as a message shows it."""
        text = self._text
        return shortened(text[at : at + 40] if text[at] == "{" else text[max(0, at - 30) : at + 1].lstrip())

    def _group(self, open_: int, close: int, bars: list[int], depth: int) -> Group | None:
        """The axis in braces; None if they are only braces, or a mistake was noted."""
        source = self._text[open_ : close + 1]
        edges = [open_, *bars, close]
        spans = [(left + 1, right) for left, right in pairwise(edges)]
        head, equals, tail = self._text[slice(*spans[0])].partition("=")
        name = None
        is_code = tail.startswith(("=", ">")) or head.endswith(("!", "<", ">", ":"))
        if equals and "{" not in head and not (is_code and bars):
            name = python_name(head.strip())
            if not bars and (name is None or is_code):
                return None
            if name is None:
                named = re.sub(r"\W+", "_", head.strip()).strip("_")
                named = named if python_name(named) else UNNAMED
                self._wrong(
                    f"{shortened(head.strip())!r} in {shortened(source)} cannot name an axis; write "
                    f"{shortened(f'{{{named}={source[len(head) + 2 :]}', _WAY)} for an axis, "
                    f"{shortened(f'{{{UNNAMED}={source[1:]}', _WAY)} where the = belongs to the text, or "
                    f"{shortened(doubled(source), _WAY)} for the text itself"
                )
                return None
            spans[0] = (spans[0][0] + len(head) + 1, spans[0][1])
        elif not bars:
            return None
        if not any(self._text[slice(*span)].strip() for span in spans):
            if name is None:
                return None
            self._wrong(f"{shortened(source)} has no option; write {{{name}=one|another}}")
        is_plain = name is not None and bool(bars) and head == name
        if self._is_doubtful(open_, close, spans, name, is_plain):
            return None
        if name is None:
            self._unnamed += 1
        return Group(name, tuple(self.nodes(*span, depth) for span in spans), source)

    def _is_doubtful(
        self, open_: int, close: int, spans: Sequence[tuple[int, int]], name: str | None, is_plain: bool
    ) -> bool:
        """Note why braces with options do not look like an axis. One that begins with `name=` says that it is
        one, and only bars within quotes make it doubtful."""
        source = self._text[open_ : close + 1]
        own, braces = zip(*(self._own(*span) for span in spans), strict=True)
        options = [self._text[slice(*span)] for span in spans]
        given = f"{name}=" if name else ""
        if (other := of_another_tool(own)) and not is_plain:
            stripped = other[1] if own == tuple(options) else options
            self._both(source, f"{other[0]} in another tool", f"{{{given}{'|'.join(stripped)}}}", options)
            return True
        if prefix := foreign_prefix(self._text, open_):
            why = f"after {prefix} is written as in another tool"
            self._both(source, why, source, options, f" without {prefix}")
            return True
        if is_plain:
            reason = "has a bar within quotes" if has_torn_quotes(own) else None
        else:
            reason = "has further braces" if any(braces) else why_no_axis(own)
        names = calculates(source[1:-1]) if name is None and reason is None else ()
        if reason is None and not names:
            return False
        self._unnamed += name is None and reason is not None
        place = self._unnamed + (reason is None)
        number = "" if place < 2 else str(place)
        listed_options = "|".join(options)
        if is_plain and listed_options.count('"') == 2:
            listed_options = re.sub(r'^\s*"(.*)"\s*$', r"\1", listed_options, flags=re.DOTALL)
        axis = f"{{{name or UNNAMED + number}={listed_options}}}"
        if reason is None:
            self._doubt(names, self._both_ways(source, "may be an expression of Python", axis, options))
            return False
        self._both(source, reason, axis, options)
        return True

    def _both(self, source: str, why: str, axis: str, options: Sequence[str], how: str = "") -> None:
        """Refuse an axis, with the way to write it as one, and the way to write it as text."""
        self._wrong(self._both_ways(source, why, axis, options, how))

    @staticmethod
    def _both_ways(source: str, why: str, axis: str, options: Sequence[str], how: str = "") -> str:
        is_read = axis != source or bool(how)
        if is_read:
            nodes, mistakes, _ = read_braces(axis, variables=True)
            is_read = not mistakes and isinstance(nodes[0], Group)
        if not is_read:
            axis, how = "{options}", f" with options = {shortened(repr(options), _WAY)} in Python"
        return (
            f"{shortened(source)} {why}; write {shortened(axis, _WAY)}{how} for an axis, or "
            f"{shortened(doubled(source), _WAY)} for the text itself"
        )

    def _own(self, start: int, end: int) -> tuple[str, bool]:
        """An option without what stands in braces, and whether these are neither a name, an axis nor text."""
        own, only_braces, here = list[str](), False, start
        while here < end:
            close = self._pairs.get(here) if self._text[here] == "{" else None
            if close is None:
                own.append(self._text[here])
                here += 1
                continue
            if self._text[here : here + 2] != "{{":
                inner = self._text[here + 1 : close]
                is_read = python_name(inner.strip()) or "=" in inner or self._bars(here + 1, close)
                only_braces = only_braces or not is_read
            here = close + 1
        return "".join(own), only_braces

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

    def _doubt(self, names: Collection[str], message: str) -> None:
        self.doubts.append(Doubt(frozenset(names), message))

    def _wrong(self, message: str) -> None:
        self.mistakes.append(Mistake("prompt", message))


def read_braces(text: str, *, variables: bool) -> tuple[tuple[Node, ...], list[Mistake], list[Doubt]]:
    """The tree of `text`, every mistake in it, and what is one where a name means something."""
    parser = _Parser(text, variables)
    return parser.nodes(0, len(text)), parser.mistakes, parser.doubts


def _more_than_a_name(source: str) -> str:
    formatted = f"f{source!r}"
    return (
        f"{shortened(source)} is more than a plain name, and is not put in; write value = "
        f"{shortened(formatted)} in Python and {{value}} here, or {shortened(doubled(source))} for the text itself"
    )


def escaped(text: str) -> str:
    """A finished text as it is written where braces mean something."""
    return kept_text(text).replace("{", "{{").replace("}", "}}")


def doubled(source: str) -> str:
    """What stands in a prompt with its single braces doubled."""
    pairs = {open_: close for open_, close in _pairs(source).items() if source[open_ : open_ + 2] != "{{"}
    single = {*pairs, *pairs.values()}
    written, here = list[str](), 0
    while here < len(source):
        is_double = here not in single and source[here : here + 2] in ("{{", "}}") and here + 1 not in single
        written.append(source[here] * 2 if is_double or source[here] in "{}" else source[here])
        here += 2 if is_double else 1
    return "".join(written)


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
