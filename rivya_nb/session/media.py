"""What a job has made, as its user holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.media import Medium
from rivya_nb.store.records import PictureRecord

if TYPE_CHECKING:
    from rivya_nb.store.files import ContentFiles


@dataclass(frozen=True)
class Media:
    """One file that a job has made: a picture, a video or a sound, with the bytes that the service delivered.

    `kind` is `image`, `video` or `audio`. `size` is in bytes, `duration` in seconds, None for pictures and where
    it cannot be read. `width` and `height` are in pixels, 0 for sounds, and where a format could not be decoded.
    """

    kind: Medium
    mime_type: str
    size: int
    duration: float | None
    width: int
    height: int
    _find: Callable[[], Path] = field(repr=False, compare=False)

    @classmethod
    def of(cls, record: PictureRecord, files: ContentFiles) -> Media:
        """A file of the store, from its record."""
        find = partial(files.local, record.sha256, record.mime_type)
        return cls(
            record.medium,
            record.mime_type,
            record.size,
            record.duration,
            record.width,
            record.height,
            find,
        )

    @property
    def path(self) -> Path:
        """The absolute path of the original; where the store's files are in a bucket, it is fetched first.

        Raises:
            StoreError: the bucket does not answer, or what it has is damaged.
        """
        return self._find()
