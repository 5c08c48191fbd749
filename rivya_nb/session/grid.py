"""A grid: the pictures of some jobs laid out by two axes. What each cell shows is read when it is shown."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.files import target_file
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.media.frames import Frames, read_choice
from rivya_nb.session.adding import plan_filling
from rivya_nb.session.leaving import Leaving
from rivya_nb.session.placing import place
from rivya_nb.session.showing.displays import Shown
from rivya_nb.session.showing.looks import Bundle, bundle, look_at, path_finder, records, thumbnails
from rivya_nb.session.studying import Studying
from rivya_nb.store.marks import excluded
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble
from rivya_nb.views.headline import headline
from rivya_nb.views.layout import MOST_CELLS, Layout, arrange, thinned
from rivya_nb.views.run_view import Hint
from rivya_nb.views.words import origin_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rivya_nb.session.job import Job
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.ranking import Ranking
    from rivya_nb.session.run import Run
    from rivya_nb.session.showing.differences import Differences
    from rivya_nb.session.showing.measures import Ground, Measurements, Wanted
    from rivya_nb.session.showing.shown_measure import ShownMeasure
    from rivya_nb.session.showing.written import WrittenFile
    from rivya_nb.store.records import JobRecord, RunRecord
    from rivya_nb.widgets.viewer import Viewer


_WHOLE = (
    Hint(".page(2)", "of the run or the history pages through all results"),
    Hint('.save("sheet.pdf")', "writes the whole grid"),
)


class Grid(Leaving, Studying, Shown):
    """Labelled rows and columns of pictures; in a notebook it shows itself as static HTML."""

    def __init__(
        self,
        run: RunRecord,
        jobs: Mapping[str, Job],
        live_records: LiveRecords,
        *,
        rows: str | None = None,
        cols: str | None = None,
        notes: Sequence[str] = (),
        measure: tuple[Wanted, Frames] | None = None,
    ) -> None:
        self._run = run
        self._jobs = jobs
        self._live_records = live_records
        self._store = live_records.store
        self._files = self._store.files
        self._rows = rows
        self._cols = cols
        self._hints = tuple(Hint("", note) for note in notes)
        # An axis that is none is told at once; what stands where is looked up when it is shown.
        self._arranged()
        self._shown_measure = None if measure is None else self._shown_with(*measure)

    def _arranged(self, *, every: bool = False) -> Layout:
        return arrange(self._run, records(self._jobs), rows=self._rows, cols=self._cols, every=every)

    def _studied(self) -> tuple[RunRecord, Mapping[str, JobRecord]]:
        return self._run, records(self._jobs)

    @property
    def layout(self) -> Layout:
        """Where the pictures stand now, each picture of a job at a place of its own.

        Raises:
            UsageError: there is no axis of the names that were given.
        """
        return self._arranged(every=True)

    def save(self, path: str | os.PathLike[str], *, cell: int = 512) -> WrittenFile:
        """Write the grid as one picture, a contact sheet, or as the pages of a PDF; its absolute path, which a
        notebook shows with a link that opens it.

        The suffix decides the format: `.png`, `.jpg`, `.jpeg`, `.webp` or `.pdf`. `cell` is the height of a
        picture in pixels; up to 512 it is drawn from the small pictures that the store keeps, and fast. In the
        place of an excluded picture stands the reason.

        Raises:
            UsageError: `path` can be no file's, another suffix, no such `cell`, or a sheet larger than the
                format can hold.
            StoreError: the file cannot be written.
        """
        from rivya_nb.session.showing.written import WrittenFile
        from rivya_nb.views.contact_sheet import save_grid

        target = target_file(path)
        layout = self._arranged(every=True)
        head = headline(look_at(self._run, self._jobs, layout, {}))
        marks = self._store.marks.of(self._jobs)
        with disk_trouble(target, ANOTHER_PLACE):
            save_grid(
                layout,
                path_finder(self._files),
                target,
                load=self._files.thumbnails.load,
                excluded={job_id: each.excluded for job_id, each in marks.items() if each.excluded},
                cell=cell,
                caption=head.full_prompt,
                details=head.facts,
            )
        return WrittenFile(target)

    def figure(
        self, width: float = 7.0, *, page: int | None = None, font: str = "sans-serif", font_size: float = 8
    ) -> Figure:
        """The grid as a figure of a paper: a matplotlib `Figure`, `width` inches wide, with 300 pixels an inch.

        A column of many journals is 3.3 inches wide, and both are 7. Titles have `font_size` points, values a
        little less; `font` is a family that matplotlib knows, such as "serif". Long values are wrapped. Each
        place shows its first picture; an excluded one leaves its place empty, with a sign.
        `savefig("figure.pdf")` writes it.

        A grid of several pages takes the number of one: `page=1`.

        Raises:
            UsageError: matplotlib is missing (the extra `figure`), a value does not fit, a page has to be chosen,
                or the pictures would be too small to be seen.
        """
        from rivya_nb.session.showing.figure import grid_figure

        layout, values = self._arranged(), {axis.name: axis.labels for axis in self._run.axes}
        store = self._store
        return WorkLoop.find().aside(
            lambda: grid_figure(layout, values, store, width=width, page=page, font=font, font_size=font_size)
        )

    def view(self) -> Viewer:
        """Look closely: the viewer, a widget in which all pictures zoom together and are compared and rated."""
        from rivya_nb.session.showing.viewing import view_grid

        return view_grid(self._run, self._jobs, self, self._live_records, rows=self._rows, cols=self._cols)

    def measure(self, *measures: Wanted, at: float | None = None, frames: int | None = None) -> Measurements:
        """What measures give for the pictures that are shown here, as `run.measure` tells it.

        A measure of pairs compares pictures that share every value of this grid but one.

        Raises:
            UsageError, StoreError, WaitInterruptedError: as `run.measure`.
        """
        from rivya_nb.session.showing.measures import measure_pictures

        return measure_pictures(self._ground(), measures, read_choice(at, frames))

    def _ground(self) -> Ground:
        from rivya_nb.session.showing.measures import Ground

        return Ground(self._run, records(self._jobs), self._arranged(), self._store)

    def _shown_with(self, measure: Wanted, frames: Frames) -> ShownMeasure:
        from rivya_nb.session.showing.measures import measure_pictures
        from rivya_nb.session.showing.shown_measure import ShownMeasure

        return ShownMeasure(measure_pictures(self._ground(), [measure], frames))

    def differences(self, *, at: float | None = None, frames: int | None = None) -> Differences:
        """What moves the pictures, in numbers: the seed, the shape, or the words?

        Each two pictures that share every value but one are compared, and for each axis it is shown how much
        they differ. Every picture is stretched to the same small square, so between shapes that counts too.

        - `structure` is 1 − SSIM of the lightness: 0 where light and dark are distributed alike, about 1 where
          one picture tells nothing of the other, at most 2 (its negative).
        - `colour` is the mean CIEDE2000: 0 for the same colours in the same places, about 1 where the eye just
          tells them apart, 100 between black and white.

        Neither knows what is shown: a bottle that moves aside differs as much as one that becomes a vase, and
        nothing is said of quality, style, or how well a prompt was followed.

        Of videos, the same frame of both is compared: the one in the middle, `at` another place from 0 to 1, or
        the mean of so many `frames`, as in `measure`. Sounds are left out.

        Only the first picture of a place counts, and none that is excluded. Of an axis with more than 300 pairs,
        300 are drawn, always the same ones. It takes a few seconds at most, in worker threads, while runs go on.

        Raises:
            UsageError: scikit-image (the extra `analysis`) or, for videos, ffmpeg (the extra `video`) is missing;
                no two pictures can be compared; or there is no such place or number of frames.
        """
        from rivya_nb.session.showing.differences import Differences

        chosen, stop = read_choice(at, frames), threading.Event()
        layout = self._arranged()
        without = excluded(self._store, self._jobs)
        try:
            return WorkLoop.find().aside(
                lambda: Differences(self._run.axes, layout, self._files, without, chosen, stop)
            )
        finally:
            # An interrupted one is not read to its end.
            stop.set()

    def rank(self, by: str | Sequence[str], *, rater: str = "A") -> Ranking:
        """Judge the pictures of the grid blind, in pairs; it does what `rank` of a run does.

        Raises:
            UsageError: there is no such axis, or there are no two pictures of one prompt that differ in it.
        """
        from rivya_nb.session.ranked import open_ranking

        names = [by] if isinstance(by, str) else list(by)
        return open_ranking(self._run, self._jobs, self._live_records, names, rater)

    def fill(self, *, max_credits: int | None = None) -> Plan:
        """The plan of what is missing in the run that is shown here: places whose request failed or was stopped,
        or whose picture was deleted. Nothing is sent; `run()` fills them in that run, and this grid shows them.

        A grid of other pictures is filled where all of them come from one run.

        Raises:
            UsageError: the pictures come from several runs, or the models no longer take what is missing.
        """
        session = self._live_records.current_session()
        plan = plan_filling(session, self._run, list(self._jobs), max_credits=max_credits)
        plan.fills = self
        return plan.arranged(self._rows, self._cols) if self._run.id else plan

    def join(self, run: Run, places: Collection[tuple[int, ...]]) -> None:
        """Show what was filled in these places of the run too."""
        filled = [run.jobs_by_id[cell.job_id] for cell in run.shown.cells if cell.coordinates in places]
        if self._run.id:
            self._jobs, self._run = run.jobs_by_id, run.shown
            return
        # The newest stand first.
        jobs = {job.id: job for job in reversed(filled)} | dict(self._jobs)
        names = [name for name in (self._rows, self._cols) if name is not None]
        axes, cells = place(
            list(jobs.values()),
            names,
            self._store.models.catalogue,
            references=self._store.runs.reference_labels(jobs),
            facts=self._store.facts.of(jobs),
        )
        self._jobs, self._run = jobs, replace(self._run, axes=axes, cells=cells)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return WorkLoop.find().aside(self._bundle) if len(self._jobs) > MOST_CELLS else self._bundle()

    def _glance(self) -> object:
        cells = thinned(self._arranged())[0].cells
        return self._live_records.displays.glance(dict.fromkeys(cell.job.id for cell in cells))

    def _bundle(self) -> Bundle:
        layout, left_out = thinned(self._arranged())
        small = thumbnails(layout, self._files)
        hints = (*self._hints, *self._behind(layout), *([Hint("", left_out), *_WHOLE] if left_out else []))
        view = look_at(self._run, self._jobs, layout, small, hints=hints)
        ids = [cell.job.id for cell in layout.cells]
        view = replace(view, marks=self._store.marks.of(ids))
        if self._shown_measure is not None:
            view = self._shown_measure.on(view, self._ground())
        if not self._run.id:
            # Pictures of any runs: each says when it was asked for, and where.
            runs = self._store.runs.ids_of(ids)
            names = self._store.users.are_several
            origins = {each: origin_words(view.jobs[each], runs[each], names_users=names) for each in ids}
            view = replace(view, origins=origins)
        return bundle(view, self._files)

    def _behind(self, layout: Layout) -> list[Hint]:
        """How to see what stands behind the shown pictures because the grid has no axis for it."""
        names = dict.fromkeys(name for cell in layout.cells for name in cell.others)
        if not names or self._run.id:
            return []
        name = next(iter(names))
        rows = f'rows="{layout.row_axis}", ' if layout.row_axis else ""
        return [Hint(f'.grid({rows}cols="{name}")', f"shows the results behind +n by {name}")]

    def __repr__(self) -> str:
        axes = " × ".join(f"{len(axis.labels)} {axis.name}" for axis in self._run.axes)
        return f"<Grid of {len(self._jobs)} jobs{': ' + axes if axes else ''}>"
