"""What a param's values mean, on the magic's line and from Python."""

from __future__ import annotations

import enum
from array import array
from collections import deque
from contextlib import suppress
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import Param, bundled
from rivya_nb.contract.params import check_params, plain_value
from rivya_nb.errors import UsageError
from rivya_nb.planning.question import history_question
from rivya_nb.planning.values import as_axis, parse_values

WAN = bundled()["wan-2-7-image-pro"]
IMAGEN = bundled()["google-imagen4"]
SEED = WAN.param("seed")
RATIO = WAN.param("aspect_ratio")
SCALE = bundled()["seedream-3-0"].param("guidance_scale")
NEGATIVE = IMAGEN.param("negative_prompt")


class Labelled:
    """An array that gives its values as one of numpy only, as those of xarray do."""

    ndim = 1

    def __init__(self, values: list[int]) -> None:
        self.to_numpy = lambda: np.array(values)


def message_of(text: str, param: Param | None = SEED) -> str:
    with pytest.raises(UsageError) as caught:
        parse_values(text, param)
    return "; ".join(str(mistake) for mistake in caught.value.mistakes)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("7", (7,)),
        ("1..4", (1, 2, 3, 4)),
        ("4..1", (4, 3, 2, 1)),
        ("3..3", (3,)),
        ("0..100:10", (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)),
        ("0..9:4", (0, 4, 8)),
        ("1..4,8,none", (1, 2, 3, 4, 8, None)),
        ("None", (None,)),
        ("-1", (-1,)),
        ("1.0", (1,)),
    ],
)
def test_seeds_are_written_as_numbers_ranges_and_lists(text: str, values: tuple[object, ...]) -> None:
    assert parse_values(text, SEED) == values
    assert all(value is None or type(value) is int for value in parse_values(text, SEED))


def test_decimal_steps_do_not_drift() -> None:
    assert parse_values("0..1:0.1", SCALE) == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


def test_a_comma_separates_options_and_nothing_else_does() -> None:
    assert parse_values("1:1,16:9", RATIO) == ("1:1", "16:9")
    assert parse_values("1..4", RATIO) == ("1..4",)
    assert parse_values("none,1:1", RATIO) == (None, "1:1")


def test_an_option_that_looks_like_something_else_is_the_option() -> None:
    assert parse_values("none", Param("frame", "select", options=("none", "a,b"))) == ("none",)
    assert parse_values("a,b", Param("frame", "select", options=("none", "a,b"))) == ("a,b",)


def test_text_is_not_split() -> None:
    assert parse_values("blur, text..letters", NEGATIVE) == ("blur, text..letters",)
    assert parse_values("none", NEGATIVE) == (None,)


def test_seeds_that_a_model_keeps_as_text_are_ranges_too() -> None:
    assert parse_values("1..3,none,x", IMAGEN.param("seed")) == ("1", "2", "3", None, "x")


def test_a_quoted_value_is_one_value() -> None:
    assert parse_values("1..4", SEED, quoted=True) == ("1..4",)
    assert parse_values("7", SEED, quoted=True) == (7,)
    assert parse_values("none", NEGATIVE, quoted=True) == ("none",)
    assert parse_values("1:1,16:9", RATIO, quoted=True) == ("1:1,16:9",)


def test_a_param_that_the_model_does_not_have_keeps_its_text() -> None:
    assert parse_values("1..4", None) == ("1..4",)


@pytest.mark.parametrize("text", ["abc", "1e3", "0x10", "1_000", "9" * 5000, "1 2"])
def test_what_is_no_number_is_left_for_the_check_to_name(text: str) -> None:
    (value,) = parse_values(text, SEED)
    _, (mistake,) = check_params(WAN, {"seed": value})
    assert "is not a number; it takes a whole number from 0 to 2147483647" in str(mistake)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1..", "'1..' is no range"),
        ("..4", "is no range"),
        ("1...4", "is no range"),
        ("1..2..3", "is no range"),
        ("a..b", "is no range"),
        ("9" * 40 + "..1", "is no range"),
        ("1-4", "write 1..4"),
        ("1..4:0", "must be above 0"),
        ("4..1:-1", "must be above 0"),
        ("1,,2", "beside a comma"),
        ("1,", "beside a comma"),
        ("", "beside a comma"),
        ("1..4,3", "3 is given twice"),
        ("none,none", "none is given twice"),
        ("1..10000000000", "10,000,000,000 values are too many"),
        ("1..6000,10001..17000", "13,000 values are too many"),
        ("1..,a..", "'1..' is no range"),
    ],
)
def test_what_cannot_be_read_is_a_mistake_that_names_the_param(text: str, part: str) -> None:
    assert message_of(text).startswith("seed: ")
    assert part in message_of(text)


def test_all_mistakes_of_a_list_are_told_at_once() -> None:
    assert message_of("1..,4-9,,7").count("seed: ") == 3


NUMBERS = st.decimals(min_value=-50, max_value=50, places=2) | st.integers(-50, 50).map(Decimal)
STEPS = st.decimals(min_value="0.05", max_value=20, places=2)


@given(NUMBERS, NUMBERS, STEPS)
def test_every_range_is_what_a_loop_of_decimals_gives(start: Decimal, end: Decimal, step: Decimal) -> None:
    expected = []
    value = start
    while value <= end if end >= start else value >= end:
        expected.append(float(value))
        value += step if end >= start else -step
    assert list(parse_values(f"{start}..{end}:{step}", SCALE)) == expected


@given(st.text() | st.text(alphabet="0123456789.,:-none "), st.sampled_from([SEED, RATIO, NEGATIVE, None]))
def test_any_text_is_read_or_is_a_mistake(text: str, param: Param | None) -> None:
    with suppress(UsageError):
        assert parse_values(text, param)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 1], (1, 2), range(1, 3), deque([1, 2]), array("i", [1, 2]), np.array([1, 2]),
        pd.Series([1, 2]), pd.Index([1, 2]), pd.Series([1, 2, 2], dtype="Int64"), pl.Series([1, 2]),
        pa.array([1, 2]), pa.chunked_array([[1], [2, 1]]), list(pa.array([1, 2])), Labelled([1, 2]),
    ],
    ids=lambda values: type(values).__name__,
)  # fmt: skip
def test_lists_arrays_and_series_of_any_package_are_axes_without_repeats(values: object) -> None:
    assert as_axis(values) == (1, 2)
    asked = history_question({"seed": values}, ()).question.seed
    assert asked == values if isinstance(values, range) else set(asked) == {1, 2}


@pytest.mark.parametrize(
    "value",
    ["1..4", 1, None, True, {1: 2}, {1, 2}, np.int64(3), np.array(3), pa.scalar(3), pl.LazyFrame({"a": [1]})],
)
def test_single_values_are_no_axes(value: object) -> None:
    assert as_axis(value) is None


class Size(enum.Enum):
    LARGE = "2K"


class Lucky(enum.IntEnum):
    SEVEN = 7


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Size.LARGE, "2K"), (Lucky.SEVEN, 7),
        (Decimal("7"), 7), (Decimal("0.5"), 0.5), (pa.scalar(Decimal("7")), 7),
        (pd.NA, None), (pd.NaT, None), (pa.scalar(None, pa.int64()), None), (np.ma.masked, None),
    ],
)  # fmt: skip
def test_a_scalar_of_any_kind_is_a_plain_value(value: object, plain: object) -> None:
    assert plain_value(value) == plain
    assert type(plain_value(value)) is type(plain)
    assert as_axis([value, "other"]) == (plain, "other")
    param = "resolution" if plain == "2K" else "seed"
    asked = check_params(WAN, {param: value})
    assert asked == check_params(WAN, {param: plain})
    assert (asked[0] == {param: plain}) == (plain in ("2K", 7))


def test_several_values_that_are_no_list_are_told_how_to_be_one() -> None:
    for value in ({1}, (seed for seed in [1, 2]), pd.DataFrame({"a": [1, 2]})):
        _, [mistake] = check_params(WAN, {"seed": value})
        assert "; give several values as a list; it takes a whole number" in mistake.message
        assert "\n" not in mistake.message


def test_true_and_one_stay_two_values() -> None:
    values = as_axis([True, 1, False, 0, "1", None, None])
    assert values is not None
    assert [repr(value) for value in values] == ["True", "1", "False", "0", "'1'", "None"]


def test_values_that_cannot_be_compared_are_kept() -> None:
    frame = pd.DataFrame({"a": [1]})
    axis = as_axis([frame, frame])
    assert axis is not None
    assert len(axis) == 2


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ([], "empty list"),
        (range(0), "empty range"),
        (np.array([]), "empty ndarray"),
        (np.zeros((2, 2)), "2 dimensions"),
        (range(10**30), "more than 10,000 values"),
    ],
)
def test_axes_that_cannot_be_laid_out_are_mistakes(value: object, part: str) -> None:
    with pytest.raises(UsageError, match="seed: ") as caught:
        as_axis(value, "seed")
    assert part in str(caught.value)
