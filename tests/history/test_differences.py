"""What moves the pictures of a grid, as a user asks for it."""

from __future__ import annotations

import sys

import pytest

import rivya_nb as rv
from history.conftest import Fill
from rivya_nb.errors import UsageError


@pytest.fixture
def shapes(fill: Fill) -> rv.Run:
    """Three seeds in two shapes; a picture here is its seed's colour, whatever the shape."""
    fill([1, 100, 200], aspect_ratio="16:9")
    return fill([1, 100, 200], aspect_ratio="1:1")


def test_the_seed_moves_the_pictures_and_the_shape_does_not(shapes: rv.Run) -> None:
    differences = rv.history().grid(rows="seed", cols="aspect_ratio").differences()
    seed, shape = differences.medians["seed"], differences.medians["aspect_ratio"]
    assert (shape.structure, shape.colour) == (0, 0)
    assert seed.colour > 5
    assert [(axis.name, axis.pairs) for axis in differences.axes] == [("seed", 6), ("aspect_ratio", 3)]
    shown = differences._repr_mimebundle_()
    assert "Differences of 6 pictures" in shown["text/html"]
    assert "aspect_ratio" in shown["text/plain"]


def test_every_pair_is_a_row_with_its_jobs(shapes: rv.Run) -> None:
    table = shapes.grid().differences().to_pandas()
    assert table[["axis", "one", "other"]].to_numpy().tolist() == [
        ["seed", "1", "100"],
        ["seed", "1", "200"],
        ["seed", "100", "200"],
    ]
    first, second, third = shapes.job_ids
    assert table["job"].tolist() == [first, first, second]
    assert table["other_job"].tolist() == [second, third, third]
    assert (table["colour"] > 0).all()


def test_a_picture_whose_file_is_gone_is_left_out_and_told(shapes: rv.Run) -> None:
    path = shapes[0].path
    assert path is not None
    path.unlink()
    differences = shapes.grid().differences()
    assert differences.axes[0].pairs == 1
    assert "1 picture left out, whose file is gone or cannot be read" in repr(differences)


def test_an_excluded_picture_is_compared_with_none_and_told(shapes: rv.Run) -> None:
    shapes[1].exclude("hand cut off")
    differences = shapes.grid().differences()
    assert differences.to_pandas()[["one", "other"]].to_numpy().tolist() == [["1", "200"]]
    assert "1 excluded picture left out" in repr(differences)
    shapes[2].exclude("blurred")
    with pytest.raises(UsageError, match="nothing to compare"):
        shapes.grid().differences()


def test_another_picture_of_a_place_stands_in_for_an_excluded_one(fill: Fill) -> None:
    earlier, later = fill([1, 100]), fill([1, 100])
    grid = rv.history().grid(rows="seed")
    assert set(grid.differences().to_pandas()["job"]) <= set(later.job_ids)
    later.exclude("the light is wrong")
    table = grid.differences().to_pandas()
    assert {*table["job"], *table["other_job"]} == {*earlier.job_ids}


def test_one_picture_cannot_be_compared(fill: Fill) -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        fill([1]).grid().differences()


def test_without_scikit_image_it_says_what_to_install(
    shapes: rv.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(UsageError, match=r"pip install 'rivya-nb\[analysis\]'"):
        shapes.grid().differences()
