"""Who works with a store: the name that runs and pictures carry. It is accounting, not security."""

from __future__ import annotations

import getpass
import os
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Connection, func, select, true

from rivya_nb.store.database import Database
from rivya_nb.store.schema import jobs, runs

LONGEST = 200
"""The most characters of a name that are kept."""

_A_SECOND = 1.0


def user_name() -> str:
    """The user's name on JupyterHub, else the login; empty where neither is known."""
    name = os.environ.get("JUPYTERHUB_USER")
    if not name:
        try:
            name = getpass.getuser()
        except (KeyError, ImportError, OSError):  # a container's user without a name, or Windows
            return ""
    return one_line(name)


def one_line(name: str) -> str:
    """A name as it is kept: the same however its accents are composed. The environment may have bytes that are no
    text."""
    whole = unicodedata.normalize("NFC", name.encode("utf-8", "backslashreplace").decode())
    return " ".join("".join(each if each.isprintable() else " " for each in whole).split())[:LONGEST]


_NAMES: tuple[tuple[ColumnElement[str], ColumnElement[bool]], ...] = (
    (runs.c.asked_by, true()),
    (jobs.c.asked_by, jobs.c.pictured),
)
"""The columns that have names, and of which rows."""


class UserBook:
    """The users of one store. `me` is who works here.

    `are_several` tells whether more than one user has asked for something, as far as is known from what was read:
    everything that shows a picture wants to know, perhaps on a thread that must not wait for a database.
    """

    def __init__(self, database: Database) -> None:
        self.me = user_name()
        self.are_several = False
        self._database = database
        self._looked = float("-inf")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read what may be shown; now and then, see whether there are several users."""
        with self._database.reading() as connection:
            now = time.monotonic()
            if not self.are_several and now > self._looked + _A_SECOND:
                self._looked = now
                self.are_several = _are_several(connection)
            yield connection

    def look_again(self) -> None:
        """See with the next reading whether there are several users: one has just asked for something."""
        self._looked = float("-inf")

    def names(self) -> list[str]:
        """The names of all who asked for something here, in their order; unknown ones are left out."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for column, some in _NAMES:
                # One look into an index for each name, however many rows have it.
                name: str | None = ""
                while name is not None:
                    found.add(name)
                    following = select(func.min(column)).where(some, column > name)
                    name = connection.execute(following).scalar_one()
        return sorted(found - {""})


def _are_several(connection: Connection) -> bool:
    ends = [
        select(end(column)).where(some, column > "").scalar_subquery()
        for column, some in _NAMES
        for end in (func.min, func.max)
    ]
    return len({*connection.execute(select(*ends)).one()} - {None}) > 1
