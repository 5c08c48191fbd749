"""What a panel says is left at the service, and how often it asks for that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from html import unescape
from pathlib import Path
from time import monotonic

import pytest
from control_panel.conftest import ASKED, Shell, start, until
from faults.proxy import BALANCE, SUBMIT, Exchange, Fault, Proxy, Spoil, proxy_to, refuses
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

AT_ONCE = 0.3
"""Seconds that a call may be on its way while its reason passes."""


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", html))


class Service:
    """A sandbox behind a proxy; `calls` are what it was asked, and when."""

    def __init__(self, proxy: Proxy, folder: Path, stack: ExitStack) -> None:
        self.calls: list[tuple[float, str]] = []
        self.proxy = proxy
        self.session = stack.enter_context(closing(rv.connect(DEFAULT_KEY, proxy.url, store=folder)))
        self._stack = stack
        proxy.choose = self._note

    def _note(self, exchange: Exchange) -> Spoil | None:
        self.calls.append((monotonic(), f"{exchange.method} {exchange.path}"))
        return None

    def panel(self, name: str = "main") -> Panel:
        made = self._stack.enter_context(closing(Panel(self.session, name)))
        until(lambda: made.model.balance is not None)
        return made

    def questions(self) -> list[float]:
        """When the balance was asked for since the first submit: before that the run itself asks once."""
        first = next(time for time, call in self.calls if call == "POST /api/v1/generations")
        return [time for time, call in self.calls if call == "GET /api/v1/credits" and time > first]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[[SandboxConfig], Service]]:
    with ExitStack() as stack:

        def served(config: SandboxConfig) -> Service:
            proxy = stack.enter_context(proxy_to(stack.enter_context(running_sandbox(config))))
            return Service(proxy, tmp_path / "store", stack)

        yield served


def many(number: int, first: int = 1) -> FormState:
    return replace(ASKED, params={"seed": f"{first}..{first + number - 1}", "resolution": "1K"})


def test_what_a_run_reserves_is_gone_from_the_balance_while_it_works(
    serving: Callable[[SandboxConfig], Service],
) -> None:
    panel = serving(SandboxConfig(latency=600, credits=1000)).panel()
    run = start(panel, many(2))
    until(lambda: panel.model.balance == 1000 - 24)
    assert run.is_working
    panel.model.put(many(3, first=11))
    until(lambda: "36 credits · 940 left after" in words(panel.summary))
    assert run.is_working


def test_the_service_is_asked_when_a_run_ends_and_not_while_it_works(
    serving: Callable[[SandboxConfig], Service],
) -> None:
    service = serving(SandboxConfig(latency=1, credits=1000))
    panels = [service.panel(), service.panel("other")]
    run = start(panels[0], many(24))
    until(lambda: not run.is_working)
    until(lambda: [panel.model.balance for panel in panels] == [1000 - 24 * 12] * 2)
    until(lambda: len(service.questions()) == 1)
    panels[0].model.put(many(1, first=201))
    until(lambda: "1 picture" in panels[0].summary and not panels[0].generate.disabled)
    assert len(service.questions()) == 1


def test_nothing_is_asked_while_the_service_limits_the_rate(
    serving: Callable[[SandboxConfig], Service],
) -> None:
    service = serving(SandboxConfig(latency=1, credits=1000))
    limited: list[float] = []

    def noting(spoil: Spoil) -> Spoil:
        async def spoiled(exchange: Exchange) -> None:
            limited.append(monotonic())
            await spoil(exchange)

        return spoiled

    service.proxy.inject(
        Fault(SUBMIT, noting(refuses(429, "rate_limited", {"Retry-After": "2"})), first=6, times=1)
    )
    panel = service.panel()
    run = start(panel, many(10))
    until(lambda: not run.is_working)
    until(lambda: panel.model.balance == 1000 - 120 and service.questions())
    asked = service.questions()
    assert [time for time in asked if limited[0] + AT_ONCE < time < limited[0] + 2] == []
    assert asked[-1] > limited[0] + 2


def test_a_question_that_the_rate_limit_ends_leaves_what_was_known(
    serving: Callable[[SandboxConfig], Service],
) -> None:
    service = serving(SandboxConfig(latency=1, credits=1000))
    panel = service.panel()
    shown: list[str] = []
    panel.form._price.observe(lambda change: shown.append(words(change["new"])), "value")
    # The run's own question goes through, and then no attempt of the panel's.
    service.proxy.inject(Fault(BALANCE, refuses(429, "rate_limited"), first=2, times=5))
    start(panel, many(2)).wait(60)
    until(lambda: panel.model.balance == 1000 - 24)
    assert [text for text in shown if "left" not in text] == []


def test_credits_that_waiting_pictures_will_take_are_not_offered_again(
    serving: Callable[[SandboxConfig], Service],
) -> None:
    panel = serving(SandboxConfig(latency=600, credits=240)).panel()
    panel.model.session.spending.max_parallel = 16
    run = start(panel, many(18))
    panel.model.put(many(3, first=101))
    waits = "Generate waits for credits: 36 are needed, 48 are left, and runs that go on take 24 of them"
    until(lambda: waits in words(panel.reason))
    assert "24 for runs that go on · 12 more than there are" in words(panel.summary)
    assert panel.generate.disabled
    run.stop()
    until(lambda: not panel.generate.disabled)
    assert "36 credits · 12 left after" in words(panel.summary)


def test_what_a_cell_has_spent_is_noticed(
    serving: Callable[[SandboxConfig], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("rivya_nb.control_panel.model._notebook_shell", lambda: shell)
    service = serving(SandboxConfig(latency=0, credits=1000))
    panel = service.panel()
    rv.generate("a lamp", seed=7, resolution="1K").wait(60)
    shell.run()
    until(lambda: panel.model.balance == 988)
    assert service.questions() == []
