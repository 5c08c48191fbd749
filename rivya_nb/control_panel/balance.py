"""How many credits are left, and whether they pay for something."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rivya_nb.errors import RateLimitedError, RivyaError
from rivya_nb.store.records import UNSENT

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session

_log = logging.getLogger(__name__)


class Balance:
    """What the service said last, less what the session's runs have spent since: it need not be asked often."""

    def __init__(self, session: Session) -> None:
        self.asked = False
        self._session = session
        self._said: int | None = None
        self._spent = 0

    @property
    def credits(self) -> int | None:
        """Credits that are left; None where that is not known."""
        return None if self._said is None else self._said + self._spent - self._spending()

    @property
    def promised(self) -> int:
        """Those of them that runs will still take, for what waits to be sent."""
        working = self._own(self._session.working())
        going = {job.id: job.record for run in working for job in run.jobs if job.live.goes_on}
        waiting = (job for job in going.values() if job.status in UNSENT or job.status == "submitting")
        return sum(job.price or 0 for job in waiting)

    def lacks(self, price: int) -> str:
        """Why a price cannot be paid, in words; empty where it can, as far as is known."""
        balance, promised = self.credits, self.promised
        if balance is None or not price or price <= balance - promised:
            return ""
        left = f"{price:,} are needed, {balance:,} are left"
        return left + (f", and runs that go on take {promised:,} of them" if promised else "")

    async def surely_lacks(self, price: int) -> str:
        """The same; the service is asked before something is refused, since credits may have arrived."""
        if self.lacks(price):
            await self.ask()
        return self.lacks(price)

    async def ask(self) -> None:
        """Ask the service. During a rate limit, what it said last still counts."""
        spent = self._spending()
        try:
            self._said, self._spent = await self._session.abalance(waits=False), spent
        except RateLimitedError:
            return
        except RivyaError:
            self._said = None
        except Exception:
            _log.exception("the balance could not be asked for")
            self._said = None
        self.asked = True

    def _spending(self) -> int:
        """What the session's runs have spent so far, in credits; the service reserves them when a job is sent."""
        return sum(run.credits for run in self._own(self._session.touched()))

    def _own(self, runs: list[Run]) -> list[Run]:
        # An earlier session may be busy with the same store at another service.
        return [run for run in runs if run.record.service == self._session.service]
