"""What a run looks like now: as display data, as text, and in one line."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.errors import StoreError
from rivya_nb.planning.ask import REPLICATE_AXIS
from rivya_nb.session.showing.looks import (
    Bundle,
    bundle,
    find_lost,
    look_at,
    namer,
    notice_of,
    records,
    thumbnails,
)
from rivya_nb.session.showing.run_ends import ways_on
from rivya_nb.views.headline import headline_of
from rivya_nb.views.layout import MOST_CELLS, Layout, arrange, place_label, row_of
from rivya_nb.views.overview import Overview, Strip, overview_html, overview_text, strip_html
from rivya_nb.views.run_html import render_run
from rivya_nb.views.run_text import few, file_line, render_text
from rivya_nb.views.run_view import BUTTONS, Hint, RunView, default_hints, deferred_hints, progress_words
from rivya_nb.views.words import file_words

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.store.records import Marks


_LATEST = 12
"""Pictures that came last, below the map of a run that works."""

_PAGE = 24
"""Pictures below the map of a run that has ended."""

_LATEST_BYTES, _PAGE_BYTES = 60_000, 200_000
"""Bytes of base64 for these."""

_MOST_SEEDS = 16
"""Drawn seeds that are told one by one."""


def is_large(run: Run) -> bool:
    """Whether the run has too many places for a picture in each of them."""
    return len(run.standing.run.cells) > MOST_CELLS


def run_bundle(run: Run, *, small_pictures: bool = True) -> Bundle:
    """The run as display data, arranged as it was asked for. With `small_pictures` this decodes pictures: call it
    off the event loop."""
    if is_large(run):
        parts = [overview_bundle(run), strip_bundle(run)]
        return {mime: "\n".join(part[mime] for part in parts if part[mime]) for mime in parts[0]}
    view = run_view(run, rows=run.rows, cols=run.cols)
    if not small_pictures:
        return bundle(view, run.files)
    small = thumbnails(view.layout, run.files)
    return bundle(replace(view, thumbnails=small, marks=_marks(run, view.jobs)), run.files)


def announced(run: Run) -> Bundle:
    """What stands in the place of a large run until its first drawing."""
    text = f"Run {run.id}: {count(len(run.standing.jobs), run.noun)}"
    return {"text/html": f"<div>{text}</div>", "text/plain": text}


def words_in_panel(run: Run) -> str:
    """What there is to say of a run, as HTML without pictures; what one can do next is told as the panel's
    buttons."""
    if is_large(run):
        return overview_html(overview(run, in_panel=True))
    return render_run(replace(run_view(run, in_panel=True), layout=Layout(())))


def overview_bundle(run: Run) -> Bundle:
    """The sums and the map of a large run, as display data."""
    view = overview(run)
    return {"text/html": overview_html(view), "text/plain": overview_text(view)}


def overview(run: Run, *, in_panel: bool = False, mapped: bool = True) -> Overview:
    """The sums and the troubles of a run, with what one can do next; its map too, if it is to be `mapped`."""
    standing, now = run.standing, time.time()
    live = standing.is_working
    sums = standing.tally(now, live=live)
    return Overview(
        headline=headline_of(
            standing.run, standing.subject, sums if live else None, names_users=run.names_users
        ),
        progress=progress_words(sums, live=live),
        states=sums.states,
        map=standing.map() if mapped else None,
        laid_out=standing.laid_out,
        percent=100 * sums.ended // sums.total if live and sums.total else None,
        notice=notice_of(standing.jobs),
        troubles=standing.troubles(),
        reasons=standing.reasons,
        notes=few(standing.notes, "reference"),
        hints=_next_steps(run, live=live, now=now, in_panel=in_panel),
    )


def strip_bundle(run: Run) -> Bundle:
    """Some pictures of a large run, as display data: the latest while it works, then the first page. This decodes
    pictures: call it off the event loop."""
    standing = run.standing
    total = standing.pictured()
    hints: list[Hint] = []
    if standing.is_working:
        shown, budget = standing.latest(_LATEST), _LATEST_BYTES
        title = f"the latest {run.noun}s"
    else:
        shown, budget = standing.first(_PAGE), _PAGE_BYTES
        title = f"{run.noun}s 1–{len(shown)} of {total:,}"
        left = min(_PAGE, total - len(shown))
        hints = [Hint(page_call(run, 2), f"shows the next {left}")] if left else []
    layout = row_of(standing.run.axes, shown)
    strip = Strip(
        title=title,
        layout=layout,
        now=time.time(),
        thumbnails=thumbnails(layout, run.files, budget=budget),
        lost=find_lost(layout, run.files),
        marks=_marks(run, [job.id for _, job in shown]),
        hints=hints,
    )
    lines = [
        file_line(place_label(standing.run.axes, place).text, file_words(job.pictures[0]))
        for place, job in shown
    ]
    return {"text/html": strip_html(strip), "text/plain": "\n".join(few(lines, run.noun))}


def glance(run: Run) -> object:
    """A value that is another one when the ended run would look different."""
    standing = run.standing
    shown = (
        [job.id for _, job in standing.first(_PAGE)] if is_large(run) else [job.id for job in standing.jobs]
    )
    return run.displays.glance(shown), run.standing.pictured()


def page_call(run: Run, number: int) -> str:
    """The call that shows a page of a run's pictures."""
    return f"{run.variable or f'rv.runs({run.id})'}.page({number})"


def _marks(run: Run, job_ids: Iterable[str]) -> Mapping[str, Marks]:
    if run.is_working:
        return run.known_marks.soon(list(job_ids))
    # The picture has to tell it when the store went away.
    with suppress(StoreError):
        return run.marks_of(job_ids)
    return {}


def run_text(run: Run, *, paths: bool = False) -> str:
    """The run as it is now, in a few lines of plain text; with `paths` of the originals, if they are few."""
    if is_large(run):
        return overview_text(overview(run, mapped=False))
    return render_text(run_view(run), namer(run.files) if paths else file_words)


def run_view(
    run: Run, *, rows: str | None = None, cols: str | None = None, in_panel: bool = False
) -> RunView:
    """Everything that a picture or a text of the run is made from, with what one can do next."""
    layout = arrange(run.shown, records(run.jobs_by_id), rows=rows, cols=cols)
    view = look_at(run.shown, run.jobs_by_id, layout, {})
    hints = _next_steps(run, live=view.live, now=view.now, in_panel=in_panel)
    return replace(view, hints=hints, names_users=run.names_users)


def _next_steps(run: Run, *, live: bool, now: float, in_panel: bool) -> tuple[Hint, ...]:
    if live:
        # A saved notebook may keep this picture for ever; a panel is not saved, and says itself that it is old.
        deferred = deferred_hints(job.record for job in run.jobs)
        return (*deferred, *(() if in_panel else _if_it_stands_still(run, now)))
    jobs = {job.id: job.record for job in run.jobs}
    hints = default_hints(
        run.shown, jobs, run.variable, BUTTONS if in_panel else ways_on(run.id), rows=run.rows, cols=run.cols
    )
    return (*hints, *_seeds(run, in_panel), *_without_seeds(run))


def _seeds(run: Run, in_panel: bool) -> tuple[Hint, ...]:
    """The seeds that were drawn for the run, and what writing them down does."""
    drawn = run.drawn_seeds
    seeds = ",".join(map(str, drawn))
    if not seeds:
        return ()
    name = run.variable or f"rv.runs({run.id})"
    if not run.pairs_seeds:
        return (Hint(f"{name}.drawn_seeds", "has the seeds that were drawn, for each prompt its own"),)
    if len(drawn) > _MOST_SEEDS:
        return (Hint(f"{name}.drawn_seeds", f"has the {len(drawn):,} seeds that were drawn"),)
    if any(job.seed is None for job in run.jobs):
        return (Hint("", f"drawn for the models that take a seed: {seeds}"),)
    made = all(job.record.is_there for job in run.jobs)
    what = "asks for the same again, at no cost" if made else "asks for the same seeds again"
    return (Hint(seeds, f"as the seed {what}") if in_panel else Hint(f"seed={seeds}", what),)


def _without_seeds(run: Run) -> tuple[Hint, ...]:
    """That nothing keeps the same pictures from being paid again, where a seed or a number does it otherwise."""
    numbered = any(axis.name == REPLICATE_AXIS for axis in run.record.axes)
    if numbered or all(job.record.is_known_again for job in run.jobs):
        return ()
    return (Hint("", "no seed: asking for the same again is paid anew"),)


def _if_it_stands_still(run: Run, now: float) -> tuple[Hint, ...]:
    """What the picture of a running run says of itself; `now` in epoch seconds.

    It is all that is left of the run in a notebook that was saved meanwhile, or whose kernel has died.
    """
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    left = [job.record for job in run.jobs if not job.record.is_final]
    if not left:
        return ()
    if all(record.is_deferred for record in left):
        # Nothing is sent, so there is nothing to collect.
        return (
            Hint("", f"State as of {moment}. When a worker sends them,"),
            Hint(f"rv.runs({run.id})", "shows it as it is then."),
        )
    return (
        Hint(
            "",
            f"State as of {moment}. Where this does not change (in a console, after a reload of the page),",
        ),
        Hint(f"rv.runs({run.id})", "shows it as it is now. Where the kernel has ended,"),
        Hint(ways_on(run.id).resume, f"collects the {run.noun}s."),
    )
