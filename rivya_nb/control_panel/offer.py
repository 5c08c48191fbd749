"""What the form comes to, in words: how many pictures at what price, and why Generate waits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.control_panel.labels import listed, title
from rivya_nb.errors import CreditLimitError, InvalidRequestError, NotConnectedError, RivyaError, UsageError
from rivya_nb.planning.ask import REFERENCES_AXIS
from rivya_nb.typed import typed

if TYPE_CHECKING:
    from rivya_nb.control_panel.balance import Balance
    from rivya_nb.session.plan import Plan


class RefusedError(RivyaError):
    """The form can be planned, and the plan may not be sent: `why` says so."""

    def __init__(self, plan: Plan, why: RivyaError) -> None:
        super().__init__(str(why))
        self.plan = plan
        self.why = why


@dataclass(frozen=True)
class Offer:
    """`head` is the one thing to read first, `shape` the lengths of the axes, and `lines` say the price and what
    else there is to know. `reason` is why Generate waits, empty where it can be pressed. `price` is in credits.
    """

    head: str = ""
    shape: str = ""
    lines: tuple[str, ...] = ()
    reason: str = ""
    price: int | None = None
    lacks_credits: bool = False


def offered(
    outcome: Plan | RivyaError | None, balance: Balance, arriving: str, files: Collection[str]
) -> Offer:
    """What is offered for what a plan came to. `files` are the names of the references in mistakes, and
    `arriving` says which of them are on their way."""
    if outcome is None:
        return Offer()
    wait = f"Generate waits for {arriving}" if arriving else ""
    if isinstance(outcome, RivyaError):
        reason = wait or _waits_for(outcome, files)
        if not isinstance(outcome, RefusedError):
            return Offer("Nothing to send yet", reason=reason)
        return Offer(*_words(outcome.plan, balance), reason=reason)
    lacking = balance.lacks(outcome.credits)
    if lacking and not wait:
        wait = f"Generate waits for credits: {lacking}"
    return Offer(*_words(outcome, balance), wait, outcome.credits, bool(lacking))


def _waits_for(error: RivyaError, files: Collection[str]) -> str:
    """Why nothing can be sent: where to look, or what is wrong where no control shows it."""
    why = error.why if isinstance(error, RefusedError) else error
    if isinstance(why, NotConnectedError):
        connect = typed("connect", "%load_ext rivya_nb and %rivya connect")
        return f"Generate waits for a key: run {connect}, then the panel's cell again"
    if isinstance(why, CreditLimitError) and why.enough is not None:
        return f"Generate waits for a credit limit of {why.enough:,}"
    mistakes = why.mistakes if isinstance(why, (InvalidRequestError, UsageError)) else ()
    wrong = [mistake.where for mistake in mistakes if mistake.where]
    if wrong:
        places = [REFERENCES_AXIS if where in files else title(where).lower() for where in wrong]
        return f"Generate waits for {listed(f'the {place}' for place in dict.fromkeys(places))}"
    return f"Generate waits: {mistakes[0].message if mistakes else why}"


def _words(plan: Plan, balance: Balance) -> tuple[str, str, tuple[str, ...]]:
    """How many pictures, in which shape, and at what price, what would be left, and the plan's notes."""
    axes = [len(axis) for axis in plan.expansion.axes]
    pictures = len({job.id for job in (*plan.draft.costing, *plan.draft.reused)})
    price = [plan.price_words]
    if plan.draft.reused:
        price.append(f"{len(plan.draft.reused):,} from the history at no cost")
    if plan.draft.unpriced:
        price.append(f"{plan.draft.unpriced:,} without a documented price")
    if twins := len(plan) - pictures:
        price.append(f"{count(twins, 'cell')} {'shows' if twins == 1 else 'show'} one that another shows too")
    known, promised = balance.credits, balance.promised
    if known is not None:
        left = known - promised - plan.credits
        if promised:
            price.append(f"{promised:,} for runs that go on")
        price.append(f"{left:,} left after" if left >= 0 else f"{-left:,} more than there are")
    shape = " × ".join(map(str, axes)) if len(axes) > 1 else ""
    return count(pictures, plan.noun), shape, (" · ".join(price), *plan.notes)
