"""What brings a store of an earlier version to this one; imported only where there is such a store."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

SCRIPTS = Path(__file__).parent
"""The folder of Alembic's scripts: in `versions`, a file for each version, which has its number as revision."""


def upgrade(connection: Connection, version: int) -> None:
    """Bring the tables of an earlier version to the latest one, within the transaction of this connection.

    The number of the version is not changed: each database keeps it in its own way.
    """
    script = ScriptDirectory(str(SCRIPTS))
    later = [each for each in script.walk_revisions() if int(each.revision) > version]
    with Operations.context(MigrationContext.configure(connection)):
        for each in sorted(later, key=lambda revision: int(revision.revision)):
            each.module.upgrade()
