"""The event loop on which a session's work runs, and waiting for that work from threads and cells.

In an ipykernel the work runs on the kernel's main loop, beside the cells. If no loop runs between two inputs
(a terminal, a script, also one that uses asyncio itself), it runs on its own loop in a daemon thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import os
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from types import FrameType
from typing import Any, TypeVar

from rivya_nb.errors import RivyaError
from rivya_nb.jobs.forked_loop import as_work, leave_to_parent
from rivya_nb.jobs.standstill import Standstill

TICK = 0.25
"""The longest sleep of a wait: ipykernel notes an interrupt, but does not wake an idle loop for it."""

THREAD_NAME = "rivya-loop"

T = TypeVar("T")


class WorkLoop:
    """The event loop on which a session's work runs. Every method may be called from any thread.

    `loop` is the event loop; `in_kernel` is True if it is the kernel's main one, and False for our own.
    """

    _lock = threading.Lock()
    _current: WorkLoop | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, *, in_kernel: bool) -> None:
        self.loop = loop
        self.in_kernel = in_kernel
        self._process = os.getpid()
        self._working: set[concurrent.futures.Future[Any]] = set()
        self._standstill = Standstill(loop)

    @classmethod
    def find(cls) -> WorkLoop:
        """The work loop of this process: always the same one, until its loop is closed or the process forks."""
        with cls._lock:
            kernel_loop = _kernel_loop()
            work_loop = cls._current
            if (
                work_loop is not None
                and work_loop._is_usable()
                and (not work_loop.in_kernel or work_loop.loop is kernel_loop)
            ):
                return work_loop
            if kernel_loop is not None:
                cls._current = cls(kernel_loop, in_kernel=True)
            else:
                cls._current = cls(_own_loop(), in_kernel=False)
            return cls._current

    def start(self, coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run `coro` on this loop, with the caller's context variables; cancelling the future cancels it.

        ipykernel 7 keeps in the context to which cell an output belongs. Raises RivyaError if the loop is
        gone.
        """
        try:
            self._require_usable()
        except RivyaError:
            coro.close()
            raise
        future = as_work(lambda: asyncio.run_coroutine_threadsafe(coro, self.loop))
        # asyncio has only weak references to its tasks, which might be garbage-collected.
        self._working.add(future)
        future.add_done_callback(self._working.discard)
        return future

    async def join(self, future: concurrent.futures.Future[T], tick: float = TICK) -> T:
        """Await `future` on the running loop, waking at least every `tick` seconds.

        Errors of the work are raised here unchanged. Cancelling this wait does not cancel the work. Raises
        RivyaError if the work loop goes away meanwhile, or cannot turn while the running one does, and in a
        task of trio; and UsageError like `wait`.
        """
        if _in_trio():
            raise RivyaError(
                "`await run` works in asyncio, and this is trio. Write `run.wait()`; where other tasks have to "
                "go on meanwhile, `await trio.to_thread.run_sync(run.wait)`."
            )
        if not future.done() and self.is_here() and asyncio.get_running_loop() is not self.loop:
            raise RivyaError(
                "This event loop runs inside the one on which the work runs, so it would wait for ever. "
                "Write `await run` in the cell itself."
            )
        await self._arrival(future, None, tick)
        return future.result()

    def wait(self, future: concurrent.futures.Future[T], timeout: float | None = None) -> T:
        """Block until `future` is done, at most `timeout` seconds, and return its result.

        On the loop's own thread, the loop is run inside this call; on another thread the call just waits.
        Raises TimeoutError past the time (the work continues), the errors of the work, RivyaError if the loop
        is gone or cannot be nested, and UsageError if a cell seems to hold the loop while it waits for this
        very thread. KeyboardInterrupt ends the wait, not the work.
        """
        with _SigintHeld() as sigint:
            if not future.done():
                self._require_usable()
                if self.is_here():
                    self._wait_nested(future, timeout, sigint)
                else:
                    self._wait_blocking(future, timeout, sigint)
            if not future.done():
                raise TimeoutError(f"not finished within {timeout} s; the work goes on")
            return future.result()

    def aside(self, work: Callable[[], T]) -> T:
        """Do what takes long, and give its result; on the loop's own thread, jobs go on meanwhile."""
        if not self.is_here():
            return work()
        self._require_usable()
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def do() -> None:
            # Not as a task: an interrupt that is raised in one ends the loop too, which is the kernel.
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self.loop.run_in_executor(None, copy_context().run, do)
        return self.wait(done)

    async def _arrival(
        self, future: concurrent.futures.Future[Any], timeout: float | None, tick: float
    ) -> None:
        """Return when `future` is done or `timeout` seconds are over."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()
        # Not `wrap_future`: its cancellation would cancel the work.
        future.add_done_callback(lambda _: _settle(loop, arrived))
        start = time.monotonic()
        end = None if timeout is None else start + timeout
        while not future.done():
            self._require_usable()
            if loop is not self.loop:
                self._require_turning(start)
            pause = tick if end is None else min(tick, end - time.monotonic())
            if pause <= 0:
                return
            await asyncio.wait([arrived], timeout=pause)

    def _wait_nested(
        self, future: concurrent.futures.Future[Any], timeout: float | None, sigint: _SigintHeld
    ) -> None:
        _allow_nesting(self.loop, in_kernel=self.in_kernel)
        waiter = self.loop.create_task(self._arrival(future, timeout, TICK))
        sigint.wake = lambda: self.loop.call_soon_threadsafe(waiter.cancel)
        if sigint.seen:
            waiter.cancel()
        try:
            with _counted_on(self.loop):
                self.loop.run_until_complete(waiter)
        finally:
            # Otherwise it would continue beside the next cell.
            waiter.cancel()

    def _wait_blocking(
        self, future: concurrent.futures.Future[Any], timeout: float | None, sigint: _SigintHeld
    ) -> None:
        # The only queue that a signal handler may use while its thread waits for it.
        arrived: queue.SimpleQueue[None] = queue.SimpleQueue()
        sigint.wake = lambda: arrived.put(None)
        future.add_done_callback(lambda _: arrived.put(None))
        start = time.monotonic()
        end = None if timeout is None else start + timeout
        while not future.done() and not sigint.seen:
            self._require_usable()
            self._require_turning(start)
            pause = TICK if end is None else min(TICK, end - time.monotonic())
            if pause <= 0:
                return
            with suppress(queue.Empty):
                arrived.get(timeout=pause)

    def is_here(self) -> bool:
        """True on the thread that runs the loop, also if another loop runs on top of it."""
        with suppress(RuntimeError):
            if asyncio.get_running_loop() is self.loop:
                return True
        return getattr(self.loop, "_thread_id", None) == threading.get_ident()

    def _is_usable(self) -> bool:
        return self._process == os.getpid() and not self.loop.is_closed()

    def _require_turning(self, start: float) -> None:
        """For a thread that waits since `start`. Cells cannot hold our own loop."""
        if self.in_kernel:
            self._standstill.check(start)

    def _require_usable(self) -> None:
        if self._process != os.getpid():
            raise RivyaError(
                "This work runs in the process that this one was forked from, and can be waited for only "
                "there. Connect anew to use Rivya in this process."
            )
        if self.loop.is_closed():
            raise RivyaError("The event loop that this work ran on is closed. Connect anew, then resume.")


def _in_trio() -> bool:
    """Whether a task of trio runs here, as after `%autoawait trio`: then the kernel's own loop runs below it."""
    with suppress(KeyError, RuntimeError):
        return bool(sys.modules["trio"].lowlevel.current_task())
    return False


def _kernel_loop() -> asyncio.AbstractEventLoop | None:
    """The main loop of the ipykernel in this process; None anywhere else.

    It is not always the *running* loop: a subshell's thread has its own. Before the kernel has started (its
    start-up files) and in a process forked from it, there is none.
    """
    kernel = _kernel()
    return _loop_of(kernel) if getattr(getattr(kernel, "session", None), "pid", None) == os.getpid() else None


def _kernel() -> Any:
    """The kernel of this process, or of the one that it was forked from; None if there is none."""
    ipython: Any = sys.modules.get("IPython")
    # Other front ends may have any object there, and attributes that raise.
    with suppress(Exception):
        return ipython.get_ipython().kernel
    return None


def _loop_of(kernel: Any) -> asyncio.AbstractEventLoop | None:
    loop = getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)
    return loop if isinstance(loop, asyncio.AbstractEventLoop) and not loop.is_closed() else None


def _begin_anew() -> None:
    """In a forked process: the work continues in the parent only.

    The child of a kernel does not end with `sys.exit()`: its copy of the kernel's loop runs on.
    """
    WorkLoop._lock = threading.Lock()
    loop = _loop_of(_kernel())
    if loop is not None:
        leave_to_parent(loop)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


class _Threads(concurrent.futures.ThreadPoolExecutor):
    """The threads of our own loop, which turns on until the process is gone. What they are given while Python ends
    is never done: the loop waits for it, and nobody is told of an error that is none."""

    def submit(self, work: Callable[..., T], /, *args: Any, **named: Any) -> concurrent.futures.Future[T]:
        try:
            return super().submit(work, *args, **named)
        except RuntimeError as error:
            # Python tells it in words only: `cannot schedule new futures after interpreter shutdown`.
            if "shutdown" not in str(error):
                raise
            return concurrent.futures.Future()


def _own_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Threads(thread_name_prefix="rivya"))

    def turn() -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()

    threading.Thread(target=turn, name=THREAD_NAME, daemon=True).start()
    return loop


def _settle(loop: asyncio.AbstractEventLoop, arrived: asyncio.Future[None]) -> None:
    def settle() -> None:
        if not arrived.done():
            arrived.set_result(None)

    # The loop of a cancelled wait may be closed by now.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


class _SigintHeld:
    """While it lasts, SIGINT only calls `wake`; KeyboardInterrupt is raised at its end.

    Python's own handler raises wherever the main thread is: within a step of the work, if that runs on this
    thread, or while a lock of its future is held, which would then never be released. Only a second SIGINT is
    passed on to it: if something on this thread hangs, that is the only way out.
    """

    def __init__(self) -> None:
        self.seen = False
        self.wake: Callable[[], object] = bool

    def __enter__(self) -> _SigintHeld:
        self._previous = signal.getsignal(signal.SIGINT)
        in_main = threading.current_thread() is threading.main_thread()
        # A handler that is not callable ignores the signal, or Python cannot restore it.
        self._holding = in_main and callable(self._previous)
        if self._holding:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._holding:
            signal.signal(signal.SIGINT, self._previous)
        if self.seen:
            raise KeyboardInterrupt from None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.seen and callable(self._previous):
            self._previous(number, frame)
        self.seen = True
        self.wake()


@contextmanager
def _counted_on(loop: Any) -> Iterator[None]:
    """Around a nested run: leave at least as many callbacks ready as there were.

    asyncio counts the ready callbacks at the start of an iteration, and takes so many from the queue without
    a check. A nested run takes them first, and the loop, which is the kernel, would end with an IndexError.
    The added callbacks do nothing.
    """
    ready = len(loop._ready)
    try:
        yield
    finally:
        for _ in range(ready - len(loop._ready)):
            loop.call_soon(_nothing)


def _nothing() -> None:
    pass


def _allow_nesting(loop: asyncio.AbstractEventLoop, *, in_kernel: bool) -> None:
    """Allow `loop` to be run inside itself. Raises RivyaError if it is not one of asyncio's own.

    With nest_asyncio, ipykernel loses queued cells from version 7 on, and from Python 3.14 on any cell may
    fail; there its successor nest_asyncio2 is used.
    """
    if not isinstance(loop, asyncio.BaseEventLoop):
        raise RivyaError(
            f"`run.wait()` does not work inside an event loop of type {type(loop).__module__}."
            f"{type(loop).__name__}. Write `await run` instead."
        )
    is_old_kernel = not in_kernel or sys.modules["ipykernel"].version_info[0] < 7
    if is_old_kernel and sys.version_info < (3, 14):
        importlib.import_module("nest_asyncio").apply(loop)
        return
    kind = type(loop)
    if hasattr(kind, "_nest_patched") and not hasattr(kind, "_nest_asyncio2"):
        # The notebook has applied nest_asyncio itself, as many do: replace it by its successor.
        del kind._nest_patched
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        importlib.import_module("nest_asyncio2").apply(loop)
