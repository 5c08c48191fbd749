"""The public functions in a plain script's place, against the sandbox over a real socket."""

from __future__ import annotations

import asyncio
import csv
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from inspect import signature
from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60


@pytest.fixture
def url() -> Iterator[str]:
    with running_sandbox() as address:
        yield address


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., rv.Session]]:
    """`connect(url, key=…)`: sessions on one store, closed with the test."""
    with ExitStack() as stack:
        yield lambda url, key=DEFAULT_KEY, **more: stack.enter_context(
            closing(rv.connect(key, url, store=tmp_path / "store", **more))
        )


@pytest.fixture
def session(url: str, connect: Callable[..., rv.Session]) -> rv.Session:
    return connect(url)


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.new("RGB", (64, 64), "orange").save(path)
    return path


def small(prompt: str = "A bottle", **params: object) -> rv.Run:
    return rv.generate(prompt, resolution="1K", **params).wait(TIMEOUT)  # type: ignore[arg-type]


def test_a_run_has_its_pictures_its_seeds_and_its_price(session: rv.Session) -> None:
    run = small(seed=[1, 2], aspect_ratio=("1:1", "16:9"))
    assert [job.seed for job in run] == [1, 1, 2, 2]
    assert [image.size for image in run.images[:2]] == [(128, 128), run[1].image.size]  # type: ignore[union-attr]
    assert run.credits == 48
    assert session.balance() == 1000 - 48
    assert run[0].params == {"aspect_ratio": "1:1", "resolution": "1K", "watermark": False, "seed": 1}
    assert run[0].path is not None
    assert run[0].path.is_absolute()


def test_an_identical_request_with_a_seed_is_taken_from_the_history(session: rv.Session) -> None:
    first = small(seed=[1, 2])
    again = small("  A bottle\n", seed=range(1, 4))
    assert again.credits == 12
    assert [job.id for job in again][:2] == [job.id for job in first]
    assert session.balance() == 1000 - 36
    assert small(seed=1, fresh=True).credits == 12


def test_drawn_seeds_are_new_each_time(session: rv.Session) -> None:
    runs = [small(), small()]
    assert runs[0][0].seed != runs[1][0].seed
    assert sum(run.credits for run in runs) == 24


def test_twins_within_a_plan_are_one_job(session: rv.Session) -> None:
    request = rv.plan("A bottle", seed=1, resolution="1K").requests[0]
    plan = rv.plan([request, request])
    assert (len(plan), plan.credits) == (2, 12)
    run = plan.run().wait(TIMEOUT)
    assert len(run.jobs) == 1
    assert session.balance() == 988


def test_a_reference_is_uploaded_once_and_shows_in_the_result(session: rv.Session, cat: Path) -> None:
    plain = small(seed=1)
    run = small(references=[cat, cat], seed=[1, 2])
    bodies = [json.loads(job.record.body or "") for job in run]
    items = [item for body in bodies for item in body["params"]["referenceMediaItems"]]
    assert len({item["url"] for item in items}) == 1
    assert items[0]["mimeType"] == "image/png"
    assert run[0].image != plain[0].image


def test_a_result_can_be_the_next_reference(session: rv.Session) -> None:
    first = small(seed=1)
    second = small("The same, at night", references=first[0], seed=1)
    assert second[0].request.references[0].sha256 == first[0].record.pictures[0].sha256


def test_every_job_carries_its_own_id_to_the_service(session: rv.Session) -> None:
    run = small(seed=[1, 2])
    for job in run:
        assert json.loads(job.record.body or "")["client_request_id"] == job.id


def test_a_failed_task_costs_nothing_and_can_be_tried_again(session: rv.Session) -> None:
    run = small("A bottle sandbox:fail(seed=2)", seed=[1, 2, 3])
    assert [job.status for job in run] == ["succeeded", "failed", "succeeded"]
    assert run.credits == 24
    assert "generation_failed" in (run[1].error or "")
    again = session.retry(run.id).wait(TIMEOUT)
    assert again is run
    assert [job.status for job in again] == ["succeeded", "failed", "succeeded"]
    assert session.balance() == 1000 - 24


def test_a_run_without_any_picture_raises_and_says_why(session: rv.Session) -> None:
    with pytest.raises(rv.RunFailedError, match="generation_failed"):
        small("A bottle sandbox:fail", seed=[1, 2])


def test_a_run_is_found_by_its_id_and_by_its_name(session: rv.Session) -> None:
    first, second = (small(seed=seed, name="first foxes") for seed in (1, 2))
    assert (rv.runs(first.id).id, rv.runs("first foxes").id) == (first.id, second.id)
    assert [job.id for job in rv.history(run="first foxes")] == [second[0].id]
    assert len(rv.history(run=[first, "first foxes"])) == 2
    assert rv.history(run="first foxes").title == rv.history(run=second).title
    assert rv.resume("first foxes").id == second.id
    for lookup in (rv.runs, rv.resume, lambda name: rv.history(run=name)):
        with pytest.raises(rv.UsageError, match="no run named 'first fox'; did you mean 'first foxes'"):
            lookup("first fox")
    for wrong in (3.5, [1], b"1", True):
        with pytest.raises(rv.UsageError, match="neither the id nor the name of a run"):
            rv.runs(wrong)  # type: ignore[call-overload]


def test_a_plan_above_the_limit_is_refused_whole(session: rv.Session) -> None:
    with pytest.raises(rv.CreditLimitError, match="12,000 credits, and the limit is 500"):
        rv.generate("A bottle", seed=range(1000))
    with pytest.raises(rv.CreditLimitError, match="the limit is 20"):
        rv.generate("A bottle", seed=[1, 2], max_credits=20)
    assert rv.runs() == []
    assert rv.plan("A bottle", seed=range(1000)).credits == 12_000


def test_a_session_has_a_limit_of_its_own(url: str, connect: Callable[..., rv.Session]) -> None:
    connect(url, max_credits=30)
    small(seed=[1, 2])
    small(seed=[1, 2])
    with pytest.raises(rv.CreditLimitError, match="committed 24 of its 30"):
        rv.generate("A bottle", seed=3)


def test_a_wrong_key_is_told_and_nothing_is_billed(url: str, connect: Callable[..., rv.Session]) -> None:
    connect(url, f"{DEFAULT_KEY}_revoked")
    with pytest.raises(rv.RunFailedError, match="api_key_revoked") as refused:
        small(seed=1)
    assert "request req_" in str(refused.value)
    assert rv.runs(1)[0].status == "failed"


def test_an_empty_account_stops_what_is_not_sent_yet(url: str, connect: Callable[..., rv.Session]) -> None:
    connect(url, f"{DEFAULT_KEY}_poor")
    run = rv.generate("A bottle", seed=range(30), resolution="1K")
    with pytest.raises(rv.RunFailedError, match="it would cost 360 credits, and 0 are left"):
        run.wait(TIMEOUT)
    assert {job.status for job in run} == {"planned"}
    assert run.credits == 0


@pytest.mark.slow
def test_no_answer_at_all_fails_without_a_bill(connect: Callable[..., rv.Session]) -> None:
    # A port that is taken, so that no other sandbox can get it, and where nobody listens.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        session = connect(f"http://127.0.0.1:{taken.getsockname()[1]}")
        run = rv.generate("A bottle", seed=1)
        with pytest.raises(rv.RunFailedError):
            run.wait(120)
    assert run.credits == 0
    assert session.store.spent(session.service).credits == 0


def test_waiting_has_a_time_and_the_jobs_go_on(connect: Callable[..., rv.Session]) -> None:
    with running_sandbox(SandboxConfig(latency=1)) as url:
        connect(url)
        run = rv.generate("A bottle", seed=1, resolution="1K")
        with pytest.raises(TimeoutError):
            run.wait(0.1)
        assert run.wait(TIMEOUT)[0].status == "succeeded"


def test_a_run_can_be_awaited(session: rv.Session) -> None:
    async def ask() -> rv.Run:
        return await rv.generate("A bottle", seed=1, resolution="1K")

    assert asyncio.run(ask())[0].status == "succeeded"


def test_an_await_that_takes_too_long_is_a_timeout_of_asyncio(connect: Callable[..., rv.Session]) -> None:
    with running_sandbox(SandboxConfig(latency=1)) as url:
        connect(url)
        run = rv.generate("A bottle", seed=1, resolution="1K")

        async def hurry() -> None:
            if sys.version_info < (3, 11):
                await asyncio.wait_for(run, 0.1)
            else:
                async with asyncio.timeout(0.1):
                    await run

        with pytest.raises(asyncio.TimeoutError):
            asyncio.run(hurry())
        assert run.wait(TIMEOUT)[0].status == "succeeded"


def test_an_unfinished_run_is_collected_by_another_session(connect: Callable[..., rv.Session]) -> None:
    with running_sandbox(SandboxConfig(latency=2)) as url:
        connect(url)
        run = rv.generate("A bottle", seed=1, resolution="1K")
        collected = rv.resume(run).wait(TIMEOUT)
        assert collected[0].status == "succeeded"
        with pytest.raises(rv.UsageError, match="Nothing that was sent"):
            rv.resume()


def test_the_history_finds_words_seeds_and_params(session: rv.Session) -> None:
    small("A glass bottle, dawn", seed=[1, 2])
    small("A clay pot, dusk", seed=2, aspect_ratio="16:9")
    assert [job.seed for job in rv.history(prompt="bottle DAWN")] == [2, 1]
    assert len(rv.history(seed=2)) == 2
    assert len(rv.history(aspect_ratio="16:9")) == 1
    assert rv.history()[0].prompt == "A clay pot, dusk"
    frame = rv.history().to_pandas()
    assert list(frame["seed"]) == [2, 2, 1]


def test_a_table_without_pandas_says_what_to_install(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    small("A glass bottle", seed=1)
    monkeypatch.setitem(sys.modules, "pandas", None)  # as where it is not installed
    with pytest.raises(rv.UsageError, match="pip install pandas"):
        rv.history().to_pandas()


def test_requests_and_jobs_are_taken_as_they_are(session: rv.Session) -> None:
    first = small("A {{braced}} bottle", seed=[1, 2])
    assert first[0].prompt == "A {braced} bottle"
    again = rv.generate(list(first)).wait(TIMEOUT)
    assert again.credits == 0
    assert [job.id for job in again] == [job.id for job in first]
    assert rv.generate(first[0], fresh=True).wait(TIMEOUT).credits == 12


def test_a_grid_can_be_turned_and_saved(session: rv.Session, tmp_path: Path) -> None:
    run = small(seed=[1, 2], aspect_ratio=["1:1", "16:9"])
    sheet = run.grid(rows="aspect_ratio", cols="seed").save(tmp_path / "grid.png", cell=128)
    with Image.open(sheet) as image:
        assert image.height > 256
    with pytest.raises(rv.UsageError, match="did you mean 'seed'"):
        run.grid(rows="sead")
    copies = run.save(tmp_path / "pictures")
    for job, copy in zip(run, copies, strict=True):
        with Image.open(copy) as saved:
            assert f"Seed: {job.seed}, " in saved.info["parameters"]
            assert saved.tobytes() == job.images[0].tobytes()
    report = run.report(tmp_path / "report.html").read_text()
    assert report.count("data:image/") == 4


def test_saved_pictures_come_with_lists_of_them(session: rv.Session, tmp_path: Path) -> None:
    run = rv.generate(
        "=HYPERLINK(1) \u0e41\u0e2a\u0e07", seed=[7, 8], aspect_ratio="1:1", resolution="1K"
    ).wait()
    run[1].rate(4).favourite()
    run[1].tag("-keep")
    copies = run.save(tmp_path)
    shown, _ = DisplayFormatter().format(copies)
    assert shown["text/plain"].startswith(f"{tmp_path} (2 pictures)\n"), "and no list of paths"
    table = tmp_path / f"run-{run.id}.csv"
    assert table.read_bytes().startswith(b"\xef\xbb\xbffile,model,prompt,")
    with table.open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert [first["file"], second["file"]] == [copy.name for copy in copies]
    assert (first["prompt"], first["seed"]) == ("'=HYPERLINK(1) \u0e41\u0e2a\u0e07", "7")
    assert (second["rating"], second["tags"], first["rating"]) == ("4", "'-keep", "")
    assert (second["favourite"], first["favourite"]) == ("yes", "")
    told = json.loads((tmp_path / f"run-{run.id}.json").read_text(encoding="utf-8"))
    assert [job["marks"]["favourite"] for job in told["jobs"]] == [False, True]
    assert told["credits"] == run.credits == int(first["credits"]) + int(second["credits"])
    assert told["credits_known"] is True
    assert [job["credits_known"] for job in told["jobs"]] == [True, True]
    assert [row["credits_known"] for row in (first, second)] == ["yes", "yes"]
    assert list(run.to_pandas()["credits_known"]) == [True, True]
    assert [job["request"]["prompt"] for job in told["jobs"]] == [job.prompt for job in run]
    assert told["jobs"][1]["pictures"][0]["sha256"] == second["sha256"]
    rv.history(rating=4).save(tmp_path)
    assert (tmp_path / "history.csv").read_text(encoding="utf-8-sig").count("\n") == 2


def test_the_history_makes_grids_of_different_runs(session: rv.Session) -> None:
    small(seed=1)
    small(seed=2, aspect_ratio="16:9")
    html = rv.history().grid(rows="seed", cols="aspect_ratio")._repr_mimebundle_()["text/html"]
    assert html.count("data:image/") == 2
    with pytest.raises(rv.UsageError, match="did you mean 'seed'"):
        rv.history().grid(rows="sed")


def test_the_key_is_nowhere_to_be_seen(url: str, connect: Callable[..., rv.Session], tmp_path: Path) -> None:
    secret = f"{DEFAULT_KEY}_readonly"
    session = connect(url, secret)
    run = rv.generate("A bottle", seed=1)
    with pytest.raises(rv.RunFailedError) as refused:
        run.wait(TIMEOUT)
    seen = [repr(session), str(vars(session)), repr(run), str(vars(run)), str(refused.value), run.text()]
    assert not any("readonly" in text for text in seen)
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            assert b"readonly" not in path.read_bytes(), path


def test_what_is_given_up_while_it_is_about_to_be_sent_stays_given_up(session: rv.Session) -> None:
    for attempt in range(5):
        run = rv.generate(f"A bottle, take {attempt}", seed=range(20), resolution="1K")
        run.stop()
        with suppress(rv.RunFailedError):
            run.wait(TIMEOUT)
        stored = session.store.jobs(job.id for job in run).values()
        assert {job.status for job in run} | {job.status for job in stored} <= {"succeeded", "stopped"}


def test_a_plan_takes_what_generate_takes() -> None:
    assert signature(rv.plan).parameters == signature(rv.generate).parameters
