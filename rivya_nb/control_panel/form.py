"""The form: model, prompt, params, what a run is to be like, and references."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets

from rivya_nb.contract.text import as_sent, count, prompt_length
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.controls import framed
from rivya_nb.control_panel.form_as_cell import FormAsCell
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.control_panel.model_picker import ModelPicker, entries, price_words
from rivya_nb.control_panel.params import ParamControls
from rivya_nb.control_panel.recall_line import RecallLine
from rivya_nb.control_panel.reference_strip import ReferenceStrip
from rivya_nb.control_panel.run_options import RunOptions
from rivya_nb.control_panel.table_line import TableLine
from rivya_nb.planning.ask import REFERENCES_AXIS

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel
    from rivya_nb.errors import Mistake


class Form:
    """Shows the form of a panel's model, and writes into it what the user changes."""

    def __init__(self, model: PanelModel) -> None:
        self._panel = model
        # Messages of two controls may be handled at once, on two threads.
        self._changing = threading.RLock()
        self._is_quiet = False
        self.model = make(ModelPicker, models=entries(model.session.catalogue.values()))
        self._model_mistakes = markup.empty()
        self._price = markup.empty("rivya-beside")
        self._prompt = make(ipywidgets.Textarea, description="Prompt", rows=4)
        self._length = markup.empty("rivya-beside")
        self._prompt_mistakes = markup.empty()
        self.params = ParamControls()
        self.options = RunOptions()
        self.references = ReferenceStrip(model.references)
        self.recall_line = RecallLine(model)
        self._mistakes = markup.empty()
        self.cell = FormAsCell(model)
        self.widget = self._composed()
        self._put(model.form)
        model.form = self._read()
        self._observe()

    def _composed(self) -> Any:
        prompt = framed(self._length, self._prompt, self._prompt_mistakes, classes="rivya-prompt")
        self.table = TableLine(prompt, self._note)
        model = framed(self._price, self.model, self._model_mistakes)
        above = [self.recall_line.widget, model, prompt, self.params.widget, self.options.widget]
        below = [self.references.widget, self._mistakes, self.cell.widget]
        return make(ipywidgets.VBox, [*above, *below], classes="rivya-form")

    def _observe(self) -> None:
        self.model.observe(self._model_chosen, "values")
        self._prompt.observe(self._note, "value")
        self.options.observe(self._note, "written")
        self._panel.references.observe(self._note, "value")
        self._panel.observe(self._changed, "form")
        self._panel.observe(self._planned, "outcome")
        self._panel.observe(self._show_price, ["balance", "balance_asked"])
        self._panel.observe(self._run_started, "last_run")

    def close(self) -> None:
        self.references.close()
        self.options.close()
        self.cell.close()
        give_up(self.widget)

    # What the user changes

    def _read(self) -> FormState:
        written = self.params.written
        return FormState(
            models=tuple(self.model.values),
            prompt=str(self._prompt.value),
            prompts=self.table.value,
            references=self._panel.references.value,
            params={key: text for key, (text, _) in written.items() if text},
            several=frozenset(key for key, (_, several) in written.items() if several),
            **self.options.written,
        )

    def _note(self, _: object = None) -> None:
        with self._changing:
            if not self._is_quiet:
                self._write(self._read())
                self._show_length()

    def _model_chosen(self, _: object) -> None:
        with self._changing:
            if not self._is_quiet:
                self.params.keep()
                self._write(replace(self._panel.form, models=tuple(self.model.values)))
                self._build(exact=False)
                self._note()

    def _write(self, state: FormState) -> None:
        """Tell the model what the controls say, without putting it into them: one may have changed meanwhile."""
        self._is_quiet = True
        try:
            self._panel.form = state
        finally:
            self._is_quiet = False

    def _run_started(self, _: object) -> None:
        self.params.used(self._panel.last_run.drawn_seeds)

    # What the model says

    def _changed(self, _: object) -> None:
        """Show what somebody else has put into the form; what no widget can show is left out of it."""
        with self._changing:
            if self._panel.form != self._read() and not self._is_quiet:
                self._put(self._panel.form)
                self._panel.form = self._read()

    def _put(self, state: FormState) -> None:
        self._is_quiet = True
        try:
            self._prompt.value = state.prompt
            self.table.put(state.prompts)
            self.options.put(state)
            self._panel.references.put(state.references)
            self.model.put(state.models)
            self.params.put(state)
            self._build(exact=True)
        finally:
            self._is_quiet = False

    def _build(self, *, exact: bool) -> None:
        self.params.build(self._panel.params, exact=exact)
        for control in self.params.controls.values():
            control.observe(self._note, "written")
        self._panel.references.set_models(self._panel.models)
        self._show_price()
        self._show_length()

    def _planned(self, _: object) -> None:
        """Mark what is wrong where it is, and show how many values each axis has."""
        plan, left = self._panel.plan, list(self._panel.mistakes)
        axes = {} if plan is None else {axis.name: len(axis) for axis in plan.expansion.axes}
        self.params.show({key: _taken(left, key) for key in self.params.controls}, axes)
        about_prompt = _taken(left, "prompt")
        # An empty form is no mistake yet; beside Generate it says what is waited for.
        has_prompt = self.table.value or self._prompt.value.strip()
        self._prompt_mistakes.value = markup.mistakes_html(about_prompt if has_prompt else ())
        self._model_mistakes.value = markup.mistakes_html(_taken(left, "model"))
        self.options.show({place: _taken(left, place) for place in self.options.places})
        if plan is not None:
            self.options.offer(list(axes))
        self.references.show(_taken(left, REFERENCES_AXIS, self._panel.references.names))
        self._mistakes.value = markup.mistakes_html(map(str, left))

    def _show_price(self, _: object = None) -> None:
        models, balance = self._panel.models, self._panel.balance
        parts = [price_words(models)] if models else []
        if balance is not None:
            parts.append(f"{balance:,} left")
        elif self._panel.balance_asked:
            parts.append("balance not known")
        self._price.value = markup.quiet_html(" · ".join(parts))

    def _show_length(self) -> None:
        limits = [model.max_prompt_length for model in self._panel.models]
        limit = min((each for each in limits if each is not None), default=None)
        length = prompt_length(as_sent(str(self._prompt.value)))
        text = count(length, "character") if limit is None else f"{length:,} / {limit:,}"
        self._length.value = markup.quiet_html(text)


def _taken(mistakes: list[Mistake], place: str, files: Collection[str] = ()) -> list[str]:
    """The messages of one place, taken out of the list; each of `files` that belongs there is told by its name."""
    here = [mistake for mistake in mistakes if mistake.where == place or mistake.where in files]
    mistakes[:] = [mistake for mistake in mistakes if mistake not in here]
    return [mistake.message if mistake.where == place else str(mistake) for mistake in here]
