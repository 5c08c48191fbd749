"""The server keeps the plans of what is written by keys, for a while, and plans what is read each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from servers import PostgresqlServer
from sqlalchemy import text

from rivya_nb.store.postgresql import database
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import a_job, add

_KEPT = "SELECT name, statement, cardinality(parameter_types) AS needed FROM pg_prepared_statements"


@pytest.fixture
def one(postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with one connection, so that it is known which one keeps plans."""
    monkeypatch.setattr(database, "CONNECTIONS", 1)
    address = postgresql.new_store()
    with postgresql.connect(address.database) as admin:
        admin.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
    with closing(Store.open(address)) as store:
        yield store
    postgresql.drop(address)


def step(store: Store, job_id: str, times: int = 10) -> None:
    for _ in range(times):
        store.update_job(job_id, status="processing")


def plan_of_a_step(store: Store) -> str:
    """How the server changes a job by what it keeps."""
    with store.database.writing() as connection:
        (kept,) = [row for row in connection.execute(text(_KEPT)) if row.statement.startswith("UPDATE jobs")]
        given = ", ".join(["NULL"] * kept.needed)
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        return "\n".join(connection.execute(text(f'EXPLAIN EXECUTE "{kept.name}"({given})')).scalars())


def test_what_is_written_is_planned_once_and_what_is_read_each_time(one: Store) -> None:
    job = a_job()
    add(one, job)
    step(one, job.id)
    for _ in range(10):
        one.history(Question())
        one.jobs([job.id])
    with one.database.writing() as connection:
        kept = [row.statement for row in connection.execute(text(_KEPT))]
    assert any(statement.startswith("UPDATE jobs") for statement in kept)
    assert not any("jobs.params" in statement for statement in kept)


def test_a_plan_for_a_small_table_is_not_kept_for_a_large_one(
    one: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_KEPT", 0.0)
    job = a_job()
    add(one, job)
    with one.database.changing() as connection:
        connection.execute(text("ANALYZE jobs"))
    step(one, job.id)
    assert "Seq Scan on jobs" in plan_of_a_step(one)
    add(one, *(a_job(params={"seed": seed}) for seed in range(2, 1000)))
    assert "Index Scan using jobs_id_key" in plan_of_a_step(one)
