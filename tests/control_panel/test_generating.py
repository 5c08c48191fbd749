"""What a click on Generate buys, whatever happens between the click and the sending of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from control_panel.conftest import ASKED, Shell, start, until

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel
from rivya_nb.session.plan import Plan
from rivya_nb.store.store import Store

LIGHTHOUSE = FormState(prompt="a lighthouse", params={"seed": "7", "resolution": "1K"})
CACTUS = replace(ASKED, prompt="a cactus", params={"seed": "1..6", "resolution": "1K"})


@contextmanager
def busy(session: rv.Session) -> Iterator[None]:
    """The session's loop does nothing meanwhile, as in a notebook whose cell is running."""
    began, over = threading.Event(), threading.Event()

    def run() -> None:
        began.set()
        over.wait(60)

    session.work_loop.loop.call_soon_threadsafe(run)
    assert began.wait(60)
    try:
        yield
    finally:
        over.set()


def filled(panel: Panel, state: FormState) -> Panel:
    panel.model.put(state)
    until(lambda: not panel.generate.disabled)
    return panel


def settled(session: rv.Session, panel: Panel) -> None:
    """Wait until no click and no change of the form is left to be dealt with."""
    with busy(session):
        pass
    until(lambda: not (panel.model._clicks or panel.model._is_planning))


def prompts(panel: Panel) -> list[str]:
    """What was asked for, the newest first."""
    return [run[0].request.prompt for run in panel.runs]


def test_a_click_buys_what_stood_in_the_form_when_it_was_made(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.generate.click()
        panel.model.put(CACTUS)
    until(lambda: "6 pictures" in panel.summary)
    settled(session, panel)
    assert prompts(panel) == ["a lighthouse"]
    assert panel.model.form == CACTUS


def test_a_click_means_the_variables_as_they_were(
    session: rv.Session, opened: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("rivya_nb.control_panel.model._notebook_shell", lambda: shell)
    shell.run(thing="lighthouse")
    panel = filled(opened(), replace(LIGHTHOUSE, prompt="a {thing}"))
    with busy(session):
        panel.generate.click()
        shell.user_ns["thing"] = "cactus"
    settled(session, panel)
    assert prompts(panel) == ["a lighthouse"]


def test_clicks_on_different_forms_are_all_kept_and_an_impatient_one_is_not(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.generate.click()
        panel.generate.click()
        panel.model.put(replace(LIGHTHOUSE, prompt="a cactus"))
        panel.generate.click()
    settled(session, panel)
    assert prompts(panel) == ["a cactus", "a lighthouse"]


def test_what_was_clicked_and_cannot_be_sent_says_so_and_leaves_the_form_alone(
    session: rv.Session, opened: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.model.put(replace(LIGHTHOUSE, prompt=""))
        panel.generate.click()
        panel.model.put(CACTUS)
    until(lambda: "6 pictures" in panel.summary)
    settled(session, panel)
    assert panel.runs == []
    assert "not sent" in panel.notice
    assert "there is none yet" not in panel.form._prompt_mistakes.value
    run = start(panel, CACTUS)
    assert panel.notice == ""
    run.wait(60)


def test_a_click_before_the_new_price_is_shown_buys_what_stands_in_the_form(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.model.put(CACTUS)
        assert "12 credits" in panel.summary
        panel.generate.click()
    settled(session, panel)
    assert [run.wait(60).credits for run in panel.runs] == [72]
    assert panel.notice == ""


def bought(opened: Callable[..., Panel]) -> Panel:
    """A panel that offers two pictures from the history, at no cost."""
    panel = opened()
    start(panel, ASKED).wait(60)
    until(lambda: "0 credits · 2 from the history" in panel.summary)
    return panel


def test_what_was_deleted_costs_again_and_the_offer_says_so_at_once(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = bought(opened)
    one, other = (job.id for job in panel.runs[0])
    panel.gallery._receive(None, {"kind": "delete", "jobs": [one]}, [])
    until(lambda: "12 credits · 1 from the history" in panel.summary)
    session.pictures([other]).delete(confirm=True)  # by a thread of the user's, say
    until(lambda: "24 credits" in panel.summary)


def test_what_costs_more_than_was_offered_is_not_sent_before_that_was_said(
    opened: Callable[..., Panel], url: str, tmp_path: Path
) -> None:
    panel = bought(opened)
    run = panel.runs[0]
    # Another kernel has a store of its own on the same folder, and this one hears nothing of it.
    with closing(Store.open(tmp_path / "store")) as elsewhere:
        elsewhere.delete_pictures([run[0].id])
    assert "0 credits" in panel.summary
    panel.generate.click()
    until(lambda: "The price has changed from 0 to 12 credits: press Generate again" in panel.notice)
    assert "12 credits · 1 from the history" in panel.summary
    assert panel.runs == [run]
    assert not panel.generate.disabled
    panel.generate.click()
    until(lambda: len(panel.runs) == 2)
    assert panel.notice == ""
    assert panel.runs[0].wait(60).credits == 12


def test_what_is_deleted_in_the_very_moment_is_not_bought_unasked(
    session: rv.Session, opened: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = bought(opened)
    run, send = panel.runs[0], Plan.run

    def deleted_first(plan: Plan) -> rv.Run:
        session.store.delete_pictures([run[0].id])
        return send(plan)

    monkeypatch.setattr(Plan, "run", deleted_first)
    panel.generate.click()
    until(lambda: "from 0 to 12 credits" in panel.notice)
    assert panel.runs == [run]


def test_a_dearer_click_on_an_earlier_form_is_told_without_offering_it(
    session: rv.Session, opened: Callable[..., Panel], tmp_path: Path
) -> None:
    panel = bought(opened)
    run = panel.runs[0]
    with busy(session):
        with closing(Store.open(tmp_path / "store")) as elsewhere:
            elsewhere.delete_pictures([run[0].id])
        panel.generate.click()
        panel.model.put(CACTUS)
    until(lambda: "6 pictures" in panel.summary)
    settled(session, panel)
    assert "was not sent: the price has changed from 0 to 12 credits" in panel.notice
    assert "press Generate again" not in panel.notice
    assert panel.runs == [run]
