"""What moves the pictures of a grid, as a user asks for it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest
from store.filling import done

import rivya_nb as rv
from history.conftest import Fill, picture
from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.errors import UsageError
from rivya_nb.store.records import AxisRecord, CellRecord


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


def numbered(session: rv.Session, numbers: int, seeds: Sequence[int] = (1, 2)) -> rv.Run:
    """A run of replicates; a picture here is the colour of its seed, and a little of its number."""
    jobs = [
        replace(
            done(
                "A jug", {"seed": seed}, final_credits=12, pictures=(picture(session, 100 * seed + number),)
            ),
            replicate=number,
            identity=rv.Request(DEFAULT_MODEL, "A jug", {"seed": seed}, replicate=number).identity,
        )
        for seed in seeds
        for number in range(1, numbers + 1)
    ]
    axes = [AxisRecord("seed", tuple(map(str, seeds))), AxisRecord("replicate", tuple("123456"[:numbers]))]
    places = itertools.product(range(len(seeds)), range(numbers))
    cells = [CellRecord(job.id, place) for job, place in zip(jobs, places, strict=True)]
    record = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
    return session.run(record.id)


def test_the_very_same_request_is_the_first_row_of_a_run_and_of_a_history(session: rv.Session) -> None:
    run = numbered(session, 3)
    for grid in (
        run.grid(),
        rv.history().grid(rows="seed"),
        rv.history().grid(rows="seed", cols="replicate"),
    ):
        differences = grid.differences()
        floor = differences.axes[0]
        assert (floor.name, floor.pairs, floor.is_floor) == ("the very same request", 6, True)
        assert "replicate" not in [axis.name for axis in differences.axes]
        assert differences.medians["the very same request"].colour < differences.medians["seed"].colour
        table = differences.to_pandas()
        same = table[table["axis"] == "the very same request"]
        assert {tuple(row) for row in same[["one", "other"]].to_numpy()} <= {
            (one, other) for one in "123" for other in "123" if one != other
        }


def test_several_pictures_of_one_task_are_of_the_very_same_request(session: rv.Session, fill: Fill) -> None:
    run = fill([1, 2], pictures=(picture(session, 7), picture(session, 90)))
    floor = run.grid().differences().axes[0]
    assert (floor.name, floor.pairs) == ("the very same request", 2)


def test_one_picture_at_two_places_is_not_the_same_request_twice(session: rv.Session) -> None:
    job = done("A jug", {"seed": 1}, final_credits=12, pictures=(picture(session, 1),))
    other = done("A jug", {"seed": 2}, final_credits=12, pictures=(picture(session, 2),))
    cells = [CellRecord(each.id, (at,)) for at, each in enumerate((job, job, other))]
    axes = [AxisRecord("look", ("a", "b", "c"))]
    record = session.store.asking.add_run(
        name=None, service="sandbox", axes=axes, cells=cells, jobs=[job, other]
    )
    assert [axis.name for axis in session.run(record.id).grid().differences().axes] == ["look"]


def test_an_excluded_replicate_is_no_noise(session: rv.Session) -> None:
    run = numbered(session, 2)
    run[1].exclude("hand cut off")
    assert run.grid().differences().axes[0].pairs == 1
