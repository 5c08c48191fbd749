"""Prompts with variables and axes.

```
A {subject} at {dawn|dusk}, {light=soft|hard} light, {red |}hat
```

- `{subject}` is the notebook's variable of that name: text and numbers are inserted, a list is an axis named
  after it. Plain names only: an attribute or an item is given a name in Python first.
- `{a|b}` is an axis. The first without a name is called `prompt`, the next `prompt2`, and so on; names that
  the text uses otherwise are left out. `{light=a|b}` is called `light`, and `{light}` stands for it again.
- Options are taken as they are written, blanks included: `{red |}hat` is "red hat" or "hat".
- An option may hold variables and further options: `{a {red|blue} hat|none}` is one axis of three.
- `{{` and `}}` are braces. Every other brace stays as it is: `{}`, `{1}`, `{"json": {}}`, a lone `{`.
- What was inserted is never parsed again.
- What may mean something else is refused, with both ways to write it: options with quotes, colons, line breaks,
  code or other braces, unless the axis begins with `name=`; `{x:.2f}` where the notebook has an `x`; and the forms
  of other tools (`{2$$a|b}`, `{3::a|b}`, `__animal__`, `<lora:x:1>`). Those without braces are text where their
  ends are doubled: `____animal____`, `<<lora:x:1>>`.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, product
from math import prod

from rivya_nb.contract.params import plain_value
from rivya_nb.contract.text import comparable, did_you_mean, mark, short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.braces import LITERAL, UNNAMED, Group, Node, Slot, doubled, read_braces, walk
from rivya_nb.planning.doubts import Doubt
from rivya_nb.planning.values import MAX_VALUES, as_axis, first_values


@dataclass(frozen=True)
class PromptAxis:
    """Several texts for one place of a prompt."""

    name: str
    options: tuple[str, ...]


Piece = str | Slot


@dataclass(frozen=True)
class _Choice:
    name: str
    options: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True)
class PromptTemplate:
    """A parsed prompt."""

    pieces: tuple[Piece, ...]
    choices: tuple[_Choice, ...]
    doubts: tuple[Doubt, ...] = ()

    @cached_property
    def axes(self) -> tuple[PromptAxis, ...]:
        """The axes in the order of their first appearance."""
        known = {choice.name: choice for choice in self.choices}
        names = dict.fromkeys(slot.name for slot in _slots(self.pieces) if slot.name in known)
        return tuple(
            PromptAxis(name, tuple(_plain(option) for option in known[name].options)) for name in names
        )

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The notebook's variables that `bind` still has to put in."""
        known = {choice.name for choice in self.choices}
        inner = (option for choice in self.choices for option in choice.options)
        slots = [*_slots(self.pieces), *(slot for option in inner for slot in _slots(option))]
        return tuple(dict.fromkeys(slot.name for slot in slots if slot.name not in known))

    @property
    def parts(self) -> tuple[str | PromptAxis, ...]:
        """Text and axes in their order; an axis is there as often as the prompt has it."""
        axes = {axis.name: axis for axis in self.axes}
        return tuple(
            piece if isinstance(piece, str) else axes.get(piece.name, piece.source) for piece in self.pieces
        )

    @cached_property
    def _options(self) -> Mapping[str, tuple[str, ...]]:
        return {axis.name: axis.options for axis in self.axes}

    def bind(self, namespace: Mapping[str, object]) -> PromptTemplate:
        """The template with the notebook's variables put in; lists among them become axes.

        Raises:
            UsageError: with every name that is unknown, or whose value is neither text, a number nor a list, and
                all that looks like one of the names and cannot be put in.
        """
        mistakes = _refused(self.doubts, namespace)
        texts: dict[str, str] = {}
        lists: dict[str, tuple[str, ...]] = {}
        for name in self.variables:
            try:
                found = _insertable(name, namespace, [choice.name for choice in self.choices])
            except UsageError as error:
                mistakes += error.mistakes
                continue
            if isinstance(found, str):
                texts[name] = found
            else:
                lists[name] = found
        inner = [slot for choice in self.choices for option in choice.options for slot in _slots(option)]
        mistakes += [
            Mistake(
                "prompt",
                f"{shortened(slot.source)} is a list, and stands within an axis, where one value fits",
            )
            for slot in dict.fromkeys(inner)
            if slot.name in lists
        ]
        if mistakes:
            raise UsageError(mistakes)
        added = tuple(
            _Choice(name, tuple((option,) for option in options)) for name, options in lists.items()
        )
        return replace(
            self,
            pieces=_filled(self.pieces, texts),
            choices=tuple(_with_texts(choice, texts) for choice in self.choices) + added,
        )

    def render(self, choice: Mapping[str, int]) -> str:
        """The prompt with one option of each axis, `choice` giving their indices by the axes' names.

        Raises:
            ValueError: variables are not bound yet.
            KeyError, IndexError: an axis has no index in `choice`, or one that it does not have.
        """
        if unbound := self.variables:
            raise ValueError(f"bind the variables first: {', '.join(unbound)}")
        return "".join(
            piece if isinstance(piece, str) else self._options[piece.name][choice[piece.name]]
            for piece in self.pieces
        )


def parse_prompt(
    text: str, *, variables: bool, names: Collection[str] = (), rows: PromptAxis | None = None
) -> PromptTemplate:
    """The template that `text` writes down.

    Where `variables` is false, `{subject}` stays as it is, unless an axis has that name. `names` are those of the
    notebook, where they are known already: what looks like one and cannot be put in is then told with the rest.
    `rows` is an axis that comes from elsewhere, and for which its name stands in braces.

    Raises:
        UsageError: with every axis that is written wrongly, or the text has no place for `rows`; the module's text
            has the rules.
    """
    nodes, mistakes, doubts = read_braces(text, variables=variables)
    builder = _Builder(nodes, variables, rows)
    pieces = builder.pieces(nodes)
    if rows is not None and all(slot.name != rows.name for slot in _slots(pieces)):
        message = f"it has no {{{rows.name}}}, which stands for the wording of each row; put it in"
        mistakes.append(Mistake("prompt", message))
    mistakes += [*builder.mistakes, *_refused([*doubts, *builder.doubts], {*builder.choices, *names})]
    if mistakes:
        raise UsageError(list(dict.fromkeys(mistakes)))
    return PromptTemplate(pieces, tuple(builder.choices.values()), (*doubts, *builder.doubts))


def prompt_of(parts: Iterable[str | PromptAxis]) -> PromptTemplate:
    """The bound template that has these `parts`."""
    parts = tuple(parts)
    axes = {part.name: part for part in parts if isinstance(part, PromptAxis)}
    return PromptTemplate(
        tuple(part if isinstance(part, str) else Slot(part.name, f"{{{part.name}}}") for part in parts),
        tuple(_Choice(axis.name, tuple((option,) for option in axis.options)) for axis in axes.values()),
    )


def literal_prompt(text: str) -> PromptTemplate:
    """The template that is this text, braces included."""
    return prompt_of([text])


NO_PROMPT = PromptTemplate((), ())


class _Builder:
    """The tree to a template's pieces: axes get their names, inner options are laid out."""

    def __init__(self, nodes: Sequence[Node], variables: bool, rows: PromptAxis | None) -> None:
        self.mistakes: list[Mistake] = []
        self.doubts: list[Doubt] = []
        self.choices: dict[str, _Choice] = {}
        self._variables = variables
        self._named = {node.name for node in walk(nodes) if isinstance(node, Group) and node.name}
        if rows is not None:
            self.choices[rows.name] = _Choice(rows.name, tuple((option,) for option in rows.options))
            self._named.add(rows.name)
        taken = self._named | {node.name for node in walk(nodes) if isinstance(node, Slot)}
        names = (UNNAMED if number == 1 else f"{UNNAMED}{number}" for number in count(1))
        self._free = (name for name in names if name not in taken)

    def pieces(self, nodes: Sequence[Node]) -> tuple[Piece, ...]:
        return tuple(
            self._axis(node) if isinstance(node, Group) else self._slot_or_text(node) for node in nodes
        )

    def _slot_or_text(self, node: str | Slot) -> Piece:
        if isinstance(node, str) or self._variables or node.name in self._named:
            return node
        shown, way = shortened(node.source), shortened(doubled(node.source))
        self.doubts.append(
            Doubt(
                frozenset({node.name}),
                f"{shown} is a variable of the notebook, and Python puts it in only where an f stands before "
                f'the quotes: f"…{shown}…"; write {way} for the text itself',
            )
        )
        return node.source

    def _axis(self, group: Group) -> Slot:
        options = self._laid_out(group)
        name = group.name or next(self._free)
        known = self.choices.setdefault(name, _Choice(name, options))
        if known.options != options:
            shown = shortened(name)
            self._wrong(
                f"axis {shown} is given twice, with different options; {{{shown}}} stands for it again"
            )
        labels = [comparable(_plain(option)) for option in options]
        if known.options is options and len(set(labels)) < len(labels):
            again = next(label for label in labels if labels.count(label) > 1)
            self._wrong(f"{shortened(group.source)} has the option {short_repr(again)} twice{LITERAL}")
        return Slot(name, group.source)

    def _laid_out(self, group: Group) -> tuple[tuple[Piece, ...], ...]:
        options: list[tuple[Piece, ...]] = []
        for nodes in group.options:
            alternatives = [self._alternatives(node) for node in nodes]
            if len(options) + prod(len(texts) for texts in alternatives) > MAX_VALUES:
                self._wrong(f"{shortened(group.source)} has more than {MAX_VALUES:,} options")
                return tuple(options)
            options += [tuple(piece for part in parts for piece in part) for parts in product(*alternatives)]
        return tuple(options)

    def _alternatives(self, node: Node) -> tuple[tuple[Piece, ...], ...]:
        if isinstance(node, Group):
            if node.name is not None:
                self._wrong(
                    f"{shortened(node.source)} has a name, and stands within another axis; take it out"
                )
            return self._laid_out(node)
        if isinstance(node, Slot) and node.name in self._named:
            self._wrong(f"{shortened(node.source)} is an axis, and stands within another axis; take it out")
        return ((self._slot_or_text(node),),)

    def _wrong(self, message: str) -> None:
        self.mistakes.append(Mistake("prompt", message))


def _refused(doubts: Iterable[Doubt], names: Container[str]) -> list[Mistake]:
    return [
        Mistake("prompt", doubt.message) for doubt in doubts if any(name in names for name in doubt.names)
    ]


def _slots(pieces: Iterable[Piece]) -> Iterator[Slot]:
    return (piece for piece in pieces if isinstance(piece, Slot))


def _plain(pieces: Iterable[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.source for piece in pieces)


def _filled(pieces: Iterable[Piece], texts: Mapping[str, str]) -> tuple[Piece, ...]:
    return tuple(piece if isinstance(piece, str) else texts.get(piece.name, piece) for piece in pieces)


def _with_texts(choice: _Choice, texts: Mapping[str, str]) -> _Choice:
    if not any(True for option in choice.options for _ in _slots(option)):
        return choice
    # Two options may have become the same text, and one request is asked once.
    options = _once(_plain(_filled(option, texts)) for option in choice.options)
    return _Choice(choice.name, tuple((option,) for option in options))


def _insertable(name: str, namespace: Mapping[str, object], axes: Iterable[str]) -> str | tuple[str, ...]:
    """The text of a variable, or the texts of a list."""
    if name not in namespace:
        fitting = (str, int, float, list, tuple, range)
        known = [
            key for key, value in namespace.items() if not key.startswith("_") and isinstance(value, fitting)
        ]
        hint = did_you_mean(name, [*axes, *known])
        raise UsageError(
            [Mistake("prompt", f"{{{shortened(name)}}} is no variable of this notebook{hint or LITERAL}")]
        )
    value = namespace[name]
    values = as_axis(value, f"prompt: {{{name}}}")
    if values is None:
        return _text(name, value)
    return _once(_text(name, item, "a list with ") for item in values)


def is_insertable(value: object) -> bool:
    """True if a prompt takes the value of a variable. Of several values, only the first ones are looked at."""
    try:
        values = as_axis(first_values(value))
        for each in (value,) if values is None else values:
            _text("", each)
    except UsageError:
        return False
    return True


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    """The first of each of the texts that are the same wherever they are put in."""
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(mark(text), text)
    return tuple(kept.values())


def _text(name: str, value: object, within: str = "") -> str:
    value = plain_value(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (int, float)):
        return str(value)
    kind = "None" if value is None else f"a value of type {type(value).__name__}"
    raise UsageError(
        [Mistake("prompt", f"{{{shortened(name)}}} is {within}{kind}; a prompt takes text and numbers")]
    )
