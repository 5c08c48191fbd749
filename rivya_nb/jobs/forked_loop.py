"""Stops this package's work in a forked process, where a copy of the event loop continues."""

from __future__ import annotations

import asyncio
import selectors
import warnings
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")

_is_work: ContextVar[bool] = ContextVar("rivya_nb_is_work", default=False)


def as_work(start: Callable[[], T]) -> T:
    """Call `start` in a copy of the current context that marks everything it puts on a loop as this package's
    work."""
    context = copy_context()
    context.run(_is_work.set, True)
    return context.run(start)


def leave_to_parent(loop: asyncio.AbstractEventLoop) -> None:
    """In a forked process: stop the marked work in this copy of the parent's loop.

    Its tasks are not cancelled, because their clean-up belongs to the parent. They are never resumed.
    """
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return
    private: Any = loop
    with warnings.catch_warnings():
        # What had not begun goes with its handle. It is the parent's copy that is awaited.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        for handle in (*private._ready, *private._scheduled):
            if handle._context.get(_is_work):
                handle.cancel()
    _watch_alone(private)


def _watch_alone(loop: Any) -> None:
    """Let the loop watch only its own wake-up: everything else that it watched belongs to the parent.

    An inherited epoll would wake this process without end for each socket that the parent opens and has not
    read yet, and for the kernel's sockets, which cannot be read here. Removing a socket from it here would
    remove it for the parent, too.
    """
    inherited, loop._selector = loop._selector, selectors.DefaultSelector()
    inherited.close()
    loop._close_self_pipe()
    loop._make_self_pipe()
