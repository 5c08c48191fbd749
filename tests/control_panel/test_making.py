"""Widgets that share their layouts and styles."""

from __future__ import annotations

from collections.abc import Iterator

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

import rivya_nb as rv
from rivya_nb.control_panel.making import give_up, make, show
from rivya_nb.control_panel.panel import Panel


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(_instances)
    yield
    assert set(_instances) <= before


def test_what_is_given_up_or_hidden_leaves_the_look_of_the_others_alone() -> None:
    one, other = (make(ipywidgets.Text) for _ in range(2))
    show(one, False)
    assert one.layout.display == "none"
    assert other.layout.display is None
    show(one, True)
    assert one.layout.display is None
    give_up(one)
    assert other.layout.comm is not None
    assert other.style.comm is not None
    give_up(other)


def test_hiding_what_was_given_up_brings_nothing_back() -> None:
    gone = make(ipywidgets.Text)
    give_up(gone)
    show(gone, False)


def test_a_widget_has_a_look_though_somebody_has_closed_every_widget() -> None:
    make(ipywidgets.Text)
    ipywidgets.Widget.close_all()
    made = make(ipywidgets.Text)
    assert made.layout.comm is not None
    assert made.style.comm is not None
    give_up(made)


def test_a_panel_is_made_of_few_widgets(session: rv.Session) -> None:
    """Each is a message to the page, and half a millisecond of the kernel's time or more."""
    before = set(_instances)
    panel = Panel(session, "main")
    try:
        assert len(set(_instances) - before) < 90
    finally:
        panel.close()
