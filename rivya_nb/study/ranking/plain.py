"""Pictures, videos and sounds without anything that tells where they come from."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from rivya_nb.contract.media import medium_of
from rivya_nb.errors import PictureError
from rivya_nb.imaging.shrinking import Box
from rivya_nb.store.thumbnails import decode

_QUALITY = 92

_FILM_BOX = (1280, 1280)

_FILM_RATE, _SOUND_RATE = 6_000_000, 128_000
"""Bits a second, beyond which nobody sees or hears more."""


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


def plain_clip(path: Path, most: int) -> bytes:
    """A video or sound that is encoded anew as WebM of about `most` bytes at most: what is seen, or heard, and
    nothing else. A video has no sound then. It is slow: call it off the event loop.

    Raises:
        PictureError: the file is gone or damaged, its length is not known, or there is no ffmpeg.
    """
    from rivya_nb.media import ffmpeg
    from rivya_nb.media.facts import read_kind

    try:
        found = read_kind(path)
    except OSError as error:
        raise PictureError(f"{path.name} cannot be read: {error.strerror or error}") from None
    if found is None or not found[1].duration:
        raise PictureError(f"{path.name} cannot be read as a video or sound")
    kind, walked = found
    # A fifth is left, since no encoder meets a rate exactly.
    rate = int(most * 8 * 0.8 / (walked.duration or 1.0))
    if medium_of(kind.mime_type) == "video":
        made = ffmpeg.plain_film(path, kind, _FILM_BOX, min(rate, _FILM_RATE))
    else:
        made = ffmpeg.plain_sound(path, kind, min(rate, _SOUND_RATE))
    if made is None:
        raise PictureError(f"ffmpeg cannot read {path.name}")
    return made
