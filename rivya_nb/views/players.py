"""Small videos and sounds that play within an output, where the page allows that, within a budget of bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
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
    moving = [cell for cell in layout.cells if cell.picture is not None and cell.picture.medium != "image"]
    if not moving:
        return {}
    found: dict[str, Player] = {}
    left = BUDGET
    with ThreadPoolExecutor(WORKERS) as workers:
        pictures = [cell.picture for cell in moving[:MOST] if cell.picture is not None]
        for cell, player in zip(moving, workers.map(lambda each: _player(each, path_of, shelf), pictures)):
            if player is None or len(player.uri) > left:
                continue
            left -= len(player.uri)
            found[cell.key] = player
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
    """What plays in the place of an original; None if nothing can.

    Raises:
        PictureError: it is elsewhere, and cannot be brought to this machine.
    """
    made = shelf.preview(path)
    if made is None:
        return None
    mime_type, data = made
    return Player(medium, f"data:{mime_type};base64,{base64.b64encode(data).decode('ascii')}")
