"""An interrupt ends the wait at once, keeps the queued cells from running, and leaves the work alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernels import VERSIONS, Kernel, started

LOAD = "%load_ext waiting_extension\nimport waiting_extension as w"
ENDLESS = 1_000_000

WAITS = {
    "awaited": f"%%rivya {ENDLESS}\nbody",
    "nested magic": f"%%time\n%%rivya {ENDLESS}\nbody",
    "nested call": f"w.wait({ENDLESS})",
}


@pytest.fixture(scope="module", params=VERSIONS)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    cache = request.config.cache.mkdir("kernels")
    with started(request.param, tmp_path_factory.mktemp("kernel"), cache) as kernel:
        kernel.ok(LOAD)
        yield kernel


@pytest.fixture
def kernel(loaded: Kernel) -> Iterator[Kernel]:
    """The one of the file, without work."""
    yield loaded
    loaded.ok("w.end_all()")


# The first wait comes before any nested one, which changes asyncio for good.


@pytest.mark.parametrize("cell", WAITS.values(), ids=WAITS)
def test_an_interrupt_ends_the_wait_and_leaves_the_work(kernel: Kernel, cell: str) -> None:
    waiting, queued = kernel.send(cell), kernel.send("w.order.append('too early')")
    kernel.until(lambda: "working" in waiting.stdout, "the work has begun")
    kernel.interrupt()
    # The work lasts for hours.
    kernel.finish(waiting, queued)
    assert waiting.status == "error"
    assert len(waiting.traceback) == 1
    assert waiting.traceback[0].startswith("WaitInterruptedError: ")
    assert queued.status == "aborted"

    assert kernel.ok("w.waiters()").result == "[]"
    passed = _passed(kernel)
    kernel.until(lambda: _passed(kernel) > passed, "the work has gone on")
    cells = kernel.run_all(["%%rivya 5\nbody", "w.order"])
    assert [cell.status for cell in cells] == ["ok", "ok"]
    assert cells[1].result == "['work of 5']"


def test_interrupting_a_nested_wait_again_and_again_never_hits_the_work(kernel: Kernel) -> None:
    kernel.ok(f"work = w.Work({ENDLESS}, busy=3_000_000)")
    for _ in range(5):
        waiting = kernel.send("print('waiting')\nwork.work_loop.wait(work.future)")
        kernel.until(lambda request=waiting: "waiting" in request.stdout, "the cell waits")
        kernel.interrupt()
        kernel.finish(waiting)
        assert waiting.error.startswith("KeyboardInterrupt")
    assert kernel.ok("work.future.done()").result == "False"
    passed = _passed(kernel)
    kernel.until(lambda: _passed(kernel) > passed, "the work has gone on")


STOPPED = """
import asyncio, threading
from rivya_nb.errors import WaitInterruptedError
from rivya_nb.jobs.work_loop import WorkLoop
stop = threading.Event()
def work():
    print("working")
    stop.wait()
    raise WaitInterruptedError("It was stopped.")
"""


def test_work_that_was_interrupted_may_end_later_and_does_not_end_the_kernel(kernel: Kernel) -> None:
    kernel.ok(STOPPED)
    waiting = kernel.send("WorkLoop.find().aside(work)")
    kernel.until(lambda: "working" in waiting.stdout, "the work has begun")
    kernel.interrupt()
    kernel.finish(waiting)
    assert waiting.error.startswith("KeyboardInterrupt")
    kernel.ok("stop.set()\nfor _ in range(20):\n    await asyncio.to_thread(int)")


def test_a_second_interrupt_frees_a_kernel_that_hangs_in_a_nested_wait(kernel: Kernel) -> None:
    waiting = kernel.send(f"w.hang()\nw.wait({ENDLESS})")
    kernel.until(lambda: "hanging" in waiting.stdout, "the kernel hangs")
    kernel.interrupt()
    # Two signals before Python looks for them would be one.
    kernel.until(lambda: "interrupted" in waiting.stdout, "the first interrupt has come")
    with pytest.raises(AssertionError, match="in vain"):
        kernel.finish(waiting, timeout=0.3)
    kernel.interrupt()
    kernel.finish(waiting)
    assert waiting.status == "error"
    kernel.ok("'alive'")


def _passed(kernel: Kernel) -> int:
    return int(kernel.ok("w.works[0].passed").result or 0)
