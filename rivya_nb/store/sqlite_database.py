"""Transactions on one SQLite file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from filelock import FileLock
from sqlalchemy import URL, Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rivya_nb.contract.text import HALF, short_repr
from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store import schema
from rivya_nb.store import sqlite_triggers as _triggers  # noqa: F401 - they are made with the tables
from rivya_nb.store.database import Database
from rivya_nb.store.forks import FORKS
from rivya_nb.store.presence import Presence
from rivya_nb.store.prompt_index import can_index, has_index, prepare_index
from rivya_nb.store.sqlite_version import is_made, is_signed, sign, version_of
from rivya_nb.store.trouble import database_trouble, disk_trouble, read_only

BUSY_SECONDS = 30
"""Seconds that a transaction waits for that of another process."""

_CACHE_KIB = 64 * 1024
"""Memory that a connection may use as cache: enough for the indexes of 100,000 jobs."""

CHECKPOINT_SECONDS = 0.5
"""Seconds for which the last checkpoint of a piece of work is tried while others read or write."""

_PAUSE = 0.02

_WRITES = "rivya_nb_writes"


class SqliteDatabase(Database):
    """The transactions of one file.

    SQLite writes to a file beside the database first (`-wal`). After each transaction its content is moved
    into the database's own file, so that a copy of that file is complete. During work that writes often, this
    is done once at its end (`begin_work`, `end_work`).
    """

    def __init__(self, path: Path, obstacle: str | None = None, *, is_shared: bool = False) -> None:
        """`is_shared`: other machines may write the file, and share no memory with this one."""
        self.path = path
        self._is_shared = is_shared
        self.name = str(path)
        self.obstacle = obstacle
        self._beside = [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm")]
        self._process = os.getpid()
        self._closed = False
        self._own = self.presence = Presence()
        self._work = 0
        self._counting = threading.Lock()
        self._turn = threading.Lock()
        self._may_create = True
        self._keeper: sqlite3.Connection | None = None
        self._keeping = threading.Lock()
        self._copy: TemporaryDirectory[str] | None = None
        # A read-only file is opened for each transaction: another process may begin or end writing it.
        pool = {} if obstacle is None else {"poolclass": NullPool}
        url = URL.create("sqlite", database=str(path))
        self._engine = create_engine(url, creator=self._connect, **pool)
        event.listen(self._engine, "connect", _prepare_connection)
        event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(**{_WRITES: True})

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._check_usable()
        with self._trouble(), self._engine.connect() as connection:
            self.check_in_place()
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.check_writable()
        with self._trouble(), self._one_writer(), self._writer.begin() as connection:
            yield connection
        # Checked again: if the file was moved meanwhile, what was written is lost.
        self.check_in_place()
        if not self._work:
            self._checkpoint()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let the threads of this process write one after the other: SQLite would let each sleep for up to 0.1 s
        before it looks again."""
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise sqlite3.OperationalError("database is locked")
        try:
            yield
        finally:
            self._turn.release()

    def check_writable(self) -> None:
        self._check_usable()
        if self.obstacle is not None:
            raise read_only(self.obstacle)
        self.check_in_place()

    def now(self) -> float:
        return time.time()

    def is_in_place(self) -> bool:
        return self.presence.holds

    def begin_work(self) -> None:
        """Leave what is written from now on in the file beside the database, until `end_work`."""
        with self._counting:
            self._work += 1

    def end_work(self) -> None:
        """Move it into the database's own file, unless other work is going on. Waits half a second for
        others."""
        with self._counting:
            self._work -= 1
        deadline = time.monotonic() + CHECKPOINT_SECONDS
        while not self._work and not self._checkpoint() and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def _checkpoint(self) -> bool:
        """Move what was written into the database's own file, without waiting; True if all was moved.

        The data are durable without it: after an error, the next checkpoint does the work.
        """
        with FORKS.held_off(), self._keeping, suppress(sqlite3.Error):
            if self._keeper is None:
                return True
            _, written, done = self._keeper.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return bool(written == done)
        return False

    def check_in_place(self) -> None:
        try:
            self.presence.check()
        except StoreError:
            self._leave_whole()
            raise

    def _leave_whole(self) -> None:
        """Move the log into the opened file, wherever that file is now: another file in its place would take
        the log as its own, and be damaged by it.

        It is not done if only the log is gone: another process may have begun a new one.
        """
        if self.presence.holds or not self._own.holds:
            self._checkpoint()

    def prepare(self, lock: Path) -> None:
        """Make the tables where there are none, and upgrade those of an earlier version.

        `lock` is the file that holds other processes back meanwhile.
        What may only be read stays as it is: a copy of it is completed and read, where need be.

        Raises:
            StoreError: the database is newer than this code, of an earlier development state, not one of ours, or
                damaged; it is untouched.
        """
        self._refuse_foreign()
        if self.obstacle is not None:
            self._prepare_reading()
            return
        if not self._is_ready():
            with FileLock(lock, timeout=BUSY_SECONDS):
                self._write_ahead()
                with self.writing() as connection:
                    # Read again: whoever held the lock before may have done it all.
                    if not self._is_made(connection):
                        schema.create(connection)
                    elif (version := version_of(_driver(connection))) < schema.VERSION:
                        # It takes some 100 ms to import, and hardly any store needs it.
                        from rivya_nb.store.migrations import upgrade

                        upgrade(connection, version)
                    if version_of(_driver(connection)) < schema.VERSION:
                        sign(connection)
                    self._is_made(connection)
                    prepare_index(connection)
        self._may_create = False
        # One connection stays open: when the last one closes, SQLite deletes the log.
        with FORKS.held_off():
            self._keeper = self._connect(timeout=0)
        self._checkpoint()
        self._own = Presence([self.path])
        self.presence = Presence([self.path, *self._beside])

    def _is_ready(self) -> bool:
        with self.reading() as connection:
            is_made = self._is_made(connection) and version_of(_driver(connection)) >= schema.VERSION
            return is_made and (has_index(connection) or not can_index(connection))

    def _prepare_reading(self) -> None:
        log, index = self._beside
        # Only a process with write access can create the missing index of the log; another machine's is of no use.
        is_cut_off = self._has_log() and (self._is_shared or not index.exists())
        if not is_cut_off:
            with self.reading() as connection:
                if self._is_made(connection):
                    return
        self._copy = TemporaryDirectory(prefix="rivya_nb-", ignore_cleanup_errors=True)
        copy = SqliteDatabase(Path(self._copy.name, self.path.name))
        with disk_trouble(copy.path), closing(copy):
            for path in filter(Path.exists, (self.path, log)):
                shutil.copyfile(path, copy.path.with_name(path.name))
            copy.prepare(copy.path.with_name("opening.lock"))

    def copy_to(self, target: Path) -> None:
        """Write a consistent copy to a new file; others may write meanwhile.

        Raises:
            StoreError: the database is newer than this code, of an earlier development state, not one of ours,
                or damaged; or the disk refuses.
        """
        self._refuse_foreign()
        with self.reading() as connection:
            self._is_made(connection)
        with self._trouble(), closing(self._connect()) as source:
            try:
                with closing(sqlite3.connect(target)) as copy:
                    source.backup(copy)
            except sqlite3.Error as error:
                raise database_trouble(target, str(error)) from error

    def close(self) -> None:
        if os.getpid() != self._process:
            # In a forked process the connections belong to the parent: closing them would release the
            # parent's locks.
            return
        self._leave_whole()
        self._closed = True
        with FORKS.held_off(), self._keeping:
            if self._keeper is not None:
                self._keeper.close()
            self._keeper = None
            self._engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    def _connect(self, timeout: float | None = None) -> sqlite3.Connection:
        """A new connection; never to another file that has taken the place of the opened one."""
        self.check_in_place()
        path = self.path if self._copy is None else Path(self._copy.name, self.path.name)
        if self.obstacle is None:
            access = "mode=rwc" if self._may_create else "mode=rw"
        elif self._copy is None and not self._is_shared and all(path.exists() for path in self._beside):
            # Another process may have it open: what it has written is read, too.
            access = "mode=ro&readonly_shm=1"
        else:
            # No process has it open, so it is complete, and needs no locks.
            access = "immutable=1"
        return sqlite3.connect(
            f"{path.as_uri()}?{access}",
            uri=True,
            timeout=BUSY_SECONDS if timeout is None else timeout,
            check_same_thread=False,
        )

    def _is_made(self, connection: Connection) -> bool:
        return is_made(self.path, _driver(connection), may_upgrade=self.obstacle is None)

    def _refuse_foreign(self) -> None:
        """Raises StoreError for a database that is none of ours, before anything could write to it: even a
        connection that only reads makes files beside a database, and takes its log away when it is closed."""
        if not self.path.exists():
            return
        address = f"{self.path.as_uri()}?immutable=1"
        # Whatever cannot be read is told by the connection that is opened next.
        with (
            suppress(sqlite3.Error, UnicodeDecodeError),
            FORKS.held_off(),
            closing(sqlite3.connect(address, uri=True)) as connection,
        ):
            if is_signed(connection) and not self._has_log():
                # To look at all tables takes as long as the rest: the next connection does it, and harms nothing.
                return
            is_made(self.path, connection, may_upgrade=self.obstacle is None)

    def _has_log(self) -> bool:
        log, _ = self._beside
        return log.exists() and log.stat().st_size > 0

    def _write_ahead(self) -> None:
        # Readers and a writer do not wait for each other in this mode. The file keeps it. It cannot be set
        # within a transaction, which connections of the engine begin.
        with self._trouble(), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA journal_mode = WAL")

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.path.parent} is closed; open it again.")
        if os.getpid() != self._process:
            # A forked process has neither the connections nor the ownership of jobs of its parent.
            raise StoreError(
                f"The store {self.path.parent} was opened before this process was forked; rv.connect(…) opens it "
                "here."
            )
        if FORKS.is_torn:
            raise StoreError(
                "This process was forked in the middle of a transaction, and SQLite cannot be used in it. Start "
                'it with subprocess, or with the method "spawn" of multiprocessing.'
            )

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            with FORKS.held_off():
                yield
        except UnicodeEncodeError as error:
            # Every text of a user is stored here in the end, among them panel names and search words.
            half = f"{short_repr(error.object)}: {HALF}"
        except UnicodeDecodeError as error:
            # The words of SQLite's own error have bytes of the damaged file.
            raise database_trouble(self.path, "malformed") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            # If the file is gone, that explains more than SQLite's error.
            self.check_in_place()
            said = error.orig if isinstance(error, DBAPIError) else error
            raise database_trouble(self.path, str(said)) from error
        else:
            return
        raise UsageError(half)


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    # Otherwise the driver begins transactions; here `_begin` does.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _begin(connection: Connection) -> None:
    # A writer locks at once: if it read first, SQLite would refuse the later write.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
