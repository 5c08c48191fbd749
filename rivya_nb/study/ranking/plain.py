"""Pictures without anything that tells where they come from."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from rivya_nb.imaging.shrinking import Box
from rivya_nb.store.thumbnails import decode

_QUALITY = 92


def plain_picture(path: Path, box: Box) -> tuple[str, bytes]:
    """The MIME type and the bytes of a picture that is encoded anew within `box` (width, height in pixels): the
    pixels alone, without text, profile, name or original bytes. It is slow: call it off the event loop.

    Raises:
        PictureError: the file is gone, or cannot be read as a picture.
    """
    from PIL import Image

    image = decode(path, box)
    # A writer takes comments and profiles from what was read.
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    buffer = BytesIO()
    if bare.mode == "RGB":
        bare.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
        return "image/jpeg", buffer.getvalue()
    bare.save(buffer, "WEBP", quality=_QUALITY, method=0)
    return "image/webp", buffer.getvalue()
