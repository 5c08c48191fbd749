"""Effects of 4,000 pictures with 2,000 bootstrap draws, beside the same with pandas and statsmodels in the same run.

    python benchmarks/effects.py [--refits 20]

The other way is what a script does: for each draw of prompts it puts their rows together and fits an analysis of
variance anew. It is timed for a few draws, and 2,000 are said by proportion. No picture is measured here.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from rivya_nb.study.effects.contrasts import contrasts
from rivya_nb.study.effects.intervals import DRAWS
from rivya_nb.study.effects.numbers import Distances, Values
from rivya_nb.study.effects.observations import observe
from rivya_nb.study.effects.reading import pairs_within
from rivya_nb.study.effects.shares import shares

SIZES = {"50 prompts": (50, 10, 4, 2), "1,000 prompts": (1000, 2, 1, 2), "20 prompts": (20, 25, 4, 2)}
"""Prompts, seeds, lights and replicates: 4,000 pictures each."""


def drawn(sizes: tuple[int, ...]) -> tuple[np.ndarray, dict[str, list[str]], list[str]]:
    generator = np.random.default_rng(0)
    prompts, seeds, lights, _ = sizes
    numbers = generator.standard_normal((prompts, seeds, 1, 1)) + generator.standard_normal(sizes)
    numbers = numbers + np.arange(lights)[None, None, :, None]
    prompt, seed, light, _ = (each.astype(str).tolist() for each in np.indices(sizes).reshape(4, -1))
    return numbers.ravel(), {"seed": seed, **({"light": light} if lights > 1 else {})}, prompt


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--refits", type=int, default=20)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'4,000 pictures':<18}{'shares':>9}{'with differences':>18}{'statsmodels':>14}   seconds, {DRAWS:,} draws"
    )
    for name, sizes in SIZES.items():
        numbers, columns, prompts = drawn(sizes)
        start = time.perf_counter()
        values = Values(observe(columns, prompts), numbers)
        shares(values)
        alone = time.perf_counter() - start
        contrasts(values)
        whole = time.perf_counter() - start

        frame = pandas.DataFrame({"y": numbers, "prompt": prompts, **columns})
        by_prompt = dict(list(frame.groupby("prompt")))
        formula = "y ~ " + " * ".join(f"C({axis})" for axis in columns)
        names, generator = list(by_prompt), np.random.default_rng(0)
        # A fit for each prompt of the draw; of many prompts, some of them.
        some = min(len(names), 25)
        start = time.perf_counter()
        for _ in range(given.refits):
            for prompt in generator.choice(names, some):
                anova_lm(ols(formula, by_prompt[prompt]).fit())
        other = (time.perf_counter() - start) / given.refits * DRAWS * len(names) / some
        print(f"{name:<18}{alone:>9.2f}{whole:>18.2f}{other:>14,.0f}", flush=True)
    numbers, columns, prompts = drawn(SIZES["50 prompts"])
    start = time.perf_counter()
    seen = observe(columns, prompts)
    one, other_one = pairs_within(seen)
    distances = Distances(seen, one, other_one, np.abs(numbers[one] - numbers[other_one]))
    shares(distances)
    print(
        f"distances, {len(one):,} pairs in 50 prompts: {time.perf_counter() - start:.2f} s once they are measured"
    )


if __name__ == "__main__":
    main()
