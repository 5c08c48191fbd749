"""How often the intervals of effects contain the truth, where it is known.

    python benchmarks/coverage.py [--simulations 2000] [--processes 2] [NAME…]

Each scenario draws so many studies from a population of prompts whose shares are known. An interval of 95 % that
holds what it says contains them in 93 to 97 % of 2,000 (binomial error: ± 1 %). Seeds of all draws are fixed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.intervals import ENOUGH
from rivya_nb.study.effects.numbers import Values
from rivya_nb.study.effects.observations import observe
from rivya_nb.study.effects.shares import shares
from rivya_nb.study.effects.votes import Votes, shares_of_votes

Floats = NDArray[np.float64]
Found = dict[str, list[tuple[float, bool]]]


@dataclass(frozen=True)
class Scenario:
    """A population. `variances` are those of seed, light, seed × light and the very same request.

    `steady` is the part of an axis' variance that is the same in every prompt; `missing` the part of the pictures
    that are not there; `uneven` by how much (log standard deviation) prompts differ in all their variances.
    """

    prompts: int = 30
    seeds: int = 6
    lights: int = 2
    replicates: int = 2
    variances: tuple[float, float, float, float] = (0.4, 0.3, 0.1, 0.2)
    steady: float = 0.5
    between: float = 1.0
    missing: float = 0.0
    uneven: float = 0.0
    heavy: bool = False

    def truth(self) -> dict[str, float]:
        names = (
            "seed",
            "light",
            "seed × light",
            "the very same request" if self.replicates > 1 else "the rest",
        )
        shares = {name: part / sum(self.variances) for name, part in zip(names, self.variances, strict=True)}
        shares["prompt"] = self.between / (self.between + sum(self.variances))
        return {name: share for name, share in shares.items() if share}

    def draw(self, generator: np.random.Generator) -> Values:
        seed, light, both, noise = self.variances
        sizes = (self.prompts, self.seeds, self.lights, self.replicates)
        scale = np.exp(self.uneven * generator.standard_normal((self.prompts, 1, 1, 1)) - self.uneven**2)

        def normal(*shape: int) -> Floats:
            if self.heavy:
                return generator.standard_t(5, shape) / np.sqrt(5 / 3)
            return generator.standard_normal(shape)

        def among(numbers: Floats) -> Floats:
            """Effects of the lights, which are all that there are: they sum to zero."""
            if self.lights < 2:
                return np.zeros_like(numbers)
            middle = numbers.mean(axis=2, keepdims=True)
            return (numbers - middle) * np.sqrt(self.lights / (self.lights - 1))

        own, same = np.sqrt(1 - self.steady), np.sqrt(self.steady)
        fixed_seed, fixed_light = np.linspace(-1, 1, self.seeds), np.linspace(-1, 1, self.lights)
        y = np.sqrt(self.between) * normal(self.prompts, 1, 1, 1)
        if self.seeds > 1:
            y = y + np.sqrt(seed) * same * (fixed_seed / fixed_seed.std(ddof=1))[None, :, None, None]
            y = y + np.sqrt(seed) * own * scale * normal(self.prompts, self.seeds, 1, 1)
        if self.lights > 1:
            y = y + np.sqrt(light) * same * (fixed_light / fixed_light.std())[None, None, :, None]
            y = y + np.sqrt(light) * own * scale * among(normal(self.prompts, 1, self.lights, 1))
        y = y + np.sqrt(both) * scale * among(normal(self.prompts, self.seeds, self.lights, 1))
        y = (y + np.sqrt(noise) * scale * normal(*sizes)).ravel()
        prompt, seeds, lights, _ = np.indices(sizes).reshape(4, -1)
        there = generator.random(y.size) >= self.missing
        columns = {"seed": seeds[there].astype(str).tolist(), "light": lights[there].astype(str).tolist()}
        varying = {name: values for name, values in columns.items() if len(set(values)) > 1}
        return Values(observe(varying, prompt[there].astype(str).tolist()), y[there])


@dataclass(frozen=True)
class Judged:
    """Votes between random pictures of a prompt: raters prefer some seeds, in part other ones for each prompt, and
    one of two lights."""

    prompts: int = 30
    votes: int = 12
    seeds: int = 3
    seed: float = 1.0
    light: float = 1.0
    own: float = 0.3

    def truth(self) -> dict[str, float]:
        many = shares_of_votes(replace(self, prompts=20_000).draw(np.random.default_rng(1)))
        return {row.name: row.share for row in many.rows}

    def draw(self, generator: np.random.Generator) -> Votes:
        pictures = 2 * self.seeds
        prompt = np.repeat(np.arange(self.prompts), pictures)
        seed = np.tile(np.repeat(np.arange(self.seeds), 2), self.prompts)
        light = np.tile([0, 1], self.seeds * self.prompts)
        own = self.own * generator.standard_normal((self.prompts, self.seeds))
        strength = (
            np.linspace(-self.seed, self.seed, self.seeds)[seed] + self.light * light + own[prompt, seed]
        )
        shuffled = generator.random((self.prompts * self.votes, pictures)).argsort(axis=1)[:, :2]
        one, other = (shuffled + pictures * np.repeat(np.arange(self.prompts), self.votes)[:, None]).T
        won = generator.random(len(one)) < 1 / (1 + np.exp(strength[other] - strength[one]))
        columns = {"seed": seed.astype(str).tolist(), "light": light.astype(str).tolist()}
        return Votes(observe(columns, prompt.astype(str).tolist()), one, other, won.astype(float))


FULL = Scenario()
BLOCK = Scenario(seeds=1, lights=4, replicates=1, variances=(0, 0.4, 0, 0.6), steady=1.0)

SCENARIOS: dict[str, Scenario | Judged] = {
    "2 lights": FULL,
    "light leads": Scenario(seeds=4, variances=(0.1, 0.7, 0.1, 0.1)),
    "seed leads, 3 lights": Scenario(seeds=4, lights=3, variances=(0.7, 0.1, 0.1, 0.1)),
    "mostly noise, no interaction": Scenario(seeds=4, variances=(0.1, 0.2, 0, 0.7)),
    "nothing steady": Scenario(steady=0.0),
    "all steady": Scenario(steady=1.0),
    "a fifth missing": Scenario(missing=0.2),
    "uneven prompts": Scenario(uneven=0.3),
    "heavy tails": Scenario(heavy=True),
    "no replicates": Scenario(replicates=1, variances=(0.4, 0.2, 0, 0.4)),
    "60 prompts": Scenario(prompts=60),
    "200 prompts": Scenario(prompts=200, seeds=4, variances=(0.1, 0.2, 0.1, 0.6)),
    "block 0.1": Scenario(seeds=1, lights=2, replicates=1, variances=(0, 0.1, 0, 0.9), steady=1.0),
    "block 0.2": Scenario(seeds=1, lights=3, replicates=1, variances=(0, 0.2, 0, 0.8), steady=1.0),
    "block 0.4": BLOCK,
    "block 0.7": Scenario(seeds=1, lights=8, replicates=1, variances=(0, 0.7, 0, 0.3), steady=1.0),
    "votes": Judged(),
    "votes, 60 prompts": Judged(prompts=60),
    "10 prompts": Scenario(prompts=10),
    "10 prompts, mostly noise": Scenario(prompts=10, seeds=4, variances=(0.1, 0.2, 0, 0.7)),
    "10 prompts, light leads": Scenario(prompts=10, seeds=4, variances=(0.1, 0.7, 0.1, 0.1)),
    "12 prompts": Scenario(prompts=12),
    "12 prompts, uneven": Scenario(prompts=12, uneven=0.3),
    "20 prompts, mostly noise": Scenario(prompts=20, seeds=4, variances=(0.1, 0.2, 0, 0.7)),
}


def studied(scenario: Scenario | Judged, truth: Mapping[str, float], numbers: range) -> Found:
    """For each row, its estimates and whether its interval contains the truth, of some of the studies."""
    found: Found = {name: [] for name in truth}
    for number in numbers:
        drawn = scenario.draw(np.random.default_rng(number))
        result = shares_of_votes(drawn) if isinstance(drawn, Votes) else shares(drawn, permutations=1)
        for row in (*result.rows, *([result.between] if result.between else [])):
            if row.interval is not None and row.name in truth:
                inside = row.interval.low <= truth[row.name] <= row.interval.high
                found[row.name].append((row.share, inside))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    print(
        f"{given.simulations:,} studies each; from {ENOUGH} prompts on an interval is given without reserve"
    )
    print(f"{'scenario':<30}{'row':<24}{'truth':>7}{'mean':>8}{'covers':>9}", flush=True)
    pieces = [range(start, given.simulations, 4 * given.processes) for start in range(4 * given.processes)]
    with ProcessPoolExecutor(given.processes) as pool:
        for name in given.names:
            scenario = SCENARIOS[name]
            truth = scenario.truth()
            parts = list(pool.map(studied, repeat(scenario), repeat(truth), pieces))
            for row, share in truth.items():
                if both := [each for part in parts for each in part[row]]:
                    mean, covers = np.mean(both, axis=0)
                    print(f"{name:<30}{row:<24}{share:>7.2f}{mean:>8.3f}{covers:>9.3f}", flush=True)


if __name__ == "__main__":
    main()
