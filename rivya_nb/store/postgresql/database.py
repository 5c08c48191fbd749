"""Transactions on a PostgreSQL server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg.adapt import Loader
from sqlalchemy import Connection, Engine, create_engine, event, text

from rivya_nb.errors import DatabaseUnreachableError, StoreError
from rivya_nb.store import persisting, schema
from rivya_nb.store.database import Database
from rivya_nb.store.persisting import OnWait, connection_of
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql import folding, settings, words
from rivya_nb.store.postgresql import triggers as _triggers  # noqa: F401 - they are made with the tables
from rivya_nb.store.postgresql.connecting import parameters, set_up
from rivya_nb.store.postgresql.examination import examine, refuse_stranger
from rivya_nb.store.postgresql.inherited import keep_from_children
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
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            # A plan that is kept for any value is a bad one for a rare value.
            connect_args={**parameters(address), "prepare_threshold": None},
            hide_parameters=True,
        )
        event.listen(self._engine, "connect", _set_up)
        self._reader = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer = self._engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._check_usable()
        with self._begun(self._reader) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.check_writable()
        with self._begun(self._writer) as connection:
            yield connection

    @contextmanager
    def _begun(self, engine: Engine, *, once: bool = False) -> Iterator[Connection]:
        """A transaction. Whether the server answers is seen before it begins: where it does not, a call of the
        user waits for some seconds, unless it may be tried only `once`."""

        def connect() -> Connection:
            with server_trouble(self.address):
                return engine.connect()

        # A notebook may ask for several looks of what cannot be shown; only the first one waits.
        is_tired = time.monotonic() - self._gave_up < _TIRED
        patience = None if once else 0.0 if is_tired else persisting.PATIENCE
        try:
            connection = connection_of(connect, self.name, self._on_wait, patience=patience)
        except DatabaseUnreachableError:
            self._gave_up = time.monotonic()
            raise
        with server_trouble(self.address), connection, connection.begin():
            yield connection

    def now(self) -> float:
        return time.time() + self._ahead

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
            with self._begun(self._writer, once=True) as connection:
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
                now = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())::float8"))
                self._ahead = now.scalar_one() - time.time()
        self.obstacle, self.is_new = found.obstacle, found.version == 0

    def close(self) -> None:
        self._closed = True
        if os.getpid() == self._process:
            self._engine.dispose()

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


def _set_up(connection: psycopg.Connection[Any], _record: object) -> None:
    """Prepare a new connection."""
    keep_from_children(connection)
    set_up(connection)
    connection.adapters.register_loader("numeric", _PlainNumber)
    # No question takes as long as the machine code for it.
    connection.execute("SET jit = off")
    connection.commit()
