"""The commands of `rivya-nb` that treat a store as a whole: `backup`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

_STORE = (
    "the store: a folder, or postgresql://host/database; default: RIVYA_STORE, else the user's own folder"
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add these commands to the parser's."""
    backup = commands.add_parser(
        "backup",
        help="copy the history and its pictures to a new folder, while kernels use them",
        description="Copies a store to a new folder, which appears whole. Kernels may go on using the store.",
    )
    backup.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder")
    backup.add_argument("--store", help=_STORE)
    backup.set_defaults(command=_backup)


def _backup(options: argparse.Namespace) -> int:
    from rivya_nb.calls import store_place
    from rivya_nb.contract.text import count
    from rivya_nb.store.backup import back_up

    made = back_up(store_place(options.store), options.folder.expanduser(), _Progress("files").say)
    files = count(made.files, "file")
    print(
        f"{count(made.runs, 'run')} and {files} of pictures and references, {made.size / 1e6:,.1f} MB, "
        f"are in {made.folder}.\n"
        f"rv.connect(store={str(made.folder)!r}) opens it, and so does RIVYA_STORE in the environment."
    )
    if made.missing:
        missing = count(made.missing, "file")
        print(f"{missing} of the history are missing from the store or damaged, and not in the backup.")
    return 0


class _Progress:
    """Prints once a second how much is done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = time.monotonic()

    def say(self, done: int, total: int) -> None:
        if time.monotonic() - self._said > 1:
            self._said = time.monotonic()
            print(f"{done:,} of {total:,} {self._what}", flush=True)
