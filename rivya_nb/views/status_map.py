"""A map of a large run: one small cell for each place, drawn as one picture of a few kilobytes.

A cell's shape tells the state as well as its colour does, and its colours are legible on light and on dark pages.
The first axis runs down, the second across, and each further combination is a block of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import ceil, prod

from rivya_nb.store.records import AxisRecord, JobRecord, RunRecord
from rivya_nb.views.words import state

WIDTH = 860
"""CSS pixels of a map's largest width: a notebook's output area on a laptop."""

_TALLEST = 600
"""CSS pixels of a map's height, at which its cells become smaller."""

_PITCHES = (14, 12, 10, 8, 7, 6, 5, 4, 3)
"""CSS pixels from one cell to the next."""

_DENSITY = 2
_SLENDER = 8
"""A block that is so many times as high as wide, or the other way, is not laid out by its axes."""

_NOTHING = 0
_BLUE, _RED, _AMBER, _GREY, _PALE, _WHITE = range(1, 7)
_COLOURS = {
    _BLUE: (58, 134, 207, 255),
    _RED: (229, 62, 52, 255),
    _AMBER: (214, 138, 20, 255),
    _GREY: (128, 128, 128, 200),
    _PALE: (128, 128, 128, 140),
    _WHITE: (255, 255, 255, 255),
}
"""Red, green, blue and opacity."""

_CODES = {
    "planned": 1,
    "deferred": 1,
    "uploading": 1,
    "submitting": 2,
    "queued": 2,
    "processing": 3,
    "downloading": 3,
    "succeeded": 4,
    "failed": 5,
    "undelivered": 6,
    "unknown": 6,
    "stopped": 7,
    "deleted": 7,
}
"""What a state is drawn as; 0 is a place where nothing was asked for."""

_OTHER = 7

GROUPS = (
    (4, ("succeeded",)),
    (5, ("failed",)),
    (6, ("undelivered", "unknown")),
    (3, ("downloading", "processing")),
    (2, ("queued", "submitting")),
    (1, ("uploading", "planned", "deferred")),
    (7, ("stopped", "deleted")),
)
"""The drawings in the order of a legend, each with its states."""


def _edge(x: float, y: float) -> float:
    """How far a point of the unit square is from its border."""
    return min(x, y, 1 - x, 1 - y)


_SHAPES: Mapping[int, Callable[[float, float], int]] = {
    # a dot: nothing has happened yet
    1: lambda x, y: _PALE if (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.07 else _NOTHING,
    # a frame: the service has it
    2: lambda x, y: _GREY if _edge(x, y) < 0.17 else _NOTHING,
    # half full: it is worked on
    3: lambda x, y: _BLUE if y > 0.5 or _edge(x, y) < 0.17 else _NOTHING,
    # full: the picture is here
    4: lambda *_: _BLUE,
    # full, crossed out: it failed
    5: lambda x, y: _WHITE if min(abs(x - y), abs(1 - x - y)) < 0.11 and _edge(x, y) > 0.08 else _RED,
    # full, with a hole: paid, or perhaps paid, and not here
    6: lambda x, y: _NOTHING if abs(x - 0.5) < 0.18 and abs(y - 0.5) < 0.18 else _AMBER,
    # a bar: nothing comes any more
    7: lambda _, y: _GREY if abs(y - 0.5) < 0.14 else _NOTHING,
}


def code(job: JobRecord) -> int:
    """What the job is drawn as."""
    return _CODES.get(state(job), _OTHER)


@dataclass(frozen=True, slots=True)
class MapPlan:
    """Where each place of a run stands: `order[i]` is the index of the place that the map's i-th cell shows, row
    by row, and -1 where nothing is. `columns` is the number of cells in a row, `pitch` in CSS pixels. `words` says
    how it is laid out.
    """

    columns: int
    rows: int
    pitch: int
    order: tuple[int, ...]
    words: str


@dataclass(frozen=True, slots=True)
class StatusMap:
    """The picture as a `data:` URL; width and height in CSS pixels."""

    uri: str
    width: int
    height: int


def plan_map(run: RunRecord) -> MapPlan:
    """The map of a run's places, which are its cells in their order."""
    axes = [axis for axis in run.axes if len(axis.labels) > 1]
    at = {cell.coordinates: place for place, cell in enumerate(run.cells)}
    if len(axes) > 1 and (made := _by_axes(run.axes, axes, at)) is not None:
        return made
    columns, pitch = _wrapped(len(at), len(axes[-1].labels) if len(axes) > 1 else 1)
    rows = ceil(len(at) / columns)
    order = [*range(len(at)), *[-1] * (columns * rows - len(at))]
    words = "in the order of the run, row by row"
    if len(axes) == 1:
        words = f"{_span(axes[0])}, row by row"
    return MapPlan(columns, rows, pitch, tuple(order), words)


def _wrapped(count: int, together: int) -> tuple[int, int]:
    """Columns and pitch of so many cells in rows that fill the width; `together` of them are not broken."""
    for pitch in _PITCHES:
        columns = WIDTH // pitch
        if ceil(count / columns) * pitch <= _TALLEST or pitch == _PITCHES[-1]:
            break
    return min(columns - columns % together or columns, count), pitch


def _by_axes(
    every: Sequence[AxisRecord], axes: Sequence[AxisRecord], at: Mapping[tuple[int, ...], int]
) -> MapPlan | None:
    """The map with the first axis down and the second across; None where it would be a thread, or too large."""
    down, across = every.index(axes[0]), every.index(axes[1])
    height, width = len(every[down].labels), len(every[across].labels)
    further = [index for index in range(len(every)) if index not in (down, across)]
    blocks = prod(len(every[index].labels) for index in further)
    found = _fitting(height, width, blocks)
    if found is None:
        return None
    pitch, beside = found
    gap = 1 if blocks > 1 else 0
    columns = beside * (width + gap) - gap
    rows = ceil(blocks / beside) * (height + gap) - gap
    order = [-1] * (columns * rows)
    sizes = [len(every[index].labels) for index in further]
    for coordinates, place in at.items():
        block = 0
        for index, size in zip(further, sizes, strict=True):
            block = block * size + coordinates[index]
        row = block // beside * (height + gap) + coordinates[down]
        column = block % beside * (width + gap) + coordinates[across]
        order[row * columns + column] = place
    words = f"down: {_span(every[down])}; across: {_span(every[across])}"
    if blocks > 1:
        names = " × ".join(every[index].name for index in further if len(every[index].labels) > 1)
        words += f"; a block for each {names}"
    return MapPlan(columns, rows, pitch, tuple(order), words)


def _fitting(height: int, width: int, blocks: int) -> tuple[int, int] | None:
    """The largest pitch at which all blocks fit, and how many stand side by side."""
    if max(height, width) > _SLENDER * min(height, width):
        return None
    for pitch in _PITCHES:
        beside = min(blocks, (WIDTH // pitch + 1) // (width + 1) if blocks > 1 else WIDTH // pitch // width)
        if not beside:
            continue
        down = ceil(blocks / beside) * (height + 1) - 1
        if down * pitch <= _TALLEST or (pitch == _PITCHES[-1] and down * pitch <= 2 * _TALLEST):
            return pitch, beside
    return None


def _span(axis: AxisRecord) -> str:
    first, last = (
        label if len(label) <= 24 else f"{label[:23]}…" for label in (axis.labels[0], axis.labels[-1])
    )
    return f"{axis.name} {first} … {last} ({len(axis.labels):,})".strip()


def draw_map(plan: MapPlan, codes: Sequence[int]) -> StatusMap:
    """The map of places with these codes, by place. It takes some milliseconds: call it off the event loop."""
    codes = bytes((*codes, _NOTHING))
    cells = bytes(map(codes.__getitem__, plan.order))
    size = plan.pitch * _DENSITY
    return StatusMap(_encoded(cells, plan.columns, size), plan.columns * plan.pitch, plan.rows * plan.pitch)


@lru_cache(maxsize=16)
def swatch(drawing: int) -> StatusMap:
    """A single cell, for a legend."""
    return StatusMap(_encoded(bytes([drawing]), 1, 12 * _DENSITY), 12, 12)


def _encoded(cells: bytes, columns: int, size: int) -> str:
    """The cells as a PNG in a `data:` URL, each `size` pixels wide and high."""
    from PIL import Image

    tables = _tables(size)
    lines = []
    for start in range(0, len(cells), columns):
        row = cells[start : start + columns]
        for table in tables:
            line = bytearray(columns * size)
            for column, colours in enumerate(table):
                if colours is not None:
                    line[column::size] = row.translate(colours)
            lines.append(bytes(line))
    image = Image.frombytes("P", (columns * size, len(lines)), b"".join(lines))
    palette = [(0, 0, 0, 0), *_COLOURS.values()]
    image.putpalette([part for colour in palette for part in colour[:3]])
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=bytes(colour[3] for colour in palette), bits=4)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


@lru_cache(maxsize=32)
def _tables(size: int) -> tuple[tuple[bytes | None, ...], ...]:
    """By row and column of a cell's pixels, the colour of each drawing there; None where all are empty."""
    gap = max(_DENSITY, size // 7)
    inner = size - gap
    rows = []
    for y in range(size):
        row: list[bytes | None] = []
        for x in range(size):
            table = bytearray(256)
            if x < inner and y < inner:
                point = (x + 0.5) / inner, (y + 0.5) / inner
                for drawing, shape in _SHAPES.items():
                    table[drawing] = shape(*point)
            row.append(bytes(table) if any(table) else None)
        rows.append(tuple(row))
    return tuple(rows)
