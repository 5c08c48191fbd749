"""What all kernels of a store on a server have to agree on, kept in its database.

These tables are no part of the history: a copy of a store elsewhere has settings of its own.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from rivya_nb.store.columns import put

_PICTURES, _VERSION = "pictures", "version"

metadata = MetaData()

settings = Table(
    "store_settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)


def version_of(connection: Connection) -> int:
    """The version of the store's tables; 0 where none is kept, as in a dump that was restored in part."""
    kept = connection.execute(
        select(settings.c.value).where(settings.c.name == _VERSION)
    ).scalar_one_or_none()
    return int(kept) if kept is not None and kept.isdecimal() else 0


def keep_version(connection: Connection, version: int) -> None:
    """Keep the version of the store's tables."""
    put(connection, settings, {"name": _VERSION}, {"value": str(version)})


def kept_pictures(connection: Connection) -> str:
    """The address of the store's pictures; empty if none is kept yet."""
    kept = connection.execute(select(settings.c.value).where(settings.c.name == _PICTURES))
    return kept.scalar_one_or_none() or ""


def keep_pictures(connection: Connection, address: str) -> str:
    """Keep the address of the store's pictures, unless another kernel was faster; returns the one that is kept."""
    connection.execute(insert(settings).values(name=_PICTURES, value=address).on_conflict_do_nothing())
    return kept_pictures(connection)
