"""A row for each run of a panel, with its progress and its buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from rivya_nb.contract.text import count, printable
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.making import give_up, make, show
from rivya_nb.views.words import NOTHING_TO_STOP, SENT_GOES_ON

if TYPE_CHECKING:
    from rivya_nb.control_panel.runs import PanelRun

_LONGEST = 240
"""Characters of a reason in a row; the run's own tab has all of it."""

_LONGEST_NAME = 30
"""Characters of a run's name in its row."""


class RunRow:
    """One run: its number, a bar, how far it is, and buttons to show it, stop it, retry it, or collect what it has
    left. `show_pictures` is called for the first of these."""

    def __init__(self, run: PanelRun, show_pictures: Callable[[], None]) -> None:
        self.run = run
        number, named = run.run.id, run.run.noun
        self._bar = make(ipywidgets.IntProgress, min=0, max=max(1, len(run.run.jobs)))
        self._text, self._said = markup.empty(), markup.empty()
        self._why, self._told = markup.empty("rivya-why"), markup.empty("rivya-told")
        show(self._why, False)
        self._heard = markup.empty("rivya-heard")
        self._stop = _button("Stop", f"Stop run {number}", run.stop)
        self.retry = _button("Retry", f"Retry the failed {named}s of run {number}", run.retry)
        self._resume = _button("Resume", f"Resume run {number}", run.resume)
        self._rest = _button("Send the rest", f"Send the rest of run {number}", run.send_rest)
        pictures = _button(f"{named}s".capitalize(), f"Show the {named}s of run {number}", show_pictures)
        show(pictures, True)
        head = make(ipywidgets.HTML, self._head)
        buttons = [pictures, self._stop, self.retry, self._resume, self._rest]
        said = [self._why, self._told, self._said, self._heard]
        shown = [head, self._bar, self._text, *buttons, *said]
        self.widget = make(ipywidgets.HBox, shown, classes="rivya-run-row")
        run.observe(self._show, "looks")
        run.observe(self._tell, ["told", "said"])

    @property
    def text(self) -> str:
        """How far the run is, why it is no further, and what Stop did, as HTML."""
        return f"{self._text.value} {self._why.value} {self._told.value}"

    def close(self) -> None:
        """Give the widgets up; the run goes on."""
        self.run.unobserve_all()
        give_up(self.widget)

    @property
    def _head(self) -> str:
        name = printable(self.run.run.name or "", _LONGEST_NAME)
        number = markup.strong_html(f"Run {self.run.run.id}")
        return number + (f" {markup.quiet_html(name)}" if name else "")

    def _show(self, _: object) -> None:
        # Asked first: if a job ends meanwhile, the row must not show an ended run that goes on.
        working = self.run.run.is_working
        line = self.run.run.line()
        # Read out once: the text that is seen counts the seconds.
        self._heard.value = "" if working else markup.quiet_html(f"Run {self.run.run.id}: {line}")
        self._bar.value = self.run.done
        self._bar.bar_style = "danger" if self.run.has_failed and not working else ""
        self._text.value = markup.quiet_html(line)
        self._why.value = markup.quiet_html(printable(self.run.run.why(), _LONGEST))
        show(self._why, bool(self._why.value))
        show(self._stop, working)
        self._show_stop()
        show(self.retry, not working and self.run.can_retry)
        show(self._resume, not working and self.run.can_resume)
        self._rest.description = f"Send the rest ({count(self.run.price_of_rest, 'credit')})"
        show(self._rest, not working and self.run.can_send_rest)

    def _show_stop(self) -> None:
        """Keep Stop in its place also once it has nothing to do: it keeps the focus, and a press tells why. The
        first line of its tooltip is its name, the second one describes that."""
        name = f"Stop run {self.run.run.id}"
        idle = not self.run.run.stoppable
        self._stop.tooltip = f"{name}\n{NOTHING_TO_STOP}; {SENT_GOES_ON}" if idle else name
        (self._stop.add_class if idle else self._stop.remove_class)("rivya-spent")

    def _tell(self, _: object) -> None:
        self._told.value = markup.quiet_html(self.run.told)
        self._said.value = markup.mistakes_html([self.run.said] if self.run.said else ())


def _button(text: str, name: str, act: Callable[[], None]) -> Any:
    button = make(ipywidgets.Button, description=text, tooltip=name, classes="rivya-small")
    show(button, False)
    button.on_click(lambda _: act())
    return button
