"""Why something was refused or failed, in whatever shape that is said."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import groupby

_MOST_PARTS = 3
"""Reasons of a list that are told."""

_DEEPEST = 6
"""Levels of JSON at which a reason is still looked for."""

_NAMES = (
    "message",
    "detail",
    "error_description",
    "description",
    "msg",
    "reason",
    "title",
    "error",
    "errors",
)
"""Where a reason stands in JSON, the surest name first."""


def words_of(data: object, depth: int = 0) -> str:
    """The reason that JSON gives, as it came; empty where it gives none."""
    if isinstance(data, str):
        return data.strip()
    if isinstance(data, list) and depth < _DEEPEST:
        found = (words_of(each, depth + 1) for each in data)
        return "; ".join(dict.fromkeys([words for words in found if words][:_MOST_PARTS]))
    if isinstance(data, Mapping) and depth < _DEEPEST:
        parts = (words_of(data[name], depth + 1) for name in _NAMES if name in data)
        return next((words for words in parts if words), "")
    return ""


def says_something(error: object) -> bool:
    """Whether an `error` is one: null, false, zero and what is empty or holds only such are none."""
    if isinstance(error, Mapping):
        return any(says_something(each) for each in error.values())
    if isinstance(error, list):
        return any(says_something(each) for each in error)
    return bool(error.strip()) if isinstance(error, str) else bool(error)


def page_text(page: str) -> str:
    """What one reads on a page of HTML."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    # A title and a heading often say the same.
    return " ".join(part for part, _ in groupby(" ".join(part.split()) for part in reader.parts))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self._unseen += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in ("script", "style")))

    def handle_data(self, data: str) -> None:
        if not self._unseen and data.strip():
            self.parts.append(data.strip())
