"""The lists of pairs: balanced, connected, within one prompt, and fixed beforehand."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.store.vote_records import RankingPair, RankingRecord
from rivya_nb.study.ranking.ballots import draw_order, showings
from rivya_nb.study.ranking.pairs import LEAST, SEEN, Contender, comparable, draw_pairs


def a_grid(prompts: int, values: int, others: int = 1) -> list[Contender]:
    """Every value of each prompt, with each of some labels on another axis."""
    return [
        Contender(f"{prompt} {value} {other}", (str(value),), (str(prompt),), (str(prompt), str(other)))
        for prompt in range(prompts)
        for value in range(values)
        for other in range(others)
    ]


def drawn(known: list[Contender], seed: int = 0) -> list[tuple[Contender, Contender]]:
    by_job = {each.job: each for each in known}
    return [(by_job[pair.one], by_job[pair.other]) for pair in draw_pairs(known, random.Random(seed))]


def are_connected(pairs: list[tuple[Contender, Contender]], values: set[tuple[str, ...]]) -> bool:
    reached = {next(iter(values))}
    while more := {
        each.value
        for pair in pairs
        if {one.value for one in pair} & reached
        for each in pair
        if each.value not in reached
    }:
        reached |= more
    return reached == values


sizes = st.tuples(st.integers(1, 15), st.integers(2, 9), st.integers(1, 3))


@given(sizes, st.integers())
def test_every_value_and_every_two_values_are_compared_equally_often(
    size: tuple[int, int, int], seed: int
) -> None:
    prompts, values, others = size
    known = a_grid(*size)
    pairs = drawn(known, seed)
    assert len({frozenset((one.job, other.job)) for one, other in pairs}) == len(pairs)
    possible = prompts * others * values * (values - 1) // 2
    everybody = prompts * others * (values // 2)
    assert min(possible, max(SEEN * values // 2, LEAST, everybody)) <= len(pairs) <= possible
    seen = Counter(each.value for pair in pairs for each in pair)
    together = Counter(frozenset((one.value, other.value)) for one, other in pairs)
    pictures = Counter(each.job for pair in pairs for each in pair)
    assert max(seen.values()) - min(seen.values()) <= (1 if values % 2 else 0) + (1 if values % 2 else 0)
    assert len(together) == values * (values - 1) // 2
    assert max(together.values()) - min(together.values()) <= 1
    rests = 1 + values % 2
    assert max(pictures.values()) - min(pictures[each.job] for each in known) <= rests
    assert are_connected(pairs, {each.value for each in known})


@st.composite
def ragged(draw: st.DrawFn) -> list[Contender]:
    """Any pictures, several at one place too, as a history has them."""
    places = st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2))
    return [
        Contender(f"job {number}", (str(value),), (str(prompt),), (str(prompt), str(other)))
        for number, (prompt, value, other) in enumerate(draw(st.lists(places, max_size=30)))
    ]


@given(ragged(), st.integers())
def test_of_any_pictures_only_those_of_one_prompt_and_of_two_values_meet(
    given_ones: list[Contender], seed: int
) -> None:
    known = comparable(given_ones)
    blocks = {(one.block, one.value != other.value) for one, other in combinations(given_ones, 2)
              if one.block == other.block}  # fmt: skip
    assert bool(known) == any(differ for _, differ in blocks)
    if not known:
        return
    pairs = drawn(known, seed)
    assert all(one.block == other.block and one.value != other.value for one, other in pairs)
    assert len({frozenset((one.job, other.job)) for one, other in pairs}) == len(pairs)
    assert are_connected(pairs, {each.value for each in known})


def test_other_axes_are_the_same_within_a_pair_where_they_can_be() -> None:
    pairs = drawn(a_grid(4, 3, others=3))
    assert all(one.others == other.others for one, other in pairs)
    # Where each value has seeds of its own, pictures of one prompt meet all the same.
    lone = [
        Contender(f"{model} {seed}", (model,), ("a cat",), (str(seed),))
        for model, seeds in (("one", (1, 2)), ("two", (3, 4)))
        for seed in seeds
    ]
    assert len(drawn(comparable(lone))) == 2


def test_values_that_nothing_links_with_most_others_are_left_out() -> None:
    cats = [Contender(f"cat {seed}", (str(seed),), ("cat",), ("cat",)) for seed in (1, 2, 3)]
    dogs = [Contender(f"dog {seed}", (str(seed),), ("dog",), ("dog",)) for seed in (8, 9)]
    owl = [Contender("owl 5", ("5",), ("owl",), ("owl",))]
    assert comparable([*dogs, *cats, *owl]) == cats
    assert comparable(owl) == []


def test_the_first_votes_are_balanced_too() -> None:
    known = a_grid(12, 8)
    by_job = {each.job: each for each in known}
    pairs = draw_pairs(known, random.Random(3))
    ranking = RankingRecord("r", ("seed",), 0.0, tuple(by_job), pairs)
    shown = showings(ranking, draw_order(ranking, "somebody"), by_job)
    # 28 pairs are one cycle: every two values once.
    first = Counter(frozenset((by_job[each.left].value, by_job[each.right].value)) for each in shown[:28])
    assert set(first.values()) == {1}
    assert len(first) == 28


def test_each_rater_has_an_order_and_sides_of_their_own_which_stay() -> None:
    jobs = tuple(f"job {number}" for number in range(80))
    pairs = tuple(RankingPair(one, other) for one, other in zip(jobs[::2], jobs[1::2], strict=True))
    ranking = RankingRecord("r", ("seed",), 0.0, jobs, pairs)
    mine, yours = draw_order(ranking, "me"), draw_order(ranking, "you")
    assert mine == draw_order(ranking, "me")
    assert mine != yours
    assert sorted(number for number, _ in mine) == list(range(40))
    assert 8 < sum(flipped for _, flipped in mine) < 32


def test_a_question_is_one_line_that_nothing_in_a_prompt_turns_around() -> None:
    one, other = (replace(each, prompt="an owl\u202e,\n\x1b[31mat dusk") for each in a_grid(1, 2))
    ranking = RankingRecord("r", ("seed",), 0.0, (one.job, other.job), (RankingPair(one.job, other.job),))
    [shown] = showings(ranking, [(0, False)], {one.job: one, other.job: other})
    assert shown.question == "Which is the better picture of “an owl, at dusk”?"


def test_a_vote_says_which_picture_won_on_whichever_side_it_stood() -> None:
    known = a_grid(1, 2)
    by_job = {each.job: each for each in known}
    pairs = (RankingPair(known[0].job, known[1].job),)
    ranking = RankingRecord("r", ("seed",), 0.0, tuple(by_job), pairs)
    for flipped in (False, True):
        [shown] = showings(ranking, [(0, flipped)], by_job)
        assert (shown.left == known[0].job) != flipped
        for better, winner in (("left", shown.left), ("right", shown.right), ("none", None)):
            vote = shown.vote("r", better, "A", 1.0, 2.0)
            assert (vote.one, vote.other, vote.flipped) == (known[0].job, known[1].job, flipped)
            assert {"one": vote.one, "other": vote.other, "tie": None}[vote.outcome] == winner
