"""What one key may do at a time and a second, and how long its tasks take."""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandboxes import bearer, code, sandbox_client, submit, until

from rivya_nb.sandbox import DEFAULT_KEY, flags, join
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.latency import LatencyRange, parse, task_seconds


@pytest.mark.parametrize("told", [True, False])
def test_more_tasks_at_a_time_than_allowed_are_refused_with_or_without_retry_after(told: bool) -> None:
    with sandbox_client(SandboxConfig(latency=60, max_in_flight=2, send_retry_after=told)) as client:
        accepted = [submit(client, seed=seed, key=f"k{seed}") for seed in (1, 2)]
        assert [answer.status_code for answer in accepted] == [200, 200]
        refused = submit(client, seed=3)
        assert code(refused) == (429, "rate_limited")
        assert "2 unfinished tasks" in refused.json()["error"]["message"]
        assert (int(refused.headers.get("retry-after", 0)) in range(50, 61)) is told
        # What is no new task goes on.
        assert submit(client, seed=1, key="k1").json()["id"] == accepted[0].json()["id"]
        assert client.get(f"/api/v1/generations/{accepted[0].json()['id']}").status_code == 200
        assert client.get("/api/v1/credits").json() == {"current_credits": 10_000 - 24}


def test_a_place_is_free_once_a_task_has_ended_and_a_refused_key_can_be_used() -> None:
    with sandbox_client(SandboxConfig(latency=0.4, max_in_flight=1)) as client:
        first = submit(client, "A bottle sandbox:fail", key="first").json()["id"]
        refused = submit(client, key="second")
        assert code(refused) == (429, "rate_limited")
        assert refused.headers["retry-after"] == "1"
        assert until(lambda: submit(client, key="second").status_code == 200)
        assert client.get(f"/api/v1/generations/{first}").json()["status"] == "failed"


def test_both_limits_hold_at_once() -> None:
    with sandbox_client(SandboxConfig(latency=60, max_in_flight=1, rate_limit=3, rate_window=30)) as client:
        answers = [submit(client, seed=seed) for seed in range(4)]
        assert [answer.status_code for answer in answers] == [200, 429, 429, 429]
        assert "unfinished" in answers[1].json()["error"]["message"]
        assert "Too many requests" in answers[3].json()["error"]["message"]


def took(client: httpx.Client, prompt: str, seed: int) -> float:
    """Seconds that a new task took, as the service tells."""
    path = f"/api/v1/generations/{submit(client, prompt, seed=seed).json()['id']}"
    assert until(lambda: client.get(path).json()["status"] == "failed")
    task = client.get(path).json()
    began, ended = (
        datetime.fromisoformat(task[key].replace("Z", "+00:00")) for key in ("created_at", "updated_at")
    )
    return (ended - began).total_seconds()


def test_tasks_of_a_range_take_different_times_that_are_the_same_in_every_sandbox() -> None:
    config, prompt = SandboxConfig(latency=LatencyRange(0.01, 0.1)), "A bottle sandbox:fail"
    seen = []
    for _ in range(2):
        with sandbox_client(config) as client:
            seen.append([took(client, prompt, seed) for seed in (1, 2, 3, 3)])
    assert seen[0] == pytest.approx(seen[1], abs=0.003)
    assert min(abs(one - other) for one, other in zip(seen[0], seen[0][1:], strict=False)) > 0.003


def test_nine_tenths_of_a_ranges_tasks_end_within_it() -> None:
    law = LatencyRange(8, 20)
    assert (law.quantile(0.05), law.quantile(0.95)) == pytest.approx((8, 20))
    times = [task_seconds(law, "A glass bottle", number) for number in range(2000)]
    assert sum(8 <= time <= 20 for time in times) / len(times) == pytest.approx(0.9, abs=0.03)
    assert sorted(times)[1000] == pytest.approx((8 * 20) ** 0.5, rel=0.05)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e3), st.text(), st.integers(0, 10**6))
def test_every_range_gives_times_that_can_be_waited_for(
    low: float, factor: float, request: str, number: int
) -> None:
    law = LatencyRange(low, low * factor)
    assert 0 < task_seconds(law, request, number) < law.high * factor**6


@pytest.mark.parametrize(
    "text", ["", "fast", "-1", "inf", "nan", "8..", "..20", "20..8", "0..3", "8..8", "1..inf"]
)
def test_what_is_no_latency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"seconds"):
        parse(text)


@pytest.mark.parametrize(("text", "latency"), [("0", 0), ("2.5", 2.5), ("8..20", LatencyRange(8, 20))])
def test_a_latency_is_read_as_it_is_written(text: str, latency: float | LatencyRange) -> None:
    assert parse(text) == latency
    assert parse(str(parse(text))) == latency


def read(*words: str) -> SandboxConfig:
    parser = argparse.ArgumentParser()
    flags.add_flags(parser)
    return flags.config(parser.parse_args(words))


def test_flags_and_variables_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = SandboxConfig(latency=LatencyRange(8, 20), credits=5, max_in_flight=20, rate_limit=8)
    words = ["--latency", "8..20", "--credits", "5", "--max-in-flight", "20", "--calls-per-second", "8"]
    assert read(*words) == wanted
    for name, value in zip(words[::2], words[1::2], strict=True):
        monkeypatch.setenv(f"RIVYA_SANDBOX_{name.lstrip('-').replace('-', '_').upper()}", value)
    assert read() == wanted
    assert read("--latency", "1", "--no-retry-after").latency == 1
    assert not read("--no-retry-after").send_retry_after


@pytest.mark.parametrize(
    "words", [["--latency", "20..8"], ["--max-in-flight", "0"], ["--calls-per-second", "some"]]
)
def test_a_wrong_flag_is_told_in_one_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read(*words)
    said = capsys.readouterr().err
    assert words[0] in said.splitlines()[-1]
    assert any(example in said for example in ("8..20", "whole number from 1 on"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["-m", "rivya_nb.sandbox"], ["-c", "from rivya_nb.cli import main; main()", "sandbox"]]
)
def test_both_commands_serve_with_the_limits_they_are_given(command: list[str], tmp_path: Path) -> None:
    words = ["--folder", str(tmp_path), "--port", "0", "--latency", "50..60", "--max-in-flight", "1"]
    server = subprocess.Popen(
        [sys.executable, *command, *words],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert server.stdout is not None
    try:
        url = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        with httpx.Client(base_url=url, headers=bearer(DEFAULT_KEY), timeout=60) as client:
            assert [submit(client, seed=seed).status_code for seed in (1, 2)] == [200, 429]
    finally:
        server.kill()
        server.communicate()


def test_a_joined_sandbox_takes_its_limits_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVYA_SANDBOX_MAX_IN_FLIGHT", "1")
    lease = join(tmp_path, latency=LatencyRange(50, 60))
    with httpx.Client(base_url=lease.url, headers=bearer(DEFAULT_KEY)) as client:
        assert [submit(client, seed=seed).status_code for seed in (1, 2)] == [200, 429]
    lease.close()
