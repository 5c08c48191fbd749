"""Plans what a form says while it is being filled in: off the event loop, and not for every keystroke."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from rivya_nb.errors import RivyaError

if TYPE_CHECKING:
    from rivya_nb.jobs.work_loop import WorkLoop
    from rivya_nb.session.plan import Plan

PAUSE = 0.15
"""Seconds between two plans, however fast a slider moves."""

_log = logging.getLogger(__name__)


class Planner:
    """Calls `make` in a worker thread after each `request`, and `show` with what came of the last one.

    `show` is called on the session's loop. Requests that come meanwhile are one request: the newest state is
    planned, and what is shown is never older than what was planned.
    """

    def __init__(
        self, work_loop: WorkLoop, make: Callable[[], Plan], show: Callable[[Plan | RivyaError], None]
    ) -> None:
        self._work_loop = work_loop
        self._make = make
        self._show = show
        self._wanted = False
        self._closed = False
        self._following = False

    def request(self) -> None:
        """Plan soon. May be called from any thread."""
        self._work_loop.loop.call_soon_threadsafe(self._note)

    def close(self) -> None:
        """Plan nothing more."""
        self._closed = True

    def _note(self) -> None:
        self._wanted = True
        if not self._following:
            self._following = True
            self._work_loop.start(self._follow())

    async def _follow(self) -> None:
        while self._wanted and not self._closed:
            self._wanted = False
            try:
                outcome = await self._outcome()
                if not self._closed:
                    self._show(outcome)
            except Exception:
                # A mistake of ours must not end the planning for good; it is told where ours are told.
                _log.exception("the form could not be planned")
            # Only now: a worker thread that began late must not bring two beginnings nearer to one another.
            await asyncio.sleep(PAUSE)
        self._following = False

    async def _outcome(self) -> Plan | RivyaError:
        try:
            return await asyncio.to_thread(self._make)
        except RivyaError as error:
            return error
