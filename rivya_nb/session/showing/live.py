"""A run in its cell: shown once, and kept current in place until the run is finished."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from rivya_nb.session.showing.looks import Bundle
from rivya_nb.session.showing.run_looks import (
    announced,
    glance,
    is_large,
    overview_bundle,
    run_bundle,
    strip_bundle,
)
from rivya_nb.views import run_html

if TYPE_CHECKING:
    from rivya_nb.session.run import Run

SHORTEST_PAUSE = 0.5
"""The shortest time between two updates, in seconds."""

PICTURES_PAUSE = 3.0
"""The same for the pictures of a large run, of which some new ones are shown each time."""

NOTHING: Bundle = {"text/html": "", "text/plain": ""}
"""What stands in the place of pictures while there are none."""

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


def _request(shell: Any, part: str = "header") -> Mapping[str, object]:
    """A part of the message that the kernel is executing; empty if the kernel does not give it."""
    with suppress(Exception):
        return {**shell.get_parent()[part]}
    return {}


def executing_cell() -> str | None:
    """An id of the executing cell; None if there is no notebook."""
    shell = _shell()
    if shell is None:
        return None
    return str(_request(shell).get("msg_id", getattr(shell, "execution_count", None)))


def in_console() -> bool:
    """Whether the executing cell was typed into a console, which ignores updates of what it has displayed.

    No request names its front end. Those of jupyter console, qtconsole and Spyder are made by jupyter_client: it
    begins a message's id with the session's, as no page in a browser does. Tools that execute whole notebooks use
    it, too, but nobody sits there whom they could ask.
    """
    shell = _shell()
    if shell is None:
        return False
    header, asked = _request(shell), _request(shell, "content")
    made_in_python = str(header.get("msg_id")).startswith(f"{header.get('session')}_")
    return made_in_python and asked.get("allow_stdin") is True


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


class Part:
    """What is shown under one display id: drawn by `draw`, at most every `pause` seconds."""

    def __init__(self, draw: Callable[[], Bundle], first: Callable[[], Bundle], pause: float) -> None:
        self.draw = draw
        self.first = first
        self.pause = pause
        self.display_id = f"rivya-{uuid.uuid4().hex}"
        self.sent: Bundle | None = None
        self.due = 0.0
        self._printed = ""

    def publish(self, look: Bundle, *, update: bool) -> None:
        self.sent = look
        if not update:
            self._printed = look["text/plain"]
        publish(look, self.display_id, update=update)

    def conclude(self) -> None:
        """Show in the executing cell what was sent last, from wherever that was."""
        look = self.sent or self.draw()
        if not in_console():
            self.publish(look, update=True)
        elif look["text/plain"] != self._printed:
            self.publish(look, update=False)

    def renew(self, look: Bundle, now: float) -> None:
        """Send what was drawn, if it is not what was sent last; `now` is the loop's time in seconds."""
        self.due = now + self.pause
        if look != self.sent:
            self.due += sum(map(len, look.values())) / BYTES_PER_SECOND
            self.publish(look, update=True)

    async def redraw(self) -> None:
        """Show it as it is now, once it is due."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self.due - loop.time()))
        self.renew(await asyncio.to_thread(self.draw), loop.time())


class LiveDisplay:
    """Shows one run as static display data, in each cell that shows it; a large one in two parts, of which the one
    with pictures is renewed less often.

    A running run is rendered off the loop and updated in place; between two updates of a part pass at least
    its pause and the bytes of the last one / BYTES_PER_SECOND seconds.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._made: list[Part] = []
        self._cells: set[str] = set()
        self._refreshing: concurrent.futures.Future[None] | None = None
        self._refreshing_cell: str | None = None
        self._lock = threading.Lock()
        self._is_told = False

    @property
    def _parts(self) -> Sequence[Part]:
        run = self._run
        if not self._made and is_large(run):
            self._made = [
                Part(lambda: overview_bundle(run), lambda: announced(run), SHORTEST_PAUSE),
                Part(lambda: strip_bundle(run), lambda: NOTHING, PICTURES_PAUSE),
            ]
        elif not self._made:
            first = partial(run_bundle, run, small_pictures=False)
            self._made = [Part(lambda: run_bundle(run), first, SHORTEST_PAUSE)]
        return self._made

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
            for part in self._parts:
                part.publish(self._drawn(part) if whole else part.first(), update=False)
            self._run.displays.add(self)
            with self._lock:
                is_idle = self._refreshing is None or self._refreshing.done()
                if (self._run.is_working or self._run.is_left or not whole) and is_idle:
                    self._refreshing_cell = cell
                    self._refreshing = self._run.work_loop.start(self._refresh())

    async def prepare(self) -> None:
        """Make ready for the first drawing, while the loop goes on."""
        if executing_cell() is not None:
            await asyncio.to_thread(run_html.prepare)

    def _drawn(self, part: Part) -> Bundle:
        """The part as it is now. What takes long is drawn in a thread, while the loop goes on."""
        if len(self._parts) == 1:
            return part.draw()
        return self._run.work_loop.aside(part.draw)

    def conclude(self) -> None:
        """Show the run's end from the cell that waited for it.

        Updates from the background belong to the cell that started the run, and tools that execute a notebook
        accept only messages of the cell that they are executing. A console takes no updates at all.
        """
        with self._in_spite_of_trouble():
            cell = executing_cell()
            if cell is not None and cell in self._cells and (cell != self._refreshing_cell or in_console()):
                for part in self._parts:
                    part.conclude()

    def renew_now(self) -> None:
        """Show the run where it is shown as it is at this moment, without a pause."""
        with self._in_spite_of_trouble():
            for part in self._parts[:1] if self._cells else ():
                part.publish(part.draw(), update=True)

    def glance(self) -> object:
        """A value that is another one when the run would look different; while it works, it is drawn anyway."""
        return None if self._run.is_working else glance(self._run)

    async def renew(self) -> None:
        """Show the ended run as it is now."""
        await self.finished()
        for part in self._parts:
            await part.redraw()

    async def finished(self) -> None:
        """Wait until the run is shown as it ended."""
        if self._refreshing is not None:
            await asyncio.wait([asyncio.wrap_future(self._refreshing)])

    async def _refresh(self) -> None:
        await self._run.watched()
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            # The loop is called once for all changes until it has looked.
            if not changed.is_set():
                loop.call_soon_threadsafe(changed.set)

        with self._run.followed(wake):
            working = True
            while working:
                # Read before drawing, so that the last round draws the final state.
                working = self._run.is_working
                changed.clear()
                for part in self._parts:
                    if working and loop.time() < part.due:
                        continue
                    with self._in_spite_of_trouble():
                        part.renew(await asyncio.to_thread(part.draw), loop.time())
                if working:
                    await self._pause(changed)

    async def _pause(self, changed: asyncio.Event) -> None:
        """Sleep until a part is due and something has changed, or a heartbeat is due; stop when the run ends."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while self._run.is_working:
            now = loop.time()
            is_due = now >= min(part.due for part in self._parts)
            if is_due and (changed.is_set() or now - start >= HEARTBEAT):
                return
            await asyncio.sleep(0.1)


def tell(message: str) -> None:
    """Print one line for the user to stderr."""
    with suppress(Exception):
        print(f"rivya_nb: {' '.join(message.split())}", file=sys.stderr)


def publish(look: Bundle, display_id: str, *, update: bool) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data=look, transient={"display_id": display_id}, update=update)
