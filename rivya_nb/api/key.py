"""The API key, held so that nothing but the header of a request sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import httpx

_KEY_LIKE = re.compile(r"rvya_sk_[A-Za-z0-9_\-*.…]+")

T = TypeVar("T")

KEY_VARIABLE = "RIVYA_API_KEY"

SHORTEST_KEY = 8
"""Characters; anything shorter is no secret, and taking it out of a message would only garble that."""


class Key:
    """A key inside a closure: no attribute, repr, copy or pickle of this object holds its text."""

    __slots__ = ("_reveal",)
    _reveal: Callable[[], str]

    def __init__(self, text: str | None) -> None:
        kept = (text or "").strip()
        self._reveal = lambda: kept

    def __bool__(self) -> bool:
        return bool(self._reveal())

    def __repr__(self) -> str:
        return f"<key: {'set' if self else 'none'}>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")

    @property
    def fits_header(self) -> bool:
        """Whether every character may stand in a header: visible ASCII, no space."""
        return all("!" <= char <= "~" for char in self._reveal())

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Put the key on one request; httpx calls this when the request leaves."""
        request.headers["Authorization"] = f"Bearer {self._reveal()}"
        return request

    def hand_to(self, receiver: Callable[[str], T]) -> T:
        """What `receiver` makes of the key's text; it has to be one that is meant to keep it."""
        return receiver(self._reveal())

    def scrub(self, text: str) -> str:
        """Foreign text without the key, should an answer repeat it, and without anything like one."""
        if len(self._reveal()) >= SHORTEST_KEY:
            text = text.replace(self._reveal(), "[key]")
        return _KEY_LIKE.sub("[key]", text)
