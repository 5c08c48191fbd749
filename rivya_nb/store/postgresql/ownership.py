"""Which process owns a job on a server: one whose connection holds a lock with the owner's number.

The same connection tells other processes what this one has changed, and hears of what they have.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
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

TURN = 0.3
"""The least seconds between two announcements of this process, and between two that it passes on."""

FIRST_PAUSE, MOST_PAUSE = 0.1, 5.0
"""Seconds before another connection is tried: at first, and at most."""

LOOK = 0.5
"""Seconds between two looks whether owners have died that somebody has asked about: a dead one tells nobody."""

REMEMBERED = 30.0
"""Seconds for which they are looked for after somebody has asked."""

JOBS = "jobs"
"""The news of a death: its jobs are free."""

MOMENT = 2.0
"""Seconds to wait for the next connection where one was lost: where the server answers, it takes a tenth."""

PATIENCE = 10.0
"""Seconds to wait, when a store is closed, for the end of its connection; it takes milliseconds."""

_DEAD = (
    "SELECT owner FROM unnest(CAST({} AS text[]), CAST({} AS bigint[])) AS known (owner, key)"
    " WHERE pg_try_advisory_xact_lock_shared(key)"
)
_DEAD_WITHIN, _DEAD_NOW = text(_DEAD.format(":owners", ":keys")), _DEAD.format("%s", "%s")

_CHANNELS = "SELECT 'rivya_nb_' || to_regclass('jobs')::oid || '_', pg_is_in_recovery()"
"""How the channels of a store begin: they belong to a database, which may have several stores. The kind of the
news follows."""

_TELL = (
    "SELECT set_config('synchronous_commit', 'off', true), count(pg_notify(%s || kind, ''))"
    " FROM unnest(CAST(%s AS text[])) AS kind"
)
"""Whoever tells holds back all others who do, so that none of them waits for a disk: nothing is stored."""

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
        self._heard: set[str] = set()
        self._asked_about: dict[str, float] = {}
        self._looked = 0.0
        self._is_held, self._is_closed = threading.Event(), threading.Event()
        self._bell, self._button = socket.socketpair()
        for end in (self._bell, self._button):
            end.setblocking(False)
        self._channels, self._is_copy = "", False
        self._connection = self._take()
        self._holder = threading.Thread(target=self._hold, name="rivya-owner", daemon=True)
        self._holder.start()

    @property
    def hears_others(self) -> bool:
        return self._is_held.is_set() and not self._is_copy

    def share(self, news: Mapping[str, News]) -> None:
        self._news = news
        for kind, each in news.items():
            each.announce, each.attend = partial(self._announce, kind), self._ring
        self._ring()

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
            keys = [_key(owner) for owner in others]
            dead = connection.execute(_DEAD_WITHIN, {"owners": others, "keys": keys})
            found -= set(dead.scalars())
            self._look_for(found - {self.id})
        return found

    def _look_for(self, owners: Collection[str]) -> None:
        is_idle = not self._asked_about
        self._asked_about |= dict.fromkeys(owners, time.monotonic())
        if is_idle and owners:
            self._ring()

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
            (self._channels, self._is_copy) = connection.execute(_CHANNELS).fetchone()  # type: ignore[misc]
            self._heard = set()
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
            return

    def _talk(self) -> None:
        """Announce what this process has changed, and pass on what others have, until it is closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection.pgconn.socket, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while not self._is_closed.is_set():
                selector.select(LOOK if self._asked_about else None)
                with suppress(BlockingIOError):
                    self._bell.recv(4096)
                self._say()
                self._attend()
                self._hear()
                self._look_for_deaths()
                self._is_closed.wait(TURN)

    def _say(self) -> None:
        said, self._announced = self._announced, set()
        if said and not self._read_only:
            try:
                self._connection.execute(_TELL, [self._channels, sorted(said)])
            except psycopg.Error:
                self._announced |= said
                raise

    def _attend(self) -> None:
        """Listen to what somebody here wants to know, and to nothing else: each of many kernels would be woken by
        each step of each other one."""
        wanted = {kind for kind, news in self._news.items() if news.is_wanted and not self._is_copy}
        for kind in self._heard - wanted:
            self._connection.execute(f"UNLISTEN {self._channels}{kind}")
        new = wanted - self._heard
        for kind in new:
            self._connection.execute(f"LISTEN {self._channels}{kind}")
        self._heard = wanted
        # What was announced before was not heard.
        self._pass_on(new)

    def _hear(self) -> None:
        me = self._connection.info.backend_pid
        notes = [note for note in self._connection.notifies(timeout=0) if note.pid != me]
        self._pass_on({note.channel.removeprefix(self._channels) for note in notes})

    def _look_for_deaths(self) -> None:
        """Pass on that owners have died: the server tells nobody."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        # Another thread may ask meanwhile.
        for owner, asked in tuple(self._asked_about.items()):
            if now - asked > REMEMBERED:
                del self._asked_about[owner]
        owners = tuple(self._asked_about)
        if owners:
            keys = [_key(owner) for owner in owners]
            dead = self._connection.execute(_DEAD_NOW, [list(owners), keys]).fetchall()
            for (owner,) in dead:
                self._asked_about.pop(owner, None)
            if dead:
                self._pass_on([JOBS])

    def _pass_on(self, kinds: Iterable[str]) -> None:
        for kind in kinds:
            # A kind of a newer version may be unknown here. No listener's mistake may cost the ownership.
            with suppress(Exception):
                self._news[kind].pass_on()


def _key(owner_id: str) -> int:
    """An owner's number, which no other program uses by chance: 64 bits of the random id."""
    return int.from_bytes(bytes.fromhex(owner_id)[:8], "big", signed=True)
