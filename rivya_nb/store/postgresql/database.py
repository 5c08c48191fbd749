"""Transactions on a PostgreSQL server."""

from __future__ import annotations

import os
import selectors
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from psycopg.adapt import Loader
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError

from rivya_nb.errors import DatabaseUnreachableError, StoreError
from rivya_nb.store import persisting, schema
from rivya_nb.store.database import Database
from rivya_nb.store.persisting import OnWait, Watch, connection_of, watch
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql import folding, settings, words
from rivya_nb.store.postgresql import triggers as _triggers  # noqa: F401 - they are made with the tables
from rivya_nb.store.postgresql.connecting import parameters, set_up
from rivya_nb.store.postgresql.examination import examine, refuse_stranger
from rivya_nb.store.postgresql.inherited import keep_from_children
from rivya_nb.store.postgresql.interrupting import InterruptibleConnection
from rivya_nb.store.postgresql.poolers import refuse_pooler
from rivya_nb.store.postgresql.trouble import server_trouble
from rivya_nb.store.trouble import read_only

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

CONNECTIONS = 2
"""The most connections for transactions; one more holds the ownership of jobs."""

_TIRED = 1.0
"""Seconds after a call has waited in vain in which the next one does not wait again."""

_REPEATED = 5
"""How often a statement is planned anew before its plan is kept: to plan a change of a job, with all its indexes,
takes longer than to make it."""

_KEPT = 60.0
"""Seconds after which the plans of a connection are made anew: one for a small table is a bad one for a large one,
and a server may not notice by itself that it has grown."""


class PostgresqlDatabase(Database):
    """The database at an address. Its password comes from where libpq looks for it.

    `on_wait` hears how long a call of the user waits for the server; None if the wait is over.
    """

    def __init__(self, address: ServerAddress, on_wait: OnWait = bool) -> None:
        self.address = address
        self._on_wait = on_wait
        self._gave_up = float("-inf")
        self.name = str(address)
        self.obstacle: str | None = None
        self.is_new = False
        self._process = os.getpid()
        self._closed = False
        self._ahead = 0.0
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            pool_size=CONNECTIONS,
            max_overflow=0,
            hide_parameters=True,
        )
        event.listen(self._engine, "connect", self._set_up)
        event.listen(self._engine, "checkout", _refuse_closed)
        event.listen(self._engine, "checkin", self._close_late)
        self._reader = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer = self._engine.execution_options(isolation_level="READ COMMITTED")
        self._changer = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._check_usable()
        with server_trouble(self.address), self._connected(self._reader) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.check_writable()
        with server_trouble(self.address), self._connected(self._writer) as connection, connection.begin():
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        self.check_writable()
        with server_trouble(self.address), self._connected(self._changer) as connection:
            yield connection

    def _connected(self, engine: Engine, *, once: bool = False) -> Connection:
        """A connection. Where the server does not answer, a call of the user waits for some seconds, unless it may
        be tried only `once`."""

        def connect(*, sure: bool) -> Connection:
            with server_trouble(self.address):
                connection = engine.connect()
                try:
                    if sure and (driver := connection.connection.dbapi_connection) is not None:
                        engine.dialect.do_ping(driver)
                    self._keep_plans(connection, keeps=engine is not self._reader)
                except BaseException:
                    with connection:
                        connection.invalidate()
                    raise
                return connection

        # A notebook may ask for several looks of what cannot be shown; only the first one waits.
        is_tired = time.monotonic() - self._gave_up < _TIRED
        patience = None if once else 0.0 if is_tired else persisting.PATIENCE
        try:
            return connection_of(connect, self.name, self._on_wait, patience=patience)
        except DatabaseUnreachableError:
            self._gave_up = time.monotonic()
            raise

    @staticmethod
    def _keep_plans(connection: Connection, *, keeps: bool) -> None:
        """Let the server keep the plans of what is written again and again, by the keys of rows. What is read is
        planned each time: a plan for any value is a bad one for a rare value."""
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        driver.prepare_threshold = _REPEATED if keeps else None
        now = time.monotonic()
        if keeps and now - connection.info.setdefault("planned_since", now) > _KEPT:
            driver.execute("DISCARD PLANS", prepare=False)
            connection.info["planned_since"] = now

    def now(self) -> float:
        return _steady() + self._ahead

    def check_writable(self) -> None:
        self._check_usable()
        if self.obstacle is not None:
            raise read_only(self.obstacle)

    def check_in_place(self) -> None:
        """What the server has is checked by each transaction."""

    def is_in_place(self) -> bool:
        return True

    def begin_work(self) -> None:
        """The server writes as it is told to."""

    def end_work(self) -> None:
        """The server writes as it is told to."""

    def prepare(self) -> None:
        """Make the tables where there are none.

        Raises:
            StoreError: the server cannot be reached, or the database is not one of ours.
        """
        with server_trouble(self.address):
            # Who opens a store may have mistaken its address.
            with self._connected(self._writer, once=True) as connection, connection.begin():
                found = examine(connection, self.address)
            if found.is_behind_another:
                refuse_pooler(self.address)
            if found.obstacle is None and found.version < schema.VERSION:
                with self._writer.begin() as connection:
                    # Another kernel may be making the tables at this moment.
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.APPLICATION_ID}
                    )
                    found = examine(connection, self.address)
                    if found.version == 0:
                        schema.create(connection)
                        settings.metadata.create_all(connection)
                    elif found.version < schema.VERSION:
                        refuse_stranger(connection, self.address, found.version)
                        # It takes some 100 ms to import, and hardly any store needs it.
                        from rivya_nb.store.migrations import upgrade

                        upgrade(connection, found.version)
                    if found.version < schema.VERSION:
                        settings.keep_version(connection, schema.VERSION)
                        examine(connection, self.address)
            if found.obstacle is None:
                with self._writer.begin() as connection:
                    words.prepare_index(connection)
                    folding.fold(connection)
            with self._reader.begin() as connection:
                self.note = words.why_scanned(connection)
        self.obstacle, self.is_new = found.obstacle, found.version == 0

    def close(self) -> None:
        self._closed = True
        if os.getpid() == self._process:
            self._engine.dispose()

    def _connect(self) -> InterruptibleConnection:
        connection = InterruptibleConnection.connect(**parameters(self.address))  # type: ignore[arg-type]
        connection.watch = self._watch
        return connection

    def _watch(self) -> Watch | None:
        return watch(self._on_wait, lambda: f"{self.name} does not answer yet; this waits until it does.")

    def _set_up(self, connection: psycopg.Connection[Any], _record: object) -> None:
        """Prepare a new connection."""
        keep_from_children(connection)
        set_up(connection)
        connection.adapters.register_loader("numeric", _PlainNumber)
        # No question takes as long as the machine code for it.
        connection.execute("SET jit = off")
        now = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        assert now is not None  # noqa: S101 - one row always
        self._ahead = now[0] - _steady()
        connection.commit()

    def _close_late(self, connection: psycopg.Connection[Any] | None, _record: object) -> None:
        """Close what was in use when the others were closed."""
        if self._closed and connection is not None:
            connection.close()

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.name} is closed; open it again.")
        if os.getpid() != self._process:
            raise StoreError(
                f"The store {self.name} was opened before this process was forked; rv.connect(…) opens it here."
            )


class _PlainNumber(Loader):
    """Python's own number for PostgreSQL's `numeric`, which no column has, but which a sum of whole numbers is."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)


def _refuse_closed(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Let another connection be made in the place of one that the server has closed.

    Of one that is open, nothing is to be read between two transactions, so that the server need not be asked.
    """
    with selectors.DefaultSelector() as selector:
        if not connection.closed:
            selector.register(connection.fileno(), selectors.EVENT_READ)
        if connection.closed or selector.select(timeout=0):
            raise DisconnectionError


def _steady() -> float:
    """Seconds of a clock of this machine that nobody sets: a time of day that is put right in the middle would
    move jobs into another day of a limit, and let tombstones seem old. It goes on while the machine sleeps, where
    there is such a clock; where not, the connection is lost meanwhile, and the next one reads the server's."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
