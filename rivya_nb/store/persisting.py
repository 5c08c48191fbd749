"""Waits for a database server that does not answer, for as long as a user may wait for a call, and says so; the
same for what another call of the same kernel holds meanwhile.

A call of a user waits on the main thread, or on another one for a face that listens (`heard_by`). What runs in the
background tries once: it has ways of its own to go on (`jobs/patience.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from rivya_nb.errors import DatabaseUnreachableError, WaitInterruptedError

if TYPE_CHECKING:
    from sqlalchemy import Connection

PATIENCE, PAUSE = 10.0, 0.2
"""Seconds for which a database that does not answer is asked again, and between two attempts."""

SILENT = 1.0
"""Seconds after which a wait is told."""

TICK = 0.25
"""Seconds between two looks whether it is over, or the user has had enough."""

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", covariant=True)


OnWait = Callable[[str | None], object]
"""What hears of waits: in words, and None if one is over."""


class Interrupted(KeyboardInterrupt):
    """The user has had enough of a wait."""


class Listener:
    """Hears of the waits of one call, until it is closed or has given up: then they end with an interrupt."""

    def __init__(self, tell: OnWait) -> None:
        self._tell = tell
        self._told: str | None = None
        self._lock = threading.Lock()
        self.is_open, self.has_given_up = True, False

    def hear(self, waiting: str | None) -> None:
        """There is this wait; None if it is over."""
        with self._lock:
            if self.is_open:
                self._told = waiting
                self._tell(waiting)

    def close(self) -> None:
        """Hear nothing more: for who listens, the wait is over."""
        with self._lock:
            self.is_open = False
            if self._told is not None:
                self._tell(None)


_listener: ContextVar[Listener | None] = ContextVar("rivya_listener", default=None)
_end: ContextVar[float | None] = ContextVar("rivya_end_of_patience", default=None)


@contextmanager
def heard_by(tell: OnWait) -> Iterator[Listener]:
    """Let the calls in this block be patient, also on other threads that have its context, and tell of waits."""
    listener, before = Listener(tell), _listener.get()
    _listener.set(listener)
    try:
        yield listener
    finally:
        _listener.set(before)
        listener.close()


@contextmanager
def _until_the_end(patience: float) -> Iterator[float]:
    """All waits in this block end at the same moment, which is given in monotonic seconds."""
    known = _end.get()
    end = time.monotonic() + patience if known is None else known
    token = _end.set(end)
    try:
        yield end
    finally:
        _end.reset(token)


class _Step(Protocol[T]):
    def __call__(self, *, is_again: bool) -> T: ...


def persist(step: _Step[T]) -> T:
    """Take a step; where the database does not answer, again for some seconds. The step is told then that it may
    have been taken already."""
    is_again = False
    with _until_the_end(PATIENCE) as end:
        while True:
            try:
                return step(is_again=is_again)
            except DatabaseUnreachableError:
                if time.monotonic() > end:
                    raise
            is_again = True
            time.sleep(PAUSE)


def once(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Take a step of the background, on a thread of its own: it does not wait, though a call may have begun it."""
    _listener.set(None)
    _end.set(None)
    return step(*args, **kwargs)


class Watch:
    """Tells of one wait of a user's call once it lasts, in the `words` for it, until it is over."""

    def __init__(self, listener: Listener, words: Callable[[], str]) -> None:
        self._listener = listener
        self._words = words
        self._began = time.monotonic()
        self._is_told = False

    def look(self) -> None:
        """Called now and then while it waits.

        Raises:
            Interrupted: nobody wants it any more.
        """
        if self._listener.has_given_up or not self._listener.is_open:
            raise Interrupted
        if time.monotonic() - self._began >= SILENT:
            self._is_told = True
            self._listener.hear(self._words())

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_told:
            self._listener.hear(None)


def watch(on_wait: OnWait, words: Callable[[], str]) -> Watch | None:
    """Watches a wait that begins now; None where it is of the background. `on_wait` hears of it where nobody else
    listens."""
    listener = _listener.get()
    if listener is not None and listener.is_open:
        return Watch(listener, words)
    is_main = threading.current_thread() is threading.main_thread()
    return Watch(Listener(on_wait), words) if is_main else None


@contextmanager
def turn(lock: threading.RLock, words: str, on_wait: OnWait) -> Iterator[None]:
    """Hold a lock that another call of this kernel may hold for long.

    Raises:
        WaitInterruptedError: the user has had enough of waiting for it.
    """
    if (watching := watch(on_wait, lambda: words)) is None:
        with lock:
            yield
        return
    with _interruptible("another call of this kernel"), watching:
        while not lock.acquire(timeout=TICK):
            watching.look()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _interruptible(what: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise interrupted(what) from None


def interrupted(what: str) -> WaitInterruptedError:
    """The user has had enough of waiting for this."""
    return WaitInterruptedError(f"Interrupted while waiting for {what}; nothing was sent meanwhile.")


class _Connect(Protocol):
    def __call__(self, *, sure: bool) -> Connection:
        """A connection; a `sure` one has been answered on just now."""


def connection_of(connect: _Connect, name: str, on_wait: OnWait, *, patience: float | None) -> Connection:
    """A connection to the database called `name`, by `connect`, which raises DatabaseUnreachableError.

    For a call of a user, another thread connects, so that the user can interrupt the wait whatever happens there;
    it tries again for so many seconds (`patience`), or not at all (None). `on_wait` hears of it where nobody else
    listens.

    Raises:
        WaitInterruptedError: the user has had enough.
    """
    waiting = _Waiting(connect, name)
    watching = watch(on_wait, waiting.words)
    if watching is None:
        return connect(sure=False)
    with _interruptible(name), watching:
        if patience is None:
            return waiting.result(watching.look)
        with _until_the_end(patience) as waiting.end:
            return waiting.result(watching.look)


class _Waiting:
    """Waits for a connection until `end`, in monotonic seconds; without one, for the end of a single attempt."""

    def __init__(self, connect: _Connect, name: str) -> None:
        self.end: float | None = None
        self._connect = connect
        self._name = name
        self._why = ""

    def words(self) -> str:
        why = self._why.removeprefix(f"{self._name}: ").rstrip(".")
        left = (
            ""
            if self.end is None
            else f"; this waits {max(0.0, self.end - time.monotonic()):.0f} s more at most"
        )
        return f"{self._name} does not answer yet{why and f' ({why})'}{left}."

    def result(self, look: Callable[[], None]) -> Connection:
        while True:
            try:
                return self._attempt(look)
            except DatabaseUnreachableError as error:
                if self.end is None or time.monotonic() > self.end:
                    raise
                self._why = str(error)
            look()
            time.sleep(PAUSE)

    def _attempt(self, look: Callable[[], None]) -> Connection:
        attempt: Future[Connection] = Future()
        threading.Thread(
            target=_fulfil, args=(attempt, self._connect), name="rivya-connect", daemon=True
        ).start()
        try:
            while not wait([attempt], TICK).done:
                look()
                if self.end is not None and time.monotonic() > self.end:
                    raise DatabaseUnreachableError(
                        f"{self._name}: no answer came in time; see whether the network (a VPN, a firewall) "
                        "lets this machine reach the server, and try again."
                    )
        except BaseException:
            attempt.add_done_callback(_give_back)
            raise
        return attempt.result()


def _fulfil(attempt: Future[Connection], connect: _Connect) -> None:
    try:
        attempt.set_result(connect(sure=True))
    except BaseException as error:
        attempt.set_exception(error)


def _give_back(attempt: Future[Connection]) -> None:
    """Close the connection that nobody waits for any more. Its pool may be closed by now, too."""
    if attempt.exception() is None:
        with suppress(Exception), attempt.result() as connection:
            connection.invalidate()
