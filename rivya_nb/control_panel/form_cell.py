"""A form written down as the cells that ask for just what it asks for.

What the magic's line says is tried on the line's own reader, and what comes to the magic on IPython. What a line
cannot say (several sets of references, text of several lines) is given a name in a cell of Python before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.control_panel.form_state import FormState, arrangement, labelled, param_of, read_param
from rivya_nb.control_panel.origins import Origins
from rivya_nb.errors import UsageError
from rivya_nb.planning.line import Line, parse_line
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.values import parse_values
from rivya_nb.planning.words import ObjectName, Text, as_word, quoted
from rivya_nb.views.repeat import fits_a_line, magic_cell, magic_line

if TYPE_CHECKING:
    from rivya_nb.session.session import Session


def form_cells(
    session: Session, state: FormState, axes: Sequence[str] = (), origins: Origins | None = None
) -> list[str]:
    """The cells that ask for what a form does, to be run in their order; the last one asks.

    `axes` are the names of the axes that its plan has. References are named as `origins` knows them, or as files
    of the store.

    Raises:
        UsageError: something of the form cannot be read.
    """
    writer = _Writer(session, state, origins or Origins(session, dict))
    words = [*writer.params(), *writer.flags(axes)]
    if state.prompts and not state.prompt.strip() and (line := magic_line(words)) is not None:
        return [*writer.definitions, line]
    cell = magic_cell(words, state.prompt)
    if cell is None:
        # What IPython makes of a magic's cell, and so this one is awaited as one, too.
        cell = f"get_ipython().run_cell_magic('rivya', {' '.join(words)!r}, {state.prompt!r})"
    return [*writer.definitions, cell]


class _Writer:
    """Writes the words of a line, and keeps `definitions`, cells of Python, of what they name."""

    def __init__(self, session: Session, state: FormState, origins: Origins) -> None:
        self.definitions: list[str] = []
        self._origins = origins
        self._session = session
        self._state = state
        self._read = {key: read_param(state, key, session.catalogue) for key in state.written}
        self._names = {*parse_prompt(state.prompt, variables=True).variables}
        self._names |= {read.name for read in self._read.values() if isinstance(read, ObjectName)}

    def params(self) -> Iterator[str]:
        for key, read in self._read.items():
            yield f"{key}={{{read.name}}}" if isinstance(read, ObjectName) else self._param(key, read)

    def flags(self, axes: Sequence[str]) -> Iterator[str]:
        state = self._state
        rows, cols = arrangement(state, axes)
        if state.prompts:
            yield f"--prompts {as_word(state.prompts)}"
        if state.models != (DEFAULT_MODEL,):
            yield f"--model {as_word(','.join(state.models))}"
        yield from self._references()
        if state.repeat > 1:
            yield f"--repeat {state.repeat}"
        if state.replicates > 1:
            yield f"--replicates {state.replicates}"
        if rows is not None:
            yield f"--rows {as_word(rows)}"
        if cols is not None:
            yield f"--cols {as_word(cols)}"
        if name := state.name.strip():
            yield f"--name {as_word(name)}"
        if state.max_credits is not None:
            yield f"--max-credits {state.max_credits}"
        if state.fresh:
            yield "--fresh"

    def _param(self, key: str, values: tuple[object, ...]) -> str:
        """The values as the line takes them: as they are written, quoted, or as a variable."""
        bare = ",".join(item.strip() for item in self._state.params[key].split(","))
        first = str(values[0])
        for raw, text in ((bare, Text(bare)), (quoted(first), Text(first, quoted=True))):
            word = f"{key}={raw}"
            if self._means(key, text, values) and _is_said(word, Line(params=((key, text),), order=(key,))):
                return word
        listed = _laid_out("[", map(repr, values), "]")
        return f"{key}={self._defined(key, listed if len(values) > 1 else repr(values[0]))}"

    def _means(self, key: str, text: Text, values: tuple[object, ...]) -> bool:
        param = param_of(self._state, key, self._session.catalogue)
        try:
            return parse_values(text.text, param, quoted=text.quoted) == values
        except UsageError:
            return False

    def _references(self) -> Iterator[str]:
        sets = {
            label: [self._origins.of(reference) for reference in each]
            for label, each in labelled(self._state.references).items()
        }
        if len(sets) > 1:
            listed = _laid_out(
                "{", (f"{label!r}: {_as_python(sources)}" for label, sources in sets.items()), "}"
            )
            yield f"--ref {self._defined('references', listed)}"
        else:
            for source in chain.from_iterable(sets.values()):
                yield (
                    f"--ref {{{source.name}}}"
                    if isinstance(source, ObjectName)
                    else f"--ref {as_word(source)}"
                )

    def _defined(self, what: str, value: str) -> str:
        """The word for a variable with this value, whose name nobody else is likely to have."""
        stem = re.sub(r"\W", "_", f"rivya_{what}")
        numbered = (f"{stem}_{number}" for number in count(2))
        name = next(name for name in chain([stem], numbered) if name not in self._names)
        self._names.add(name)
        self.definitions.append(f"{name} = {value}")
        return f"{{{name}}}"


def _is_said(words: str, line: Line) -> bool:
    """Whether these words of a line say just this, and are one line."""
    try:
        return fits_a_line(words) and parse_line(words) == line
    except UsageError:
        return False


def _as_python(sources: Iterable[str | ObjectName]) -> str:
    listed = (source.name if isinstance(source, ObjectName) else repr(source) for source in sources)
    return f"[{', '.join(listed)}]"


def _laid_out(opening: str, items: Iterable[str], closing: str) -> str:
    """A list or a dict of Python with an item on each line."""
    return "\n".join([opening, *(f"    {item}," for item in items), closing])
