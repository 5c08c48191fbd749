"""One grid of several runs: which axes it has, and where each picture stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from store.filling import done
from views.reading import Element, read, wrapping

import rivya_nb as rv
from history.conftest import Fill, picture
from rivya_nb.errors import UsageError
from rivya_nb.magics.history import show_history
from rivya_nb.store.records import AxisRecord, CellRecord


def shown(pictures: Any) -> Element:
    return read(pictures._repr_mimebundle_()["text/html"])


def headings(grid: Element, scope: str) -> list[str]:
    return [head.text for head in grid.all("th", scope=scope)]


def captions(grid: Element) -> list[str]:
    """What tells the pictures apart; behind the date and the run of each."""
    return [re.sub(r".* · runs? [0-9, ]+ ", "", place.text) for place in wrapping(grid)]


def test_runs_of_more_seeds_make_one_row(fill: Fill) -> None:
    first, second = fill([1, 2]), fill([8, 3])
    assert captions(shown(first + second)) == ["seed: 1", "seed: 2", "seed: 3", "seed: 8"]


def test_the_param_by_which_runs_differ_is_an_axis(fill: Fill) -> None:
    square, wide = fill([1, 2], aspect_ratio="1:1"), fill([1, 2], aspect_ratio="16:9")
    grid = shown(square + wide)
    assert headings(grid, "row") == ["seed: 1", "seed: 2"]
    assert headings(grid, "col") == ["1:1", "16:9"]
    assert len(grid.all("img")) == 4
    assert "+1" not in grid.text


def test_runs_that_differ_by_their_words_stand_beside_each_other(fill: Fill) -> None:
    first, second = fill([1, 2], "A fox"), fill([1, 2], "A cat")
    grid = shown(first + second)
    assert headings(grid, "col") == [f"run: {first.id}", f"run: {second.id}"]
    turned = shown((first + second).grid(rows="run"))
    assert headings(turned, "row") == [f"run: {first.id}", f"run: {second.id}"]
    assert headings(turned, "col") == ["seed: 1", "seed: 2"]


def test_runs_that_differ_in_much_leave_no_holes(fill: Fill) -> None:
    first, second = fill([5], "A fox", aspect_ratio="1:1"), fill([7], "A cat", aspect_ratio="16:9")
    one = shown(first + second)
    assert "not asked" not in one.text
    assert len(one.all("img")) == 2


def lights(session: rv.Session, prompt: str) -> rv.Run:
    """Two seeds in two lights: an axis of the prompt, which no param tells."""
    places = [(seed, light) for seed in (0, 1) for light in (0, 1)]
    jobs = [
        done(
            f"{prompt} at {('dawn', 'dusk')[light]}", {"seed": seed + 1}, pictures=(picture(session, number),)
        )
        for number, (seed, light) in enumerate(places)
    ]
    axes = [AxisRecord("seed", ("1", "2")), AxisRecord("light", ("dawn", "dusk"))]
    cells = [CellRecord(job.id, place) for job, place in zip(jobs, places, strict=True)]
    return session.run(
        session.store.asking.add_run(name="cats", service="sandbox", axes=axes, cells=cells, jobs=jobs).id
    )


def test_an_axis_of_the_prompt_is_one_of_the_grid_too(session: rv.Session) -> None:
    first, second = lights(session, "A fox"), lights(session, "A cat")
    for pictures in (first + second, rv.history(run=[first, second.id]).grid()):
        grid = shown(pictures)
        assert headings(grid, "row") == ["seed: 1", "seed: 2"] * 2
        assert headings(grid, "col") == ["light: dawn", "light: dusk"] * 2
        assert f"run: {first.id} cats" in grid.text
        assert len(grid.all("img")) == 8
    by_light = shown(rv.history(run=[first, second]).grid(rows="run", cols="light"))
    assert headings(by_light, "row") == [f"run: {first.id} cats", f"run: {second.id} cats"] * 2
    assert "seed: 2" in by_light.text


def test_a_picture_that_is_in_both_runs_stands_once(session: rv.Session, fill: Fill) -> None:
    first = fill([1, 2])
    shared = [job.record for job in first.jobs]
    new = done("A glass bottle", {"seed": 3}, pictures=(picture(session, 3),))
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate([*shared, new])]
    axes = [AxisRecord("seed", ("1", "2", "3"))]
    grown = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=[new])
    both = first + session.run(grown.id)
    assert captions(shown(both)) == ["seed: 1", "seed: 2", "seed: 3"]
    assert len(both) == 3


def test_three_runs_are_one_and_a_run_counts_once(fill: Fill, tmp_path: Path) -> None:
    first, second, third = fill([1]), fill([2]), fill([3])
    every = first + second + (third + first)
    assert captions(shown(every)) == ["seed: 1", "seed: 2", "seed: 3"]
    assert every.title == f"run {first.id} + run {second.id} + run {third.id}"
    sheet = every.grid().save(tmp_path / "sheet.png")
    assert sheet.is_file()
    with pytest.raises(UsageError, match="Only runs make one grid"):
        first + 9  # type: ignore[operator]


def test_any_pictures_of_the_history_can_stand_by_their_run(fill: Fill) -> None:
    first, second = fill([1, 2], "A fox"), fill([1, 2], "A cat")
    grid = shown(rv.history().grid(rows="run", cols="seed"))
    assert headings(grid, "row") == [f"run: {first.id}", f"run: {second.id}"]


def test_the_line_takes_several_runs_and_the_axes_of_a_grid(fill: Fill) -> None:
    first, second = fill([1, 2], "A fox"), fill([1, 2], "A cat")
    fill([3], "A cup")
    words = ["--run", str(first.id), "--run", str(second.id)]
    assert len(show_history(words)) == 4  # type: ignore[arg-type]
    grid = shown(show_history([*words, "--rows", "run", "--cols", "seed"]))
    assert headings(grid, "row") == [f"run: {first.id}", f"run: {second.id}"]
    with pytest.raises(UsageError, match=r"no job here has it; they have .*did you mean 'seed'"):
        show_history([*words, "--rows", "sead"])


def test_what_a_place_of_the_history_hides_is_named_with_the_way_to_see_it(fill: Fill) -> None:
    for ratio in ("1:1", "16:9", "3:4"):
        fill([1, 2], aspect_ratio=ratio)
    grid = rv.history().grid(rows="seed", cols="model")
    assert "+2 other aspect_ratio" in shown(grid).text
    assert 'cols="aspect_ratio") shows the results behind +n by aspect_ratio' in shown(grid).text
    assert 'cols="aspect_ratio")  shows the results' in grid._repr_mimebundle_()["text/plain"]
