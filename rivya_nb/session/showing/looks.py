"""Collects the records and thumbnails of jobs for the views."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.views.layout import Layout
from rivya_nb.views.players import Player, collect_players
from rivya_nb.views.run_view import Hint, RunView
from rivya_nb.views.thumbnails import BUDGET, Thumbnail, collect

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.store.records import JobRecord, PictureRecord, RunRecord

Bundle = dict[str, str]
"""Display data by MIME type."""


def records(jobs: Mapping[str, Job]) -> dict[str, JobRecord]:
    """The newest record of each job."""
    return {job_id: job.record for job_id, job in jobs.items()}


def path_finder(files: ContentFiles) -> Callable[[PictureRecord], Path]:
    """A function that gives the path of a picture's original, where it is or would be on this machine."""
    return lambda picture: files.path(picture.sha256, picture.mime_type)


def namer(files: ContentFiles) -> Callable[[PictureRecord], str]:
    """A function that says where a picture's original is."""
    return lambda picture: files.name(picture.sha256, picture.mime_type)


def fetcher(files: ContentFiles) -> Callable[[PictureRecord], Path]:
    """The same with the original in its place, unless it is gone. Call it off the event loop."""
    return lambda picture: files.local(picture.sha256, picture.mime_type)


def look_at(
    run: RunRecord,
    jobs: Mapping[str, Job],
    layout: Layout,
    thumbnails: Mapping[str, Thumbnail | None],
    *,
    hints: tuple[Hint, ...] = (),
) -> RunView:
    """Everything that the run is drawn from, at this moment."""
    return RunView(
        run=run,
        jobs=records(jobs),
        layout=layout,
        now=time.time(),
        live=any(job.live.is_working for job in jobs.values()),
        idle={job_id for job_id, job in jobs.items() if not job.live.goes_on},
        thumbnails=thumbnails,
        notice=notice_of(jobs.values()),
        hints=hints,
    )


def notice_of(jobs: Iterable[Job]) -> str:
    """What these jobs wait for, or why they were not sent, as far as their records do not say it."""
    notices = dict.fromkeys(job.live.notice for job in jobs if job.live.notice)
    return " · ".join(list(notices)[:2])


def bundle(view: RunView, files: ContentFiles) -> Bundle:
    """The view as display data: static HTML, and plain text for frontends without HTML."""
    from rivya_nb.views.run_html import render_run
    from rivya_nb.views.run_text import render_text

    # Redrawn often, and what plays would begin anew each time.
    players = {} if view.live or not view.thumbnails else players_of(view.layout, files)
    view = replace(view, lost=find_lost(view.layout, files), trouble=files.trouble, players=players)
    return {"text/html": render_run(view), "text/plain": render_text(view)}


def players_of(layout: Layout, files: ContentFiles) -> Mapping[str, Player]:
    """What plays in a layout. Call it off the event loop."""
    return collect_players(layout, path_finder(files), files.thumbnails)


def find_lost(layout: Layout, files: ContentFiles) -> dict[str, Path]:
    """The missing files of shown pictures, by the keys of their cells."""
    shown = ((cell.key, cell.picture) for cell in layout.cells if cell.picture is not None)
    names = ((key, picture.sha256, picture.mime_type) for key, picture in shown)
    return {key: files.path(*name) for key, *name in names if not files.has(*name)}


def thumbnails(layout: Layout, files: ContentFiles, *, budget: int = BUDGET) -> dict[str, Thumbnail | None]:
    """The thumbnails of a layout, within a budget in bytes of base64. This decodes originals: call it off the
    event loop."""
    path_of, load = path_finder(files), files.thumbnails.load
    return collect(layout, path_of, load=load, shelf=files.thumbnails, budget=budget)
