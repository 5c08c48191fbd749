"""Encodes pictures anew before they are sent: turned upright, made smaller, or in another format.

All of it is slow: call it off the event loop.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import PictureError
from rivya_nb.imaging.decoding import decoded
from rivya_nb.imaging.modes import given_eight_bits, orientation, turned

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

QUALITIES = (95, 90, 85, 80)
"""Qualities of JPEG and WebP that are tried before a picture is made smaller."""

SHORTEST_SIDE = 64
"""Pixels of the shorter side below which a picture is not made smaller."""

_LOSSLESS = {"PNG", "GIF", "BMP", "TIFF"}
_MIME_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Reencoded:
    """An encoded picture, and in words how it was encoded."""

    data: bytes
    mime_type: str
    story: str


def reencode(path: Path, max_bytes: int | None, *, keep_format: bool) -> Reencoded:
    """The picture of a file, upright and without metadata, in at most `max_bytes` bytes.

    With `keep_format` its own format is tried first (PNG instead of another lossless format). If that is too
    large, it becomes a JPEG, or a WebP if something is transparent, with decreasing quality and then with
    fewer pixels. The colour profile stays. Of an animation the first frame is used.

    Raises:
        PictureError: it cannot be decoded here, has too many pixels, or cannot be made small enough.
    """
    with decoded(path) as image:
        return _Encoder(image).fit(max_bytes or math.inf, keep_format=keep_format)


class _Encoder:
    """One decoded picture, which is encoded in several ways."""

    def __init__(self, image: Picture) -> None:
        self._format = image.format or ""
        self._frames = getattr(image, "n_frames", 1)
        self._tables: dict[str, Any] = _jpeg_tables(image)
        profile = image.info.get("icc_profile")
        self._image = turned(given_eight_bits(image), orientation(image))
        alike = {"L": ("L",), "RGB": ("RGB", "P"), "RGBA": ("RGBA", "P")}[self._image.mode]
        self._profile = profile if image.mode in alike else None
        if self._image.mode == "RGBA" and self._image.getchannel("A").getextrema() == (255, 255):
            self._image = self._image.convert("RGB")
        self._lossy = "WEBP" if self._image.mode == "RGBA" else "JPEG"

    def fit(self, max_bytes: float, *, keep_format: bool) -> Reencoded:
        if keep_format:
            kind, options = self._faithful()
            data = self._encoded(self._image, kind, **options)
            if len(data) <= max_bytes:
                return self._told(data, kind, "")
        for quality in QUALITIES:
            data = self._encoded(self._image, self._lossy, quality=quality)
            if len(data) <= max_bytes:
                return self._told(data, self._lossy, f", quality {quality}")
        return self._smaller(len(data), max_bytes)

    def _smaller(self, size: int, max_bytes: float) -> Reencoded:
        """Reduce the pixels at the lowest quality until it fits; `size` in bytes is that of all pixels."""
        scale = 1.0
        while True:
            scale *= min(0.9, 0.95 * math.sqrt(max_bytes / size))
            width, height = (round(side * scale) for side in self._image.size)
            if min(width, height) < SHORTEST_SIDE:
                raise PictureError(f"it cannot be made as small as {max_bytes:,} bytes")
            resized = self._image.resize((width, height), _lanczos())
            data = self._encoded(resized, self._lossy, quality=QUALITIES[-1])
            size = len(data)
            if size <= max_bytes:
                return self._told(data, self._lossy, f", quality {QUALITIES[-1]}, {width} × {height} pixels")

    def _faithful(self) -> tuple[str, dict[str, Any]]:
        if self._format in _LOSSLESS:
            return "PNG", {}
        if self._format == "WEBP":
            return "WEBP", {"quality": QUALITIES[0]}
        if self._lossy == "WEBP":
            return "PNG", {}
        # With its own tables, encoding a JPEG again loses almost nothing.
        return "JPEG", self._tables or {"quality": QUALITIES[0]}

    def _encoded(self, image: Picture, kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, icc_profile=self._profile, **options)
        return buffer.getvalue()

    def _told(self, data: bytes, kind: str, how: str) -> Reencoded:
        first = ", its first frame" if self._frames > 1 else ""
        return Reencoded(data, _MIME_TYPES[kind], f"{kind}{how}{first}")


def _jpeg_tables(image: Picture) -> dict[str, Any]:
    """The quantization tables and the subsampling of a JPEG; empty for other formats."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return {}
    from PIL import JpegImagePlugin

    return {"qtables": tables, "subsampling": JpegImagePlugin.get_sampling(image)}


def _lanczos() -> Any:
    from PIL import Image

    return Image.Resampling.LANCZOS
