"""Videos of plain grey frames, which say by their brightness where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from rivya_nb.sandbox.webm import webm
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.store import Store

RATE = 10
"""Frames a second."""

SIZE = (32, 24)


def film(greys: Sequence[int]) -> bytes:
    """A WebM whose frames have these greys, from 0 (black) to 255 (white); they are met to 2."""
    return webm((Image.new("RGB", SIZE, (grey,) * 3) for grey in greys), SIZE, RATE, "a film")


def film_record(store: Store, greys: Sequence[int]) -> PictureRecord:
    """Such a video in a store."""
    data = film(greys)
    sha256 = store.files.put(data, "video/webm")
    return PictureRecord(sha256, "video/webm", *SIZE, len(data), len(greys) / RATE)
