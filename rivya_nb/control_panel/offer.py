"""What the form comes to: how many pictures at what price, the button that asks for them, and why it waits."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import ipywidgets

from rivya_nb.contract.text import count
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.controls import title
from rivya_nb.control_panel.making import make
from rivya_nb.errors import CreditLimitError, InvalidRequestError, NotConnectedError, RivyaError, UsageError
from rivya_nb.planning.ask import REFERENCES_AXIS

if TYPE_CHECKING:
    from rivya_nb.control_panel.balance import Balance
    from rivya_nb.session.plan import Plan


class Offer:
    """The foot of the form. `widget` is what is shown, `button` what asks for the pictures."""

    def __init__(self, balance: Balance) -> None:
        self._balance = balance
        self._outcome: Plan | RivyaError | None = None
        self._files: Collection[str] = ()
        self._why = ""
        self._arriving = ""
        self._summary = markup.empty("rivya-summary")
        self._reason = markup.empty("rivya-reason")
        self.button = make(
            ipywidgets.Button,
            description="Generate",
            button_style="primary",
            disabled=True,
            classes="rivya-once",
        )
        ask = make(ipywidgets.HBox, [self._summary, self.button], classes="rivya-ask")
        self._notice = markup.empty()
        self.widget = make(ipywidgets.VBox, [ask, self._reason, self._notice])

    @property
    def summary(self) -> str:
        """What the button would do, and what it would cost, as HTML."""
        return str(self._summary.value)

    @property
    def reason(self) -> str:
        """Why it cannot be pressed, as HTML; empty where it can."""
        return str(self._reason.value)

    @property
    def notice(self) -> str:
        """What became of a click that sent nothing, as HTML."""
        return str(self._notice.value)

    @property
    def price(self) -> int | None:
        """The credits that it is offered for; None where nothing is."""
        offered = self._outcome
        return None if offered is None or isinstance(offered, RivyaError) else offered.credits

    def note(self, text: str) -> None:
        """Say what became of a click that sent nothing; nothing any more where the text is empty."""
        self._notice.value = markup.mistakes_html([text] if text else ())

    def show(self, outcome: Plan | RivyaError, files: Collection[str] = ()) -> None:
        """Offer what a plan asks for, or say why there is none; `files` are what mistakes call the references."""
        self._outcome, self._files = outcome, files
        self._draw(again=False)

    def weigh(self) -> None:
        """The balance is known anew, or runs will take more of it, or less."""
        self._draw(again=True)

    def wait_for(self, arriving: str) -> None:
        """Offer nothing while this is on its way; what was offered again where the words are empty."""
        self._arriving = arriving
        if self._outcome is not None:
            self._say()

    def _say(self) -> None:
        reason = f"Generate waits for {self._arriving}" if self._arriving else self._why
        self._reason.value = markup.quiet_html(reason)
        self.button.disabled = bool(reason)

    def _draw(self, *, again: bool) -> None:
        if self._outcome is None:
            return
        balance, promised = self._balance.credits, self._balance.promised
        plan = self._outcome.plan if isinstance(self._outcome, RefusedError) else self._outcome
        if isinstance(plan, RivyaError):
            self._summary.value = markup.strong_html("Nothing to send yet")
        else:
            self._summary.value = _price_html(plan, balance, promised)
        if isinstance(self._outcome, RivyaError):
            self._balance.trust()
            self._why = _waits_for(self._outcome, self._files)
        elif lacking := self._balance.lacks(self._outcome.credits):
            self._why = f"Generate waits for credits: {lacking}"
            self._balance.doubt(again=again)
        else:
            self._why = ""
            self._balance.trust()
        self._say()


class RefusedError(RivyaError):
    """What the form says can be planned, and the plan may not be sent: `why` tells it."""

    def __init__(self, plan: Plan, why: RivyaError) -> None:
        super().__init__(str(why))
        self.plan = plan
        self.why = why


def _waits_for(error: RivyaError, files: Collection[str]) -> str:
    """Why nothing can be sent: where to look, or what is wrong where no control stands for it."""
    why = error.why if isinstance(error, RefusedError) else error
    if isinstance(why, NotConnectedError):
        return "Generate waits for a key: run %rivya connect in a cell, then the panel's cell again"
    if isinstance(why, CreditLimitError) and why.enough is not None:
        return f"Generate waits for a credit limit of {why.enough:,}"
    mistakes = why.mistakes if isinstance(why, (InvalidRequestError, UsageError)) else ()
    wrong = [mistake.where for mistake in mistakes if mistake.where]
    places = [REFERENCES_AXIS if where in files else title(where).lower() for where in wrong]
    if places:
        *others, last = (f"the {place}" for place in dict.fromkeys(places))
        return f"Generate waits for {', '.join(others)}{' and ' if others else ''}{last}"
    return f"Generate waits: {mistakes[0].message if mistakes else why}"


def _price_html(plan: Plan, balance: int | None, promised: int) -> str:
    """How many pictures, in which shape, at what price, what would be left, and what else there is to know."""
    axes = [len(axis) for axis in plan.expansion.axes]
    shape = " × ".join(map(str, axes)) if len(axes) > 1 else ""
    pictures = len({job.id for job in (*plan.draft.costing, *plan.draft.reused)})
    price = [count(plan.credits, "credit")]
    if plan.draft.reused:
        price.append(f"{len(plan.draft.reused):,} from the history at no cost")
    if plan.draft.unpriced:
        price.append(f"{plan.draft.unpriced:,} without a documented price")
    if twins := len(plan) - pictures:
        price.append(f"{count(twins, 'cell')} {'shows' if twins == 1 else 'show'} one that another shows too")
    if balance is not None:
        left = balance - promised - plan.credits
        if promised:
            price.append(f"{promised:,} for runs that go on")
        price.append(f"{left:,} left after" if left >= 0 else f"{-left:,} more than there are")
    head = markup.strong_html(count(pictures, "picture")) + (
        markup.quiet_html(f" · {shape}") if shape else ""
    )
    lines = [head, *map(markup.quiet_html, [" · ".join(price), *plan.notes])]
    return "".join(f"<div>{line}</div>" for line in lines)
