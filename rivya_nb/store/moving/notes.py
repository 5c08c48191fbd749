"""What a move notes in its target, so that another call goes on where one ended."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, String, Table, Text, delete, inspect, select

from rivya_nb.errors import StoreError
from rivya_nb.store.columns import put
from rivya_nb.store.database import Database

SOURCE = "source"
"""The step that says where a move comes from."""

# A store has this table only as long as a move into it is not finished.
move_notes = Table(
    "move_notes",
    MetaData(),
    Column("step", String(64), primary_key=True),
    Column("state", Text, nullable=False),
)


def is_moving(connection: Connection) -> bool:
    """Whether a move into this database was begun, and is not finished."""
    return inspect(connection).has_table(move_notes.name)


def refuse_unfinished(database: Database) -> None:
    """Raise StoreError if a move into this database is not finished: whoever writes to it would be in its way."""
    with database.reading() as connection:
        source = noted(connection, SOURCE) if is_moving(connection) else None
    if source is not None:
        raise StoreError(
            f"A move from {source} to {database.name} is not finished, so that this is no store yet; "
            f"`rivya-nb move {source} {database.name}` goes on with it."
        )


def note(connection: Connection, step: str, state: str) -> None:
    put(connection, move_notes, {"step": step}, {"state": state})


def noted(connection: Connection, step: str) -> str | None:
    found: str | None = connection.execute(
        select(move_notes.c.state).where(move_notes.c.step == step)
    ).scalar()
    return found


def noted_like(connection: Connection, start: str) -> list[tuple[str, str]]:
    """The steps whose names begin so, with their states, in the order of the names."""
    these = move_notes.c.step.startswith(start, autoescape=True)
    found = connection.execute(select(move_notes).where(these).order_by(move_notes.c.step))
    return [(step, state) for step, state in found]


def forget(connection: Connection, step: str) -> None:
    connection.execute(delete(move_notes).where(move_notes.c.step == step))
