"""From a prompt and its axes to requests."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.references import Reference
from rivya_nb.errors import InvalidRequestError, UsageError
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.expansion import Expansion, expand
from rivya_nb.planning.prompt import parse_prompt


def expanded(
    prompt: str = "A bottle",
    *,
    models: tuple[str, ...] = (DEFAULT_MODEL,),
    references: dict[str, tuple[Reference, ...]] | None = None,
    repeat: int = 1,
    order: tuple[str, ...] = (),
    **params: tuple[object, ...],
) -> Expansion:
    seeds = count(100)
    ask = Ask(
        parse_prompt(prompt, variables=False),
        models,
        params,
        references or {},
        repeat,
        order,
    )
    return expand(ask, bundled(), lambda low, high: next(seeds))


def seeds(expansion: Expansion) -> list[object]:
    return [item.request.seed for item in expansion.requests]


def test_the_axes_stand_in_the_order_in_which_they_were_written() -> None:
    made = expanded(
        "A {light=dawn|dusk} bottle",
        seed=(1, 2, 3),
        aspect_ratio=("1:1", "16:9"),
        order=("aspect_ratio", "light", "seed"),
    )
    assert [(axis.name, axis.labels) for axis in made.axes] == [
        ("aspect_ratio", ("1:1", "16:9")),
        ("light", ("dawn", "dusk")),
        ("seed", ("1", "2", "3")),
    ]
    last = made.requests[-1]
    assert last.coordinates == (1, 1, 2)
    assert last.request.prompt == "A dusk bottle"
    assert dict(last.request.params) == {"aspect_ratio": "16:9", "seed": 3}


@given(st.lists(st.integers(1, 4), min_size=0, max_size=3))
def test_every_combination_is_asked_for_once(sizes: list[int]) -> None:
    values = {"seed": range(9), "aspect_ratio": ("1:1", "16:9", "3:4", "9:16"), "resolution": ("1K", "2K")}
    params = {
        key: tuple(values[key])[:size]
        for key, size in zip(values, sizes, strict=False)
        if size <= len(values[key])
    }
    made = expanded(**params)  # type: ignore[arg-type]
    identities = {item.request.identity for item in made.requests}
    total = 1
    for given_values in params.values():
        total *= len(given_values)
    assert len(identities) == len(made.requests) == total


def test_a_seed_is_drawn_once_for_the_whole_plan() -> None:
    made = expanded(aspect_ratio=("1:1", "16:9"))
    assert seeds(made) == [100, 100]
    assert made.ask.drawn == (100,)
    assert not any(item.reusable for item in made.requests)


def test_repeat_draws_seeds_and_they_stand_where_it_was_written() -> None:
    made = expanded(repeat=2, aspect_ratio=("1:1", "16:9"), order=("repeat", "aspect_ratio"))
    assert [axis.name for axis in made.axes] == ["seed", "aspect_ratio"]
    assert seeds(made) == [100, 100, 101, 101]


def test_a_seed_that_is_not_sent_is_left_to_the_service() -> None:
    made = expanded(seed=(None,), repeat=3)
    assert seeds(made) == [None] * 3
    assert len({item.key for item in made.requests}) == 3, "each is a request of its own"
    assert not any(item.reusable for item in made.requests)


def test_a_model_without_seeds_is_asked_again_and_again() -> None:
    made = expanded(models=("nano-banana",), repeat=3)
    assert [axis.name for axis in made.axes] == ["replicate"]
    assert [item.request.replicate for item in made.requests] == [1, 2, 3]


def test_models_with_and_without_seeds_share_a_plan() -> None:
    made = expanded(
        models=(DEFAULT_MODEL, "nano-banana", "google-imagen4"), repeat=2, order=("model", "repeat")
    )
    assert seeds(made) == [100, 101, None, None, "100", "101"]
    assert len({item.key for item in made.requests}) == 6
    assert [(axis.name, axis.labels) for axis in made.axes][1:] == [("repeat", ("1", "2"))]


def test_repeat_beside_seeds_is_refused() -> None:
    with pytest.raises(UsageError, match="seeds are given too"):
        expanded(seed=(1, 2), repeat=2)


def test_twins_share_a_key() -> None:
    made = expanded(seed=(7,), aspect_ratio=("1:1", "1:1"))
    assert len({item.key for item in made.requests}) == 1


def test_sets_of_references_are_an_axis() -> None:
    cat = Reference("aa", "image", "image/png", "cat.png", 1)
    dog = Reference("bb", "image", "image/png", "dog.png", 1)
    made = expanded(seed=(1,), references={"cat": (cat,), "both": (cat, dog)})
    assert made.axes[0].labels == ("cat", "both")
    assert made.requests[1].request.references == (cat, dog)


def test_a_mistake_that_many_combinations_share_is_told_once() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        expanded(seed=tuple(range(50)), resolution=("3K",), aspect_ratio=("1:1", "2:1"))
    assert [mistake.where for mistake in refused.value.mistakes] == ["resolution", "aspect_ratio"]


def test_too_many_requests_are_refused_before_they_are_made() -> None:
    with pytest.raises(UsageError, match="100,000,000 requests are too many"):
        expanded(seed=tuple(range(10_000)), aspect_ratio=tuple(map(str, range(10_000))))


@pytest.mark.parametrize("model", [["wan-2-7-image-pro"], {}, 7])
def test_what_is_no_models_id_at_all_is_told(model: object) -> None:
    with pytest.raises(InvalidRequestError, match="is not a model's id; give the id as text"):
        bundled().runnable(model)


@pytest.mark.parametrize("name", ["seed", "aspect_ratio", "model", "references", "repeat", "replicate"])
def test_an_axis_of_the_prompt_cannot_pass_for_something_else(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: an axis of the prompt cannot bear this name"):
        expanded(f"A {{{name}=big|small}} bottle", seed=(1,))
