"""Which rows the indexes have that have only some.

The schema only notes it: to be told, SQLAlchemy imports its part for PostgreSQL, which no store in a folder needs.
"""

from __future__ import annotations

from sqlalchemy import text

from rivya_nb.store.schema import ONLY, metadata

for _table in metadata.tables.values():
    for _index in _table.indexes:
        if ONLY in _index.info:
            _index.dialect_options["postgresql"]["where"] = text(_index.info[ONLY])
