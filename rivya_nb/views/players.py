"""Small videos and sounds that play within an output, where the page allows that, within a budget of bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from rivya_nb.contract.media import Medium
from rivya_nb.errors import PictureError
from rivya_nb.media.words import PREVIEW_BYTES
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.thumbnails import Thumbnails
from rivya_nb.views.layout import Layout
from rivya_nb.views.thumbnails import WORKERS

BUDGET = 8 * (PREVIEW_BYTES // 3 * 4 + 100)
"""Bytes of base64 of all that plays in one output. What comes later in a grid has its poster alone."""

MOST = 24
"""The most that play in one output: each is made before the output is shown."""


@dataclass(frozen=True, slots=True)
class Player:
    """What plays: its medium, `video` or `audio`, and it as a `data:` URL."""

    medium: Medium
    uri: str


def collect_players(
    layout: Layout, path_of: Callable[[PictureRecord], Path], shelf: Thumbnails
) -> Mapping[str, Player]:
    """What plays in a layout, by the keys of its cells. Making it takes about a second each where it is not kept:
    call it off the event loop."""
    moving = {
        cell.key: cell.picture for cell in layout.cells if cell.picture and cell.picture.medium != "image"
    }
    if not moving:
        return {}
    first = dict(islice(moving.items(), MOST))
    found: dict[str, Player] = {}
    left = BUDGET
    with ThreadPoolExecutor(WORKERS) as workers:
        made = workers.map(lambda each: _player(each, path_of, shelf), first.values())
        for key, player in zip(first, made, strict=True):
            if player is not None and len(player.uri) <= left:
                left -= len(player.uri)
                found[key] = player
    return found


def _player(
    picture: PictureRecord, path_of: Callable[[PictureRecord], Path], shelf: Thumbnails
) -> Player | None:
    try:
        return make_player(picture.medium, path_of(picture), shelf)
    except PictureError:
        return None


@lru_cache(maxsize=64)
def make_player(medium: Medium, path: Path, shelf: Thumbnails) -> Player | None:
    """What plays in the place of an original; None if nothing can, as for pictures.

    Raises:
        PictureError: it is elsewhere, and cannot be brought to this machine.
    """
    made = shelf.preview(path) if medium != "image" else None
    if made is None:
        return None
    mime_type, data = made
    return Player(medium, f"data:{mime_type};base64,{base64.b64encode(data).decode('ascii')}")
