"""The very same request several times: each has a number of its own, which is never sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from views.making import make_run

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.request import Request
from rivya_nb.errors import InvalidRequestError, UsageError
from rivya_nb.planning.ask import Ask, read_ask
from rivya_nb.planning.expansion import Expansion, drawing_notes, expand, expand_places
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.session.adding import Addition, extend, fill
from rivya_nb.store.records import JobRecord, RunRecord, planned_job

SEEDLESS = "nano-banana"


def expanded(prompt: str = "A cup", models: tuple[str, ...] = (DEFAULT_MODEL,), **parts: object) -> Expansion:
    seeds = count(100)
    params = parts.pop("params", {})
    ask = Ask(parse_prompt(prompt, variables=False), models, params, **parts)  # type: ignore[arg-type]
    return expand(ask, bundled(), lambda low, high: next(seeds))


def ran(made: Expansion) -> tuple[RunRecord, dict[str, JobRecord]]:
    """The run of an expansion, as the store has it."""
    jobs = [planned_job(item.request, "sandbox", 0.0) for item in made.requests]
    places = [item.coordinates for item in made.requests]
    return make_run({axis.name: axis.labels for axis in made.axes}, jobs, places, ask=made.ask.to_json())


def extended(
    made: Expansion, repeat: int = 0, replicates: int = 0, **wanted: Mapping[str, object]
) -> Addition:
    seeds = count(200)
    return extend(*ran(made), bundled(), wanted, repeat, lambda low, high: next(seeds), replicates=replicates)


def test_a_number_keeps_requests_apart_and_is_not_sent() -> None:
    first, second = (Request("m", "A cup", {"seed": 7}, replicate=number) for number in (1, 2))
    assert first == Request("m", "A cup", {"seed": 7}), "what has no number is the first"
    assert first != second
    assert first.body([], "one") == second.body([], "one")
    assert "replicate=2" in repr(second)
    assert "replicate" not in repr(first)
    job = planned_job(second, "sandbox", 0.0)
    assert (job.replicate, job.request) == (2, second)


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "2", 2**40])
def test_a_number_by_hand_is_checked(number: int) -> None:
    with pytest.raises(InvalidRequestError, match=r"replicate: .* is not a whole number from 1 to"):
        Request(DEFAULT_MODEL, "A cup", {"seed": 7}, replicate=number)


@given(st.integers(2, 6), st.integers(1, 3))
def test_every_replicate_is_a_request_of_its_own(replicates: int, seeds: int) -> None:
    made = expanded(params={"seed": tuple(range(seeds))}, replicates=replicates)
    assert len({item.key for item in made.requests}) == replicates * seeds
    assert all(item.reusable for item in made.requests)
    assert {item.request.replicate for item in made.requests} == set(range(1, replicates + 1))
    again = read_ask(made.ask.to_json())
    assert again is not None
    assert expand_places(again, bundled())[0].requests == made.requests


def test_replicates_of_a_drawn_seed_have_the_same_seed_and_are_asked_anew() -> None:
    made = expanded(repeat=2, replicates=2, order=("repeat", "replicate"))
    assert [(item.request.seed, item.request.replicate) for item in made.requests] == [
        (100, 1), (100, 2), (101, 1), (101, 2)
    ]  # fmt: skip
    assert not any(item.reusable for item in made.requests)


def test_without_seeds_repeats_are_replicates() -> None:
    repeated, replicated = expanded(models=(SEEDLESS,), repeat=3), expanded(models=(SEEDLESS,), replicates=3)
    assert repeated.requests == replicated.requests
    assert all(item.reusable for item in repeated.requests)
    assert not any(item.reusable for item in expanded(models=(SEEDLESS,)).requests)
    with pytest.raises(UsageError, match="repeat: without a seed, it is the same as replicates"):
        expanded(models=(SEEDLESS,), repeat=2, replicates=2)
    with pytest.raises(InvalidRequestError, match=f"repeat: {SEEDLESS} is asked without a seed"):
        expanded(models=(SEEDLESS, DEFAULT_MODEL), repeat=2, replicates=2)


def test_requests_as_they_are_keep_their_number_and_can_be_replicated() -> None:
    second = Request(DEFAULT_MODEL, "A cup", {"seed": 7}, replicate=2)
    for requests in ([second], [second, second, Request(DEFAULT_MODEL, "A pot")]):
        ask = Ask.of(requests)
        made, _ = expand_places(ask, bundled())
        assert [item.request for item in made.requests] == requests
        again = read_ask(ask.to_json())
        assert again is not None
        assert expand_places(again, bundled())[0].requests == made.requests


def test_more_replicates_of_a_run_are_those_that_come_next() -> None:
    added = extended(expanded(params={"seed": (7, 8)}), replicates=2)
    assert [(item.request.seed, item.request.replicate) for item in added.expansion.requests] == [
        (7, 2), (7, 3), (8, 2), (8, 3)
    ]  # fmt: skip
    assert len(added.kept) == 2
    again = extended(
        expanded(params={"seed": (7, 8)}, replicates=3, order=("seed", "replicate")), replicates=1
    )
    assert [(item.request.seed, item.request.replicate) for item in again.expansion.requests] == [
        (7, 4),
        (8, 4),
    ]


def test_a_typo_in_the_replicates_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="replicates: 1,000,000,000 are too many"):
        expanded(replicates=10**9)
    with pytest.raises(UsageError, match="replicates: 1,000,000,000 are too many"):
        extended(expanded(params={"seed": (7,)}), replicates=10**9)


# Drawn seeds


def test_drawn_seeds_are_the_same_for_every_prompt_unless_each_has_its_own() -> None:
    paired, apart = (expanded("A {red|blue} cup", pair_seeds=pair, repeat=2) for pair in (True, False))
    assert sorted((item.request.prompt, item.request.seed) for item in paired.requests) == [
        (f"A {colour} cup", seed) for colour in ("blue", "red") for seed in (100, 101)
    ]
    by_prompt: dict[str, set[object]] = {}
    for item in apart.requests:
        by_prompt.setdefault(item.request.prompt, set()).add(item.request.seed)
    assert sorted(map(len, by_prompt.values())) == [2, 2]
    assert len(set().union(*by_prompt.values())) == 4
    assert "every prompt has the same drawn seeds" in drawing_notes(paired)[0]
    assert drawing_notes(apart) == ["each prompt has drawn seeds of its own"]
    again = read_ask(apart.ask.to_json())
    assert again is not None
    assert expand_places(again, bundled())[0].requests == apart.requests, "they are kept"


def test_more_prompts_and_repeats_draw_seeds_of_their_own() -> None:
    made = expanded("A {red|blue} cup", pair_seeds=False, repeat=2, order=("prompt", "repeat"))
    drawn = {item.request.seed for item in made.requests}
    wider = extended(made, repeat=1, prompt={"green": "green"})
    found = {
        (item.request.prompt, item.coordinates[1]): item.request.seed for item in wider.expansion.requests
    }
    assert set(found) == {
        ("A red cup", 2), ("A blue cup", 2), *(("A green cup", repeat) for repeat in range(3))
    }  # fmt: skip
    assert len(set(found.values())) == 5
    assert not set(found.values()) & drawn
    whole, _ = expand_places(read_ask(wider.expansion.ask.to_json()) or Ask(), bundled())
    assert {item.request.seed for item in whole.requests} == {*found.values(), *drawn}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"params": {"seed": (1,)}}, "seeds are given; leave it out"),
        ({"models": (SEEDLESS,)}, "none of the models has one; leave it out"),
    ],
)
def test_pairing_what_is_not_drawn_is_refused(parts: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=f"pair_seeds: it is about seeds that are drawn, and {message}"):
        expanded(pair_seeds=False, **parts)  # type: ignore[arg-type]


# Samples that grow


def test_a_sample_takes_more_replicates_of_its_own_places_and_nothing_else() -> None:
    made = expanded("A {red|blue} cup", params={"seed": (1, 2, 3)}, sample=4, order=("prompt", "seed"))
    added = extended(made, replicates=1)
    assert [item.coordinates for item in added.expansion.requests] == [
        (*item.coordinates, 1) for item in made.requests
    ]
    assert {item.request.replicate for item in added.expansion.requests} == {2}
    assert extended(made, seed={"2": 2}).expansion.requests == (), "a value that is there asks for nothing"
    for wanted in ({"seed": {"9": 9}}, {"resolution": {"1K": "1K"}}, {"prompt": {"green": "green"}}):
        with pytest.raises(
            UsageError, match="Run 41 is a sample of 4 places, and takes more replicates only"
        ):
            extended(made, **wanted)


def test_filling_a_sample_asks_for_nothing_that_was_left_out() -> None:
    made = expanded("A {red|blue} cup", params={"seed": (1, 2, 3)}, sample=4, order=("prompt", "seed"))
    run, jobs = ran(made)
    lost = run.cells[2]
    jobs[lost.job_id] = replace(jobs[lost.job_id], status="failed")
    assert [item.coordinates for item in fill(run, jobs, bundled()).expansion.requests] == [lost.coordinates]
