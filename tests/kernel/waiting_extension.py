"""A tiny extension that waits as the product does, for work that lasts as many steps as a test wants.

`%%rivya 20` runs work of 20 steps and `%rivya wait 20` the same; both say how they waited. Loading it
installs the hook, like the real one.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import threading
from collections.abc import Coroutine
from typing import Any

from comm.base_comm import BaseComm
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.magics import awaiting

STEP = 0.01  # seconds

order: list[str] = []
"""What happened, in order; cells add to it too."""

works: list[Work] = []

pressed: list[str] = []
"""The threads on which a press of the button arrived."""


class Work:
    """Work of some steps, each of which may keep the thread busy, on the session's loop.

    `places` tells whether it ran on that loop, and on which thread.
    """

    def __init__(self, steps: int, *, busy: int = 0) -> None:
        self.steps = steps
        self.busy = busy
        self.passed = 0
        self.places: set[tuple[bool, str]] = set()
        self.work_loop = WorkLoop.find()
        works.append(self)
        self.future: concurrent.futures.Future[int] = self.work_loop.start(self.run())

    async def run(self) -> int:
        print("working")
        while self.passed < self.steps:
            await asyncio.sleep(STEP)
            sum(range(self.busy))
            self.passed += 1
            here = asyncio.get_running_loop() is self.work_loop.loop
            self.places.add((here, threading.current_thread().name))
        order.append(f"work of {self.steps}")
        return self.passed


def wait(steps: int) -> int:
    """As `run.wait()` does: in any code, blocking."""
    work = Work(steps)
    with awaiting.interruptible(lambda: f"after {work.passed > 0} steps"):
        print("waiting")
        return work.work_loop.wait(work.future)


async def until_done(steps: int) -> int:
    work = Work(steps)
    with awaiting.interruptible(lambda: f"after {work.passed > 0} steps"):
        return await work.work_loop.join(work.future)


def end_all() -> None:
    """Leave nothing to the next test."""
    for work in works:
        work.future.cancel()
    for told in (works, order, pressed):
        told.clear()


def hang() -> None:
    """Block the session's loop for good, a little later. Each interrupt from then on is told before it acts."""

    async def block() -> None:
        act: Any = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, lambda *received: (print("interrupted"), act(*received)))
        print("hanging")
        threading.Event().wait()

    WorkLoop.find().start(block())


def show_later(steps: int) -> None:
    """Display something from the background, after some steps."""

    async def show() -> None:
        await asyncio.sleep(steps * STEP)
        display("shown")

    WorkLoop.find().start(show())


def open_button(comm: BaseComm, _message: dict[str, Any]) -> None:
    """A comm target: each message starts work of as many `steps` as it says."""

    def press(message: dict[str, Any]) -> None:
        pressed.append(threading.current_thread().name)
        Work(message["content"]["data"]["steps"])

    comm.on_msg(press)


def waiters() -> list[str]:
    """The waits that are alive on the session's loop."""
    tasks = [str(task.get_coro()) for task in asyncio.all_tasks(WorkLoop.find().loop)]
    return [task for task in tasks if "_arrival" in task or "until_done" in task]


def _steps(line: str) -> int:
    return int(line.split()[-1])


def plain(line: str, cell: str | None = None) -> int:
    print("nested")
    return wait(_steps(line))


def awaited(line: str, cell: str | None = None) -> Coroutine[Any, Any, int]:
    print("awaited")
    return until_done(_steps(line))


def load_ipython_extension(shell: InteractiveShell) -> None:
    shell.register_magic_function(plain, "line_cell", awaiting.MAGIC)
    shell.register_magic_function(awaited, "line_cell", awaiting.AWAITED_MAGIC)
    awaiting.install(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    awaiting.remove(shell)
