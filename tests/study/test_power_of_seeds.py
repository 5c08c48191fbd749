"""How large a study of seeds has to be: two seeds are one pair of a prompt, and replicates lessen the noise."""

from __future__ import annotations

import numpy as np
import pytest

from rivya_nb.study.effects.power import Spread, spread_of
from study.test_effects import drawn, studied


def spread(replicates: int = 2, planned: int = 2, prompts: int = 3000) -> Spread:
    """Of a pilot in which a seed's part in a prompt and the noise have a variance of 1 each."""
    found = spread_of(studied(drawn(11, prompts, seeds=3, lights=1, replicates=replicates)), 0, planned)
    assert found is not None
    return found


def test_what_seeds_differ_by_is_told_from_what_the_very_same_request_does() -> None:
    found = spread()
    assert (found.between, found.within, found.noise) == pytest.approx((2, 1, 2), rel=0.1)
    assert spread(planned=4).within == pytest.approx(0.5, rel=0.1)
    assert spread(replicates=1).noise is None
    assert spread(replicates=1).error(100, 1) == pytest.approx((4 / 100) ** 0.5, rel=0.1)


def test_so_many_prompts_show_the_difference_in_8_of_10_studies() -> None:
    from scipy import stats

    found = spread()
    prompts = found.fewest_prompts(0.8, 1)
    assert prompts is not None
    shown = 0
    for number in range(400):
        numbers = drawn(1000 + number, prompts, seeds=2, lights=1, replicates=2).mean(axis=3)[:, :, 0]
        shown += stats.ttest_1samp(numbers[:, 1] - numbers[:, 0] + 0.8, 0).pvalue < 0.05
    assert shown / 400 == pytest.approx(0.8, abs=0.06)


def test_a_single_prompt_says_nothing_of_seeds() -> None:
    numbers = studied(np.random.default_rng(3).standard_normal((1, 3, 1, 2)))
    assert spread_of(numbers, 0) is None


@pytest.mark.parametrize("prompts", [3, 4, 12, 30, 500])
def test_every_size_of_a_study_has_a_power_and_a_smallest_difference(prompts: int) -> None:
    found = Spread(0.002, 0.001, 0.001)
    smallest = found.smallest(prompts, 1)
    assert found.power(smallest, prompts, 1) == pytest.approx(0.8, abs=1e-6)
    error = found.error(prompts, 1)
    powers = [found.power(size * error, prompts, 1) for size in np.linspace(0, 200, 400)]
    assert powers[0] == pytest.approx(0.05)
    assert np.isfinite(powers).all()
    assert powers[-1] == pytest.approx(1)
