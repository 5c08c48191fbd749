"""Small rules about text that the contract's checks share."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

_BLANKS = (
    "".join(
        map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029])
    )
    + "\u202f\u205f\u3000"
)
"""What `str.isspace` takes for a blank, and the space without width. Written out, because identities that are
stored depend on it and must not change with the version of Python."""

_BYTE_ORDER_MARK = "\ufeff"


def as_sent(text: str) -> str:
    """A prompt, or any other free text, as it is sent.

    Every line end is `\\n`: also a lone CR, and what Unicode and `str.splitlines` call one (VT, FF, NEL, U+2028,
    U+2029), since a reader sees a new line there. A byte order mark is left out wherever it stands, and so are
    the blanks at line ends and around the text. Characters are not composed anew: CJK compatibility characters
    would become others.
    """
    lines = text.replace(_BYTE_ORDER_MARK, "").splitlines()
    return "\n".join(line.rstrip(_BLANKS) for line in lines).strip(_BLANKS)


def comparable(text: str) -> str:
    """A free text as it is compared: as it is sent, and however its characters were composed (NFC)."""
    return unicodedata.normalize("NFC", as_sent(text))


def mark(text: str) -> str:
    """What two texts share that are the same wherever they are put in; blanks around them count there."""
    return comparable(f"|{text}|")


HALF_CHARACTER = "it holds half of a character (a lone surrogate), which cannot be sent"


def has_half_character(text: str) -> bool:
    """Whether UTF-8 cannot say the text: a lone surrogate stands in it."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def prompt_length(text: str) -> int:
    """Length in UTF-16 code units, the strictest way a service may count characters (an emoji is two)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` most likely meant, or None where nothing is close."""
    folded = {_fold(choice): choice for choice in choices}
    close = difflib.get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A sentence part to append to a message: `"; did you mean 'seed'?"`, or nothing."""
    best = nearest(word, choices)
    return f"; did you mean {best!r}?" if best is not None else ""


def listing(choices: Iterable[object]) -> str:
    """Choices as a reader wants them: `1K, 2K`."""
    return ", ".join(str(choice) for choice in choices)


def _fold(word: str) -> str:
    # Separators and case carry no meaning in names and ratios: 16x9, aspectRatio.
    return word.casefold().replace("x", ":").replace("_", "").replace("-", "").replace(" ", "")
