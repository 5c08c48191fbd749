"""The sandbox's tasks, files and idempotency keys in one SQLite file, committed before any answer."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from rivya_nb.sandbox.tasks import Task

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL,
    params TEXT NOT NULL, refs TEXT NOT NULL, drawn_seed INTEGER NOT NULL, price INTEGER NOT NULL,
    fails INTEGER NOT NULL, created_at REAL NOT NULL, finished_at REAL NOT NULL, light REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_account ON tasks (account, finished_at, fails, price);
CREATE INDEX IF NOT EXISTS tasks_asked ON tasks (params, prompt, model, account);
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    mime_type TEXT NOT NULL, size INTEGER NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS durations (file_id TEXT PRIMARY KEY, seconds REAL NOT NULL, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS idempotency (
    account TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, task_id TEXT NOT NULL,
    created_at REAL NOT NULL, PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS charged (account TEXT PRIMARY KEY, credits INTEGER NOT NULL);
INSERT OR IGNORE INTO charged SELECT account, SUM(price) FROM tasks WHERE NOT fails GROUP BY account;
CREATE TRIGGER IF NOT EXISTS charge AFTER INSERT ON tasks WHEN NOT NEW.fails BEGIN
    INSERT INTO charged VALUES (NEW.account, NEW.price)
        ON CONFLICT (account) DO UPDATE SET credits = credits + NEW.price;
END;
"""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One uploaded file; `size` in bytes, `created_at` in seconds since the epoch.

    `seconds` is the duration of a video or audio file, and `token` stands for it; None for an image.
    """

    id: str
    account: str
    kind: str
    name: str
    mime_type: str
    size: int
    created_at: float
    seconds: float | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key, the digest of its body, and the time from which on keys are remembered."""

    key: str
    digest: str
    remembered_since: float


class ConflictError(Exception):
    """The idempotency key was used for another body."""


class NotEnoughError(Exception):
    """The credits are not enough. `left` is the balance."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


class BusyError(Exception):
    """The account has as many unfinished tasks as it may have. `free_at` is when the first of them ends."""

    def __init__(self, free_at: float) -> None:
        super().__init__(free_at)
        self.free_at = free_at


class TaskDatabase:
    """Every method is one transaction, and may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # What was committed outlives the process, though not a power failure; it costs no write to the disk.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def submit(
        self, task: Task, granted: int, max_in_flight: int | None, idempotency: Idempotency | None
    ) -> Task:
        """Store the task, or return the one that was made with this idempotency key.

        Raises:
            ConflictError: the key was used for another body.
            BusyError: `max_in_flight` tasks of the account have not ended.
            NotEnoughError: the account's balance, `granted` minus what is spent, is below the price.
        """
        with self._transaction() as connection:
            if idempotency is not None:
                earlier = self._remembered(connection, task.account, idempotency)
                if earlier is not None:
                    return earlier
            self._check_in_flight(connection, task, max_in_flight)
            left = granted - self._spent(connection, task.account, task.created_at)
            if task.price > left:
                raise NotEnoughError(left)
            row = [_as_text(each) if isinstance(each, (dict, tuple)) else each for each in astuple(task)]
            connection.execute("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            if idempotency is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)",
                    (task.account, idempotency.key, idempotency.digest, task.id, task.created_at),
                )
        return task

    def task(self, task_id: str) -> Task | None:
        with self._transaction() as connection:
            return self._task(connection, task_id)

    def times_asked(self, task: Task) -> int:
        """How many tasks of its account were made for the same request."""
        query = "SELECT COUNT(*) FROM tasks WHERE params = ? AND prompt = ? AND model = ? AND account = ?"
        with self._transaction() as connection:
            asked = (_as_text(task.params), task.prompt, task.model, task.account)
            return int(connection.execute(query, asked).fetchone()[0])

    def spent(self, account: str, now: float) -> int:
        """Credits that are reserved or charged at the time `now`; failed tasks cost nothing."""
        with self._transaction() as connection:
            return self._spent(connection, account, now)

    def add_file(self, file: StoredFile) -> None:
        with self._transaction() as connection:
            *row, seconds, token = astuple(file)
            connection.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            if token is not None:
                connection.execute("INSERT INTO durations VALUES (?, ?, ?)", (file.id, seconds, token))

    def file(self, file_id: str) -> StoredFile | None:
        query = """
            SELECT files.*, seconds, token FROM files LEFT JOIN durations ON file_id = files.id WHERE files.id = ?
        """
        with self._transaction() as connection:
            row = connection.execute(query, (file_id,)).fetchone()
        return None if row is None else StoredFile(*row)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _remembered(
        self, connection: sqlite3.Connection, account: str, idempotency: Idempotency
    ) -> Task | None:
        row = connection.execute(
            "SELECT digest, task_id FROM idempotency WHERE account = ? AND key = ? AND created_at > ?",
            (account, idempotency.key, idempotency.remembered_since),
        ).fetchone()
        if row is None:
            return None
        digest, task_id = row
        if digest != idempotency.digest:
            raise ConflictError
        return self._task(connection, task_id)

    @staticmethod
    def _check_in_flight(connection: sqlite3.Connection, task: Task, most: int | None) -> None:
        if most is None:
            return
        query = "SELECT COUNT(*), MIN(finished_at) FROM tasks WHERE account = ? AND finished_at > ?"
        count, first_end = connection.execute(query, (task.account, task.created_at)).fetchone()
        if count >= most:
            raise BusyError(first_end)

    @staticmethod
    def _task(connection: sqlite3.Connection, task_id: str) -> Task | None:
        row = connection.execute("SELECT * FROM tasks WHERE id = ?", (task_id,)).fetchone()
        if row is None:
            return None
        ident, account, model, prompt, params, references, seed, price, fails, created, finished, light = row
        return Task(
            ident, account, model, prompt, json.loads(params), tuple(json.loads(references)), seed, price,
            bool(fails), created, finished, light,
        )  # fmt: skip

    @staticmethod
    def _spent(connection: sqlite3.Connection, account: str, now: float) -> int:
        # The sum is kept by a trigger, because an account may have many tasks.
        query = """
            SELECT coalesce((SELECT credits FROM charged WHERE account = :account), 0) + (
                SELECT coalesce(sum(price), 0) FROM tasks WHERE account = :account AND fails AND finished_at > :now
            )
        """
        return int(connection.execute(query, {"account": account, "now": now}).fetchone()[0])


def _as_text(value: object) -> str:
    """JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True)
