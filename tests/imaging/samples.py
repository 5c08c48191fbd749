"""Pictures of many formats, and what stands behind the end of some."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

SIZE = (40, 30)


def noise(mode: str = "RGB", size: tuple[int, int] = SIZE, seed: int = 1) -> Image.Image:
    return Image.frombytes(mode, size, random.Random(seed).randbytes(size[0] * size[1] * len(mode)))


def encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or noise()).save(out, kind, **options)
    return out.getvalue()


def several(kind: str) -> bytes:
    """A file of three frames, pages or pictures."""
    return encoded(kind, save_all=True, append_images=[noise(seed=2), noise(seed=3)])


def preview() -> bytes:
    """A JPEG with a whole JPEG inside its EXIF."""
    return encoded("JPEG", exif=b"Exif\0\0" + encoded("JPEG", noise(size=(16, 16))))


WHOLE: Mapping[str, bytes] = {
    "PNG": encoded("PNG"),
    "APNG": several("PNG"),
    "JPEG": encoded("JPEG"),
    "progressive JPEG": encoded("JPEG", progressive=True, restart_marker_blocks=2),
    "JPEG with a preview": preview(),
    "CMYK JPEG": encoded("JPEG", noise("CMYK")),
    "WebP": encoded("WEBP"),
    "lossless WebP": encoded("WEBP", lossless=True),
    "animated WebP": several("WEBP"),
    "GIF": encoded("GIF"),
    "animated GIF": several("GIF"),
    "TIFF": encoded("TIFF"),
    "LZW TIFF": encoded("TIFF", compression="tiff_lzw"),
    "JPEG in TIFF": encoded("TIFF", compression="jpeg"),
    "BigTIFF": encoded("TIFF", big_tiff=True),
    "BMP": encoded("BMP"),
    "BMP of a palette": encoded("BMP", noise("L")),
    "AVIF": encoded("AVIF"),
    "AVIF with alpha": encoded("AVIF", noise("RGBA")),
    "animated AVIF": several("AVIF"),
    "JPEG 2000": encoded("JPEG2000"),
    "ICO": encoded("ICO"),
}
"""Whole files; without any of their last bytes they are cut."""


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


FILM = box(b"ftyp", b"mp42\0\0\0\0isommp42") + box(
    b"mdat", bytes(60) + b"\xff\xd9\xff\xda\0\x08" + bytes(900)
)
"""What a phone appends to a motion photo. Its bytes hold JPEG markers, as any long enough film does."""

HEIC = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"mdat", bytes(200))
"""By its signature a HEIC, which nothing on this machine decodes."""


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(*chunks: bytes, behind: bool = False, png: bytes = WHOLE["PNG"]) -> bytes:
    """A PNG with more chunks: before its pixels, or behind them."""
    at = len(png) - 12 if behind else 33
    return png[:at] + b"".join(chunks) + png[at:]


LONG_TEXT = bytes(3 << 20)
BOMBS = {
    "zTXt": png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(LONG_TEXT)),
    "iTXt": png_chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(LONG_TEXT)),
    "iCCP": png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(LONG_TEXT)),
    "many zTXt": 80 * png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(1_000_000))),
    "unknown packing": png_chunk(b"zTXt", b"parameters\0\7" + zlib.compress(b"text")),
    "half a pHYs": png_chunk(b"pHYs", b"\0\0"),
}
"""Chunks of a valid or nearly valid PNG that Pillow refuses the whole picture for."""


def grey16(path: Path, **options: Any) -> Path:
    """A PNG of 16 bits a pixel: from black on the left to white on the right, in four steps."""
    row = b"".join(value.to_bytes(2, "little") * 16 for value in (0, 20_000, 40_000, 65_535))
    Image.frombytes("I;16", (64, 32), row * 32).save(path, "PNG", **options)
    return path


GREYS = (0, 78, 156, 255)
"""The steps of `grey16` in eight bits."""


def steps(image: Image.Image) -> tuple[int, ...]:
    """The grey of each quarter of a picture from left to right."""
    grey = image.convert("L")
    places = (grey.getpixel((grey.width * (2 * step + 1) // 8, grey.height // 2)) for step in range(4))
    return tuple(int(value) for value in places if isinstance(value, (int, float)))
