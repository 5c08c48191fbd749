"""Reads originals for measures: pictures, and frames of videos."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError, StoreError
from rivya_nb.imaging.decoding import decoded
from rivya_nb.imaging.modes import eight_bits, orientation, turned
from rivya_nb.media.frames import Frames, read_frames
from rivya_nb.store.records import PictureRecord

if TYPE_CHECKING:
    from PIL.Image import Image

    from rivya_nb.measures.definition import Measure
    from rivya_nb.store.files import ContentFiles

_HELD = 8
"""Decoded pictures that are held for the next pairs, and at least two videos."""

_PREPARED = 2048
"""What the bundled measures of pairs compare, held for the next pairs: some 60 kB for each picture or frame."""


class Originals:
    """Decodes originals, for all that is measured of them. `most` is the most frames of one video; once `stop` is
    set, videos are read no more."""

    def __init__(self, files: ContentFiles, stop: threading.Event, most: int) -> None:
        self._files = files
        self._stop = stop
        self._held = lru_cache(maxsize=max(2, _HELD // most))(self.load)
        self._prepared = lru_cache(maxsize=max(2, _PREPARED // most))(
            lambda prepare, picture, frames: _Once(
                lambda: [prepare(image) for image in self.load(picture, frames)]
            )
        )

    def load(self, picture: PictureRecord, frames: Frames) -> list[Image]:
        """The picture upright in RGB, above white; of a video, these frames of it.

        Raises:
            PictureError: its file is gone, is no whole picture or video, or is a sound.
        """
        if picture.medium == "audio":
            raise PictureError("it is a sound, and measures look at pictures and videos")
        path = self._files.path(picture.sha256, picture.mime_type)
        try:
            self._files.local(picture.sha256, picture.mime_type)
            if picture.medium == "video":
                return read_frames(path, frames, stop=self._stop)
            with decoded(path) as image:
                return [_plain(image)]
        except FileNotFoundError:
            raise PictureError(f"its file is gone: {path}") from None
        except (OSError, PictureError, StoreError) as error:
            raise PictureError(f"its file cannot be read: {error}") from error

    def compared(self, measure: Measure, picture: PictureRecord) -> Sequence[object]:
        """What a measure of pairs compares of a picture, or of each frame of a video."""
        if measure.prepare is None:
            return self._held(picture, measure.frames)
        return self._prepared(measure.prepare, picture, measure.frames).value()


class _Once:
    """Values that are made once, also where several threads want them at the same time."""

    def __init__(self, make: Callable[[], Sequence[object]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: Sequence[object] | None = None

    def value(self) -> Sequence[object]:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _plain(image: Image) -> Image:
    """A decoded picture upright in RGB; what is transparent is laid over white."""
    from PIL import Image as Pillow

    colours = eight_bits(image)
    if colours.mode == "RGBA":
        colours = Pillow.alpha_composite(Pillow.new("RGBA", colours.size, "white"), colours)
    # A picture that needs nothing is not copied.
    return turned(colours if colours.mode == "RGB" else colours.convert("RGB"), orientation(image))
