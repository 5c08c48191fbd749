"""The rows of a panel's runs: how far each is, and what its buttons do."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from control_panel.conftest import ASKED, generate, start, until
from faults.proxy import BALANCE, POLL, Exchange, Fault, Spoil, changed, proxy_to, stall
from ipywidgets.widgets.widget import _instances
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.control_panel.panel import Panel
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.records import SENT


def buttons(panel: Panel, place: int = 0) -> dict[str, Any]:
    """The buttons that a run's row shows now, by their names, but not the one that is always there; the newest
    run's row is the first."""
    row = panel.rows[place].widget.children
    shown = (each for each in row if hasattr(each, "on_click") and each.layout.display != "none")
    named = {each.tooltip.splitlines()[0]: each for each in shown}
    return {name: each for name, each in named.items() if not name.startswith("Show the pictures")}


def tooltip(panel: Panel, name: str) -> str:
    """What the newest run's button of this name says of itself; empty where it is not shown."""
    return str(buttons(panel)[name].tooltip) if name in buttons(panel) else ""


def items(panel: Panel, place: int = 0) -> list[dict[str, Any]]:
    """What a run's tab shows of each of its pictures; the newest run's is the first."""
    run = panel.rows[place].run
    page = panel._run_tabs[run]._page({})
    return [] if page is None else page[0]["items"]


def pictured(panel: Panel, place: int = 0) -> int:
    return sum(item["picture"] is not None for item in items(panel, place))


def bar(panel: Panel) -> tuple[int, int, str]:
    """How full the newest run's bar is, what full is, and its colour."""
    (found,) = [each for each in panel.rows[0].widget.children if hasattr(each, "bar_style")]
    return found.value, found.max, found.bar_style


def shows(seen: list[str], text: str, pattern: str) -> bool:
    """Whether it comes to show that; what it has shown is kept."""
    seen.append(text)
    return re.search(pattern, text) is not None


def test_a_run_that_works_can_be_stopped_and_then_no_more(opened: Callable[..., Panel]) -> None:
    panel = opened()
    until(lambda: panel.model.balance is not None)
    before = panel.model.balance
    assert before is not None
    run = start(panel, replace(ASKED, params={"seed": "1..40", "resolution": "1K"}))
    until(lambda: list(buttons(panel)) == [f"Stop run {run.id}"])
    buttons(panel)[f"Stop run {run.id}"].click()
    until(lambda: not buttons(panel))
    assert "stopped" in {job.status for job in run}
    # What was stopped is no picture: the bar is as full as the run.
    assert bar(panel) == (len(run.images), 40, "")
    until(lambda: "stopped" in panel.rows[0].text)
    until(lambda: panel.model.balance == before - sum(job.record.credits for job in run))


def slow_panel(stack: ExitStack, folder: Path, url: str | None = None) -> Panel:
    """A panel; where no address is given, its runs go on for longer than anybody here looks at them."""
    url = url or stack.enter_context(running_sandbox(SandboxConfig(latency=600)))
    session = stack.enter_context(closing(rv.connect(DEFAULT_KEY, url, store=folder)))
    return stack.enter_context(closing(Panel(session, "main")))


def test_stop_stays_and_says_so_once_nothing_is_left_to_stop(tmp_path: Path) -> None:
    with ExitStack() as stack:
        proxy = stack.enter_context(
            proxy_to(stack.enter_context(running_sandbox(SandboxConfig(latency=0.1))))
        )
        # No picture comes before it may.
        proxy.inject(Fault(POLL, changed(lambda task: {**task, "status": "processing", "result": None})))
        panel = slow_panel(stack, tmp_path / "store", proxy.url)
        run = start(panel, ASKED)
        name = f"Stop run {run.id}"
        until(lambda: "Nothing is left to stop" in tooltip(panel, name))
        assert "stop" not in panel.rows[0].text
        buttons(panel)[name].click()
        until(lambda: "Nothing is left to stop; what was sent goes on" in panel.rows[0].text)
        assert list(buttons(panel)) == [name]
        proxy.heal()
        assert len(run.wait(60).images) == 2
        until(lambda: not buttons(panel))
        assert "stop" not in panel.rows[0].text


def test_stop_says_what_it_stopped_and_what_goes_on(tmp_path: Path) -> None:
    with ExitStack() as stack:
        panel = slow_panel(stack, tmp_path / "store")
        run = start(panel, replace(ASKED, params={"seed": "1..40", "resolution": "1K"}))
        name = f"Stop run {run.id}"
        until(lambda: list(buttons(panel)) == [name] and any(job.task_id for job in run))
        assert buttons(panel)[name].tooltip == name
        buttons(panel)[name].click()
        until(lambda: re.search(r"\d+ pictures stopped; what was sent goes on", panel.rows[0].text))
        until(lambda: "Nothing is left to stop" in tooltip(panel, name))


def test_stop_leaves_what_another_run_wants_and_says_so(tmp_path: Path) -> None:
    with ExitStack() as stack:
        panel = slow_panel(stack, tmp_path / "store")
        state = replace(ASKED, params={"seed": "1..40", "resolution": "1K"})
        first = start(panel, state)
        second = start(panel, state)
        name = f"Stop run {second.id}"
        until(lambda: "Nothing is left to stop" in tooltip(panel, name))
        buttons(panel)[name].click()
        until(lambda: "Nothing is left to stop" in panel.rows[0].text)
        assert "another run or kernel sends the rest" in panel.rows[0].text
        assert "stopped" not in {job.status for job in first}


def test_a_run_is_shown_as_it_fills_and_its_end_is_known_everywhere(opened: Callable[..., Panel]) -> None:
    panel = opened()
    until(lambda: panel.model.balance is not None)
    before = panel.model.balance
    assert before is not None
    said: list[str] = []
    panel.tabs.widget.send = lambda content, buffers=None: said.append(content["kind"])
    run = generate(panel, replace(ASKED, prompt="a cat sandbox:fail(seed=2)", name="two cats"))
    until(lambda: bar(panel) == (1, 2, "danger"))
    assert panel.tabs.chosen == f"Run {run.id}"
    assert [(item["picture"], item["is_pictured"]) for item in items(panel)] == [(0, True), (None, False)]
    assert "generation_failed" in items(panel)[1]["trouble"]
    assert "two cats" in panel.rows[0].widget.children[0].value
    until(lambda: "stale" in said)
    until(lambda: panel.model.balance == before - 12)
    until(lambda: "1 from the history" in panel.summary)


def test_an_impatient_second_click_buys_nothing(session: rv.Session, opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(ASKED)
    until(lambda: not panel.generate.disabled)
    for _ in range(3):
        panel.generate.click()
    until(lambda: panel.runs)
    panel.runs[0].wait(60)
    until(lambda: "0 credits" in panel.summary)
    assert len(rv.runs()) == 1


def test_what_was_sent_before_the_kernel_ended_is_resumed_from_its_row(tmp_path: Path) -> None:
    def connected(url: str) -> Any:
        return closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store"))

    with running_sandbox(SandboxConfig(latency=2, credits=1000)) as url:
        with connected(url):
            left = [rv.generate(prompt, seed=7, resolution="1K") for prompt in ("a cat", "a dog")]
            until(lambda: all(job.record.task_id for run in left for job in run))
        with connected(url) as session, closing(Panel(session, "main")) as panel:
            assert [run.id for run in panel.runs] == [2, 1]
            for place, name in enumerate(("Resume run 2", "Resume run 1")):
                until(lambda place=place, name=name: list(buttons(panel, place)) == [name])
                buttons(panel, place)[name].click()
            for place, run in enumerate(panel.runs):
                until(lambda run=run: run.images)
                until(lambda place=place: not buttons(panel, place))
                until(lambda place=place: pictured(panel, place))


def test_what_was_never_sent_says_its_price_and_is_sent_from_its_row(tmp_path: Path) -> None:
    with (
        running_sandbox(SandboxConfig(latency=0, credits=24)) as url,
        proxy_to(url) as proxy,
        closing(rv.connect(DEFAULT_KEY, proxy.url, store=tmp_path / "store")) as session,
    ):
        proxy.inject(Fault(BALANCE, changed(lambda said: {**said, "current_credits": 0})))
        held = rv.generate("a dog", seed=7, resolution="1K")
        until(lambda: not held.is_working)
        proxy.heal()
        with closing(Panel(session, "main")) as panel:
            until(lambda: list(buttons(panel)) == [f"Send the rest of run {held.id}"])
            send = buttons(panel)[f"Send the rest of run {held.id}"]
            assert send.description == "Send the rest (12 credits)"
            send.click()
            until(lambda: held.images)
            until(lambda: not buttons(panel))


def test_the_rest_is_not_sent_where_too_little_is_left_for_it(tmp_path: Path) -> None:
    with (
        running_sandbox(SandboxConfig(latency=0, credits=24)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as session,
    ):
        held = rv.generate("a dog", seed=[1, 2, 3], resolution="1K")
        until(lambda: not held.is_working)
        with closing(Panel(session, "main")) as panel:
            until(lambda: panel.model.balance == 24 and buttons(panel))
            buttons(panel)[f"Send the rest of run {held.id}"].click()
            until(lambda: "Nothing was sent: 36 are needed, 24 are left" in panel.rows[0].run.said)
            assert {job.status for job in held} == {"planned"}


def test_what_failed_is_not_asked_for_again_where_too_little_is_left_for_it(tmp_path: Path) -> None:
    with (
        running_sandbox(SandboxConfig(latency=0, credits=36)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as session,
        closing(Panel(session, "main")) as panel,
    ):
        failed = start(panel, replace(ASKED, prompt="a cat sandbox:fail"))
        until(lambda: not failed.is_working)
        rv.generate("a dog", seed=[1, 2], resolution="1K").wait(60)
        until(lambda: panel.rows[0].retry.layout.display != "none")
        panel.rows[0].retry.click()
        until(lambda: "it would cost 24 credits, and 12 are left" in panel.rows[0].text)
        assert {job.status for job in failed} == {"planned"}
        assert session.balance() == 12


def test_the_rest_tells_the_price_of_what_was_stopped_and_is_sent_with_it(tmp_path: Path) -> None:
    with (
        running_sandbox(SandboxConfig(latency=0, credits=24)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as session,
    ):
        held = rv.generate("a dog", seed=[1, 2, 3], resolution="1K")
        until(lambda: not held.is_working)
        session.store.claims.stop([held[0].id])
        with closing(Panel(session, "main")) as panel:
            until(lambda: buttons(panel))
            send = buttons(panel)[f"Send the rest of run {held.id}"]
            assert send.description == "Send the rest (36 credits)"


def test_what_is_held_back_is_not_in_the_time_that_is_left(tmp_path: Path) -> None:
    polled: list[str] = []

    def let_one_wait(exchange: Exchange) -> Spoil | None:
        if POLL.fits(exchange.method, exchange.path):
            polled.append(exchange.path)
        return stall if exchange.path in polled[:1] else None

    with (
        running_sandbox(SandboxConfig(latency=1)) as url,
        proxy_to(url) as proxy,
        closing(rv.connect(DEFAULT_KEY, proxy.url, store=tmp_path / "store")) as session,
        closing(Panel(session, "main")) as panel,
    ):
        proxy.choose = let_one_wait
        run = start(panel, replace(ASKED, params={"seed": "1..30", "resolution": "1K"}))
        until(lambda: sum(job.task_id is not None for job in run) > 1)
        run.hold()
        until(lambda: sum(job.status in SENT for job in run) == 1 and run.images)
        # The others will not follow on the one that is under way; and when that ends, nobody knows before long.
        seen: list[str] = []
        until(lambda: shows(seen, panel.rows[0].text, r"\d planned · \d+ s<"))
        alone = [text for text in seen if re.search(r"done · 1 processing · \d+ planned", text)]
        assert not [text for text in alone if re.search(r"about (\d\d s|\d+ min) left", text)]


@pytest.mark.parametrize("kind", ["grid", "compare"])
def test_what_was_opened_leaves_nothing_behind(opened: Callable[..., Panel], kind: str) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    before = set(_instances)
    for number in (1, 2):
        panel.gallery.receive({"kind": kind, "jobs": [job.id for job in run]})
        tabs = number if kind == "grid" else 1
        until(lambda tabs=tabs: sum(title.endswith("(2)") for title in panel.tabs.titles) == tabs)
    panel.close()
    left = [type(_instances[model]).__name__ for model in set(_instances) - before]
    assert left == []


def test_what_is_marked_or_deleted_once_a_run_has_ended_shows_in_its_tab_and_row(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    row = panel.rows[0]
    until(lambda: "2 pictures" in row.text)
    assert pictured(panel) == 2
    looks = row.run.looks
    session.pictures([run[0].id]).favourite()
    until(lambda: row.run.looks > looks)
    assert [item["marks"] for item in items(panel)] == ["♥", ""]
    session.undo()
    session.pictures([run[0].id]).delete(confirm=True)
    until(lambda: pictured(panel) == 1)
    until(lambda: "1 of 2 pictures · 1 deleted" in row.text)


def test_what_one_would_do_next_is_told_by_the_panels_buttons_there_and_by_commands_in_cells(
    opened: Callable[..., Panel],
) -> None:
    panel = opened()
    seen: list[str] = []
    run = start(panel, replace(ASKED, prompt="a cat sandbox:fail(seed=2)"))
    followed = panel.rows[0].run
    until(lambda: shows(seen, followed.look, "Retry"))
    assert re.search(r"Retry</code> <span[^>]*>generates the failed one again \(12 credits\)", followed.look)
    assert not [look for look in seen if "%rivya" in look or "resume" in look]
    assert f"rv.connect(…).retry({run.id})" in run.look()["text/html"]


def test_a_panel_proposes_no_button_that_is_not_there(opened: Callable[..., Panel]) -> None:
    panel = opened()
    run = start(panel, replace(ASKED, params={"seed": "1..40", "resolution": "1K"}))
    until(lambda: list(buttons(panel)) == [f"Stop run {run.id}"])
    buttons(panel)[f"Stop run {run.id}"].click()
    until(lambda: not buttons(panel) and "stopped" in panel.rows[0].run.look)
    assert "stopped" in {job.status for job in run}
    assert "Send the rest" not in panel.rows[0].run.look
    assert "%rivya" not in panel.rows[0].run.look
    assert f"rv.resume({run.id}, unsent=True)" in run.look()["text/html"]
