"""How many votes a ranking needs, against pairs that are drawn at random.

    python benchmarks/ranking.py [simulations]

Simulated is a run of 12 prompts and 8 seeds, of which every picture is judged in the list that `rank` makes,
and in pairs of two pictures of one prompt drawn at random, with replacement. A picture's quality is that of its
seed (standard deviation 0.6), and its own. How much its own counts is what nobody knows before: printed are
several, each with how often a rater would say the same of the same pair if he had forgotten it. A pair that
comes again gets the same answer.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from rivya_nb.store.vote_records import VoteRecord
from rivya_nb.study.ranking.pairs import Contender, draw_pairs
from rivya_nb.study.ranking.strengths import result

PROMPTS, SEEDS = 12, 8
OF_SEED = 0.6
OWN = (0.0, 1.0, 2.0, 3.0)
MORE = (1.0, 1.4, 2.0, 2.8)
DRAWS = 60

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class World:
    """Pictures with their qualities, by job."""

    contenders: list[Contender]
    quality: dict[str, float]
    seed: int

    def vote(self, one: str, other: str) -> str:
        """What a rater says of two pictures, always the same."""
        chance = 1 / (1 + np.exp(self.quality[other] - self.quality[one]))
        drawn = random.Random(f"{self.seed} {min(one, other)} {max(one, other)}").random()
        return "one" if (drawn if one < other else 1 - drawn) < chance else "other"

    def width(self, pairs: Pairs) -> float:
        """The mean width of the intervals that the votes on these pairs give."""
        votes = [
            VoteRecord("", number, one, other, self.vote(one, other), "A", 0.0, 0.0, False)
            for number, (one, other) in enumerate(pairs)
        ]
        strengths = result(votes, self.contenders, DRAWS).strengths
        return float(np.mean([each.high - each.low for each in strengths if each.high and each.low]))


def make_world(own: float, seed: int, prompts: int = PROMPTS, seeds: int = SEEDS) -> World:
    chance = np.random.default_rng(seed)
    of_seed = chance.normal(0, OF_SEED, seeds)
    of_picture = chance.normal(0, own, (prompts, seeds))
    contenders, quality = [], {}
    for prompt in range(prompts):
        for value in range(seeds):
            job = f"{prompt}-{value}"
            contenders.append(Contender(job, (str(value),), (str(prompt),), (str(prompt),)))
            quality[job] = float(of_seed[value] + of_picture[prompt, value])
    return World(contenders, quality, seed)


def listed(world: World) -> Pairs:
    return [(pair.one, pair.other) for pair in draw_pairs(world.contenders, random.Random(world.seed))]


def at_random(world: World, number: int) -> Pairs:
    chance = random.Random(world.seed)
    found: Pairs = []
    while len(found) < number:
        one, other = chance.sample(world.contenders, 2)
        if one.block == other.block:
            found.append((one.job, other.job))
    return found


def needed(worlds: Sequence[World]) -> float:
    """The votes of the list as a share of those that random pairs need for intervals of the same width."""
    ours = float(np.mean([world.width(listed(world)) for world in worlds]))
    number = len(listed(worlds[0]))

    @cache
    def theirs(more: float) -> float:
        pairs = [at_random(world, round(number * more)) for world in worlds]
        return float(np.mean([world.width(each) for world, each in zip(worlds, pairs, strict=True)]))

    # Widths fall as a power of the number of votes, between the points and a little beyond.
    slope, at = np.polyfit(np.log([theirs(more) for more in MORE]), np.log(MORE), 1)
    return float(1 / np.exp(slope * np.log(ours) + at))


def consistency(world: World) -> float:
    """How often a rater says the same of two pictures of one prompt whom he sees for the first time, twice."""
    same = []
    for one in world.contenders:
        for other in world.contenders:
            if one.block == other.block and one.value < other.value:
                chance = 1 / (1 + np.exp(world.quality[other.job] - world.quality[one.job]))
                same.append(chance**2 + (1 - chance) ** 2)
    return float(np.mean(same))


def main(simulations: int) -> None:
    print("own quality | same answer | votes of the list, as a share of those of random pairs")
    for own in OWN:
        worlds = [make_world(own, seed) for seed in range(simulations)]
        same = np.mean([consistency(world) for world in worlds])
        print(f"{own:11.1f} | {same:11.0%} | {needed(worlds):5.0%}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
