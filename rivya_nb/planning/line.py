"""The line of `%%rivya`: its flags, and what they and the params beside them say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.line_reader import LOOSE, Flag, Reader
from rivya_nb.planning.names import python_name
from rivya_nb.planning.words import OPENING_QUOTES, Value, refuse_keys, split_words

FLAGS: tuple[Flag, ...] = (
    Flag("--prompts", "FILE", axis="prompt"),
    Flag("--prompt-column", "COLUMN"),
    Flag("--templates", "on|off"),
    Flag("--coupled", "NAME,NAME", repeatable=True),
    Flag("--model", "ID", axis="model"),
    Flag("--ref", "FILE", repeatable=True, axis="references"),
    Flag("--shrink-refs"),
    Flag("--out", "NAME"),
    Flag("--name", "TEXT"),
    Flag("--rows", "AXIS"),
    Flag("--cols", "AXIS"),
    Flag("--repeat", "COUNT", axis="repeat"),
    Flag("--replicates", "COUNT"),
    Flag("--sample", "COUNT"),
    Flag("--sample-seed", "NUMBER"),
    Flag("--no-pair-seeds"),
    Flag("--max-credits", "CREDITS"),
    Flag("--parallel", "JOBS"),
    Flag("--dry-run"),
    Flag("--background"),
    Flag("--defer"),
    Flag("--fresh"),
)
"""Every flag; what each does stands in the docstring of the magic."""

_QUOTES = f"\"'{OPENING_QUOTES}"
_BELOW = "the prompt goes below the line, in the cell's body"


@dataclass(frozen=True)
class Line:
    """A parsed line. `order` has params and the axes that flags may make (`prompt`, `model`, `references`,
    `repeat`, `replicate`) as they were written."""

    params: tuple[tuple[str, Value], ...] = ()
    prompts: Value | None = None
    prompt_column: str | None = None
    templates: bool | None = None
    coupled: tuple[tuple[str, ...], ...] = ()
    model: Value | None = None
    refs: tuple[Value, ...] = ()
    out: str | None = None
    name: str | None = None
    rows: str | None = None
    cols: str | None = None
    repeat: int = 1
    replicates: int = 1
    sample: int | None = None
    sample_seed: int | None = None
    pair_seeds: bool = True
    max_credits: int | None = None
    parallel: int | None = None
    dry_run: bool = False
    background: bool = False
    defer: bool = False
    fresh: bool = False
    shrink_refs: bool = False
    order: tuple[str, ...] = ()


def parse_line(text: str, *, has_body: bool = True) -> Line:
    """What the line of a `%%rivya` cell says; `has_body` is false where nothing stands below it.

    Raises:
        UsageError: with every mistake of the line; with a single one that repeats nothing, if it holds a key.
    """
    words = split_words(text)
    refuse_keys(words)
    line, mistakes = read_line(words, has_body=has_body)
    if mistakes:
        raise UsageError(mistakes)
    return line


def read_line(words: Sequence[str], *, has_body: bool = True) -> tuple[Line, list[Mistake]]:
    """The line that has these words, as far as they can be read, and every mistake in them."""
    reader = _LineReader(words, FLAGS)
    reader.read()
    line = reader.line()
    if not has_body and line.prompts is None:
        reader.say_where_the_prompt_goes(words)
    return line, reader.mistakes


class _LineReader(Reader):
    """Reads the line of a `%%rivya` cell."""

    def _param(self, key: str, raw: str) -> None:
        if key != "prompt":
            super()._param(key, raw)
            return
        while self._next_is_loose():
            raw += f" {self._words.pop()}"
        self.loose.append(f"prompt={raw}")
        self._wrong(key, f"{_BELOW}: {shortened(raw)}")

    def say_where_the_prompt_goes(self, words: Sequence[str]) -> None:
        """Put one mistake, which shows the whole cell, in the place of what may have been meant as the prompt."""
        self.mistakes = [each for each in self.mistakes if not each.message.startswith((LOOSE, _BELOW))]
        loose = {word for text in self.loose for word in text.split(" ")}
        kept = " ".join(word for word in words if word not in loose and word not in self.loose)
        prompt = (
            " ".join(text.removeprefix("prompt=").strip(_QUOTES) for text in self.loose)
            or "a red fox in snow"
        )
        self._wrong(
            "prompt",
            f"it goes below the line, as in\n    {shortened(f'%%rivya {kept}'.rstrip(), 200)}\n    "
            f"{shortened(prompt, 300)}",
        )

    def line(self) -> Line:
        """The words as a line; a value that does not fit its flag becomes a mistake."""
        rows, cols = self._plain("--rows"), self._plain("--cols")
        if rows is not None and rows == cols:
            self._wrong("--cols", f"{short_repr(cols)} makes the rows already; name another axis")
        self._check_table()
        return Line(
            params=tuple(self._params.items()),
            prompts=self._flags.get("--prompts", [None])[0],
            prompt_column=self._plain("--prompt-column"),
            templates=self._templates(),
            coupled=tuple(self._coupled()),
            model=self._flags.get("--model", [None])[0],
            refs=tuple(self._flags.get("--ref", ())),
            out=self._identifier("--out"),
            name=self._plain("--name"),
            rows=rows,
            cols=cols,
            repeat=self._whole("--repeat", 1) or 1,
            replicates=self._whole("--replicates", 1) or 1,
            sample=self._whole("--sample", 1),
            sample_seed=self._whole("--sample-seed", 0),
            pair_seeds="--no-pair-seeds" not in self._flags,
            max_credits=self._whole("--max-credits", 0),
            parallel=self._whole("--parallel", 1),
            dry_run="--dry-run" in self._flags,
            background="--background" in self._flags,
            defer="--defer" in self._flags,
            fresh="--fresh" in self._flags,
            shrink_refs="--shrink-refs" in self._flags,
            order=tuple(self._order),
        )

    def _check_table(self) -> None:
        for name in ("--prompt-column", "--templates"):
            if name in self._flags and "--prompts" not in self._flags:
                self._wrong(name, "it is about a table of prompts; give --prompts FILE too")

    def _templates(self) -> bool | None:
        text = self._plain("--templates")
        if text not in (None, "on", "off"):
            self._wrong("--templates", f"{short_repr(text)} is neither on nor off")
        return None if text is None else text == "on"

    def _coupled(self) -> Iterator[tuple[str, ...]]:
        for text in self._plains("--coupled"):
            yield tuple(name.strip() for name in text.split(",") if name.strip())

    def _identifier(self, name: str) -> str | None:
        text = self._plain(name)
        variable = None if text is None else python_name(text)
        if text is not None and variable is None:
            self._wrong(name, f"{short_repr(text)} cannot name a variable; use letters, digits and _")
        return variable
