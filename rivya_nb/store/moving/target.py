"""The database that a move writes: without indexes, triggers and keys between tables until all rows are there."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select, text

from rivya_nb.errors import StoreError
from rivya_nb.store import prompt_index
from rivya_nb.store.moving.notes import SOURCE, forget, is_moving, move_notes, note, noted, noted_like
from rivya_nb.store.moving.rows import copied_tables
from rivya_nb.store.schema import metadata
from rivya_nb.store.sums import sum_anew

_MAKE = "make "
"""Begins the name of a step that keeps a statement, by which what was taken away is made again."""

_INDEXES = text(
    "SELECT 'DROP INDEX ' || quote_ident(indexname), indexdef FROM pg_indexes"
    " WHERE schemaname = current_schema AND tablename = ANY(:tables) AND indexdef NOT LIKE 'CREATE UNIQUE%'"
    " ORDER BY indexname"
)
_KEYS = text(
    "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),"
    " format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,"
    " pg_get_constraintdef(pg_constraint.oid))"
    " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
    " JOIN pg_namespace ON pg_namespace.oid = connamespace"
    " WHERE contype = 'f' AND nspname = current_schema AND relname = ANY(:tables) ORDER BY conname"
)
_SQLITE = text(
    "SELECT 'DROP ' || type || ' ' || name, sql FROM sqlite_master"
    " WHERE sql IS NOT NULL AND type IN ('index', 'trigger') ORDER BY type, name"
)


def begin(connection: Connection, source: str, name: str) -> None:
    """Begin a move from `source`, or go on with it; `name` is how messages call the target.

    Raises:
        StoreError: the target is not empty, or another move into it was begun.
    """
    if not is_moving(connection):
        _check_empty(connection, name)
        move_notes.create(connection)
        note(connection, SOURCE, source)
    elif (before := noted(connection, SOURCE)) != source:
        raise StoreError(
            f"A move from {before} to {name} was begun and is not finished: finish it, or name another place. "
            "Nothing was copied."
        )
    made = [make for _, make in noted_like(connection, _MAKE)]
    # Some is there again in a later call: who opens a database completes it.
    for drop, make in _extras(connection):
        if make not in made:
            note(connection, f"{_MAKE}{len(made):04}", make)
            made.append(make)
        _run(connection, drop)


def _check_empty(connection: Connection, name: str) -> None:
    for table in copied_tables():
        if connection.execute(select(exists(select(1).select_from(table)))).scalar_one():
            raise StoreError(
                f"{name} has a store already, with rows in {table.name}: a move needs an empty place. Nothing was "
                "copied."
            )


def finish(connection: Connection) -> None:
    """Make everything again that was taken away, and what follows from the rows.

    On a server this makes it a store; a folder's database is put in its place later.
    """
    for step, make in noted_like(connection, _MAKE):
        _run(connection, make)
        forget(connection, step)
    sum_anew(connection)
    prompt_index.catch_up(connection)
    if connection.dialect.name == "postgresql":
        _count_on(connection)
        move_notes.drop(connection)


def _run(connection: Connection, statement: str) -> None:
    # PostgreSQL's driver looks for places of parameters.
    connection.exec_driver_sql(
        statement if connection.dialect.name == "sqlite" else statement.replace("%", "%%")
    )


def _extras(connection: Connection) -> list[tuple[str, str]]:
    """What makes writing slow, as the statements that take it away and make it again."""
    if connection.dialect.name == "sqlite":
        return [(drop, make) for drop, make in connection.execute(_SQLITE)]
    tables = list(metadata.tables)
    found = [pair for each in (_INDEXES, _KEYS) for pair in connection.execute(each, {"tables": tables})]
    called = (f"ALTER TABLE {table} {{}} TRIGGER USER" for table in tables)
    triggers = [(each.format("DISABLE"), each.format("ENABLE")) for each in called]
    return [*((drop, make) for drop, make in found), *triggers]


def _count_on(connection: Connection) -> None:
    """Let each table's next id be behind its highest."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            number = f"max({column.name})"
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), {number})"  # noqa: S608 - our own names
                f" FROM {table.name} HAVING {number} IS NOT NULL"
            )
