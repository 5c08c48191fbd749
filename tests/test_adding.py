"""More values on a run's axes, and what is missing in a grid: what would be asked, and at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, product

import pytest
from views.making import BOTTLE, STARTED, asked, make_job, make_run

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.planning.ask import Ask, read_ask
from rivya_nb.planning.expansion import expand_places
from rivya_nb.planning.growth import labelled
from rivya_nb.session.adding import Addition, extend, fill
from rivya_nb.store.records import AxisRecord, JobRecord, RunRecord

SEEDLESS = "nano-banana"

Made = tuple[RunRecord, dict[str, JobRecord]]


def lights() -> Made:
    """Two wordings by two seeds, as an earlier kernel left them."""
    jobs = [
        make_job(f"{light}{seed}", prompt=f"A {light} sky", params={"seed": seed, "resolution": "1K"})
        for light, seed in product(("dawn", "dusk"), (1, 2))
    ]
    ask = asked("A {light=dawn|dusk} sky", seed=[1, 2], resolution="1K", order=("light", "seed"))
    return make_run({"light": ("dawn", "dusk"), "seed": ("1", "2")}, jobs, **ask)


def extended(made: Made, repeat: int = 0, **wanted: Sequence[object]) -> Addition:
    seeds = count(100)
    values = {name: labelled(each) for name, each in wanted.items()}
    return extend(*made, bundled(), values, repeat, lambda low, high: next(seeds))


def only(**parts: object) -> Made:
    """A run of one picture, of a prompt without axes."""
    params = {key: value for key, value in parts.items() if key not in ("models", "prompt")}
    job = make_job("only", params=params)  # type: ignore[arg-type]
    return make_run({}, [job], **asked(**parts))  # type: ignore[arg-type]


def requested(addition: Addition) -> list[tuple[str, dict[str, object]]]:
    return [(item.request.prompt, dict(item.request.params)) for item in addition.expansion.requests]


def axes(addition: Addition) -> dict[str, tuple[str, ...]]:
    return {axis.name: axis.labels for axis in addition.expansion.axes}


def filled(made: Made) -> Addition:
    return fill(*made, bundled())


def places(addition: Addition) -> list[tuple[int, ...]]:
    return [item.coordinates for item in addition.expansion.requests]


# Extending


def test_more_seeds_are_asked_for_every_wording() -> None:
    added = extended(lights(), seed=range(2, 4))
    assert axes(added) == {"light": ("dawn", "dusk"), "seed": ("1", "2", "3")}
    assert requested(added) == [
        ("A dawn sky", {"seed": 3, "resolution": "1K"}),
        ("A dusk sky", {"seed": 3, "resolution": "1K"}),
    ]
    assert places(added) == [(0, 2), (1, 2)]
    assert len(added.kept) == 4


def test_a_new_wording_takes_its_place_in_the_prompt() -> None:
    added = extended(lights(), light=["noon"])
    assert [prompt for prompt, _ in requested(added)] == ["A noon sky"] * 2


def test_what_all_pictures_share_becomes_an_axis_that_begins_with_it() -> None:
    added = extended(lights(), aspect_ratio=["1:1", "9:16"])
    assert axes(added)["aspect_ratio"] == ("1:1", "9:16"), "the documented default is today's value"
    assert {params["aspect_ratio"] for _, params in requested(added)} == {"9:16"}
    assert {cell.coordinates for cell in added.kept} == {(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)}


def test_a_prompt_that_all_share_becomes_an_axis_of_whole_prompts() -> None:
    added = extended(only(prompt="A sky", seed=7), prompt=["A sea"])
    assert axes(added) == {"prompt": ("A sky", "A sea")}
    assert requested(added) == [("A sea", {"seed": 7})]


def test_another_model_is_asked_with_what_it_takes_and_what_it_lacks_is_told() -> None:
    added = extended(only(seed=7, resolution="1K"), model=[SEEDLESS])
    assert axes(added) == {"model": (DEFAULT_MODEL, SEEDLESS)}
    assert requested(added)[0][1] == {}
    assert added.notes == (f"{SEEDLESS} has no seed, resolution, and is asked without",)


def test_a_param_that_is_not_sent_is_not_sent_to_a_model_that_lacks_it() -> None:
    added = extended(only(seed=None), model=[SEEDLESS])
    assert (requested(added), added.notes) == ([(BOTTLE, {})], ())


def test_seeds_that_are_text_elsewhere_stay_the_same_seeds() -> None:
    added = extended(lights(), model=["google-imagen4"])
    assert {params["seed"] for _, params in requested(added)} == {"1", "2"}


def test_seeds_that_one_model_keeps_as_text_are_numbers_for_another() -> None:
    added = extended(only(models=("google-imagen4",), seed="7"), model=[DEFAULT_MODEL])
    assert requested(added) == [(BOTTLE, {"seed": 7})]


def test_repeat_draws_seeds_beside_those_that_are_there() -> None:
    added = extended(lights(), repeat=2)
    assert axes(added)["seed"] == ("1", "2", "100", "101")
    assert all(item.reusable for item in added.expansion.requests)


def test_repeat_asks_a_model_without_seeds_again() -> None:
    added = extended(only(models=(SEEDLESS,)), repeat=2)
    assert axes(added) == {"replicate": ("1", "2", "3")}
    assert [item.request.replicate for item in added.expansion.requests] == [2, 3]


def test_repeats_of_models_with_and_without_seeds_go_on_alike() -> None:
    jobs = [
        make_job(f"{model}{seed}", model=model, params={"seed": seed} if model == DEFAULT_MODEL else {})
        for model, seed in product((DEFAULT_MODEL, SEEDLESS), (8, 9))
    ]
    ask = asked(models=(DEFAULT_MODEL, SEEDLESS), repeat=2, drawn=(8, 9))
    added = extended(make_run({"model": (DEFAULT_MODEL, SEEDLESS), "repeat": "12"}, jobs, **ask), repeat=1)
    assert axes(added)["repeat"] == ("1", "2", "3")
    assert [params for _, params in requested(added)] == [{"seed": 100}, {}]


def test_a_typo_in_the_repeats_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="repeat: 1,000,000,000 are too many"):
        extended(lights(), repeat=10**9)


def test_values_that_are_there_already_ask_for_nothing() -> None:
    added = extended(lights(), seed=[1, 2.0, "2"], resolution=["1K"])
    assert requested(added) == []
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


def listed(*requests: Request) -> Made:
    """A run of requests that were given as they are."""
    jobs = [make_job(f"job{at}", prompt=each.prompt, params=each.params) for at, each in enumerate(requests)]
    labels = [str(at) for at in range(1, len(jobs) + 1)]
    return make_run({"request": labels}, jobs, ask=Ask.of(requests).to_json())


def test_requests_that_were_given_as_they_are_take_values_of_what_they_share() -> None:
    made = listed(
        Request(DEFAULT_MODEL, "A pot", {"seed": 1}),
        Request(DEFAULT_MODEL, "A cup", {"seed": 1, "resolution": "1K"}),
    )
    added = extended(made, seed=[2])
    assert axes(added) == {"request": ("1", "2"), "seed": ("1", "2")}
    assert requested(added) == [("A pot", {"seed": 2}), ("A cup", {"seed": 2, "resolution": "1K"})]
    again = read_ask(added.expansion.ask.to_json())
    assert again is not None
    assert places(Addition(expand_places(again, bundled())[0], ())) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for name, message in (
        ("request", "run 41 was given as requests one by one"),
        ("prompt", "run 41 was given as requests one by one"),
        ("resolution", r"it differs between these requests \(none, 1K\)"),
    ):
        with pytest.raises(rv.UsageError, match=f"{name}: {message}"):
            extended(made, **{name: ["3"]})


def test_a_run_whose_ask_cannot_be_read_says_so() -> None:
    run, jobs = lights()
    for text in (None, "", "[]", "{}", '{"version": 99}', '{"version": 1, "params": 7}'):
        with pytest.raises(rv.UsageError, match="What run 41 asked cannot be read here"):
            extended((replace(run, ask=text), jobs), seed=[3])


def test_what_was_added_can_be_added_to_again() -> None:
    """Also what fits no `%%rivya` cell: a param that one model is not sent, and seeds by repeat."""
    first = extended(only(seed=7, resolution="1K"), model=[SEEDLESS])
    second = extended(grown(first), repeat=1)
    assert axes(second) == {"model": (DEFAULT_MODEL, SEEDLESS), "repeat": ("1", "2")}
    assert requested(second) == [(BOTTLE, {"seed": 100, "resolution": "1K"}), (BOTTLE, {})]
    third = extended(grown(second), aspect_ratio=[])
    assert requested(third) == []
    assert third.expansion.ask.drawn == (7, 100)
    with pytest.raises(rv.UsageError, match=r"seed: a seed was drawn for each repeat; extend\(repeat=…\)"):
        extended(grown(second), seed=[3])


def grown(addition: Addition) -> Made:
    """The run that an extension of a run of one picture makes."""
    ids = [cell.coordinates for cell in addition.kept] + places(addition)
    labels = axes(addition)
    jobs = [make_job(f"{place}", params={"seed": 7}) for place in ids]
    return make_run(labels, jobs, ids, ask=addition.expansion.ask.to_json())


def test_seeds_that_were_drawn_are_never_drawn_again() -> None:
    """Whoever reads the run: the ask has them, also those of pictures that failed."""
    seeds = iter([5, 6, 7, 5, 8])
    run, jobs = only(seed=[5, 6], drawn=(5, 6), order=("seed",))
    added = extend(
        replace(run, axes=(AxisRecord("seed", ("5", "6")),), cells=()),
        jobs,
        bundled(),
        {},
        2,
        lambda low, high: next(seeds),
    )
    assert axes(added)["seed"] == ("5", "6", "7", "8")
    assert added.expansion.ask.drawn == (5, 6, 7, 8)


def test_an_ask_that_its_model_no_longer_takes_is_told() -> None:
    made = only(seed=1, aspect_ratio="2:1")
    with pytest.raises(rv.InvalidRequestError, match=r"no longer take what was asked then\n.*aspect_ratio"):
        extended(made, seed=[2])
    with pytest.raises(rv.InvalidRequestError) as refused:
        extended(only(seed=1), aspect_ratio=["2:1"])
    assert "no longer" not in str(refused.value), "what is wanted is wrong, not what was asked"
    run, _ = made
    failed = make_job("only", "failed", params={"seed": 1})
    with pytest.raises(rv.UsageError, match=r"Nothing can be filled; .* no longer .*: aspect_ratio: '2:1'"):
        filled((run, {"only": failed}))


def test_seeds_of_a_model_that_is_gone_cannot_be_drawn() -> None:
    for gone in (only(seed=1, models=("gone",)), only(models=(SEEDLESS,), seed=1)):
        with pytest.raises(rv.InvalidRequestError, match=r"no longer take what was asked then\n"):
            extended(gone, repeat=1)


def test_an_ask_of_other_places_is_not_added_to() -> None:
    run, jobs = lights()
    for text in (asked("A {light=dawn|dusk} sky", seed=1)["ask"], '{"version": 1}'):
        other = replace(run, ask=text)
        with pytest.raises(rv.UsageError, match="cannot be read here; plan it anew"):
            extended((other, jobs), seed=[3])
        with pytest.raises(rv.UsageError, match="cannot be read here; plan it anew"):
            filled((other, jobs))


# Filling


@pytest.mark.parametrize(
    ("status", "missing"),
    [("failed", True), ("stopped", True), ("processing", False), ("unknown", False), ("undelivered", False)],
)
def test_what_failed_is_missing_and_what_may_still_come_is_not(status: str, missing: bool) -> None:
    run, jobs = lights()
    added = filled((run, {**jobs, "dusk1": make_job("dusk1", status, params={"seed": 1})}))
    assert places(added) == ([(1, 0)] if missing else [])


def test_a_deleted_picture_is_missing() -> None:
    run, jobs = lights()
    gone = make_job("dawn2", pictures=0, params={"seed": 2}, deleted_at=STARTED)
    assert places(filled((run, {**jobs, "dawn2": gone}))) == [(0, 1)]


def test_places_that_a_model_no_longer_takes_stay_empty_and_are_told() -> None:
    jobs = [make_job(ratio, "failed", params={"aspect_ratio": ratio}) for ratio in ("2:1", "1:1")]
    made = make_run({"aspect_ratio": ("2:1", "1:1")}, jobs, **asked(seed=None, aspect_ratio=["2:1", "1:1"]))
    added = filled(made)
    assert places(added) == [(1,)]
    assert added.notes[0].startswith("1 place not filled; the models no longer take what was asked then: ")


def test_what_one_job_stood_for_stays_one() -> None:
    asks = {**asked(models=(SEEDLESS,), repeat=3)}
    one, two = (make_job(name, "failed", model=SEEDLESS) for name in ("one", "two"))
    run, _ = make_run({"repeat": "123"}, [one, one, two], **asks)
    added = filled((run, {"one": one, "two": two}))
    assert places(added) == [(0,), (1,), (2,)]
    keys = [item.key for item in added.expansion.requests]
    assert keys[0] == keys[1] != keys[2]
