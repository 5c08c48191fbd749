"""The tables that each release made, and how they are compared.

    python tests/store/released.py

writes those of this version into `released/`. It is a step of a release: afterwards the tests hold `schema.py` and
the scripts of `migrations/` to them.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, create_mock_engine, text

from rivya_nb.store import schema
from rivya_nb.store import sqlite_triggers as _sqlite  # noqa: F401 - made with the tables
from rivya_nb.store import store as _all  # noqa: F401 - every module with tables of its own
from rivya_nb.store.postgresql import triggers as _postgresql  # noqa: F401 - made with the tables
from rivya_nb.store.postgresql import words as _words  # noqa: F401 - its index is, too

FOLDER = Path(__file__).parent / "released"
DIALECTS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
_BETWEEN = "\n--\n"

_ON_SQLITE = """
    SELECT tables.name || '.' || c.name, c.type || iif(c."notnull", ' NOT NULL', '')
        || coalesce(' DEFAULT ' || c.dflt_value, '') || iif(c.pk, ' PRIMARY KEY ' || c.pk, '')
    FROM sqlite_master AS tables, pragma_table_info(tables.name) AS c
    WHERE tables.type = 'table' AND tables.rootpage > 0
    UNION ALL
    SELECT tables.name || '.' || f."from" || ' references', f."table" || '.' || f."to" || ' ' || f.on_delete
    FROM sqlite_master AS tables, pragma_foreign_key_list(tables.name) AS f WHERE tables.type = 'table'
    UNION ALL
    SELECT tables.name || ' unique', group_concat(u.origin || ' ' || u.name)
    FROM sqlite_master AS tables, pragma_index_list(tables.name) AS u
    WHERE tables.type = 'table' AND u."unique" GROUP BY tables.name
    UNION ALL
    SELECT type || ' ' || name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
"""
_ON_POSTGRESQL = """
    SELECT attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod)
        || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || proname, prosrc FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
    WHERE pronamespace = 'public'::regnamespace AND lanname IN ('plpgsql', 'sql')
"""
_OTHERS = ("prompt_index", "prompt_pieces", "prompts_by_pieces", "store_settings")
"""What each database prepares by itself, of any version."""


def statements(dialect: str) -> list[str]:
    """The statements that make the tables of this version."""
    made: list[str] = []
    engine = create_mock_engine(
        DIALECTS[dialect], lambda ddl, *_, **__: made.append(str(ddl.compile(dialect=engine.dialect)).strip())
    )
    schema.metadata.create_all(engine, checkfirst=False)
    return made


def kept(version: int, dialect: str, folder: Path = FOLDER) -> list[str] | None:
    """The statements that made the tables of a released version; None where it is not released."""
    file = folder / f"{version}.{dialect}.sql"
    return file.read_text(encoding="utf-8").split(_BETWEEN) if file.exists() else None


def write(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for dialect in DIALECTS:
        file = folder / f"{schema.VERSION}.{dialect}.sql"
        file.write_text(_BETWEEN.join(statements(dialect)), encoding="utf-8")


def make(connection: Connection, made: list[str]) -> None:
    """Make the tables of a release in an empty database."""
    for statement in made:
        connection.exec_driver_sql(statement)


def catalogue(connection: Connection) -> dict[str, str]:
    """By name, what defines each column, constraint, index and trigger of a store."""
    asked = _ON_SQLITE if connection.dialect.name == "sqlite" else _ON_POSTGRESQL
    found = {name: " ".join(what.split()) for name, what in connection.execute(text(asked))}
    return {
        name: what
        for name, what in found.items()
        if not any(word.startswith(_OTHERS) for word in name.split())
    }


def stops_earlier_kernels(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The columns that stop kernels of a version in the tables of a later one: what they need is gone or changed,
    or they cannot leave out what is new."""
    columns, later = _columns(before), _columns(after)
    changed = [name for name in columns if later.get(name) != columns[name]]
    tables = {name.partition(".")[0] for name in columns}
    needed = [
        name
        for name in later.keys() - columns.keys()
        if name.partition(".")[0] in tables and "NOT NULL" in later[name] and "DEFAULT" not in later[name]
    ]
    return sorted(changed + needed)


def _columns(found: dict[str, str]) -> dict[str, str]:
    return {name: what for name, what in found.items() if " " not in name}


if __name__ == "__main__":
    write()
