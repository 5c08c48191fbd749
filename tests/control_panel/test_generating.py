"""What a click on Generate buys, whatever happens between the click and the sending of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from control_panel.conftest import ASKED, Shell, busy, settled, until

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.model import PanelModel
from rivya_nb.session.plan import Plan
from rivya_nb.store.store import Store

LIGHTHOUSE = FormState(prompt="a lighthouse", params={"seed": "7", "resolution": "1K"})
CACTUS = replace(ASKED, prompt="a cactus", params={"seed": "1..6", "resolution": "1K"})


@pytest.fixture
def opened(session: rv.Session) -> Iterator[Callable[[], PanelModel]]:
    with ExitStack() as stack:

        def model() -> PanelModel:
            made = stack.enter_context(closing(PanelModel(session, "main")))
            made.open()
            return made

        yield model


def filled(panel: PanelModel, state: FormState) -> PanelModel:
    """A model that offers what this form asks for."""
    panel.put(state)
    until(lambda: panel.offer.price is not None and not panel.offer.reason)
    return panel


def bought_by(panel: PanelModel, state: FormState) -> rv.Run:
    """What a click on Generate starts, once this form is offered."""
    before = panel.runs[:1]
    filled(panel, state).generate()
    until(lambda: panel.runs[:1] != before)
    return panel.runs[0].run.wait(60)


def summary(panel: PanelModel) -> str:
    """What Generate would do, and what it would cost."""
    return "\n".join([panel.offer.head, *panel.offer.lines])


def prompts(panel: PanelModel) -> list[str]:
    """What was asked for, the newest first."""
    return [each.run[0].request.prompt for each in panel.runs]


def test_a_click_buys_what_stood_in_the_form_when_it_was_made(
    session: rv.Session, opened: Callable[[], PanelModel]
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.generate()
        panel.put(CACTUS)
    until(lambda: "6 pictures" in summary(panel))
    settled(session, panel)
    assert prompts(panel) == ["a lighthouse"]
    assert panel.form == CACTUS


def test_a_click_means_the_variables_as_they_were(
    session: rv.Session, opened: Callable[[], PanelModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("rivya_nb.control_panel.model._notebook_shell", lambda: shell)
    shell.run(thing="lighthouse")
    panel = filled(opened(), replace(LIGHTHOUSE, prompt="a {thing}"))
    with busy(session):
        panel.generate()
        shell.user_ns["thing"] = "cactus"
    settled(session, panel)
    assert prompts(panel) == ["a lighthouse"]


def test_clicks_on_different_forms_are_all_kept_and_an_impatient_one_is_not(
    session: rv.Session, opened: Callable[[], PanelModel]
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.generate()
        panel.generate()
        panel.put(replace(LIGHTHOUSE, prompt="a cactus"))
        panel.generate()
    settled(session, panel)
    assert prompts(panel) == ["a cactus", "a lighthouse"]


def test_what_was_clicked_and_cannot_be_sent_says_so_and_leaves_the_form_alone(
    session: rv.Session, opened: Callable[[], PanelModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.put(replace(LIGHTHOUSE, prompt=""))
        panel.generate()
        panel.put(CACTUS)
    until(lambda: "6 pictures" in summary(panel))
    settled(session, panel)
    assert panel.runs == ()
    assert "not sent" in panel.notice
    assert panel.mistakes == ()
    bought_by(panel, CACTUS)
    assert panel.notice == ""


def test_a_click_before_the_new_price_is_shown_buys_what_stands_in_the_form(
    session: rv.Session, opened: Callable[[], PanelModel]
) -> None:
    panel = filled(opened(), LIGHTHOUSE)
    with busy(session):
        panel.put(CACTUS)
        assert "12 credits" in summary(panel)
        panel.generate()
    settled(session, panel)
    assert [each.run.wait(60).credits for each in panel.runs] == [72]
    assert panel.notice == ""


def bought(opened: Callable[[], PanelModel]) -> PanelModel:
    """A panel that offers two pictures from the history, at no cost."""
    panel = opened()
    bought_by(panel, ASKED)
    # The panel sees later than who waits for the run that it has ended, and plans once more then.
    until(lambda: panel.ended == 1)
    settled(panel.session, panel)
    assert "0 credits · 2 from the history" in summary(panel)
    return panel


def test_what_was_deleted_costs_again_and_the_offer_says_so_at_once(
    session: rv.Session, opened: Callable[[], PanelModel]
) -> None:
    panel = bought(opened)
    one, other = (job.id for job in panel.runs[0].run)
    session.pictures([one]).delete(confirm=True)
    until(lambda: "12 credits · 1 from the history" in summary(panel))
    session.pictures([other]).delete(confirm=True)  # by a thread of the user's, say
    until(lambda: "24 credits" in summary(panel))


def test_what_costs_more_than_was_offered_is_not_sent_before_that_was_said(
    opened: Callable[[], PanelModel], url: str, tmp_path: Path
) -> None:
    panel = bought(opened)
    run = panel.runs[0].run
    # Another kernel has a store of its own on the same folder, and this one hears nothing of it.
    with closing(Store.open(tmp_path / "store")) as elsewhere:
        elsewhere.delete_pictures([run[0].id])
    assert "0 credits" in summary(panel)
    panel.generate()
    until(lambda: "The price has changed from 0 to 12 credits: press Generate again" in panel.notice)
    assert "12 credits · 1 from the history" in summary(panel)
    assert [each.run for each in panel.runs] == [run]
    assert not panel.offer.reason
    panel.generate()
    until(lambda: len(panel.runs) == 2)
    assert panel.notice == ""
    assert panel.runs[0].run.wait(60).credits == 12


def test_what_is_deleted_in_the_very_moment_is_not_bought_unasked(
    session: rv.Session, opened: Callable[[], PanelModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = bought(opened)
    run, send = panel.runs[0].run, Plan.run

    def deleted_first(plan: Plan) -> rv.Run:
        session.store.delete_pictures([run[0].id])
        return send(plan)

    monkeypatch.setattr(Plan, "run", deleted_first)
    panel.generate()
    until(lambda: "from 0 to 12 credits" in panel.notice)
    assert [each.run for each in panel.runs] == [run]


def test_a_dearer_click_on_an_earlier_form_is_told_without_offering_it(
    session: rv.Session, opened: Callable[[], PanelModel], tmp_path: Path
) -> None:
    panel = bought(opened)
    run = panel.runs[0].run
    with busy(session):
        with closing(Store.open(tmp_path / "store")) as elsewhere:
            elsewhere.delete_pictures([run[0].id])
        panel.generate()
        panel.put(CACTUS)
    until(lambda: "6 pictures" in summary(panel))
    settled(session, panel)
    assert "was not sent: the price has changed from 0 to 12 credits" in panel.notice
    assert "press Generate again" not in panel.notice
    assert [each.run for each in panel.runs] == [run]
