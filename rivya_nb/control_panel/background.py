"""Work that a click or a message starts on the session's loop, and whose failure is told where the user looks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from traitlets import HasTraits

from rivya_nb.errors import RivyaError
from rivya_nb.store.persisting import heard_by

if TYPE_CHECKING:
    from rivya_nb.jobs.work_loop import WorkLoop

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Background(HasTraits):
    """An object that starts coroutines on the session's loop, from any thread, until it is closed.

    `complain` gets what went wrong, in words. A bug in rivya_nb does not end the panel: it is named too, and its
    traceback goes to the log.
    """

    def __init__(self, work_loop: WorkLoop) -> None:
        super().__init__()
        self.closed = False
        self._work_loop = work_loop
        self._going: set[Future[None]] = set()

    def complain(self, text: str) -> None:
        """Show the user what went wrong."""
        raise NotImplementedError

    def start(self, work: Coroutine[Any, Any, None]) -> Future[None] | None:
        """Run `work`; the future is done when it has ended. None once this is closed."""
        if self.closed:
            work.close()
            return None
        future = self._work_loop.start(self._guarded(work))
        self._going.add(future)
        future.add_done_callback(self._going.discard)
        return future

    async def aside(self, act: Callable[..., T], *args: object) -> T:
        """Do on another thread what may wait for the store's database; the user is told of such a wait."""
        with heard_by(self._hear):
            return await asyncio.to_thread(act, *args)

    def _hear(self, waiting: str | None) -> None:
        if waiting is not None:
            self.on_loop(self.complain, waiting)

    def on_loop(self, act: Callable[..., object], *args: object) -> None:
        """Call `act` on the session's loop, from any thread; not once this is closed."""
        self._work_loop.loop.call_soon_threadsafe(lambda: self.closed or act(*args))

    def close(self) -> None:
        """End what is still going, and start nothing more."""
        self.closed = True
        for future in tuple(self._going):
            future.cancel()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except RivyaError as error:
            self.complain(str(error))
        except Exception as error:
            _log.exception("the control panel failed")
            self.complain(
                f"This is a mistake of rivya_nb itself ({type(error).__name__}); the log has its traceback."
            )
