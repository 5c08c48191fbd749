"""What a click on Generate means: the form at that moment, and why it may not be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.control_panel.form_state import FormState, plan_form
from rivya_nb.control_panel.offer import RefusedError
from rivya_nb.errors import CreditLimitError, NotConnectedError, RivyaError

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.session import Session


@dataclass(frozen=True)
class Click:
    """The form at one moment, with the notebook's variables, and the references that were still on their way."""

    state: FormState
    variables: Mapping[str, object] = field(compare=False)
    arriving: str = field(compare=False)

    def plan(self, session: Session) -> Plan:
        """The plan that it asks for. Nothing is sent.

        Raises:
            InvalidRequestError: with every mistake.
            RefusedError: it can be planned, and may not be sent.
        """
        plan = plan_form(session, self.state, self.variables)
        try:
            plan.check()
        except (CreditLimitError, NotConnectedError) as error:
            raise RefusedError(plan, error) from None
        return plan


class NotSentError(RivyaError):
    """Nothing is wrong in the form, and nothing was sent all the same."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Nothing was sent: {why}")


class DearerError(RivyaError):
    """It costs more by now than it was offered for: `plan` says how much."""

    def __init__(self, plan: Plan, offered: int) -> None:
        super().__init__(f"the price has changed from {offered:,} to {count(plan.credits, 'credit')}")
        self.plan = plan
