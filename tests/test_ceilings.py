"""How many jobs are worked on at a time at most: for a session, and for one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.magics.cell import plan_cell
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.planning.line import parse_line
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.records import SENT

TIMEOUT = 60
Connect = Callable[..., rv.Session]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    with ExitStack() as stack:
        url = stack.enter_context(running_sandbox(SandboxConfig(latency=0.1)))
        yield lambda **more: stack.enter_context(
            closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store", **more))
        )


def most_at_a_time(run: rv.Run) -> int:
    """How many jobs of a run were between their submit and their picture at most."""
    seen = [0]

    def count() -> None:
        seen.append(sum(job.status in SENT for job in run))

    for job in run:
        job.live.subscribe(count)
    run.wait(TIMEOUT)
    return max(seen)


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_a_session_has_a_ceiling(where: str, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "environment":
        monkeypatch.setenv("RIVYA_MAX_PARALLEL", "2")
        connect()
    else:
        monkeypatch.setenv("RIVYA_MAX_PARALLEL", "50")
        connect(max_parallel=2)
    assert most_at_a_time(rv.generate("A bottle", seed=range(6), resolution="1K")) == 2


def test_the_command_connects_with_a_ceiling(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    first = connect()
    monkeypatch.setenv("RIVYA_BASE_URL", first.address)
    monkeypatch.setenv("RIVYA_API_KEY", DEFAULT_KEY)
    monkeypatch.setenv("RIVYA_STORE", str(first.store.folder))
    COMMANDS["connect"].act(("--parallel", "3"))
    assert most_at_a_time(rv.generate("A bottle", seed=range(6), resolution="1K")) == 3
    for words in (("--parallel",), ("--parallel", "0"), ("--parallel=many",)):
        with pytest.raises(rv.UsageError, match="--parallel needs a whole number of jobs from 1 on"):
            COMMANDS["connect"].act(words)


def test_a_run_has_a_ceiling_of_its_own(connect: Connect) -> None:
    session = connect()
    assert most_at_a_time(rv.generate("A bottle", seed=range(6), resolution="1K", max_parallel=3)) == 3
    line = parse_line("seed=10..15 resolution=1K --parallel 2")
    assert most_at_a_time(plan_cell(session, line, "A bottle", {}).run()) == 2


def test_a_run_keeps_its_ceiling_when_it_is_resumed(connect: Connect) -> None:
    connect()
    run = rv.generate("A bottle", seed=range(6), resolution="1K", max_parallel=2)
    assert most_at_a_time(rv.resume(run, unsent=True)) == 2


@pytest.mark.parametrize("ceiling", [0, -1, "many", True, 1.5])
def test_a_ceiling_that_is_none_is_refused(
    ceiling: object, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = rf"max_parallel: '?{ceiling}'? is not a whole number from 1 on"
    with pytest.raises(rv.UsageError, match=wrong):
        connect(max_parallel=ceiling)
    connect()
    with pytest.raises(rv.UsageError, match=wrong):
        rv.plan("A bottle", max_parallel=ceiling)  # type: ignore[arg-type]
    monkeypatch.setenv("RIVYA_MAX_PARALLEL", str(ceiling))
    with pytest.raises(
        rv.UsageError, match=r"RIVYA_MAX_PARALLEL in the environment is '.*', which is not a whole"
    ):
        connect()
