"""Reads the words of a line: a param is written `key=value`; what is for the tool itself is a `--flag`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.params import COUNTS
from rivya_nb.contract.text import did_you_mean, short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.files import user_path
from rivya_nb.planning.words import (
    DASHES,
    OPENING_QUOTES,
    ObjectName,
    Text,
    Value,
    WordError,
    quoted,
    read_value,
)

PARAM = re.compile(r"([^\s=\"'{}:]+)=(.*)", re.DOTALL)
"""A word that gives a param: its key, and its value as it is written."""

_JOINTS = (",", "..")
_COLON = re.compile(r"(\w+):[\s=]*(\S+)")
_CONTINUED = re.compile(r"[^\\/:\"']*\\")
_NUMBERS = re.compile(r"[\d.,:+-]+|none", re.IGNORECASE)
_NOTHING = ("", "", "")
LOOSE = (
    "neither key=value nor a flag; a value with spaces is quoted, and a prompt belongs in the cell's body, "
    "below"
)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_MAX_DIGITS = 15


@dataclass(frozen=True)
class Flag:
    """One flag: its name with the dashes, and what its value is called (None for a switch).

    `axis` is the name under which the flag takes its place among the axes.
    """

    name: str
    value_name: str | None = None
    repeatable: bool = False
    axis: str | None = None


class Reader:
    """Reads the words of a line one by one, and goes on after each mistake."""

    several = "several values are written {key}=1,2"
    without_value = "; none means “not sent”"

    def __init__(self, words: Sequence[str], flags: Sequence[Flag]) -> None:
        self.mistakes: list[Mistake] = []
        self._known: Mapping[str, Flag] = {flag.name: flag for flag in flags}
        self._words = list(reversed(words))
        self._params: dict[str, Value] = {}
        self._flags: dict[str, list[Value]] = {}
        self._order: dict[str, None] = {}
        self._last = _NOTHING
        self.loose: list[str] = []

    def read(self) -> None:
        while self._words:
            word = self._words.pop()
            if not self._words and _CONTINUED.fullmatch(word):
                self._wrong("\\", "the line does not go on below; write all params and flags on one line")
            elif (plain := _plainly(word)) != word:
                self._wrong(
                    shortened(word), f"it has full-width signs or invisible ones; write {shortened(plain)}"
                )
            elif is_flag(word):
                self._flag(word)
            elif match := PARAM.fullmatch(word):
                self._param(match[1], match[2])
            else:
                self._loose(word)
                continue
            if not self._next_is_loose():
                self._last = _NOTHING

    def _param(self, key: str, raw: str) -> None:
        flag = f"--{key.replace('_', '-')}"
        value = self._value(key, raw, f"{key}=")
        if raw.startswith("=") and len(raw) > 1:
            self._wrong(key, f"one = is enough; write {key}={shortened(raw.lstrip('='))}")
        elif flag in self._known:
            self._wrong(key, f"this is a flag, and written {_usage(self._known[flag])}")
        elif key in self._order:
            self._wrong(key, f"given twice; {self.several.format(key=key)}")
        elif value is not None:
            self._params[key] = value
        self._order.setdefault(key)

    def _flag(self, word: str) -> None:
        name, equals, raw = word.lstrip(DASHES).partition("=")
        dashes = word[: len(word) - len(word.lstrip(DASHES))]
        flag = self._known.get(f"--{name}")
        if flag is None or dashes != "--":
            self._unknown(dashes, name)
            if not equals:
                self._skip()
        elif flag.value_name is None:
            if equals:
                self._wrong(flag.name, "takes no value")
            self._keep(flag, Text(""))
        else:
            if not equals and self._words and self._words[-1].startswith("="):
                self._wrong(flag.name, f"no spaces around =; write {flag.name} {shortened(self._assigned())}")
                return
            if not equals:
                raw = self._words.pop() if self._next_is_loose() else ""
            value = self._value(flag.name, raw, f"{flag.name}{equals or ' '}")
            if value is not None:
                self._keep(flag, value)

    def _keep(self, flag: Flag, value: Value) -> None:
        if flag.name in self._flags and not flag.repeatable:
            self._wrong(flag.name, "given twice")
        self._flags.setdefault(flag.name, []).append(value)
        if flag.axis is not None:
            self._order.setdefault(flag.axis)

    def _unknown(self, dashes: str, name: str) -> None:
        if f"--{name}" in self._known:
            self._wrong(f"{dashes}{name}", f"flags begin with two plain hyphens; write --{name}")
            return
        known = self._known
        longer = [flag for flag in known if name and flag.startswith(f"--{name}")]
        is_near = 1 <= len(longer) <= 4
        hint = (
            f"; did you mean {' or '.join(map(repr, longer))}?"
            if is_near
            else did_you_mean(f"--{name}", known)
        )
        if name in COUNTS:
            hint = "; the number of results is written --repeat COUNT"
        key = name.replace("-", "_") or "key"
        hint = hint or f"; a param is written {key}=value, and the flags are {', '.join(known)}"
        self._wrong(f"{dashes}{name}", f"no such flag{hint}")

    def _value(self, where: str, raw: str, written: str) -> Value | None:
        """The value that begins with `raw`. Where blanks split it, that is a mistake, and the rest is skipped."""
        if not raw:
            if written.endswith("=") and self._next_is_loose():
                self._wrong(where, f"no spaces around =; write {written}{shortened(self._words.pop())}")
            else:
                self._wrong(where, f"has no value{'' if where in self._known else self.without_value}")
            return None
        torn = raw
        while self._next_is_loose() and (torn.endswith(_JOINTS) or self._words[-1].startswith(_JOINTS)):
            torn += self._words.pop()
        if torn != raw:
            again = where in self._known and self._known[where].repeatable
            self._wrong(
                where,
                f"a space ends a value; {f'repeat {where}' if again else f'write {written}{shortened(torn)}'}",
            )
            return None
        self._last = (where, written, raw)
        try:
            return read_value(raw)
        except WordError as error:
            self._wrong(where, str(error))
            if raw[0] in OPENING_QUOTES:
                self._skip_quoted(raw)
            return None

    def _loose(self, word: str) -> None:
        if self._words and self._words[-1].startswith("=") and not word.startswith("="):
            self._wrong(word, f"no spaces around =; write {word}={shortened(self._assigned())}")
            return
        words = [word]
        while self._next_is_loose() and not (len(self._words) > 1 and self._words[-2].startswith("=")):
            words.append(self._words.pop())
        last, self._last = self._last, _NOTHING
        text = " ".join(words)
        if last != _NOTHING and (hint := _torn_value(*last, words)):
            self._wrong(last[0], hint)
        elif colon := _COLON.fullmatch(text):
            self._wrong(shortened(text), f"a param is written with =; write {colon[1]}={shortened(colon[2])}")
        else:
            self.loose.append(text)
            self._wrong(shortened(text), LOOSE)

    def _next_is_loose(self) -> bool:
        return bool(self._words) and not is_flag(self._words[-1]) and not PARAM.fullmatch(self._words[-1])

    def _skip(self) -> None:
        if self._next_is_loose():
            self._words.pop()

    def _assigned(self) -> str:
        """Takes the words `=value` or `= value`; gives the value."""
        value = self._words.pop()[1:]
        return self._words.pop() if not value and self._next_is_loose() else value or "value"

    def _skip_quoted(self, raw: str) -> None:
        """Up to the word with the closing quote, if there is one."""
        closed = [any(char in OPENING_QUOTES for char in word) for word in self._words[::-1]]
        if not any(char in OPENING_QUOTES for char in raw[1:]) and any(closed):
            del self._words[len(self._words) - closed.index(True) - 1 :]

    def _plain(self, name: str) -> str | None:
        return next(iter(self._plains(name)), None)

    def _plains(self, name: str) -> list[str]:
        """The values of a flag that can be repeated."""
        plain = []
        for value in self._flags.get(name, ()):
            if isinstance(value, ObjectName):
                self._wrong(name, f"takes no variable; write {_usage(self._known[name])}")
            elif not value.text.strip():
                self._wrong(name, "has no value")
            else:
                plain.append(value.text)
        return plain

    def _whole(self, name: str, least: int) -> int | None:
        return next(iter(self._wholes(name, least)), None)

    def _wholes(self, name: str, least: int) -> list[int]:
        """The whole numbers of a flag that can be repeated."""
        numbers = []
        for text in self._plains(name):
            if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < least:
                self._wrong(name, f"{short_repr(text)} is not a whole number from {least} on")
            else:
                numbers.append(int(text))
        return numbers

    def _wrong(self, where: str, message: str) -> None:
        self.mistakes.append(Mistake(where, message))


def is_flag(word: str) -> bool:
    """Whether a word is meant as a flag; `-5` is a number."""
    name = word.lstrip(DASHES)
    return name != word and (word.startswith("--") or not name or name[0].isalpha())


def _usage(flag: Flag) -> str:
    return flag.name if flag.value_name is None else f"{flag.name} {flag.value_name}"


def _plainly(word: str) -> str:
    """A word with the plain signs for full-width ones outside its quotes, and without invisible ones."""
    if (
        '"' in word
        or "'" in word
        or not (word.translate(_INVISIBLE) != word or word.translate(_WIDE) != word)
    ):
        return word
    key, equals, value = word.translate(_INVISIBLE).partition("＝") if "＝" in word else word.partition("=")
    plain = f"{key}{'=' if equals else ''}{value}".translate(_INVISIBLE)
    wide = plain.translate(_WIDE)
    # A value of prose keeps its commas; what is no word of ours is left to the messages about it.
    is_ours = is_flag(wide) or PARAM.fullmatch(wide)
    if not is_ours:
        return word
    return wide if _NUMBERS.fullmatch(wide.partition("=")[2]) or is_flag(wide) or "＝" in word else plain


def _torn_value(where: str, written: str, raw: str, words: Sequence[str]) -> str | None:
    """What to say of words behind a value, if they are likely to belong to it."""
    whole = " ".join([raw, *words])
    if where == "--ref":
        if _is_file(whole):
            return f"a space ends a value; write --ref {quoted(shortened(whole, 200))}"
        if all(map(_is_file, [raw, *words])):
            return f"one --ref takes one file; write {' '.join(f'--ref {word}' for word in [raw, *words])}"
    if raw[0] in "\"'{" or _NUMBERS.fullmatch(raw):
        return None
    said = quoted(shortened(whole, 200))
    return f"a space ends a value; write {written}{said}, or put the prompt below the line"


def _is_file(name: str) -> bool:
    try:
        return user_path(name).is_file()
    except (OSError, UsageError):
        return False
