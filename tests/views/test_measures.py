"""Numbers of measures, as they are written."""

from __future__ import annotations

import pytest

from rivya_nb.views.measures import figure_words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.5, "0.500"),
        (0.7199, "0.720"),
        (0.9996, "1.00"),
        (128.4, "128"),
        (95.68, "95.7"),
        (12, "12"),
        (1, "1"),
    ],
)
def test_numbers_below_each_other_have_as_many_digits(number: float, words: str) -> None:
    assert figure_words(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (12345.6, "12,346"),
        (-0.05, "-0.0500"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (999.7, "1,000"),
        (1e12, "1e+12"),
    ],
)
def test_large_small_and_odd_numbers_are_legible(number: float, words: str) -> None:
    assert figure_words(number) == words
