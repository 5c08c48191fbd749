"""Which pictures are compared, and what their differences come to."""

from __future__ import annotations

import itertools

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.measures.metric import NONE, Difference
from rivya_nb.measures.pairs import (
    MOST_PAIRS,
    SAME,
    SAME_NAME,
    Coordinates,
    Pair,
    by_axis,
    by_place,
    choose_pairs,
    count_pairs,
    floor_of,
    spread,
)

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@st.composite
def some_places(draw: st.DrawFn) -> list[Coordinates]:
    """A grid of up to four axes, with holes."""
    whole = list(itertools.product(*map(range, draw(SHAPES))))
    return draw(st.lists(st.sampled_from(whole), min_size=1, unique=True))


def apart(one: Coordinates, other: Coordinates) -> list[int]:
    return [axis for axis, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]


def made_up(places: list[Coordinates], moving: dict[int, float]) -> dict[Pair, Difference]:
    """Differences as if each of these axes moved the pictures that much, and the others not at all."""
    pairs = choose_pairs(places, len(places[0]))
    return {pair: Difference(moving.get(pair.axis, 0.0), 10 * moving.get(pair.axis, 0.0)) for pair in pairs}


@given(some_places())
def test_every_two_places_that_differ_along_one_axis_are_compared_once(places: list[Coordinates]) -> None:
    wanted = {
        (axes[0], *sorted(pair))
        for pair in itertools.combinations(places, 2)
        if len(axes := apart(*pair)) == 1
    }
    chosen = choose_pairs(places, len(places[0]))
    assert len(chosen) == len(wanted)
    assert {(pair.axis, pair.one, pair.other) for pair in chosen} == wanted
    assert sum(count_pairs(places, axis) for axis in range(len(places[0]))) == len(wanted)


def test_of_many_pairs_the_same_ones_are_drawn_each_time_and_from_everywhere() -> None:
    places = [(row, column) for row in range(10) for column in range(60)]
    chosen = choose_pairs(places, 2)
    assert chosen == choose_pairs(list(reversed(places)), 2)
    assert [sum(pair.axis == axis for pair in chosen) for axis in (0, 1)] == [MOST_PAIRS, MOST_PAIRS]
    assert len(set(chosen)) == len(chosen)
    along_rows = [pair for pair in chosen if pair.axis == 1]
    assert {pair.one[0] for pair in along_rows} == set(range(10))
    assert all(apart(pair.one, pair.other) == [1] for pair in along_rows)
    [_, columns] = by_axis(["seed", "light"], places, dict.fromkeys(chosen, NONE))
    assert (columns.pairs, columns.possible) == (MOST_PAIRS, 10 * 60 * 59 // 2)


@given(some_places(), st.data())
def test_an_axis_is_told_the_same_wherever_it_stands(places: list[Coordinates], data: st.DataObject) -> None:
    axes = len(places[0])
    order = data.draw(st.permutations(range(axes)))
    turned = [tuple(place[axis] for axis in order) for place in places]
    moving = {axis: 0.1 * (axis + 1) for axis in range(axes)}
    told = by_axis("abcd"[:axes], places, made_up(places, moving))
    names = ["abcd"[axis] for axis in order]
    found = made_up(turned, {number: moving[axis] for number, axis in enumerate(order)})
    assert {axis.name: axis for axis in by_axis(names, turned, found)} == {axis.name: axis for axis in told}


def test_a_seed_that_moves_nothing_is_zero_and_the_ratio_is_what_it_is() -> None:
    places = list(itertools.product(range(3), range(4)))
    found = made_up(places, {1: 0.5})
    seed, ratio = by_axis(["seed", "aspect_ratio"], places, found)
    assert seed.structure is not None
    assert ratio.structure is not None
    assert ratio.colour is not None
    assert (seed.structure.median, seed.structure.high, seed.pairs) == (0.0, 0.0, 12)
    assert (ratio.structure.median, ratio.colour.median, ratio.pairs) == (0.5, 5.0, 18)


def test_an_axis_without_two_pictures_to_compare_has_no_median() -> None:
    places = [(0, 0), (0, 1)]
    seed, ratio = by_axis(["seed", "aspect_ratio"], places, made_up(places, {1: 0.5}))
    assert (seed.structure, seed.colour, seed.pairs) == (None, None, 0)
    assert ratio.structure is not None
    assert ratio.structure.values == (0.5,)


def test_the_picture_that_is_unlike_the_others_stands_apart() -> None:
    places = [(index,) for index in range(5)]
    odd = {
        pair: Difference(0.9 if (3,) in (pair.one, pair.other) else 0.2, 0)
        for pair in choose_pairs(places, 1)
    }
    assert {place: each.structure for place, each in by_place(odd).items()} == {
        (0,): 0.2, (1,): 0.2, (2,): 0.2, (3,): 0.9, (4,): 0.2,
    }  # fmt: skip


# The very same request


@given(some_places(), st.data())
def test_pictures_of_the_very_same_request_are_the_floor_and_belong_to_no_axis(
    places: list[Coordinates], data: st.DataObject
) -> None:
    asked = dict(zip(places, data.draw(st.lists(st.sampled_from("abc"), min_size=len(places))), strict=False))
    behind = {(*places[0], 0): "a", (*places[0], 1): "b"}
    requests, axes = {**asked, **behind}, len(places[0])
    chosen = choose_pairs(places, axes, requests=requests)
    same = [pair for pair in chosen if pair.axis == SAME]
    assert {frozenset((pair.one, pair.other)) for pair in same} == {
        frozenset(pair)
        for pair in itertools.combinations(requests, 2)
        if requests[pair[0]] == requests[pair[1]]
    }
    for pair in chosen:
        if pair.axis != SAME:
            assert requests[pair.one] != requests[pair.other]
    for axis in (SAME, *range(axes)):
        assert sum(pair.axis == axis for pair in chosen) == count_pairs(places, axis, requests)


def test_the_axis_of_replicates_becomes_the_first_row_and_what_lies_below_is_known() -> None:
    places = [(seed, replicate) for seed in range(3) for replicate in range(4)]
    requests = {place: f"seed {place[0]}" for place in places}
    pairs = choose_pairs(places, 2, requests=requests)
    found = {pair: Difference(0.1 if pair.axis == SAME else 0.6, 0.0) for pair in pairs}
    axes = by_axis(["seed", "replicate"], places, found, requests)
    assert [(axis.name, axis.pairs, axis.possible, axis.is_floor) for axis in axes] == [
        (SAME_NAME, 18, 18, True),
        ("seed", 12, 12, False),
    ]
    assert floor_of(axes[0].structure) == 0.1
    assert {place.structure for place in by_place(found).values()} == {0.6}, "the floor is no neighbour"
    alone = {pair: each for pair, each in found.items() if pair.axis == SAME}
    assert {place.structure for place in by_place(alone).values()} == {0.1}


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_the_floor_is_the_quantile_that_numpy_gives(values: list[float]) -> None:
    assert floor_of(spread(values)) == pytest.approx(numpy.quantile(values, 0.95), abs=1e-12)
    assert floor_of(None) is None
