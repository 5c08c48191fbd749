"""Waiting outside kernels: in plain code, in asyncio scripts, in forked processes, and in a terminal."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import rivya_nb
from rivya_nb.errors import RivyaError
from rivya_nb.jobs.standstill import Standstill
from rivya_nb.jobs.work_loop import THREAD_NAME, WorkLoop

COLOUR: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


async def thread_name() -> str:
    return threading.current_thread().name


async def until(event: threading.Event) -> str:
    await asyncio.to_thread(event.wait)
    return "arrived"


def test_work_runs_in_a_thread_of_its_own() -> None:
    work_loop = WorkLoop.find()
    assert not work_loop.in_kernel
    assert work_loop is WorkLoop.find()
    assert work_loop.wait(work_loop.start(thread_name())) == THREAD_NAME


def test_a_script_that_runs_asyncio_itself_may_block_or_await() -> None:
    work_loop = WorkLoop.find()

    async def main() -> list[str]:
        return [
            work_loop.wait(work_loop.start(thread_name())),
            await work_loop.join(work_loop.start(thread_name())),
        ]

    assert asyncio.run(main()) == [THREAD_NAME, THREAD_NAME]


def test_work_outlives_the_loop_that_awaited_it() -> None:
    work_loop, event = WorkLoop.find(), threading.Event()
    work = work_loop.start(until(event))

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(work_loop.join(work), 0.05)

    asyncio.run(give_up())
    assert not work.done()
    event.set()
    assert work_loop.wait(work) == "arrived"


def test_past_its_time_a_wait_raises_and_the_work_goes_on() -> None:
    work_loop, event = WorkLoop.find(), threading.Event()
    work = work_loop.start(until(event))
    with pytest.raises(TimeoutError, match="the work goes on"):
        work_loop.wait(work, timeout=0.05)
    event.set()
    assert work_loop.wait(work, timeout=60) == "arrived"


def test_what_the_work_raises_reaches_both_kinds_of_wait() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    work_loop = WorkLoop.find()
    work = work_loop.start(fail())
    with pytest.raises(ValueError, match="broken"):
        work_loop.wait(work)
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(work_loop.join(work))


def test_cancelling_the_future_cancels_the_work() -> None:
    work_loop, ended = WorkLoop.find(), threading.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    work = work_loop.start(endless())
    work_loop.wait(work_loop.start(thread_name()))
    work.cancel()
    assert ended.wait(60)
    with pytest.raises(concurrent.futures.CancelledError):
        work_loop.wait(work)


def test_work_keeps_the_context_of_who_started_it() -> None:
    async def colour() -> str:
        return COLOUR.get()

    work_loop = WorkLoop.find()
    started = contextvars.copy_context()
    started.run(COLOUR.set, "blue")
    assert work_loop.wait(started.run(work_loop.start, colour())) == "blue"
    assert work_loop.wait(work_loop.start(colour())) == "none"


def test_work_that_nobody_holds_is_not_collected() -> None:
    work_loop, done = WorkLoop.find(), threading.Event()

    async def slow() -> None:
        # Only the task itself refers to this future, and only weakly does the loop to the task.
        gate = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.1, lambda gate=gate: gate.set_result(None))
        await gate
        done.set()

    work_loop.start(slow())
    for _ in range(3):
        gc.collect()
    assert done.wait(60)


def test_a_closed_loop_is_an_error_and_no_endless_wait() -> None:
    loop = asyncio.new_event_loop()
    work_loop = WorkLoop(loop, in_kernel=False)
    work: concurrent.futures.Future[str] = concurrent.futures.Future()
    loop.close()
    with pytest.raises(RivyaError, match="closed"):
        work_loop.wait(work)
    with pytest.raises(RivyaError, match="closed"):
        asyncio.run(work_loop.join(work))
    with pytest.raises(RivyaError, match="closed"):
        work_loop.start(thread_name())


def test_a_blocking_wait_on_the_own_thread_is_nested() -> None:
    # In a process of its own: nesting changes asyncio for good.
    script = """
        import asyncio, threading
        from rivya_nb.jobs.work_loop import WorkLoop
        work_loop = WorkLoop.find()
        async def inner(): return threading.current_thread().name
        async def outer(): return work_loop.wait(work_loop.start(inner()))
        print(work_loop.wait(work_loop.start(outer()), timeout=60))
    """
    assert _script(script) == f"{THREAD_NAME}\n"


@pytest.mark.parametrize("before", ["pass", "import nest_asyncio; nest_asyncio.apply(work_loop.loop)"])
def test_a_nested_wait_leaves_the_loop_the_callbacks_that_it_counts_on(before: str) -> None:
    # The callbacks behind the waiting one belong to the same iteration; the wait runs them, not the loop.
    script = f"""
        import asyncio, threading
        from rivya_nb.jobs.work_loop import WorkLoop
        work_loop, waited, ran = WorkLoop.find(), threading.Event(), []
        async def inner(): await asyncio.sleep(0.05)
        def nested():
            {before}
            work_loop.wait(work_loop.start(inner()))
            work_loop.wait(work_loop.start(inner()))
            waited.set()
        async def busy():
            asyncio.get_running_loop().call_soon(nested)
            for place in range(100):
                asyncio.get_running_loop().call_soon(ran.append, place)
        work_loop.wait(work_loop.start(busy()), timeout=60)
        waited.wait(60)
        work_loop.wait(work_loop.start(inner()), timeout=60)
        print(ran == list(range(100)))
    """
    assert _script(script) == "True\n"


def test_a_loop_that_turns_is_told_from_one_that_is_held_however_late_a_thread_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rivya_nb.jobs.standstill.PATIENCE", 1e-9)
    work_loop = WorkLoop.find()
    standstill = Standstill(work_loop.loop)
    for _ in range(3):
        standstill.check(0.0)
        work_loop.wait(work_loop.start(thread_name()))
    held = threading.Event()
    work_loop.loop.call_soon_threadsafe(held.wait)
    standstill.check(0.0)
    with pytest.warns(RuntimeWarning, match="held the kernel's event loop"):
        standstill.check(0.0)
    held.set()


def test_a_loop_of_another_make_is_refused_with_the_way_out() -> None:
    class ForeignLoop(asyncio.AbstractEventLoop):
        """As uvloop's: running, but not made by asyncio."""

        def is_closed(self) -> bool:
            return False

    loop = ForeignLoop()
    asyncio._set_running_loop(loop)
    try:
        with pytest.raises(RivyaError, match="await run"):
            WorkLoop(loop, in_kernel=False).wait(concurrent.futures.Future())
    finally:
        asyncio._set_running_loop(None)


def test_an_await_within_trio_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lowlevel = SimpleNamespace(current_task=object)
    monkeypatch.setitem(sys.modules, "trio", SimpleNamespace(lowlevel=lowlevel))
    work_loop = WorkLoop(asyncio.new_event_loop(), in_kernel=False)
    with pytest.raises(RivyaError, match=r"this is trio. Write `run.wait\(\)`"):
        # As trio does it: it sends a first value to the coroutine.
        work_loop.join(concurrent.futures.Future()).send(None)
    work_loop.loop.close()


def test_an_await_on_a_loop_inside_the_works_own_is_refused_with_the_way_out() -> None:
    outer, inner = asyncio.new_event_loop(), asyncio.new_event_loop()
    work_loop = WorkLoop(outer, in_kernel=False)

    async def run_another_loop() -> None:
        asyncio._set_running_loop(None)
        try:
            with pytest.raises(RivyaError, match="await run"):
                inner.run_until_complete(work_loop.join(concurrent.futures.Future()))
        finally:
            asyncio._set_running_loop(outer)

    outer.run_until_complete(run_another_loop())
    inner.close()
    outer.close()


def test_a_forked_process_gets_an_error_for_old_work_and_a_home_of_its_own() -> None:
    script = """
        import asyncio, os
        from rivya_nb.jobs.work_loop import WorkLoop
        async def work(): return "worked"
        work_loop = WorkLoop.find()
        old = work_loop.start(asyncio.sleep(60))
        if os.fork() == 0:
            try:
                work_loop.wait(old)
            except Exception as error:
                print(type(error).__name__, "forked" in str(error), flush=True)
            new = WorkLoop.find()
            print(new.wait(new.start(work())), flush=True)
            os._exit(0)
        os.wait()
    """
    assert _script(script) == "RivyaError True\nworked\n"


def test_an_interrupted_script_may_wait_again() -> None:
    script = """
        import asyncio, threading
        from rivya_nb.jobs.work_loop import WorkLoop
        go_on = threading.Event()
        async def work():
            while not go_on.is_set():
                await asyncio.sleep(0.01)
            return "worked"
        work_loop = WorkLoop.find()
        future = work_loop.start(work())
        try:
            print("waiting", flush=True)
            work_loop.wait(future)
        except KeyboardInterrupt:
            print("interrupted", future.done(), flush=True)
        go_on.set()
        print(work_loop.wait(future))
    """
    with _process([sys.executable, "-c", _dedent(script)]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "interrupted False\nworked\n"


TERMINAL = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]


def test_in_a_terminal_the_magic_waits_and_work_goes_on_between_inputs(tmp_path: Path) -> None:
    lines = [
        "%load_ext waiting_extension",
        "import waiting_extension as w",
        "background = w.Work(3)",
        "%%rivya 5",
        "body",
        "",
        "",
        "%rivya wait 4",
        "print(sorted(background.places), background.future.result(60))",
        "print('order', w.order)",
        "exit",
    ]
    with _process(TERMINAL, tmp_path) as process:
        out, _ = process.communicate("\n".join(lines) + "\n", timeout=60)
    assert out.count("nested") == 2, out
    assert "awaited" not in out
    assert f"[(True, '{THREAD_NAME}')] 3" in out
    assert "order ['work of 3', 'work of 5', 'work of 4']" in out


def test_in_a_terminal_an_interrupt_ends_the_wait_in_one_line(tmp_path: Path) -> None:
    with _process(TERMINAL, tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("%load_ext waiting_extension\nimport waiting_extension as w\nw.wait(10**6)\n")
        process.stdin.flush()
        for line in process.stdout:
            if "waiting" in line:
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate("print(f'alive {not w.works[0].future.done()}')\nexit\n", timeout=60)
    assert "WaitInterruptedError: after" in out
    assert "Traceback" not in out
    assert "alive True" in out


def _script(code: str) -> str:
    with _process([sys.executable, "-W", "error", "-c", _dedent(code)]) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return out


def _dedent(code: str) -> str:
    return "\n".join(line[8:] for line in code.splitlines())


@contextmanager
def _process(command: list[str], home: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    paths = [str(Path(__file__).parent), str(Path(rivya_nb.__file__).parents[1])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    if home is not None:
        env |= {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, env=env, cwd=home, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()
