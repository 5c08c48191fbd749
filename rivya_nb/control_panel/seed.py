"""The control of the seed: a field, a die, a lock, and the numbers around one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import traitlets

from rivya_nb.contract.catalogue import Param
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.labels import title
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.planning.seeds import LARGEST_SEED

AROUND = 2
"""How many numbers below and above a seed *vary around* takes."""

UNSET = "drawn for each run"


class SeedControl(traitlets.HasTraits):
    """The seed as the magic takes it: a number, a list, a range, `none`, or nothing, which draws one.

    Without the lock, the field is emptied after each run, so that the next run draws anew. A seed that somebody
    types or rolls is locked at once. `written` is the text, and whether more than one seed may be meant.
    """

    written: tuple[str, bool] = traitlets.Tuple(("", False))  # type: ignore[assignment]

    def __init__(self, param: Param) -> None:
        super().__init__()
        self.param = param
        self._field = make(ipywidgets.Text, description=title(param.key), placeholder=UNSET)
        self._die = _button("⚄", "Roll the die", self._roll)
        self._lock = make(
            ipywidgets.ToggleButton, description="lock", tooltip="Lock: keep it for the next runs"
        )
        self._around = _button("±", "Vary around it", self._spread)
        self._count = markup.empty()
        self._mistakes = markup.empty()
        row = make(ipywidgets.HBox, [self._field, self._die, self._around, self._lock], classes="rivya-seed")
        self.widget = make(
            ipywidgets.VBox, [self._count, row, self._mistakes], classes="rivya-control rivya-wide"
        )
        self._field.observe(self._typed, "value")
        self._putting = False

    @property
    def several(self) -> bool:
        """Whether more than one seed may be meant; the field takes lists and ranges as they are."""
        return any(sign in self.text for sign in (",", ".."))

    @property
    def text(self) -> str:
        """What is written, as on the magic's line."""
        return str(self._field.value).strip()

    def put(self, text: str, _several: bool = False, _exact: bool = False) -> None:
        """Show these seeds, locked where there are any."""
        self._putting = True
        try:
            self._field.value = text
            self._lock.value = bool(text)
        finally:
            self._putting = False
        self._note()

    def used(self, seeds: Sequence[object]) -> None:
        """A run has drawn these seeds: they are named, and the field is free for the next one's."""
        if not self._lock.value:
            self.put("")
            self._field.placeholder = f"{UNSET}; last {', '.join(map(str, seeds))}" if seeds else UNSET

    def show(self, mistakes: Sequence[str], count: int) -> None:
        """Show what is wrong with it, and how many seeds it stands for."""
        self._mistakes.value = markup.mistakes_html(mistakes)
        self._count.value = f'<span class="rivya-chip">axis · {count}</span>' if count > 1 else ""

    def close(self) -> None:
        give_up(self.widget)

    def _typed(self, _: object) -> None:
        if not self._putting:
            self._lock.value = bool(self.text)
            self._note()

    def _note(self) -> None:
        self.written = (self.text, self.several)

    def _roll(self, _: object) -> None:
        low, high = self._bounds()
        self.put(str(random.SystemRandom().randint(low, high)))

    def _spread(self, _: object) -> None:
        """The numbers around the seed that stands there; around a new one where nothing does."""
        if not self.text:
            self._roll(None)
        if not self.text.isdecimal():
            return
        low, high = self._bounds()
        seed = min(max(low, int(self.text)), high)
        self.put(f"{max(low, seed - AROUND)}..{min(high, seed + AROUND)}")

    def _bounds(self) -> tuple[int, int]:
        low = int(self.param.minimum or 0)
        return low, LARGEST_SEED if self.param.maximum is None else int(self.param.maximum)


def _button(text: str, name: str, act: Callable[[object], None]) -> Any:
    button = make(ipywidgets.Button, description=text, tooltip=name)
    button.on_click(act)
    return button
