"""Finds out whether a database can have a store, before anything is written to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, text

from rivya_nb.contract.text import listing
from rivya_nb.errors import StoreError, shortened
from rivya_nb.store import schema
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql import settings
from rivya_nb.store.postgresql.trouble import grants, sql_name

_MOST = 3
"""Names in a message."""

OLDEST = 140000
"""The oldest version of the server, as it tells its version: 14."""

_SERVER = text(
    """
    WITH its AS (
        SELECT coalesce(
            (SELECT relnamespace FROM pg_class WHERE pg_class.oid = to_regclass('run_jobs')),
            (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
        ) AS schema
    )
    SELECT current_setting('server_version_num')::int AS version,
           split_part(current_setting('server_version'), ' ', 1) AS version_name,
           pg_encoding_to_char(encoding) AS encoding,
           datctype AS ctype,
           pg_is_in_recovery() AS is_standby,
           current_setting('default_transaction_read_only')::bool AS is_read_only,
           current_user::text AS username,
           current_setting('search_path') AS search_path,
           (SELECT nspname::text FROM pg_namespace
            WHERE nspname = ANY(string_to_array(translate(current_setting('search_path'), '" ', ''), ','))
            LIMIT 1) AS closed_schema,
           (SELECT nspname::text FROM pg_namespace WHERE pg_namespace.oid = its.schema) AS schema,
           has_schema_privilege(its.schema, 'CREATE') AS may_make,
           pg_backend_pid() AS process
    FROM pg_database, its WHERE datname = current_database()
    """
)

_THERE = text(
    """
    SELECT relname::text AS table_name, array_agg(attname::text) AS columns,
           bool_and(has_table_privilege(pg_class.oid, 'SELECT')) AS may_read,
           bool_and(has_table_privilege(pg_class.oid, 'INSERT') AND has_table_privilege(pg_class.oid, 'UPDATE')
                    AND has_table_privilege(pg_class.oid, 'DELETE')) AS may_write
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
          AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :schema)
          -- What came with an extension is nobody's data.
          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass
                                                  AND deptype = 'e')
    GROUP BY relname
    """
)

_HIDDEN_BY = text(
    """
    SELECT nspname::text || '.' || relname::text
    FROM unnest(CAST(:names AS text[])) AS ours (name)
    JOIN pg_class ON pg_class.oid = to_regclass(quote_ident(ours.name))
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname != :schema ORDER BY 1
    """
)

_SEQUENCES = text(
    """
    SELECT sequence.relname::text
    FROM pg_class AS sequence
    JOIN pg_depend ON objid = sequence.oid AND classid = 'pg_class'::regclass AND deptype = 'a'
    JOIN pg_class AS owner ON owner.oid = refobjid
    WHERE sequence.relkind = 'S' AND owner.relname = ANY(:tables)
          AND owner.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :schema)
          -- Of the conditions, the server tries any first.
          AND CASE WHEN sequence.relkind = 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE') END
    ORDER BY 1
    """
)


_OWNER = text(
    "SELECT pg_get_userbyid(relowner)::text AS name, pg_has_role(relowner, 'USAGE') AS is_this_user"
    " FROM pg_class WHERE oid = to_regclass('jobs')"
)


@dataclass(frozen=True)
class Examined:
    """What a database is.

    `version` is that of the store, 0 where there is none, and `obstacle` says why it may only be read.
    `is_behind_another` says that what was connected to is no process of the server.
    """

    version: int
    obstacle: str | None
    is_behind_another: bool


def examine(connection: Connection, address: ServerAddress) -> Examined:
    """See whether there is a store, or can be one.

    Raises:
        StoreError: the server is too old, the database keeps no Unicode or has something else in it, or the user
            lacks a right.
    """
    server = connection.execute(_SERVER).one()
    _refuse_unfit(server, address)
    where = server.schema
    if where is None:
        raise StoreError(f"{address}: {_no_schema(server)}.")
    tables = {row.table_name: row for row in connection.execute(_THERE, {"schema": where})}
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    is_behind_another = driver.info.backend_pid != server.process
    obstacle = _obstacle(server)
    names = [*schema.metadata.tables, *settings.metadata.tables]
    ours = [row for name, row in tables.items() if name in names]
    if settings.settings.name in tables and not all(row.may_read for row in ours):
        raise StoreError(
            f"{address}: the user {server.username} may not read the store's tables; let their owner allow it: "
            f"{grants(where, server.username)}."
        )
    _refuse_hidden(connection, server, address, [row.table_name for row in ours])
    version = _version(connection, tables, address, where, may_upgrade=obstacle is None)
    if version == 0:
        _refuse_unmakeable(server, address, where, obstacle)
        return Examined(0, obstacle, is_behind_another)
    if obstacle is None:
        unwritable = sorted(row.table_name for row in ours if not row.may_write)
        sequences = connection.execute(_SEQUENCES, {"tables": names, "schema": where}).scalars()
        obstacle = _lacking(
            address, server, where, [*unwritable, *sequences], is_visitor=len(unwritable) == len(ours)
        )
    return Examined(version, obstacle, is_behind_another)


def refuse_stranger(connection: Connection, address: ServerAddress, version: int) -> None:
    """Raises StoreError if the store is of an earlier version, and this user may not upgrade it: no right that can
    be granted lets anybody else change tables."""
    owner = connection.execute(_OWNER).one()
    if not owner.is_this_user:
        raise StoreError(
            f"{address} was written by an earlier rivya_nb (version {version}, and this is {schema.VERSION}), and "
            f"only {owner.name}, who owns its tables, can upgrade it; nothing was changed. Let {owner.name} open "
            "it once with this version of rivya-nb."
        )


def _refuse_unfit(server: Any, address: ServerAddress) -> None:
    if server.version < OLDEST:
        raise StoreError(
            f"{address}: the server is PostgreSQL {server.version_name}, and a store needs {OLDEST // 10000} or "
            "newer; let its administrator upgrade it, or name another server."
        )
    if server.encoding != "UTF8":
        raise StoreError(
            f"{address}: the database's encoding is {server.encoding}, which lacks most characters, and a store "
            "needs UTF8; let the server's administrator make one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE "
            "template0."
        )


def _refuse_hidden(connection: Connection, server: Any, address: ServerAddress, names: list[str]) -> None:
    """Raises StoreError if tables of another schema stand before the store's own: they would be written to."""
    others = list(connection.execute(_HIDDEN_BY, {"names": names, "schema": server.schema}).scalars())
    if others:
        raise StoreError(
            f"{address}: the search path ({server.search_path}) has {listing(others[:_MOST])} before the tables "
            f"of the store, whose schema is {server.schema}, and nothing was changed; write "
            f"?options=-csearch_path={server.schema} behind the address."
        )


def _version(
    connection: Connection, tables: dict[str, Any], address: ServerAddress, where: str, *, may_upgrade: bool
) -> int:
    """The version of a store that can be used, or 0 where there is none yet."""
    found = {(name, column) for name, row in tables.items() for column in row.columns}
    if not found:
        return 0
    version = settings.version_of(connection) if settings.settings.name in tables else 0
    if version and (found >= schema.expected() or (may_upgrade and version < schema.VERSION)):
        return version
    if version and version != schema.VERSION:
        raise StoreError(f"{address} {schema.wrong_version(version)} or name another database.")
    if found >= schema.OURS:
        raise StoreError(
            f"{address} was written by an unreleased development state of rivya_nb, which this version cannot "
            "read, or is a dump that was restored in part; nothing was changed: name another database."
        )
    raise StoreError(
        f"{address}: the schema {where} has tables of something else ({shortened(', '.join(sorted(tables)))}), "
        "and nothing was changed; name another database, or a schema for the store alone: CREATE SCHEMA rivya, "
        "and ?options=-csearch_path=rivya behind the address."
    )


def _no_schema(server: Any) -> str:
    user, path = sql_name(server.username), server.search_path
    if server.closed_schema is not None:
        return (
            f"the user {server.username} may use no schema of the search path ({path}); let the server's "
            f"administrator allow one: GRANT USAGE, CREATE ON SCHEMA {sql_name(server.closed_schema)} TO {user}"
        )
    return (
        f"the search path ({path}) names no schema that there is; let the server's administrator make it with "
        f"CREATE SCHEMA … AUTHORIZATION {user}, or write ?options=-csearch_path=public behind the address"
    )


def _obstacle(server: Any) -> str | None:
    if server.is_standby:
        return "the server is a standby, which only follows another"
    if server.is_read_only:
        return "the server lets this user only read: default_transaction_read_only is on"
    return None


def _lacking(
    address: ServerAddress, server: Any, where: str, missing: list[str], *, is_visitor: bool
) -> str | None:
    """What keeps a user from writing who lacks rights on these tables and sequences; None if none is lacking."""
    if is_visitor:
        return f"{address}: the user {server.username} has no right to write to it"
    if not missing:
        return None
    return (
        f"{address}: the user {server.username} may not write {shortened(listing(missing))}; its owner allows it "
        f"with {grants(where, server.username)}"
    )


def _refuse_unmakeable(server: Any, address: ServerAddress, where: str, obstacle: str | None) -> None:
    """Raises StoreError if no store can be made in this empty place."""
    if obstacle is not None:
        raise StoreError(f"{address}: there is no store yet, and none can be made ({obstacle}).")
    if not server.may_make:
        raise StoreError(
            f"{address}: the user {server.username} may make no tables in the schema {where}; let the server's "
            f"administrator allow it: GRANT CREATE, USAGE ON SCHEMA {sql_name(where)} TO "
            f"{sql_name(server.username)}."
        )
