"""Encodes small pictures within a limit of bytes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_QUALITIES = {80: 1.0, 68: 0.7, 55: 0.57, 40: 0.45}
"""Qualities of WebP, and the bytes that they take at least, relative to the first."""

_METHOD = 1
"""The effort of WebP: 4 saves a tenth of the bytes, but takes more than twice as long."""

_SHRINK = 0.8


class Encoded(NamedTuple):
    """A WebP; width and height in pixels."""

    data: bytes
    width: int
    height: int


def encode(image: Picture, max_bytes: int) -> Encoded | None:
    """The picture as WebP: first the quality is reduced until it fits into `max_bytes`, then the size. None if not
    even one pixel fits."""
    while True:
        data = _encoded(image, max_bytes)
        if data is not None:
            return Encoded(data, image.width, image.height)
        if image.width == 1 and image.height == 1:
            return None
        image = image.resize((max(1, int(image.width * _SHRINK)), max(1, int(image.height * _SHRINK))))


def _encoded(image: Picture, max_bytes: int) -> bytes | None:
    """The picture in the best quality that fits; None if none does."""
    full: int | None = None
    for quality, part in _QUALITIES.items():
        # Qualities that cannot fit, judged by the size of the first one, are skipped.
        if full is not None and full * part > max_bytes and quality > min(_QUALITIES):
            continue
        buffer = BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=_METHOD)
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
        full = full or buffer.tell()
    return None
