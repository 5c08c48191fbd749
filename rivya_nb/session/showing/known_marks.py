"""The marks of a run that works, for who shows it again and again: it does not wait for a store that is silent."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from rivya_nb.errors import StoreError
from rivya_nb.store.persisting import SILENT

if TYPE_CHECKING:
    from rivya_nb.store.records import Marks


class KnownMarks:
    """The marks that `read` gives, by job id; those that it gave last where it takes long, or fails."""

    def __init__(self, read: Callable[[list[str]], Mapping[str, Marks]]) -> None:
        self._read = read
        self._known: Mapping[str, Marks] = {}
        self._reading: Future[Mapping[str, Marks]] | None = None

    def soon(self, job_ids: list[str]) -> Mapping[str, Marks]:
        """The marks on the pictures of these jobs, within a second."""
        reading = self._reading
        if reading is None:
            reading = self._reading = Future()
            threading.Thread(target=self._fulfil, args=(reading, job_ids), daemon=True).start()
        try:
            self._known = reading.result(SILENT)
        except concurrent.futures.TimeoutError:
            # The next one asks whether it has come by then.
            return self._known
        except StoreError:
            pass
        self._reading = None
        return self._known

    def _fulfil(self, reading: Future[Mapping[str, Marks]], job_ids: list[str]) -> None:
        try:
            reading.set_result(self._read(job_ids))
        except BaseException as error:
            reading.set_exception(error)
