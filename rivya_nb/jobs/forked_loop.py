"""What becomes of the work on an event loop in a forked process, where a copy of the loop goes on."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")

_is_work: ContextVar[bool] = ContextVar("rivya_nb_is_work", default=False)


def as_work(start: Callable[[], T]) -> T:
    """Call `start` in a copy of the current context that marks all that it puts on a loop as ours."""
    context = copy_context()
    context.run(_is_work.set, True)
    return context.run(start)


def leave_to_parent(loop: asyncio.AbstractEventLoop) -> None:
    """In a forked process: let nothing of the marked work go on in this copy of the parent's loop.

    Its tasks are not cancelled: they would tidy up what is their parent's. They are never woken again.
    """
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return
    private: Any = loop
    for handle in (*private._ready, *private._scheduled):
        if handle._context.get(_is_work):
            handle.cancel()
    _watch_alone(private)


def _watch_alone(loop: Any) -> None:
    """Let the loop watch nothing but a wake-up of its own: all that it has watched is its parent's.

    An inherited epoll would wake this process without end for each socket that the parent opens and has not
    read yet, as would the kernel's sockets, which cannot be read here; and what is taken out of it here is
    taken from the parent.
    """
    inherited, loop._selector = loop._selector, selectors.DefaultSelector()
    inherited.close()
    loop._close_self_pipe()
    loop._make_self_pipe()
