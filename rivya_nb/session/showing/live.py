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
            _publish(run_bundle(self._run, small_pictures=whole), self._display_id, update=False)
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
                _publish(run_bundle(self._run), self._display_id, update=True)

    async def finished(self) -> None:
        """Wait until the last look at the run is on display."""
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
                # Asked before it is drawn: the last round draws what the end left.
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


def _publish(look: Bundle, display_id: str, *, update: bool) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data=look, transient={"display_id": display_id}, update=update)
