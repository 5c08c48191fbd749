"""Imports in other threads than the main one.

A process that is forked during an import has half a module, and a lock of it that nobody releases: it would wait
for ever. So a fork waits for what is imported here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

_lock = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@contextmanager
def imported(*names: str) -> Iterator[None]:
    """Import modules, as far as they are there; also within the block no process is forked."""
    with _lock:
        for name in names:
            with suppress(ImportError):
                import_module(name)
        yield
