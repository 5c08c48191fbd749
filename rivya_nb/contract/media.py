"""The kinds of files that the service knows."""

from __future__ import annotations

from typing import Literal, TypeAlias

Medium: TypeAlias = Literal["image", "video", "audio"]
"""What the contract calls the kind of a file, and the category of a model that makes such files."""

MEDIA: tuple[Medium, ...] = ("image", "video", "audio")

WORDS: dict[Medium, str] = {"image": "picture", "video": "video", "audio": "sound"}
"""What users call a file of each medium."""


def medium_of(mime_type: str) -> Medium:
    """The medium of a file with this MIME type, or its beginning; what is neither video nor audio counts as a
    picture."""
    start = mime_type.partition("/")[0]
    return next((medium for medium in MEDIA if medium == start), "image")
