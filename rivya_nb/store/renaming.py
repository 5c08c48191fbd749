"""Gives services of a store other names: an earlier version may have spelled them differently."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, select, update

from rivya_nb.store.columns import insert_for
from rivya_nb.store.database import Database
from rivya_nb.store.schema import jobs, runs, uploads
from rivya_nb.store.writing import take_turns


def rename_services(database: Database, name_of: Callable[[str], str]) -> None:
    """Rename every service whose name differs from what `name_of` returns for it."""
    with database.reading() as connection:
        named = select(runs.c.service).union(select(uploads.c.service))
        old = [name for name in connection.execute(named).scalars() if name_of(name) != name]
    if not old:
        return
    with database.writing() as connection:
        take_turns(connection, "names of services", [""])
        for name in old:
            for table in (jobs, runs):
                change = update(table).where(table.c.service == name)
                connection.execute(change.values(service=name_of(name)))
            # If both spellings have the same upload, either may be kept.
            gone = delete(uploads).where(uploads.c.service == name).returning(*uploads.c)
            moved = [{**row, "service": name_of(name)} for row in connection.execute(gone).mappings().all()]
            if moved:
                connection.execute(insert_for(connection, uploads).on_conflict_do_nothing(), moved)
