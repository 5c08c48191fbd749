"""A process killed at any moment of a run loses nothing that was paid for, and pays for nothing twice."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandboxes import running_sandbox

from rivya_nb.sandbox.config import SandboxConfig

HERE = Path(__file__).parent
SLOW_ENOUGH_TO_BE_POLLED = SandboxConfig(latency=0.5, credits=100_000)
AT_ONCE = 4


@dataclass(frozen=True)
class Death:
    """Where a process dies: before or after the nth of its writes."""

    nth: int
    when: str

    @property
    def name(self) -> str:
        return f"{self.when}-{self.nth}"


def python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def billed(sandbox: Path, prompt: str) -> list[int]:
    """The prices of all tasks that the sandbox made of a prompt."""
    with sqlite3.connect(sandbox / "sandbox.sqlite") as database:
        rows = database.execute("SELECT price FROM tasks WHERE prompt = ?", (prompt,)).fetchall()
    database.close()
    return [price for (price,) in rows]


def survive(death: Death, url: str, sandbox: Path, folder: Path) -> str | None:
    """What is wrong after a death and what followed, None where nothing is."""
    store, prompt = str(folder / death.name), f"A bottle, {death.name}"
    died = python("dying.py", url, store, prompt, str(death.nth), death.when)
    if died.returncode != -signal.SIGKILL:
        return f"it did not die: {died.returncode} {died.stderr}"
    resumed = python("resuming.py", url, store)
    if resumed.returncode:
        return resumed.stderr
    jobs = json.loads(resumed.stdout)
    paid = billed(sandbox, prompt)
    # Before the run is written down there is nothing to go on with, and nothing was sent.
    wanted = 2 if jobs else 0
    if [job["status"] for job in jobs] != ["succeeded"] * wanted:
        return f"not collected: {jobs}"
    if len(paid) != wanted:
        return f"{wanted} pictures, and {len(paid)} were billed"
    if sum(paid) != sum(job["credits"] for job in jobs):
        return f"{sum(paid)} credits were billed, {jobs}"
    if any(len(job["sizes"]) != 1 for job in jobs):
        return f"not one whole picture each: {jobs}"
    return None


def test_no_death_before_or_after_any_write_loses_or_doubles_anything(tmp_path: Path) -> None:
    sandbox = tmp_path / "sandbox"
    sandbox.mkdir()
    with running_sandbox(SLOW_ENOUGH_TO_BE_POLLED, sandbox) as url:
        whole = python("dying.py", url, str(tmp_path / "whole"), "A bottle, whole")
        assert whole.returncode == 0, whole.stderr
        writes = int(whole.stdout)
        assert writes >= 12
        deaths = [Death(nth, when) for nth in range(1, writes + 1) for when in ("before", "after")]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            wrong = list(pool.map(lambda death: survive(death, url, sandbox, tmp_path), deaths))
    failures = {death.name: what for death, what in zip(deaths, wrong, strict=True) if what is not None}
    assert not failures
