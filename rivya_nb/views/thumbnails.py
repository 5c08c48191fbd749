"""Small pictures for an output, within a budget of bytes; the originals stay in the store.

Everything here is pure and may run in worker threads; Pillow is loaded on first use.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError
from rivya_nb.store.records import PictureRecord
from rivya_nb.views.geometry import Geometry, measure
from rivya_nb.views.layout import Cell, Layout

if TYPE_CHECKING:
    from PIL import Image

BUDGET = 256_000
"""Bytes of base64 that all thumbnails of one output may take together."""

LARGEST = 24_000
"""Bytes of base64 that one thumbnail may take, however few there are."""

SMALLEST = 2_000
"""Bytes of base64 below which a thumbnail shows nothing; rather than that, some pictures are left out."""

_QUALITIES = (80, 68, 55, 40)
_SHRINK = 0.8
_PIXEL_DENSITY = 2


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An encoded small picture; width and height in its own pixels."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The picture as a `data:` address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Allotment:
    """How many pictures of an output are shown, and how many bytes each may take before base64."""

    shown: int
    max_bytes: int


def allot(count: int, *, budget: int = BUDGET, largest: int = LARGEST) -> Allotment:
    """Share a budget (bytes of base64) among `count` pictures.

    Each gets `min(largest, budget / count)`, but never less than SMALLEST: past that, only the first ones
    are shown, and the view has to say so.
    """
    shown = min(count, budget // SMALLEST)
    each = min(largest, budget // max(1, shown))
    return Allotment(shown, each // 4 * 3)


def collect(
    layout: Layout,
    path_of: Callable[[PictureRecord], Path],
    *,
    scale: float = 1.0,
    budget: int = BUDGET,
    largest: int = LARGEST,
) -> dict[str, Thumbnail | None]:
    """Thumbnails for a layout by the cells' keys; None where a picture is left out or cannot be read.

    Shares count the places of the layout and not the pictures that are there already, so that a running grid
    never encodes a picture twice. Decoding takes up to 200 ms a picture: run it off the event loop.
    """
    geometry = measure(layout, scale=scale)
    places = list(_places(layout, geometry))
    allotment = allot(len(places), budget=budget, largest=largest)
    thumbnails: dict[str, Thumbnail | None] = {}
    for index, (cell, size) in enumerate(places):
        if cell.picture is None:
            continue
        thumbnails[cell.key] = None
        if index < allotment.shown:
            box = (size[0] * _PIXEL_DENSITY, size[1] * _PIXEL_DENSITY)
            try:
                thumbnails[cell.key] = thumbnail(
                    path_of(cell.picture), box=box, max_bytes=allotment.max_bytes
                )
            except PictureError:
                continue
    return thumbnails


def _places(layout: Layout, geometry: Geometry) -> Iterator[tuple[Cell, tuple[int, int]]]:
    for page in layout.pages:
        for row in page.cells:
            for column, cell in enumerate(row):
                if cell is not None:
                    yield cell, geometry.fit(cell, column)


def thumbnail(path: Path, *, box: tuple[int, int], max_bytes: int) -> Thumbnail:
    """The picture within `box` (width, height in pixels), as WebP of at most `max_bytes` bytes.

    It is upright (EXIF), keeps its ratio and is never enlarged. First the quality is lowered, then the size.

    Raises:
        PictureError: the file cannot be read as a picture, or not even one pixel fits into `max_bytes`.
    """
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise PictureError(f"the picture {path.name} cannot be read: {error.strerror}") from error
    return _cached(path, stamp, box, max_bytes)


@lru_cache(maxsize=512)
def _cached(path: Path, _stamp: int, box: tuple[int, int], max_bytes: int) -> Thumbnail:
    image = load(path, box)
    while True:
        for quality in _QUALITIES:
            buffer = BytesIO()
            image.save(buffer, "WEBP", quality=quality, method=4)
            if buffer.tell() <= max_bytes:
                return Thumbnail(buffer.getvalue(), "image/webp", image.width, image.height)
        if image.width == 1 and image.height == 1:
            raise PictureError(f"the picture {path.name} does not fit into {max_bytes} bytes")
        image = image.resize((max(1, int(image.width * _SHRINK)), max(1, int(image.height * _SHRINK))))


def load(path: Path, box: tuple[int, int]) -> Image.Image:
    """A picture upright and shrunk into `box` pixels, as RGB or RGBA; JPEG is decoded at a fraction.

    Raises:
        PictureError: the file cannot be read as a picture.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            sideways = image.getexif().get(_ORIENTATION, 1) >= _FIRST_SIDEWAYS
            limit = (box[1], box[0]) if sideways else box
            image.draft("RGB", limit)
            upright = ImageOps.exif_transpose(image)
            # Converted before it shrinks: a palette cannot be averaged.
            colours = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            colours.thumbnail(box)
            return colours
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"the picture {path.name} cannot be read: {error}") from error


_ORIENTATION = 0x0112
_FIRST_SIDEWAYS = 5
"""EXIF orientations from 5 on exchange width and height."""
