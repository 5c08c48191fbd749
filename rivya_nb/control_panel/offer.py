"""What the form comes to: how many pictures at what price, the button that asks for them, and why it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.controls import title
from rivya_nb.errors import InvalidRequestError, NotConnectedError, RivyaError, UsageError
from rivya_nb.views.words import count

if TYPE_CHECKING:
    from rivya_nb.control_panel.balance import Balance
    from rivya_nb.results.plan import Plan


class Offer:
    """The foot of the form. `widget` is what is shown, `button` what asks for the pictures."""

    def __init__(self, balance: Balance) -> None:
        self._balance = balance
        self._outcome: Plan | RivyaError | None = None
        self._summary = markup.empty()
        self._summary.add_class("rivya-summary")
        self._reason = markup.empty()
        self._reason.add_class("rivya-reason")
        self.button = ipywidgets.Button(description="Generate", button_style="primary", disabled=True)
        self.button.add_class("rivya-once")
        ask = ipywidgets.HBox([self._summary, self.button])
        ask.add_class("rivya-ask")
        self.widget = ipywidgets.VBox([ask, self._reason])

    @property
    def summary(self) -> str:
        """What the button would do, and what it would cost, as HTML."""
        return str(self._summary.value)

    @property
    def reason(self) -> str:
        """Why it cannot be pressed, as HTML; empty where it can."""
        return str(self._reason.value)

    def show(self, outcome: Plan | RivyaError) -> None:
        """Offer what a plan asks for, or say why there is none."""
        self._outcome = outcome
        self._draw(again=False)

    def weigh(self) -> None:
        """The balance is known anew."""
        self._draw(again=True)

    def _draw(self, *, again: bool) -> None:
        outcome, left = self._outcome, self._balance.credits
        if outcome is None:
            return
        if isinstance(outcome, RivyaError):
            summary, reason = markup.strong_html("Nothing to send yet"), _waits_for(outcome)
        else:
            summary, reason = _price_html(outcome, left), _lacks(outcome, left)
        if isinstance(outcome, RivyaError) or not reason:
            self._balance.trust()
        else:
            self._balance.doubt(again=again)
        self._summary.value = summary
        self._reason.value = markup.quiet_html(reason)
        self.button.disabled = bool(reason)


def _waits_for(error: RivyaError) -> str:
    """Why nothing can be sent: where to look, or what is wrong where no control stands for it."""
    if isinstance(error, NotConnectedError):
        return "Generate waits for a key: run %rivya connect in a cell, then the panel's cell again"
    first = error.mistakes[0] if isinstance(error, (InvalidRequestError, UsageError)) else None
    if first is not None and first.where:
        return f"Generate waits for the {title(first.where).lower()}"
    return f"Generate waits: {error if first is None else first.message}"


def _lacks(plan: Plan, left: int | None) -> str:
    """Why the service would refuse a plan for its price; empty where it would not, as far as is known."""
    if left is None or plan.credits <= left:
        return ""
    return f"Generate waits for credits: {plan.credits:,} are needed, {left:,} are left"


def _price_html(plan: Plan, balance: int | None) -> str:
    """How many pictures, in which shape, at what price, and what would be left."""
    axes = [len(axis) for axis in plan.expansion.axes]
    shape = " × ".join(map(str, axes)) if len(axes) > 1 else ""
    price = [count(plan.credits, "credit")]
    if plan.draft.reused:
        price.append(f"{len(plan.draft.reused):,} from the history at no cost")
    if plan.draft.unpriced:
        price.append(f"{plan.draft.unpriced:,} without a documented price")
    if balance is not None:
        left = balance - plan.credits
        price.append(f"{left:,} left after" if left >= 0 else f"{-left:,} more than there are")
    head = markup.strong_html(count(len(plan), "picture")) + (
        markup.quiet_html(f" · {shape}") if shape else ""
    )
    return f"<div>{head}</div><div>{markup.quiet_html(' · '.join(price))}</div>"
