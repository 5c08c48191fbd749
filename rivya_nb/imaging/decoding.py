"""Decoding foreign pictures, with a limit on pixels, even if the text beside the pixels is damaged.

It is slow (a picture of 2048 × 2048 pixels takes some 200 ms), and it may wait for other pictures: call it
off the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rivya_nb.errors import PictureError
from rivya_nb.imaging.containers import JPEG_START, PNG_START, jpeg_segments, png_chunks
from rivya_nb.imaging.formats import HEADER_BYTES, HEIC, JPEG, PNG, Format, find_format
from rivya_nb.imaging.pixels import BUDGET, MAX_PIXELS
from rivya_nb.imaging.shrinking import Box, stored_box
from rivya_nb.imports import imported

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile

_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND"}
"""The PNG chunks with the pixels, and with the orientation."""

_JPEG_TEXTS = {b"\xe1", b"\xe2", b"\xed", b"\xfe"}
"""The JPEG segments without pixels: EXIF and XMP, colour profile and list of pictures, captions, comments."""

_JPEG_SCAN = b"\xda"

_HEIC_HINT = "; install the package pillow-heif and call pillow_heif.register_heif_opener()"


class TooManyPixelsError(PictureError):
    """A picture has more than `MAX_PIXELS` pixels."""


def can_decode(kind: Format) -> bool:
    """True if Pillow, or a loaded plugin of it, decodes this format here."""
    _import_pillow()
    from PIL import Image

    return kind.pillow in Image.OPEN


@cache
def _import_pillow() -> None:
    with imported("PIL.ImageMath", "PIL.ImageOps"):
        from PIL import Image

        Image.init()


def require_decoder(kind: Format) -> None:
    """Raise PictureError if Pillow cannot decode this format here."""
    if not can_decode(kind):
        hint = _HEIC_HINT if kind is HEIC else ""
        raise PictureError(f"{kind.article} {kind.name}: Pillow cannot decode it here{hint}")


@contextmanager
def decoded(path: Path, *, box: Box | None = None) -> Iterator[ImageFile]:
    """The picture of a file as it is stored, neither turned nor converted; of an animation the first frame.

    Its pixels are taken from the budget until the context ends. A JPEG that will be shrunk into `box` is decoded
    at a fraction of its size that is not smaller. Text and colour profiles that Pillow refuses are left out.

    Raises:
        TooManyPixelsError: it has more than `MAX_PIXELS`.
        PictureError: it is not a picture, is damaged, or Pillow cannot decode it here; also for an error within
            the context.
        OSError: the file cannot be opened.
    """
    _import_pillow()
    with path.open("rb") as file:
        kind = find_format(file.read(HEADER_BYTES))
        if kind is None:
            raise PictureError("it is not a picture")
        with _told(kind):
            width, height = _size(file, kind)
            if width * height > MAX_PIXELS:
                raise TooManyPixelsError(
                    f"The {kind.name} has more than {MAX_PIXELS:,} pixels ({width} × {height})."
                )
            with BUDGET.taking(width * height):
                yield _load(file, kind, box)


def load(path: Path) -> Picture:
    """The picture of a file as it is stored, with its text and all frames of an animation.

    Raises:
        PictureError, OSError: as `decoded`.
    """
    from PIL import Image

    with decoded(path) as image:
        if not getattr(image, "is_animated", False):
            return image
        # Frames are decoded on demand, from memory, so that the file does not stay open.
        again = Image.open(BytesIO(path.read_bytes()))
        again.load()
        return again


@contextmanager
def _told(kind: Format) -> Iterator[None]:
    """Turn every error into a PictureError."""
    from PIL import Image

    try:
        yield
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise TooManyPixelsError(f"The {kind.name} has more than {MAX_PIXELS:,} pixels.") from None
    except Exception as error:
        # Decoders raise errors of any kind for hostile bytes.
        raise PictureError(f"The {kind.name} is damaged: {type(error).__name__}: {error}.") from None


def _size(file: IO[bytes], kind: Format) -> tuple[int, int]:
    try:
        return _read_header(file, kind).size
    except Exception:
        if kind not in (PNG, JPEG):
            raise
    return _read_header(_pixels_alone(file, kind), kind).size


def _load(file: IO[bytes], kind: Format, box: Box | None) -> ImageFile:
    try:
        return _load_all(file, kind, box)
    except Exception:
        if kind not in (PNG, JPEG):
            raise
    # Outside of the except block, which would keep the first attempt's pixels in memory.
    return _load_all(_pixels_alone(file, kind), kind, box)


def _load_all(file: IO[bytes], kind: Format, box: Box | None) -> ImageFile:
    image = _read_header(file, kind)
    if box is not None:
        width, height = stored_box(image, box)
        part = min(width / image.width, height / image.height)
        image.draft("RGB", (math.ceil(image.width * part), math.ceil(image.height * part)))
    image.load()
    return image


def _read_header(file: IO[bytes], kind: Format) -> ImageFile:
    from PIL import Image, JpegImagePlugin

    require_decoder(kind)
    file.seek(0)
    if kind is JPEG:
        # Only the first picture, even if other pictures or films follow.
        return JpegImagePlugin.JpegImageFile(file)
    # `Image.open` would warn about large pictures; the size is checked here.
    factory, _ = Image.OPEN[kind.pillow or ""]
    return factory(file, "")


def _pixels_alone(file: IO[bytes], kind: Format) -> IO[bytes]:
    """A PNG or JPEG without its text, which the decoder may refuse."""
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        if kind is PNG:
            start = PNG_START
            parts = ((each.start, each.end) for each in png_chunks(data) if each.kind in _PIXEL_CHUNKS)
        else:
            start = JPEG_START
            segments = (each for each in jpeg_segments(data) if each.kind not in _JPEG_TEXTS)
            parts = ((each.start, len(data) if each.kind == _JPEG_SCAN else each.end) for each in segments)
        alone = BytesIO(data[:start])
        alone.seek(start)
        for at, end in parts:
            alone.write(data[at:end])
    return alone
