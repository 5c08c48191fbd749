"""A submit whose answer is lost, late, broken or a refusal: nothing is bought twice, and nothing is lost."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from variants import variants

import rivya_nb as rv

from . import proxy
from .place import PRICE, SMALL, Place, check, check_money, finish
from .proxy import BALANCE, POLL, SUBMIT, Fault, Spoil

OTHER_SHAPE = proxy.changed(lambda task: {"data": [task]})


@dataclass(frozen=True)
class Case(proxy.Case):
    """A fault of every submit: how the job ends, in what words, and how many tasks were made by then."""

    status: str
    says: str
    tasks: int
    posts: int = 4

    @property
    def way_on(self) -> str:
        return "retry" if self.status == "failed" else "resume"


CASES = [
    Case("reset before it was read", proxy.reset, "unknown", "gave no whole answer", 0),
    Case("reset after it was processed", proxy.reset_lost, "unknown", "gave no whole answer", 1),
    Case("never answered", proxy.stall, "unknown", "did not answer in time", 0),
    Case("processed and never answered", proxy.stall_lost, "unknown", "did not answer in time", 1),
    Case("500 with HTML", proxy.answers(500), "unknown", "answered 500 with a page of HTML", 0),
    Case(
        "500 after it was processed", proxy.answers(500, lost=True), "unknown", "answered 500 with a page", 1
    ),
    Case("502", proxy.answers(502), "unknown", "answered 502 with a page of HTML", 0),
    Case(
        "502 after it was processed", proxy.answers(502, lost=True), "unknown", "answered 502 with a page", 1
    ),
    Case("503", proxy.answers(503), "unknown", "answered 503 with a page of HTML", 0),
    Case("switched off", proxy.refuses(503, "public_api_disabled"), "failed", "public_api_disabled", 0),
    Case("JSON cut by the network", proxy.cut, "unknown", "gave no whole answer", 1),
    Case("JSON cut by the service", proxy.cut_short, "unknown", "with broken JSON", 1),
    Case("JSON of another shape", OTHER_SHAPE, "unknown", "the answer has no task id", 1, posts=1),
    Case(
        "key refused",
        proxy.refuses(401, "api_key_revoked"),
        "failed",
        "api_key_revoked: so it is",
        0,
        posts=1,
    ),
    Case("a page of 403", proxy.answers(403), "failed", "answered 403 with a page of HTML", 0, posts=1),
    Case("a proxy's 408", proxy.answers(408), "unknown", "answered 408 with a page of HTML", 0, posts=1),
    Case("a proxy's 499", proxy.answers(499), "unknown", "answered 499 with a page of HTML", 0, posts=1),
    Case(
        "a proxy's 408 after it was processed", proxy.answers(408, lost=True), "unknown", "answered 408", 1, 1
    ),
]
TOGETHER = [case for case in CASES if case.status == "unknown" and case.spoil not in proxy.SILENT]
"""What strikes one job alone, and needs no step to end."""


@pytest.mark.parametrize("case", [case for case in CASES if case not in TOGETHER], ids=proxy.named)
def test_a_submit_that_never_comes_through(case: Case, place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, case.spoil))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    [job] = run
    assert job.status == case.status
    assert re.search(case.says, job.error or "")
    assert f"ended without its one picture: {(job.error or '').rstrip('.')}" in seen
    assert f"{case.way_on}({run.id}) tries again" in seen
    assert ("It cost 0 credits, and perhaps 7 more" in seen) == (case.status == "unknown")
    assert ("fresh=True (--fresh) asks anew" in seen) == (case.status == "unknown")
    assert ("perhaps billed" in seen) == (case.status == "unknown")
    assert place.proxy.keys == [job.id] * case.posts
    assert place.prices() == [PRICE] * case.tasks
    check(place, run)

    place.proxy.heal()
    on = place.session.retry(run.id) if case.way_on == "retry" else rv.resume(run.id)
    finish(on)
    assert [job.status for job in on] == ["succeeded"]
    assert place.prices() == [PRICE]
    check(place, on)
    check_money(place, on)


def test_submits_that_never_come_through(place: Place) -> None:
    each = proxy.Each(TOGETHER)
    place.proxy.inject(Fault(SUBMIT, each))
    run = rv.generate("A bottle", seed=range(len(TOGETHER)), **SMALL)
    seen = finish(run)
    taken = place.tasks_by_key()
    for job in run:
        case = each.of(job)
        assert job.status == "unknown", case.name
        assert re.search(case.says, job.error or ""), case.name
        assert place.proxy.keys.count(job.id) == case.posts, case.name
        assert (job.id in taken) == case.tasks, case.name
    assert f"rv.resume({run.id}) tries again" in seen
    assert f"It cost 0 credits, and perhaps {PRICE * len(TOGETHER)} more" in seen
    assert "fresh=True (--fresh) asks anew" in seen
    check(place, run)

    place.proxy.heal()
    on = rv.resume(run.id)
    finish(on)
    assert [job.status for job in on] == ["succeeded"] * len(TOGETHER)
    assert place.prices() == [PRICE] * len(TOGETHER)
    check(place, on)
    check_money(place, on)


def test_asking_again_for_what_may_be_billed_sends_it_under_its_key(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, proxy.reset_lost))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    place.proxy.heal()
    again = rv.generate("A bottle", seed=1, **SMALL)
    finish(again)
    assert [job.status for job in again] == ["succeeded"]
    assert set(place.proxy.keys) == {again[0].id}
    check_money(place, run)


@pytest.mark.parametrize(
    "case",
    variants(
        [case for case in CASES if case.posts > 1 and case not in TOGETHER],
        lambda case: case.name != "never answered",
    ),
    ids=proxy.named,
)
def test_a_submit_that_comes_through_at_the_second_try(case: Case, patient_place: Place) -> None:
    patient_place.proxy.inject(Fault(SUBMIT, case.spoil, times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    [job] = run
    assert (job.status, job.error) == ("succeeded", None)
    assert [notice for notice in patient_place.notices if re.search(r"next try in \d+ s$", notice)]
    assert patient_place.proxy.keys == [job.id] * 2
    assert patient_place.prices() == [PRICE]
    check(patient_place, run)
    check_money(patient_place, run)


def test_submits_that_come_through_at_the_second_try(place: Place) -> None:
    cases = [case for case in TOGETHER if case.posts > 1]
    each = proxy.Each(cases, times=1)
    place.proxy.inject(Fault(SUBMIT, each))
    run = rv.generate("A bottle", seed=range(len(cases)), **SMALL)
    finish(run)
    for job in run:
        assert (job.status, job.error) == ("succeeded", None), each.of(job).name
        assert place.proxy.keys.count(job.id) == 2, each.of(job).name
    assert place.prices() == [PRICE] * len(cases)
    check(place, run)
    check_money(place, run)


def test_what_may_be_billed_is_not_told_as_spent_too(place: Place) -> None:
    place.proxy.inject(Fault(POLL, proxy.refuses(404, "not_found")))
    seen = finish(rv.generate("A bottle", seed=1, **SMALL))
    assert f"It cost 0 credits, and perhaps {PRICE} more" in seen


@pytest.mark.parametrize(
    ("status", "code", "headers", "posts"),
    [
        (401, "api_key_revoked", {}, 1),
        (402, "insufficient_credits", {}, 1),
        (402, "payment_required", {}, 1),
        (403, "api_scope_denied", {}, 1),
        (503, "public_api_disabled", {}, 4),
    ],
)
def test_what_would_be_refused_alike_is_not_sent(
    status: int, code: str, headers: dict[str, str], posts: int, place: Place
) -> None:
    place.proxy.inject(Fault(SUBMIT, proxy.refuses(status, code, headers)))
    run = rv.generate("A bottle", seed=range(20), **SMALL)
    seen = finish(run)
    refused = [job for job in run if job.status == "failed"]
    assert {job.status for job in run} == {"failed", "planned"}
    # A few were on their way already.
    assert len(refused) <= 4
    assert len(place.proxy.keys) <= 4 * posts
    assert f"not sent: {code}: so it is" in seen
    assert f"rv.resume({run.id}, unsent=True)" in seen
    check(place, run)


def test_a_service_that_is_away_for_a_moment(place: Place) -> None:
    place.proxy.inject(Fault(BALANCE, proxy.down(), times=1))
    place.on_notice.append(place.proxy.heal)
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"]
    assert "the service cannot be reached, next try in 0 s" in place.notices
    check(place, run)
    check_money(place, run)


@pytest.mark.parametrize(
    ("fault", "says"),
    [(proxy.down(), "ConnectError"), (proxy.clog, "ConnectTimeout")],
    ids=["refused", "silent"],
)
def test_a_service_that_stays_away_was_not_asked(fault: Spoil, says: str, place: Place) -> None:
    place.proxy.inject(Fault(BALANCE, fault, times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    [job] = run
    assert job.status == "failed"
    assert f"cannot be reached: {says}" in (job.error or "")
    assert f"rv.connect(…).retry({run.id}) tries again" in seen
    assert place.prices() == []
    check(place, run)
    place.proxy.heal()
    again = place.session.retry(run.id)
    finish(again)
    assert [job.status for job in again] == ["succeeded"]
    check(place, again)
    check_money(place, again)


def test_a_key_that_is_withdrawn_between_submit_and_answer_proves_nothing(place: Place) -> None:
    revoked = proxy.refuses(401, "api_key_revoked")
    place.proxy.inject(Fault(SUBMIT, proxy.reset_lost, times=1), Fault(SUBMIT, revoked))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    [job] = run
    assert job.status == "unknown"
    assert "an earlier attempt may have been accepted" in (job.error or "")
    finish(rv.resume(run))
    assert job.status == "unknown"
    check(place, run)
    place.proxy.heal()
    finish(rv.resume(run))
    assert job.status == "succeeded"
    check_money(place, run)
