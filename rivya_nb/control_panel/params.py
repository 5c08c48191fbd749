"""The controls of the params that the chosen models take.

`controls.py` has the control of any param, made from its record; one that needs more gets a class of its own, as
the seed does in `seed.py`, and its place in `_made` here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.control_panel.controls import ParamControl
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.making import make
from rivya_nb.control_panel.seed import SeedControl

Control = ParamControl | SeedControl


class ParamControls:
    """A control for each param, in `controls` by its key. `widget` is what is shown.

    Values of params that the present models do not take are kept: they are there again with a model that does.
    """

    def __init__(self) -> None:
        self.controls: dict[str, Control] = {}
        self.widget = make(ipywidgets.Box, classes="rivya-params")
        self._kept: dict[str, tuple[str, bool]] = {}
        # What each control showed at first, which may be less than what was kept for it.
        self._shown: dict[str, tuple[str, bool]] = {}

    @property
    def written(self) -> dict[str, tuple[str, bool]]:
        """The text of each control, and whether it is an axis."""
        return {key: control.written for key, control in self.controls.items()}

    def keep(self) -> None:
        """Keep what the user has changed for the next models; a value that was taken away does not come back."""
        self._kept |= {key: now for key, now in self.written.items() if now != self._shown.get(key)}

    def put(self, state: FormState) -> None:
        """Forget what was kept, and take the values of this state for the controls that are made next."""
        self._kept = {key: (text, key in state.several) for key, text in state.params.items()}

    def build(self, params: Sequence[Param], *, exact: bool) -> None:
        """Make the controls of these params, with the values that still apply. `exact` values of a state are sent
        also where they are the default."""
        gone = list(self.controls.values())
        self.controls = {param.key: self._made(param, exact) for param in params}
        self._shown = self.written
        self.widget.children = [control.widget for control in self.controls.values()]
        for control in gone:
            control.close()

    def used(self, seeds: Sequence[int]) -> None:
        control = self.controls.get(SEED_KEY)
        if isinstance(control, SeedControl):
            control.used(seeds)

    def show(self, messages: Mapping[str, Sequence[str]], sizes: Mapping[str, int]) -> None:
        """Show what is wrong with each param, and how many values it has as an axis."""
        for key, control in self.controls.items():
            control.show(messages[key], sizes.get(key, 1))

    def _made(self, param: Param, exact: bool) -> Control:
        control: Control = (SeedControl if param.key == SEED_KEY and not param.options else ParamControl)(
            param
        )
        text, several = self._kept.get(param.key, ("", False))
        control.put(text, several, exact)
        return control
