"""Who works with a store: the name that runs and pictures carry. It is accounting, not security."""

from __future__ import annotations

import getpass
import os
import unicodedata

from sqlalchemy import ColumnElement, Connection, func, select, true

from rivya_nb.store.schema import jobs, runs

LONGEST = 200
"""The most characters of a name that are kept."""


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


def are_several(connection: Connection) -> bool:
    """Whether more than one user has asked for something in this store."""
    ends = [
        select(end(column)).where(some, column > "").scalar_subquery()
        for column, some in _NAMES
        for end in (func.min, func.max)
    ]
    return len({*connection.execute(select(*ends)).one()} - {None}) > 1


def users(connection: Connection) -> list[str]:
    """The names of all who asked for something in this store, in their order."""
    found: set[str] = set()
    for column, some in _NAMES:
        # One look into an index for each name, however many rows have it.
        name: str | None = ""
        while name is not None:
            found.add(name)
            following = select(func.min(column)).where(some, column > name)
            name = connection.execute(following).scalar_one()
    return sorted(found - {""})
