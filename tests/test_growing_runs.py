"""Runs that grow and grids that are filled: planned, paid and shown, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_sandbox(SandboxConfig(latency=0, credits=10_000)) as address:
        yield address


@pytest.fixture
def session(url: str, tmp_path: Path) -> Iterator[rv.Session]:
    with closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as connected:
        yield connected


def small(prompt: str = "A bottle", **params: object) -> rv.Run:
    return rv.generate(prompt, resolution="1K", **params).wait(TIMEOUT)  # type: ignore[arg-type]


def test_an_extension_shows_its_price_first_and_pays_only_for_what_is_new(session: rv.Session) -> None:
    run = small("A {dawn|dusk} sky", repeat=2, name="skies")
    drawn = {job.seed for job in run}
    plan = run.extend(prompt=["noon"])
    assert (len(plan), plan.credits) == (2, 24)
    assert plan._repr_mimebundle_()["text/html"].count("<img ") == 4, "what is there shows as it is"
    wider = plan.run().wait(TIMEOUT)
    assert (wider.name, wider.credits, len(wider)) == ("skies", 24, 6)
    assert {job.seed for job in wider} == drawn
    assert set(run.jobs_by_id) < set(wider.jobs_by_id)
    assert (len(run), run.credits) == (4, 48)
    assert run.extend(prompt=["noon"]).credits == 0


def test_references_can_be_added_by_label(session: rv.Session) -> None:
    plan = small(seed=1).extend(references={"red": Image.new("RGB", (64, 64), "red")})
    assert [len(request.references) for request in plan.requests] == [1]
    assert [axis.labels for axis in plan.draft.axes] == [("none", "red")]


def test_what_was_given_up_is_not_sent_by_an_extension(session: rv.Session) -> None:
    run = small(seed=[1, 2])
    session.store.update_job(run[1].id, status="stopped")
    wider = rv.runs(run.id).extend(seed=[3]).run().wait(TIMEOUT)
    assert [job.status for job in wider] == ["succeeded", "stopped", "succeeded"]
    assert wider.credits == 12


def test_a_runs_failed_cells_are_filled_into_the_run(session: rv.Session) -> None:
    run = small(seed=[1, 2], aspect_ratio=["1:1", "16:9"])
    run[1].delete(confirm=True)
    session.store.finish_job(run[2].id, [], status="failed", final_credits=0)
    grid = rv.runs(run.id).grid(rows="aspect_ratio", cols="seed")
    plan = grid.fill()
    assert (len(plan), plan.credits) == (2, 24)
    assert plan.summary.endswith("beside 2 that are there already")
    done = plan.run().wait(TIMEOUT)
    assert done.id == run.id
    assert [job.status for job in done] == ["succeeded"] * 4
    assert grid._repr_mimebundle_()["text/html"].count("<img ") == 4
    assert grid.fill().credits == len(grid.fill()) == 0
    assert plan.run().wait(TIMEOUT).id == run.id
    assert len(rv.runs()) == 1


def test_a_picture_whose_file_somebody_took_away_is_filled_too(session: rv.Session) -> None:
    run = small(seed=[1, 2])
    assert run[1].path is not None
    run[1].path.unlink()
    for grid in (rv.runs(run.id).grid(), rv.history().grid(rows="seed")):
        assert (len(grid.fill()), grid.fill().credits) == (1, 12)
    grid.fill().run().wait(TIMEOUT)
    assert (len(grid.fill()), rv.plan("A bottle", resolution="1K", seed=[1, 2]).credits) == (0, 0)


def test_a_grid_of_the_history_is_filled_where_its_pictures_come_from_one_run(session: rv.Session) -> None:
    run = small(seed=[2, 10], aspect_ratio=["1:1", "16:9"])
    run[3].delete(confirm=True)
    grid = rv.history(aspect_ratio="16:9").grid(rows="seed")
    assert len(grid._run.cells) == 1
    plan = grid.fill()
    assert [dict(request.params) for request in plan.requests] == [
        {"seed": 10, "aspect_ratio": "16:9", "resolution": "1K"}
    ]
    assert plan.run().wait(TIMEOUT).id == run.id
    assert grid._run.axes[0].labels == ("2", "10")
    assert grid._repr_mimebundle_()["text/html"].count("<img ") == 2
    assert len(rv.runs()) == 1


def test_a_grid_of_several_runs_is_not_filled_and_says_what_to_do(session: rv.Session) -> None:
    small(seed=10, aspect_ratio="16:9")
    small(seed=[2, 1])
    with pytest.raises(
        rv.UsageError, match=r"do not come from one run, .* Plan the whole grid with rv\.plan"
    ):
        rv.history().grid(rows="seed", cols="aspect_ratio").fill()


def test_a_fill_has_its_limit_too(session: rv.Session) -> None:
    run = small(seed=[1, 2, 3])
    run.delete(confirm=True)
    with pytest.raises(
        rv.CreditLimitError, match="3 new pictures would cost 36 credits, and the limit is 30"
    ):
        run.grid().fill(max_credits=30).run()


def test_drawn_seeds_are_known_after_a_restart(session: rv.Session, url: str) -> None:
    run = small("A {dawn|dusk} sky", repeat=2)
    drawn = {job.seed for job in run}
    run_id, folder = run.id, session.store.folder
    session.close()
    session.store.close()
    with closing(rv.connect(DEFAULT_KEY, url, store=folder)):
        again = rv.runs(run_id)
        assert set(again.drawn_seeds) == drawn
        seeds = [seed for request in again.extend(repeat=2).requests if (seed := request.seed) not in drawn]
        assert len(seeds) == 4
        wider = again.extend(repeat=2).run().wait(TIMEOUT)
        assert (wider.credits, set(wider.drawn_seeds)) == (48, {job.seed for job in wider})


def test_a_run_that_went_on_with_everything_can_be_filled(session: rv.Session) -> None:
    runs = [small(seed=1), small("A cup", seed=None)]
    for run in runs:
        session.store.update_job(run[0].id, status="unknown", task_id=None)
    resumed = rv.resume().wait(TIMEOUT)
    assert resumed.id not in {run.id for run in runs}
    for job in resumed:
        session.store.finish_job(job.id, [], status="failed", final_credits=0)
    plan = rv.runs(resumed.id).grid().fill()
    assert [(request.prompt, request.seed) for request in plan.requests] == [("A bottle", 1), ("A cup", None)]
    assert plan.run().wait(TIMEOUT).id == resumed.id


def test_pictures_of_another_store_are_not_added_to(session: rv.Session, url: str, tmp_path: Path) -> None:
    run = small(seed=1)
    with (
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "other")),
        pytest.raises(rv.UsageError, match=r"in the store .*, and the session works with .*other"),
    ):
        run.extend(seed=[2])


def test_a_value_that_asks_the_same_without_a_seed_is_not_bought_again(session: rv.Session) -> None:
    red = Image.new("RGB", (64, 64), "red")
    run = rv.generate("A bottle", model="nano-banana", references={"a": red}).wait(TIMEOUT)
    plan = run.extend(references={"b": red}, imageSize=["16:9", None])
    assert plan.credits == run.credits
    wider = plan.run().wait(TIMEOUT)
    assert (wider.credits, len(wider), len(wider.shown.cells)) == (plan.credits, 2, 6)
