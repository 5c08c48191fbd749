"""How much the pictures of a grid differ, and along which axis; shows itself as static HTML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rivya_nb.contract.text import count
from rivya_nb.errors import UsageError
from rivya_nb.measures.comparing import compare_all, reader
from rivya_nb.measures.metric import Difference
from rivya_nb.measures.pairs import SAME, SAME_NAME, by_axis, by_place
from rivya_nb.media.frames import MIDDLE, Frames, require_frames
from rivya_nb.session.showing.looks import path_finder
from rivya_nb.session.showing.moving import SOUNDS, frames_words
from rivya_nb.session.showing.tables import table
from rivya_nb.views.differences import DifferencesView, differences_html, differences_text
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pandas import DataFrame

    from rivya_nb.measures.pairs import AxisDifferences, Coordinates, Pair
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.store.records import AxisRecord, JobRecord, PictureRecord
    from rivya_nb.views.layout import Cell, Layout


class _Picture(NamedTuple):
    """One of the pictures of a job, counted from 0."""

    job: JobRecord
    number: int

    @property
    def key(self) -> tuple[str, int]:
        return self.job.id, self.number

    @property
    def record(self) -> PictureRecord:
        return self.job.pictures[self.number]

    @property
    def request(self) -> str:
        """Equal for all pictures of the very same request, whichever replicate it is."""
        if self.job.replicate == 1:
            return self.job.identity
        return replace(self.job.request, replicate=1).identity

    @property
    def label(self) -> str:
        """Which of the pictures of its request it is."""
        return f"{self.job.replicate}" + (f" ({self.number + 1})" if len(self.job.pictures) > 1 else "")


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
        frames: Frames = MIDDLE,
        stop: threading.Event | None = None,
    ) -> None:
        self._axes = axes
        path_of = path_finder(files)
        every = [cell for cell in layout.cells if cell.number <= 1]
        first = [cell for cell in every if not _is_sound(cell)]
        if every and not first:
            raise UsageError(f"There is nothing to compare: {SOUNDS}.")
        cells = {cell.place: kept for cell in first if (kept := cell.without(excluded)) is not None}
        shown = {place: _Picture(cell.job, 0) for place, cell in cells.items() if cell.picture is not None}
        self._pictures = {**shown, **_further(cells, shown.values())}
        paths = {place: path_of(each.record) for place, each in self._pictures.items()}
        requests = {place: each.request for place, each in _once(self._pictures).items()}
        media = {each.record.medium for each in self._pictures.values()}
        if "video" in media:
            require_frames()
        compared = compare_all(paths, len(axes), reader(files.thumbnails, frames, stop), requests)
        self._found = compared.found
        if not self._found:
            why = f"no two {noun(media)}s share every value but one"
            if compared.unread:
                why += f", or their files cannot be read ({count(len(compared.unread), noun(media))})"
            raise UsageError(f"There is nothing to compare: {why}.")
        self._view = DifferencesView(
            axes=by_axis([axis.name for axis in axes], list(shown), self._found, requests),
            apart=by_place(self._found),
            layout=layout,
            noun=noun(media),
            about_frames=frames_words(frames) if "video" in media else "",
            notes=_notes(
                noun(media),
                len(cells) - len(shown),
                len(compared.unread),
                sum(bool(job.pictures) for cell in first for job in cell.jobs if job.id in excluded),
                len(every) - len(first),
            ),
        )

    @property
    def axes(self) -> tuple[AxisDifferences, ...]:
        """For each axis, how much the pictures differ of which only this axis' value differs.

        The first one is `the very same request`, where there are such pictures: replicates, several pictures of
        one task, or one that was asked anew. Nothing that was asked moves them, so it is the noise floor.
        """
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
        """One row for each pair: the axis, both its values, both differences, and both jobs' ids. Of the very same
        request, the values are the numbers of the replicates.

        Raises:
            UsageError: pandas is not installed.
        """
        return table([self._row(pair, each) for pair, each in self._found.items()])

    def _row(self, pair: Pair, difference: Difference) -> dict[str, Any]:
        one, other = self._pictures[pair.one], self._pictures[pair.other]
        if pair.axis == SAME:
            name, labels = SAME_NAME, (one.label, other.label)
        else:
            axis = self._axes[pair.axis]
            name, labels = axis.name, (axis.labels[pair.one[pair.axis]], axis.labels[pair.other[pair.axis]])
        return {
            "axis": name,
            "one": labels[0],
            "other": labels[1],
            "structure": difference.structure,
            "colour": difference.colour,
            "job": one.job.id,
            "other_job": other.job.id,
        }

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {"text/html": differences_html(self._view), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return differences_text(self._view)


def _further(cells: Mapping[Coordinates, Cell], shown: Iterable[_Picture]) -> dict[Coordinates, _Picture]:
    """The pictures that are not shown at their place: further ones of a task, and those behind another one."""
    there = {picture.key for picture in shown}
    behind = {
        (*place, number): picture
        for place, cell in cells.items()
        for number, picture in enumerate(
            _Picture(job, number) for job in cell.jobs for number in range(len(job.pictures))
        )
        if picture.key not in there
    }
    return _once(behind)


def _once(pictures: Mapping[Coordinates, _Picture]) -> dict[Coordinates, _Picture]:
    """Each picture at the first of its places: it is no other picture of its own request."""
    places: dict[tuple[str, int], Coordinates] = {}
    for place, picture in pictures.items():
        places.setdefault(picture.key, place)
    return {place: pictures[place] for place in places.values()}


def _is_sound(cell: Cell) -> bool:
    return cell.picture is not None and cell.picture.medium == "audio"


def _notes(what: str, empty: int, unread: int, excluded: int, sounds: int) -> list[str]:
    notes = []
    if excluded:
        notes.append(f"{count(excluded, f'excluded {what}')} left out")
    if empty:
        notes.append(f"{count(empty, 'place')} without a {what} left out")
    if unread:
        notes.append(f"{count(unread, what)} left out, whose file is gone or cannot be read")
    if sounds:
        notes.append(f"{count(sounds, 'sound')} left out")
    return notes
