"""The commands of `rivya-nb` that treat a store as a whole: `backup`, `check` and `move`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from rivya_nb.store.places import StorePlace

_PLACE = "a folder, or postgresql://host/database"
STORE_HELP = f"the store: {_PLACE}; default: RIVYA_STORE, else the user's own folder"


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add these commands to the parser's."""
    backup = commands.add_parser(
        "backup",
        help="copy the history and its pictures to a new folder, while kernels use them",
        description="Copies a store to a new folder, which appears whole. Kernels may go on using the store.",
    )
    backup.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder")
    backup.add_argument("--store", help=STORE_HELP)
    backup.set_defaults(command=_backup)

    check = commands.add_parser(
        "check",
        help="see whether all rows and files of a store are as they should be",
        description="Reads a store as a whole: whether every picture's file is there and unchanged, whether a "
        "file belongs to nothing, whether a job is there twice, and whether sums and what is kept twice agree "
        "with the rows. Kernels may go on using the store; nothing is changed.",
        epilog="Exit codes: 0 all is as it should be; 1 it is not, or cannot be read.",
    )
    check.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    check.set_defaults(command=_check)

    move = commands.add_parser(
        "move",
        help="copy a store with its pictures between folders and PostgreSQL servers",
        description="Copies a store with its pictures to another place, which is empty, and compares all of it. "
        "FROM is left as it was; no kernel may work on it meanwhile. A move that ends in the middle goes on when "
        "the same command is called again; a store is at the new place only when all of it is there.",
        epilog="Exit codes: 0 everything is there; 1 it is not, or some files of FROM are missing or damaged.",
    )
    move.add_argument("source", metavar="FROM", help=_PLACE)
    move.add_argument("target", metavar="TO", help="a new folder, or an empty database")
    move.add_argument(
        "--pictures",
        metavar="ADDRESS",
        help="where TO is to keep its pictures: s3://…, gs://…, az://… or file://…; default: its own folder (a "
        "store on a server has none, and needs the address), or RIVYA_PICTURES where TO is RIVYA_STORE",
    )
    move.set_defaults(command=_move)


def _backup(options: argparse.Namespace) -> int:
    from rivya_nb.contract.text import count
    from rivya_nb.store.backup import back_up
    from rivya_nb.store.environment import store_place
    from rivya_nb.store.mounts import shared_mount

    place, say = store_place(options.store), _Progress("files").say
    made = back_up(place, options.folder.expanduser(), say, _pictures_of(place))
    files = count(made.files, "file")
    print(
        f"{count(made.runs, 'run')} and {files} of pictures and references, {made.size / 1e6:,.1f} MB, "
        f"are in {made.folder}."
    )
    if shared_mount(made.folder):
        print(
            f"`rivya-nb move {made.folder} FOLDER` brings it to a disk of a machine, where it can be opened."
        )
    else:
        shown = repr(str(made.folder))
        print(f"rv.connect(store={shown}) opens it, and so does RIVYA_STORE in the environment.")
    if made.missing:
        missing = count(made.missing, "file")
        print(f"{missing} of the history are missing from the store or damaged, and not in the backup.")
    return 0


def _check(options: argparse.Namespace) -> int:
    from rivya_nb.contract.text import count, printable
    from rivya_nb.store.checking.check import check
    from rivya_nb.store.environment import store_place

    place = store_place(options.store)
    found = 0
    # Findings alone are on stdout.
    for finding in check(place, _pictures_of(place), _Progress(file=sys.stderr).tell):
        found += 1
        print(printable(str(finding)), flush=True)
    outcome = f"{count(found, 'finding')}; nothing was changed" if found else "all is as it should be"
    print(f"{place}: {outcome}.")
    return 1 if found else 0


def _move(options: argparse.Namespace) -> int:
    from rivya_nb.contract.text import count
    from rivya_nb.store.moving.move import move
    from rivya_nb.store.places import read_place

    source, target = read_place(options.source), read_place(options.target)
    moved = move(
        source,
        target,
        _Progress().tell,
        source_pictures=_pictures_of(source),
        target_pictures=options.pictures or _pictures_of(target),
    )
    files = count(moved.files, "file")
    print(
        f"{count(moved.jobs, 'job')} in {count(moved.runs, 'run')} and {files} of pictures and references are in "
        f"{target}, and every row was compared. {source} is as it was.\n"
        f"rv.connect(store={str(target)!r}) opens the new one, and so does RIVYA_STORE in the environment."
    )
    if moved.missing:
        missing = count(moved.missing, "file")
        print(f"{missing} of the history are missing from {source} or damaged, and were not moved.")
    return 1 if moved.missing else 0


def _pictures_of(place: StorePlace) -> str | None:
    """Where a store keeps its pictures, as far as the environment says it: that is about one store."""
    from rivya_nb.store.environment import pictures_address, store_place

    return pictures_address(place) if place == store_place(None) else None


class _Progress:
    """Prints once a second how much is done."""

    def __init__(self, what: str = "", file: TextIO | None = None) -> None:
        self._what = what
        self._file = file
        self._said = time.monotonic()

    def say(self, done: int, total: int) -> None:
        self.tell(done, total, self._what)

    def tell(self, done: int, total: int, what: str) -> None:
        if time.monotonic() - self._said > 1:
            self._said = time.monotonic()
            print(f"{done:,} of {total:,} {what}", file=self._file, flush=True)
