"""The tables of version 1, the one of release 0.1.0, and how a database says that it has them.

A database of ours has `APPLICATION_ID` and its version in its header (SQLite's `application_id` and
`user_version`). Stores of earlier development states have neither, or lack a column, and are refused.

Jobs have a number beside their id: it is the order in which they were asked for, which is what *newest*
means here, and it keeps the tables that point at jobs small. `settings` and `prompts` repeat what jobs say in a
form that can be searched; what many jobs share is there once. `pictured` says whether a job has rows in
`pictures`: the history lists only such jobs, and its indexes hold no others. `hidden` and `rating` repeat the
marks.

`tallies`, `ledger` and `commitments` are sums over jobs, so that no count and no bill has to read them all.
Triggers keep them (each database has its own): whatever writes a job, they are right in the same transaction.
"""

from __future__ import annotations

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
    TextClause,
    event,
    false,
    text,
)

from rivya_nb.store.billing import AMOUNTS, COMMITMENTS
from rivya_nb.store.columns import Name, Number, Words

VERSION = 1

APPLICATION_ID = 0x52565941
"""`RVYA` in ASCII."""

metadata = MetaData()

prompts = Table(
    "prompts",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # As `rows.searchable` gives them.
    Column("words", Words, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
)

settings = Table(
    "settings",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("model", Name, nullable=False),
    # As `job_settings.py` writes them.
    Column("content", Words, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Index("settings_by_model", "model"),
)

setting_params = Table(
    "setting_params",
    metadata,
    Column("settings_id", ForeignKey("settings.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("value", Words, nullable=False),
    Index("setting_params_by_value", "key", "value").ddl_if(dialect="sqlite"),
)

_ASKED = (
    "created_at",
    "hidden",
    "service",
    "asked_by",
    "seed",
    "seed_number",
    "settings_id",
    "prompt_id",
    "pictured",
)


ONLY = "only"
"""The note of an index that says which rows it has on PostgreSQL.

To be told at once, SQLAlchemy would import its part for PostgreSQL, which no store in a folder needs.
"""


@event.listens_for(metadata, "before_create")
def _tell_which_rows(_: MetaData, connection: Connection, **_more: object) -> None:
    if connection.dialect.name == "postgresql":
        for table in metadata.tables.values():
            for index in table.indexes:
                if ONLY in index.info:
                    index.dialect_options["postgresql"]["where"] = text(index.info[ONLY])


def _listed(name: str, *columns: str | TextClause) -> list[Index]:
    """An index of the jobs with pictures; SQLite's has all that the history asks for."""
    more = [each for each in (*_ASKED, "id") if each not in map(str, columns)]
    whole = Index(name, *columns, *more, **_only("pictured = 1"))
    return [
        whole.ddl_if(dialect="sqlite"),
        Index(name, *columns, **_only("pictured")).ddl_if(dialect="postgresql"),
    ]


def _only(sqlite: str, postgresql: str = "") -> Any:
    """Options of an index that has only those rows; SQLite uses one only for a condition in the same words."""
    return {"sqlite_where": text(sqlite), "info": {ONLY: postgresql or sqlite}}


def _shard() -> Column[int]:
    """A part of a sum: on PostgreSQL each connection adds to rows of its own, so that none waits for another."""
    return Column("shard", Number, primary_key=True, autoincrement=False, server_default=text("0"))


jobs = Table(
    "jobs",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("service", Name, nullable=False),
    Column("model", Words, nullable=False),
    Column("prompt", Words, nullable=False),
    Column("params", Words, nullable=False),
    Column("references", Words, nullable=False),
    Column("identity", String(64), nullable=False),
    Column("seed", Words),
    # By which seeds are ordered, as `rows.seed_number` gives it; what has none comes last.
    Column("seed_number", Number, nullable=False),
    Column("price", Number),
    # Whether it may cost more than that, as what is metered does.
    Column("price_is_least", Boolean, nullable=False, server_default=false()),
    # What its model makes: a picture, a video or a sound.
    Column("makes", String(16), nullable=False, server_default="image"),
    Column("status", String(16), nullable=False),
    Column("task_id", Words),
    Column("reserved_credits", Number),
    Column("final_credits", Number),
    Column("body", Words),
    Column("remote_status", Words),
    Column("error_code", Words),
    Column("error_message", Words),
    Column("request_id", Words),
    Column("created_at", Float, nullable=False),
    Column("submitted_at", Float),
    Column("finished_at", Float),
    Column("owner", String(64)),
    Column("deleted_at", Float),
    Column("pictured", Boolean, nullable=False, server_default=false()),
    Column("hidden", Boolean, nullable=False, server_default=false()),
    Column("rating", Integer, nullable=False, server_default=text("0")),
    Column("prompt_id", Number),
    Column("settings_id", Number),
    # The run that leaves it to a worker, until it has ended.
    Column("deferred", Number),
    Column("replicate", Integer, nullable=False, server_default=text("1")),
    # The user who asked for it, as `users.py` gives the name; empty where that is not known.
    Column("asked_by", Name, nullable=False, server_default=""),
    # The tag of the key with which it was sent: another key may neither see that nor repeat it.
    Column("sent_with", String(16), nullable=False, server_default=""),
    # When it was asked for last, which is the period of credit limits that it counts in.
    Column("counted_at", Float, nullable=False),
    # No index begins with the service: a store has one or two, so that such an index would only lure a query
    # planner away from the order that the newest page wants.
    Index("jobs_by_status", "status"),
    Index("jobs_by_identity", "identity", "service"),
    Index("jobs_by_time", text("coalesce(submitted_at, created_at)")),
    Index("jobs_with_references", "number", **_only("\"references\" != '[]'")),
    # The few that are not listed are what a count takes away from a list of another table.
    Index("jobs_not_listed", "number", **_only("pictured = 0", "NOT pictured")),
    Index("jobs_hidden", "number", **_only("hidden = 1", "hidden")),
    Index("jobs_deferred", "deferred", **_only("deferred IS NOT NULL")),
    # What the history asks for, whole within SQLite's index: the jobs' rows are ten times as much to read.
    *_listed("jobs_listed", "number"),
    *_listed("jobs_by_settings", "settings_id", "number"),
    *_listed("jobs_by_created", "created_at", "number"),
    *_listed("jobs_by_seed", "seed_number", text("number DESC")),
    *_listed("jobs_by_rating", "rating", "number"),
    *_listed("jobs_by_prompt", "prompt_id", "number"),
    *_listed("jobs_by_asker", "asked_by", "number"),
)

turns = Table(
    "turns",
    metadata,
    # Who stores jobs adds the numbers of their identities, and takes them away again, in the same transaction: no
    # two kernels buy the same at the same time (`writing.take_turns`). So it is empty for everybody else.
    Column("number", Number, primary_key=True, autoincrement=False),
)
# What is here ends with its transaction, and need not be on a disk.
event.listen(
    turns,
    "after_create",
    DDL("ALTER TABLE turns SET UNLOGGED").execute_if(dialect="postgresql"),  # type: ignore[no-untyped-call]
)

tallies = Table(
    "tallies",
    metadata,
    # How many jobs have pictures.
    Column("service", Name, primary_key=True),
    Column("settings_id", Number, primary_key=True),
    Column("hidden", Boolean, primary_key=True),
    _shard(),
    Column("jobs", Number, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    # What jobs have cost, by the hour of `coalesce(submitted_at, created_at)`; `billing.py` has the rules.
    Column("service", Name, primary_key=True),
    Column("hour", Integer, primary_key=True),
    _shard(),
    Column("jobs", Number, nullable=False),
    *(Column(name, Number, nullable=False) for name in AMOUNTS),
)

commitments = Table(
    "commitments",
    metadata,
    # What jobs cost, will cost or may have cost, by the day of `counted_at`; for credit limits.
    Column("asked_by", Name, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    _shard(),
    *(Column(name, Number, nullable=False) for name in COMMITMENTS.names),
)

pictures = Table(
    "pictures",
    metadata,
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("mime_type", Words, nullable=False),
    Column("width", Number, nullable=False),
    Column("height", Number, nullable=False),
    Column("size", Number, nullable=False),
    # Of video and audio, in seconds.
    Column("duration", Float),
    Index("pictures_by_content", "sha256"),
    Index("pictures_by_size", "width", "height", "job_number"),
)


runs = Table(
    "runs",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", Words),
    Column("service", Words, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("axes", Words, nullable=False),
    # What was asked, as JSON (`planning/ask.py` has its form).
    Column("ask", Words),
    # The limits of a deferred run: what its own jobs may cost altogether, and how many are worked on at a time.
    Column("max_credits", Number),
    Column("max_parallel", Integer),
    Column("asked_by", Name, nullable=False, server_default=""),
    Index("runs_by_asker", "asked_by"),
    # A number that a user has typed once must never come to mean another run.
    sqlite_autoincrement=True,
)

run_jobs = Table(
    "run_jobs",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("job_number", ForeignKey("jobs.number"), nullable=False, index=True),
    Column("coordinates", Words, nullable=False),
    Column("reused", Boolean, nullable=False),
    # The facts of the place (`facts.py`).
    Column("facts_id", Number),
    Index("run_jobs_by_facts", "facts_id", "job_number", "run_id", **_only("facts_id IS NOT NULL")),
)

uploads = Table(
    "uploads",
    metadata,
    Column("service", Name, primary_key=True),
    Column("model", Name, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    # The tag of the key, as in `jobs`.
    Column("sent_with", String(16), primary_key=True, server_default=""),
    Column("url", Words, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("file_id", Words),
    Column("duration_token", Words),
)

marks = Table(
    "marks",
    metadata,
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("rating", Integer, nullable=False),
    Column("favourite", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("note", Words, nullable=False),
    # The reason why the pictures count in no figure; empty where they count.
    Column("excluded", Words, nullable=False, server_default=""),
    Index("marks_excluded", "job_number", **_only("excluded != ''")),
    Index("marks_favourite", "job_number", info={ONLY: "favourite"}).ddl_if(dialect="postgresql"),
)

tags = Table(
    "tags",
    metadata,
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("tag", Name, primary_key=True),
    Index("tags_by_name", "tag", "job_number"),
)

mark_steps = Table(
    "mark_steps",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("what", Words, nullable=False),
    Column("owner", String(64), nullable=False),
    # The user whose step it is.
    Column("made_by", Words, nullable=False, server_default=""),
    # It was taken back, but for the changes that it still has: newer ones stand there.
    Column("undone", Boolean, nullable=False, server_default=false()),
)

mark_changes = Table(
    "mark_changes",
    metadata,
    Column("step_id", ForeignKey("mark_steps.id", ondelete="CASCADE"), primary_key=True),
    Column("job_number", ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("before", Words, nullable=False),
)

panel_states = Table(
    "panel_states",
    metadata,
    # The user whose panel it is.
    Column("made_by", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("state", Words, nullable=False),
    Column("saved_at", Float, nullable=False),
)


def create(connection: Connection) -> None:
    """Make all tables in an empty database."""
    metadata.create_all(connection)


def wrong_version(version: int) -> str:
    """What is wrong with a store of another version that cannot be used; what to do follows."""
    if version > VERSION:
        return (
            f"was written by a newer rivya_nb (version {version}, known here is {VERSION}), which lacks something "
            "that is needed here; nothing was changed. Upgrade rivya-nb"
        )
    return (
        f"was written by an earlier rivya_nb (version {version}, and this is {VERSION}), and may only be read, so "
        "that it cannot be upgraded. Open it once where it may be written"
    )


OURS = {("run_jobs", "run_id"), ("run_jobs", "coordinates")}
"""What every development state had."""


def expected() -> set[tuple[str, str]]:
    """Each table with its columns, also of the modules that have tables of their own."""
    return {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
