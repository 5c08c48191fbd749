"""What is left at the service, as a panel knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rivya_nb.errors import RivyaError

if TYPE_CHECKING:
    from rivya_nb.control_panel.background import Background
    from rivya_nb.session import Session

SHORTEST_PAUSE = 5.0
"""Seconds between two questions at least, while too little is left."""

LONGEST_PAUSE = 60.0
"""Seconds that credits which arrive may stay unnoticed in a panel that nobody touches."""


class Balance:
    """Credits that are left; None where that is not known. `told` is called after each answer.

    But for `close`, everything here happens on the session's loop.
    """

    def __init__(self, session: Session, background: Background, told: Callable[[], None]) -> None:
        self.credits: int | None = None
        self._session = session
        self._background = background
        self._told = told
        self._asked = 0.0
        self._asking = False
        self._wanted = False
        self._pause = SHORTEST_PAUSE
        self._next: asyncio.TimerHandle | None = None
        self._closed = False

    def close(self) -> None:
        """Ask nothing more. May be called from any thread."""
        self._closed = True

    async def ask(self) -> None:
        """Ask the service; whoever asks while it has not answered shares one more answer."""
        self._wanted = True
        if self._asking:
            return
        self._asking = True
        try:
            while self._wanted:
                self._wanted = False
                self._asked = asyncio.get_running_loop().time()
                self.credits = await self._answer()
                self._told()
        finally:
            self._asking = False

    async def _answer(self) -> int | None:
        try:
            return await self._session.abalance()
        except RivyaError:
            return None

    def trust(self) -> None:
        """What is left is enough, as far as is known: there is nothing to ask."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def doubt(self, *, again: bool) -> None:
        """Too little is left, as far as is known: ask, at once where the answer is old.

        With `again`, where the last answer has changed nothing, that is done ever less often.
        """
        self.trust()
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if again else SHORTEST_PAUSE
        loop = self._session.home.loop
        self._next = loop.call_at(self._asked + self._pause, self._ask_now)

    def _ask_now(self) -> None:
        if not self._closed:
            self._background.start(self.ask())
