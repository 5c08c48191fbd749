"""What a viewer shows at one time, as plain data for its front end: places, labels, params, small pictures.

Everything a user, a service or a file's name may have written is put on one line without control characters
here, and into text nodes there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivya_nb.contract.text import count, printable
from rivya_nb.imaging.formats import format_name
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.views.layout import Cell, Layout
from rivya_nb.views.thumbnails import Thumbnail, collect
from rivya_nb.views.words import (
    SIGNS,
    aspect_ratio,
    joined,
    reason,
    state,
    state_word,
    unseen_kind,
    unseen_words,
)

BUDGET = 1_000_000
"""Bytes that the small pictures of a scene may take as base64; they travel as binary, at three quarters of it."""

_SHORT = 12
"""Characters of a value that is said along with its name where two pictures share it."""

_SPEAKS = re.compile(r"\d+:\d+|\d+x\d+|\d+K")

_PROMPT_LENGTH = 4_000
_MESSAGE_LENGTH = 300

Scene = dict[str, Any]
"""JSON, and bytes where a small picture stands."""


@dataclass(frozen=True)
class Look:
    """What is shown at one time: a layout, and of each of its jobs the params with their defaults, by its id.

    `page` counts from 0 the pages that a long history has; `first` and `total` count its pictures, from 1.
    """

    layout: Layout
    params: Mapping[str, Mapping[str, object]]
    title: str
    page: int = 0
    pages: int = 1
    first: int = 1
    total: int = 0


def make_scene(look: Look, files: ContentFiles) -> tuple[Scene, dict[str, PictureRecord]]:
    """The scene, and which picture each key in it means. This decodes pictures: run it off the event loop."""

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
        "cells": [_cell(cell, look.params[cell.job.id], small.get(cell.key), path_of) for cell in cells],
        "page": look.page,
        "more_pages": look.pages,
        "first": look.first,
        "total": look.total,
    }
    return scene, {cell.key: cell.picture for cell in cells if cell.picture is not None}


def _cell(cell: Cell, params: Mapping[str, object], small: Thumbnail | None, path_of: Any) -> dict[str, Any]:
    job, picture = cell.job, cell.picture
    return {
        "key": cell.key,
        "job": job.id,
        "label": cell.caption.text or _own_label(job),
        "alt": joined([printable(job.prompt, 90), cell.caption.text]),
        "ratio": aspect_ratio(job, picture),
        "facts": _facts(job, params),
        "asides": _asides(job, picture),
        "width": picture.width if picture else 0,
        "height": picture.height if picture else 0,
        "has_picture": picture is not None,
        "small": small.data if small else None,
        "small_mime": small.mime if small else "",
        "small_width": small.width if small else 0,
        "words": "" if small else _words(job, picture, path_of),
        "sign": "" if small else _sign(job, picture, path_of),
    }


def _own_label(job: JobRecord) -> str:
    return f"seed {job.seed}" if job.seed is not None else ""


def _facts(job: JobRecord, params: Mapping[str, object]) -> list[list[str]]:
    """What was asked, as name, value, and what to call it where two pictures share it."""
    values = {"model": job.model, "prompt": job.prompt, **params}
    if job.references:
        values["references"] = ", ".join(ref.name or ref.sha256[:8] for ref in job.references)
    facts = []
    for name, value in values.items():
        text = printable(str(value), _PROMPT_LENGTH)
        short = f"{name} {text}" if len(text) <= _SHORT else name
        facts.append([printable(name), text, text if _SPEAKS.fullmatch(text) else printable(short)])
    return facts


def _asides(job: JobRecord, picture: PictureRecord | None) -> list[list[str]]:
    """What is known of a picture beside what was asked."""
    asides = [
        ["status", job.status],
        ["credits", f"about {job.credits}" if job.costs_about else str(job.credits)],
    ]
    if picture is not None:
        kind = printable(format_name(picture.mime_type))
        sides = f"{picture.width} × {picture.height}, " if picture.width else ""
        asides.append(["picture", f"{sides}{picture.size / 1e6:.1f} MB {kind}"])
    if job.task_id:
        asides.append(["task", printable(job.task_id, 80)])
    return asides


def _words(job: JobRecord, picture: PictureRecord | None, path_of: Any) -> str:
    """What stands in a place that has no small picture."""
    if picture is None:
        why = printable(reason(job), _MESSAGE_LENGTH)
        return f"{SIGNS.get(state(job), '·')} {why or state_word(job)}"
    if not path_of(picture).is_file():
        return GONE
    if kind := unseen_kind(picture):
        return unseen_words(kind)
    return "too many for a small picture of each; open it"


def _sign(job: JobRecord, picture: PictureRecord | None, path_of: Any) -> str:
    """The same, where there is room for a few letters."""
    if picture is None:
        return SIGNS.get(state(job), "·")
    return unseen_kind(picture) or "…" if path_of(picture).is_file() else "!"


GONE = "The file of this picture is gone; what was asked for is still known."


def describe(look: Look) -> str:
    """The viewer in words, for where no widget is shown."""
    cells = look.layout.cells
    pictures = look.total or sum(cell.picture is not None for cell in cells)
    return f"{count(pictures, 'picture')} of {printable(look.title)}"
