"""Moving a store of 100,000 jobs, or of a million, from a folder to PostgreSQL and back.

    python benchmarks/moving.py [jobs] [folder or postgresql://host/database ...]

The store is moved from each place to the next; the first is filled as `benchmarks/store.py` does it, unless there
is a store. Without places: from one temporary folder to another. Pictures have no files: what a disk or a bucket
needs for them is its own. The aim is a million jobs in minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise

from store import WRITTEN, fill, multiply

from rivya_nb.store.moving import move as moving
from rivya_nb.store.places import StorePlace, read_place
from rivya_nb.store.store import Store


def make(place: StorePlace, jobs: int) -> None:
    with closing(Store.open(place)) as store:
        if store.runs.count():
            return
        fill(store, jobs, 5)
        if jobs > WRITTEN:
            multiply(store, -(-jobs // WRITTEN))


def main(jobs: int, places: list[StorePlace]) -> None:
    make(places[0], jobs)
    for source, target in pairwise(places):
        started = time.perf_counter()
        moved = moving.move(source, target, lambda *_: None)
        print(
            f"{moved.jobs:,} jobs: {time.perf_counter() - started:,.1f} s from {source} to {target}",
            flush=True,
        )


if __name__ == "__main__":
    # The pictures have no files, and a move of none at all is refused.
    moving._copy_files = lambda *_: 0
    with tempfile.TemporaryDirectory() as temporary:
        given = sys.argv[2:] or [f"{temporary}/one", f"{temporary}/two"]
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, [read_place(each) for each in given])
