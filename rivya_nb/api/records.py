"""The service's answers as typed records: unknown fields are ignored, optional ones may be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from rivya_nb.api.reasons import says_something, words_of
from rivya_nb.contract.references import Reference
from rivya_nb.contract.text import is_whole, printable

KNOWN_STATUSES = ("queued", "processing", "succeeded", "failed")

MAX_WORD = 120
"""The most characters of a status, a code, a name or a time that are kept."""

MAX_MESSAGE = 500
"""The most characters of a message that are kept."""


class ShapeError(ValueError):
    """JSON lacks a field that the contract guarantees; the message names it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A generation as the service describes it.

    `status` is the service's own word, empty if there was none. Credits are None if the answer does not have
    them, times are the service's own text. `urls` are the pictures' addresses, not checked yet.
    """

    id: str
    status: str
    model: str | None = None
    reserved_credits: int | None = None
    final_credits: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    urls: tuple[str, ...] = ()
    error_code: str | None = None
    error_message: str | None = None

    @property
    def known_status(self) -> str | None:
        """The documented status, in lower case; None for an unknown one."""
        word = self.status.casefold()
        return word if word in KNOWN_STATUSES else None

    @property
    def end(self) -> Literal["succeeded", "failed"] | None:
        """How the task has ended; None while it is running.

        A documented status decides. With any other status, a task with addresses has succeeded, and one with
        an error has failed.
        """
        known = self.known_status
        if known == "succeeded" or (known is None and self.urls):
            return "succeeded"
        has_error = self.error_code is not None or self.error_message is not None
        return "failed" if known == "failed" or (known is None and has_error) else None

    @property
    def finished(self) -> bool:
        """True if the task has ended, well or badly."""
        return self.end is not None

    @property
    def seconds(self) -> float | None:
        """Seconds from `created_at` to `updated_at`: how long a task took that has ended. None if one of them is
        missing or cannot be read."""
        created, updated = _moment(self.created_at), _moment(self.updated_at)
        return None if created is None or updated is None else (updated - created).total_seconds()


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A reference at the service. `duration_token` comes with audio and video and is sent along with its url."""

    id: str | None
    url: str
    duration_token: str | None = field(default=None, repr=False)
    expires_at: str | None = None

    def media_item(self, reference: Reference) -> dict[str, Any]:
        """The entry of `referenceMediaItems` for this file; in camelCase, as in the contract."""
        item: dict[str, Any] = {
            "url": self.url,
            "kind": reference.kind,
            "name": reference.name,
            "mimeType": reference.mime_type,
        }
        if reference.duration is not None:
            item["durationSeconds"] = round(reference.duration, 3)
        if self.duration_token is not None:
            item["durationToken"] = self.duration_token
        return item


@dataclass(frozen=True, slots=True)
class Credits:
    """The account's balance in credits, without the reserved ones."""

    current_credits: int


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the service's live list; `raw` is the entry as it came."""

    id: str
    display_name: str
    category: str | None
    base_credits: int | None
    api_status: str | None
    raw: Mapping[str, Any] = field(repr=False)


def read_task(data: object) -> Task:
    """A task from `POST /generations` or `GET /generations/{id}`. Raises ShapeError without an id."""
    record = _mapping(data, "task")
    task_id = _text(record, "id")
    if not task_id:
        raise ShapeError("task id")
    code, message = _error(record.get("error"))
    return Task(
        id=task_id,
        status=_word(record, "status") or "",
        model=_word(record, "model"),
        reserved_credits=_credits(record, "reserved_credits"),
        final_credits=_credits(record, "final_credits"),
        created_at=_word(record, "created_at"),
        updated_at=_word(record, "updated_at"),
        urls=_urls(record.get("result")),
        error_code=code,
        error_message=message,
    )


def read_file(data: object) -> UploadedFile:
    """An uploaded file. Raises ShapeError without a url, the only field that the contract guarantees."""
    record = _mapping(data, "file")
    url = _text(record, "url")
    if not url:
        raise ShapeError("file url")
    return UploadedFile(
        id=_text(record, "id") or _text(record, "file_id"),
        url=url,
        duration_token=_text(record, "duration_token"),
        expires_at=_word(record, "expires_at"),
    )


def read_credits(data: object) -> Credits:
    """The balance. Raises ShapeError if it is not a number."""
    balance = _number(_mapping(data, "balance"), "current_credits")
    if balance is None:
        raise ShapeError("number current_credits")
    return Credits(math.floor(balance))


def read_models(data: object) -> tuple[ModelEntry, ...]:
    """The list of models; entries without an id are skipped. Raises ShapeError if it is not a list."""
    entries = _mapping(data, "list of models").get("data")
    if not isinstance(entries, list):
        raise ShapeError("list of models under data")
    return tuple(
        ModelEntry(
            id=model_id,
            display_name=_word(entry, "display_name") or model_id,
            category=_word(entry, "category"),
            base_credits=_credits(entry, "base_credits"),
            api_status=_word(entry, "api_status"),
            raw=entry,
        )
        for entry in entries
        if isinstance(entry, dict) and (model_id := _text(entry, "id"))
    )


def read_document(data: object) -> Mapping[str, Any]:
    return _mapping(data, "JSON object")


def _mapping(data: object, expected: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ShapeError(expected)
    return data


def _error(error: object) -> tuple[str | None, str | None]:
    """The code and the message of a task's error; None and None if it has none."""
    if not says_something(error):
        return None, None
    code = error.get("code") if isinstance(error, dict) else None
    return (
        printable(code, MAX_WORD) or None if isinstance(code, str) else None,
        printable(words_of(error), MAX_MESSAGE) or "the service gave no reason",
    )


def _text(record: Mapping[str, Any], key: str) -> str | None:
    """A text that is used unchanged: an id, an address, a token."""
    value = record.get(key)
    return value if isinstance(value, str) and is_whole(value) else None


def _word(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    return printable(value, MAX_WORD) if isinstance(value, str) else None


def _moment(text: str | None) -> datetime | None:
    """A time in ISO 8601, in UTC if it names no other; None if it cannot be read."""
    try:
        # Python 3.10 does not know "Z".
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _credits(record: Mapping[str, Any], key: str) -> int | None:
    """A price in credits, rounded up; None if it is not a price."""
    value = _number(record, key)
    return math.ceil(value) if value is not None and value >= 0 else None


def _number(record: Mapping[str, Any], key: str) -> float | None:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # The comparison is False for NaN and infinities; the store takes numbers below 2**63.
    return value if abs(value) < 2**63 else None


def _urls(result: object) -> tuple[str, ...]:
    if not isinstance(result, dict):
        return ()
    listed = result.get("urls")
    urls = [result.get("primary_url"), *(listed if isinstance(listed, list) else [])]
    # Each once, in the service's order: the primary one is usually in the list, too.
    return tuple(dict.fromkeys(url for url in urls if isinstance(url, str) and url and is_whole(url)))
