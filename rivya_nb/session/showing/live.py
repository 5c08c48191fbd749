"""A run in its cell: shown once, and kept current in place until the run is finished."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import StoreError
from rivya_nb.session.showing.looks import Bundle, bundle, look_at, path_finder, records, thumbnails
from rivya_nb.views.layout import arrange
from rivya_nb.views.run_text import render_text
from rivya_nb.views.run_view import BUTTONS, Hint, RunView, default_hints, progress_line

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.store.records import Marks

SHORTEST_PAUSE = 0.4
"""Seconds between two looks at least."""

BYTES_PER_SECOND = 250_000
"""How much a kernel's connection, perhaps a slow one, is asked to carry for one run's display."""

HEARTBEAT = 2.0
"""Seconds after which the elapsed time is shown anew though nothing else has changed."""


def _shell() -> Any:
    """The notebook's shell; None where there is no notebook."""
    ipython: Any = sys.modules.get("IPython")
    # A front end of another kind may have anything there, also something that raises.
    with suppress(Exception):
        shell = ipython.get_ipython()
        return shell if hasattr(shell, "kernel") else None
    return None


def _request(shell: Any) -> Mapping[str, object]:
    """The header of the message that is being acted upon; empty where the kernel is one that does not tell."""
    with suppress(Exception):
        return {**shell.get_parent()["header"]}
    return {}


def executing_cell() -> str | None:
    """What tells the executing cell from every other; None where there is no notebook."""
    shell = _shell()
    if shell is None:
        return None
    return str(_request(shell).get("msg_id", getattr(shell, "execution_count", None)))


def insert_cell(text: str) -> bool:
    """Put a cell below the one that is executing; False where none is, or the kernel cannot.

    A widget's callback is no executing cell: what it inserted would appear below whichever cell runs next.
    """
    shell = _shell()
    if shell is None or _request(shell).get("msg_type") != "execute_request":
        return False
    try:
        shell.set_next_input(text, replace=False)
    except (AttributeError, TypeError):
        return False
    return True


def in_notebook() -> bool:
    """Whether a kernel executes cells here, and a frontend shows what they display."""
    return executing_cell() is not None


class LiveDisplay:
    """Shows one run as static display data under one `display_id`, in each cell that asks for it.

    A running run is rendered off the loop and updated in place; between two updates pass at least
    `SHORTEST_PAUSE + bytes of the last one / BYTES_PER_SECOND` seconds.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._display_id = f"rivya-run-{uuid.uuid4().hex}"
        self._cells: set[str] = set()
        self._refreshing: concurrent.futures.Future[None] | None = None
        self._refreshing_cell: str | None = None
        self._lock = threading.Lock()
        self._variable: str | None = None
        self._rows: str | None = None
        self._cols: str | None = None
        self._is_told = False

    @contextmanager
    def _in_spite_of_trouble(self) -> Iterator[None]:
        """Around all showing: whatever fails there is told in one line, once, and the run goes on.

        It may be paid for, and a front end may lack anything.
        """
        try:
            yield
        except Exception as error:
            if not self._is_told:
                self._is_told = True
                why = f"{type(error).__name__}: {str(error)[:300]}"
                tell(
                    f"run {self._run.id} cannot be shown here ({why}). It goes on: run.wait() waits for it, and "
                    f"print(rv.runs({self._run.id}).text()) tells how it is."
                )

    def call_it(self, variable: str | None) -> None:
        """Note the notebook's name for the run, for what it proposes to do next."""
        self._variable = variable

    def arrange(self, rows: str | None, cols: str | None) -> None:
        """Note which axes are rows and columns.

        Raises:
            UsageError: the run has no axis of that name.
        """
        arrange(self._run.record, records(self._run.jobs_by_id), rows=rows, cols=cols)
        self._rows, self._cols = rows, cols

    def show(self, *, whole: bool = True) -> None:
        """Show the run in the executing cell, unless it stands there already; nothing without a notebook.

        With `whole`, its pictures are there on return, which takes up to 200 ms for each that was never shown.
        Without, they follow in place, off the loop; whoever waits for the run waits for them too.
        """
        with self._in_spite_of_trouble():
            cell = executing_cell()
            if cell is None or cell in self._cells:
                return
            self._cells.add(cell)
            _publish(self.bundle() if whole else self._outline(), self._display_id, update=False)
            with self._lock:
                is_idle = self._refreshing is None or self._refreshing.done()
                if (self._run.is_working or not whole) and is_idle:
                    self._refreshing_cell = cell
                    self._refreshing = self._run.work_loop.start(self._refresh())

    def conclude(self) -> None:
        """Show the run's end from the cell that waited for it.

        What runs in the background speaks for the cell that started it, and tools that execute a notebook
        take only messages of the cell that they are executing.
        """
        with self._in_spite_of_trouble():
            cell = executing_cell()
            if cell is not None and cell in self._cells and cell != self._refreshing_cell:
                _publish(self.bundle(), self._display_id, update=True)

    async def finished(self) -> None:
        """Wait until the last look at the run is on display."""
        if self._refreshing is not None:
            await asyncio.wait([asyncio.wrap_future(self._refreshing)])

    def bundle(self, *, in_panel: bool = False) -> Bundle:
        """The run as it is now, as display data. This decodes pictures: run it off the event loop.

        What one would do next is told by commands, or by the panel's buttons where it stands `in_panel`.
        """
        view = self._view(rows=self._rows, cols=self._cols, in_panel=in_panel)
        small = thumbnails(view.layout, self._run.files)
        marks: Mapping[str, Marks] = {}
        # A store that went away in the middle of a run is what the picture has to tell.
        with suppress(StoreError):
            marks = self._run.marks
        return bundle(replace(view, thumbnails=small, marks=marks), self._run.files)

    def _outline(self) -> Bundle:
        return bundle(self._view(rows=self._rows, cols=self._cols), self._run.files)

    def text(self) -> str:
        """The run as it is now, in a few lines of plain text."""
        return render_text(self._view(), path_finder(self._run.files))

    def line(self) -> str:
        """What is happening, on one line of plain text."""
        return progress_line(self._view())

    def _view(self, rows: str | None = None, cols: str | None = None, *, in_panel: bool = False) -> RunView:
        run = self._run
        layout = arrange(run.shown, records(run.jobs_by_id), rows=rows, cols=cols)
        view = look_at(run.shown, run.jobs_by_id, layout, {})
        if view.live:
            # A panel is never what is left of a run: it stands still itself, and says so.
            return view if in_panel else replace(view, hints=_if_it_stands_still(run.id, view.now))
        hints = default_hints(run.shown, view.jobs, self._variable, BUTTONS if in_panel else None)
        return replace(view, hints=(*hints, *self._seeds(in_panel)))

    def _seeds(self, in_panel: bool) -> tuple[Hint, ...]:
        """The seeds that were drawn for the run, and what writing them down does."""
        run = self._run
        seeds = ",".join(map(str, run.drawn_seeds))
        if not seeds:
            return ()
        if any(job.seed is None for job in run.jobs):
            return (Hint("", f"drawn for the models that take a seed: {seeds}"),)
        made = all(job.record.is_there for job in run.jobs)
        what = "asks for the same again, at no cost" if made else "asks for the same seeds again"
        return (Hint(seeds, f"as the seed {what}") if in_panel else Hint(f"seed={seeds}", what),)

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = [job.live.subscribe(wake) for job in self._run.jobs]
        try:
            working = True
            while working:
                # Asked before it is drawn: the last round draws what the end left.
                working = self._run.is_working
                changed.clear()
                size = 0
                with self._in_spite_of_trouble():
                    look = await asyncio.to_thread(self.bundle)
                    size = sum(map(len, look.values()))
                    _publish(look, self._display_id, update=True)
                if working:
                    await self._pause(changed, SHORTEST_PAUSE + size / BYTES_PER_SECOND)
        finally:
            for end in unsubscribe:
                end()

    async def _pause(self, changed: asyncio.Event, shortest: float) -> None:
        """Sleep `shortest` seconds, then until something changed or a heartbeat is due; less at the end."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while self._run.is_working:
            past = loop.time() - start
            if past >= max(shortest, HEARTBEAT) or (past >= shortest and changed.is_set()):
                return
            await asyncio.sleep(0.1)


def tell(message: str) -> None:
    """One line for the user, beside whatever is shown."""
    with suppress(Exception):
        print(f"rivya_nb: {' '.join(message.split())}", file=sys.stderr)


def _if_it_stands_still(run_id: int, now: float) -> tuple[Hint, ...]:
    """What a running run's picture says of itself. It is all that is left of it in a notebook that was saved
    meanwhile, or whose kernel has died; `now` in epoch seconds."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return (
        Hint("", f"State as of {moment}. If this no longer changes,"),
        Hint(f"%rivya resume {run_id}", "collects the pictures."),
    )


def _publish(look: Bundle, display_id: str, *, update: bool) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data=look, transient={"display_id": display_id}, update=update)
