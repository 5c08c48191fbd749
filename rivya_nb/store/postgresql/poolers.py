"""Finds out whether each connection has a process of the server to itself, as the ownership of jobs needs."""

from __future__ import annotations

import secrets
import time
from typing import Any

import psycopg

from rivya_nb.errors import StoreError
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql.connecting import parameters
from rivya_nb.store.postgresql.trouble import POOLED

GRACE = 2.0
"""Seconds in which a pooler has to free what an ended connection has locked; it takes milliseconds."""

_IS_LOCKED = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s::bigint::oid AND objid = 0"
    " AND objsubid = 2)"
)


def refuse_pooler(address: ServerAddress) -> None:
    """Try what the ownership of jobs rests on: a lock stays as long as its connection, and not longer.

    Where a pooler gives a connection's place at the server to another client after each transaction, the lock
    stays there after the end of the one that took it.

    Raises:
        StoreError: it does not hold.
    """
    number = secrets.randbelow(2**31)
    with _connected(address) as watcher:
        with _connected(address) as holder:
            holder.execute("SELECT pg_advisory_lock(%s, 0)", [number])
            is_kept = _is_locked(watcher, number)
        end = time.monotonic() + GRACE
        while (is_left := _is_locked(watcher, number)) and time.monotonic() < end:
            time.sleep(0.02)
    if is_left or not is_kept:
        raise StoreError(f"{address}: {POOLED}.")


def _connected(address: ServerAddress) -> psycopg.Connection[Any]:
    return psycopg.connect(**parameters(address), autocommit=True)  # type: ignore[arg-type]


def _is_locked(watcher: psycopg.Connection[Any], number: int) -> bool:
    return bool(watcher.execute(_IS_LOCKED, [number]).fetchone()[0])  # type: ignore[index]
