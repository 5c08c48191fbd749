"""The model of the panel: what stands in its form, what that costs, and its runs. It knows no widget.

Widgets show what they observe here, and call these methods. A click calls `generate`, which plans, checks the
balance and starts the run.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import traitlets

from rivya_nb.contract.catalogue import Model, Param, common_params
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.balance import Balance
from rivya_nb.control_panel.clicks import Click, DearerError, NotSentError
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.offer import Offer, RefusedError, offered
from rivya_nb.control_panel.origins import Origins
from rivya_nb.control_panel.recalled import Recalled
from rivya_nb.control_panel.references import References
from rivya_nb.control_panel.runs import PanelRun, unfinished_runs
from rivya_nb.errors import (
    CreditLimitError,
    DatabaseUnreachableError,
    InvalidRequestError,
    Mistake,
    RivyaError,
    StoreError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session

PAUSE = 0.15
"""Seconds between two plans, however fast a slider moves."""

BALANCE_PAUSE = 0.5
"""Seconds between two sums of what the runs have spent."""

CREDITS_PAUSE = 10.0
"""Seconds between two questions for the balance, while Generate waits for credits."""

MOST_ENDED = 6
"""Runs that have ended and are still shown; all of them are in the gallery."""

_log = logging.getLogger(__name__)


class PanelModel(Background):
    """`form` is what stands in the form, `outcome` the last plan or why there is none, and `offer` both in words.

    `balance` is what is left, in credits, and None where that is not known, which `balance_asked` tells from not
    asked yet. `notice` says what became of a click that sent nothing. `recalled` is the last recall, `runs` are
    the runs that are shown, newest first, and `last_run` the one that was started last. `cells` counts the cells
    of the notebook that have run, `ended` the runs that have.

    Messages of widgets come on any thread. Plans are made in worker threads; all else happens on the session's
    loop. The state is kept in the store under `name`, for the next panel of that name.
    """

    form = traitlets.Instance(FormState, ())
    outcome: Any = traitlets.Any(None)
    offer = traitlets.Instance(Offer, ())
    balance = traitlets.Int(None, allow_none=True)
    balance_asked = traitlets.Bool(False)
    notice = traitlets.Unicode()
    recalled = traitlets.Instance(Recalled, allow_none=True)
    runs: tuple[PanelRun, ...] = traitlets.Tuple()  # type: ignore[assignment]
    last_run: Any = traitlets.Any(None)
    cells = traitlets.Int(0)
    ended = traitlets.Int(0)

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(session.work_loop)
        self.session = session
        self.name = name
        self.references = References(session)
        self._balance = Balance(session)
        self._shell = _notebook_shell()
        self.origins = Origins(session, self._variables)
        self._keeping = threading.RLock()
        self._offered: Click | None = None
        self._clicks: list[Click] = []
        self._turn = asyncio.Lock()
        self._is_plan_wanted = self._is_planning = self._is_weighing = self._is_waiting = False
        self.form = self._kept = FormState.from_json(session.store.panel_states.get(name) or {})
        self.observe(self._edited, "form")
        self.references.observe(self._recall, "recall")
        self.references.observe(self._arriving, "arriving")
        self.references.observe(self._table_came, "table")

    def open(self) -> None:
        """Plan the form, ask for the balance and follow unfinished runs; widgets observe the model by now."""
        for run in reversed(unfinished_runs(self.session)):
            self._add(run)
        self.session.store.deletions.subscribe(self.request_plan)
        self.session.store.arrivals.subscribe(self.weigh)
        if self._shell is not None:
            self._shell.events.register("post_run_cell", self._cell_ran)
        self.start(self._ask_balance())
        self.request_plan()

    @property
    def plan(self) -> Plan | None:
        """The last plan, also one that may not be sent; None where something in the form is wrong."""
        if isinstance(self.outcome, RefusedError):
            return self.outcome.plan
        return None if isinstance(self.outcome, RivyaError) else self.outcome

    @property
    def mistakes(self) -> Sequence[Mistake]:
        return self.outcome.mistakes if isinstance(self.outcome, (InvalidRequestError, UsageError)) else ()

    @property
    def models(self) -> list[Model]:
        """The chosen models, as far as they are known."""
        return [self.session.catalogue[each] for each in self.form.models if each in self.session.catalogue]

    @property
    def params(self) -> list[Param]:
        """The params that all chosen models take, in the form's order."""
        return sorted(common_params(self.models), key=lambda param: param.key != SEED_KEY)

    def close(self) -> None:
        """Keep the form, and end everything but the runs themselves."""
        if self.closed:
            return
        with self._keeping:
            # The store may be gone, or read-only; the panel is closed all the same.
            with suppress(StoreError):
                self._keep(self.form)
            super().close()
        if self._shell is not None:
            self._shell.events.unregister("post_run_cell", self._cell_ran)
        self.references.close()
        for run in self.runs:
            run.close()

    def complain(self, text: str) -> None:
        self._show(RivyaError(text))

    # The form

    def put(self, state: FormState) -> None:
        self.form = state

    def recall(self, request: Request) -> None:
        """Put a request into the form; the name, the limit and the grid stay, since no picture has them."""
        now = self.form
        asked = FormState.of_request(request)
        self.put(replace(asked, name=now.name, max_credits=now.max_credits, rows=now.rows, cols=now.cols))
        self.recalled = Recalled.first(now, self.form)

    def exchange_recalled(self) -> None:
        """Put back what the last recall has replaced, or recall once more: nothing that was written is lost."""
        if self.recalled is not None:
            now, recalled = self.form, self.recalled
            self.put(recalled.other)
            self.recalled = recalled.exchanged(now)

    def _edited(self, _: object) -> None:
        self.notice = ""
        self.request_plan()

    def _recall(self, _: object) -> None:
        if self.references.recall is not None:
            self.recall(self.references.recall)

    def _table_came(self, _: object) -> None:
        if self.references.table:
            self.put(replace(self.form, prompts=self.references.table))

    def _keep(self, state: FormState) -> None:
        """Keep the state in the store, unless this panel is closed: then another one may have its name."""
        with self._keeping:
            if not self.closed and state != self._kept:
                self._kept = state
                self.session.store.panel_states.put(self.name, state.as_json())

    def _click(self) -> Click:
        return Click(self.form, self._variables(), self.references.arriving)

    def _variables(self) -> dict[str, object]:
        return {} if self._shell is None else dict(self._shell.user_ns)

    # Planning

    def request_plan(self) -> None:
        """Plan soon what stands in the form: once for all requests that come meanwhile. Called on any thread."""
        self.on_loop(self._want_plan)

    def _want_plan(self) -> None:
        self._is_plan_wanted = True
        if not self._is_planning:
            self._is_planning = True
            self.start(self._plan_while_wanted())

    async def _plan_while_wanted(self) -> None:
        try:
            while self._is_plan_wanted:
                self._is_plan_wanted = False
                try:
                    self._offered, outcome = await self.aside(self._planned)
                    self._show(outcome)
                    # Nothing tells when the database is back.
                    self._is_plan_wanted |= isinstance(outcome, DatabaseUnreachableError)
                except Exception:
                    # A bug must not end the planning for good.
                    _log.exception("the form could not be planned")
                # After the plan, so that a worker thread that is late shortens no pause.
                await asyncio.sleep(PAUSE)
        finally:
            self._is_planning = False

    def _planned(self) -> tuple[Click, Plan | RivyaError]:
        click = self._click()
        try:
            self._keep(click.state)
            return click, click.plan(self.session)
        except RivyaError as error:
            return click, error

    def _show(self, outcome: Plan | RivyaError) -> None:
        self.outcome = outcome
        self._show_offer()

    def _show_offer(self) -> None:
        self.offer = offered(self.outcome, self._balance, self.references.arriving, self.references.names)
        if self.offer.lacks_credits and not self._is_waiting:
            self._is_waiting = True
            self.start(self._wait_for_credits())

    def _arriving(self, _: object) -> None:
        self.on_loop(self._show_offer)

    # The balance

    def weigh(self) -> None:
        """Sum up soon what the runs have spent. Called on any thread."""
        if not self._is_weighing:
            self._is_weighing = True
            self.start(self._weigh())

    async def _weigh(self) -> None:
        await asyncio.sleep(BALANCE_PAUSE)
        self._is_weighing = False
        self._show_balance()

    async def _ask_balance(self) -> None:
        await self._balance.ask()
        self._show_balance()

    def _show_balance(self) -> None:
        self.balance_asked = self._balance.asked
        self.balance = self._balance.credits
        self._show_offer()

    async def _wait_for_credits(self) -> None:
        """Credits may arrive while Generate waits for them."""
        while self.offer.lacks_credits:
            await asyncio.sleep(CREDITS_PAUSE)
            await self._ask_balance()
        self._is_waiting = False

    # Generating

    def generate(self) -> None:
        """Send what stands in the form now, for at most the price that is on offer. Called on any thread.

        If a cell is running, the loop turns much later: what counts is the form at the click.
        """
        self.notice = ""
        click = self._click()
        self.start(self._generate(click, self.offer.price if click == self._offered else None))

    async def _generate(self, click: Click, price: int | None) -> None:
        # A second click on the same form is impatience, until the first one is through.
        if click in self._clicks:
            return
        self._clicks.append(click)
        try:
            async with self._turn:
                self._started(await self._send(click, price))
        except (InvalidRequestError, UsageError, RefusedError, NotSentError, DearerError) as error:
            self._refuse(click, error)
        finally:
            self._clicks.remove(click)

    async def _send(self, click: Click, price: int | None) -> Run:
        if click.arriving:
            raise NotSentError(f"{click.arriving} had not arrived yet")
        while True:
            plan = await self.aside(click.plan, self.session)
            if price is not None and plan.credits > price:
                raise DearerError(plan, price)
            if lacking := await self._balance.surely_lacks(plan.credits):
                raise NotSentError(lacking)
            # When it is sent, the history is searched once more: what it has lost by then would cost more.
            plan.max_credits = plan.credits
            try:
                return await self.aside(plan.run)
            except CreditLimitError as error:
                if error.until is not None:
                    # Another kernel has used a limit of the store up meanwhile.
                    raise RefusedError(plan, error) from None

    def _started(self, run: Run) -> None:
        self.recalled = None
        self.last_run = run
        self._add(run)
        self.request_plan()

    def _refuse(self, click: Click, why: RivyaError) -> None:
        """Say why a click was not sent; a form that has changed since is left as it is."""
        if isinstance(why, NotSentError):
            self.notice = str(why)
            self._show_balance()
        elif click != self._click():
            self.notice = f"What was clicked before the form changed was not sent: {why}"
        elif isinstance(why, DearerError):
            text = str(why)
            self.notice = f"{text[0].upper()}{text[1:]}: press Generate again"
            self._offered = click
            self._show(why.plan)
        else:
            self._show(why)

    # Runs

    def _add(self, run: Run) -> None:
        """Show a run as the newest, and no more than `MOST_ENDED` that have ended."""
        added = PanelRun(self.session, self._balance, run)
        added.observe(self._looked, "looks")
        added.observe(self._run_ended, "ends")
        gone = [each for each in self.runs if not each.run.is_working][MOST_ENDED - 1 :]
        self.runs = (added, *(each for each in self.runs if each not in gone))
        for each in gone:
            each.close()
        # By now a row observes it.
        added.follow()

    def _looked(self, _: object) -> None:
        self.weigh()

    def _run_ended(self, _: object) -> None:
        self.ended += 1
        self.request_plan()
        self.start(self._ask_balance())

    def _cell_ran(self, *_: object) -> None:
        """The prompt's variables may have changed, and pictures may have been bought."""
        self.cells += 1
        self.request_plan()
        self.weigh()


def _notebook_shell() -> Any:
    """The shell whose variables go into a prompt; None outside a notebook."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
