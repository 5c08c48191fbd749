"""Runs and jobs: what is stored is what comes back, in this process and the next."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store.columns import LONGEST_NAME
from rivya_nb.store.records import (
    FINAL,
    STATUSES,
    UNFINISHED,
    AxisRecord,
    CellRecord,
    JobRecord,
    Spent,
    planned_job,
)
from rivya_nb.store.store import Store
from rivya_nb.store.uploads import UploadRecord

from .filling import PICTURE, a_job, add, done, ids, kept

text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.one_of(st.integers(), text, st.floats(allow_nan=False, allow_infinity=False))
# Longer ones are refused.
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=LONGEST_NAME)
big = st.integers(0, 2**31)
references = st.builds(Reference, text, text, text, text, big)
requests = st.builds(
    Request, names, text, st.dictionaries(names, values), st.tuples(references) | st.just(()), st.none() | big
)
whatever_happened = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES)},
    optional={
        "body": text,
        "error_message": text,
        "request_id": text,
        "remote_status": text,
        "submitted_at": st.floats(0, 1e12),
        "final_credits": big,
        "pictures": st.lists(st.just(PICTURE), max_size=3).map(tuple),
    },
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests, changes=whatever_happened)
def test_a_job_comes_back_as_it_was_stored(store: Store, request: Request, changes: dict[str, Any]) -> None:
    job = replace(planned_job(request, "sandbox", 12.5), owner="somebody", asked_by="ada", **changes)
    add(store, job)
    stored = store.job(job.id)
    assert stored == job
    assert stored.request == request
    assert stored.request.identity == job.identity


def test_a_planned_job_has_a_key_of_its_own_and_keeps_the_requests_price() -> None:
    request = Request("m", "a cat", {"seed": 3}, (), 12)
    first, second = planned_job(request, "sandbox", 1.0), planned_job(request, "sandbox", 1.0)
    assert first.id != second.id
    assert (first.identity, first.seed, first.price, first.status) == (request.identity, 3, 12, "planned")


def test_every_status_is_either_final_or_not() -> None:
    assert set(STATUSES) == FINAL | UNFINISHED
    assert not FINAL & UNFINISHED
    assert [a_job(status=status).is_final for status in ("queued", "unknown")] == [False, True]


@pytest.mark.parametrize(
    ("status", "reserved", "final", "cost"),
    [
        ("planned", None, None, 0),
        ("queued", 12, 0, 12),
        ("succeeded", 12, 10, 10),
        ("undelivered", 12, None, 12),
        ("unknown", None, None, 0),
        ("failed", 12, 12, 0),
        ("stopped", 12, None, 0),
    ],
)
def test_credits_are_reserved_ones_until_the_end_and_none_for_what_failed(
    store: Store, status: str, reserved: int | None, final: int | None, cost: int
) -> None:
    job = a_job(status=status, reserved_credits=reserved, final_credits=final)
    add(store, job)
    assert job.credits == cost
    assert store.spent("sandbox").credits == cost


@pytest.mark.parametrize(
    ("status", "task", "reserved", "spent"),
    [
        ("queued", "t", None, Spent(12, 12, costs_about=True)),
        ("undelivered", "t", None, Spent(12, 12, costs_about=True)),
        ("unknown", None, None, Spent(0, 0, perhaps_billed=12)),
        ("unknown", "t", None, Spent(12, 0, perhaps_billed=12)),
        ("unknown", "t", 7, Spent(7, 0, perhaps_billed=7)),
        ("failed", "t", None, Spent(0)),
    ],
)
def test_what_may_be_billed_is_no_certain_cost_and_counts_against_a_limit(
    store: Store, status: str, task: str | None, reserved: int | None, spent: Spent
) -> None:
    job = a_job(status=status, task_id=task, reserved_credits=reserved, price=12)
    add(store, job)
    assert store.spent("sandbox") == Spent.by([job]) == spent
    assert job.committed == spent.certain_credits + spent.perhaps_billed
    assert job.credits_known == (not spent.costs_about and status != "unknown")


def test_spending_is_counted_by_service_and_from_a_moment_on(store: Store) -> None:
    add(store, done(final_credits=5, submitted_at=10.0), done(final_credits=7, submitted_at=20.0))
    add(store, done(final_credits=100, submitted_at=20.0, service="https://rivya.ai"))
    assert store.spent("sandbox").credits == 12
    assert store.spent("sandbox", since=20.0).credits == 7
    assert store.spent("nowhere").credits == 0


def test_runs_are_there_after_reopening_newest_first(folder: Path) -> None:
    store = Store.open(folder)
    jobs = [a_job(params={"seed": seed}) for seed in (1, 2)]
    axes = (AxisRecord("seed", ("1", "2")), AxisRecord("prompt", ("a cat",)))
    cells = tuple(CellRecord(job.id, (place, 0)) for place, job in enumerate(jobs))
    first = store.asking.add_run(name="cats", service="sandbox", axes=axes, cells=cells, jobs=jobs)
    again = CellRecord(jobs[1].id, (0,), reused=True)
    second = store.asking.add_run(name=None, service="sandbox", axes=axes[:1], cells=[again], jobs=[])
    store.close()

    reopened = Store.open(folder)
    assert (first.id, second.id) == (1, 2)
    assert reopened.runs.get(1) == first
    assert reopened.runs.newest() == [second, first]
    assert (reopened.runs.newest(limit=1), reopened.runs.newest(limit=5, offset=1)) == ([second], [first])
    assert reopened.runs.get(1).cells == cells
    reopened.close()


def test_an_unknown_run_is_answered_with_the_runs_there_are(store: Store) -> None:
    with pytest.raises(UsageError, match="no run 7; this store has no runs yet"):
        store.runs.get(7)
    add(store, a_job())
    add(store, a_job())
    for unknown in (7, 2**70):
        with pytest.raises(UsageError, match=f"no run {unknown}; this store has runs 1 to 2"):
            store.runs.get(unknown)


def test_a_run_that_cannot_be_stored_whole_leaves_nothing(store: Store) -> None:
    good = a_job()
    with pytest.raises(StoreError, match="no job nobody"):
        store.asking.add_run(
            name=None,
            service="sandbox",
            axes=(),
            cells=[CellRecord(good.id, (0,)), CellRecord("nobody", (1,))],
            jobs=[good],
        )
    with pytest.raises(StoreError):
        add(store, good, good)
    assert store.runs.newest() == []
    assert store.jobs([good.id]) == {}


def test_a_run_is_extended_after_what_it_has(store: Store) -> None:
    first, second, third = (a_job(params={"seed": seed}) for seed in range(3))
    run = add(store, first)
    other = add(store, second)
    cells = (CellRecord(third.id, (0,)), CellRecord(second.id, (1,), reused=True))
    extended = store.asking.extend_run(run, cells=cells, jobs=[third])
    assert extended is not None
    assert extended == store.runs.get(run.id) == replace(run, cells=run.cells + cells)
    assert store.runs.of([second.id]) == [other, extended]
    assert store.runs.of([first.id, third.id]) == [extended]
    assert store.runs.of(["nobody"]) == []


def test_an_extension_that_cannot_be_stored_whole_leaves_nothing(store: Store) -> None:
    run, new = add(store, a_job()), a_job()
    with pytest.raises(StoreError, match="no job nobody"):
        store.asking.extend_run(run, cells=[CellRecord("nobody", (1,))], jobs=[new])
    assert store.runs.get(run.id) == run
    assert store.jobs([new.id]) == {}


def test_a_run_that_somebody_else_extended_is_left_alone(store: Store) -> None:
    run, new = add(store, a_job()), a_job()
    assert store.asking.extend_run(run, cells=[CellRecord(new.id, (1,))], jobs=[new]) is not None
    late = a_job()
    assert store.asking.extend_run(run, cells=[CellRecord(late.id, (1,))], jobs=[late]) is None
    assert store.jobs([late.id]) == {}


def test_a_run_of_many_jobs_is_stored_and_found(store: Store) -> None:
    jobs = [a_job(params={"seed": seed}) for seed in range(1201)]
    run = add(store, *jobs)
    assert [cell.job_id for cell in store.runs.get(run.id).cells] == ids(jobs)
    assert list(store.jobs(reversed(ids(jobs)))) == ids(jobs)[::-1]
    assert len(store.claims.claim(ids(jobs))) == 1201


def test_a_job_changes_and_ends_with_its_pictures(store: Store) -> None:
    job = a_job()
    add(store, job)
    store.update_job(job.id, status="queued", task_id="task_1", reserved_credits=12)
    assert store.unfinished("sandbox") == [store.job(job.id)]
    assert store.unfinished("https://rivya.ai") == []
    pictures = (kept(store, b"first"), kept(store, b"second"))
    assert store.finish_job(job.id, pictures[:1], status="undelivered")
    assert store.finish_job(job.id, pictures, status="succeeded", final_credits=11)
    ended = store.job(job.id)
    assert (ended.status, ended.task_id, ended.credits, ended.pictures) == (
        "succeeded",
        "task_1",
        11,
        pictures,
    )
    assert store.unfinished() == []
    assert store.finish_job(job.id, [])
    assert store.job(job.id) == replace(ended, pictures=())


def test_a_job_that_is_not_there_is_not_changed_silently(store: Store) -> None:
    with pytest.raises(StoreError, match="no job gone"):
        store.update_job("gone", status="queued")
    with pytest.raises(StoreError, match="no job gone"):
        store.finish_job("gone", [], status="succeeded")
    with pytest.raises(StoreError, match="no job gone"):
        store.job("gone")


def test_many_threads_write_at_once(store: Store) -> None:
    jobs = [a_job(params={"seed": seed}) for seed in range(12)]
    add(store, *jobs)
    errors: list[BaseException] = []

    def work(job: JobRecord) -> None:
        try:
            for count in range(1, 21):
                store.update_job(job.id, reserved_credits=count)
                assert store.job(job.id).reserved_credits == count
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.spent("sandbox").credits == 12 * 20


def test_an_upload_is_remembered_by_service_model_and_content(store: Store) -> None:
    first = UploadRecord("sandbox", "m", "ab", "http://127.0.0.1/1", 1.0)
    later = replace(first, url="http://127.0.0.1/2", created_at=2.0, file_id="file_2")
    assert store.uploads.get("sandbox", "m", "ab") is None
    store.uploads.add(first)
    store.uploads.add(later)
    assert store.uploads.get("sandbox", "m", "ab") == later
    assert store.uploads.get("sandbox", "other", "ab") is None
    assert store.uploads.get("https://rivya.ai", "m", "ab") is None


def test_a_closed_store_says_so(folder: Path) -> None:
    store = Store.open(folder)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.runs.newest()
    with pytest.raises(StoreError, match="closed"):
        store.update_job("x", status="queued")
