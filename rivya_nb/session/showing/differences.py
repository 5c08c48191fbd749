"""How much the pictures of a grid differ, and along which axis; shows itself as static HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count
from rivya_nb.errors import UsageError
from rivya_nb.measures.comparing import compare_all
from rivya_nb.measures.metric import Difference
from rivya_nb.measures.pairs import by_axis, by_place
from rivya_nb.session.showing.looks import path_finder
from rivya_nb.session.showing.tables import table
from rivya_nb.views.differences import DifferencesView, differences_html, differences_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pandas import DataFrame

    from rivya_nb.measures.pairs import AxisDifferences, Pair
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.store.records import AxisRecord
    from rivya_nb.views.layout import Layout


class Differences:
    """The differences between neighbours of a grid: pictures that share every value but one.

    Each is two numbers, `structure` and `colour`, which `Difference` explains. They say which axis moves the
    pictures how much, and nothing about which picture is better.
    """

    def __init__(
        self,
        axes: Sequence[AxisRecord],
        layout: Layout,
        files: ContentFiles,
        excluded: Collection[str] = (),
    ) -> None:
        self._axes = axes
        path_of = path_finder(files)
        shown = [cell for cell in layout.cells if cell.number <= 1]
        self._cells = {cell.place: kept for cell in shown if (kept := cell.without(excluded)) is not None}
        paths = {place: path_of(cell.picture) for place, cell in self._cells.items() if cell.picture}
        compared = compare_all(paths, len(axes), files.thumbnails.load)
        self._found = compared.found
        if not self._found:
            raise UsageError("There is nothing to compare: no two pictures share every value but one.")
        self._view = DifferencesView(
            axes=by_axis([axis.name for axis in axes], list(paths), self._found),
            apart=by_place(self._found),
            layout=layout,
            notes=_notes(
                len(self._cells) - len(paths),
                len(compared.unread),
                sum(bool(job.pictures) for cell in shown for job in cell.jobs if job.id in excluded),
            ),
        )

    @property
    def axes(self) -> tuple[AxisDifferences, ...]:
        """For each axis, how much the pictures differ of which only this axis' value differs."""
        return tuple(self._view.axes)

    @property
    def medians(self) -> dict[str, Difference]:
        """The middle difference by axis; an axis along which nothing can be compared is left out."""
        return {
            axis.name: Difference(axis.structure.median, axis.colour.median)
            for axis in self._view.axes
            if axis.structure is not None and axis.colour is not None
        }

    def to_pandas(self) -> DataFrame:
        """One row for each pair: the axis, both its values, both differences, and both jobs' ids.

        Raises:
            UsageError: pandas is not installed.
        """
        return table([self._row(pair, each) for pair, each in self._found.items()])

    def _row(self, pair: Pair, difference: Difference) -> dict[str, Any]:
        axis = self._axes[pair.axis]
        return {
            "axis": axis.name,
            "one": axis.labels[pair.one[pair.axis]],
            "other": axis.labels[pair.other[pair.axis]],
            "structure": difference.structure,
            "colour": difference.colour,
            "job": self._cells[pair.one].job.id,
            "other_job": self._cells[pair.other].job.id,
        }

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {"text/html": differences_html(self._view), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return differences_text(self._view)


def _notes(empty: int, unread: int, excluded: int) -> list[str]:
    notes = []
    if excluded:
        notes.append(f"{count(excluded, 'excluded picture')} left out")
    if empty:
        notes.append(f"{count(empty, 'place')} without a picture left out")
    if unread:
        notes.append(f"{count(unread, 'picture')} left out, whose file is gone or cannot be read")
    return notes
