"""Effects of 4,000 pictures with 2,000 bootstrap draws, beside pandas and statsmodels in the same run.

    python benchmarks/effects.py [--refits 3]

The other way is what a script does: for each draw of prompts it puts their rows together, and fits one analysis
of variance of them (which has no share that depends on the prompt). It is timed for a few draws; 2,000 are told by
proportion. No picture is measured here.
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
    parser.add_argument("--refits", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'4,000 pictures':<18}{'shares':>9}{'with differences':>18}{'statsmodels':>14}  CPU seconds")
    for name, sizes in SIZES.items():
        numbers, columns, prompts = drawn(sizes)
        start = time.process_time()
        values = Values(observe(columns, prompts), numbers)
        shares(values)
        alone = time.process_time() - start
        contrasts(values)
        whole = time.process_time() - start

        frame = pandas.DataFrame({"y": numbers, "prompt": prompts, **columns})
        by_prompt = dict(list(frame.groupby("prompt")))
        formula = "y ~ C(block) + " + " * ".join(f"C({axis})" for axis in columns)
        generator = np.random.default_rng(0)
        start = time.process_time()
        for _ in range(given.refits):
            blocks = generator.choice(list(by_prompt), len(by_prompt))
            rows = [by_prompt[prompt].assign(block=number) for number, prompt in enumerate(blocks)]
            anova_lm(ols(formula, pandas.concat(rows)).fit())
        other = (time.process_time() - start) / given.refits * DRAWS
        print(f"{name:<18}{alone:>9.2f}{whole:>18.2f}{other:>14,.0f}", flush=True)
    numbers, columns, prompts = drawn(SIZES["50 prompts"])
    start = time.process_time()
    seen = observe(columns, prompts)
    one, other_one = pairs_within(seen)
    distances = Distances(seen, one, other_one, np.abs(numbers[one] - numbers[other_one]))
    shares(distances)
    print(
        f"distances, {len(one):,} pairs in 50 prompts: {time.process_time() - start:.2f} s once they are measured"
    )


if __name__ == "__main__":
    main()
