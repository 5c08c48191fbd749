"""The map of a large run: where its cells stand, and that their shapes alone tell the states apart."""

from __future__ import annotations

import base64
import io
import itertools
import random

import pytest
from PIL import Image

from rivya_nb.store.records import STATUSES, AxisRecord, CellRecord, RunRecord
from rivya_nb.views.status_map import GROUPS, WIDTH, StatusMap, code, draw_map, plan_map, swatch
from views.making import make_job


def a_run(*sizes: int) -> RunRecord:
    axes = tuple(
        AxisRecord(name, tuple(map(str, range(size))))
        for name, size in zip(("seed", "light", "model"), sizes, strict=False)
    )
    places = itertools.product(*map(range, sizes))
    cells = tuple(CellRecord(str(number), place) for number, place in enumerate(places))
    return RunRecord(1, None, "sandbox", 0.0, axes, cells)


def decoded(drawn: StatusMap) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(drawn.uri.partition(",")[2]))).convert("RGBA")


def test_the_first_axis_runs_down_and_the_second_across() -> None:
    made = plan_map(a_run(20, 30))
    assert (made.columns, made.rows) == (30, 20)
    assert made.order == tuple(range(600))
    assert made.words == "down: seed 0 … 19 (20); across: light 0 … 29 (30)"


def test_further_axes_make_blocks_with_a_gap() -> None:
    made = plan_map(a_run(10, 12, 4))
    corners = [made.order.index(block) for block in range(4)]
    assert corners == [0, 13, 26, 39]
    assert made.order[12] == -1
    assert made.words.endswith("; a block for each model")


@pytest.mark.parametrize(
    "sizes", [(10_000,), (1000, 10), (10, 1000), (2, 5000), (316, 316), (100_000,), (3,) * 3]
)
def test_every_place_has_one_cell_within_the_width(sizes: tuple[int, ...]) -> None:
    run = a_run(*sizes)
    made = plan_map(run)
    assert sorted(place for place in made.order if place >= 0) == list(range(len(run.cells)))
    assert made.columns * made.pitch <= WIDTH
    assert len(made.order) == made.columns * made.rows


def test_holes_of_a_grid_stay_empty() -> None:
    run = a_run(20, 20)
    holed = RunRecord(1, None, "sandbox", 0.0, run.axes, (*run.cells[:7], *run.cells[8:]))
    made = plan_map(holed)
    assert made.order[6:9] == (6, -1, 7)
    picture = decoded(draw_map(made, [code(make_job("a"))] * 399))
    size = picture.width // 20
    assert picture.getpixel((7 * size + size // 3, size // 3))[3] == 0
    assert picture.getpixel((6 * size + size // 3, size // 3))[3] > 0


@pytest.mark.parametrize(("sizes", "most"), [((100, 100), 100_000), ((100_000,), 300_000)])
def test_a_map_takes_few_bytes_also_where_everything_differs(sizes: tuple[int, ...], most: int) -> None:
    run = a_run(*sizes)
    draw = random.Random(1)
    drawn = draw_map(plan_map(run), [draw.randint(1, 7) for _ in run.cells])
    assert len(drawn.uri) < most


def test_each_state_has_a_shape_of_its_own_without_any_colour() -> None:
    shapes = {}
    for drawing, states in GROUPS:
        data = decoded(swatch(drawing)).tobytes()
        pixels = [data[start : start + 4] for start in range(0, len(data), 4)]
        number = {colour: count for count, colour in enumerate(dict.fromkeys(pixels))}
        shapes[tuple(number[colour] for colour in pixels)] = states
    assert len(shapes) == len(GROUPS)


def test_every_status_is_drawn_as_the_legend_says() -> None:
    drawing = {state: number for number, states in GROUPS for state in states}
    for status in STATUSES:
        assert code(make_job("a", status)) == drawing[status]
    assert code(make_job("a", pictures=0, deleted_at=1.0)) == drawing["deleted"]
    assert code(make_job("a", "a status of tomorrow")) in drawing.values()


@pytest.mark.parametrize("paper", [(255, 255, 255), (17, 17, 17)])
def test_every_drawing_is_seen_on_light_and_on_dark_paper(paper: tuple[int, int, int]) -> None:
    for drawing, _ in GROUPS:
        cell = decoded(swatch(drawing))
        on_paper = Image.new("RGBA", cell.size, paper)
        on_paper.alpha_composite(cell)
        darkest, lightest = on_paper.convert("L").getextrema()
        assert lightest - darkest > 40
