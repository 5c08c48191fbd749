"""What a panel says where something is in the way: no service, no key, no credits."""

from __future__ import annotations

import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from html import unescape
from pathlib import Path

import pytest
from control_panel.conftest import start, until
from sandboxes import running_sandbox
from servers import PostgresqlServer

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", html))


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Panel]:
    """A panel whose service takes connections and never says a word."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        closing(
            rv.connect(DEFAULT_KEY, f"http://127.0.0.1:{listener.getsockname()[1]}", store=tmp_path / "store")
        ) as session,
        closing(Panel(session, "main")) as panel,
    ):
        yield panel


def test_a_row_tells_that_the_service_cannot_be_reached(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with (
            closing(rv.connect(DEFAULT_KEY, address, store=tmp_path / "store")) as session,
            closing(Panel(session, "main")) as panel,
        ):
            run = start(panel, FormState(prompt="a cat"))
            (row,) = panel.rows
            until(lambda: "cannot be reached, next try in" in words(row.text))
            until(lambda: not run.is_working)
            until(lambda: f"{address} cannot be reached" in words(row.text))


def test_a_row_tells_what_a_silent_service_is_waited_for(silent: Panel) -> None:
    start(silent, FormState(prompt="a cat"))
    (row,) = silent.rows
    until(lambda: "waiting for the service to say how many credits are left" in words(row.text))


def test_a_row_tells_why_pictures_failed(session: rv.Session) -> None:
    with closing(Panel(session, "main")) as panel:
        run = start(panel, FormState(prompt="a cat sandbox:fail", params={"resolution": "1K"}))
        (row,) = panel.rows
        until(lambda: "generation_failed" in words(row.text))
        # Its seed was drawn; whoever asks for that again pays for it.
        until(lambda: "asks for the same seeds again" in run.text())
        assert "at no cost" not in run.text()


def test_what_is_more_than_there_is_waits_for_credits_and_goes_on_when_they_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.control_panel.model.CREDITS_PAUSE", 0.2)
    sandbox = tmp_path / "sandbox"
    sandbox.mkdir()
    with running_sandbox(SandboxConfig(latency=600, credits=24), sandbox) as url, ExitStack() as stack:

        def connected(name: str) -> rv.Session:
            return stack.enter_context(closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / name)))

        another = connected("another notebook")
        rv.generate("a cat sandbox:fail", seed=[1, 2], resolution="1K")
        until(lambda: another.balance() == 0)
        panel = stack.enter_context(closing(Panel(connected("here"), "main")))
        panel.model.put(FormState(prompt="a dog", params={"resolution": "1K"}))
        until(lambda: "waits for credits: 12 are needed, 0 are left" in words(panel.reason))
        assert panel.generate.disabled
        # The tasks fail now, and their credits come back.
        with closing(sqlite3.connect(sandbox / "sandbox.sqlite", isolation_level=None)) as tasks:
            tasks.execute("UPDATE tasks SET finished_at = created_at")
        until(lambda: not panel.generate.disabled)
        assert words(panel.reason) == ""
        assert "12 left after" in words(panel.summary)


def test_without_a_key_the_next_step_is_told_in_short(tmp_path: Path) -> None:
    with (
        closing(rv.connect(None, "https://rivya.invalid", store=tmp_path / "store")) as session,
        closing(Panel(session, "main")) as panel,
    ):
        panel.model.put(FormState(prompt="a dog"))
        until(lambda: "waits for a key" in panel.reason)
        assert panel.generate.disabled
        assert "%load_ext rivya_nb and %rivya connect" in panel.reason
        assert "12 credits" in panel.summary
        assert len(words(panel.reason).strip()) < 100


def test_a_database_that_does_not_answer_is_told_and_goes_on_by_itself(
    url: str, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.store.persisting.SILENT", 0.1)
    monkeypatch.setattr("rivya_nb.store.persisting.PATIENCE", 1.0)
    address = postgresql.new_store()
    with (
        closing(rv.connect(DEFAULT_KEY, url, store=str(address))) as session,
        closing(Panel(session, "main")) as panel,
    ):
        until(lambda: panel.model.outcome is not None)
        # Nothing of it stays for long.
        told: list[str] = []
        panel._foot.reason.observe(lambda change: told.append(words(change.new)), "value")
        postgresql.stop("fast")
        try:
            panel.model.put(FormState(prompt="a dog", params={"resolution": "1K"}))
            until(lambda: any("does not answer yet (no server listens there" in reason for reason in told))
            until(lambda: "no server listens there" in told[-1] and "yet" not in told[-1])
        finally:
            postgresql.start()
        until(lambda: not panel.generate.disabled)
        assert "12 credits" in panel.summary
    session.store.close()
    postgresql.drop(address)
