"""The panel's model, without any widget."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from control_panel.conftest import ASKED, Shell, until
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.model import PAUSE, PanelModel
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

LOADED = """
import sys
import rivya_nb.control_panel.model
print(*sys.modules)
"""


@pytest.fixture
def model(session: rv.Session) -> Iterator[PanelModel]:
    with closing(PanelModel(session, "main")) as made:
        made.open()
        yield made


def test_it_knows_no_widget() -> None:
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    assert {"ipywidgets", "anywidget"}.isdisjoint(done.stdout.split())


def test_what_stands_in_the_form_is_offered_bought_and_followed(model: PanelModel) -> None:
    until(lambda: model.offer.reason == "Generate waits for the prompt" and model.balance is not None)
    before = model.balance or 0
    model.put(ASKED)
    until(lambda: not model.offer.reason)
    assert (model.offer.head, model.offer.price) == ("2 pictures", 24)
    model.generate()
    until(lambda: model.runs and model.runs[0].ends)
    (run,) = model.runs
    assert (run.done, run.can_retry, run.can_send_rest) == (2, False, False)
    assert "2 pictures" in run.look
    until(lambda: model.balance == before - 24)
    until(lambda: model.offer.price == 0)


def test_a_model_without_a_seed_says_beside_the_price_that_it_is_paid_anew(model: PanelModel) -> None:
    model.put(FormState(prompt="a pot", models=("nano-banana",)))
    until(lambda: model.offer.lines)
    assert "credits · no seed: paid anew each time this is run" in model.offer.lines[0]
    model.put(ASKED)
    until(lambda: model.offer.head == "2 pictures")
    assert "paid anew" not in model.offer.lines[0]


def test_what_cannot_be_paid_is_not_sent(tmp_path: Path) -> None:
    with (
        running_sandbox(SandboxConfig(latency=0, credits=20)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as session,
        closing(PanelModel(session, "main")) as model,
    ):
        model.open()
        model.put(ASKED)
        until(lambda: model.offer.reason == "Generate waits for credits: 24 are needed, 20 are left")
        model.generate()
        until(lambda: model.notice == "Nothing was sent: 24 are needed, 20 are left")
        assert model.runs == ()


def test_a_recall_leaves_what_is_not_a_pictures_and_can_be_taken_back(
    session: rv.Session, model: PanelModel
) -> None:
    mine = FormState(prompt="something of mine", name="study", max_credits=900, rows="seed")
    model.put(mine)
    model.recall(rv.plan("a dog", seed=7).requests[0])
    assert (model.form.prompt, model.form.params["seed"]) == ("a dog", "7")
    assert (model.form.name, model.form.max_credits, model.form.rows) == ("study", 900, "seed")
    assert model.recalled is not None
    assert model.recalled.text == "Settings recalled, in place of the prompt"
    model.exchange_recalled()
    assert model.form == mine
    model.exchange_recalled()
    assert model.form.prompt == "a dog"


def test_the_notebooks_variables_are_read_anew_after_each_cell(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("rivya_nb.control_panel.model._notebook_shell", lambda: shell)
    with closing(PanelModel(session, "main")) as model:
        model.open()
        model.put(replace(ASKED, prompt="a {light} bottle"))
        until(lambda: "prompt" in model.offer.reason)
        shell.run(light=["dawn", "dusk"])
        until(lambda: model.offer.head == "4 pictures")
    assert not shell.events.callbacks["post_run_cell"]


def test_a_closed_model_plans_nothing_and_keeps_its_form(session: rv.Session, model: PanelModel) -> None:
    model.put(ASKED)
    model.close()
    model.put(replace(ASKED, prompt="too late"))
    model.generate()
    with closing(PanelModel(session, "main")) as again:
        assert again.form == ASKED
    assert session.runs() == []


def test_a_slider_that_moves_fast_is_planned_rarely(session: rv.Session, model: PanelModel) -> None:
    until(lambda: model.outcome is not None)
    shown: list[float] = []
    model.observe(lambda _: shown.append(session.work_loop.loop.time()), "outcome")

    def move() -> bool:
        model.put(replace(ASKED, repeat=model.form.repeat + 1))
        return len(shown) >= 6

    until(move)
    until(lambda: not model._is_planning)
    # Between two plans there is the pause, and the time that the later one took.
    assert all(later - earlier >= PAUSE for earlier, later in pairwise(shown))


def test_a_mistake_of_our_own_does_not_end_the_planning(
    model: PanelModel, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        model.unobserve(fail, "outcome")
        raise KeyError("a control that there is no more")

    until(lambda: model.outcome is not None)
    model.observe(fail, "outcome")
    model.put(replace(ASKED, prompt="a cat"))
    until(lambda: "a control that there is no more" in caplog.text)
    model.put(ASKED)
    until(lambda: model.offer.head == "2 pictures")
