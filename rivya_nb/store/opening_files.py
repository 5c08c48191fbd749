"""Opens the files of a store, where they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from rivya_nb.store import tombstones
from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles, write_whole
from rivya_nb.store.picture_places import PicturesPlace, read_pictures, spelled
from rivya_nb.store.trouble import disk_trouble

_NOTE = "pictures.address"
"""The file in a store's folder that says where its pictures are, if they are not in that folder."""


def place_of(folder: Path, given: str | None) -> PicturesPlace:
    """Where the pictures of a store in a folder are: where they have been, and else in the given place.

    A store that was opened elsewhere once would take all its pictures for lost, and buy them again.
    """
    with disk_trouble(folder):
        try:
            return read_pictures((folder / _NOTE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        has_some = next((folder / "pictures").glob("*/*"), None) is not None
    return read_pictures(given) if given and not has_some else folder


def open_folder_files(
    folder: Path, given: str | None, database: Database, obstacle: str | None
) -> ContentFiles:
    """The files of a store in a folder, which notes where they are; `obstacle` is the reason why it may only be
    read. The errors are those of `open_files`."""
    place = place_of(folder, given)
    files = open_files(place, obstacle, partial(tombstones.spare, database))
    if obstacle is None and place != folder and not (folder / _NOTE).exists():
        write_whole(folder / _NOTE, spelled(place).encode())
    return files


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
