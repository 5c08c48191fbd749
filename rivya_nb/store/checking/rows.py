"""Whether the rows of a store agree with each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    FromClause,
    Table,
    exists,
    func,
    or_,
    select,
    text,
)

from rivya_nb.store import prompt_index, rows
from rivya_nb.store import store as _store  # noqa: F401 - with it, all tables are known
from rivya_nb.store.checking.findings import REPORT, Finding
from rivya_nb.store.facts import fact_sets
from rivya_nb.store.records import NOT_BILLED
from rivya_nb.store.schema import (
    jobs,
    mark_changes,
    marks,
    metadata,
    panel_states,
    pictures,
    prompts,
    run_jobs,
    runs,
    settings,
)
from rivya_nb.store.sums import SUMS, said, wanted

Check = Callable[[Connection], Iterator[Finding]]


def damage(connection: Connection) -> Iterator[Finding]:
    """What the database itself finds damaged."""
    if connection.dialect.name == "sqlite":
        for line in connection.execute(text("PRAGMA integrity_check")).scalars():
            if line != "ok":
                yield Finding(f"SQLite finds the database damaged: {line}", "go back to a backup")
        return
    broken = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    for name in connection.execute(text(broken)).scalars():
        yield Finding(f"the index {name} is not valid", f"REINDEX INDEX {name} makes it anew")
    idle = (
        "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE tgenabled = 'D' AND nspname = current_schema"
    )
    for name in connection.execute(text(idle)).scalars():
        yield Finding(
            f"the trigger {name} is disabled, so that sums become wrong", "ALTER TABLE … ENABLE TRIGGER USER"
        )


def unreadable(connection: Connection) -> Iterator[Finding]:
    """Texts of rows that the history cannot read, so that nothing shows them."""
    for column, read in _READ.items():
        table = column.table
        assert isinstance(table, Table)  # noqa: S101 - the column of one
        key = next(iter(table.primary_key))
        # What many rows say is read once.
        for text_, first in connection.execute(select(column, func.min(key)).group_by(column)):
            try:
                read(text_)
            except (ValueError, TypeError, KeyError, AttributeError):
                yield Finding(
                    f"{table.name} says something as {column.name} that cannot be read, first where {key.name} is "
                    f"{first}",
                    "go back to a backup",
                )


def keys(connection: Connection) -> Iterator[Finding]:
    """Rows that point at rows that are not there."""
    for table in metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda each: each.parent.name):
            if count := _count(connection, _dangles(key)):
                yield Finding(
                    f"{count:,} rows of {table.name} have a {key.parent.name} that is not in "
                    f"{key.column.table.name}",
                    "go back to a backup",
                )
    for column, target in (
        (jobs.c.prompt_id, prompts.c.id),
        (jobs.c.settings_id, settings.c.id),
        (jobs.c.deferred, runs.c.id),
        (run_jobs.c.facts_id, fact_sets.c.id),
    ):
        lost = column.is_not(None) & ~exists().where(target == column)
        if count := _count(connection, lost):
            yield Finding(
                f"{count:,} rows of {column.table.name} have a {column.name} that is not in {target.table.name}",
                REPORT,
            )


def repeated(connection: Connection) -> Iterator[Finding]:
    """What jobs repeat of their pictures and marks."""
    has_pictures = exists().where(pictures.c.job_number == jobs.c.number)
    if count := _count(connection, jobs.c.pictured != has_pictures):
        yield Finding(
            f"{count:,} jobs say that they have pictures and have none, or the other way round", REPORT
        )
    for name, without in (("hidden", False), ("rating", 0)):
        marked = select(marks.c[name]).where(marks.c.job_number == jobs.c.number).scalar_subquery()
        if count := _count(connection, jobs.c[name] != func.coalesce(marked, without)):
            yield Finding(
                f"{count:,} jobs say another {name} than their marks", "mark them anew in a notebook"
            )


def sums(connection: Connection) -> Iterator[Finding]:
    """What was spent and how many pictures there are, against the jobs."""
    for table, names in SUMS.items():
        right = _sums(connection, wanted(table, connection.dialect.name), len(names))
        given = _sums(connection, said(table), len(names))
        nothing = (0,) * len(names)
        wrong = [
            key for key in right.keys() | given.keys() if right.get(key, nothing) != given.get(key, nothing)
        ]
        if wrong:
            key = min(wrong, key=repr)
            yield Finding(
                f"{table.name} has {len(wrong):,} wrong sums: for {', '.join(map(repr, key))} it says "
                f"{given.get(key, nothing)}, and the jobs give {right.get(key, nothing)} ({', '.join(names)})",
                "`rivya-nb move` to another place makes them anew",
            )


def twice(connection: Connection) -> Iterator[Finding]:
    """Jobs that stand for the same task, or that were bought at the same time for the same request."""
    numbers = func.count().label("jobs")
    tasks = (
        select(jobs.c.service, jobs.c.task_id, numbers)
        .where(jobs.c.task_id.is_not(None))
        .group_by(jobs.c.service, jobs.c.task_id)
        .having(func.count() > 1)
    )
    for service, task_id, count in connection.execute(tasks):
        yield Finding(f"{count} jobs have the same task {task_id} of {service}", REPORT)
    other = jobs.alias()
    ended = func.coalesce(jobs.c.finished_at, jobs.c.submitted_at, jobs.c.created_at)
    at_once = (
        select(jobs.c.id, other.c.id)
        .where(
            *(jobs.c[name] == other.c[name] for name in ("identity", "service", "replicate")),
            jobs.c.number < other.c.number,
            other.c.created_at <= ended,
            *(_is_billed(each) for each in (jobs, other)),
        )
        .order_by(jobs.c.number)
    )
    for one, two in connection.execute(at_once):
        yield Finding(
            f"the jobs {one[:8]} and {two[:8]} were bought at the same time for the same request",
            "it is right if the second was asked with fresh (--fresh); else report it",
        )


def words(connection: Connection) -> Iterator[Finding]:
    """Whether the index of words has all prompts."""
    if connection.dialect.name != "sqlite" or not prompt_index.can_index(connection):
        return
    if not prompt_index.is_indexed(connection):
        yield Finding(
            "the index of words lacks prompts, so that searching for words is slow",
            "open the store with write access, and ask for any new prompt: that completes it",
        )


_READ: dict[Column[Any], Callable[[str], object]] = {
    jobs.c.params: lambda text: dict(json.loads(text)),
    jobs.c.references: rows.read_references,
    runs.c.axes: rows.axis_records,
    run_jobs.c.coordinates: rows.read_coordinates,
    mark_changes.c.before: lambda text: dict(json.loads(text)),
    panel_states.c.state: lambda text: dict(json.loads(text)),
}

CHECKS: tuple[Check, ...] = (damage, unreadable, keys, repeated, sums, twice, words)
"""In the order in which they are made."""


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    count: int = connection.execute(select(func.count()).where(condition)).scalar_one()
    return count


def _dangles(key: ForeignKey) -> ColumnElement[bool]:
    child, parent = key.parent, key.column
    return child.is_not(None) & ~exists().where(parent == child)


def _sums(connection: Connection, statement: str, sums: int) -> dict[tuple[Any, ...], tuple[int, ...]]:
    found = (tuple(row) for row in connection.execute(text(statement)))
    return {row[:-sums]: row[-sums:] for row in found}


def _is_billed(table: FromClause) -> ColumnElement[bool]:
    """A job that the service has taken, and for which it was, is or may be paid."""
    may_cost = or_(table.c.final_credits.is_(None), table.c.final_credits > 0)
    return table.c.task_id.is_not(None) & table.c.status.not_in(NOT_BILLED) & may_cost
