"""Which pictures are compared: a list of pairs that is fixed before the first vote.

A list that reacted to votes would tell the rater how the votes stand. This one is balanced instead. The values
form a round-robin tournament: a round pairs every value once (one value rests where their number is odd), and
all rounds of a cycle together pair every two values once. Each set of pictures that differ in nothing but the
value, such as those of one prompt and one replicate, plays one round, the next set plays the next round, and so
on around. So all values are compared equally often, all pairs of values too, up to one, and all pictures are
seen equally often.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import TypeVar

from rivya_nb.contract.media import Medium
from rivya_nb.store.vote_records import RankingPair
from rivya_nb.study.places import PicturedPlace

SEEN = 24
"""How often each value is compared, if nobody says how many pairs there are."""

LEAST, MOST_PROMPTS = 60, 200
"""The least number of pairs then, as far as there are so many; and how many there may be until every prompt is
judged."""

Value = tuple[str, ...]
"""A label for each of the axes that are ranked."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Contender:
    """A job whose first result is judged. `value` is what is ranked; `block` is the same for all pictures of
    one prompt, and `others` are its labels on all other axes. `medium` is what is seen or heard."""

    job: str
    value: Value
    block: tuple[str, ...]
    others: tuple[str, ...]
    prompt: str = ""
    medium: Medium = "image"


def label_of(value: Value) -> str:
    """`7`, or `model-a · 7` of two axes."""
    return " · ".join(value)


def contenders(places: Iterable[PicturedPlace], by: Sequence[str]) -> list[Contender]:
    """The jobs with pictures, each once, in their order.

    The prompt of a block is everything that words were chosen for, but for the axes in `by`: two wordings of
    one axis can be ranked, within what the other axes leave the same.
    """
    first: dict[str, PicturedPlace] = {}
    for place in places:
        first.setdefault(place.job.id, place)
    wordings = _word_axes(first.values())
    keeps_words = not wordings & set(by)
    return [
        Contender(
            job=job,
            value=tuple(place.labels[name] for name in by),
            block=(
                *(label for name, label in place.labels.items() if name in wordings and name not in by),
                *([place.job.prompt] if keeps_words else []),
            ),
            others=tuple(label for name, label in place.labels.items() if name not in by),
            prompt=place.job.prompt,
            medium=place.picture.medium,
        )
        for job, place in first.items()
    ]


def _word_axes(places: Iterable[PicturedPlace]) -> set[str]:
    """The axes along which the prompt's words change while everything else stays."""
    found: set[str] = set()
    known = list(places)
    for name in dict.fromkeys(name for place in known for name in place.labels):
        prompts: dict[tuple[tuple[str, str], ...], set[str]] = defaultdict(set)
        for place in known:
            rest = tuple((axis, label) for axis, label in place.labels.items() if axis != name)
            prompts[rest].add(place.job.prompt)
        if any(len(words) > 1 for words in prompts.values()):
            found.add(name)
    return found


def comparable(known: Sequence[Contender]) -> list[Contender]:
    """The contenders of the largest part whose values are linked by comparisons within one prompt; those of all
    other values cannot be ordered with them. Empty if nothing can be compared."""
    links = [(pair[0].value, pair[1].value) for pair in _possible(_tables(known))]
    parts = _parts(links)
    if not parts:
        return []
    sizes = {part: sum(each.value in part for each in known) for part in parts}
    largest = max(parts, key=lambda part: sizes[part])
    return [each for each in known if each.value in largest]


def draw_pairs(known: Sequence[Contender], chance: random.Random) -> tuple[RankingPair, ...]:
    """The list of pairs for contenders that are `comparable`; whole rounds are drawn, and what links two parts is
    added."""
    tables = _tables(known)
    chance.shuffle(tables)
    tables = _one_of_each_block_first(tables)
    names = sorted({each.value for each in known})
    chance.shuffle(names)
    once = min(MOST_PROMPTS, len(tables) * (len(names) // 2))
    wanted = max(SEEN * len(names) // 2, LEAST, once)
    found: dict[tuple[str, str], RankingPair] = {}
    for one, other, stage in _rounds(tables, names):
        if len(found) >= wanted and stage.ends:
            break
        found[one.job, other.job] = RankingPair(one.job, other.job, stage.number)
    value_of = {each.job: each.value for each in known}
    parts = _parts([(value_of[one], value_of[other]) for one, other in found])
    for one, other in _possible(tables):
        apart = [part for part in parts if one.value in part or other.value in part]
        if len(apart) == 1 and one.value in apart[0] and other.value in apart[0]:
            continue
        last = max((pair.stage for pair in found.values()), default=0)
        found[one.job, other.job] = RankingPair(one.job, other.job, last)
        joined = frozenset({one.value, other.value}).union(*apart)
        parts = [*(part for part in parts if part not in apart), joined]
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Stage:
    number: int
    ends: bool
    """Whether a round begins with this pair, so that the list may end before it."""


_Table = dict[Value, Contender]
"""Contenders of one prompt, one for each value, that are alike in everything else where there are such."""


def _tables(known: Sequence[Contender]) -> list[_Table]:
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Contender]] = defaultdict(list)
    for each in known:
        alike[each.block, each.others].append(each)
    tables: list[_Table] = []
    left: dict[tuple[str, ...], list[Contender]] = defaultdict(list)
    for (block, _), group in alike.items():
        for table in _dealt(group):
            if len(table) > 1:
                tables.append(table)
            else:
                left[block] += table.values()
    for group in left.values():
        tables += [table for table in _dealt(group) if len(table) > 1]
    return tables


def _dealt(group: Sequence[Contender]) -> Iterator[_Table]:
    by_value: dict[Value, list[Contender]] = defaultdict(list)
    for each in group:
        by_value[each.value].append(each)
    for number in range(max(map(len, by_value.values()))):
        yield {value: several[number] for value, several in by_value.items() if number < len(several)}


def _one_of_each_block_first(tables: Sequence[_Table]) -> list[_Table]:
    by_block: dict[tuple[str, ...], list[_Table]] = defaultdict(list)
    for table in tables:
        by_block[next(iter(table.values())).block].append(table)
    longest = max(map(len, by_block.values()))
    return [several[at] for at in range(longest) for several in by_block.values() if at < len(several)]


def _rounds(
    tables: Sequence[_Table], names: Sequence[Value]
) -> Iterator[tuple[Contender, Contender, _Stage]]:
    """All pairs, round by round: all tables play one round, then another one, until each has played them all."""
    groups: dict[tuple[Value, ...], list[int]] = defaultdict(list)
    players = [tuple(name for name in names if name in table) for table in tables]
    for number, present in enumerate(players):
        groups[present].append(number)
    place = {number: at for group in groups.values() for at, number in enumerate(group)}
    for turn in range(max(_cycle(len(present)) for present in groups)):
        for number, table in enumerate(tables):
            present = players[number]
            cycle, size = _cycle(len(present)), len(groups[present])
            if turn >= cycle:
                continue
            # Tables take the rounds one after the other, and in each turn go on where the last turn ended. Where
            # that leads back to rounds that a table has played, it goes one further.
            played = turn * size + place[number]
            further = turn // (cycle // gcd(size, cycle))
            begins = True
            for one, other in _round(len(present), (played + further) % cycle):
                yield table[present[one]], table[present[other]], _Stage(played // cycle, begins)
                begins = False


def _cycle(players: int) -> int:
    """The number of rounds in which everybody meets everybody once."""
    return players - 1 + players % 2


def _round(players: int, number: int) -> Iterator[tuple[int, int]]:
    """One round of a round-robin tournament, by the circle method."""
    circle = _cycle(players)
    if players % 2 == 0:
        yield number, circle
    for step in range(1, (circle + 1) // 2):
        yield (number + step) % circle, (number - step) % circle


def _possible(tables: Iterable[Mapping[Value, T]]) -> Iterator[tuple[T, T]]:
    """Every two contenders that may be compared, of which a few link all values of each table."""
    for table in tables:
        several = list(table.values())
        yield from pairwise(several)


def _parts(links: Iterable[tuple[Value, Value]]) -> list[frozenset[Value]]:
    """The values, in parts that the links connect."""
    part_of: dict[Value, set[Value]] = {}
    for one, other in links:
        joined = part_of.get(one, {one}) | part_of.get(other, {other})
        for value in joined:
            part_of[value] = joined
    return list({id(part): frozenset(part) for part in part_of.values()}.values())
