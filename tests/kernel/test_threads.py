"""Threads of a cell that wait for work on the kernel's loop, while the cell holds that loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernels import NEWEST, Kernel, started

LOAD = """\
%load_ext waiting_extension
import asyncio, queue, threading, time
import waiting_extension as w
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from multiprocessing.pool import ThreadPool
from rivya_nb.jobs import standstill
standstill.PATIENCE = standstill.CERTAINTY = 0.3
answers, lock, rlock, taken, pool = [], threading.Lock(), threading.RLock(), threading.Event(), None
inbox, plain_inbox = queue.Queue(), queue.SimpleQueue()

def answer(steps=5):
    try:
        answers.append(w.wait(steps))
    except Exception as error:
        answers.append(f"{type(error).__name__}: {error}")
    return answers[-1]

def start(act):
    thread = threading.Thread(target=act)
    thread.start()
    return thread

def hold(lock):
    with lock:
        taken.set()
        answer()

def give(inbox):
    inbox.put(answer())

class Shelf:
    def __init__(self):
        self.lock = threading.Lock()
    def get(self):
        with self.lock:
            return "got"
shelf = Shelf()
"""


@pytest.fixture(scope="module")
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    cache = request.config.cache.mkdir("kernels")
    with started(NEWEST, tmp_path_factory.mktemp("kernel"), cache) as kernel:
        kernel.ok(LOAD)
        yield kernel


def test_an_executor_whose_workers_wait_ends_its_cell_in_one_line(kernel: Kernel) -> None:
    kernel.ok(LOAD)
    cell = kernel.run("with ThreadPoolExecutor(3) as pool:\n    list(pool.map(w.wait, [5, 5, 5]))")
    assert cell.status == "error"
    assert cell.error.startswith("UsageError: The cell that is executing waits for a thread or a lock")
    assert len(cell.traceback) == 1
    kernel.ok("[await asyncio.wrap_future(work.future) for work in w.works]")


HOLDING = {
    "an executor's map": "with ThreadPoolExecutor(3) as pool:\n    list(pool.map(answer, [5, 5, 5]))",
    "an executor's end": "with ThreadPoolExecutor(1) as pool:\n    pool.submit(answer)",
    "a future": "ThreadPoolExecutor(1).submit(answer).result()",
    "as_completed": "pool = ThreadPoolExecutor(1)\nlist(as_completed([pool.submit(answer)]))",
    "a pool of threads": "with ThreadPool(1) as pool:\n    pool.map(answer, [5])",
    "a thread": "start(answer).join()",
    "an event": "done = threading.Event()\nstart(lambda: (answer(), done.set()))\ndone.wait()",
    "a queue": "start(lambda: give(inbox))\ninbox.get()",
    "a plain queue": "start(lambda: give(plain_inbox))\nplain_inbox.get()",
    "a lock": "taken.clear()\nthread = start(lambda: hold(lock))\ntaken.wait()\nlock.acquire()\nlock.release()",
    "a block of a lock": "taken.clear()\nstart(lambda: hold(rlock))\ntaken.wait()\nwith rlock:\n    pass",
    "a lock of an object": "taken.clear()\nstart(lambda: hold(shelf.lock))\ntaken.wait()\nshelf.get()",
    "an await elsewhere": "start(lambda: answers.append(asyncio.run(w.until_done(5)))).join()",
}


@pytest.mark.parametrize("cell", HOLDING.values(), ids=HOLDING)
def test_a_thread_that_the_cell_waits_for_is_told_instead_of_waiting_for_ever(
    loaded: Kernel, cell: str
) -> None:
    loaded.ok("answers.clear(); w.order.clear()")
    holding = loaded.ok(cell)
    assert holding.stderr.count("RuntimeWarning: ") == 1
    assert "run.wait() for each" in holding.stderr
    answers = loaded.ok("answers").result or ""
    assert "The cell that is executing waits for" in answers + holding.stderr
    # What was asked for goes on.
    loaded.ok("[await asyncio.wrap_future(work.future) for work in w.works]")


WATCH = """\
import hashlib, os, subprocess
seen, looked, check = [], threading.Event(), standstill.Standstill.check

def look(self, since):
    is_enough = True
    try:
        check(self, since)
        if self._warned:
            seen.append(time.monotonic())
        is_enough = bool(seen) and seen[-1] - seen[0] > 2 * standstill.CERTAINTY
    finally:
        if is_enough and not looked.is_set():
            looked.set()
            os.write(far, b"1")
standstill.Standstill.check = look
"""
BEGIN = "answers.clear(); seen.clear(); looked.clear(); near, far = os.pipe()"
BUSY = {
    "computing": "while not looked.is_set(): sum(range(1000))",
    "a long call": "while not looked.is_set(): hashlib.pbkdf2_hmac('sha256', b'a', b'b', 500_000)",
    "asleep": "os.read(near, 1)",
    "computing with a lock": "with lock:\n    os.read(near, 1)",
    "computing with a lock on one line": "with lock: os.read(near, 1)",
    "an event, for a time": "looked.wait(60)",
    "a thread, for a time": "start(lambda: os.read(near, 1)).join(60)",
    "another process": "done = subprocess.run(['head', '-c', '1'], stdin=near, stdout=subprocess.DEVNULL)",
}
"""Cells that are busy until the waiting thread has warned, and looked for longer than it needs to be certain."""


@pytest.fixture(scope="module")
def watched(loaded: Kernel) -> Kernel:
    loaded.ok(WATCH)
    return loaded


@pytest.mark.parametrize("cell", BUSY.values(), ids=BUSY)
def test_a_cell_that_is_merely_busy_ends_no_wait(watched: Kernel, cell: str) -> None:
    watched.ok(BEGIN)
    busy = watched.ok(f"thread = start(answer)\n{cell}")
    assert busy.stderr.count("RuntimeWarning: ") == 1
    assert watched.ok("while thread.is_alive(): await asyncio.sleep(0.01)\nanswers").result == "[5]"


def test_a_thread_that_the_cell_does_not_hold_up_waits_in_silence(loaded: Kernel) -> None:
    # Longer than a busy machine takes for a turn of the loop, and shorter than the thread waits.
    loaded.ok("standstill.PATIENCE = 2.0\nanswers.clear()\nw.works.clear()")
    cells = loaded.run_all(
        [
            "thread = start(lambda: answer(250))",
            "while not w.works or w.works[0].passed < 100: await asyncio.sleep(0.01)",
            "w.wait(100)",
            "while thread.is_alive(): await asyncio.sleep(0.01)",
            "answers",
        ]
    )
    assert [cell.result for cell in cells] == [None, None, "100", None, "[250]"]
    assert [cell.stderr for cell in cells] == [""] * 5
    loaded.ok("standstill.PATIENCE = 0.3")
