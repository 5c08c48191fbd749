"""Opens the files of a store, where they are."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.picture_places import PicturesPlace
from rivya_nb.store.trouble import disk_trouble


def open_files(place: PicturesPlace, database: Database) -> ContentFiles:
    """The files of pictures and references in a folder, which is made if only it is missing, or in a bucket.

    Raises:
        UsageError: the bucket's address or credentials cannot be used, or a package for it is missing.
        StoreError: the folder cannot be used.
    """
    if isinstance(place, Path):
        with disk_trouble(place):
            place.mkdir(exist_ok=True)
        return ContentFiles(place, database.obstacle)
    # Only here: a store in a folder needs nothing of it.
    from rivya_nb.store import tombstones
    from rivya_nb.store.bucket import Bucket
    from rivya_nb.store.bucket_files import BucketFiles

    return BucketFiles(Bucket(place), partial(tombstones.spare, database), database.obstacle)
