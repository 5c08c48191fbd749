"""A run in its cell: shown once, and kept current in place until the run is finished."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rivya_nb.session.showing.looks import Bundle
from rivya_nb.session.showing.run_looks import run_bundle

if TYPE_CHECKING:
    from rivya_nb.session.run import Run

SHORTEST_PAUSE = 0.4
"""The shortest time between two updates, in seconds."""

BYTES_PER_SECOND = 250_000
"""How much data per second one run's display may send; a kernel's connection may be slow."""

HEARTBEAT = 2.0
"""Seconds after which the display is updated although only the elapsed time has changed."""


def _shell() -> Any:
    """The notebook's shell; None where there is no notebook."""
    ipython: Any = sys.modules.get("IPython")
    # Another front end may have anything there, also something that raises an error.
    with suppress(Exception):
        shell = ipython.get_ipython()
        return shell if hasattr(shell, "kernel") else None
    return None


def _request(shell: Any) -> Mapping[str, object]:
    """The header of the message that the kernel is executing; empty if the kernel does not give it."""
    with suppress(Exception):
        return {**shell.get_parent()["header"]}
    return {}


def executing_cell() -> str | None:
    """An id of the executing cell; None if there is no notebook."""
    shell = _shell()
    if shell is None:
        return None
    return str(_request(shell).get("msg_id", getattr(shell, "execution_count", None)))


def insert_cell(text: str) -> bool:
    """Put a cell below the executing one; False if no cell executes, or if the kernel cannot insert cells.

    A widget's callback does not count as an executing cell: its cell would appear below the next one that runs.
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
    """Whether this is a kernel whose frontend shows what cells display."""
    return executing_cell() is not None


class LiveDisplay:
    """Shows one run as static display data under one `display_id`, in each cell that shows it.

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
        self._is_told = False

    @contextmanager
    def _in_spite_of_trouble(self) -> Iterator[None]:
        """If showing the run fails, say so once in one line; the run goes on, because it may be paid for."""
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

    def show(self, *, whole: bool = True) -> None:
        """Show the run in the executing cell, unless it is shown there already. Without a notebook, do nothing.

        With `whole`, the pictures are shown before this returns, which takes up to 200 ms for each that was never
        shown. Otherwise they are added later, off the loop, and waiting for the run includes that.
        """
        with self._in_spite_of_trouble():
            cell = executing_cell()
            if cell is None or cell in self._cells:
                return
            self._cells.add(cell)
            _publish(run_bundle(self._run, small_pictures=whole), self._display_id, update=False)
            with self._lock:
                is_idle = self._refreshing is None or self._refreshing.done()
                if (self._run.is_working or not whole) and is_idle:
                    self._refreshing_cell = cell
                    self._refreshing = self._run.work_loop.start(self._refresh())

    def conclude(self) -> None:
        """Show the run's end from the cell that waited for it.

        Updates from the background belong to the cell that started the run, and tools that execute a notebook
        accept only messages of the cell that they are executing.
        """
        with self._in_spite_of_trouble():
            cell = executing_cell()
            if cell is not None and cell in self._cells and cell != self._refreshing_cell:
                _publish(run_bundle(self._run), self._display_id, update=True)

    async def finished(self) -> None:
        """Wait until the run is shown as it ended."""
        if self._refreshing is not None:
            await asyncio.wait([asyncio.wrap_future(self._refreshing)])

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = [job.live.subscribe(wake) for job in self._run.jobs]
        try:
            working = True
            while working:
                # Read before drawing, so that the last round draws the final state.
                working = self._run.is_working
                changed.clear()
                size = 0
                with self._in_spite_of_trouble():
                    look = await asyncio.to_thread(run_bundle, self._run)
                    size = sum(map(len, look.values()))
                    _publish(look, self._display_id, update=True)
                if working:
                    await self._pause(changed, SHORTEST_PAUSE + size / BYTES_PER_SECOND)
        finally:
            for end in unsubscribe:
                end()

    async def _pause(self, changed: asyncio.Event, shortest: float) -> None:
        """Sleep `shortest` seconds, then until something changes or a heartbeat is due; stop when the run ends."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while self._run.is_working:
            past = loop.time() - start
            if past >= max(shortest, HEARTBEAT) or (past >= shortest and changed.is_set()):
                return
            await asyncio.sleep(0.1)


def tell(message: str) -> None:
    """Print one line for the user to stderr."""
    with suppress(Exception):
        print(f"rivya_nb: {' '.join(message.split())}", file=sys.stderr)


def _publish(look: Bundle, display_id: str, *, update: bool) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data=look, transient={"display_id": display_id}, update=update)
