"""Opens the files of a store, where they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from rivya_nb.store.files import ContentFiles
from rivya_nb.store.picture_places import PicturesPlace
from rivya_nb.store.trouble import disk_trouble


def open_files(
    place: PicturesPlace, obstacle: str | None, spare: Callable[[Collection[str]], None]
) -> ContentFiles:
    """The files of pictures and references in a folder, which is made if only it is missing, or in a bucket.

    `obstacle` is the reason why they may only be read; `spare` keeps deleted contents from being swept away.

    Raises:
        UsageError: the bucket's address or credentials cannot be used, or a package for it is missing.
        StoreError: the folder cannot be used.
    """
    if isinstance(place, Path):
        with disk_trouble(place):
            place.mkdir(exist_ok=True)
        return ContentFiles(place, obstacle)
    # Only here: a store in a folder needs nothing of it.
    from rivya_nb.store.bucket import Bucket
    from rivya_nb.store.bucket_files import BucketFiles

    return BucketFiles(Bucket(place), spare, obstacle)
