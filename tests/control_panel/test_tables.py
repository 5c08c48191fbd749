"""A table of prompts that is dropped on the panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from control_panel.conftest import ASKED, generate, until
from control_panel.test_references_strip import drop

import rivya_nb as rv
from rivya_nb.control_panel.form_cell import form_cells
from rivya_nb.control_panel.form_state import FormState, plan_form
from rivya_nb.control_panel.panel import Panel

TABLE = b"prompt,category\na fox,animals\na cake,food\n"


def test_a_table_is_dropped_asked_and_taken_out_again(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    panel.model.put(replace(ASKED, prompt="{prompt}, studio light"))
    drop(panel, "bench.csv", TABLE, 1)
    until(lambda: "Prompts of bench.csv" in panel.form.table.text)
    assert panel.model.references.value == ()
    until(lambda: not panel.generate.disabled)
    run = generate(panel, panel.model.form)
    assert {job.record.prompt for job in run.jobs} == {"a fox, studio light", "a cake, studio light"}
    assert len(rv.history(facts={"category": "animals"})) == 2
    panel.form.table.button.click()
    until(lambda: panel.generate.disabled)
    assert panel.model.form.prompts == ""


def test_a_table_stays_in_the_form_of_the_next_panel_and_is_a_cell(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    panel.model.put(replace(ASKED, prompt=""))
    drop(panel, "my bench.csv", TABLE, 1)
    until(lambda: panel.model.form.prompts and not panel.generate.disabled)
    state = FormState.from_json(panel.model.form.as_json())
    assert Path(state.prompts).read_bytes() == TABLE
    (cell,) = form_cells(session, state)
    assert cell == f'%rivya generate seed=1..2 resolution=1K --prompts "{state.prompts}"'
    assert [each.prompt for each in plan_form(session, state, {}).requests] == ["a fox", "a cake"] * 2


def test_what_is_wrong_in_a_table_is_told_where_the_prompt_is(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(ASKED)
    said: list[dict[str, object]] = []
    panel.form.references.strip.send = lambda content, buffers=None: said.append(content)
    drop(panel, "broken.csv", b"prompt\ncaf\xe9\n", 1)
    until(lambda: any(each["kind"] == "refused" for each in said))
    assert "line 2 cannot be read as UTF-8" in str(said[-1]["why"])
    drop(panel, "bench.csv", b"prompt\na {b|c}\n", 2)
    until(lambda: "it has no {prompt}" in panel.form._prompt_mistakes.value)
    assert "line 2: it holds {a|b}" in panel.form._prompt_mistakes.value
