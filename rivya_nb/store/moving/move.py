"""Moves a store: its rows, then its files, and only then is it a store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rivya_nb.errors import StoreError
from rivya_nb.store.backup import named_contents
from rivya_nb.store.moving import target as targets
from rivya_nb.store.moving.ends import End, opened_store, put_in_place, target_end
from rivya_nb.store.moving.rows import copy_rows
from rivya_nb.store.picture_places import PicturesPlace, read_pictures
from rivya_nb.store.places import StorePlace
from rivya_nb.store.schema import jobs, runs
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble

_AT_ONCE = 8
"""Files that are copied at the same time."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Moved:
    """What a move has copied: numbers of runs, jobs and files. `missing` counts the files of the history that are
    gone from the source or damaged."""

    runs: int
    jobs: int
    files: int
    missing: int


def move(
    source: StorePlace,
    target: StorePlace,
    progress: Progress,
    *,
    source_pictures: str | None = None,
    target_pictures: str | None = None,
) -> Moved:
    """Copy the store at one place to another, which is empty, or into which the same move was begun. The source
    is left as it was.

    The addresses of the pictures are as `Store.open` takes them: a store that knows where its pictures are needs
    none. `progress` is called from time to time with what is done, what there is, and what these are (`rows`,
    `files`).

    Raises:
        UsageError: an address of pictures cannot be used.
        StoreError: there is no store, somebody works on it, the target is not empty, or what was written into it
            is not what the source has. What was copied so far stays, and the same call goes on with it.
    """
    _check_apart(source, target)
    with opened_store(source, source_pictures) as given:
        given.check_idle()
        if target_pictures:
            # Before the target keeps it.
            _check_own_pictures(given, read_pictures(target_pictures))
        with target_end(target, target_pictures) as made, given.database.reading() as connection:
            with made.database.writing() as writer:
                targets.begin(writer, str(source), str(target))
            counts = copy_rows(connection, made.database, lambda done, total: progress(done, total, "rows"))
            contents = named_contents(connection)
            missing = _copy_files(given, made, contents, progress)
            # Whoever began to work on the source meanwhile would go on with what is not moved.
            given.check_idle()
            with made.database.writing() as writer:
                targets.finish(writer)
        if isinstance(target, Path):
            put_in_place(target)
    return Moved(counts[runs.name], counts[jobs.name], len(contents) - missing, missing)


def _copy_files(source: End, target: End, contents: list[tuple[str, str]], progress: Progress) -> int:
    """Copy the files that the target does not have; the number of those that the source does not have whole."""
    # Lists of models, and tables of prompts that were dropped on a panel.
    for kept in ("models", "tables"):
        if (source.folder / kept).is_dir():
            ignored = shutil.ignore_patterns("*.part")
            with disk_trouble(target.folder / kept, ANOTHER_PLACE):
                shutil.copytree(
                    source.folder / kept, target.folder / kept, dirs_exist_ok=True, ignore=ignored
                )

    def copy(content: tuple[str, str]) -> bool:
        return target.files.size(*content) is not None or target.files.copy(source.files, *content)

    missing = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, is_there in enumerate(pool.map(copy, contents), 1):
            missing += not is_there
            progress(number, len(contents), "files")
    if missing and missing == len(contents):
        raise StoreError(
            f"None of the {missing:,} files of pictures and references of {source.place} is in "
            f"{source.files.place}, where it keeps them; put them back there. The rows are copied, and the same "
            "call goes on."
        )
    return missing


def _check_own_pictures(source: End, target: PicturesPlace) -> None:
    named = str(target.resolve() if isinstance(target, Path) else target)
    if named in (source.files.place, os.path.realpath(source.files.place)):
        raise StoreError(
            f"{source.place} keeps its pictures in {source.files.place}, and a new store needs a place of its "
            "own: what is deleted in one of the two would be gone from the other. Name another with --pictures."
        )


def _check_apart(source: StorePlace, target: StorePlace) -> None:
    if source == target:
        raise StoreError(f"{source} cannot be moved to itself.")
    if isinstance(source, Path) and isinstance(target, Path) and source.resolve() in target.resolve().parents:
        raise StoreError(f"{target} is inside the store itself ({source}); name a folder outside it.")
