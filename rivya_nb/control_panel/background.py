"""What a click starts: work on the session's loop whose failure is told where the user looks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import RivyaError

if TYPE_CHECKING:
    from rivya_nb.jobs.work_loop import WorkLoop

_log = logging.getLogger(__name__)


class Background:
    """Starts coroutines on the session's loop, from any thread; `say` is told in words what went wrong.

    A mistake of our own ends no panel: it is named too, and its traceback goes to the log.
    """

    def __init__(self, work_loop: WorkLoop, say: Callable[[str], None]) -> None:
        self._work_loop = work_loop
        self._say = say
        self._going: set[Future[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run `work`; the future is done when it has ended, however it has."""
        future = self._work_loop.start(self._guarded(work))
        self._going.add(future)
        future.add_done_callback(self._going.discard)
        return future

    def close(self) -> None:
        """End what is still going."""
        for future in tuple(self._going):
            future.cancel()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except RivyaError as error:
            self._say(str(error))
        except Exception as error:
            _log.exception("the control panel failed")
            self._say(
                f"This is a mistake of rivya_nb itself ({type(error).__name__}); the log has its traceback."
            )
