"""What a click on Generate starts: what stood in the form then is planned, weighed against its offer, and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.form_state import FormState, plan_form
from rivya_nb.control_panel.offer import Offer, RefusedError
from rivya_nb.errors import (
    CreditLimitError,
    InvalidRequestError,
    Mistake,
    NotConnectedError,
    RivyaError,
    UsageError,
)

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session


@dataclass(frozen=True)
class Asked:
    """What stands in the form at one moment, with what is written in it and cannot be read, the notebook's
    variables, and in words what of its references is still on its way."""

    state: FormState
    wrong: tuple[Mistake, ...]
    variables: Mapping[str, object] = field(compare=False)
    arriving: str = field(compare=False)

    def plan(self, session: Session) -> Plan:
        """What it comes to. Nothing is sent.

        Raises:
            InvalidRequestError, UsageError: with every mistake.
            RefusedError: it can be planned, and may not be sent.
        """
        plan = plan_form(session, self.state, self.variables, self.wrong)
        try:
            plan.check()
        except (CreditLimitError, NotConnectedError) as error:
            raise RefusedError(plan, error) from None
        return plan


class ArrivingError(RivyaError):
    """Something that belongs to it is still on its way."""

    def __init__(self, words: str) -> None:
        super().__init__(f"Nothing was sent: {words} had not arrived yet")


class DearerError(RivyaError):
    """It costs more by now than it was offered for: `plan` says how much."""

    def __init__(self, plan: Plan, offered: int) -> None:
        super().__init__(f"the price has changed from {offered:,} to {count(plan.credits, 'credit')}")
        self.plan = plan


class Generating:
    """Sends what is clicked. `read` gives what stands in the form, and `price` the credits that are on offer for
    just that, None where its price is not shown yet; `started` is called with each run, `refused` with what was
    asked and could not be sent, and why, both on the session's loop.

    A cell may be running when a click arrives, and the loop then turns much later: what counts is the form at
    the click, and nothing is sent for more credits than were offered for it then. Clicks are dealt with one
    after another; one that asks for just what an earlier one that is not through yet asks for was made out of
    impatience.
    """

    def __init__(
        self,
        session: Session,
        offer: Offer,
        background: Background,
        *,
        read: Callable[[], Asked],
        price: Callable[[Asked], int | None],
        started: Callable[[Run], None],
        refused: Callable[[Asked, RivyaError], None],
    ) -> None:
        self._session = session
        self._offer = offer
        self._background = background
        self._read = read
        self._price = price
        self._started = started
        self._refused = refused
        self._going: list[Asked] = []
        self._turn = asyncio.Lock()
        offer.button.on_click(lambda _: self._click())

    def _click(self) -> None:
        """Generate was pressed; this comes on any thread."""
        self._offer.note("")
        asked = self._read()
        self._background.start(self._go(asked, self._price(asked)))

    async def _go(self, asked: Asked, offered: int | None) -> None:
        if asked in self._going:
            return
        self._going.append(asked)
        try:
            async with self._turn:
                run = await asyncio.to_thread(self._send, asked, offered)
        except (InvalidRequestError, UsageError, RefusedError, ArrivingError, DearerError) as error:
            self._refused(asked, error)
        else:
            self._started(run)
        finally:
            self._going.remove(asked)

    def _send(self, asked: Asked, offered: int | None) -> Run:
        """Send what was asked for, where it was `offered` at that price or less."""
        if asked.arriving:
            raise ArrivingError(asked.arriving)
        while True:
            plan = asked.plan(self._session)
            if offered is not None and plan.credits > offered:
                raise DearerError(plan, offered)
            # What the history has is looked up once more when it is sent.
            plan.max_credits = plan.credits
            with suppress(CreditLimitError):
                return plan.run()
