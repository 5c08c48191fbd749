"""What a run looks like now: as display data, as text, and in one line."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.errors import StoreError
from rivya_nb.session.showing.looks import Bundle, bundle, look_at, records, thumbnails
from rivya_nb.views.layout import arrange
from rivya_nb.views.run_view import BUTTONS, Hint, RunView, default_hints

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.store.records import Marks


def run_bundle(run: Run, *, in_panel: bool = False, small_pictures: bool = True) -> Bundle:
    """The run as display data, arranged as it was asked for. With `small_pictures` this decodes pictures: call it
    off the event loop.

    What one can do next is told as commands, or as the panel's buttons where it is shown `in_panel`.
    """
    view = run_view(run, rows=run.rows, cols=run.cols, in_panel=in_panel)
    if not small_pictures:
        return bundle(view, run.files)
    small = thumbnails(view.layout, run.files)
    marks: Mapping[str, Marks] = {}
    # The picture has to tell it when the store went away in the middle of a run.
    with suppress(StoreError):
        marks = run.marks
    return bundle(replace(view, thumbnails=small, marks=marks), run.files)


def run_view(
    run: Run, *, rows: str | None = None, cols: str | None = None, in_panel: bool = False
) -> RunView:
    """Everything that a picture or a text of the run is made from, with what one can do next."""
    layout = arrange(run.shown, records(run.jobs_by_id), rows=rows, cols=cols)
    view = look_at(run.shown, run.jobs_by_id, layout, {})
    if view.live:
        # A saved notebook may keep this picture for ever; a panel is not saved, and says itself that it is old.
        return view if in_panel else replace(view, hints=_if_it_stands_still(run.id, view.now))
    hints = default_hints(run.shown, view.jobs, run.variable, BUTTONS if in_panel else None)
    return replace(view, hints=(*hints, *_seeds(run, in_panel)))


def _seeds(run: Run, in_panel: bool) -> tuple[Hint, ...]:
    """The seeds that were drawn for the run, and what writing them down does."""
    seeds = ",".join(map(str, run.drawn_seeds))
    if not seeds:
        return ()
    if any(job.seed is None for job in run.jobs):
        return (Hint("", f"drawn for the models that take a seed: {seeds}"),)
    made = all(job.record.is_there for job in run.jobs)
    what = "asks for the same again, at no cost" if made else "asks for the same seeds again"
    return (Hint(seeds, f"as the seed {what}") if in_panel else Hint(f"seed={seeds}", what),)


def _if_it_stands_still(run_id: int, now: float) -> tuple[Hint, ...]:
    """What the picture of a running run says of itself; `now` in epoch seconds.

    It is all that is left of the run in a notebook that was saved meanwhile, or whose kernel has died.
    """
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return (
        Hint("", f"State as of {moment}. If this no longer changes,"),
        Hint(f"%rivya resume {run_id}", "collects the pictures."),
    )
