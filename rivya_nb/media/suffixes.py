"""What the names of files end in: all that a web address, or a name that is typed, says of its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from rivya_nb.contract.media import Medium, medium_of
from rivya_nb.media.formats import EXTENSIONS

_MORE = {
    "image/jpeg": (".jpeg",),
    "image/tiff": (".tiff",),
    "image/heic": (".heif",),
    "video/mp4": (".m4v",),
    "video/quicktime": (".qt",),
    "audio/ogg": (".oga", ".opus"),
    "audio/wav": (".wave",),
}

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    mime_type: (extension, *_MORE.get(mime_type, ())) for mime_type, extension in EXTENSIONS.items()
}
"""The endings of names, in small letters and with the dot, by MIME type."""

_MEDIA = {suffix: medium_of(mime_type) for mime_type, each in SUFFIXES.items() for suffix in each}


def named_medium(name: str) -> Medium | None:
    """The medium of a file by its name; None if that does not say it."""
    return _MEDIA.get(PurePosixPath(name).suffix.casefold())
