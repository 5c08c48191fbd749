"""The row of thumbnails of the panel's references, and the place to drop files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.widgets.late import LateWidget
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.control_panel.references import References


class StripWidget(LateWidget):
    """`items` are shown in their order, each with the number of its set, from 0 on; `several` says that the sets
    are an axis, `values` how many it has, `without` that one of them has no reference. `rules` is what is checked
    before a file is sent; `shrink` says that what is too large is encoded anew."""

    module = joined(Path(__file__).with_name("reference_strip.js"))
    items: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    several = traitlets.Bool(False).tag(sync=True)
    values = traitlets.Int(0).tag(sync=True)
    without = traitlets.Bool(False).tag(sync=True)
    rules: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    shrink = traitlets.Bool(False).tag(sync=True)


class ReferenceStrip:
    """Shows `references`, and what is wrong with them below."""

    def __init__(self, references: References) -> None:
        self._references = references
        self.strip = make(StripWidget, rules=references.rules)
        self._mistakes = markup.empty()
        self.widget = make(ipywidgets.VBox, [self.strip, self._mistakes], classes="rivya-control")
        self.strip.on_msg(lambda _, content, buffers: references.receive(content, buffers))
        self.strip.observe(self._shrink, "shrink")
        references.observe(self._show, "cards")
        references.observe(self._show_rules, "rules")
        references.observe(self._answer, "answer")
        references.observe(self._complain, "trouble")

    def show(self, mistakes: Sequence[str]) -> None:
        """Show what a plan says is wrong with them."""
        self._mistakes.value = markup.mistakes_html(mistakes)

    def close(self) -> None:
        self._references.unobserve_all()
        give_up(self.widget)

    def _shrink(self, _: object) -> None:
        self._references.shrink = self.strip.shrink

    def _show(self, _: object) -> None:
        with self.strip.hold_sync():
            for name, value in self._references.cards.items():
                setattr(self.strip, name, value)

    def _show_rules(self, _: object) -> None:
        self.strip.rules = self._references.rules

    def _answer(self, _: object) -> None:
        self.strip.send(self._references.answer)

    def _complain(self, _: object) -> None:
        self.show(self._references.trouble)
