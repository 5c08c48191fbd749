"""What a viewer shows, as plain data for its front end: places, labels, params, small pictures.

Text from users, services and file names is put on one line without control characters here, and into text
nodes there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivya_nb.contract.media import WORDS
from rivya_nb.contract.text import count, printable
from rivya_nb.media.formats import format_name
from rivya_nb.media.words import length_words
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.views.layout import Cell, Layout
from rivya_nb.views.thumbnails import Thumbnail, collect
from rivya_nb.views.words import (
    aspect_ratio,
    joined,
    moving_words,
    noun_of,
    origin_words,
    reason,
    sign,
    state_word,
    unseen_kind,
    unseen_words,
)

BUDGET = 1_000_000
"""The most bytes of base64 for the small pictures of a scene; as binary they are three quarters of it."""

_SHORT = 12
"""The most characters of a value that is shown together with its name."""

_SPEAKS = re.compile(r"\d+:\d+|\d+x\d+|\d+K")

_PROMPT_LENGTH = 4_000
_MESSAGE_LENGTH = 300

Scene = dict[str, Any]
"""JSON data, with bytes for small pictures."""


@dataclass(frozen=True)
class Look:
    """What a viewer shows at one time: a layout, and by job id the params with their defaults.

    `runs` are the runs of each job by its id. With `names_users`, it says who asked. `page` is the page of a long
    history, counted from 0; `first` and `total` count its pictures, from 1.
    """

    layout: Layout
    params: Mapping[str, Mapping[str, object]]
    title: str
    runs: Mapping[str, Sequence[int]]
    names_users: bool = False
    page: int = 0
    pages: int = 1
    first: int = 1
    total: int = 0


def make_scene(look: Look, files: ContentFiles) -> tuple[Scene, dict[str, PictureRecord]]:
    """The scene, and the picture of each key in it. This decodes pictures: call it off the event loop."""

    def path_of(picture: PictureRecord) -> Path:
        return files.path(picture.sha256, picture.mime_type)

    small = collect(look.layout, path_of, load=files.thumbnails.load, budget=BUDGET)
    cells = look.layout.cells
    places = {cell.key: index for index, cell in enumerate(cells)}
    scene: Scene = {
        "title": printable(look.title, _MESSAGE_LENGTH),
        "wraps": look.layout.wraps,
        "rows": [label.text for label in look.layout.row_labels],
        "columns": [] if look.layout.wraps else [label.text for label in look.layout.column_labels],
        "pages": [
            {
                "caption": page.caption,
                "rows": [[None if cell is None else places[cell.key] for cell in row] for row in page.cells],
            }
            for page in look.layout.pages
        ],
        "cells": [_cell(cell, look, small.get(cell.key), files) for cell in cells],
        "page": look.page,
        "more_pages": look.pages,
        "first": look.first,
        "total": look.total,
    }
    return scene, {cell.key: cell.picture for cell in cells if cell.picture is not None}


def _cell(cell: Cell, look: Look, small: Thumbnail | None, files: ContentFiles) -> dict[str, Any]:
    job, picture = cell.job, cell.picture
    return {
        "key": cell.key,
        "job": job.id,
        "label": cell.caption.text or ("" if job.seed is None else f"seed: {job.seed}"),
        "alt": joined(
            [moving_words(picture) if picture else "", printable(job.prompt, 90), cell.caption.text]
        ),
        "medium": picture.medium if picture else "image",
        "size": picture.size if picture else 0,
        "seconds": (picture.duration if picture else None) or 0,
        "ratio": aspect_ratio(job, picture),
        "facts": _facts(job, look.params[job.id]),
        "asides": _asides(job, picture, look),
        "width": picture.width if picture else 0,
        "height": picture.height if picture else 0,
        "has_picture": picture is not None,
        "small": small.data if small else None,
        "small_mime": small.mime if small else "",
        "small_width": small.width if small else 0,
        "words": "" if small else _words(job, picture, files),
        "sign": "" if small else _sign(job, picture, files),
    }


def _facts(job: JobRecord, params: Mapping[str, object]) -> list[list[str]]:
    """What was asked for: name, value, and a short text for a value that two pictures share."""
    values = {"model": job.model, "prompt": job.prompt, **params}
    if job.replicate > 1:
        values["replicate"] = job.replicate
    if job.references:
        values["references"] = ", ".join(ref.name or ref.sha256[:8] for ref in job.references)
    facts = []
    for name, value in values.items():
        text = printable(str(value), _PROMPT_LENGTH)
        short = f"{name} {text}" if len(text) <= _SHORT else name
        facts.append([printable(name), text, text if _SPEAKS.fullmatch(text) else printable(short)])
    return facts


def _asides(job: JobRecord, picture: PictureRecord | None, look: Look) -> list[list[str]]:
    """Other facts about a job and its picture."""
    asides = [
        ["status", job.status],
        ["asked for", origin_words(job, look.runs[job.id], names_users=look.names_users)],
        ["credits", f"about {job.credits}" if job.costs_about else str(job.credits)],
    ]
    if picture is not None:
        kind = printable(format_name(picture.mime_type))
        sides = f"{picture.width} × {picture.height}, " if picture.width else ""
        length = f"{words}, " if (words := length_words(picture.duration)) else ""
        asides.append([WORDS[picture.medium], f"{sides}{length}{picture.size / 1e6:.1f} MB {kind}"])
    if job.task_id:
        asides.append(["task", printable(job.task_id, 80)])
    return asides


def _words(job: JobRecord, picture: PictureRecord | None, files: ContentFiles) -> str:
    """The text in a place without a small picture."""
    if picture is None:
        why = printable(reason(job), _MESSAGE_LENGTH)
        return f"{sign(job)} {why or state_word(job)}"
    if not files.has(picture.sha256, picture.mime_type):
        return GONE
    if kind := unseen_kind(picture):
        return unseen_words(kind)
    return "too many for a small picture of each; open it"


def _sign(job: JobRecord, picture: PictureRecord | None, files: ContentFiles) -> str:
    if picture is None:
        return sign(job)
    return unseen_kind(picture) or "…" if files.has(picture.sha256, picture.mime_type) else "!"


GONE = "Its file is gone; what was asked for is still known."


def describe(look: Look) -> str:
    """The viewer as text, for front ends without widgets."""
    cells = look.layout.cells
    pictures = look.total or sum(cell.picture is not None for cell in cells)
    return f"{count(pictures, noun_of(cell.job for cell in cells))} of {printable(look.title)}"
