"""Going on from a picture that is there: varied, asked again, as a cell, and from its saved copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.sandbox import DEFAULT_KEY
from rivya_nb.sandbox.config import SandboxConfig

TIMEOUT = 60


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    store = tmp_path_factory.mktemp("store")
    with (
        running_sandbox(SandboxConfig(latency=0.1, credits=10_000)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=store)) as session,
    ):
        yield session


@pytest.fixture(scope="module")
def job(session: rv.Session) -> rv.Job:
    """A job with a prompt that a template would read otherwise, and a reference."""
    cat = Image.new("RGB", (64, 64), "orange")
    prompt = "A {{braced}} bottle"
    return rv.generate(prompt, seed=7, resolution="1K", references=cat).wait(TIMEOUT)[0]


def test_what_is_not_named_stays_as_it_is(job: rv.Job) -> None:
    plan = job.vary(seed=[7, 8], aspect_ratio="16:9")
    assert [request.seed for request in plan.requests] == [7, 8]
    assert all(request.prompt == "A {braced} bottle" for request in plan.requests)
    assert all(request.references == job.request.references for request in plan.requests)
    assert plan.requests[0].params == {"resolution": "1K", "seed": 7, "aspect_ratio": "16:9"}
    assert plan.credits == 24
    assert job.vary().credits == 0


def test_prompts_are_axes_and_none_is_not_sent(job: rv.Job) -> None:
    plan = job.vary("A {dawn|dusk} bottle", seed=None, references=None)
    assert [request.prompt for request in plan.requests] == ["A dawn bottle", "A dusk bottle"]
    assert all(request.seed is None and not request.references for request in plan.requests)
    listed = job.vary(["one {a|b}", "two"])
    assert [request.prompt for request in listed.requests] == ["one {a|b}", "two"]
    assert listed.draft.axes[0].name == "prompt"


def test_repeats_draw_seeds_of_their_own(job: rv.Job) -> None:
    seeds = {request.seed for request in job.vary(repeat=3).requests}
    assert len(seeds) == 3
    assert 7 not in seeds


def test_another_model_goes_without_what_it_does_not_have(job: rv.Job) -> None:
    plan = job.vary(model="z-image", references=None)
    assert plan.requests[0].model == "z-image"
    assert "resolution" not in plan.requests[0].params
    assert "left out, since z-image has no such param: " in plan.notes[-1]
    with pytest.raises(rv.InvalidRequestError, match="aspect_ratio"):
        job.vary(aspect_ratio="wide")


def test_again_asks_the_same_anew_and_tells_the_price_first(job: rv.Job, session: rv.Session) -> None:
    before = session.balance()
    plan = job.again()
    assert plan.requests == (job.request,)
    assert (plan.credits, session.balance()) == (12, before)
    run = plan.run().wait(TIMEOUT)
    assert (run[0].id != job.id, run[0].request, run.credits) == (True, job.request, 12)


def test_a_saved_copy_asks_for_its_picture_again_at_no_cost(job: rv.Job, tmp_path: Path) -> None:
    (copy,) = job.save(tmp_path)
    for known in (copy, str(copy), copy.read_bytes(), job.path):
        assert known is not None
        assert rv.recall(known) == job.request
    assert rv.plan(rv.recall(copy)).credits == 0
    assert DEFAULT_KEY.encode() not in copy.read_bytes()
    assert str(tmp_path).encode() not in copy.read_bytes()


def test_a_recalled_request_tells_in_its_plan_what_did_not_fit(session: rv.Session, tmp_path: Path) -> None:
    sidecar = tmp_path / "foreign.png.json"
    sidecar.write_text(
        '{"tool": "rivya_nb", "model": "gone-1", "prompt": "a pier", "params": {"seed": 3}, "references": '
        '[{"name": "cat.png", "sha256": "' + "ab" * 32 + '", "kind": "image", "mime_type": "image/png"}]}'
    )
    request = rv.recall(sidecar)
    assert request.params == {"seed": 3}
    assert len(request.notes) == 2
    assert "cat.png: this reference is not in the store" in repr(request)
    with pytest.raises(rv.InvalidRequestError, match=r"cat\.png: this reference is not in the store"):
        rv.plan(request)
    (tmp_path / "foreign.png.json").write_text('{"tool": "rivya_nb", "prompt": "a pier"}')
    assert rv.plan(rv.recall(sidecar)).notes[0].startswith("model: it is not named")


def test_a_picture_whose_file_is_gone_is_no_reference(session: rv.Session) -> None:
    gone = rv.generate("A bottle that goes", seed=1, resolution="1K").wait(TIMEOUT)[0]
    assert (
        rv.plan("A cat", references=gone).requests[0].references[0].sha256 == gone.record.pictures[0].sha256
    )
    assert gone.path is not None
    gone.path.unlink()
    with pytest.raises(rv.InvalidRequestError, match="not in the store"):
        rv.plan("A cat", references=gone)


def test_outside_a_notebook_the_cell_is_printed(job: rv.Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.as_cell()
    line, body = capsys.readouterr().out.rstrip("\n").split("\n")
    path = re.search(r"--ref (\S+)", line)
    assert line.startswith("%%rivya seed=7 resolution=1K --ref ") or line.startswith(
        "%%rivya resolution=1K seed=7"
    )
    assert path is not None
    assert Path(path[1]).is_file()
    assert parse_prompt(body, variables=True).render({}) == job.prompt


def test_a_running_runs_picture_says_when_it_is_from_and_how_to_get_a_fresh_one(session: rv.Session) -> None:
    run = rv.generate("A bottle that takes its time", resolution="1K")
    saved = run.text()
    assert re.search(r"State as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d. Where this does not change ", saved)
    assert f"rv.resume({run.id})  " in saved
    assert "State as of" not in run.wait(TIMEOUT).text()
    assert session.resume(run.id) is run
