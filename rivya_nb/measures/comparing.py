"""Measures the differences between neighbouring pictures of a grid, in worker threads; each is read once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError
from rivya_nb.measures.metric import FRAME, NONE, Difference, Sample, compare, require, sample
from rivya_nb.measures.pairs import Coordinates, Pair, Requests, choose_pairs
from rivya_nb.media.frames import MIDDLE, Frames, read_frames
from rivya_nb.media.suffixes import named_medium

if TYPE_CHECKING:
    from PIL import Image

    from rivya_nb.store.thumbnails import Thumbnails

WORKERS = min(4, os.cpu_count() or 1)

_BOX = (8 * FRAME, 8 * FRAME)
"""The pixels in which a picture is read: enough for the short side of a panorama, and not more than the
store's small pictures have."""

Load = Callable[[Path, tuple[int, int]], "Sequence[Image.Image]"]
"""A function that reads an original into a box of pixels: a picture, or frames of a video."""


_NO_REQUESTS: Requests = {}


@dataclass(frozen=True)
class Compared:
    """The measured differences, and the places whose picture could not be read."""

    found: Mapping[Pair, Difference]
    unread: frozenset[Coordinates]


def reader(small: Thumbnails, frames: Frames = MIDDLE, stop: threading.Event | None = None) -> Load:
    """Reads pictures, and these frames of videos until `stop` is set."""

    def load(path: Path, box: tuple[int, int]) -> Sequence[Image.Image]:
        if named_medium(path.name) != "video":
            return [small.load(path, box)]
        small.bring(path)
        try:
            return read_frames(path, frames, box=box, stop=stop)
        except OSError as error:
            raise PictureError(f"the video {path.name} cannot be read: {error}") from error

    return load


def compare_all(
    paths: Mapping[Coordinates, Path], axes: int, load: Load, requests: Requests = _NO_REQUESTS
) -> Compared:
    """The differences between neighbours in a grid; `paths` are the originals by their coordinates.

    Of videos the same frame of both is compared, and of several frames it is the mean. With `requests`, those
    between pictures of the very same one are measured too; what has `paths` and no place on the `axes` counts for
    them alone.

    An original takes some 3 ms if the store has its small picture, and a pair some 4: call it off the event
    loop.

    Raises:
        UsageError: scikit-image is not installed.
    """
    require()
    places = [place for place in paths if len(place) == axes]
    pairs = choose_pairs(places, axes, requests=requests)
    needed = dict.fromkeys(place for pair in pairs for place in (pair.one, pair.other))
    originals = list(dict.fromkeys(paths[place] for place in needed))

    def read(path: Path) -> list[Sample] | None:
        try:
            return [sample(image) for image in load(path, _BOX)]
        except PictureError:
            return None

    with ThreadPoolExecutor(WORKERS) as workers:
        samples = dict(zip(originals, workers.map(read, originals), strict=True))

        def difference(pair: Pair) -> Difference | None:
            one, other = samples[paths[pair.one]], samples[paths[pair.other]]
            if one is None or other is None:
                return None
            return NONE if one is other else _mean(one, other)

        found = zip(pairs, workers.map(difference, pairs), strict=True)
        return Compared(
            found={pair: each for pair, each in found if each is not None},
            unread=frozenset(place for place in needed if samples[paths[place]] is None),
        )


def _mean(ones: Sequence[Sample], others: Sequence[Sample]) -> Difference:
    """The mean difference of the same frames of two videos; a picture is compared with each frame of a video."""
    number = max(len(ones), len(others))
    found = [compare(ones[at % len(ones)], others[at % len(others)]) for at in range(number)]
    return Difference(fmean(each.structure for each in found), fmean(each.colour for each in found))
