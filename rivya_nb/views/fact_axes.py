"""Axes made of facts: what rows of a table say beside their params, as rows or columns of a grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rivya_nb.planning.ask import NONE
from rivya_nb.store.records import AxisRecord, RunRecord


def by_facts(
    run: RunRecord, rows: str | None, cols: str | None
) -> tuple[RunRecord, Mapping[tuple[int, ...], tuple[int, ...]]]:
    """The run with an axis for each fact that is asked for, and the place in the run of each place on these axes.

    The values of the axis that has the fact are numbered among those with the same facts, unless that axis is
    asked for itself. A run that has no such fact stays as it is, without places.
    """
    names = [axis.name for axis in run.axes]
    asked = [name for name in (rows, cols) if name is not None and name not in names]
    sorted_out = [_sorted_out(axis, asked, keeps=axis.name in (rows, cols)) for axis in run.axes]
    if not any(axis.facts and len(made) > 1 for axis, (made, _) in zip(run.axes, sorted_out, strict=True)):
        return run, {}
    origins: dict[tuple[int, ...], tuple[int, ...]] = {}
    cells = []
    for cell in run.cells:
        parts = (places[at] for (_, places), at in zip(sorted_out, cell.coordinates, strict=True))
        place = tuple(at for part in parts for at in part)
        origins[place] = cell.coordinates
        cells.append(replace(cell, coordinates=place))
    axes = tuple(axis for made, _ in sorted_out for axis in made)
    return replace(run, axes=axes, cells=tuple(cells)), origins


def _sorted_out(
    axis: AxisRecord, asked: Sequence[str], *, keeps: bool
) -> tuple[list[AxisRecord], list[tuple[int, ...]]]:
    """An axis as those of its facts that are `asked`, then what tells its values apart; and each value's place."""
    facts = [name for name in asked if any(name in row for row in axis.facts)]
    if not facts:
        return [axis], [(at,) for at in range(len(axis.labels))]
    texts = [tuple(row.get(name, NONE) for name in facts) for row in axis.facts]
    labels = [
        {text: at for at, text in enumerate(dict.fromkeys(column))} for column in zip(*texts, strict=True)
    ]
    made = [AxisRecord(name, tuple(each)) for name, each in zip(facts, labels, strict=True)]
    places = [tuple(each[value] for each, value in zip(labels, text, strict=True)) for text in texts]
    if keeps:
        return [*made, axis], [(*place, at) for at, place in enumerate(places)]
    met: Counter[tuple[int, ...]] = Counter()
    numbered = []
    for place in places:
        numbered.append((*place, met[place]))
        met[place] += 1
    if (most := max(met.values())) == 1:
        return made, places
    return [*made, AxisRecord(number_axis(axis.name), tuple(str(at) for at in range(1, most + 1)))], numbered


def number_axis(axis: str) -> str:
    """The name of the axis on which the values of `axis` are numbered."""
    return f"{axis} number"
