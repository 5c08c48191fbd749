"""The paragraph for a paper."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

from history.conftest import Fill, add_run
from store.filling import done

import rivya_nb as rv
from rivya_nb._version import __version__

from .conftest import Study

SERVICE = "https://api.example.org"


def at(day: int, month: int = 11, year: int = 2026) -> float:
    return datetime(year, month, day, 12, tzinfo=timezone.utc).timestamp()


def test_a_run_of_the_service_is_told_in_full(study: Study) -> None:
    facts = ({"category": "animals", "id": "1"}, {"category": "animals", "id": "2"})
    run = study(facts, service=SERVICE, created_at=at(28))
    run[0].exclude("hand cut off")
    text = run.methods()
    assert text == (
        "Pictures were generated with the model Wan 2.7 Image Pro (wan-2-7-image-pro) through api.example.org "
        "on 28 November 2026 (UTC; run 1). 4 requests gave 4 pictures. "
        "There were 2 prompts (category: 2 animals). "
        "There were 2 seeds, the same for every prompt (1, 2). "
        "aspect_ratio was 1:1; all other params were left at the service's defaults. "
        "From every figure 1 picture was excluded, for the reason “hand cut off”. "
        "The requests cost 48 credits (12 for each that gave a picture). "
        f"Requests, pictures and marks were kept by rivya_nb {__version__}, "
        "with the list of models that comes with it."
    )


def test_a_service_on_the_machine_itself_is_called_so(study: Study) -> None:
    text = study(service="http://127.0.0.1:8123").methods()
    assert "through a service on the machine itself (http://127.0.0.1:8123) on" in text


def test_it_shows_itself_as_a_paragraph(study: Study) -> None:
    run = study()
    run.exclude("<b>not a tag</b> & so on")
    shown = run.methods()._repr_mimebundle_()
    assert "&lt;b&gt;not a tag&lt;/b&gt; &amp; so on" in shown["text/html"]
    assert max(map(len, shown["text/plain"].splitlines())) <= 88
    assert not shown["text/plain"].startswith(("'", '"'))


def test_pictures_of_the_sandbox_are_called_so(fill: Fill) -> None:
    text = fill([7], "A glass bottle", created_at=at(1)).methods()
    assert text.startswith("The pictures are drawings of the sandbox of rivya_nb, made on 1 November 2026")
    assert "1 request gave 1 picture." in text
    assert "The prompt was “A glass bottle”." in text
    assert "The seed was 7." in text
    assert "No picture was excluded." in text
    assert "The sandbox counted 12 credits; nothing was paid." in text


def test_several_runs_models_and_reasons(study: Study) -> None:
    first = study(service=SERVICE, created_at=at(30, 10))
    second = study(service=SERVICE, created_at=at(2), model="seedream-4-0", params={"seed": 9, "size": "2K"})
    first[0].exclude("blurred")
    second[:2].exclude("hand, cut; off")
    text = rv.history().methods()
    assert "through api.example.org from 30 October to 2 November 2026 (UTC; runs 1, 2)" in text
    assert "(seedream-4-0) and Wan 2.7 Image Pro (wan-2-7-image-pro)" in text
    assert "8 requests gave 8 pictures." in text
    assert "There were 3 seeds, the same for every prompt (1, 2, 9)." in text
    assert "size was 2K or not sent" in text
    assert (
        "From every figure 3 pictures were excluded, for the reasons “hand, cut; off” (2) and “blurred” (1)"
        in text
    )


def test_what_gave_no_picture_is_told(fill: Fill) -> None:
    run = fill([1, 2, 3, 5, 8])
    run[0].delete(confirm=True)
    text = rv.runs(run.id).methods()
    assert "Of 5 requests, 4 gave 4 pictures; 1 had its pictures deleted." in text
    assert "There were 5 seeds (1 to 3, 5, 8)." in text


def test_one_request_is_told_as_one(session: rv.Session) -> None:
    run = session.run(add_run(session, [3], [done(params={}, service=SERVICE, final_credits=12)]))
    text = run.methods()
    assert "1 request gave 1 picture." in text
    assert "No seed was sent." in text
    assert "The request cost 12 credits." in text


def test_where_nothing_came_no_picture_is_claimed(session: rv.Session) -> None:
    failed = {"status": "failed", "pictures": (), "final_credits": 0, "service": SERVICE}
    text = session.run(add_run(session, [1, 2], [done(**failed), done(**failed)])).methods()
    assert text.startswith("Pictures were asked of the model")
    assert "Of 2 requests, none gave a picture; 2 failed and were not billed." in text


def test_requests_without_a_seed_are_told_beside_those_with_one(session: rv.Session) -> None:
    jobs = [done(params={"seed": 7}, service=SERVICE), done("an owl", {}, service=SERVICE)]
    assert "The seed was 7; 1 request had none." in session.run(add_run(session, [1, 2], jobs)).methods()


def test_what_another_store_paid_for_is_told_with_its_documented_price(session: rv.Session) -> None:
    theirs = [done(params={"seed": seed}, service=SERVICE) for seed in (1, 2)]
    run = session.run(add_run(session, [1, 2], theirs))
    told = (
        "All requests were made with another store, which paid for them, at a documented price of 24 credits."
    )
    assert told in run.methods()
    mine = done(params={"seed": 3}, service=SERVICE, final_credits=12)
    add_run(session, [3], [mine])
    text = rv.history().methods()
    assert "The request of this store cost 12 credits. 2 of the requests were made with another store" in text


def test_replicates_are_told_and_are_a_column(study: Study, tmp_path: Path) -> None:
    study()
    study(replicate=2)
    assert "The very same request was made twice (replicates)." in rv.history().methods()
    rv.history().export(tmp_path)
    lines = (tmp_path / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["replicate"] for line in lines] == [2, 2, 2, 2, 1, 1, 1, 1]
