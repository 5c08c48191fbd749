"""Panels that are opened by their names, once and again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from control_panel.conftest import ASKED, Shell, generate, until
from ipywidgets.widgets.widget import _instances

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY


def test_a_panel_gives_way_to_the_next_of_its_name(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("rivya_nb.control_panel.model._notebook_shell", lambda: shell)
    before = set(_instances)
    with closing(rv.panel()) as first:
        first.model.put(replace(ASKED, prompt="before"))
        with closing(rv.panel()) as again:
            assert again.model.form.prompt == "before"
            (said,) = first.widget.children
            assert "opened again by another cell. rv.panel() in a cell opens it there" in said.value
            assert len(shell.events.callbacks["post_run_cell"]) == 1
            assert generate(again, ASKED).images
            assert first.runs == []
        left = [type(_instances[model]).__name__ for model in set(_instances) - before]
        assert sorted(left) == ["HTML", "HTMLStyle", "Layout", "Layout", "VBox"]
    assert set(_instances) == before


def test_a_panel_that_gave_way_names_the_call_that_opens_it(session: rv.Session) -> None:
    with closing(rv.panel("study")) as first, closing(rv.panel("study")):
        (said,) = first.widget.children
        assert "rv.panel(&#x27;study&#x27;) in a cell opens it there" in said.value


def test_what_stood_there_last_is_kept_though_the_disk_is_slow(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = session.store.panel_states
    put, is_slow, is_closed = states.put, threading.Event(), threading.Event()

    def put_slowly(name: str, state: Mapping[str, Any]) -> None:
        if state["prompt"] == "earlier":
            is_slow.set()
            is_closed.wait(1)
        put(name, state)

    monkeypatch.setattr(states, "put", put_slowly)
    with closing(rv.panel("slow")) as panel:
        panel.model.put(replace(ASKED, prompt="earlier"))
        until(is_slow.is_set)
        panel.model.put(replace(ASKED, prompt="last"))
    is_closed.set()
    until(lambda: not panel.model._is_planning)
    assert (states.get("slow") or {})["prompt"] == "last"


def test_a_cell_that_connects_and_opens_gives_way_too(url: str, tmp_path: Path) -> None:
    with (
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")),
        closing(rv.panel()) as first,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")),
        closing(rv.panel()) as again,
        closing(rv.panel("other")),
    ):
        assert len(first.widget.children) == 1
        assert len(again.widget.children) > 1
