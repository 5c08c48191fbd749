"""Small pictures for an output, within a budget of bytes; the originals stay in the store.

All functions may be called in worker threads, and use some of their own; Pillow is imported on first use.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError
from rivya_nb.imaging.encoding import encode
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.thumbnails import BOX, OUTPUT_BOX, OUTPUT_BYTES, Thumbnails, decode
from rivya_nb.views.geometry import Geometry, measure
from rivya_nb.views.layout import Cell, Layout

if TYPE_CHECKING:
    from PIL import Image

BUDGET = 256_000
"""Bytes of base64 for all thumbnails of one output together; twice that if there are many."""

FAIR = OUTPUT_BYTES // 3 * 4
"""Bytes of base64 that each of many thumbnails may have within twice the budget."""

LARGEST = 24_000
"""The most bytes of base64 of one thumbnail, even if there are few."""

SMALLEST = 2_000
"""A thumbnail with fewer bytes of base64 shows nothing; rather than that, some pictures are left out."""

Load = Callable[[Path, tuple[int, int]], "Image.Image"]
"""A function that reads an original into a box: `decode`, or a store's `Thumbnails.load`, which is faster."""

WORKERS = min(4, os.cpu_count() or 1)
"""Threads that decode and encode: Pillow releases the interpreter lock meanwhile."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An encoded small picture; width and height in its own pixels."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The picture as a `data:` URL."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Allotment:
    """How many pictures of an output are shown, and the most bytes of each before base64."""

    shown: int
    max_bytes: int


def allot(count: int, *, budget: int = BUDGET, largest: int = LARGEST) -> Allotment:
    """Share a budget (bytes of base64) among `count` pictures.

    Each gets `budget / count`, at most `largest`. Many get FAIR each until that is twice the budget, and then
    less, but never less than SMALLEST: beyond that, only the first ones are shown, and the view must say so.
    """
    shown = min(count, 2 * budget // SMALLEST)
    places = max(1, shown)
    each = min(largest, max(budget // places, min(FAIR, 2 * budget // places)))
    return Allotment(shown, each // 4 * 3)


def collect(
    layout: Layout,
    path_of: Callable[[PictureRecord], Path],
    *,
    load: Load = decode,
    shelf: Thumbnails | None = None,
    scale: float = 1.0,
    budget: int = BUDGET,
    largest: int = LARGEST,
) -> dict[str, Thumbnail | None]:
    """Thumbnails for a layout by the cells' keys; None if a picture is left out or cannot be read.

    The shares depend on the places of the layout and not on the pictures that exist already, so that a
    running grid encodes no picture twice. With a `shelf`, they are kept for the next kernel. Decoding an
    original takes up to 200 ms: call it off the event loop.
    """
    geometry = measure(layout, scale=scale)
    places = list(_places(layout, geometry))
    allotment = allot(len(places), budget=budget, largest=largest)
    pictured = [(cell, size) for cell, size in places[: allotment.shown] if cell.picture is not None]

    def make(place: tuple[Cell, tuple[int, int]]) -> Thumbnail | None:
        cell, (width, height) = place
        if cell.picture is None:
            return None
        limit = allotment.max_bytes
        # Its store has the picture of many since the delivery, and one serves grids of any shape.
        box = OUTPUT_BOX
        if limit > OUTPUT_BYTES:
            box = (min(BOX[0], width), min(BOX[1], height))
        try:
            path = path_of(cell.picture)
            return thumbnail(path, box=box, max_bytes=limit, load=load, shelf=shelf)
        except PictureError:
            return None

    left_out = {cell.key: None for cell, _ in places[allotment.shown :] if cell.picture is not None}
    with ThreadPoolExecutor(WORKERS) as workers:
        made = zip(pictured, workers.map(make, pictured), strict=True)
        return {**{cell.key: small for (cell, _), small in made}, **left_out}


def _places(layout: Layout, geometry: Geometry) -> Iterator[tuple[Cell, tuple[int, int]]]:
    for page in layout.pages:
        for row in page.cells:
            for column, cell in enumerate(row):
                if cell is not None:
                    # On most pages a grid is smaller, and the pictures are sharp on screens with more pixels, too.
                    yield cell, geometry.fit_largest(cell, column)


def thumbnail(
    path: Path,
    *,
    box: tuple[int, int],
    max_bytes: int,
    load: Load = decode,
    shelf: Thumbnails | None = None,
) -> Thumbnail:
    """The picture within `box` (width, height in pixels), as WebP of at most `max_bytes` bytes.

    It is upright (EXIF), keeps its ratio and is never enlarged. First the quality is reduced, then the size.

    Raises:
        PictureError: the file cannot be read as a picture, or not even one pixel fits into `max_bytes`.
    """
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0  # `load` knows whether it is gone, or only not on this machine.
    return _cached(load, shelf, path, stamp, box, max_bytes)


@lru_cache(maxsize=1024)
def _cached(
    load: Load, shelf: Thumbnails | None, path: Path, _stamp: int, box: tuple[int, int], max_bytes: int
) -> Thumbnail:
    data = None if shelf is None else shelf.kept(path, box, max_bytes)
    if data is not None:
        from PIL import Image

        with Image.open(BytesIO(data)) as image:
            return Thumbnail(data, "image/webp", image.width, image.height)
    made = encode(load(path, box), max_bytes)
    if made is None:
        raise PictureError(f"the picture {path.name} does not fit into {max_bytes} bytes")
    if shelf is not None:
        shelf.keep(path, box, max_bytes, made.data)
    return Thumbnail(made.data, "image/webp", made.width, made.height)
