"""The database of a store: transactions, whatever keeps the tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from sqlalchemy import Connection


class Database(ABC):
    """Transactions on the tables of one store; every method may be called from any thread.

    `name` is how messages call the database: its file, or its address without secrets. `obstacle` is the reason
    why it may only be read; None if it may be written. `note` is what its users should know of it, if anything.
    """

    name: str
    obstacle: str | None
    note: str | None = None

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view of the database."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction: durable when the block ends, undone if it raises.

        On PostgreSQL, others write meanwhile: who reads a row in order to change it locks it, or lets a constraint
        decide. SQLite has one writer at a time.
        """

    def changing(self) -> AbstractContextManager[Connection]:
        """As `writing`, but each statement may be a transaction by itself, which a server is told in one message
        instead of three."""
        return self.writing()

    @abstractmethod
    def now(self) -> float:
        """Seconds since the epoch, by the clock that all who use the database share."""

    @abstractmethod
    def check_writable(self) -> None:
        """Raise StoreError if nothing can be written: the store is closed, gone, or read-only."""

    @abstractmethod
    def check_in_place(self) -> None:
        """Raise StoreError if the database is no longer the one that was opened."""

    @abstractmethod
    def is_in_place(self) -> bool:
        """Whether the database is still the one that was opened."""

    @abstractmethod
    def begin_work(self) -> None:
        """Much is written from now on, until `end_work`."""

    @abstractmethod
    def end_work(self) -> None:
        """All that was written is where a copy of the database finds it, unless other work is going on."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection; later calls raise a StoreError."""
