"""A sample is the same one for the same number, an even part of each prompt, and grows without changing."""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.errors import UsageError
from rivya_nb.planning.ask import Ask, read_ask
from rivya_nb.planning.expansion import Expansion, expand, expand_places
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.sampling import sample_places


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[int], set[int], int, int]:
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    strata = draw(st.sets(st.integers(0, len(sizes) - 1)))
    return sizes, strata, draw(st.integers(1, prod(sizes))), draw(st.integers(0, 2**64))


@given(samples())
def test_a_sample_is_an_even_part_of_each_prompt(asked: tuple[list[int], set[int], int, int]) -> None:
    sizes, strata, count, _ = asked
    places = sample_places(*asked)
    assert len(places) == len(set(places)) == count
    assert places == sorted(places), "they stand in grid order"
    assert set(places) <= set(product(*map(range, sizes)))
    found = Counter(tuple(place[axis] for axis in sorted(strata)) for place in places)
    of_each = [found[group] for group in product(*(range(sizes[axis]) for axis in sorted(strata)))]
    assert max(of_each) - min(of_each) <= 1


@given(samples(), st.data())
def test_a_larger_sample_has_the_places_of_a_smaller_one(
    asked: tuple[list[int], set[int], int, int], data: st.DataObject
) -> None:
    sizes, strata, count, seed = asked
    fewer = data.draw(st.integers(1, count))
    assert sample_places(*asked) == sample_places(*asked)
    assert set(sample_places(sizes, strata, fewer, seed)) <= set(sample_places(*asked))


def test_the_same_number_draws_the_same_places_for_ever() -> None:
    """Studies are planned anew by it: what it draws must not change."""
    assert sample_places([3, 4], {0}, 5, 0) == [(0, 2), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert sample_places([2, 3, 4], (), 3, 7) == [(0, 0, 1), (1, 1, 0), (1, 2, 3)]


def test_which_prompts_get_one_more_and_which_places_is_random() -> None:
    found = Counter(place for seed in range(4_000) for place in sample_places([3, 4], {0}, 4, seed))
    assert set(found) == set(product(range(3), range(4)))
    # Each of 12 places is one of 4 in a third of the samples; five standard errors are 150.
    assert all(abs(number - 4_000 / 3) < 150 for number in found.values())


def expanded(prompt: str, **parts: object) -> Expansion:
    params = parts.pop("params", {"seed": tuple(range(1, 9))})
    ask = Ask(parse_prompt(prompt, variables=False), (DEFAULT_MODEL,), params, **parts)  # type: ignore[arg-type]
    return expand(ask, bundled(), lambda low, _: low)


def asked(expansion: Expansion) -> Counter[tuple[str, object]]:
    return Counter((item.request.prompt, item.request.seed) for item in expansion.requests)


def test_a_sample_takes_all_replicates_of_its_places() -> None:
    once = asked(expanded("A {red|blue|green} cup", sample=7, sample_seed=3))
    thrice = expanded("A {red|blue|green} cup", sample=7, sample_seed=3, replicates=3)
    assert sorted(Counter(prompt for prompt, _ in once).values()) == [2, 2, 3]
    assert asked(thrice) == dict.fromkeys(once, 3)
    assert Counter(item.request.replicate for item in thrice.requests) == {1: 7, 2: 7, 3: 7}


@pytest.mark.parametrize("order", [("resolution", "look", "seed"), ("replicate", "look", "size")])
def test_the_order_of_the_axes_changes_nothing(order: tuple[str, ...]) -> None:
    """A cell and Python write them in different orders."""
    params = {"seed": (1, 2, 3), "resolution": ("1K", "2K")}
    prompt = "A {size=big|small} {look=red|blue|green} cup"
    made = [expanded(prompt, params=params, sample=9, replicates=2, order=each) for each in ((), order)]
    requests = [{item.request.identity for item in each.requests} for each in made]
    assert [axis.name for axis in made[0].axes] != [axis.name for axis in made[1].axes]
    assert requests[0] == requests[1]


def test_the_whole_wording_is_what_is_sampled_evenly() -> None:
    made = expanded("A {size=big|small} {red|blue|green} cup", sample=12)
    assert Counter(Counter(item.request.prompt for item in made.requests).values()) == {2: 6}


def test_a_sample_comes_back_from_what_was_asked() -> None:
    made = expanded("A {red|blue} cup", sample=5, sample_seed=9)
    again = read_ask(made.ask.to_json())
    assert again is not None
    assert expand_places(again, bundled())[0].requests == made.requests


def test_a_part_of_a_product_that_is_too_large_to_list_can_be_asked() -> None:
    params = {"seed": tuple(range(90_000)), "resolution": ("1K", "2K")}
    made = expanded("A cup", params=params, sample=3)
    assert len(made.requests) == 3


def test_more_than_there_is_is_refused_with_its_number() -> None:
    with pytest.raises(UsageError, match="sample: 17 are more than there are: the product has 16 places"):
        expanded("A {red|blue} cup", sample=17, replicates=5)
    assert len(expanded("A {red|blue} cup", sample=16).requests) == 16
    with pytest.raises(UsageError, match="160,000 requests are too many"):
        expanded("A {red|blue} cup", sample=16, replicates=10_000)
