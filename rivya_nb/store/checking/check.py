"""Checks a store as a whole; kernels may go on using it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rivya_nb.store.checking.files import named_files, orphans
from rivya_nb.store.checking.findings import Finding, some
from rivya_nb.store.checking.rows import CHECKS
from rivya_nb.store.moving.ends import opened_store
from rivya_nb.store.places import StorePlace


def check(
    place: StorePlace, pictures: str | None, progress: Callable[[int, int, str], None]
) -> Iterator[Finding]:
    """Everything in a store that is not as it should be; `pictures` is the address of its files.

    `progress` is called from time to time with what is done, what there is, and what these are.

    Raises:
        UsageError: the address of the pictures cannot be used.
        StoreError: there is no store, or it cannot be read.
    """
    with opened_store(place, pictures) as store:
        with store.database.reading() as connection:
            for number, each in enumerate(CHECKS):
                progress(number, len(CHECKS), "checks of the rows")
                yield from some(each(connection))
        yield from some(
            named_files(store.database, store.files, lambda done, total: progress(done, total, "files"))
        )
        yield from some(orphans(store.database, store.files))
