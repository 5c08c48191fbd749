"""What effects say in words: chance, size and rounding are three things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from study.test_effects import studied

import rivya_nb as rv
from history.studies import add_study, noisy
from rivya_nb.session.showing.effect_words import contrast_words, size_words, verdict_of
from rivya_nb.study.effects.contrasts import Contrast, contrasts
from rivya_nb.study.effects.intervals import Interval
from rivya_nb.study.effects.shares import Share

FLOOR = Share("the very same request", (), 0.1, Interval(0.08, 0.13))


@pytest.mark.parametrize(
    ("low", "share", "high", "chance", "words"),
    [
        (0.0, 0.03, 0.07, None, "may be chance"),
        (0.01, 0.03, 0.07, 0.2, "may be chance"),
        # The test holds where an interval of few prompts may be too narrow, or too wide.
        (0.0, 0.03, 0.07, 0.001, "size below the noise floor"),
        (0.02, 0.1, 0.14, 0.001, "size not clearly above the noise floor"),
        (0.02, 0.1, 0.14, None, "size not clearly above the noise floor"),
        (0.2, 0.3, 0.4, None, ""),
        (0.2, 0.3, 0.4, 0.3, "may be chance"),
    ],
)
def test_what_may_be_chance_is_one_thing_and_what_is_small_another(
    low: float, share: float, high: float, chance: float | None, words: str
) -> None:
    assert verdict_of(Share("light", ("light",), share, Interval(low, high), chance), FLOOR, 0.13) == words


def test_without_an_interval_only_a_test_tells_chance() -> None:
    floor = replace(FLOOR, interval=None)
    small = Share("light", ("light",), 0.03, None, 0.001)
    assert verdict_of(small, floor, 0.1) == "size not clearly above the noise floor"
    assert verdict_of(replace(small, chance=0.06), floor, 0.1) == "may be chance"
    assert verdict_of(replace(small, chance=None), floor, 0.1) == "not tested"
    assert verdict_of(replace(small, chance=0.06), None, None) == "may be chance"


def test_a_small_effect_that_is_there_is_not_called_chance(session: rv.Session) -> None:
    numbers = noisy(prompts=6)
    shown = add_study(session, numbers, prompts=6).effects("brightness")
    assert "not clearly above the noise," not in repr(shown)
    assert " of the " in next(
        line for line in repr(shown).splitlines() if line.startswith("the same in every")
    )


def test_a_part_that_is_the_same_in_every_prompt_is_no_larger_than_its_row(session: rv.Session) -> None:
    for row in add_study(session, noisy(prompts=4), prompts=4).effects("brightness").rows:
        assert row.common is None or row.common <= row.share


def test_a_difference_that_never_varies_has_no_size_by_its_rounding() -> None:
    numbers = np.random.default_rng(1).random((6, 3, 1, 1)) + np.array([0.0, 0.1])[None, None, :, None]
    (found,) = contrasts(studied(numbers))
    assert found.d is None


@pytest.mark.parametrize(
    ("difference", "words"),
    [(3e-6, "+3e−06 [2e−06, 4e−06]"), (0.1234, "+0.12 [0.08, 0.16]"), (0.0, "+0 [0, 0]")],
)
def test_numbers_of_every_size_can_be_read(difference: float, words: str) -> None:
    ends = Interval(difference * 2 / 3, difference * 4 / 3)
    found = Contrast("light", "a", "b", "", difference, ends, None, 12, 4, None)
    assert contrast_words(found) == f"{words}, paired over 12"
    assert size_words(2.5e9) == "2.5e+09"
