"""Asking how a task is doing, when that goes wrong: a paid task is never given up, and never bought again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

import rivya_nb as rv

from . import proxy
from .place import PRICE, SMALL, Place, check, check_money, finish
from .proxy import POLL, SUBMIT, Fault, Spoil


def with_status(status: object) -> Spoil:
    """The service's answer under another status, and without a result."""

    def change(task: dict[str, Any]) -> dict[str, Any]:
        return {**task, "status": status, "result": None}

    return proxy.changed(change)


OTHER_SHAPE = proxy.changed(lambda task: [task])
NO_URLS = proxy.changed(lambda task: {**task, "result": {"primary_url": None, "urls": []}})
NO_RESULT = proxy.changed(lambda task: {**task, "result": None})


def spoil_polls(place: Place, *faults: Fault) -> None:
    """Whatever the machine does meanwhile, the end is not in the answer to the submit."""
    queued = proxy.changed(lambda task: {**task, "status": "queued", "result": None})
    place.proxy.inject(Fault(SUBMIT, queued), *faults)


@dataclass(frozen=True)
class Case(proxy.Case):
    """A fault of every poll: how the job stands when the time for it is over, and in what words."""

    says: str
    status: str = "queued|processing"
    way_on: str = "resume"


CASES = [
    Case("reset", proxy.reset, "no end after"),
    Case("never answered", proxy.stall, "no end after"),
    Case("500 with HTML", proxy.answers(500), "no end after"),
    Case("502", proxy.answers(502), "no end after"),
    Case("switched off", proxy.refuses(503, "public_api_disabled"), "no end after"),
    Case("JSON cut by the network", proxy.cut, "no end after"),
    Case("JSON cut by the service", proxy.cut_short, "no end after"),
    Case("JSON of another shape", OTHER_SHAPE, "no end after"),
    Case("a task that never ends", with_status("processing"), "no end after", "processing"),
    Case("a status that nobody knows", with_status("on_holiday"), "no end after", "processing"),
    Case("no status", with_status(7), "no end after", "processing"),
    Case("key refused", proxy.refuses(401, "api_key_revoked"), "api_key_revoked: so it is"),
    Case("not found any more", proxy.refuses(404, "not_found"), "not_found: so it is", "unknown"),
    Case("succeeded without urls", NO_URLS, "no address of a picture", "undelivered", "retry"),
    Case("succeeded without a result", NO_RESULT, "no address of a picture", "undelivered", "retry"),
]
PASSING = [case for case in CASES if case.says == "no end after"]
ALONE = [case for case in CASES if case.spoil in proxy.SILENT or case.name == "key refused"]
"""What takes other times than the others, or strikes more than one job."""


@pytest.fixture
def deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rivya_nb.jobs.collecting.DEADLINE", 0.3)


@pytest.mark.usefixtures("deadline")
@pytest.mark.parametrize("case", ALONE, ids=proxy.named)
def test_a_task_whose_end_is_not_seen(case: Case, place: Place) -> None:
    spoil_polls(place, Fault(POLL, case.spoil))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    [job] = run
    assert re.fullmatch(case.status, job.status)
    assert re.search(f"ended without its one picture: [^\n]*{case.says}", seen)
    assert f"rv.{case.way_on}({run.id}) tries again" in seen
    assert place.prices() == [PRICE]
    # Whoever asks tomorrow, in another kernel, is told too; and credits that are reserved count.
    if case not in PASSING:
        assert re.search(case.says, job.error or "")
    assert (job.credits, job.task_id) == (PRICE, place.tasks_by_key()[job.id])
    check(place, run)

    place.proxy.heal()
    on = place.session.retry(run.id) if case.way_on == "retry" else rv.resume(run.id)
    finish(on)
    assert [(job.status, job.error) for job in on] == [("succeeded", None)]
    assert place.proxy.keys == [job.id]
    check(place, on)
    check_money(place, on)


@pytest.mark.usefixtures("deadline")
@pytest.mark.parametrize("way_on", ["resume", "retry"])
def test_tasks_whose_ends_are_not_seen(way_on: str, place: Place) -> None:
    cases = [case for case in CASES if case not in ALONE and case.way_on == way_on]
    each = proxy.Each(cases)
    spoil_polls(place, Fault(POLL, each))
    run = rv.generate("A bottle", seed=range(len(cases)), **SMALL)
    assert f"rv.{way_on}({run.id}) tries again" in finish(run)
    tasks = place.tasks_by_key()
    for job in run:
        case = each.of(job)
        assert re.fullmatch(case.status, job.status), case.name
        told = job.live.notice if case in PASSING else job.error
        assert re.search(case.says, told or ""), case.name
        assert (job.credits, job.task_id) == (PRICE, tasks[job.id]), case.name
    assert place.prices() == [PRICE] * len(cases)
    check(place, run)

    place.proxy.heal()
    on = place.session.retry(run.id) if way_on == "retry" else rv.resume(run.id)
    finish(on)
    assert [(job.status, job.error) for job in on] == [("succeeded", None)] * len(cases)
    assert sorted(place.proxy.keys) == sorted(job.id for job in on)
    check(place, on)
    check_money(place, on)


@pytest.mark.usefixtures("deadline")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (proxy.answers(502), "502"),
        (proxy.refuses(503, "public_api_disabled"), "public_api_disabled: so it is"),
    ],
    ids=["502", "switched off"],
)
def test_a_task_that_cannot_be_asked_for_tells_the_last_reason(spoil: Spoil, said: str, place: Place) -> None:
    spoil_polls(place, Fault(POLL, spoil))
    run = rv.generate("A bottle", seed=1, **SMALL)
    assert re.search(f"no end after [^\n]*{said}", finish(run))


@pytest.mark.usefixtures("deadline")
def test_a_video_is_asked_for_twice_as_long_and_says_so(place: Place) -> None:
    spoil_polls(place, Fault(POLL, with_status("processing")))
    run = rv.generate("Rain", model="grok-imagine-video")
    assert "no end after 0.01 minutes" in finish(run)


@pytest.mark.usefixtures("deadline")
def test_what_went_wrong_once_is_no_reason_at_the_end(place: Place) -> None:
    spoil_polls(place, Fault(POLL, proxy.answers(502), times=1), Fault(POLL, with_status("processing")))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    assert "no end after" in seen
    assert "502" not in seen


@pytest.mark.thorough
@pytest.mark.parametrize("case", [case for case in PASSING if case in ALONE], ids=proxy.named)
def test_a_poll_that_goes_wrong_once(case: Case, patient_place: Place) -> None:
    patient_place.proxy.inject(Fault(POLL, case.spoil, times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)]
    check(patient_place, run)
    check_money(patient_place, run)


def test_polls_that_go_wrong_once(place: Place) -> None:
    cases = [case for case in PASSING if case not in ALONE]
    spoil_polls(place, Fault(POLL, proxy.Each(cases, times=1)))
    run = rv.generate("A bottle", seed=range(len(cases)), **SMALL)
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)] * len(cases)
    check(place, run)
    check_money(place, run)


def test_a_service_that_is_away_while_a_task_runs(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, proxy.down(seconds=0.3), times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"]
    check(place, run)
    check_money(place, run)


@pytest.mark.usefixtures("deadline")
def test_an_unknown_status_is_shown_as_it_came(place: Place) -> None:
    spoil_polls(place, Fault(POLL, with_status("on_holiday")))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert run[0].record.remote_status == "on_holiday"


def test_a_task_that_is_gone_when_its_picture_is_asked_for_again_stays_undelivered(place: Place) -> None:
    place.proxy.inject(Fault(POLL, NO_URLS))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    place.proxy.heal()
    place.proxy.inject(Fault(POLL, proxy.refuses(404, "not_found")))
    finish(place.session.retry(run.id))
    [job] = run
    assert job.status == "undelivered"
    assert "not_found" in (job.error or "")
    assert (job.credits, place.prices()) == (PRICE, [PRICE])
    check(place, run)
    place.proxy.heal()
    finish(place.session.retry(run.id))
    assert job.status == "succeeded"
    check_money(place, run)
