"""The form: model, prompt, params, references, and what all of it would cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets

from rivya_nb.contract.catalogue import Model, Param, common_params
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.contract.text import as_sent, count, prompt_length
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.cell_view import CellView
from rivya_nb.control_panel.controls import ParamControl, framed
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.control_panel.model_picker import ModelPicker, entries, price_words
from rivya_nb.control_panel.recalled import Recalled
from rivya_nb.control_panel.references import References
from rivya_nb.control_panel.run_options import RunOptions
from rivya_nb.control_panel.seed import SeedControl
from rivya_nb.errors import Mistake
from rivya_nb.planning.ask import REFERENCES_AXIS

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.session import Session


class Control(Protocol):
    """What the form knows of a param's control."""

    param: Param
    widget: Any

    @property
    def text(self) -> str: ...
    @property
    def several(self) -> bool: ...
    def put(self, text: str, several: bool, exact: bool = ..., /) -> None: ...
    def show(self, mistakes: Sequence[str], count: int) -> None: ...
    def close(self) -> None: ...


class Form:
    """Everything that can be set. `changed` is called when the user has changed something, on any thread, and
    `arrives`, on the session's loop, when more or less of a reference is on its way.

    `state` reads the widgets, `put` sets them; `show` marks what a plan, or its refusal, says of them.
    """

    def __init__(self, session: Session, changed: Callable[[], None], arrives: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self._quiet = False
        # Values of params that the present model does not have: they are there again with one that has them.
        self._kept: dict[str, tuple[str, bool]] = {}
        self._controls: dict[str, Control] = {}
        # What each control showed at first, which may be less than what was kept for it.
        self._shown: dict[str, tuple[str, bool]] = {}
        self.balance: int | None = None
        self._balance_asked = False
        self.model = make(ModelPicker, models=entries(session.catalogue.values()))
        self._model_mistakes = markup.empty()
        self._price = markup.empty("rivya-beside")
        self._prompt = make(ipywidgets.Textarea, description="Prompt", rows=4)
        self._length = markup.empty("rivya-beside")
        self._prompt_mistakes = markup.empty()
        self._params = make(ipywidgets.Box, classes="rivya-params")
        self.options = RunOptions(self._note)
        self.references = References(session, self._note, arrives, self.recall)
        self.recalled = Recalled(session.work_loop, lambda: self.state, self.put)
        self._mistakes = markup.empty()
        self.cell = CellView(session, lambda: self.state)
        self.widget = self._composed()
        self._observe()

    def _composed(self) -> Any:
        prompt = framed(self._length, self._prompt, self._prompt_mistakes, classes="rivya-prompt")
        model = framed(self._price, self.model, self._model_mistakes)
        return make(
            ipywidgets.VBox,
            [
                self.recalled.widget,
                model,
                prompt,
                self._params,
                self.options.widget,
                self.references.widget,
                self._mistakes,
                self.cell.widget,
            ],
            classes="rivya-form",
        )

    def _observe(self) -> None:
        self.model.observe(self._model_changed, "values")
        self._prompt.observe(self._note, "value")

    @property
    def state(self) -> FormState:
        """What stands in the form."""
        written = self._written()
        state = FormState(
            models=tuple(self.model.values),
            prompt=str(self._prompt.value),
            params={key: text for key, (text, _) in written.items() if text},
            several=frozenset(key for key, (_, several) in written.items() if several),
            references=self.references.value,
        )
        return self.options.added_to(state)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """What is written and has no place in the state, since it cannot be read."""
        return self.options.mistakes

    def put(self, state: FormState) -> None:
        """Set every widget; params that the model does not have are kept for one that does."""
        self._quiet = True
        try:
            self._kept = {key: (text, key in state.several) for key, text in state.params.items()}
            for control in self._controls.values():
                control.put("", False)
            # That nobody has changed: it must not be kept in place of what the state says.
            self._shown = self._written()
            self._prompt.value = state.prompt
            self.options.put(state)
            self.references.put(state.references)
            if tuple(self.model.values) == state.models:
                self._build_controls(keep=False)
            self.model.put(state.models)
        finally:
            self._quiet = False
        self._changed()

    def used(self, seeds: Sequence[object]) -> None:
        """A run has been started, and has drawn these seeds."""
        self.recalled.forget()
        control = self._controls.get(SEED_KEY)
        if isinstance(control, SeedControl):
            control.used(seeds)

    def show(self, mistakes: Sequence[Mistake], plan: Plan | None) -> None:
        """Mark what is wrong where it is, and how many values each axis has."""
        left = list(mistakes)
        sizes = {} if plan is None else {axis.name: len(axis) for axis in plan.expansion.axes}
        for key, control in self._controls.items():
            control.show(_taken(left, key), sizes.get(key, 1))
        about_prompt = _taken(left, "prompt")
        # An empty form is no mistake yet; beside Generate it says what is waited for.
        self._prompt_mistakes.value = markup.mistakes_html(about_prompt if self._prompt.value.strip() else ())
        self._model_mistakes.value = markup.mistakes_html(_taken(left, "model"))
        self.options.show(lambda place: _taken(left, place))
        if plan is not None:
            self.options.offer([axis.name for axis in plan.expansion.axes])
        self.references.show(_taken(left, REFERENCES_AXIS, self.references.names))
        self._mistakes.value = markup.mistakes_html(map(str, left))
        self.cell.show(plan)
        self._show_length()

    def show_balance(self, balance: int | None) -> None:
        """Show what is left, in credits; None where it is not known."""
        self.balance = balance
        self._balance_asked = True
        self._show_price()

    def recall(self, request: Request) -> None:
        """Set what a request says; the name, the limit and the grid stay, since they are not the picture's."""
        now = self.state
        asked = FormState.of_request(request)
        self.put(replace(asked, name=now.name, max_credits=now.max_credits, rows=now.rows, cols=now.cols))
        self.recalled.tell(now)

    def close(self) -> None:
        """Give every widget up."""
        self.references.close()
        self.options.close()
        self.cell.close()
        give_up(self.widget)

    def _note(self, _: object = None) -> None:
        self._show_length()
        if not self._quiet:
            self._changed()

    def _model_changed(self, _: object) -> None:
        self._build_controls(keep=True)
        self._note()

    @property
    def _models(self) -> list[Model]:
        known = self._session.catalogue
        return [known[model] for model in self.model.values if model in known]

    def _build_controls(self, *, keep: bool) -> None:
        """The controls of the models' params, with the values that still apply."""
        if keep:
            self._keep_values()
        gone = list(self._controls.values())
        models = self._models
        params = sorted(common_params(models), key=lambda param: param.key != SEED_KEY)
        self._controls = {param.key: self._made(param) for param in params}
        self._shown = self._written()
        self._params.children = [control.widget for control in self._controls.values()]
        for control in gone:
            control.close()
        self.references.set_models(models)
        self._show_price()
        self._show_length()

    def _keep_values(self) -> None:
        """Keep what was changed for the next model; a value that was taken away does not come back."""
        changed = {key: now for key, now in self._written().items() if now != self._shown.get(key)}
        self._kept |= changed

    def _written(self) -> dict[str, tuple[str, bool]]:
        """What stands in each control, and whether it is an axis."""
        return {key: (control.text, control.several) for key, control in self._controls.items()}

    def _made(self, param: Param) -> Control:
        kind = SeedControl if param.key == SEED_KEY and not param.options else ParamControl
        control: Control = kind(param, self._note)
        text, several = self._kept.get(param.key, ("", False))
        self._quiet, before = True, self._quiet
        # What the state says, and not the user who takes another model, is meant to the letter.
        control.put(text, several, before)
        self._quiet = before
        return control

    def _show_price(self) -> None:
        models = self._models
        parts = [price_words(models)] if models else []
        if self.balance is not None:
            parts.append(f"{self.balance:,} left")
        elif self._balance_asked:
            parts.append("balance not known")
        self._price.value = markup.quiet_html(" · ".join(parts))

    def _show_length(self) -> None:
        limits = [model.max_prompt_length for model in self._models]
        limit = min((each for each in limits if each is not None), default=None)
        length = prompt_length(as_sent(str(self._prompt.value)))
        text = count(length, "character") if limit is None else f"{length:,} / {limit:,}"
        self._length.value = markup.quiet_html(text)


def _taken(mistakes: list[Mistake], place: str, files: Collection[str] = ()) -> list[str]:
    """The messages of one place, taken out of the list; each of `files` that belongs there is told by its name."""
    here = [mistake for mistake in mistakes if mistake.where == place or mistake.where in files]
    mistakes[:] = [mistake for mistake in mistakes if mistake not in here]
    return [mistake.message if mistake.where == place else str(mistake) for mistake in here]
