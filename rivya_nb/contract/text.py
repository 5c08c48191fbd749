"""Functions on text that the whole package shares."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from rivya_nb.errors import SHOWN, Mistake, UsageError, shortened

_BROKEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends and halves of a surrogate pair."""

_ANSI = re.compile(
    r"(?:\x1b\[[0-?]*|\x9b[0-?]+)[ -/]*[@-~]"  # CSI: colours, what moves or clears
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC and its like: titles, links
    r"|\x1b[!-/]*[0-~]"
)
"""Escape sequences that a terminal obeys."""

_STEERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]")
"""Invisible characters that change the direction of text, or how it is shown. Joiners are not among them:
Hindi, Persian and emoji of families need them."""

_BLANKS = (
    "".join(
        map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029])
    )
    + "\u202f\u205f\u3000"
)
"""The characters that `str.isspace` counts as blanks, and the zero-width space. They are listed here because
stored identities depend on them and must not change with the version of Python."""

_BYTE_ORDER_MARK = "\ufeff"


def as_sent(text: str) -> str:
    """A prompt, or any other free text, as it is sent.

    Every line end becomes `\\n`: also a lone CR and what Unicode and `str.splitlines` call a line end (VT, FF,
    NEL, U+2028, U+2029). Byte order marks are removed, and blanks at line ends and around the text. The
    characters are not normalized: that would change CJK compatibility characters.
    """
    lines = text.replace(_BYTE_ORDER_MARK, "").splitlines()
    return "\n".join(line.rstrip(_BLANKS) for line in lines).strip(_BLANKS)


def comparable(text: str) -> str:
    """A free text for comparison: as it is sent, and normalized to NFC."""
    return unicodedata.normalize("NFC", as_sent(text))


def mark(text: str) -> str:
    """A key that is equal for two texts if they are the same wherever they are inserted; blanks around them
    count."""
    return comparable(f"|{text}|")


def prompt_length(text: str) -> int:
    """The length in UTF-16 code units, the strictest way in which a service may count (an emoji is two)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def printable(text: str, limit: int | None = None) -> str:
    """A text from outside on one line, without terminal sequences, direction marks and what cannot be
    encoded. At most `limit` characters; an ellipsis stands for the rest."""
    if limit is not None:
        text = text[: 8 * limit]
    line = " ".join(_BROKEN.sub(" ", _ANSI.sub(" ", _STEERING.sub("", text))).split())
    return line if limit is None or len(line) <= limit else cut(line, limit - 1)


def count(number: int, noun: str) -> str:
    """`1 picture`, `12 pictures`, `1,200 pictures`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def file_size(size: int) -> str:
    """Bytes in words: `12.3 MB`."""
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{size / 1000:.1f} kB"


def cut(text: str, end: int) -> str:
    """The text before `end` with one ellipsis. A letter is not separated from its combining marks."""
    while 0 < end < len(text) and unicodedata.category(text[end]) in ("Mn", "Me"):
        end -= 1
    return text[:end].rstrip().rstrip("…") + "…"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, with its texts in columns. A terminal gives two places to a wide letter or an emoji,
    and none to a mark."""
    # In a kernel, IPython has imported it; elsewhere it takes some 50 ms.
    from wcwidth import wcswidth

    sizes = [[wcswidth(text) for text in row] for row in rows]
    widths = list(map(max, zip(*sizes, strict=True)))
    lines = []
    for row, taken in zip(rows, sizes, strict=True):
        padded = (text + " " * (width - size) for text, size, width in zip(row, taken, widths, strict=True))
        lines.append("  ".join(padded).rstrip())
    return lines


def short_repr(value: object, limit: int = SHOWN) -> str:
    """A value as a message shows it."""
    if isinstance(value, str) and len(value) > limit:
        # What cannot be printed becomes longer in a repr, and a long text takes time.
        value = shortened(value, limit)
    text = repr(value)
    # A table prints itself on many lines.
    return shortened(" ".join(text.split()) if "\n" in text else text, limit)


def is_whole(text: str) -> bool:
    """True if no character is half of a surrogate pair, which can be neither sent nor stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


HALF = "it holds half of a character (a lone surrogate), which can be neither sent nor stored"


def check_whole(where: str, *texts: object) -> None:
    """Raise UsageError if one of these texts or paths contains half of a character."""
    for text in texts:
        if isinstance(text, (str, os.PathLike)) and not is_whole(shown := str(text)):
            raise UsageError([Mistake(where, f"{short_repr(shown)}: {HALF}")])


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that is most similar to `word`, or None if none is similar."""
    if len(word) > SHOWN:
        return None
    folded = {_fold(choice): choice for choice in choices}
    close = difflib.get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a message: `; did you mean 'seed'?`, or an empty text."""
    best = nearest(word, choices)
    return f"; did you mean {best!r}?" if best is not None else ""


def listing(choices: Iterable[object]) -> str:
    """The choices, separated by commas: `1K, 2K`."""
    return ", ".join(str(choice) for choice in choices)


def _fold(word: str) -> str:
    # Separators and case do not matter in names and ratios: 16x9, aspectRatio.
    return word.casefold().replace("x", ":").replace("_", "").replace("-", "").replace(" ", "")
