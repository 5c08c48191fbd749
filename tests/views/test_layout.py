"""Which picture stands where."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.errors import UsageError
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.geometry import MINIMUM_HEIGHT, MINIMUM_WIDTH, ROW_HEIGHT, measure
from rivya_nb.views.layout import LABEL_LENGTH, Layout, arrange
from views.making import DONE_STATES, HOSTILE, STARTED, bottles, make_job, make_run


def texts(labels: object) -> list[str]:
    return [label.text for label in labels]  # type: ignore[attr-defined]


def shown(layout: Layout) -> list[list[list[str | None]]]:
    return [[[it.job.id if it else None for it in row] for row in page.cells] for page in layout.pages]


def test_first_axis_makes_rows_and_second_columns() -> None:
    layout = arrange(*bottles(DONE_STATES))
    assert texts(layout.row_labels) == ["seed: 1", "seed: 2", "seed: 3", "seed: 4"]
    assert texts(layout.column_labels) == ["1:1", "16:9", "3:4"]
    assert shown(layout) == [[[f"job{3 * row + column}" for column in range(3)] for row in range(4)]]
    assert layout.pages[0].caption == ""
    assert not layout.wraps


def test_prompts_that_begin_alike_are_told_apart_by_their_ends() -> None:
    prompts = [f"A glass bottle on a soft studio background, {light} light" for light in ("dawn", "dusk")]
    run, jobs = make_run({"prompt": prompts, "seed": "12"}, [make_job(name) for name in "abcd"])
    labels = arrange(run, jobs).row_labels
    assert texts(labels) == ["…dawn light", "…dusk light"]
    assert [label.full for label in labels] == prompts


@pytest.mark.parametrize(
    "asked",
    [{"rows": "aspect_ratio"}, {"cols": "seed"}, {"rows": "aspect_ratio", "cols": "seed"}],
    ids=["rows alone", "cols alone", "both"],
)
def test_axes_are_chosen_by_name_and_the_rest_takes_the_other_side(asked: dict[str, str]) -> None:
    run, jobs = bottles(DONE_STATES)
    layout = arrange(run, jobs, **asked)
    assert (layout.row_axis, layout.column_axis) == ("aspect_ratio", "seed")
    assert shown(layout)[0][1] == ["job1", "job4", "job7", "job10"]
    assert texts(layout.column_labels) == ["seed: 1", "seed: 2", "seed: 3", "seed: 4"]


def three_axes() -> tuple[RunRecord, dict[str, JobRecord]]:
    jobs = [make_job(f"{seed}{ratio}{light}") for seed in "01" for ratio in "ab" for light in "xy"]
    return make_run({"seed": "01", "ratio": "ab", "light": ("dawn", "dusk")}, jobs)


def test_further_axes_make_pages_with_a_caption() -> None:
    layout = arrange(*three_axes())
    assert [page.caption for page in layout.pages] == ["light: dawn", "light: dusk"]
    assert shown(layout)[1] == [["0ay", "0by"], ["1ay", "1by"]]


def test_any_axis_can_make_the_pages() -> None:
    layout = arrange(*three_axes(), rows="light", cols="ratio")
    assert [page.caption for page in layout.pages] == ["seed: 0", "seed: 1"]
    assert shown(layout)[0] == [["0ax", "0bx"], ["0ay", "0by"]]
    assert texts(layout.row_labels) == ["light: dawn", "light: dusk"]
    assert texts(layout.column_labels) == ["ratio: a", "ratio: b"]


def test_a_page_that_nothing_was_asked_for_is_left_out() -> None:
    run, jobs = three_axes()
    only_dusk = replace(run, cells=tuple(cell for cell in run.cells if cell.coordinates[2] == 1))
    assert [page.caption for page in arrange(only_dusk, jobs).pages] == ["light: dusk"]


def test_a_single_axis_wraps_and_labels_each_cell() -> None:
    run, jobs = make_run({"seed": ("7", "8")}, [make_job("a"), make_job("b")])
    layout = arrange(run, jobs)
    assert layout.wraps
    assert [cell.label.text for cell in layout.cells] == ["seed: 7", "seed: 8"]


@pytest.mark.parametrize(("asked", "shape"), [({"rows": "seed"}, (2, 1)), ({"cols": "seed"}, (1, 2))])
def test_a_single_axis_that_was_asked_for_stands_where_it_was_asked(
    asked: dict[str, str], shape: tuple[int, int]
) -> None:
    run, jobs = make_run({"seed": ("7", "8")}, [make_job("a"), make_job("b")])
    layout = arrange(run, jobs, **asked)
    assert not layout.wraps
    assert (len(layout.pages[0].cells), len(layout.pages[0].cells[0])) == shape


def test_no_axis_is_one_picture() -> None:
    layout = arrange(*make_run({}, [make_job("only")]))
    assert shown(layout) == [[["only"]]]
    assert layout.row_labels == layout.column_labels == ()
    assert not layout.wraps


def test_missing_cells_are_holes() -> None:
    run, jobs = bottles(DONE_STATES)
    holed = replace(run, cells=run.cells[:4] + run.cells[5:])
    assert shown(arrange(holed, jobs))[0][1] == ["job3", None, "job5"]


def test_an_unknown_axis_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"rows: .*'aspect-ratio'.*seed, aspect_ratio.*'aspect_ratio'"):
        arrange(*bottles(DONE_STATES), rows="aspect-ratio")


@pytest.mark.parametrize("name", [["seed"], {"seed": 1}, 3])
def test_what_is_no_name_at_all_is_told_too(name: str) -> None:
    with pytest.raises(UsageError, match="is not an axis; give the name of an axis as text"):
        arrange(*bottles(DONE_STATES), rows=name)


def test_all_wrong_axes_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        arrange(*make_run({}, [make_job("only")]), rows="one", cols="two")
    assert [mistake.where for mistake in caught.value.mistakes] == ["rows", "cols"]


def test_one_axis_cannot_be_both_sides() -> None:
    with pytest.raises(UsageError, match="already the rows"):
        arrange(*bottles(DONE_STATES), rows="seed", cols="seed")


def test_the_newest_job_with_a_picture_is_shown_and_the_others_counted() -> None:
    older = make_job("older", pictures=2, created_at=STARTED)
    newer = make_job("newer", created_at=STARTED + 5)
    running = make_job("running", "processing", created_at=STARTED + 9)
    run, jobs = make_run({"seed": ("1",)}, [older, newer, running], [(0,), (0,), (0,)])
    (cell,) = arrange(run, jobs, rows="seed").cells
    assert [job.id for job in cell.jobs] == ["newer", "older", "running"]
    assert cell.picture == newer.pictures[0]
    assert cell.more == 3


def test_the_pictures_of_a_task_stand_side_by_side_in_a_ribbon() -> None:
    run, jobs = make_run({"seed": "12"}, [make_job("one", pictures=2), make_job("two")])
    layout = arrange(run, jobs)
    assert [cell.caption.text for cell in layout.cells] == [
        "seed: 1 (1)",
        "seed: 1 (2)",
        "seed: 2",
    ]
    assert [cell.picture for cell in layout.cells] == [*jobs["one"].pictures, *jobs["two"].pictures]
    assert [cell.more for cell in layout.cells] == [0, 0, 0]


def test_a_grid_can_show_the_further_pictures_on_pages() -> None:
    lone = make_job("two")
    run, jobs = make_run({"seed": "12", "light": "d"}, [make_job("one", pictures=2), lone])
    assert [cell.more for cell in arrange(run, jobs).cells] == [1, 0]
    layout = arrange(run, jobs, every=True)
    assert [page.caption for page in layout.pages] == ["picture 1", "picture 2"]
    assert [[cell and cell.key for (cell,) in page.cells] for page in layout.pages] == [
        ["one", "two"],
        ["one/2", None],
    ]


def test_without_a_picture_the_newest_job_speaks_for_its_place() -> None:
    failed = make_job("failed", "failed", created_at=STARTED)
    again = make_job("again", "processing", created_at=STARTED + 9)
    run, jobs = make_run({"seed": ("1",)}, [failed, again], [(0,), (0,)])
    (cell,) = arrange(run, jobs).cells
    assert cell.job.id == "again"
    assert cell.more == 1


def test_a_twin_stands_in_each_of_its_places() -> None:
    twin = make_job("twin")
    run, jobs = make_run({"seed": ("1", "1")}, [twin, twin], [(0,), (1,)])
    assert [(cell.job.id, cell.more) for cell in arrange(run, jobs).cells] == [("twin", 0), ("twin", 0)]


def test_a_prompts_label_is_its_text_short_on_the_page_and_whole_in_the_title() -> None:
    prompts = ("A glass bottle on a soft studio background", HOSTILE)
    run, jobs = make_run({"prompt": prompts, "seed": "12"}, [make_job(name) for name in "abcd"])
    layout = arrange(run, jobs)
    assert layout.row_labels[0].text == "A glass bottle on a soft st…"
    assert layout.row_labels[0].full == prompts[0]
    assert all(len(label.text) <= LABEL_LENGTH for label in layout.row_labels)


@pytest.mark.parametrize(
    ("axis", "value", "label"),
    [
        ("seed", "1", "seed: 1"),
        ("watermark", "true", "watermark: true"),
        ("light, aspect_ratio", "night, 16:9", "night, 16:9"),
        ("strength", "0.5", "strength: 0.5"),
        ("seed", "none", "seed: none"),
        ("resolution", "2K", "2K"),
        ("light", "dusk", "light: dusk"),
        ("light", "morning light", "light: morning"),
        ("light", "light", "light: light"),
        ("", "7", "7"),
    ],
)
def test_a_heading_is_the_axis_and_its_value_unless_that_speaks_for_itself(
    axis: str, value: str, label: str
) -> None:
    run, jobs = make_run({"other": "ab", axis: (value,)}, [make_job("x"), make_job("y")])
    assert texts(arrange(run, jobs).column_labels) == [label]


@st.composite
def runs(draw: st.DrawFn) -> tuple[RunRecord, dict[str, JobRecord]]:
    """A run with up to four axes, holes, shared cells, and jobs of all sorts."""
    sizes = draw(st.lists(st.integers(1, 4), max_size=4))
    axes = {f"axis{index}": [f"v{value}" for value in range(size)] for index, size in enumerate(sizes)}
    everywhere = list(itertools.product(*(range(size) for size in sizes)))
    places = draw(st.lists(st.sampled_from(everywhere), min_size=1, max_size=12))
    jobs = [
        make_job(
            f"job{index}",
            draw(st.sampled_from(["succeeded", "failed", "queued", "stopped"])),
            pictures=draw(st.integers(0, 3)),
            created_at=STARTED + draw(st.integers(0, 3)),
        )
        for index in range(len(places))
    ]
    return make_run(axes, jobs, places)


@given(runs(), st.data())
def test_every_job_has_one_place_and_everything_hidden_is_counted(
    made: tuple[RunRecord, dict[str, JobRecord]], data: st.DataObject
) -> None:
    run, jobs = made
    names = [axis.name for axis in run.axes]
    choice = st.none() | st.sampled_from(names) if names else st.none()
    rows = data.draw(choice)
    cols = data.draw(choice.filter(lambda name: name is None or name != rows))
    every = data.draw(st.booleans())
    layout = arrange(run, jobs, rows=rows, cols=cols, every=every)
    assert sorted(job.id for cell in layout.cells if cell.number <= 1 for job in cell.jobs) == sorted(jobs)
    assert len({cell.key for cell in layout.cells}) == len(layout.cells)
    things = sum(max(1, len(job.pictures)) for job in jobs.values())
    assert sum(1 + cell.more for cell in layout.cells) == things
    assert all(cell.picture for cell in layout.cells if any(job.pictures for job in cell.jobs))
    shown = [cell.picture for cell in layout.cells if cell.picture]
    assert len(set(shown)) == len(shown)
    if every or layout.wraps:
        assert len(shown) == sum(len(cell.job.pictures) for cell in layout.cells if cell.number <= 1)
    if every or layout.wraps:
        return
    sizes = {axis.name: len(axis.labels) for axis in run.axes}
    for page in layout.pages:
        assert len(page.cells) == sizes.get(layout.row_axis or "", 1)
        assert {len(row) for row in page.cells} == {sizes.get(layout.column_axis or "", 1)}
    assert len(layout.pages) <= math.prod(sizes.values())


def test_pictures_keep_their_ratio_and_rows_their_height() -> None:
    layout = arrange(*bottles(DONE_STATES))
    geometry = measure(layout)
    assert geometry.height == ROW_HEIGHT
    assert [geometry.fit(it, index) for index, it in enumerate(layout.pages[0].cells[0]) if it] == [
        (150, 150),
        (267, 150),
        (112, 150),
    ]


def test_a_running_grid_has_the_shape_of_the_finished_one() -> None:
    running = measure(arrange(*bottles(["queued"] * 12)))
    assert running == measure(arrange(*bottles(["succeeded"] * 12)))


def test_many_columns_shrink_before_they_scroll() -> None:
    def height(columns: int) -> int:
        jobs = [make_job(f"j{index}") for index in range(columns)]
        run, by_id = make_run({"other": ("a",), "seed": [str(index) for index in range(columns)]}, jobs)
        return measure(arrange(run, by_id)).height

    assert height(3) == ROW_HEIGHT
    assert 96 < height(8) < 120
    assert height(40) == MINIMUM_HEIGHT


@pytest.mark.parametrize(
    ("params", "ratio"),
    [
        ({"aspect_ratio": "8:1"}, 8.0),
        ({"aspect_ratio": "portrait"}, 9 / 16),
        ({"image_size": "portrait_16_9"}, 9 / 16),
        ({"image_size": "landscape_4_3"}, 4 / 3),
        ({"size": "1536x1024"}, 1.5),
        ({"aspect_ratio": "auto"}, 1.0),
        ({"aspect_ratio": "0:5"}, 1.0),
        ({}, 1.0),
    ],
)
def test_the_shape_of_a_picture_to_come_is_read_from_its_params(params: dict[str, str], ratio: float) -> None:
    run, jobs = make_run({"x": ("a",), "y": ("b",)}, [make_job("j", "queued", params=params)])
    layout = arrange(run, jobs)
    width, height = measure(layout).fit(layout.cells[0], 0)
    assert width / height == pytest.approx(ratio, rel=0.05)
    assert measure(layout).widths[0] >= MINIMUM_WIDTH


@pytest.mark.parametrize(("makes", "ratio"), [("video", 16 / 9), ("audio", 2.0)])
def test_a_video_or_sound_to_come_has_the_usual_shape(makes: str, ratio: float) -> None:
    run, jobs = make_run({}, [make_job("j", "queued", model="a-newer-model", makes=makes)])
    layout = arrange(run, jobs)
    width, height = measure(layout).fit(layout.cells[0], 0)
    assert width / height == pytest.approx(ratio, rel=0.02)


def test_a_model_with_another_default_shape_is_known() -> None:
    run, jobs = make_run({}, [make_job("j", "queued", model="flux-kontext-pro")])
    layout = arrange(run, jobs)
    width, height = measure(layout).fit(layout.cells[0], 0)
    assert width / height == pytest.approx(16 / 9, rel=0.02)
