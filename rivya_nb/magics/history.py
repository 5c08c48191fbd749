"""The line of `%rivya history`: words of the prompt, params as `key=value`, and everything else as a flag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.calls import current_session
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.line import Flag, Reader
from rivya_nb.planning.words import ObjectName, Text, WordError, read_value

if TYPE_CHECKING:
    from rivya_nb.planning.question import Filters
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.history import History, Selection

FLAGS: tuple[Flag, ...] = (
    Flag("--model", "ID"),
    Flag("--rating", "0..5"),
    Flag("--favourite"),
    Flag("--tag", "TAG", repeatable=True),
    Flag("--since", "WHEN"),
    Flag("--until", "WHEN"),
    Flag("--run", "RUN", repeatable=True),
    Flag("--hidden"),
    Flag("--page", "NUMBER"),
    Flag("--rows", "AXIS"),
    Flag("--cols", "AXIS"),
)

USAGE = "[WORDS] [KEY=VALUE] [FLAGS]"
HELP = (
    "pictures by words of their prompt, params, --model --rating --favourite --tag --since --until --run "
    "--hidden; --page goes on; --rows and --cols make a grid"
)


def show_history(words: Sequence[str]) -> History | Selection | Grid:
    """The pictures that the words of a line ask for, as a grid where it names an axis; the words still have their
    quotes.

    Raises:
        UsageError: with every mistake of the line.
    """
    reader = _HistoryReader(words, FLAGS)
    reader.read()
    filters, page, axes = reader.filters(), reader.page(), reader.axes()
    session = current_session()
    mistakes = reader.mistakes
    try:
        history = session.history(from_line=True, **filters)
    except UsageError as error:
        names = {flag.name.lstrip("-") for flag in FLAGS}
        mistakes += [
            Mistake(f"--{each.where}" if each.where in names else each.where, each.message)
            for each in error.mistakes
        ]
    if mistakes:
        raise UsageError(mistakes)
    found = history if page is None else history.page(page)
    return found.grid(**axes) if axes else found


class _HistoryReader(Reader):
    several = "the history takes one value for each"
    without_value = ""

    def __init__(self, words: Sequence[str], flags: Sequence[Flag]) -> None:
        super().__init__(words, flags)
        self._prompt: list[str] = []

    def filters(self) -> Filters:
        """The filters of the line; a value that does not fit its flag is noted as a mistake."""
        params = {
            key: value for key, one in self._params.items() if (value := self._one(key, one)) is not None
        }
        filters: Filters = {
            "prompt": " ".join(self._prompt) or None,
            "seed": params.pop("seed", None),
            "model": self._plain("--model"),
            "rating": self._whole("--rating", 0),
            "favourite": "--favourite" in self._flags,
            "run": self._wholes("--run", 1) or None,
            "since": self._plain("--since"),
            "until": self._plain("--until"),
            "hidden": "--hidden" in self._flags,
            "params": params,
        }
        tags = [
            tag for value in self._flags.get("--tag", ()) if (tag := self._one("--tag", value)) is not None
        ]
        return {**filters, "tag": tags} if tags else filters

    def page(self) -> int | None:
        """The number of the page; None if it is not given."""
        return self._whole("--page", 1)

    def axes(self) -> dict[str, str]:
        """The axes that make a grid's rows and columns, as far as they are given."""
        return {side: name for side in ("rows", "cols") if (name := self._plain(f"--{side}")) is not None}

    def _one(self, where: str, value: object) -> str | None:
        if isinstance(value, ObjectName):
            self._wrong(where, f"{{{value.name}}} is a variable, and the history takes plain text")
        elif isinstance(value, Text) and not value.quoted and ("," in value.text or ".." in value.text):
            self._wrong(where, f"{self.several}; quote {value.text} if it is one")
        elif isinstance(value, Text):
            return value.text
        return None

    def _loose(self, word: str) -> None:
        if self._words and self._words[-1].startswith("=") and not word.startswith("="):
            super()._loose(word)
            return
        try:
            value = read_value(word)
        except WordError as error:
            self._wrong("history", str(error))
            return
        if isinstance(value, ObjectName):
            self._wrong("history", f"{word} is a variable, and the history takes plain text")
        else:
            self._prompt.append(value.text)
