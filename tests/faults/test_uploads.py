"""A reference that cannot be uploaded: nothing is billed, and trying again does all of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from PIL import Image
from variants import variants

import rivya_nb as rv

from . import proxy
from .place import PATIENT, Place, check, check_money, finish, place_at
from .proxy import UPLOAD, Exchange, Fault

NO_URL = proxy.changed(lambda file: {"id": file["id"]})


@dataclass(frozen=True)
class Case(proxy.Case):
    """A fault of every upload, the words for it, and how often it is tried."""

    says: str
    tries: int = 4
    megapixels: float = 0.01


CASES = [
    Case("reset", proxy.reset, "gave no whole answer"),
    Case("reset after it was processed", proxy.reset_lost, "gave no whole answer"),
    Case("never answered", proxy.stall, "ReadTimeout"),
    Case("never read", proxy.stall_unread, "WriteTimeout", megapixels=5),
    Case("500 with HTML", proxy.answers(500), "answered 500 with a page of HTML"),
    Case("cut", proxy.cut, "gave no whole answer"),
    Case("JSON of another shape", NO_URL, "the answer has no file url", tries=1),
    Case("refused", proxy.refuses(400, "validation_failed"), "validation_failed: so it is", tries=1),
]


def reference(case: Case, tmp_path: Path) -> Path:
    """A picture that cannot be compressed, so that its size is known."""
    side = int((case.megapixels * 1e6) ** 0.5)
    path = tmp_path / "noise.png"
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(path, compress_level=0)
    return path


def uploads(place: Place) -> int:
    return place.proxy.calls.count("POST /api/v1/files")


@pytest.mark.parametrize(
    "case", variants(CASES, lambda case: case.name not in ("reset", "500 with HTML")), ids=proxy.named
)
def test_a_reference_that_cannot_be_uploaded(case: Case, place: Place, tmp_path: Path) -> None:
    place.proxy.inject(Fault(UPLOAD, case.spoil))
    run = rv.generate("A bottle", seed=1, references=reference(case, tmp_path), resolution="1K")
    seen = finish(run)
    [job] = run
    assert job.status == "failed"
    assert re.search(case.says, job.error or "")
    assert f"It cost 0 credits; rv.connect(…).retry({run.id}) tries again" in seen
    assert (uploads(place), place.proxy.keys, place.prices()) == (case.tries, [], [])
    check(place, run)

    place.proxy.heal()
    # A large file takes its time on a busy machine.
    place.step = PATIENT
    with place.other_kernel() as later:
        again = later.retry(run.id)
        finish(again)
        assert [job.status for job in again] == ["succeeded"]
        check(place, again)
        check_money(place, again)


@pytest.mark.parametrize(
    "case",
    variants(
        [case for case in CASES if case.tries > 1],
        lambda case: case.name in ("reset after it was processed", "cut"),
    ),
    ids=proxy.named,
)
def test_a_reference_that_is_uploaded_at_the_second_try(
    case: Case, patient_place: Place, tmp_path: Path
) -> None:
    patient_place.proxy.inject(Fault(UPLOAD, case.spoil, times=1))
    run = rv.generate("A bottle", seed=1, references=reference(case, tmp_path), resolution="1K")
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)]
    assert uploads(patient_place) == 2
    check(patient_place, run)
    check_money(patient_place, run)


def test_when_one_reference_is_refused_the_others_are_not_left_on_their_way(tmp_path: Path) -> None:
    under_way, let_go = Event(), Event()

    async def stall_and_tell(exchange: Exchange) -> None:
        under_way.set()
        await exchange.stall()
        let_go.set()

    refused = proxy.meanwhile(lambda: under_way.wait(60), proxy.refuses(400, "validation_failed"))
    references = [tmp_path / "one.png", tmp_path / "two.png"]
    for path, colour in zip(references, ("teal", "plum"), strict=True):
        Image.new("RGB", (16, 16), colour).save(path)
    # So patient that an upload which goes on is still going on when it is looked for.
    with place_at(tmp_path, step=20.0) as place:
        place.proxy.inject(Fault(UPLOAD, refused, times=1), Fault(UPLOAD, stall_and_tell))
        run = rv.generate("A bottle", seed=1, references=references, resolution="1K")
        finish(run)
        assert run[0].status == "failed"
        assert let_go.wait(60)

        place.proxy.heal()
        again = place.session.retry(run.id)
        finish(again)
        assert [job.status for job in again] == ["succeeded"]
        check_money(place, again)
