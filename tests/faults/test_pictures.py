"""A paid picture that cannot be had is undelivered, not failed: trying again downloads it, and buys nothing."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

import pytest

import rivya_nb as rv

from . import proxy
from .place import PRICE, SMALL, WAIT, Place, check, check_money, finish
from .proxy import PICTURE, POLL, SUBMIT, Fault, Spoil

TOO_MANY = 65_000_000


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


BOMB = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0))
BOMB += png_chunk(b"IDAT", zlib.compress(bytes(64))) + png_chunk(b"IEND", b"")


@dataclass(frozen=True)
class Case(proxy.Case):
    """A fault of every download, the words for it, and how often it is tried."""

    says: str
    tries: int = 1


CASES = [
    Case("cut by the network", proxy.cut, "gave no whole answer", 4),
    Case("cut by the service", proxy.cut_short, "The PNG is cut short after", 4),
    Case("reset", proxy.reset, "gave no whole answer", 4),
    Case("never answered", proxy.stall, "did not answer in time", 4),
    Case(
        "a page of HTML", proxy.answers(200, b"<html>Sign in</html>"), "a PNG, JPEG or WebP was expected", 4
    ),
    Case("nothing", proxy.answers(200, b""), "a PNG, JPEG or WebP was expected", 4),
    Case("text", proxy.answers(200, b"a bottle"), "a PNG, JPEG or WebP was expected", 4),
    Case("too many pixels", proxy.answers(200, BOMB), "has more than 178,956,970 pixels"),
    Case("huge, and says so", proxy.huge(TOO_MANY, claimed=True), "more than 64 MB"),
    Case("huge, and does not say so", proxy.huge(TOO_MANY, claimed=False), "more than 64 MB"),
    Case("403", proxy.answers(403), "answered 403, access denied"),
    Case("404", proxy.answers(404), "answered 404, not found"),
    Case("410", proxy.answers(410), "answered 410, gone"),
    Case("500", proxy.answers(500), "answered 500", 4),
    Case("503", proxy.answers(503), "answered 503", 4),
    Case("redirected for ever", proxy.redirect_home, "redirects more than 3 times", 4),
    Case("redirected into a private network", proxy.redirects("https://10.0.0.1/a.png"), "private network"),
    Case("redirected to a file", proxy.redirects("file:///etc/passwd"), "not a web address|https is needed"),
    Case("redirected to plain http", proxy.redirects("http://192.0.2.1/a.png"), "https is needed"),
]
ALONE = [case for case in CASES if case.spoil in proxy.SILENT]
"""What only the end of a step ends: it is shorter for them than others may need."""


def downloads(place: Place, task: str = "") -> int:
    return sum(call.startswith(f"GET /pictures/{task}") for call in place.proxy.calls)


@pytest.mark.parametrize("case", ALONE, ids=proxy.named)
def test_a_picture_that_never_comes(case: Case, place: Place) -> None:
    place.proxy.inject(Fault(PICTURE, case.spoil))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    [job] = run
    assert job.status == "undelivered"
    assert re.search(case.says, job.error or "")
    assert re.search(f"ended without its one picture: [^\n]*({case.says})", seen)
    assert f"It cost {PRICE} credits; rv.connect(…).retry({run.id}) tries again" in seen
    assert "fetches the undelivered one again (paid already)" in seen
    assert downloads(place) == case.tries
    assert (place.prices(), job.credits, job.paths) == ([PRICE], PRICE, [])
    check(place, run)

    place.proxy.heal()
    finish(place.session.retry(run.id))
    assert (job.status, job.error) == ("succeeded", None)
    assert place.proxy.keys == [job.id]
    check(place, run)
    check_money(place, run)


def test_pictures_that_never_come(place: Place) -> None:
    cases = [case for case in CASES if case not in ALONE]
    each = proxy.Each(cases)
    place.proxy.inject(Fault(PICTURE, each))
    run = rv.generate("A bottle", seed=range(len(cases)), max_credits=1000, **SMALL)
    seen = finish(run)
    for job in run:
        case = each.of(job)
        assert job.status == "undelivered", case.name
        assert re.search(case.says, job.error or ""), case.name
        assert downloads(place, job.task_id or "") == case.tries, case.name
        assert (job.credits, job.paths) == (PRICE, []), case.name
    assert f"It cost {PRICE * len(cases)} credits; rv.connect(…).retry({run.id}) tries again" in seen
    assert f"fetches the {len(cases)} undelivered ones again (paid already)" in seen
    assert place.prices() == [PRICE] * len(cases)
    check(place, run)

    place.proxy.heal()
    finish(place.session.retry(run.id))
    assert [(job.status, job.error) for job in run] == [("succeeded", None)] * len(cases)
    assert sorted(place.proxy.keys) == sorted(job.id for job in run)
    check(place, run)
    check_money(place, run)


def test_asking_again_for_a_picture_that_is_paid_for_fetches_it(place: Place) -> None:
    place.proxy.inject(Fault(PICTURE, proxy.answers(404)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    place.proxy.heal()
    assert rv.plan("A bottle", seed=1, **SMALL).credits == 0
    again = rv.generate("A bottle", seed=1, **SMALL)
    finish(again)
    assert [job.status for job in again] == ["succeeded"]
    assert [job.id for job in again] == place.proxy.keys
    check_money(place, run)


@pytest.mark.parametrize("case", ALONE, ids=proxy.named)
def test_a_picture_that_comes_at_the_second_try(case: Case, patient_place: Place) -> None:
    patient_place.proxy.inject(Fault(PICTURE, case.spoil, times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)]
    assert downloads(patient_place) == 2
    check(patient_place, run)
    check_money(patient_place, run)


def test_pictures_that_come_at_the_second_try(place: Place) -> None:
    cases = [case for case in CASES if case.tries > 1 and case not in ALONE]
    each = proxy.Each(cases, times=1)
    place.proxy.inject(Fault(PICTURE, each))
    run = rv.generate("A bottle", seed=range(len(cases)), **SMALL)
    finish(run)
    for job in run:
        assert (job.status, job.error) == ("succeeded", None), each.of(job).name
        assert downloads(place, job.task_id or "") == 2, each.of(job).name
    check(place, run)
    check_money(place, run)


def leading_to(url: str) -> Spoil:
    """A finished task whose picture is said to be at this address."""
    return proxy.changed(
        lambda task: {**task, "result": task["result"] and {"primary_url": url, "urls": [url]}}
    )


ADDRESSES = [
    Case(url, leading_to(url), says)
    for url, says in (
        ("http://192.0.2.1/a.png", "https is needed"),
        ("https://10.0.0.1/a.png", "private network"),
        ("file:///etc/passwd", "not a web address"),
        ("https://[::1", "not a web address"),
        ("https://user:secret@192.0.2.1/a.png", "not a web address"),
    )
]


def test_addresses_that_no_picture_has(place: Place) -> None:
    each = proxy.Each(ADDRESSES)
    place.proxy.inject(Fault(POLL, each))
    run = rv.generate("A bottle", seed=range(len(ADDRESSES)), **SMALL)
    assert "secret" not in finish(run)
    for job in run:
        assert job.status == "undelivered", each.of(job).name
        assert each.of(job).says in (job.error or "")
    check(place, run)
    place.proxy.heal()
    finish(place.session.retry(run.id))
    check_money(place, run)


def test_one_of_two_addresses_that_does_not_work(place: Place) -> None:
    def add(task: dict[str, object]) -> dict[str, object]:
        result = task["result"]
        if not isinstance(result, dict):
            return task
        return {
            **task,
            "result": {**result, "urls": [*result["urls"], f"{place.proxy.url}/pictures/none.png"]},
        }

    place.proxy.inject(Fault(POLL, proxy.changed(add)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    [job] = run
    assert (job.status, job.credits) == ("undelivered", PRICE)
    assert "404" in (job.error or "")
    place.proxy.heal()
    finish(place.session.retry(run.id))
    assert job.status == "succeeded"
    check(place, run)
    check_money(place, run)


@pytest.mark.parametrize("fault", [proxy.stall])
def test_a_host_that_is_away_when_the_picture_is_there(fault: Spoil, place: Place) -> None:
    place.proxy.inject(Fault(PICTURE, fault, times=1), Fault(SUBMIT, proxy.down(seconds=0.2), times=1))
    run = rv.generate("A bottle", seed=[1, 2], **SMALL)
    finish(run)
    assert [job.status for job in run if job.status != "failed"]
    place.proxy.heal()
    again = place.session.retry(run.id)
    finish(again)
    assert [job.status for job in again] == ["succeeded"] * 2
    check(place, again)
    check_money(place, again)


def test_another_kernel_fetches_what_this_one_could_not_while_it_lives(place: Place) -> None:
    place.proxy.inject(Fault(PICTURE, proxy.answers(403)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert run[0].status == "undelivered"
    place.proxy.heal()
    with place.other_kernel() as session:
        assert len(session.retry(run.id).wait(WAIT).images) == 1
    [again] = rv.runs()
    check(place, again)
    check_money(place, again)


def test_when_one_picture_of_a_task_cannot_be_had_the_others_are_not_left_on_their_way(place: Place) -> None:
    place.proxy.inject(Fault(PICTURE, proxy.answers(404), times=1))
    place.proxy.inject(Fault(PICTURE, proxy.stall))
    run = rv.generate("A bottle", model="seedream-4-0", max_images=3, seed=1)
    finish(run)
    assert run[0].status == "undelivered"
    assert place.left_behind() == []

    place.proxy.heal()
    on = place.session.retry(run.id)
    finish(on)
    assert len(on[0].images) == 3
    assert len(place.prices()) == 1
