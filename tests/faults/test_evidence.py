"""What a task bears decides how it ended where its status is no documented word, and what it costs where that is
not said."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sandboxes import until

import rivya_nb as rv
from rivya_nb.magics.commands import say_state

from .place import PRICE, SMALL, WAIT, Place, check, finish
from .proxy import POLL, SUBMIT, Answer, Case, Each, Exchange, Fault, Spoil, answers, changed

ERROR = {"code": "content_policy", "message": "not this one"}


def as_text(status: int, body: bytes | str, kind: str = "text/html") -> Spoil:
    """Another answer in the place of the service's, which never sees the request."""

    async def act(exchange: Exchange) -> None:
        data = body if isinstance(body, bytes) else body.encode()
        await exchange.send(Answer(status, {"content-type": kind}, data))

    return act


def ended(**changes: Any) -> Spoil:
    """The service's answer about a finished task with other fields; while it is running, as it is."""

    def change(task: dict[str, Any]) -> dict[str, Any]:
        return {**task, **changes} if task["status"] == "succeeded" else task

    return changed(change)


def test_a_task_with_addresses_has_succeeded_under_whatever_word(place: Place) -> None:
    words = ["completed", "done", "SUCCEEDED", " Succeeded\n", "ok", "", None, 7]
    each = Each(Case(repr(word), ended(status=word)) for word in words)
    place.proxy.inject(Fault(POLL, each))
    run = rv.generate("A bottle", seed=range(len(words)), **SMALL)
    finish(run)
    for job in run:
        assert (job.status, job.error) == ("succeeded", None), each.of(job).name
    assert run.credits == PRICE * len(words)
    check(place, run)


def test_a_task_with_an_error_has_failed_under_whatever_word(place: Place) -> None:
    errors = [
        ("canceled", ERROR, "content_policy: not this one"),
        ("cancelled", "stopped by the operator", "generation_failed: stopped by the operator"),
        ("expired", {"code": "timeout"}, "timeout: the service gave no reason"),
        ("rejected", [{"msg": "too dark"}, {"msg": "too loud"}], "generation_failed: too dark; too loud"),
        ("FAILED", None, "generation_failed"),
        ("Failed", ERROR, "content_policy: not this one"),
        (None, {"detail": {"title": "gone"}}, "generation_failed: gone"),
        ("error", True, "generation_failed: the service gave no reason"),
    ]
    each = Each(
        Case(said, ended(status=word, error=error, result=None, final_credits=0))
        for word, error, said in errors
    )
    place.proxy.inject(Fault(POLL, each))
    run = rv.generate("A bottle", seed=range(len(errors)), **SMALL)
    finish(run)
    for job in run:
        assert (job.status, job.error, job.credits) == ("failed", each.of(job).name, 0)
    check(place, run)


NOT_ENDED = {
    "an empty result": {"status": "canceled", "result": {}},
    "empty addresses": {"status": "completed", "result": {"primary_url": "", "urls": [None, ""]}},
    "an empty error": {"status": "canceled", "result": None, "error": {}},
    "an error of nulls": {"status": "x", "result": None, "error": {"code": None, "message": ""}},
    "blank text": {"status": "x", "result": None, "error": " \n"},
    "false": {"status": "x", "result": [], "error": False},
    "queued with an error": {"status": "queued", "result": None, "error": ERROR},
    "processing with a preview": {"status": "Processing"},
}


def test_without_evidence_a_task_is_still_running(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rivya_nb.jobs.collecting.DEADLINE", 0.5)
    each = Each(Case(name, ended(**fields)) for name, fields in NOT_ENDED.items())
    place.proxy.inject(Fault(POLL, each))
    run = rv.generate("A bottle", seed=range(len(NOT_ENDED)), **SMALL)
    assert "no end after" in finish(run)
    for job in run:
        assert job.status in ("queued", "processing"), each.of(job).name
        assert "no end after" in (job.live.notice or ""), each.of(job).name
    check(place, run)
    place.proxy.heal()
    finish(rv.resume(run))
    assert [job.status for job in run] == ["succeeded"] * len(NOT_ENDED)


def test_an_unknown_word_that_does_not_change_is_shown_and_one_can_leave(place: Place) -> None:
    place.proxy.inject(Fault(POLL, ended(status="on \x1b[31mholiday", result=None)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    words = "the service says 'on holiday', an unknown status. You can interrupt; resume asks again later."
    assert until(lambda: words in run.text(), WAIT)
    with pytest.raises(TimeoutError):
        run.wait(0.1)
    place.proxy.heal()
    finish(run)
    assert [job.status for job in run] == ["succeeded"]


NO_CREDITS = {
    "null": None,
    "text": str(PRICE),
    "negative": -5,
    "true": True,
    "a list": [PRICE],
    "huge": 1e300,
}


def unsaid(said: object) -> Spoil:
    return changed(lambda task: {**task, "reserved_credits": said, "final_credits": said})


def test_credits_that_are_not_said_are_the_planned_price_and_marked(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [Case(name, unsaid(said)) for name, said in NO_CREDITS.items()]
    each = Each(cases)
    place.proxy.inject(Fault(SUBMIT, Each(cases)), Fault(POLL, each))
    run = rv.generate("A bottle", seed=range(len(cases)), **SMALL)
    seen = finish(run)
    for job in run:
        assert (job.status, job.credits) == ("succeeded", PRICE), each.of(job).name
    cost = PRICE * len(cases)
    assert run.credits == place.session.store.spent(place.session.service).credits == cost
    for view in (seen, repr(run), run.line()):
        assert f"about {cost} credits" in view
    say_state()
    assert f"about {cost} credits on {place.session.service} so far" in capsys.readouterr().out
    assert list(run.to_pandas()["credits_known"]) == [False] * len(cases)
    run.save(tmp_path / "saved")
    told = json.loads((tmp_path / "saved" / f"run-{run.id}.json").read_text(encoding="utf-8"))
    assert told["credits_known"] is False
    assert [job["credits_known"] for job in told["jobs"]] == [False] * len(cases)
    with (tmp_path / "saved" / f"run-{run.id}.csv").open(encoding="utf-8-sig", newline="") as table:
        assert [row["credits_known"] for row in csv.DictReader(table)] == ["no"] * len(cases)
    check(place, run)


def test_nan_is_no_number_of_credits(place: Place) -> None:
    async def not_a_number(exchange: Exchange) -> None:
        answer = await exchange.forward()
        answer.body = re.sub(rb'("(?:reserved|final)_credits":) ?\d+', rb"\1 NaN", answer.body)
        await exchange.send(answer)

    place.proxy.inject(Fault(SUBMIT, not_a_number), Fault(POLL, not_a_number))
    run = rv.generate("A bottle", seed=1, **SMALL)
    assert f"about {PRICE} credits" in finish(run)
    check(place, run)


@pytest.mark.parametrize(("said", "cost"), [(12.0, 12), (6.2, 7), (0, 0)])
def test_credits_that_are_said_are_taken(said: float, cost: int, place: Place) -> None:
    place.proxy.inject(Fault(POLL, ended(final_credits=said)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    assert run.credits == cost
    assert f"{cost} credits" in seen
    assert "about" not in seen
    check(place, run)


REFUSALS = {
    "html": (
        as_text(403, "<html><head><style>p{}</style></head><body><p>No entry\x1b[1m</p></body></html>"),
        "the service answered 403 with a page of HTML: No entry",
    ),
    "a title and a heading": (
        as_text(
            403, "<title>403 Forbidden</title><h1>403\n Forbidden</h1><p>Your request</p><p>Your request</p>"
        ),
        "the service answered 403 with a page of HTML: 403 Forbidden Your request",
    ),
    "detail": (as_text(422, json.dumps({"detail": "no such engine"})), "answered 422: no such engine"),
    "details": (
        as_text(422, json.dumps({"detail": [{"loc": ["body"], "msg": "field required"}]})),
        "answered 422: field required",
    ),
    "error as text": (as_text(400, json.dumps({"error": "bad seed"})), "answered 400: bad seed"),
    "errors": (
        as_text(400, json.dumps({"errors": [{"message": "bad seed"}, "bad size"]})),
        "answered 400: bad seed; bad size",
    ),
    "message": (as_text(405, json.dumps({"message": "not here"})), "answered 405: not here"),
    "a code that is a number": (
        as_text(400, json.dumps({"error": {"code": 400, "message": "bad seed"}})),
        "answered 400: bad seed",
    ),
    "a code elsewhere": (
        as_text(400, json.dumps({"code": "validation_failed", "message": "bad seed"})),
        "validation_failed: bad seed",
    ),
    "plain text": (as_text(413, "too large\n"), "answered 413 with plain text: too large"),
    "nothing": (as_text(400, b""), "answered 400 with no content"),
    "null": (as_text(400, b"null"), "answered 400"),
    "a list": (as_text(418, b"[]"), "answered 418 with JSON of another shape: '[]'"),
    "no text at all": (as_text(400, b"\xff\xfe\x00"), "answered 400"),
    "a conflict": (as_text(409, json.dumps({"detail": "exists"})), "answered 409: exists"),
}


def test_a_4xx_in_whatever_shape_is_a_refusal_with_its_reason(place: Place) -> None:
    each = Each(Case(name, spoil) for name, (spoil, _) in REFUSALS.items())
    place.proxy.inject(Fault(SUBMIT, each))
    run = rv.generate("A bottle", seed=range(len(REFUSALS)), **SMALL)
    seen = finish(run)
    for job in run:
        name = each.of(job).name
        assert (job.status, job.credits) == ("failed", 0), name
        assert REFUSALS[name][1] in (job.error or ""), name
    assert (run[0].error or "").rstrip(".") in seen
    assert "perhaps" not in seen
    assert sorted(place.proxy.keys) == sorted(job.id for job in run)
    check(place, run)


def test_a_4xx_after_an_attempt_without_an_answer_is_no_refusal(place: Place) -> None:
    place.proxy.inject(
        Fault(SUBMIT, answers(502, lost=True), times=1), Fault(SUBMIT, as_text(403, "<p>No entry</p>"))
    )
    run = rv.generate("A bottle", seed=1, **SMALL)
    assert "perhaps billed" in finish(run)
    assert [job.status for job in run] == ["unknown"]
    place.proxy.heal()
    finish(rv.resume(run))
    assert [job.status for job in run] == ["succeeded"]
    assert place.prices() == [PRICE]


def test_a_proxys_page_in_the_place_of_a_poll_does_not_end_the_collecting(place: Place) -> None:
    place.proxy.inject(Fault(POLL, as_text(404, "<p>Not here</p>"), times=2))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)]
    check(place, run)
