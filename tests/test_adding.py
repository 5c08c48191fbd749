"""More values on a run's axes, and what is missing in a grid: what would be asked, and at what price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import count, product
from pathlib import Path

import pytest
from PIL import Image
from sandboxes import running_sandbox
from views.making import STARTED, make_job, make_run

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.adding import Addition, extend, fill, labelled
from rivya_nb.store.records import JobRecord, RunRecord

TIMEOUT = 30
SEEDLESS = "nano-banana"

Made = tuple[RunRecord, dict[str, JobRecord]]


def lights() -> Made:
    """Two wordings by two seeds, as an earlier kernel left them: labels and finished requests."""
    jobs = [
        make_job(f"{light}{seed}", prompt=f"A {light} sky", params={"seed": seed, "resolution": "1K"})
        for light, seed in product(("dawn", "dusk"), (1, 2))
    ]
    return make_run({"light": ("dawn", "dusk"), "seed": ("1", "2")}, jobs)


def extended(made: Made, repeat: int = 0, **wanted: Sequence[object]) -> Addition:
    seeds = count(100)
    values = {name: labelled(each) for name, each in wanted.items()}
    return extend(*made, bundled(), values, repeat, lambda low, high: next(seeds))


def asked(addition: Addition) -> list[tuple[str, dict[str, object]]]:
    return [(item.request.prompt, dict(item.request.params)) for item in addition.expansion.requests]


def axes(addition: Addition) -> dict[str, tuple[str, ...]]:
    return {axis.name: axis.labels for axis in addition.expansion.axes}


def filled(made: Made) -> Addition:
    return fill(*made, bundled(), service="sandbox", run=None)


# Extending


def test_more_seeds_are_asked_for_every_wording() -> None:
    added = extended(lights(), seed=range(2, 4))
    assert axes(added) == {"light": ("dawn", "dusk"), "seed": ("1", "2", "3")}
    assert asked(added) == [
        ("A dawn sky", {"seed": 3, "resolution": "1K"}),
        ("A dusk sky", {"seed": 3, "resolution": "1K"}),
    ]
    assert [item.coordinates for item in added.expansion.requests] == [(0, 2), (1, 2)]
    assert len(added.kept) == 4


def test_a_new_wording_takes_its_place_in_the_prompt() -> None:
    added = extended(lights(), light=["noon"])
    assert [prompt for prompt, _ in asked(added)] == ["A noon sky"] * 2


def test_what_all_pictures_share_becomes_an_axis_that_begins_with_it() -> None:
    added = extended(lights(), aspect_ratio=["1:1", "9:16"])
    assert axes(added)["aspect_ratio"] == ("1:1", "9:16"), "the documented default is today's value"
    assert {params["aspect_ratio"] for _, params in asked(added)} == {"9:16"}
    assert {cell.coordinates for cell in added.kept} == {(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)}


def test_a_prompt_that_all_share_becomes_an_axis_of_whole_prompts() -> None:
    added = extended(make_run({}, [make_job("only", prompt="A sky", params={"seed": 7})]), prompt=["A sea"])
    assert axes(added) == {"prompt": ("A sky", "A sea")}
    assert asked(added) == [("A sea", {"seed": 7})]


def test_another_model_is_asked_with_what_it_takes_and_what_it_lacks_is_told() -> None:
    only = make_job("only", params={"seed": 7, "resolution": "1K"})
    added = extended(make_run({}, [only]), model=[SEEDLESS])
    assert axes(added) == {"model": (DEFAULT_MODEL, SEEDLESS)}
    assert asked(added)[0][1] == {}
    assert added.notes == (f"{SEEDLESS} has no seed, resolution, and is asked without",)


def test_seeds_that_are_text_elsewhere_stay_the_same_seeds() -> None:
    added = extended(lights(), model=["google-imagen4"])
    assert {params["seed"] for _, params in asked(added)} == {"1", "2"}


def test_repeat_draws_seeds_beside_those_that_are_there() -> None:
    added = extended(lights(), repeat=2)
    assert axes(added)["seed"] == ("1", "2", "100", "101")
    assert all(item.reusable for item in added.expansion.requests)


def test_repeat_asks_a_model_without_seeds_again() -> None:
    added = extended(make_run({}, [make_job("only", model=SEEDLESS)]), repeat=2)
    assert axes(added) == {"repeat": ("1", "2", "3")}
    assert len({item.key for item in added.expansion.requests}) == 2


def test_repeats_of_models_with_and_without_seeds_go_on_alike() -> None:
    jobs = [
        make_job(f"{model}{seed}", model=model, params={"seed": seed} if model == DEFAULT_MODEL else {})
        for model, seed in product((DEFAULT_MODEL, SEEDLESS), (8, 9))
    ]
    added = extended(make_run({"model": (DEFAULT_MODEL, SEEDLESS), "repeat": "12"}, jobs), repeat=1)
    assert axes(added)["repeat"] == ("1", "2", "3")
    assert [params for _, params in asked(added)] == [{"seed": 100}, {}]


def test_a_typo_in_the_repeats_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="repeat: 1,000,000,000 are too many"):
        extended(lights(), repeat=10**9)


def test_values_that_are_there_already_ask_for_nothing() -> None:
    added = extended(lights(), seed=[1, 2.0, "2"], resolution=["1K"])
    assert asked(added) == []
    assert axes(added) == {"light": ("dawn", "dusk"), "seed": ("1", "2")}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"sead": [3]}, "sead: no axis of run 41, and no param of wan-2-7-image-pro; did you mean 'seed'"),
        ({"seed": [{}]}, "seed: {} is not a number"),
        (
            {"aspect_ratio": ["2:1"], "resolution": [[1]]},
            "(?s)resolution: .1. is not text.*aspect_ratio: '2:1'",
        ),
        ({"prompt": ["A sea"]}, "prompt: this run's wordings are the axes light; extend those"),
        ({"model": [SEEDLESS]}, f"seed: unknown param; {SEEDLESS} has"),
    ],
)
def test_what_cannot_be_added_is_told(wanted: Mapping[str, Sequence[object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        extended(lights(), 0, **wanted)


def test_requests_that_were_given_as_they_are_have_no_values_to_add_to() -> None:
    made = make_run({"request": "12"}, [make_job("a", params={"seed": 1}), make_job("b", prompt="A pot")])
    with pytest.raises(rv.UsageError, match="request: what its values stand for in run 41 cannot be told"):
        extended(made, request=["3"])
    with pytest.raises(rv.UsageError, match=r"prompt: it differs between these pictures \(A glass"):
        extended(made, prompt=["A sea"])


# Filling


def ratios(*places: tuple[int, str], **params: object) -> Made:
    """A history's grid of seeds by ratios, with jobs in these places."""
    jobs = [
        make_job(f"{seed} {ratio}", params={"seed": seed, "aspect_ratio": ratio, **params})  # type: ignore[dict-item]
        for seed, ratio in places
    ]
    seeds = tuple(dict.fromkeys(str(seed) for seed, _ in places))
    shapes = tuple(dict.fromkeys(ratio for _, ratio in places))
    at = [(seeds.index(str(seed)), shapes.index(ratio)) for seed, ratio in places]
    return make_run({"seed": seeds, "aspect_ratio": shapes}, jobs, at, id=0)


def test_holes_are_filled_with_what_their_row_and_column_say() -> None:
    added = filled(ratios((1, "1:1"), (2, "16:9"), resolution="1K"))
    assert [(item.coordinates, dict(item.request.params)) for item in added.expansion.requests] == [
        ((0, 1), {"seed": 1, "aspect_ratio": "16:9", "resolution": "1K"}),
        ((1, 0), {"seed": 2, "aspect_ratio": "1:1", "resolution": "1K"}),
    ]


@pytest.mark.parametrize(
    ("status", "missing"),
    [("failed", True), ("stopped", True), ("processing", False), ("unknown", False), ("undelivered", False)],
)
def test_what_failed_is_missing_and_what_may_still_come_is_not(status: str, missing: bool) -> None:
    run, jobs = lights()
    added = filled((run, {**jobs, "dusk1": make_job("dusk1", status, params={"seed": 1})}))
    assert [item.coordinates for item in added.expansion.requests] == ([(1, 0)] if missing else [])


def test_a_deleted_picture_is_missing() -> None:
    run, jobs = lights()
    gone = make_job("dawn2", pictures=0, params={"seed": 2}, deleted_at=STARTED)
    assert [item.coordinates for item in filled((run, {**jobs, "dawn2": gone})).expansion.requests] == [
        (0, 1)
    ]


def test_models_may_differ_in_their_params_where_the_model_is_an_axis() -> None:
    jobs = [
        make_job("a", params={"seed": 1, "resolution": "1K"}),
        make_job("b", params={"seed": 2, "resolution": "1K"}),
        make_job("c", model="google-imagen4", params={"seed": "1", "aspect_ratio": "16:9"}),
    ]
    made = make_run(
        {"model": (DEFAULT_MODEL, "google-imagen4"), "seed": "12"}, jobs, [(0, 0), (0, 1), (1, 0)]
    )
    (hole,) = filled(made).expansion.requests
    assert hole.request == Request("google-imagen4", jobs[0].prompt, {"seed": "2", "aspect_ratio": "16:9"})


def test_a_seed_that_only_a_model_with_texts_had_is_a_number_again() -> None:
    jobs = [
        make_job("a", params={"seed": 1}),
        make_job("b", model="google-imagen4", params={"seed": "1"}),
        make_job("c", model="google-imagen4", params={"seed": "7"}),
    ]
    made = make_run(
        {"model": (DEFAULT_MODEL, "google-imagen4"), "seed": "17"}, jobs, [(0, 0), (1, 0), (1, 1)]
    )
    assert asked(filled(made)) == [(jobs[0].prompt, {"seed": 7})]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"prompt": "A pot"}, {}, r"prompt: it differs between these pictures \(A pot, A glass bottle"),
        ({"params": {"resolution": "2K"}}, {"params": {"resolution": "1K"}}, r"resolution: .*\(2K, 1K\)"),
    ],
)
def test_a_hole_that_the_pictures_do_not_tell_is_not_filled(
    first: dict[str, object], second: dict[str, object], message: str
) -> None:
    run, jobs = ratios((1, "1:1"), (2, "16:9"))
    for job, changes in zip(list(jobs.values()), (first, second), strict=True):
        params = {**job.params, **changes.pop("params", {})}  # type: ignore[dict-item]
        jobs[job.id] = make_job(job.id, params=params, **changes)  # type: ignore[arg-type]
    with pytest.raises(rv.UsageError, match=f"Nothing can be filled: {message}"):
        filled((run, jobs))


def test_places_that_a_model_does_not_have_stay_empty_and_are_told() -> None:
    jobs = [
        make_job("a", params={"seed": 1}),
        make_job("b", params={"seed": 2}),
        make_job("c", model=SEEDLESS),
    ]
    jobs.append(make_job("d", prompt=jobs[0].prompt, model="google-imagen4", params={"seed": "1"}))
    models = (DEFAULT_MODEL, SEEDLESS, "google-imagen4")
    made = make_run({"model": models, "seed": ("1", "2", "none")}, jobs, [(0, 0), (0, 1), (1, 2), (2, 0)])
    added = filled(made)
    assert [item.coordinates for item in added.expansion.requests] == [(2, 1)]
    assert added.notes[0].startswith("4 places stay empty: seed: ")


# Against the sandbox


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


def test_a_grid_of_several_runs_is_filled_by_a_run_of_its_own(session: rv.Session) -> None:
    small(seed=10, aspect_ratio="16:9")
    small(seed=[2, 1])
    grid = rv.history().grid(rows="seed", cols="aspect_ratio")
    plan = grid.fill(max_credits=36)
    assert [dict(request.params) for request in plan.requests] == [
        {"seed": 1, "aspect_ratio": "16:9", "resolution": "1K"},
        {"seed": 2, "aspect_ratio": "16:9", "resolution": "1K"},
        {"seed": 10, "resolution": "1K"},
    ]
    run = plan.run().wait(TIMEOUT)
    assert (len(run), run.credits) == (6, 36)
    assert grid._repr_mimebundle_()["text/html"].count("<img ") == 6
    assert grid.fill().run().wait(TIMEOUT).credits == 0


def test_a_fill_has_its_limit_too(session: rv.Session) -> None:
    small(seed=10, aspect_ratio="16:9")
    small(seed=[2, 1])
    with pytest.raises(
        rv.CreditLimitError, match="3 new pictures would cost 36 credits, and the limit is 30"
    ):
        rv.history().grid(rows="seed", cols="aspect_ratio").fill(max_credits=30).run()
    assert len(rv.runs()) == 2


def test_pictures_of_another_store_are_not_added_to(session: rv.Session, url: str, tmp_path: Path) -> None:
    run = small(seed=1)
    with (
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "other")),
        pytest.raises(rv.UsageError, match=r"in the store .*, and the session works with .*other"),
    ):
        run.extend(seed=[2])
