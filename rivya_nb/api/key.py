"""The API key, kept so that only the header of a request gets its text."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

KEY_VARIABLE = "RIVYA_API_KEY"

SHORTEST_KEY = 8
"""Characters; a shorter text is not a secret, and removing it would damage messages."""

SHORTEST_END = 4
"""The characters of a key's end that messages often show to tell keys apart."""

_PREFIX = "rvya_sk_"
_ESCAPES = "%\\&"
_HEX = r"(?:%(?:25)*|\\+x|\\+u00|&\#x0*)"
_PUBLIC = re.compile(r"rvya_sk_sandbox(?:_[a-z]+)?")
"""The sandbox's keys, which are not secret."""


class Key:
    """A key inside a closure: no attribute, repr, copy or pickle of this object has its text."""

    __slots__ = ("_pattern", "_reveal")
    _reveal: Callable[[], str]
    _pattern: Callable[[], re.Pattern[str]]

    def __init__(self, text: str | None) -> None:
        kept = (text or "").strip()
        self._reveal = lambda: kept
        self._pattern = cache(lambda: re.compile(_spelled(kept), re.IGNORECASE))

    def __bool__(self) -> bool:
        return bool(self._reveal())

    def __repr__(self) -> str:
        return f"<key: {'set' if self else 'none'}>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")

    @property
    def fits_header(self) -> bool:
        """True if every character may stand in a header: visible ASCII, no space."""
        return all("!" <= char <= "~" for char in self._reveal())

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Put the key on a request; httpx calls this when the request leaves."""
        request.headers["Authorization"] = f"Bearer {self._reveal()}"
        return request

    def hand_to(self, receiver: Callable[[str], T]) -> T:
        """Call `receiver` with the key's text, and return the result; `receiver` must be allowed to have it."""
        return receiver(self._reveal())

    def tag(self, purpose: str) -> str:
        """A few letters that are the same for the same key and purpose. They are 32 bits of a one-way hash, far
        too few to find a key by."""

        def hashed(key: str) -> str:
            # The environment may have bytes that are no text.
            whole = key.encode("utf-8", "backslashreplace")
            return hmac.new(whole, purpose.encode(), "sha256").hexdigest()[:8]

        return self.hand_to(hashed)

    @property
    def mistake(self) -> str | None:
        """Why this cannot be a key, in words that do not show it; None if it can."""
        wrapped = self.hand_to(_wrapping)
        if wrapped is None and not self.fits_header:
            return "contains a space, a line break or a letter that keys do not have"
        return wrapped

    def may_be_in(self, text: str) -> bool:
        """True if a text, as JSON writes it, may have anything that `scrub` would remove from its parts."""
        ends = self.hand_to(lambda key: _is_secret(key) and key[-SHORTEST_END:] in text)
        return ends or "\\u00" in text or self.scrub(text) != text

    def scrub(self, text: str, *, about_keys: bool = False) -> str:
        """Foreign text without the key in any escaped form, and without any text like a key; a message about
        keys (`speaks_of_keys`) also without the key's last characters."""
        secret = self.hand_to(_is_secret)
        plain = text.casefold()
        # Most texts have none of these, and the patterns for escaped keys are slow.
        if (
            any(sign in text for sign in _ESCAPES)
            or _PREFIX in plain
            or self.hand_to(lambda key: key.casefold() in plain)
        ):
            if secret:
                text = self._pattern().sub("[key]", text)
            text = _KEY_LIKE.sub(lambda found: found[0] if _is_public(found[0]) else "[key]", text)
        return self.hand_to(lambda key: _without_end(text, key)) if secret and about_keys else text


def mistake_in_environment(mistake: str) -> str:
    """The message for a mistake (`Key.mistake`) in the environment's key."""
    return f"{KEY_VARIABLE} in the environment {mistake}. Set it to the key alone, and restart the kernel."


def speaks_of_keys(message: str) -> bool:
    """True if a message may show a part of a key."""
    return _ABOUT_KEYS.search(message) is not None


_ABOUT_KEYS = re.compile("key|token|secret|credential|bearer|auth", re.IGNORECASE)


def _is_secret(key: str) -> bool:
    return len(key) >= SHORTEST_KEY and not _is_public(key)


def _is_public(key: str) -> bool:
    return _PUBLIC.fullmatch(key.rstrip(".…")) is not None


def _spelled(text: str) -> str:
    """A pattern for a text whose characters may be escaped as in JSON, URLs or HTML."""
    return "".join(rf"(?:{re.escape(char)}|{_HEX}{ord(char):02x};?|&\#0*{ord(char)};?)" for char in text)


_KEY_LIKE = re.compile(
    rf"{_spelled(_PREFIX)}(?:[A-Za-z0-9_\-*.…]|{_HEX}[0-9a-f]{{2}};?|&\#[0-9]+;)+", re.IGNORECASE
)


def _without_end(text: str, key: str) -> str:
    """The text without the key's last characters, as many of them as stand together."""
    ends = re.finditer(rf"{re.escape(key[-SHORTEST_END:])}(?![A-Za-z0-9])", text)
    for end in reversed([found.end() for found in ends]):
        size = SHORTEST_END
        while size < min(len(key), end) and text[end - size - 1] == key[-size - 1]:
            size += 1
        before = text[: end - size]
        # Within another word they stand by chance; after x's or stars they are the visible end of a key.
        if not re.search(r"(?<![xX*•.…])[A-Za-z0-9]$|^[A-Za-z0-9]$", before) or re.search(
            r"[xX]{2}$", before
        ):
            text = f"{before}[key]{text[end:]}"
    return text


_WRAPPINGS = {
    r"""["'`“”„‘’«»].*|.*["'`“”„‘’«»]""": "stands in quotation marks",
    r"[<\[({].*|.*[>\])}]": "stands in brackets",
    r"(?:authorization\s*:\s*)?(?:bearer|basic|token)(?:\s*:\s*|\s+)\S.*": "has a word such as Bearer before it",
    r"(?:export\s+|setx?\s+|\$)?[a-z_][\w:]*\s*[=:]\s*[^\s=].*": "has the name of a variable before it",
}
"""What is often copied together with a key, with words for it."""


def _wrapping(key: str) -> str | None:
    found = (words for pattern, words in _WRAPPINGS.items() if re.fullmatch(pattern, key, re.I | re.S))
    return next(found, None)
