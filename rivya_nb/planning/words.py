"""A magic's line as words and values.

The tokenizer is our own, since `shlex` would eat the backslashes of a Windows path.
Blanks separate words. Double quotes hold blanks together, around a value or a part of it; single quotes stand
around a whole value, so that an apostrophe is only a sign. A quote within quotes is doubled: `"a ""b"" c"`.
A backslash is a backslash. A value `{name}` is the notebook's object of that name, itself, and `{name[0]}` one of
what it holds, by its number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest

from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.names import python_name, split_item

_QUOTED_PATTERN = (
    r'"[^"]*(?:""[^"]*)*(?:"|\Z)'
    r"|(?<![^\s=])'[^']*(?:''[^']*)*(?:'(?=\s|\Z)|\Z)"
)
_QUOTED = re.compile(_QUOTED_PATTERN)
_ESCAPED = re.compile(r'\\"[^\s"][^"]*\\"')
_BRACED = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(rf"(?:{_QUOTED_PATTERN}|{_BRACED.pattern}|[^\s\"'{{]+|\S)+")

_KEY_PREFIX = "rvya_sk_"
_KEY_NAMES = {"apikey", "rivyaapikey", "key", "token", "secret", "password", "authorization", "bearer"}

OPENING_QUOTES = "“”„‟«»‘’‚‛"
"""Quotes that a word processor writes. At the start of a value they are refused, with a hint."""

DASHES = "-‐‑‒–—―−"
"""The hyphen, and what a word processor writes in its place."""


@dataclass(frozen=True)
class Text:
    """A value as written, without its quotes; `quoted` says that it had some."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class ObjectName:
    """A value `{name}` or `{name[0]}`: the notebook's object of that name, or one of what it holds."""

    name: str


Value = Text | ObjectName


class WordError(ValueError):
    """A value that cannot be read; the text of the error is the message."""


def split_words(text: str) -> list[str]:
    """The words of a line, quotes included."""
    return _WORD.findall(text)


def read_value(raw: str) -> Value:
    """The value of a word, or of the part of a word behind `=`.

    Raises:
        WordError: quotes or braces are not what they seem to be.
    """
    shown = shortened(raw)
    if _BRACED.fullmatch(raw):
        whole, item = split_item(raw[1:-1].strip())
        name = python_name(whole)
        if name is None:
            raise WordError(f"{shown} is not the plain name of a variable; give the object a name first")
        return ObjectName(name if item is None else f"{name}[{item}]")
    pieces = _QUOTED.findall(raw)
    bare = _QUOTED.sub("", raw)
    if any(piece.count(piece[0]) % 2 for piece in pieces):
        raise WordError(f"{shown} has a quote that is not closed")
    if pieces and _ESCAPED.search(raw):
        raise WordError(f'{shown} has \\" in it; a quote within quotes is written twice: "a ""b"" c"')
    if raw.startswith("'") and not pieces:
        raise WordError(f"{shown}: single quotes stand around a whole value; use double quotes")
    if raw[:1] in OPENING_QUOTES and raw:
        raise WordError(f'{shown} has typographic quotes; use plain ones: "…"')
    if "{" in bare or "}" in bare:
        raise WordError(f"{shown}: a variable stands alone, as in {{name}}; quote the value to mean braces")
    if pieces and "," in bare:
        raise WordError(f"{shown}: quotes make one value; for several, give a variable that holds a list")
    return Text(_QUOTED.sub(_without_quotes, raw), quoted=bool(pieces))


def quoted(text: str) -> str:
    """The text in double quotes, from which `read_value` reads it again."""
    return '"' + text.replace('"', '""') + '"'


def as_word(text: str) -> str:
    """The word that says a text behind a flag, in quotes where it needs them."""
    plain = text and text[0] not in DASHES + OPENING_QUOTES
    plain = plain and not text.endswith("\\")  # at the line's end it would seem to go on below
    return text if plain and not any(char.isspace() or char in "\"'{}=" for char in text) else quoted(text)


def refuse_keys(words: list[str]) -> None:
    """Refuse a line that seems to hold an API key, before any message repeats it.

    Raises:
        UsageError: it does.
    """
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        name = "" if word[0] in "\"'" else re.sub(r"[\W_]", "", word.partition("=")[0]).casefold()
        assigned = "=" in word or following.startswith("=") or word[0] in DASHES
        if _KEY_PREFIX in word.casefold() or name.endswith("apikey") or (assigned and name in _KEY_NAMES):
            message = (
                "a key is never an argument of a magic, since it would be saved in the notebook and its "
                "history; set RIVYA_API_KEY before the kernel starts"
            )
            raise UsageError([Mistake("API key", message)])


def _without_quotes(match: re.Match[str]) -> str:
    quote = match[0][0]
    return match[0][1:-1].replace(quote * 2, quote)
