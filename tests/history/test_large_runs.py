"""Runs of more jobs than anyone looks at one by one: what is shown of them, and what a change costs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from store.filling import a_job, done

import rivya_nb as rv
from history.conftest import picture
from rivya_nb.errors import UsageError
from rivya_nb.session.showing import live
from rivya_nb.session.showing.looks import Bundle
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, PictureRecord
from rivya_nb.views.tally import Count

SEEDS, LIGHTS = 40, 25
JOBS = SEEDS * LIGHTS


def large_run(session: rv.Session, make: Callable[[int, dict[str, Any]], JobRecord]) -> rv.Run:
    """A run of a thousand jobs on two axes."""
    axes = [
        AxisRecord("seed", tuple(map(str, range(SEEDS)))),
        AxisRecord("light", tuple(map(str, range(LIGHTS)))),
    ]
    jobs = [make(number, {"seed": number // LIGHTS}) for number in range(JOBS)]
    cells = [CellRecord(job.id, divmod(number, LIGHTS)) for number, job in enumerate(jobs)]
    record = session.store.asking.add_run(
        name=None, service=session.service, axes=axes, cells=cells, jobs=jobs
    )
    assert record is not None
    return session.live_records.run(record)


@pytest.fixture
def finished(session: rv.Session) -> rv.Run:
    """One job in fifty has failed, for one of two reasons."""
    known = [picture(session, number) for number in range(40)]

    def make(number: int, params: dict[str, Any]) -> JobRecord:
        if number % 50 == 49:
            why = "generation_failed" if number % 100 == 49 else "content_rejected"
            return a_job(params=params, status="failed", error_code=why, final_credits=0, finished_at=1010.0)
        return done(
            params=params, pictures=(known[number % 40],), final_credits=12, finished_at=1000.0 + number
        )

    return large_run(session, make)


@pytest.fixture
def planned(session: rv.Session) -> rv.Run:
    return large_run(session, lambda _, params: a_job(params=params))


def pictures_in(html: str) -> int:
    return html.count("data:image/webp")


def test_a_large_run_is_a_map_a_page_of_pictures_and_its_reasons(finished: rv.Run) -> None:
    look = finished.look()
    html = look["text/html"]
    assert len(html.encode()) < 250_000
    assert pictures_in(html) == 24
    assert html.count("<td") < 100
    for words in (
        "980 of 1,000 pictures · 20 failed",
        "✓ 980 succeeded, ✕ 20 failed",
        "10 failed · content_rejected",
        "10 failed · generation_failed",
        "pictures 1–24 of 980",
        f"rv.runs({finished.id}).page(2)",
        f"rv.connect(…).retry({finished.id})",
    ):
        assert words in html
    assert "10 failed · content_rejected" in finished.text()
    assert finished.text().count("\n") < 15


def test_the_pages_of_a_run_have_all_its_pictures_once(finished: rv.Run) -> None:
    first, last = finished.page(1), finished.page(41)
    assert [job.id for job in first] == [job.id for job in finished if job.record.pictures][:24]
    assert len(last) == 980 - 40 * 24
    assert f"rv.runs({finished.id}).page(3)" in finished.page(2)._repr_mimebundle_()["text/html"]
    with pytest.raises(UsageError, match="there is no page 42; there are pages 1 to 41"):
        finished.page(42)


def test_the_viewer_of_a_large_run_holds_a_page_of_it(finished: rv.Run) -> None:
    viewer = finished.view()
    assert len(viewer._scene["cells"]) <= 60


def test_a_large_grid_is_a_sample_and_says_how_to_see_the_rest(finished: rv.Run) -> None:
    look = finished.grid(rows="light")._repr_mimebundle_()
    assert pictures_in(look["text/html"]) <= 200
    assert len(look["text/html"].encode()) < 1_000_000
    for told in look.values():
        assert "a sample: 8 of 40 columns" in told
        assert "writes the whole grid" in told
    assert "980 of 1,000 pictures" in look["text/plain"]


def test_a_change_of_one_job_is_counted_alone(planned: rv.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    planned.line()
    counted: list[str] = []
    add = Count.add

    def spy(count: Count, job: JobRecord, *, reused: bool) -> None:
        counted.append(job.id)
        add(count, job, reused=reused)

    monkeypatch.setattr(Count, "add", spy)
    job = planned.jobs[7]
    job.live.changed(replace(job.record, status="failed", error_code="generation_failed"))
    for _ in range(3):
        assert planned.line().startswith("0 of 1,000 pictures · 1 failed")
        assert "1 failed · generation_failed · seed: 0 · light: 7" in planned.look()["text/html"]
    assert counted == [job.id]


def test_what_changes_back_leaves_no_trace_in_the_sums(planned: rv.Run) -> None:
    before = planned.look()
    job = planned.jobs[0]
    record = job.record
    picture = PictureRecord("0" * 64, "image/png", 8, 8, 8)
    for changes in (
        {"status": "failed", "error_code": "x", "final_credits": 0},
        {"status": "unknown", "reserved_credits": 12},
        {"status": "succeeded", "pictures": (picture,), "submitted_at": 1001.0, "finished_at": 1002.0},
    ):
        job.live.changed(replace(record, **changes))
        assert planned.look()["text/html"] != before["text/html"]
    job.live.changed(record)
    assert planned.standing.tally(2000.0, live=True).left is None
    assert planned.standing.troubles() == []
    assert planned.standing.pictured() == 0


def test_a_retried_place_is_shown_by_its_newer_job(finished: rv.Run, session: rv.Session) -> None:
    failed = finished.jobs[49].record
    cell = CellRecord((again := a_job(params={"seed": 1}, status="queued")).id, divmod(49, LIGHTS))
    session.store.asking.extend_run(finished.record, cells=[cell], jobs=[again])
    run = session.run(finished.id)
    assert run is finished
    assert run.jobs[49].id == again.id
    assert "19 failed · 1 queued" in run.line()
    # It came after all, in another kernel: both stand in their place.
    run.jobs_by_id[failed.id].live.record = replace(failed, status="undelivered")
    assert "19 failed" in run.line()
    assert {job.id for job in run.jobs} >= {failed.id, again.id}


class _Shown:
    """What a cell has received, by display id, as (update, look)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[str, bool, Bundle]] = []
        monkeypatch.setattr(live, "executing_cell", lambda: "the cell")
        monkeypatch.setattr(live, "publish", self._publish)

    def _publish(self, look: Bundle, display_id: str, *, update: bool) -> None:
        self.sent.append((display_id, update, look))

    def of(self, display_id: str) -> list[Bundle]:
        return [look for each, _, look in self.sent if each == display_id]


def follow(run: rv.Run, change: Callable[[], None]) -> None:
    """Show a run that works, change it while it is shown, and wait until its end is shown."""
    jobs = run.jobs
    for job in jobs:
        job.live.is_working = True
    run.show()

    async def work() -> None:
        await asyncio.sleep(0)
        change()
        for job in jobs:
            job.live.is_working = False
        jobs[0].live.changed()
        await run._display.finished()

    run.work_loop.start(work()).result(timeout=60)


def test_a_cell_gets_a_large_run_in_two_parts_within_few_bytes(
    session: rv.Session, planned: rv.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _Shown(monkeypatch)
    known = picture(session, 3)

    def change() -> None:
        for job in planned.jobs[:30]:
            job.live.changed(replace(job.record, status="succeeded", pictures=(known,), finished_at=1005.0))

    follow(planned, change)
    displays = list(dict.fromkeys(display for display, _, _ in shown.sent))
    assert len(displays) == 2
    assert [update for _, update, _ in shown.sent[:2]] == [False, False]
    assert all(update for _, update, _ in shown.sent[2:])
    overview, strip = (shown.of(display)[-1]["text/html"] for display in displays)
    assert "30 of 1,000 pictures · 970 planned" in overview
    assert pictures_in(overview) == 0
    assert len(overview.encode()) < 30_000
    assert pictures_in(strip) == 24
    assert "pictures 1–24 of 30" in strip


def test_a_part_that_has_not_changed_is_not_sent_again(
    planned: rv.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _Shown(monkeypatch)
    follow(planned, lambda: None)
    strip = [display for display, _, _ in shown.sent][1]
    assert len(shown.of(strip)) == 1


def test_a_run_follows_with_one_listener_and_leaves_none(planned: rv.Run) -> None:
    heard: list[None] = []
    with planned.followed(lambda: heard.append(None)):
        planned.jobs[3].live.changed()
        planned.jobs[4].live.changed()
    planned.jobs[3].live.changed()
    assert len(heard) == 2


def test_a_plan_of_many_says_numbers_and_a_sample(session: rv.Session) -> None:
    sorts = "|".join(f"sort {number} " + "long " * 100 for number in range(100))
    plan = rv.plan(f"A bottle, {{{sorts}}}", seed=range(1, 101), resolution="1K")
    look = plan._repr_mimebundle_()
    assert all(len(told.encode()) < 100_000 for told in look.values())
    for told in look.values():
        assert "10,000 pictures · 120,000 credits · nothing is sent yet" in told
        assert "1, 2, 3, 4, 5, 6, 7, 8 … 100" in told
        assert "for example" in told


def test_a_plan_of_more_than_a_hundred_thousand_is_refused(session: rv.Session) -> None:
    with pytest.raises(UsageError, match="120,000 requests are too many for one plan; 100,000 are allowed"):
        rv.plan("A {x|y|z} jar", seed=range(10_000), aspect_ratio=["1:1", "16:9", "4:3", "3:4"])


def test_each_request_of_a_plan_is_hashed_once(session: rv.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    sha256 = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda data: hashed.append(data) or sha256(data))  # type: ignore[func-returns-value]
    rv.plan("A {x|y} jar", seed=range(50))
    assert len(hashed) == 100
