"""The foot of the form: what the form comes to, the button that asks for it, and why that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.making import make

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel


class GenerateButton:
    """Shows the offer of a panel's model, and `button`, which takes it."""

    def __init__(self, model: PanelModel) -> None:
        self._model = model
        self.summary = markup.empty("rivya-summary")
        self.reason = markup.empty("rivya-reason")
        self.notice = markup.empty()
        self.button = make(
            ipywidgets.Button,
            description="Generate",
            button_style="primary",
            disabled=True,
            classes="rivya-once",
        )
        self.button.on_click(lambda _: model.generate())
        ask = make(ipywidgets.HBox, [self.summary, self.button], classes="rivya-ask")
        self.widget = make(ipywidgets.VBox, [ask, self.reason, self.notice])
        model.observe(self._show, "offer")
        model.observe(self._tell, "notice")

    def _show(self, _: object) -> None:
        offer = self._model.offer
        head = markup.strong_html(offer.head)
        if offer.shape:
            head += markup.quiet_html(f" · {offer.shape}")
        lines = (head, *map(markup.quiet_html, offer.lines))
        self.summary.value = "".join(f"<div>{line}</div>" for line in lines)
        self.reason.value = markup.quiet_html(offer.reason)
        self.button.disabled = bool(offer.reason)

    def _tell(self, _: object) -> None:
        self.notice.value = markup.mistakes_html([self._model.notice] if self._model.notice else ())
