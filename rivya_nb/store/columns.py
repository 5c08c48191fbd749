"""The types of columns, and the few statements that databases write in different ways."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, Integer, Table, Text, TypeDecorator, insert, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import UsageError

Number = BigInteger().with_variant(Integer, "sqlite")
"""Ids and sums; SQLite makes ids only in a column that is called INTEGER."""

LONGEST_NAME = 200
"""Characters, each of up to four bytes; up to three names stand in an index together."""

_ESCAPE = "\ufdd0"
"""A character that Unicode reserves for the use within a program."""


class Words(TypeDecorator[str]):
    """A text of any length and with any character.

    PostgreSQL keeps no NUL, so that it is written differently there.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name == "sqlite" or not ("\0" in value or _ESCAPE in value):
            return value
        return value.replace(_ESCAPE, f"{_ESCAPE}1").replace("\0", f"{_ESCAPE}0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or _ESCAPE not in value or dialect.name == "sqlite":
            return value
        return value.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)


class TooLongError(UsageError, DontWrapMixin):
    """A text that stands in an index is too long. SQLAlchemy passes it on as it is."""


class Name(Words):
    """A text that stands in an index, which PostgreSQL has of no more than 2,704 bytes.

    Writing or looking for a longer one raises a `UsageError`, whatever the database.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value) > LONGEST_NAME:
            raise TooLongError(
                f"{short_repr(value)} has {len(value):,} characters; a name, a tag, a param or a table's column "
                f"may have {LONGEST_NAME}. Nothing was changed: choose a shorter one."
            )
        return super().process_bind_param(value, dialect)


def digest(text: str) -> str:
    """A hash by which a text is unique: PostgreSQL has no index of texts above 2,704 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def insert_for(connection: Connection, table: Table) -> Any:
    """An INSERT of this database's own, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    # It takes 40 ms to import, and a store in a folder does not need it.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def put(
    connection: Connection, table: Table, key: Mapping[str, object], values: Mapping[str, object]
) -> None:
    """Insert a row, or change the one that has this key, the table's primary one."""
    row = insert_for(connection, table).values(**key, **values)
    connection.execute(row.on_conflict_do_update(index_elements=table.primary_key, set_=values))


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, in this order, that all have the same columns.

    A server gets all of them in one statement: it calls its triggers once for each.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), list(rows))
        return
    columns = [table.c[name] for name in rows[0]]
    names = ", ".join(f'"{column.name}"' for column in columns)
    texts = {column.name: column.type for column in columns if isinstance(column.type, Words)}
    given = [
        {
            **row,
            **{name: kind.process_bind_param(row[name], connection.dialect) for name, kind in texts.items()},
        }
        for row in rows
    ]
    statement = (
        f'INSERT INTO "{table.name}" ({names}) SELECT {names}'  # noqa: S608 - our own names
        f' FROM json_populate_recordset(CAST(NULL AS "{table.name}"), CAST(:given AS json))'
    )
    connection.execute(text(statement), {"given": json.dumps(given, ensure_ascii=False)})


class whole_number(FunctionElement[int]):  # noqa: N801 - written as SQL's own functions are
    """The whole number that a text is. Of a text that is none, SQLite gives some number, and PostgreSQL NULL."""

    type = BigInteger()
    inherit_cache = True


@compiles(whole_number)
def _cast(element: whole_number, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


@compiles(whole_number, "postgresql")
def _cast_digits(element: whole_number, compiler: SQLCompiler, **options: Any) -> str:
    # PostgreSQL ends the whole statement where a text is no number.
    text = compiler.process(element.clauses, **options)
    return f"CASE WHEN {text} ~ '^[+-]?[0-9]{{1,30}}$' THEN CAST({text} AS NUMERIC) END"
