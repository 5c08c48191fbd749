"""What moves votes, checked against statsmodels, and a study's size, checked by making such studies."""

from __future__ import annotations

import numpy as np
import pytest

from rivya_nb.errors import UsageError
from rivya_nb.study.effects.contrasts import contrasts
from rivya_nb.study.effects.numbers import Values, by_prompt
from rivya_nb.study.effects.observations import observe
from rivya_nb.study.effects.power import TARGET, Spread, sizes, spread_of
from rivya_nb.study.effects.votes import Votes, shares_of_votes

SEEDS, LIGHTS = 3, 2


def judged(
    number: int, prompts: int = 30, each: int = 12, seed: float = 1.0, light: float = 0.8, ties: float = 0.0
) -> Votes:
    """Votes by strengths of the seeds from −`seed` to `seed`, and lights `light` apart."""
    generator = np.random.default_rng(number)
    pictures = SEEDS * LIGHTS
    prompt = np.repeat(np.arange(prompts), pictures)
    seeds = np.tile(np.repeat(np.arange(SEEDS), LIGHTS), prompts)
    lights = np.tile(np.arange(LIGHTS), prompts * SEEDS)
    columns = {"seed": seeds.astype(str).tolist(), "light": lights.astype(str).tolist()}
    strength = np.linspace(-seed, seed, SEEDS)[seeds] + light * lights
    pairs = [
        generator.choice(pictures, 2, replace=False) + pictures * at
        for at in range(prompts)
        for _ in range(each)
    ]
    one, other = np.array(pairs).T
    won = (generator.random(len(one)) < 1 / (1 + np.exp(strength[other] - strength[one]))).astype(float)
    won[generator.random(len(one)) < ties] = 0.5
    return Votes(observe(columns, prompt.astype(str).tolist()), one, other, won)


def deviance(votes: Votes, axes: tuple[int, ...]) -> float:
    from statsmodels.api import GLM, families

    design = [
        (votes.seen.codes[votes.one, axis] == value).astype(float)
        - (votes.seen.codes[votes.other, axis] == value)
        for axis in axes
        for value in range(1, len(votes.seen.labels[axis]))
    ]
    return float(GLM(votes.won, np.column_stack(design), family=families.Binomial()).fit().deviance)


def test_shares_are_the_deviances_of_statsmodels_less_what_chance_takes() -> None:
    votes = judged(0, prompts=200)
    whole, null = deviance(votes, (0, 1)), 2 * np.log(2) * len(votes.won)
    found = {row.name: row.share for row in shares_of_votes(votes).rows}
    # Two strengths of seeds and one of lights: chance takes about as much of the deviance.
    assert found["seed"] == pytest.approx((deviance(votes, (1,)) - whole - 2) / null, abs=0.002)
    assert found["light"] == pytest.approx((deviance(votes, (0,)) - whole - 1) / null, abs=0.002)
    assert sum(found.values()) == pytest.approx(1)


def test_an_axis_that_nobody_minds_has_no_share() -> None:
    found = [{row.name: row.share for row in shares_of_votes(judged(n, light=0.0)).rows} for n in range(20)]
    assert np.mean([each["light"] for each in found]) < 0.01
    assert np.mean([each["seed"] for each in found]) > 0.1


def test_few_prompts_have_a_test_instead_of_an_interval() -> None:
    found = shares_of_votes(judged(3, prompts=8, light=0.0), permutations=99).rows
    assert [row.interval for row in found] == [None] * 3
    assert found[1].chance is not None
    assert found[1].chance <= 0.05


def test_votes_for_no_difference_move_nothing() -> None:
    with pytest.raises(UsageError, match="no vote says that one is better than another"):
        shares_of_votes(judged(4, ties=1.1))


def test_two_values_are_compared_by_the_votes_between_them() -> None:
    (found,) = [each for each in contrasts(judged(0, light=1.5, each=30)) if each.axis == "light"]
    # Odds of e^1.5 are 82 of 100 votes: 32 more than half of them.
    assert found.difference == pytest.approx(1 / (1 + np.exp(-1.5)) - 0.5, abs=0.06)
    assert found.chance is not None
    assert found.chance < 0.01


def test_power_is_that_of_statsmodels() -> None:
    from statsmodels.stats.power import TTestPower

    spread = Spread(between=0.5, within=2.0, noise=None)
    expected = TTestPower().power(0.4 / np.sqrt(0.5 + 2.0 / 4), nobs=25, alpha=0.05)
    assert spread.power(0.4, 25, 4) == pytest.approx(expected, abs=1e-6)
    assert spread.power(spread.smallest(25, 4), 25, 4) == pytest.approx(TARGET, abs=1e-6)


def a_study(generator: np.random.Generator, prompts: int, seeds: int, difference: float) -> Values:
    """Lights differ from prompt to prompt (variance 0.5 of the difference) and from seed to seed (2 + 2)."""
    sizes = (prompts, seeds, 2)
    numbers = generator.standard_normal(sizes) + generator.standard_normal((prompts, seeds, 1))
    numbers[..., 1] += difference + np.sqrt(0.5) * generator.standard_normal((prompts, 1))
    numbers += generator.standard_normal(sizes)
    prompt, seed, light = np.indices(sizes).reshape(3, -1)
    columns = {"seed": seed.astype(str).tolist(), "light": light.astype(str).tolist()}
    return Values(observe(columns, prompt.astype(str).tolist()), numbers.ravel())


def test_studies_of_the_size_that_is_said_show_the_difference_in_8_of_10_cases() -> None:
    generator = np.random.default_rng(0)
    spread = spread_of(a_study(generator, 400, 6, 0.0), axis=1)
    assert spread is not None
    assert spread.between == pytest.approx(0.5, abs=0.15)
    assert spread.within == pytest.approx(4.0, abs=0.3)
    (size,) = [each for each in sizes(spread, 0.6, cells=2, pairs=1, price=12) if each.seeds == 4]
    assert size.pictures == size.prompts * 4 * 2
    assert size.credits == size.pictures * 12
    shown = []
    for _ in range(300):
        differences, prompts, _ = a_study(generator, size.prompts, size.seeds, 0.6).paired(1, 0, 1)
        means = by_prompt(differences, prompts)
        shown.append(means.mean() / (means.std(ddof=1) / np.sqrt(len(means))) > 2.0)
    assert np.mean(shown) == pytest.approx(TARGET, abs=0.08)


def test_replicates_average_the_noise_of_a_pair() -> None:
    generator = np.random.default_rng(1)
    whole = a_study(generator, 200, 4, 0.0)
    columns = {
        name: [seen for seen in np.array(whole.seen.labels[at])[whole.seen.codes[:, at]] for _ in range(2)]
        for at, name in enumerate(whole.seen.axes)
    }
    twice = np.repeat(whole.values, 2) + generator.standard_normal(2 * len(whole.values))
    prompts = [str(prompt) for prompt in whole.seen.prompts for _ in range(2)]
    numbers = Values(observe(columns, prompts), twice)
    once, averaged = (spread_of(numbers, 1, replicates) for replicates in (1, 4))
    assert once is not None
    assert averaged is not None
    assert once.noise == pytest.approx(2.0, abs=0.2)
    assert once.within - averaged.within == pytest.approx(2.0 * 3 / 4, abs=0.2)


def test_prompts_that_nobody_judged_are_no_sample() -> None:
    votes = judged(5, prompts=40)
    few = votes.seen.prompts[votes.one] < 8
    found = shares_of_votes(Votes(votes.seen, votes.one[few], votes.other[few], votes.won[few]), 19).rows
    assert [(row.interval, row.prompts) for row in found] == [(None, 8)] * 3
    assert found[1].chance is not None
