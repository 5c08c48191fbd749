"""Shares and intervals of effects, checked against statsmodels and against populations that are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas
import pytest
from numpy.typing import NDArray

from rivya_nb.errors import UsageError
from rivya_nb.study.effects.contrasts import contrasts
from rivya_nb.study.effects.intervals import ENOUGH, Bootstrap, holm, mean, sign_flips
from rivya_nb.study.effects.numbers import Distances, Values
from rivya_nb.study.effects.observations import observe
from rivya_nb.study.effects.patterns import patterns_of_pairs, patterns_of_values
from rivya_nb.study.effects.reading import pairs_within
from rivya_nb.study.effects.shares import Shares, shares

Floats = NDArray[np.float64]


def studied(numbers: Floats, missing: float = 0.0) -> Values:
    """Numbers by prompt, seed, light and replicate; a part of them is missing."""
    prompt, seed, light, _ = np.indices(numbers.shape).reshape(4, -1)
    there = np.random.default_rng(5).random(numbers.size) >= missing
    columns = {"seed": seed[there].astype(str).tolist(), "light": light[there].astype(str).tolist()}
    columns = {name: values for name, values in columns.items() if len(set(values)) > 1}
    return Values(observe(columns, prompt[there].astype(str).tolist()), numbers.ravel()[there])


def drawn(
    number: int, prompts: int = 30, seeds: int = 4, lights: int = 2, replicates: int = 2, light: float = 1.0
) -> Floats:
    """Variances of 1 between prompts, between seeds of a prompt, and of the very same request; lights are `light`
    apart in every prompt."""
    generator = np.random.default_rng(number)
    sizes = (prompts, seeds, lights, replicates)
    numbers = generator.standard_normal(sizes) + generator.standard_normal((prompts, 1, 1, 1))
    if seeds > 1:
        numbers += generator.standard_normal((prompts, seeds, 1, 1))
    return np.asarray(numbers + light * np.arange(lights)[None, None, :, None])


def by_name(found: Shares) -> dict[str, float]:
    return {row.name: row.share for row in found.rows}


def mean_squares(formula: str, frame: pandas.DataFrame) -> Mapping[str, float]:
    """Those of an analysis of variance, by its terms."""
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    return dict(anova_lm(ols(formula, frame).fit())["mean_sq"])


def test_shares_of_a_full_grid_are_those_of_an_analysis_of_variance() -> None:
    numbers = drawn(0, prompts=12)
    variances = np.zeros(4)
    for each in numbers:
        seed, light, _ = np.indices(each.shape).reshape(3, -1)
        frame = pandas.DataFrame({"y": each.ravel(), "seed": seed, "light": light})
        squares = mean_squares("y ~ C(seed) * C(light)", frame)
        noise, both = squares["Residual"], squares["C(seed):C(light)"]
        # The seeds are a sample of many, and the two lights are all that there are.
        seeds = (squares["C(seed)"] - noise) / (2 * 2)
        lights = (squares["C(light)"] - both) / (4 * 2) * (2 - 1) / 2
        variances += [noise, seeds, lights, (both - noise) / 2 * (2 - 1) / 2]
    expected = variances / variances.sum()
    found = by_name(shares(studied(numbers), permutations=9))
    assert list(found) == ["the very same request", "seed", "light", "seed × light"]
    assert list(found.values()) == pytest.approx(np.maximum(0, expected).tolist(), abs=1e-9)


def test_one_axis_without_replicates_is_the_analysis_of_a_block_design() -> None:
    numbers = drawn(1, prompts=40, seeds=1, lights=3, replicates=1)
    prompt, _, light, _ = np.indices(numbers.shape).reshape(4, -1)
    frame = pandas.DataFrame({"y": numbers.ravel(), "prompt": prompt, "light": light})
    squares = mean_squares("y ~ C(prompt) + C(light)", frame)
    lights = (squares["C(light)"] - squares["Residual"]) / 40 * (3 - 1) / 3
    found = shares(studied(numbers))
    assert by_name(found)["light"] == pytest.approx(lights / (lights + squares["Residual"]))
    assert not found.has_floor


def test_distances_on_a_line_have_the_shares_of_the_variance() -> None:
    values = studied(drawn(2, prompts=10), missing=0.2)
    one, other = pairs_within(values.seen)
    distances = Distances(values.seen, one, other, np.abs(values.values[one] - values.values[other]))
    assert by_name(shares(distances, permutations=9)) == pytest.approx(
        by_name(shares(values, permutations=9))
    )


def test_pairs_are_never_looked_at_and_yet_all_of_them_count() -> None:
    values = studied(drawn(3, prompts=6), missing=0.3)
    one, other = pairs_within(values.seen, most=10**6)
    looked_at = patterns_of_pairs(values.seen, one, other, values.values[one] - values.values[other])
    found = patterns_of_values(values.seen, values.values)
    assert np.array_equal(found.pairs, looked_at.pairs)
    assert np.allclose(found.sums, looked_at.sums)


def test_the_intervals_contain_what_is_true_though_pictures_are_missing() -> None:
    """`benchmarks/coverage.py` does the same with 2,000 studies of many kinds."""
    truth = {"the very same request": 1 / 2.5, "seed": 1 / 2.5, "light": 0.5 / 2.5}
    studies = 50
    inside = dict.fromkeys(truth, 0)
    for number in range(studies):
        # √2 apart, two lights have a variance of one half.
        found = shares(studied(drawn(number, light=np.sqrt(2.0)), missing=0.2))
        for row in found.rows:
            if row.name in truth:
                assert row.interval is not None
                inside[row.name] += row.interval.low <= truth[row.name] <= row.interval.high
    # Of intervals that hold 95 %, fewer than 43 of 50 is one case in 250.
    assert min(inside.values()) >= 43


def test_few_prompts_have_a_permutation_test_and_none_below_ten_an_interval() -> None:
    few, fewer, many = (shares(studied(drawn(4, prompts=count)), 199) for count in (12, 6, ENOUGH))
    assert all(row.interval for row in few.rows)
    assert not any(row.interval for row in fewer.rows)
    for found in (few, fewer):
        assert {row.name for row in found.rows if row.chance is not None} == {"seed", "light"}
    assert all(row.chance is None for row in many.rows)
    block = shares(studied(drawn(4, prompts=12, seeds=1, replicates=1)), 199)
    assert [row.interval for row in block.rows] == [None, None]
    assert block.rows[1].chance is not None


def test_the_permutation_test_finds_what_is_there_and_seldom_what_is_not() -> None:
    chances = []
    for number in range(60):
        found = shares(studied(drawn(number, prompts=6, seeds=3, light=0.0)), 39)
        row = {row.name: row for row in found.rows}["light"]
        assert row.chance is not None
        chances.append(row.chance)
    assert np.mean(np.array(chances) <= 0.05) <= 0.15
    seed = {row.name: row.chance for row in shares(studied(drawn(1, prompts=6)), 199).rows}["seed"]
    assert seed is not None
    assert seed <= 0.02


def test_a_seed_that_does_the_same_in_every_prompt_is_told_from_one_that_depends_on_it() -> None:
    lucky = drawn(6, prompts=40, light=0.0)
    own = shares(studied(lucky))
    same = shares(studied(lucky + 3 * np.arange(4)[None, :, None, None]))
    common = [{row.name: row.common for row in found.rows}["seed"] for found in (own, same)]
    assert common[0] == pytest.approx(0, abs=0.02)
    assert common[1] is not None
    assert common[1] > 0.8


def test_the_part_that_lies_between_prompts_is_known_too() -> None:
    found = [shares(studied(drawn(number, prompts=60, light=0.0))).between for number in range(8)]
    # 1 between prompts, 2 within.
    assert np.mean([each.share for each in found if each is not None]) == pytest.approx(1 / 3, abs=0.05)


def test_paired_differences_are_those_of_the_same_prompt_and_seed() -> None:
    (found,) = contrasts(studied(drawn(7, light=2.0), missing=0.1))
    assert (found.one, found.other) == ("0", "1")
    assert found.difference == pytest.approx(2.0, abs=0.3)
    assert found.interval is not None
    assert found.interval.low < 2 < found.interval.high
    assert found.prompts == 30
    assert 100 < found.pairs <= 120
    assert found.d is not None
    assert found.d > 1
    assert found.chance == pytest.approx(1 / 1000)


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    chances = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert holm(chances) == pytest.approx(multipletests(chances, method="holm")[1].tolist())


def test_flipping_all_signs_of_few_prompts_is_exact() -> None:
    assert sign_flips(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flips(np.array([1.0, -1.0])) == 1.0


def test_numbers_that_do_not_vary_have_an_interval_without_width() -> None:
    assert Bootstrap(12).interval(mean(np.full(12, 0.25))) == (0.25, 0.25)


def test_what_cannot_be_compared_is_told_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"seed has one value \(7\).*Plan at least two values"):
        observe({"seed": ["7", "7"]}, ["a", "b"])
    with pytest.raises(UsageError, match="steps never varies within a prompt"):
        observe({"steps": ["1", "1", "2", "2"]}, ["a", "a", "b", "b"])
    with pytest.raises(UsageError, match="only one result"):
        observe({"seed": ["7"]}, ["a"])
    with pytest.raises(UsageError, match="There are no results"):
        observe({}, [])
    seen = observe({"width": ["1", "2"], "height": ["3", "4"], "steps": ["5", "5"]}, ["a", "a"])
    assert seen.axes == ("width + height",)
    assert seen.labels == (("1 · 3", "2 · 4"),)
    assert "width, height only vary together" in " ".join(seen.notes)


def test_one_axis_of_one_prompt_without_replicates_cannot_be_told_from_chance() -> None:
    with pytest.raises(UsageError, match=r"What light moves cannot be told from chance here.*replicates=2"):
        shares(studied(drawn(8, prompts=1, seeds=1, replicates=1)))
    with pytest.raises(UsageError, match="Nothing moves it"):
        shares(studied(np.zeros((3, 2, 2, 2))))


def test_one_prompt_with_replicates_has_shares_and_no_interval() -> None:
    found = shares(studied(drawn(9, prompts=1, seeds=6)), 199)
    assert [row.interval for row in found.rows] == [None] * 4
    assert [row.chance is not None for row in found.rows] == [False, True, True, False]


@pytest.mark.parametrize("kind", ["the same in every prompt", "its own in every prompt", "drawn for each"])
def test_what_seeds_do_does_not_pass_for_a_difference_between_prompts(kind: str) -> None:
    found = []
    for number in range(10):
        generator = np.random.default_rng(number)
        seeds = 2 * generator.standard_normal((60, 2, 1, 1))
        if kind == "the same in every prompt":
            seeds = np.tile(np.array([-1.0, 1.0]) * np.sqrt(2), (60, 1)).reshape(60, 2, 1, 1)
        numbers = generator.standard_normal((60, 1, 1, 1)) + seeds + generator.standard_normal((60, 2, 1, 1))
        prompt, seed = np.indices((60, 2)).reshape(2, -1)
        # Noise apart: each picture twice.
        numbers = np.repeat(numbers.ravel(), 2) + 0.1 * generator.standard_normal(240)
        labels = seed + 10 * prompt if kind == "drawn for each" else seed
        seen = observe(
            {"seed": np.repeat(labels, 2).astype(str).tolist()}, np.repeat(prompt, 2).astype(str).tolist()
        )
        between = shares(Values(seen, numbers), permutations=9).between
        assert between is not None
        found.append(between.share)
    # 1 between prompts; within them 4 of the seeds, and 1 more of each seed in each prompt.
    assert np.mean(found) == pytest.approx(1 / 6, abs=0.05)


def test_a_row_that_rests_on_few_prompts_has_no_interval_though_the_study_has_many() -> None:
    numbers = drawn(10, prompts=40)
    prompt, seed, light, replicate = np.indices(numbers.shape).reshape(4, -1)
    there = (replicate == 0) | (prompt < 3)
    columns = {"seed": seed[there].astype(str).tolist(), "light": light[there].astype(str).tolist()}
    seen = observe(columns, prompt[there].astype(str).tolist())
    rows = {row.name: row for row in shares(Values(seen, numbers.ravel()[there]), permutations=99).rows}
    noise = rows["the very same request"]
    assert (noise.prompts, noise.interval) == (3, None)


def test_distances_that_lean_to_one_side_are_not_taken_for_a_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With 19 permutations, 1 of 20 is still exactly 5 %.
    monkeypatch.setattr("rivya_nb.study.effects.numbers.PERMUTATIONS", 19)
    found = []
    for number in range(300):
        numbers = np.random.default_rng(number).exponential(size=(10, 1, 2, 2)) ** 2
        seen = studied(numbers).seen
        one, other = pairs_within(seen)
        apart = np.abs(numbers.ravel()[one] - numbers.ravel()[other])
        found.append(contrasts(Distances(seen, one, other, apart))[0].chance)
    # At a level of 5 %, 25 of 300 or more is one case in 100. Flipped signs call more.
    assert sum(chance is not None and chance <= 0.05 for chance in found) <= 24
    assert None not in found
