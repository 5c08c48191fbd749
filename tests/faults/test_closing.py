"""A session that is closed in the middle of its work: nothing begins after that."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing

import pytest
from sandboxes import until

import rivya_nb as rv
from rivya_nb.jobs.collecting import Collector
from rivya_nb.store.limits import LimitBook
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.store import Store

from .place import SMALL, Place, finish


def owners(place: Place) -> set[str | None]:
    with closing(Store.open(place.folder)) as store:
        return {record.owner for record in store.unfinished(place.session.service)}


def test_a_run_that_is_only_about_to_begin_stays_unsent(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go = threading.Event(), threading.Event()
    share = LimitBook.share

    def slow(*args: object) -> object:
        asked.set()
        go.wait(60)
        return share(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(LimitBook, "share", slow)
    run = rv.generate("A bottle", seed=range(3), **SMALL)
    runner = place.session.spending.runner
    assert asked.wait(60)
    closed = place.session.work_loop.start(place.session.aclose())
    until(closed.done, 1)
    go.set()
    closed.result(60)
    # What was still to be done has been done by then.
    assert until(lambda: not place.session.work_loop._working)
    assert [job.live.is_working for job in run] == [False] * 3
    assert not runner._tasks
    assert owners(place) == {None}
    assert place.prices() == []


def test_no_other_job_begins_while_one_does_not_end_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    collecting = threading.Event()

    async def stubborn(*_: object, **__: object) -> None:
        # As `asyncio.wait_for` up to Python 3.11, if its awaitable ends at the same time.
        collecting.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    monkeypatch.setattr(Collector, "collect", stubborn)
    place.session.spending.runner._most_jobs = 1
    run = rv.generate("A bottle", seed=range(5), **SMALL)
    assert collecting.wait(60)
    place.session.close()
    assert [job.live.is_working for job in run] == [False] * 5
    assert not place.session.spending.runner._tasks
    assert len(place.prices()) == 1
    assert owners(place) == {None}


def test_what_was_written_while_other_work_ended_is_in_the_databases_own_file(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, go = threading.Event(), threading.Event()
    end_work = SqliteDatabase.end_work

    def slow(self: SqliteDatabase) -> None:
        if not ending.is_set():
            ending.set()
            go.wait(60)
        end_work(self)

    monkeypatch.setattr(SqliteDatabase, "end_work", slow)
    first = rv.generate("A bottle", seed=1, **SMALL)
    assert ending.wait(60)
    second = rv.generate("A bottle", seed=2, **SMALL)
    assert until(lambda: not second[0].live.is_working)
    go.set()
    finish(first)
    finish(second)
    logs = list(place.folder.glob("*-wal"))
    assert until(lambda: [log.stat().st_size for log in logs] == [0])
