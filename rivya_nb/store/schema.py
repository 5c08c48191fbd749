"""The tables of version 1, the one of release 0.1.0, and how a database says that it has them.

A database of ours has `APPLICATION_ID` and its version in its header (SQLite's `application_id` and
`user_version`). Stores of earlier development states have neither, or lack a column, and are refused.

Jobs have a number beside their id: it is the order in which they were asked for, which is what *newest*
means here, and it keeps the tables that point at jobs small. `settings` and `prompts` repeat what jobs say in a
form that can be searched; what many jobs share is there once. `pictured` says whether a job has rows in
`pictures`: the history lists only such jobs, and its indexes hold no others. `hidden` and `rating` repeat the
marks.

`tallies` and `ledger` are sums over jobs, so that no count and no bill has to read them all. Triggers keep them:
whatever writes a job, they are right in the same transaction.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    false,
    text,
)

from rivya_nb.errors import StoreError
from rivya_nb.store.billing import AMOUNTS, HOUR, IS_FINAL, amount

VERSION = 1

APPLICATION_ID = 0x52565941
"""`RVYA` in ASCII."""

metadata = MetaData()

prompts = Table(
    "prompts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # As `rows.searchable` gives them.
    Column("words", Text, nullable=False, unique=True),
)

settings = Table(
    "settings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False),
    # As `job_settings.py` writes them.
    Column("content", Text, nullable=False, unique=True),
    Index("settings_by_model", "model"),
)

setting_params = Table(
    "setting_params",
    metadata,
    Column("settings_id", ForeignKey("settings.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("setting_params_by_value", "key", "value"),
)

_LISTED: Any = {"sqlite_where": text("pictured = 1")}

SEED_NUMBER = "coalesce(CAST({row}seed AS INTEGER), 9223372036854775807)"
"""A job's seed as a number, by which seeds are ordered; what has none comes last."""

_ASKED = ("created_at", "hidden", "service", "seed", "settings_id", "prompt_id", "pictured")

jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("service", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("references", Text, nullable=False),
    Column("identity", String(64), nullable=False),
    Column("seed", Text),
    Column("price", Integer),
    Column("status", String(16), nullable=False),
    Column("task_id", Text),
    Column("reserved_credits", Integer),
    Column("final_credits", Integer),
    Column("body", Text),
    Column("remote_status", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("request_id", Text),
    Column("created_at", Float, nullable=False),
    Column("submitted_at", Float),
    Column("finished_at", Float),
    Column("owner", String(64)),
    Column("deleted_at", Float),
    Column("pictured", Boolean, nullable=False, server_default=false()),
    Column("hidden", Boolean, nullable=False, server_default=false()),
    Column("rating", Integer, nullable=False, server_default=text("0")),
    Column("prompt_id", Integer),
    Column("settings_id", Integer),
    # The run that leaves it to a worker, until it has ended.
    Column("deferred", Integer),
    Column("replicate", Integer, nullable=False, server_default=text("1")),
    # No index begins with the service: a store has one or two, so that such an index would only lure a query
    # planner away from the order that the newest page wants.
    Index("jobs_by_status", "status"),
    Index("jobs_by_identity", "identity", "service"),
    Index("jobs_by_references", "references", sqlite_where=text("\"references\" != '[]'")),
    Index("jobs_by_time", text("coalesce(submitted_at, created_at)")),
    # What the history asks for, whole within the index: the jobs' rows are ten times as much to read.
    Index("jobs_listed", "number", *_ASKED, "id", **_LISTED),
    Index("jobs_by_settings", "settings_id", "number", *_ASKED, **_LISTED),
    Index("jobs_by_created", "created_at", "number", *_ASKED[1:], **_LISTED),
    Index("jobs_by_seed", text(SEED_NUMBER.format(row="")), text("number DESC"), *_ASKED, **_LISTED),
    Index("jobs_by_rating", "rating", "number", *_ASKED, **_LISTED),
    Index("jobs_by_prompt", "prompt_id", "number", *_ASKED, **_LISTED),
    # The few that are not listed are what a count takes away from a list of another table.
    Index("jobs_not_listed", "number", sqlite_where=text("pictured = 0")),
    Index("jobs_hidden", "number", sqlite_where=text("hidden = 1")),
    Index("jobs_deferred", "deferred", sqlite_where=text("deferred IS NOT NULL")),
)

tallies = Table(
    "tallies",
    metadata,
    # How many jobs have pictures.
    Column("service", Text, primary_key=True),
    Column("settings_id", Integer, primary_key=True),
    Column("hidden", Boolean, primary_key=True),
    Column("jobs", Integer, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    # What jobs have cost, by the hour of `coalesce(submitted_at, created_at)`; `billing.py` has the rules.
    Column("service", Text, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("jobs", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in AMOUNTS),
)

pictures = Table(
    "pictures",
    metadata,
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Index("pictures_by_content", "sha256"),
    Index("pictures_by_size", "width", "height", "job_number"),
)


def _entry(row: str, sign: str) -> str:
    """Adds a job to the ledger (`sign` is "+"), or takes it away again ("-")."""
    sums = ", ".join(f"{name} = {name} {sign} excluded.{name}" for name in ("jobs", *AMOUNTS))
    values = ", ".join(amount(name, row) for name in AMOUNTS)
    names = ", ".join(AMOUNTS)
    hour = HOUR.format(row=row)
    return (
        f"INSERT INTO ledger (service, hour, jobs, {names}) VALUES ({row}.service, {hour}, 1, {values})"  # noqa: S608 - our own names
        f" ON CONFLICT (service, hour) DO UPDATE SET {sums};"
    )


def _differs() -> str:
    """Whether a change of a job may change the ledger; most steps of a job do not, and it is quickly seen."""
    columns = (
        "service",
        "task_id",
        "price",
        "reserved_credits",
        "final_credits",
        "submitted_at",
        "created_at",
    )
    plain = [f"OLD.{name} IS NOT NEW.{name}" for name in columns]
    # The rules ask of a status only whether it is final, and which final one it is.
    ended = f"OLD.status != NEW.status AND ({IS_FINAL.format(row='OLD')} OR {IS_FINAL.format(row='NEW')})"
    return " OR ".join([*plain, f"({ended})"])


TRIGGERS = (
    """CREATE TRIGGER picture_came AFTER INSERT ON pictures BEGIN
        UPDATE jobs SET pictured = 1 WHERE number = NEW.job_number AND pictured = 0;
    END""",
    """CREATE TRIGGER picture_went AFTER DELETE ON pictures BEGIN
        UPDATE jobs SET pictured = EXISTS (SELECT 1 FROM pictures WHERE job_number = OLD.job_number)
        WHERE number = OLD.job_number;
    END""",
    """CREATE TRIGGER mark_came AFTER INSERT ON marks BEGIN
        UPDATE jobs SET hidden = NEW.hidden WHERE number = NEW.job_number AND hidden != NEW.hidden;
        UPDATE jobs SET rating = NEW.rating WHERE number = NEW.job_number AND rating != NEW.rating;
    END""",
    """CREATE TRIGGER mark_went AFTER DELETE ON marks BEGIN
        UPDATE jobs SET hidden = 0 WHERE number = OLD.job_number AND hidden = 1;
        UPDATE jobs SET rating = 0 WHERE number = OLD.job_number AND rating != 0;
    END""",
    """CREATE TRIGGER job_listed AFTER UPDATE OF pictured, hidden, service ON jobs
    WHEN NEW.pictured OR OLD.pictured BEGIN
        UPDATE tallies SET jobs = jobs - 1 WHERE OLD.pictured AND service = OLD.service
            AND settings_id = OLD.settings_id AND hidden = OLD.hidden;
        INSERT INTO tallies (service, settings_id, hidden, jobs)
            SELECT NEW.service, NEW.settings_id, NEW.hidden, 1 WHERE NEW.pictured
            ON CONFLICT (service, settings_id, hidden) DO UPDATE SET jobs = jobs + 1;
    END""",
    f"CREATE TRIGGER job_came AFTER INSERT ON jobs BEGIN {_entry('NEW', '+')} END",
    f"""CREATE TRIGGER job_changed AFTER UPDATE OF
        service, status, task_id, price, reserved_credits, final_credits, submitted_at, created_at ON jobs
    WHEN {_differs()} BEGIN {_entry("OLD", "-")} {_entry("NEW", "+")} END""",
)
"""They keep `pictured`, `hidden`, `rating` and the sums as they should be. No job is ever deleted."""

for _trigger in TRIGGERS:
    event.listen(metadata, "after_create", DDL(_trigger))  # type: ignore[no-untyped-call]

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", Text),
    Column("service", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("axes", Text, nullable=False),
    # What was asked, as JSON (`planning/ask.py` has its form).
    Column("ask", Text),
    # The limits of a deferred run: what its own jobs may cost altogether, and how many are worked on at a time.
    Column("max_credits", Integer),
    Column("max_parallel", Integer),
    # A number that a user has typed once must never come to mean another run.
    sqlite_autoincrement=True,
)

run_jobs = Table(
    "run_jobs",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("job_number", ForeignKey("jobs.number"), nullable=False, index=True),
    Column("coordinates", Text, nullable=False),
    Column("reused", Boolean, nullable=False),
    # The facts of the place (`facts.py`).
    Column("facts_id", Integer),
    Index("run_jobs_by_facts", "facts_id", "job_number", "run_id", sqlite_where=text("facts_id IS NOT NULL")),
)

uploads = Table(
    "uploads",
    metadata,
    Column("service", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("file_id", Text),
    Column("duration_token", Text),
)

marks = Table(
    "marks",
    metadata,
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("rating", Integer, nullable=False),
    Column("favourite", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    # The reason why the pictures count in no figure; empty where they count.
    Column("excluded", Text, nullable=False, server_default=""),
    Index("marks_excluded", "job_number", sqlite_where=text("excluded != ''")),
)

tags = Table(
    "tags",
    metadata,
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Index("tags_by_name", "tag", "job_number"),
)

mark_steps = Table(
    "mark_steps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("what", Text, nullable=False),
    Column("owner", String(64), nullable=False),
)

mark_changes = Table(
    "mark_changes",
    metadata,
    Column("step_id", ForeignKey("mark_steps.id", ondelete="CASCADE"), primary_key=True),
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("before", Text, nullable=False),
)

durations = Table(
    "durations",
    metadata,
    # In the order in which they were added.
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("service", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("submitted_at", Float, nullable=False),
    Column("least", Float, nullable=False),
    Column("most", Float, nullable=False),
    Index("durations_by_kind", "service", "model", "kind"),
)

limits = Table(
    "limits",
    metadata,
    Column("service", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("rate", Float),
    Column("places", Float),
    Column("found_at", Float, nullable=False),
)

limit_members = Table(
    "limit_members",
    metadata,
    Column("service", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("member", String(64), primary_key=True),
    Column("wanted", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("seen_at", Float, nullable=False),
)

panel_states = Table(
    "panel_states",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("saved_at", Float, nullable=False),
)


def create(connection: Connection) -> None:
    """Make all tables in an empty database."""
    metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def is_made(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the database has its tables; False where it is empty.

    Raises:
        StoreError: it is of a newer version, of an earlier development state, or of something else.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    found = set(connection.execute(_COLUMNS).fetchall())
    if application == APPLICATION_ID and version > VERSION:
        raise StoreError(
            f"{path} was written by a newer rivya_nb (version {version}, known here is {VERSION}); nothing was "
            "changed. Upgrade rivya-nb or use another folder (store=…)."
        )
    if not found or (application == APPLICATION_ID and found >= _expected()):
        return bool(found)
    if found >= _OURS:
        raise StoreError(
            f"{path} was written by an unreleased development state of rivya_nb, which this version cannot read; "
            f"nothing was changed: move the folder {path.parent} away, or name another one with store=…."
        )
    raise StoreError(f"{path} is not a database of rivya_nb; name another folder with store=….")


_COLUMNS = (
    "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
    # A virtual table has no page, and cannot be looked at where SQLite lacks its module.
    " WHERE tables.type = 'table' AND tables.rootpage > 0"
)
_OURS = {("run_jobs", "run_id"), ("run_jobs", "coordinates")}
"""What every development state had."""


def _expected() -> set[tuple[str, str]]:
    """Each table with its columns, also of the modules that have tables of their own."""
    return {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
