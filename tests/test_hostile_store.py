"""A store from somebody else: what is in it is shown as words, whatever it would do to a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from store.filling import a_job, add

import rivya_nb as rv
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.records import STATUSES, CellRecord, Spent
from rivya_nb.store.store import Store

SERVICE = "http://127.0.0.1:9"
HOSTILE = "\x1b[2J\x1b[31mred\x07 \u202eback \u200fmark\r\nline\u2028" + "x" * 5_000


@pytest.fixture
def session(tmp_path: Path) -> Iterator[rv.Session]:
    with closing(Store.open(tmp_path)) as store:
        failed = {
            "status": "failed",
            "error_code": HOSTILE,
            "error_message": HOSTILE,
            "remote_status": HOSTILE,
        }
        job = a_job(HOSTILE, {}, service=SERVICE, **failed)
        store.asking.add_run(
            name=HOSTILE, service=SERVICE, axes=(), cells=[CellRecord(job.id, ())], jobs=[job]
        )
    with closing(rv.connect(DEFAULT_KEY, SERVICE, store=tmp_path)) as connected:
        yield connected


def test_the_list_of_runs_is_a_line_for_each(session: rv.Session) -> None:
    [line] = repr(COMMANDS["runs"].act(())).splitlines()
    assert line.isprintable()
    assert "red" in line
    assert len(line) < 200


def test_what_a_run_and_a_job_say_of_themselves_is_printable(session: rv.Session) -> None:
    [run] = session.runs()
    for text in (
        run.line(),
        run.why(),
        repr(run),
        repr(run[0]),
        run[0].error or "",
        *run.text().splitlines(),
    ):
        assert text.isprintable()


def test_a_cost_is_the_same_for_a_job_and_for_the_whole_store(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        said = itertools.product(STATUSES, (None, "t"), (None, 0, 5), (None, 0, 7), (None, 12))
        jobs = [
            a_job(
                status=status,
                task_id=task,
                reserved_credits=reserved,
                final_credits=final,
                price=price,
                service=str(place),
            )
            for place, (status, task, reserved, final, price) in enumerate(said)
        ]
        for job in jobs:
            add(store, job)
        assert [store.spent(job.service) for job in jobs] == [Spent.by([job]) for job in jobs]
        assert all(job.credits == (job.price or 0) for job in jobs if job.costs_about)
        assert not any(job.costs_about for job in jobs if job.task_id is None or job.status == "failed")
