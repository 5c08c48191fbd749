"""What is left at the service, as a panel weighs it against what its form would cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rivya_nb.control_panel.account import account_of

if TYPE_CHECKING:
    from rivya_nb.session.session import Session

SHORTEST_PAUSE = 5.0
"""Seconds between two questions at least, while too little is left."""

LONGEST_PAUSE = 60.0
"""Seconds that credits which arrive may stay unnoticed in a panel that nobody touches."""


class Balance:
    """The session's account, for one panel. `open`, `look` and `close` may be called from any thread; the rest
    is for the session's loop.
    """

    def __init__(self, session: Session) -> None:
        self._account = account_of(session)
        self._loop = session.work_loop.loop
        self._told: Callable[[], None] | None = None
        self._pause = SHORTEST_PAUSE
        self._doubted: tuple[int | None, int] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def credits(self) -> int | None:
        """Credits that are left; None where that is not known."""
        return self._account.credits

    @property
    def promised(self) -> int:
        """Those of them that the session's runs will still take."""
        return self._account.promised

    def open(self, told: Callable[[], None]) -> None:
        """Ask the service. `told` is called after each answer, and when runs will take more of it, or less."""
        self._told = told
        self._account.join(told)
        self._account.ask()

    def close(self) -> None:
        """Ask nothing more."""
        self._closed = True
        if self._told is not None:
            self._account.leave(self._told)

    def look(self) -> None:
        """Ask it if anything was spent, now or by the runs that go on."""
        self._account.look()

    def lacks(self, price: int) -> str:
        """Why the service would refuse a price for what is left, or what was promised to runs; empty where it
        would not, as far as is known."""
        balance, promised = self.credits, self.promised
        if balance is None or not price or price <= balance - promised:
            return ""
        left = f"{price:,} are needed, {balance:,} are left"
        return left + (f", and runs that go on take {promised:,} of them" if promised else "")

    async def surely_lacks(self, price: int) -> str:
        """The same, with the service asked once more where it would refuse: credits may have arrived."""
        if self.lacks(price):
            await self._account.renew()
        return self.lacks(price)

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
        known = (self.credits, self.promised)
        again, self._doubted = again and known == self._doubted, known
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if again else SHORTEST_PAUSE
        self._next = self._loop.call_at(self._account.asked + self._pause, self._ask_now)

    def _ask_now(self) -> None:
        if not self._closed:
            self._account.ask()
