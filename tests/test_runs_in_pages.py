"""`rv.runs()`: all runs as a sequence that is read when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from store.filling import a_job, add, done
from wcwidth import wcswidth

import rivya_nb as rv
from rivya_nb.errors import UsageError
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.runs import PAGE, Runs
from rivya_nb.store.records import CellRecord


@pytest.fixture
def session(tmp_path: Path) -> Iterator[rv.Session]:
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=tmp_path)) as connected:
        yield connected


def filled(session: rv.Session, count: int) -> Runs:
    for number in range(count):
        add(session.store, done(service=session.service, final_credits=7), name=f"n{number + 1}")
    return session.runs()


def test_runs_are_a_sequence_newest_first(session: rv.Session) -> None:
    runs = session.runs()
    assert (len(runs), list(runs), bool(runs)) == (0, [], False)
    assert runs == []
    assert repr(runs) == "no runs yet"
    for name in ("a", "夜の街"):
        add(session.store, done(service=session.service), name=name)
    assert len({wcswidth(line.partition("a cat")[0]) for line in repr(runs).splitlines()}) == 1
    filled(session, 2 * PAGE + 1)
    newest = list(range(2 * PAGE + 3, 0, -1))
    assert [run.id for run in runs] == newest
    assert len(runs) == len(newest)
    for part in (
        slice(2, 5),
        slice(None, None, -1),
        slice(-3, None),
        slice(1, 40, 7),
        slice(5, 2),
        slice(99, 120),
    ):
        assert [run.id for run in runs[part]] == newest[part], part
    assert (runs[0].id, runs[-1].id, runs[3].id) == (newest[0], newest[-1], newest[3])
    assert runs[0] in runs
    assert runs == list(runs)
    assert runs != []
    for outside in (len(newest), -len(newest) - 1, 10**30):
        with pytest.raises(IndexError, match="there are 51 runs"):
            runs[outside]


def test_a_run_that_is_added_while_one_goes_through_them_is_no_reason_to_meet_another_twice(
    session: rv.Session,
) -> None:
    runs = filled(session, PAGE + 2)
    met = []
    for run in runs:
        met.append(run.id)
        add(session.store, done(service=session.service))
    assert met == list(range(PAGE + 2, 0, -1))


def test_a_page_of_runs_says_how_far_each_is(session: rv.Session) -> None:
    filled(session, PAGE)
    service = session.service
    failed = a_job(service=service, status="failed")
    again, waiting = (
        done(service=service, final_credits=7),
        a_job(service=service, status="queued", task_id="t"),
    )
    cells = [CellRecord(failed.id, (0,)), CellRecord(again.id, (0,)), CellRecord(waiting.id, (1,))]
    cells += [replace(cells[1], coordinates=(2,))]
    session.store.asking.add_run(
        name=None, service=service, axes=(), cells=cells, jobs=[failed, again, waiting]
    )
    newest, *others, last = repr(session.runs()).splitlines()
    assert len(others) == PAGE - 1
    assert newest.split()[0] == str(PAGE + 1)
    assert newest.endswith("2 of 3 pictures · 1 not finished · about 19 credits")
    assert last == "1 more; rv.runs().page(2) shows the next 1"
    assert session.runs().text(2).endswith("1 of 1 picture · 7 credits")
    with pytest.raises(UsageError, match="there is no page 3; there are pages 1 to 2"):
        session.runs().text(3)
