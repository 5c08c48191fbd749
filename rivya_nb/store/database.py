"""The database: connections, transactions and its version. The only place that knows it is SQLite."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import URL, Connection, create_engine, event, inspect, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rivya_nb.contract.text import HALF
from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store import schema
from rivya_nb.store.migrations import migrate
from rivya_nb.store.trouble import database_trouble
from rivya_nb.store.words import can_index, has_index, prepare_index

BUSY_SECONDS = 30
"""How long a transaction waits for that of another process."""

_CACHE_KIB = 64 * 1024
"""Memory that a connection may keep of the database, as far as it has read it: the indexes of 100,000 jobs."""

_WRITES = "rivya_nb_writes"


class Database:
    """Transactions on one SQLite file; every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = os.getpid()
        self._closed = False
        url = URL.create("sqlite", database=str(path))
        self._engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(self._engine, "connect", _prepare_connection)
        event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(**{_WRITES: True})

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        self._check_usable()
        with self._trouble(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, durably on disk once the block is left, undone when it raises."""
        self._check_usable()
        with self._trouble(), self._writer.begin() as connection:
            yield connection

    def prepare(self, lock: Path) -> None:
        """Bring the schema up to date; `lock` is the file that holds other processes back meanwhile.

        Raises:
            StoreError: the database is newer than this code, not one of ours, or damaged; it is untouched.
        """
        if self._is_ready():
            return
        with FileLock(lock, timeout=BUSY_SECONDS):
            self._write_ahead()
            with self.writing() as connection:
                # Read again: whoever held the lock before may have done it all.
                migrate(connection, self._version(connection))
                prepare_index(connection)

    def _is_ready(self) -> bool:
        with self.reading() as connection:
            current = self._version(connection) == schema.VERSION
            return current and (has_index(connection) or not can_index(connection))

    def close(self) -> None:
        """Close every connection; later calls raise a StoreError."""
        self._closed = True
        self._engine.dispose()

    def _version(self, connection: Connection) -> int:
        inspector = inspect(connection)
        if not inspector.has_table(schema.schema_version.name):
            if inspector.get_table_names():
                raise StoreError(
                    f"{self.path} is a database of something else; name another folder with store=…."
                )
            return 0
        version: int = connection.execute(select(schema.schema_version.c.version)).scalar_one()
        if version > schema.VERSION:
            raise StoreError(
                f"{self.path} was written by a newer rivya_nb (version {version}, known here is "
                f"{schema.VERSION}); nothing was changed. Upgrade rivya-nb or use another folder (store=…)."
            )
        return version

    def _write_ahead(self) -> None:
        # Readers and a writer do not wait for each other in this mode. It is kept in the file, and cannot be
        # set within a transaction, which any connection of the engine's would begin.
        with self._trouble(), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA journal_mode = WAL")

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.path.parent} is closed; open it again.")
        if os.getpid() != self._process:
            # A forked process shares neither the connections nor the ownership of jobs with its parent.
            raise StoreError(
                f"The store {self.path.parent} was opened before this process was forked; rv.connect(…) opens it "
                "anew here."
            )

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            # Whatever a user gives comes here at last, a panel's name and a question's words among it.
            half = f"{error.object!r}: {HALF}"
        except DBAPIError as error:
            raise database_trouble(self.path, str(error.orig)) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise database_trouble(self.path, str(error)) from error
        else:
            return
        raise UsageError(half)


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions when it thinks fit; `_begin` does, when they begin.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _begin(connection: Connection) -> None:
    # A writer takes its place in the queue at once: one that had read first would be turned away.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
