"""The line of `%rivya history`: words of the prompt, params as `key=value`, and everything else as a flag."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.magics.command import run_meant
from rivya_nb.magics.current import current_session
from rivya_nb.planning.line_reader import Flag, Reader, is_flag
from rivya_nb.planning.words import OPENING_QUOTES, ObjectName, Text, WordError, read_value

if TYPE_CHECKING:
    from rivya_nb.contract.params import ParamValue
    from rivya_nb.planning.question import Choice, Filters
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.history import History, Selection

_RANGE = re.compile(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})(?::([1-9][0-9]{0,17}))?")
_LONGEST = 500

FLAGS: tuple[Flag, ...] = (
    Flag("--model", "ID[,ID]"),
    Flag("--rating", "0..5"),
    Flag("--favourite"),
    Flag("--tag", "TAG", repeatable=True),
    Flag("--since", "WHEN"),
    Flag("--until", "WHEN"),
    Flag("--run", "RUN", repeatable=True),
    Flag("--by", "USER", repeatable=True),
    Flag("--picture-width", "PIXELS"),
    Flag("--picture-height", "PIXELS"),
    Flag("--hidden"),
    Flag("--excluded", "yes|no"),
    Flag("--fact", "COLUMN=VALUE", repeatable=True),
    Flag("--sort", "ORDER"),
    Flag("--page", "NUMBER"),
    Flag("--rows", "AXIS"),
    Flag("--cols", "AXIS"),
)

USAGE = "[WORDS] [KEY=VALUE] [FLAGS]"
HELP = (
    "results by words of their prompt (fox OR wolf, -cartoon), params, --model --rating --favourite --tag "
    "--since --until --run --by --picture-width --picture-height --hidden --excluded --fact; --sort orders, "
    "--page goes on; --rows and --cols make a grid"
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
        names = {flag.name.lstrip("-").replace("-", "_"): flag.name for flag in FLAGS}
        mistakes += [Mistake(names.get(each.where, each.where), each.message) for each in error.mistakes]
    if mistakes:
        raise UsageError(mistakes)
    found = history if page is None else history.page(page)
    return found.grid(axes.get("rows"), axes.get("cols")) if axes else found


class _HistoryReader(Reader):
    several = "several values of which any will do are written {key}=1,2"
    without_value = ""

    def __init__(self, words: Sequence[str], flags: Sequence[Flag]) -> None:
        super().__init__(words, flags)
        self._prompt: list[str] = []
        self._facts: dict[str, Choice] = {}

    def filters(self) -> Filters:
        """The filters of the line; a value that does not fit its flag is noted as a mistake."""
        params = {
            key: value for key, one in self._params.items() if (value := self._choice(key, one)) is not None
        }
        filters: Filters = {
            "prompt": " ".join(self._prompt) or None,
            "seed": params.pop("seed", None),
            "model": self._models(),
            "rating": self._whole("--rating", 0),
            "favourite": "--favourite" in self._flags,
            "run": [run_meant(text) for text in self._texts("--run")] or None,
            "since": self._plain("--since"),
            "until": self._plain("--until"),
            "picture_width": self._flag_choice("--picture-width"),
            "picture_height": self._flag_choice("--picture-height"),
            "hidden": "--hidden" in self._flags,
            "excluded": self._yes_or_no("--excluded"),
            "sort": self._plain("--sort"),
            "params": params,
        }
        if users := self._texts("--by"):
            filters["by"] = users
        if self._facts:
            filters["facts"] = self._facts
        tags = [
            tag for value in self._flags.get("--tag", ()) if (tag := self._one("--tag", value)) is not None
        ]
        return {**filters, "tag": tags} if tags else filters

    def _texts(self, flag: str) -> list[str]:
        """The texts of a flag, also several between commas."""
        texts: list[str] = []
        for value in self._flags.get(flag, ()):
            if isinstance(value, Text):
                texts += [value.text] if value.quoted else value.text.split(",")
            elif isinstance(value, ObjectName):
                name = shortened(value.name)
                self._wrong(flag, f"{{{name}}} is a variable, and the history takes plain text")
        return texts

    def _param(self, key: str, raw: str) -> None:
        # Who asked is a fact of a picture, as its params are, and may be written like one.
        if key == "by" and (value := self._value("--by", raw, "by=")) is not None:
            self._flags.setdefault("--by", []).append(value)
        elif key != "by":
            super()._param(key, raw)

    def _fact(self, raw: str) -> None:
        """Read `category=animals`, `category="wild animals"` or `"category=wild animals"`."""
        try:
            is_quoted = raw[:1] in ('"', "'", *OPENING_QUOTES)
            whole = read_value(raw) if is_quoted else Text(raw)
            text = whole.text if isinstance(whole, Text) else ""
            column, _, asked = (part.strip() for part in text.partition("="))
            value = Text(asked) if is_quoted or not asked else read_value(asked)
        except WordError as error:
            self._wrong("--fact", str(error))
            return
        if not column or not asked:
            self._wrong("--fact", "it is written --fact COLUMN=VALUE, as in --fact category=animals")
        elif column in self._facts:
            self._wrong("--fact", f"{shortened(column)} is given twice; {self.several.format(key=column)}")
        elif (choice := self._choice(f"fact {shortened(column)}", value)) is not None:
            self._facts[column] = choice

    def _yes_or_no(self, name: str) -> bool | None:
        text = self._plain(name)
        if text not in (None, "yes", "no"):
            self._wrong(name, f"{shortened(text)!r} is neither yes nor no")
        return None if text is None else text == "yes"

    def page(self) -> int | None:
        """The number of the page; None if it is not given."""
        return self._whole("--page", 1)

    def axes(self) -> dict[str, str]:
        """The axes that make a grid's rows and columns, as far as they are given."""
        return {side: name for side in ("rows", "cols") if (name := self._plain(f"--{side}")) is not None}

    def _one(self, where: str, value: object) -> str | None:
        if isinstance(value, ObjectName):
            self._wrong(where, f"{{{shortened(value.name)}}} is a variable, and the history takes plain text")
        elif isinstance(value, Text) and not value.quoted and ("," in value.text or ".." in value.text):
            self._wrong(
                where,
                f"repeat {where} for several, which must all be there; quote {shortened(value.text)} if it is one",
            )
        elif isinstance(value, Text):
            return value.text
        return None

    def _flag_choice(self, name: str) -> Choice:
        value = self._flags.get(name, [None])[0]
        return None if value is None else self._choice(name, value)

    def _choice(self, where: str, value: object) -> Choice:
        """A value, the range `1..8`, or several values between commas, of which any will do."""
        if isinstance(value, ObjectName):
            self._wrong(where, f"{{{value.name}}} is a variable, and the history takes plain text")
        if not isinstance(value, Text):
            return None
        if value.quoted:
            return value.text
        if (whole := _range(value.text)) is not None:
            return whole
        items = value.text.split(",")
        values: list[ParamValue] = []
        for item in items:
            within = _range(item) if len(items) > 1 else None
            if not item:
                self._wrong(where, f"nothing stands beside a comma in {shortened(value.text)}")
            elif within is None and ".." in item:
                self._wrong(where, f"{shortened(item)!r} is no range; write 1..8, or 0..100:10; or quote it")
            elif within is not None and len(within) > _LONGEST:
                self._wrong(where, f"{item} is too long to stand beside other values; ask for it alone")
            else:
                values += within or [item]
        numbers = [_number(each) for each in values] if where.startswith("--") else values
        return numbers[0] if len(numbers) == 1 else numbers or None

    def _models(self) -> str | list[str] | None:
        text = self._plain("--model")
        return text.split(",") if text is not None and "," in text else text

    def _flag(self, word: str) -> None:
        name, equals, raw = word.partition("=")
        if name == "--fact":
            # Its value looks like a param.
            is_next = not equals and self._words and not is_flag(self._words[-1])
            self._fact(self._words.pop() if is_next else raw)
            return
        # A word behind one hyphen is one that the prompt must not have, unless a flag has this name.
        if word.startswith("-") and f"-{word}" not in self._known and not word.startswith("--"):
            self._loose(word)
        else:
            super()._flag(word)

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
            self._wrong("history", f"{shortened(word)} is a variable, and the history takes plain text")
        else:
            # Double quotes mean the same in what is looked for; of other ones, the text is meant.
            self._prompt.append(value.text if '""' in word else f'"{value.text}"' if word[0] == "'" else word)


def _range(text: str) -> range | None:
    """The range that is written `1..8` or `0..100:10`, both ends included; None where it is none."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high = sorted(map(int, match.groups()[:2]))
    return range(low, high + 1, int(match[3] or 1))


def _number(value: ParamValue) -> ParamValue:
    return int(value) if isinstance(value, str) and value.isdecimal() else value
