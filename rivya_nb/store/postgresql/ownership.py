"""Which process owns a job on a server: one whose connection holds a lock with the owner's number.

The same connection tells other processes what this one has changed, and hears of what they have.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import uuid
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection, text

from rivya_nb.errors import DatabaseUnreachableError
from rivya_nb.store.news import News
from rivya_nb.store.ownership import Owner
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql.connecting import parameters, set_up
from rivya_nb.store.postgresql.inherited import keep_from_children
from rivya_nb.store.records import UNFINISHED

TURN = 0.2
"""The least seconds between two announcements of this process, and between two that it passes on."""

FIRST_PAUSE, MOST_PAUSE = 0.1, 5.0
"""Seconds before another connection is tried: at first, and at most."""

MOMENT = 2.0
"""Seconds to wait for the next connection where one was lost: where the server answers, it takes a tenth."""

PATIENCE = 10.0
"""Seconds to wait, when a store is closed, for the end of its connection; it takes milliseconds."""

_DEAD = text(
    "SELECT owner FROM unnest(CAST(:owners AS text[]), CAST(:keys AS bigint[])) AS known (owner, key)"
    " WHERE pg_try_advisory_xact_lock_shared(key)"
)

_CHANNEL = "SELECT 'rivya_nb_' || to_regclass('jobs')::oid, pg_is_in_recovery()"
"""A channel belongs to a database, which may have several stores."""

_GO_ON = "UPDATE jobs SET owner = %s WHERE owner = ANY(%s) AND status = ANY(%s)"


class SessionOwner(Owner):
    """This process as an owner of jobs: the server frees its lock when the connection ends in any way.

    When the connection is lost, a thread makes another one. This process is a new owner then, with another `id`,
    and owns what it had as far as no other process has taken it meanwhile. In a store that is `read_only` it owns
    no jobs.
    """

    def __init__(self, address: ServerAddress, *, read_only: bool = False) -> None:
        self.id = ""
        self._address = address
        self._read_only = read_only
        self._process = os.getpid()
        self._earlier: set[str] = set()
        self._news: Mapping[str, News] = {}
        self._announced: set[str] = set()
        self._is_held, self._is_closed = threading.Event(), threading.Event()
        self._bell, self._button = socket.socketpair()
        for end in (self._bell, self._button):
            end.setblocking(False)
        self._channel, self._is_copy = "", False
        self._connection = self._take()
        self._holder = threading.Thread(target=self._hold, name="rivya-owner", daemon=True)
        self._holder.start()

    def share(self, news: Mapping[str, News]) -> None:
        self._news = news
        for kind, each in news.items():
            each.announce = partial(self._announce, kind)

    def renew(self) -> None:
        if not self._is_held.wait(MOMENT):
            raise DatabaseUnreachableError(
                f"{self._address}: the connection that tells other kernels that this one lives was lost, and is "
                "being made anew; try again in a moment."
            )

    def living(self, connection: Connection, owners: Collection[str]) -> set[str]:
        if self._is_copy:
            # A standby knows nothing of the locks of the server that it follows.
            return set(owners)
        found = set(owners) - self._earlier
        others = [owner for owner in found if owner != self.id]
        if others:
            # Who only looks takes a shared lock until the transaction ends: two who look never see each other.
            dead = connection.execute(_DEAD, {"owners": others, "keys": [_key(owner) for owner in others]})
            found -= set(dead.scalars())
        return found

    def close(self) -> None:
        if os.getpid() == self._process:
            self._is_closed.set()
            self._ring()
            if threading.current_thread() is not self._holder:
                self._holder.join(PATIENCE)

    def _announce(self, kind: str) -> None:
        if os.getpid() == self._process:
            self._announced.add(kind)
            self._ring()

    def _ring(self) -> None:
        # A full buffer rings, too.
        with suppress(OSError):
            self._button.send(b"!")

    def _take(self) -> psycopg.Connection[Any]:
        """Become a new owner, by a new connection."""
        connection = psycopg.connect(**parameters(self._address), autocommit=True)  # type: ignore[arg-type]
        try:
            keep_from_children(connection)
            set_up(connection)
            owner = uuid.uuid4().hex
            connection.execute("SELECT pg_advisory_lock(%s)", [_key(owner)])
            (self._channel, self._is_copy) = connection.execute(_CHANNEL).fetchone()  # type: ignore[misc]
            if not self._is_copy:
                connection.execute(f"LISTEN {self._channel}")
            if self.id:
                self._earlier.add(self.id)
            self.id = owner
            if self._earlier and not self._read_only:
                connection.execute(_GO_ON, [owner, list(self._earlier), list(UNFINISHED)])
        except BaseException:
            connection.close()
            raise
        self._is_held.set()
        return connection

    def _hold(self) -> None:
        """Keep a connection, until this owner is closed."""
        while not self._is_closed.is_set():
            try:
                self._talk()
            except (psycopg.Error, OSError, ValueError):
                self._is_held.clear()
                self._connection.close()
                self._take_anew()
        self._connection.close()
        self._bell.close()
        self._button.close()

    def _take_anew(self) -> None:
        pause = FIRST_PAUSE
        while not self._is_closed.is_set():
            try:
                self._connection = self._take()
            except (psycopg.Error, OSError):
                self._is_closed.wait(pause)
                pause = min(2 * pause, MOST_PAUSE)
                continue
            # What was announced meanwhile was not heard.
            self._pass_on(self._news)
            return

    def _talk(self) -> None:
        """Announce what this process has changed, and pass on what others have, until it is closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection.pgconn.socket, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while not self._is_closed.is_set():
                selector.select()
                with suppress(BlockingIOError):
                    self._bell.recv(4096)
                self._say()
                self._hear()
                self._is_closed.wait(TURN)

    def _say(self) -> None:
        said, self._announced = self._announced, set()
        if said and not self._read_only:
            try:
                self._connection.execute("SELECT pg_notify(%s, %s)", [self._channel, " ".join(sorted(said))])
            except psycopg.Error:
                self._announced |= said
                raise

    def _hear(self) -> None:
        me = self._connection.info.backend_pid
        notes = [note for note in self._connection.notifies(timeout=0) if note.pid != me]
        self._pass_on({kind for note in notes for kind in note.payload.split()})

    def _pass_on(self, kinds: Iterable[str]) -> None:
        for kind in kinds:
            # A kind of a newer version may be unknown here. No listener's mistake may cost the ownership.
            with suppress(Exception):
                self._news[kind].pass_on()


def _key(owner_id: str) -> int:
    """An owner's number, which no other program uses by chance: 64 bits of the random id."""
    return int.from_bytes(bytes.fromhex(owner_id)[:8], "big", signed=True)
