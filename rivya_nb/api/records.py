"""What the service answers, as typed records: unknown fields are ignored, optional ones may be missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rivya_nb.contract.references import Reference

FINISHED = frozenset({"succeeded", "failed"})
"""The statuses after which a task does not change; any other, known or not, is still running."""


class ShapeError(ValueError):
    """JSON lacks what the contract is certain of; the message names it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A generation as the service tells it.

    `status` is kept as it came, empty where there was none. Credits are None where the answer left them out,
    times are the service's own text. `urls` are the pictures' addresses, not yet checked.
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
    def finished(self) -> bool:
        """Whether the task has ended, well or badly."""
        return self.status in FINISHED


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A reference at the service. `duration_token` comes with audio and video and travels on with its url."""

    id: str | None
    url: str
    duration_token: str | None = field(default=None, repr=False)
    expires_at: str | None = None

    def media_item(self, reference: Reference) -> dict[str, Any]:
        """The entry of `referenceMediaItems` for this file; camelCase, as the contract has it here."""
        item = {
            "url": self.url,
            "kind": reference.kind,
            "name": reference.name,
            "mimeType": reference.mime_type,
        }
        return item if self.duration_token is None else {**item, "durationToken": self.duration_token}


@dataclass(frozen=True, slots=True)
class Credits:
    """The account's balance in credits, reserved ones already taken off."""

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


Reader = Callable[[object], Any]


def read_task(data: object) -> Task:
    """A task from `POST /generations` or `GET /generations/{id}`. Raises ShapeError without an id."""
    record = _mapping(data, "task")
    task_id = _text(record, "id")
    if not task_id:
        raise ShapeError("task id")
    result, error = _inner(record, "result"), _inner(record, "error")
    return Task(
        id=task_id,
        status=_text(record, "status") or "",
        model=_text(record, "model"),
        reserved_credits=_whole(record, "reserved_credits"),
        final_credits=_whole(record, "final_credits"),
        created_at=_text(record, "created_at"),
        updated_at=_text(record, "updated_at"),
        urls=_urls(result),
        error_code=_text(error, "code"),
        error_message=_text(error, "message"),
    )


def read_file(data: object) -> UploadedFile:
    """An uploaded file. Raises ShapeError without a url, the one thing that the contract is certain of."""
    record = _mapping(data, "file")
    url = _text(record, "url")
    if not url:
        raise ShapeError("file url")
    return UploadedFile(
        id=_text(record, "id") or _text(record, "file_id"),
        url=url,
        duration_token=_text(record, "duration_token"),
        expires_at=_text(record, "expires_at"),
    )


def read_credits(data: object) -> Credits:
    """The balance. Raises ShapeError where it is no number."""
    balance = _whole(_mapping(data, "balance"), "current_credits")
    if balance is None:
        raise ShapeError("number current_credits")
    return Credits(balance)


def read_models(data: object) -> tuple[ModelEntry, ...]:
    """The list of models; an entry without an id is skipped. Raises ShapeError where there is no list."""
    entries = _mapping(data, "list of models").get("data")
    if not isinstance(entries, list):
        raise ShapeError("list of models under data")
    return tuple(
        ModelEntry(
            id=model_id,
            display_name=_text(entry, "display_name") or model_id,
            category=_text(entry, "category"),
            base_credits=_whole(entry, "base_credits"),
            api_status=_text(entry, "api_status"),
            raw=entry,
        )
        for entry in entries
        if isinstance(entry, dict) and (model_id := _text(entry, "id"))
    )


def read_document(data: object) -> Mapping[str, Any]:
    """Any JSON object, such as the OpenAPI document."""
    return _mapping(data, "JSON object")


def _mapping(data: object, expected: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ShapeError(expected)
    return data


def _inner(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _text(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) else None


def _whole(record: Mapping[str, Any], key: str) -> int | None:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    return int(value) if abs(value) < 2**63 else None


def _urls(result: Mapping[str, Any]) -> tuple[str, ...]:
    listed = result.get("urls")
    urls = [result.get("primary_url"), *(listed if isinstance(listed, list) else [])]
    # Each once, in the service's order: the primary one is usually the first of the list as well.
    return tuple(dict.fromkeys(url for url in urls if isinstance(url, str) and url))
