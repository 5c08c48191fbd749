"""The services' lists of models as they were last fetched: one file for each service, with its time.

If a file is missing, damaged or of another service, the bundled catalogue is used alone. So nothing here can
prevent a plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from rivya_nb.contract.catalogue import Catalogue, bundled
from rivya_nb.contract.live_models import merge
from rivya_nb.store.files import write_whole
from rivya_nb.store.trouble import ANOTHER_STORE, disk_trouble

DAY = 24 * 3600.0
"""Seconds after which a list should be fetched again."""

_MOST_BYTES = 32_000_000

_Stamp = tuple[int, int]


class ModelLists:
    """The lists in one folder. Every method may be called from any thread and process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[_Stamp, Catalogue]] = {}

    def catalogue(self, service: str) -> Catalogue:
        """The bundled models merged with the service's last list, also if another process has fetched it."""
        path = self._path(service)
        try:
            about = path.stat()
        except OSError:
            return bundled()
        stamp = (about.st_mtime_ns, about.st_size)
        known = self._read.get(service)
        if known is None or known[0] != stamp:
            # Also if nothing could be read: it is not read again before the file changes.
            known = self._read[service] = (stamp, _read(path, service, about.st_size))
        return known[1]

    def is_old(self, service: str, now: float) -> bool:
        """True if there is no list, or one of more than a day; or of the future, by a wrong clock."""
        fetched_at = self.catalogue(service).fetched_at
        return fetched_at is None or not 0 <= now - fetched_at <= DAY

    def keep(self, service: str, entries: Sequence[object], now: float) -> None:
        """Write a list down, fetched at `now` (epoch seconds); it appears at once and whole, or not at all.

        It is read here, too, which takes a while: call this off the event loop.

        Raises:
            StoreError: the disk refuses.
        """
        path = self._path(service)
        text = json.dumps({"service": service, "fetched_at": now, "models": list(entries)})
        with disk_trouble(path):
            self._folder.mkdir(exist_ok=True)
        write_whole(path, text.encode(), ANOTHER_STORE)
        self.catalogue(service)

    def _path(self, service: str) -> Path:
        return self._folder / f"{re.sub(r'[^a-z0-9.-]+', '_', service.lower())}.json"


def _read(path: Path, service: str, size: int) -> Catalogue:
    try:
        record = json.loads(path.read_bytes()) if size <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return bundled()
    if not isinstance(record, dict) or record.get("service") != service:
        return bundled()
    entries, fetched_at = record.get("models"), record.get("fetched_at")
    if not isinstance(entries, list) or isinstance(fetched_at, bool):
        return bundled()
    return merge(bundled(), entries, fetched_at) if isinstance(fetched_at, (int, float)) else bundled()
