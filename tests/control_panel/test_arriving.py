"""Generate, while references of the run are still on their way to the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from control_panel.conftest import ASKED, busy, generate, settled, until
from control_panel.test_references_strip import drop, names, png, send

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel

NOISE = png(64, 64)
HALF = len(NOISE) // 2


def filled(panel: Panel, state: FormState) -> Panel:
    panel.model.put(state)
    until(lambda: not panel.generate.disabled)
    return panel


def arriving(panel: Panel, name: str = "noise.png", number: int = 1) -> None:
    """The first half of a file."""
    send(panel, {"kind": "begin", "file": number, "name": name, "size": len(NOISE)})
    send(panel, {"kind": "piece", "file": number, "offset": 0}, (NOISE[:HALF],))


def test_generate_waits_for_a_file_on_its_way_and_says_how_far_it_is(opened: Callable[..., Panel]) -> None:
    panel = filled(opened(), ASKED)
    arriving(panel)
    until(lambda: "Generate waits for noise.png (50 %)" in panel.reason)
    assert panel.generate.disabled
    panel.model.put(ASKED)  # a plan that is made meanwhile
    arriving(panel, "other.png", 2)
    until(lambda: "noise.png (50 %) and 1 more file" in panel.reason)
    assert panel.generate.disabled
    for number in (1, 2):
        send(panel, {"kind": "piece", "file": number, "offset": HALF}, (NOISE[HALF:],))
    until(lambda: not panel.generate.disabled)
    assert panel.reason == ""
    assert names(panel) == [["noise.png", "other.png"]]


def test_a_file_that_is_given_up_or_refused_holds_nothing_up(opened: Callable[..., Panel]) -> None:
    panel = filled(opened(), ASKED)
    arriving(panel)
    until(lambda: panel.generate.disabled)
    send(panel, {"kind": "drop", "file": 1})
    until(lambda: not panel.generate.disabled)
    arriving(panel, "words.rtf", 2)
    until(lambda: panel.generate.disabled)
    send(panel, {"kind": "drop", "file": 2})
    drop(panel, "words.rtf", b"just some text", 3)
    until(lambda: not panel.generate.disabled)
    assert panel.model.references.value == ()


def test_a_file_whose_page_has_gone_holds_nothing_up_for_ever(
    session: rv.Session, opened: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.control_panel.references.TICK", 0.05)
    panel = filled(opened(), ASKED)
    said: list[dict[str, Any]] = []
    panel.form.references.strip.send = lambda content, buffers=None: said.append(content)
    arriving(panel)
    until(lambda: panel.generate.disabled)
    until(lambda: not panel.generate.disabled)
    (refused,) = (each for each in said if each["kind"] == "refused")
    assert (refused["file"], refused["name"]) == (1, "noise.png")
    assert "stopped coming" in refused["why"]


def test_a_click_while_a_file_is_on_its_way_sends_nothing_without_it(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = filled(opened(), ASKED)
    with busy(session):
        arriving(panel)
        panel.generate.click()
    until(lambda: "Nothing was sent: noise.png" in panel.notice)
    settled(session, panel.model)
    assert panel.runs == []
    send(panel, {"kind": "piece", "file": 1, "offset": HALF}, (NOISE[HALF:],))
    until(lambda: names(panel) == [["noise.png"]] and not panel.generate.disabled and panel.notice == "")


def test_a_file_that_is_dropped_after_the_click_is_none_of_it(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = filled(opened(), ASKED)
    with busy(session):
        panel.generate.click()
        arriving(panel)
    until(lambda: panel.runs)
    assert panel.runs[0][0].request.references == ()
    until(lambda: "noise.png (50 %)" in panel.reason)


def test_generate_waits_for_what_the_gallery_hands_over(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    filled(panel, ASKED)
    with busy(session):
        panel.gallery.receive({"kind": "reference", "jobs": [run[0].id]})
        panel.generate.click()
    settled(session, panel.model)
    assert panel.runs == [run]
    until(lambda: len(names(panel)) == 1 and not panel.generate.disabled)
