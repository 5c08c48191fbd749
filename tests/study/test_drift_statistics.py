"""Whether two occasions differ, on pictures whose truth is known: points of a line instead of pictures."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from rivya_nb.study.drift import CellDistances, Comparison, compare, enough_replicates, floor_of, holm


def cell(then: list[float], now: list[float], structure: float = 1.0) -> CellDistances:
    """A cell whose pictures are numbers; their distance is how far apart they are."""
    points = np.array([*then, *now])
    apart = np.abs(points[:, None] - points[None, :])
    return CellDistances({"structure": structure * apart, "colour": apart}, len(then))


def drawn(random: np.random.Generator, cells: int, replicates: int, moved: float) -> Comparison:
    found = []
    for _ in range(cells):
        middle = random.normal(0, 20)
        then, now = random.normal(middle, 1, replicates), random.normal(middle + moved, 1, replicates)
        found.append(cell(list(then), list(now)))
    compared = compare(found)
    assert compared is not None
    return compared


def test_a_service_that_has_not_changed_is_called_changed_as_rarely_as_promised() -> None:
    random = np.random.default_rng(3)
    called = [drawn(random, cells=6, replicates=2, moved=0.0).differs for _ in range(400)]
    # Both kinds are the same distances here, so that Holm's correction makes it half of 5 %.
    assert 0.002 <= sum(map(bool, called)) / len(called) <= 0.05


def test_a_change_well_beyond_the_floor_is_found_and_told_in_its_size() -> None:
    random = np.random.default_rng(4)
    found = [drawn(random, cells=6, replicates=2, moved=4.0) for _ in range(100)]
    assert sum(bool(each.differs) for each in found) >= 97
    one = found[0].shifts["colour"]
    # Two normal numbers are 1.13 standard deviations apart; the mean of the other kind is some 4.
    assert np.mean([each.shifts["colour"].floor for each in found]) == pytest.approx(1.13, abs=0.1)
    assert np.mean([each.shifts["colour"].between for each in found]) == pytest.approx(4.0, abs=0.2)
    assert one.excess == pytest.approx(one.between - one.floor)


def test_cells_that_differ_among_themselves_do_not_hide_a_change() -> None:
    # Twenty standard deviations lie between cells, and two between the occasions.
    random = np.random.default_rng(5)
    found = [drawn(random, cells=12, replicates=2, moved=2.5).differs for _ in range(60)]
    assert sum(map(bool, found)) >= 54


def test_p_is_that_of_scipys_permutation_test() -> None:
    from scipy import stats

    random = np.random.default_rng(6)
    then, now = list(random.normal(0, 1, 5)), list(random.normal(1.2, 1, 5))

    def energy(one: np.ndarray, other: np.ndarray) -> float:
        def within(points: np.ndarray) -> float:
            apart = np.abs(points[:, None] - points[None, :])
            return float(apart.sum() / (len(points) * (len(points) - 1)))

        between = np.abs(one[:, None] - other[None, :]).mean()
        return float(between - (within(one) + within(other)) / 2)

    theirs = stats.permutation_test(
        (then, now), energy, alternative="greater", n_resamples=np.inf, vectorized=False
    )
    ours = compare([cell(then, now)])
    assert ours is not None
    assert ours.shifts["colour"].excess == pytest.approx(theirs.statistic)
    # Both kinds have the same distances: Holm's correction doubles the smaller p.
    assert ours.shifts["colour"].p == pytest.approx(min(1.0, 2 * theirs.pvalue))


@pytest.mark.parametrize(("cells", "replicates"), [(1, 2), (1, 4), (2, 2), (3, 2)])
def test_too_few_pictures_say_nothing_however_large_the_change(cells: int, replicates: int) -> None:
    assert replicates < enough_replicates(cells)
    found = compare([cell([0.0] * replicates, [100.0] * replicates)] * cells)
    assert found is not None
    assert found.differs is None
    assert found.least_p == pytest.approx((2 / comb(2 * replicates, replicates)) ** cells)


@pytest.mark.parametrize(("cells", "replicates"), [(1, 5), (2, 3), (3, 3), (4, 2), (40, 2)])
def test_as_many_replicates_as_are_said_to_be_enough_are(cells: int, replicates: int) -> None:
    assert enough_replicates(cells) == replicates
    random = np.random.default_rng(7)
    assert drawn(random, cells, replicates, moved=1000.0).differs is True


def test_a_difference_as_large_as_the_one_said_to_be_visible_would_have_been_called_one() -> None:
    random = np.random.default_rng(8)
    for _ in range(50):
        shift = drawn(random, cells=5, replicates=3, moved=0.4).shifts["colour"]
        assert shift.visible is not None
        assert (shift.excess >= shift.visible) is (shift.p <= 0.05)


def test_pictures_that_are_all_the_same_show_no_difference() -> None:
    found = compare([cell([1.0, 1.0], [1.0, 1.0])] * 4)
    assert found is not None
    assert found.differs is False
    assert (found.shifts["colour"].excess, found.shifts["colour"].p) == (0.0, 1.0)


def test_a_cell_that_lacks_pictures_of_an_occasion_is_left_out() -> None:
    whole = [cell([0.0, 1.0], [5.0, 6.0]) for _ in range(4)]
    found = compare([*whole, cell([0.0], [5.0, 6.0]), cell([0.0, 1.0, 2.0], [])])
    assert found is not None
    assert (found.cells, found.pictures, found.left_out) == (4, 16, 2)
    assert found == compare(whole).__class__(found.shifts, 4, 16, 2, found.least_p)
    assert compare([cell([0.0], [5.0, 6.0])]) is None


def test_an_occasion_with_more_pictures_than_the_other_is_compared_all_the_same() -> None:
    random = np.random.default_rng(9)
    cells = [cell(list(random.normal(0, 1, 2)), list(random.normal(9, 1, 3))) for _ in range(3)]
    found = compare(cells)
    assert found is not None
    assert found.differs is True
    assert found.least_p == pytest.approx(1 / 1000)


def test_the_result_is_the_same_each_time_also_where_deals_are_drawn() -> None:
    random = np.random.default_rng(10)
    cells = [cell(list(random.normal(0, 1, 10)), list(random.normal(0.3, 1, 10))) for _ in range(3)]
    assert compare(cells) == compare(cells)


def test_the_floor_of_one_occasion_needs_two_pictures() -> None:
    assert floor_of([cell([0.0, 2.0], []), cell([0.0], [])]) == {"structure": 2.0, "colour": 2.0}
    assert floor_of([cell([0.0], [])]) == {}


def test_holm_multiplies_the_smallest_by_the_number_of_tests() -> None:
    assert holm({"a": 0.01, "b": 0.04}) == {"a": 0.02, "b": 0.04}
    assert holm({"a": 0.04, "b": 0.03}) == {"a": 0.06, "b": 0.06}
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
