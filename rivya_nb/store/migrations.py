"""How an older database becomes one of today.

The SQL of a step is written down as text and never changes: what it makes must not follow the tables as they are
today, which later steps have changed further.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row

from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.errors import StoreError
from rivya_nb.store import schema

_AT_ONCE = 1000
"""Jobs that are in memory at a time."""

_TO_2 = (
    "DROP INDEX jobs_by_model",
    "DROP INDEX jobs_by_seed",
    "ALTER TABLE jobs ADD COLUMN deleted_at FLOAT",
    "ALTER TABLE jobs ADD COLUMN pictured BOOLEAN DEFAULT 0 NOT NULL",
    "ALTER TABLE jobs ADD COLUMN prompt_id INTEGER",
    "CREATE TABLE prompts (id INTEGER NOT NULL, words TEXT NOT NULL, PRIMARY KEY (id), UNIQUE (words))",
    "INSERT INTO prompts (words) SELECT prompt_words FROM jobs GROUP BY prompt_words ORDER BY min(number)",
    "UPDATE jobs SET prompt_id = (SELECT id FROM prompts WHERE words = prompt_words),"
    " pictured = number IN (SELECT job_number FROM pictures)",
    "ALTER TABLE jobs DROP COLUMN prompt_words",
    """CREATE INDEX jobs_by_references ON jobs ("references") WHERE "references" != '[]'""",
    "CREATE INDEX jobs_listed ON jobs (number, created_at, service, id, prompt_id, pictured) WHERE pictured = 1",
    "CREATE INDEX jobs_not_listed ON jobs (number) WHERE pictured = 0",
    "CREATE INDEX jobs_by_model ON jobs (model, number, created_at, prompt_id, pictured) WHERE pictured = 1",
    "CREATE INDEX jobs_by_seed ON jobs (seed, number, created_at, prompt_id, pictured) WHERE pictured = 1",
    "CREATE INDEX pictures_by_content ON pictures (sha256)",
    """CREATE TRIGGER picture_came AFTER INSERT ON pictures BEGIN
        UPDATE jobs SET pictured = 1 WHERE number = NEW.job_number AND pictured = 0;
    END""",
    """CREATE TRIGGER picture_went AFTER DELETE ON pictures BEGIN
        UPDATE jobs SET pictured = EXISTS (SELECT 1 FROM pictures WHERE job_number = OLD.job_number)
        WHERE number = OLD.job_number;
    END""",
    """CREATE TABLE marks (
        job_number INTEGER NOT NULL, rating INTEGER NOT NULL, starred BOOLEAN NOT NULL, hidden BOOLEAN NOT NULL,
        note TEXT NOT NULL, PRIMARY KEY (job_number),
        FOREIGN KEY(job_number) REFERENCES jobs (number) ON DELETE CASCADE)""",
    "CREATE INDEX marks_hidden ON marks (job_number) WHERE hidden = 1",
    """CREATE TABLE tags (
        job_number INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (job_number, tag),
        FOREIGN KEY(job_number) REFERENCES jobs (number) ON DELETE CASCADE)""",
    "CREATE INDEX tags_by_name ON tags (tag, job_number)",
    """CREATE TABLE mark_steps (
        id INTEGER NOT NULL, what TEXT NOT NULL, owner VARCHAR(64) NOT NULL, PRIMARY KEY (id))""",
    """CREATE TABLE mark_changes (
        step_id INTEGER NOT NULL, job_number INTEGER NOT NULL, before TEXT NOT NULL,
        PRIMARY KEY (step_id, job_number),
        FOREIGN KEY(step_id) REFERENCES mark_steps (id) ON DELETE CASCADE,
        FOREIGN KEY(job_number) REFERENCES jobs (number) ON DELETE CASCADE)""",
    """CREATE TABLE panel_states (
        name TEXT NOT NULL, state TEXT NOT NULL, saved_at FLOAT NOT NULL, PRIMARY KEY (name))""",
)


def _to_2(connection: Connection) -> None:
    for statement in _TO_2:
        connection.exec_driver_sql(statement)


def _to_3(connection: Connection) -> None:
    """Identities as they are computed since then: prompts that look the same have one.

    Raises:
        StoreError: a job cannot be read.
    """
    for jobs in _all_jobs(connection):
        changed = [(new, job.number) for job in jobs if (new := _identity(job)) != job.identity]
        if changed:
            connection.exec_driver_sql("UPDATE jobs SET identity = ? WHERE number = ?", changed)


def _all_jobs(connection: Connection) -> Iterator[list[Row[Any]]]:
    last = 0
    while jobs := connection.exec_driver_sql(
        'SELECT number, id, model, prompt, params, "references", identity FROM jobs WHERE number > ?'
        " ORDER BY number LIMIT ?",
        (last, _AT_ONCE),
    ).all():
        yield list(jobs)
        last = jobs[-1].number


def _identity(job: Row[Any]) -> str:
    try:
        references = tuple(Reference(**reference) for reference in json.loads(job.references))
        return Request(job.model, job.prompt, json.loads(job.params), references).identity
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"The store cannot be brought up to date: what job {job.id} asked for cannot be read ({error}). "
            "Nothing was changed. Go on with the rivya_nb that wrote it, or use another folder (store=…)."
        ) from None


_STEPS: Mapping[int, Callable[[Connection], None]] = {2: _to_2, 3: _to_3}
"""By version, what makes it of the one before; all in one transaction."""


def migrate(connection: Connection, version: int) -> None:
    """Bring a database of an older `version` up to date; 0 is an empty one."""
    if version == 0:
        schema.metadata.create_all(connection)
    else:
        for target in range(version + 1, schema.VERSION + 1):
            _STEPS[target](connection)
    connection.execute(schema.schema_version.delete())
    connection.execute(schema.schema_version.insert().values(version=schema.VERSION))
