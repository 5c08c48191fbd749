"""Finds the reason of a refusal or failure in answers of any shape."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import groupby

_MOST_PARTS = 3
"""The most reasons of a list that are shown."""

_DEEPEST = 6
"""The most levels of JSON in which a reason is searched."""

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
"""The fields that may have a reason, the most reliable first."""


def words_of(data: object, depth: int = 0) -> str:
    """The reason in JSON, as it came; empty if there is none."""
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
    """True if an `error` field has any content: not null, false or zero, nor empty or a container of these."""
    if isinstance(error, Mapping):
        return any(says_something(each) for each in error.values())
    if isinstance(error, list):
        return any(says_something(each) for each in error)
    return bool(error.strip()) if isinstance(error, str) else bool(error)


def page_text(page: str) -> str:
    """The visible text of a page of HTML."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    # The title and the first heading are often the same.
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
