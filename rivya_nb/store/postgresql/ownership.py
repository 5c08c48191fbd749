"""Which process owns a job on a server: one whose connection holds a lock with the owner's number."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, text

from rivya_nb.store.ownership import Owner
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql.connecting import parameters

_DEAD = text(
    "SELECT owner FROM unnest(CAST(:owners AS text[]), CAST(:keys AS bigint[])) AS known (owner, key)"
    " WHERE pg_try_advisory_xact_lock_shared(key)"
)


class SessionOwner(Owner):
    """This process as an owner of jobs: the server frees its lock when the connection ends in any way."""

    def __init__(self, address: ServerAddress) -> None:
        self.id = uuid.uuid4().hex
        self._process = os.getpid()
        self._connection = psycopg.connect(make_conninfo(**parameters(address)), autocommit=True)
        self._connection.execute("SELECT pg_advisory_lock(%s)", [_key(self.id)])

    def renew(self) -> None:
        """The lock is held as long as the connection is."""

    def living(self, connection: Connection, owners: Collection[str]) -> set[str]:
        others = [owner for owner in owners if owner != self.id]
        found = set(owners)
        if others:
            # Who only looks takes a shared lock until the transaction ends: two who look never see each other.
            dead = connection.execute(_DEAD, {"owners": others, "keys": [_key(owner) for owner in others]})
            found -= set(dead.scalars())
        return found

    def close(self) -> None:
        if os.getpid() == self._process:
            self._connection.close()


def _key(owner_id: str) -> int:
    """An owner's number, which no other program uses by chance: 64 bits of the random id."""
    return int.from_bytes(bytes.fromhex(owner_id)[:8], "big", signed=True)
