"""Transactions on a PostgreSQL server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rivya_nb.contract.text import HALF, short_repr
from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store import schema
from rivya_nb.store.database import Database
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql import triggers as _triggers  # noqa: F401 - they are made with the tables
from rivya_nb.store.postgresql import words

CONNECTIONS = 2
"""The most connections for transactions; one more holds the ownership of jobs."""


class PostgresqlDatabase(Database):
    """The database at an address. Its password comes from where libpq looks for it."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.name = str(address)
        self.obstacle: str | None = None
        self._process = os.getpid()
        self._closed = False
        self._ahead = 0.0
        self._engine = create_engine(
            "postgresql+psycopg://",
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            # A plan that is kept for any value is a bad one for a rare value.
            connect_args={"application_name": "rivya_nb", "prepare_threshold": None, **address.parameters},
        )
        event.listen(self._engine, "connect", _set_up)
        self._reader = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer = self._engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._check_usable()
        with self._trouble(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.check_writable()
        with self._trouble(), self._writer.begin() as connection:
            yield connection

    def now(self) -> float:
        return time.time() + self._ahead

    def check_writable(self) -> None:
        self._check_usable()

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
        with self._trouble(), self._writer.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.APPLICATION_ID})
            if not inspect(connection).has_table("jobs"):
                schema.create(connection)
            words.prepare_index(connection)
            said = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())::float8"))
            self._ahead = said.scalar_one() - time.time()

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

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            # Every text of a user is stored here in the end, among them panel names and search words.
            raise UsageError(f"{short_repr(error.object)}: {HALF}") from None
        except SQLAlchemyError as error:
            said = error.orig if isinstance(error, DBAPIError) else error
            raise StoreError(f"{self.name}: the database refused ({said}).") from error


def _set_up(connection: Any, _: object) -> None:
    """Prepare a new connection: no question takes as long as the machine code for it."""
    connection.execute("SET jit = off")
    connection.commit()
