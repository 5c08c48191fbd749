"""Seeds that are drawn fit every model of the plan, whatever ranges the models have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Catalogue, Model, Param, bundled
from rivya_nb.errors import UsageError
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.expansion import Expansion, expand
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.seeds import DrawSeed

WAN = bundled()[DEFAULT_MODEL]


def with_seed(name: str, seed: Param) -> Model:
    return replace(WAN, id=name, params=(seed,))


def expanded(*models: Model, draw: DrawSeed, repeat: int = 1) -> Expansion:
    ask = Ask(parse_prompt("A bottle", variables=False), tuple(model.id for model in models), repeat=repeat)
    return expand(ask, Catalogue(models), draw)


def test_a_drawn_seed_is_in_the_range_of_every_model() -> None:
    drawn: list[tuple[int, int]] = []

    def draw(low: int, high: int) -> int:
        drawn.append((low, high))
        return high

    narrow = with_seed("narrow", Param("seed", "number", minimum=10, maximum=99))
    made = expanded(WAN, narrow, draw=draw)
    assert drawn == [(10, 99)]
    assert [item.request.seed for item in made.requests] == [99, 99]


def test_more_repeats_than_seeds_are_refused_and_not_drawn_for_ever() -> None:
    tiny = with_seed("tiny", Param("seed", "number", minimum=1, maximum=3))
    with pytest.raises(UsageError, match="there are only 3 different seeds"):
        expanded(tiny, repeat=4, draw=lambda low, high: low)
    with pytest.raises(UsageError, match="there are only 0 different seeds"):
        expanded(tiny, with_seed("far", Param("seed", "number", minimum=10)), draw=lambda low, high: low)


def test_a_typo_in_the_repeats_is_refused_at_once() -> None:
    for model in (WAN, bundled()["nano-banana"]):
        with pytest.raises(
            UsageError, match="repeat: 1,000,000,000 are too many; a plan takes 100,000 at most"
        ):
            expanded(model, repeat=10**9, draw=lambda low, high: low)


def test_a_seed_of_a_few_choices_is_left_to_the_service() -> None:
    odd = with_seed("odd", Param("seed", "select", options=("lucky", "unlucky")))
    made = expanded(odd, WAN, draw=lambda low, high: 7)
    assert [item.request.seed for item in made.requests] == [None, 7]
