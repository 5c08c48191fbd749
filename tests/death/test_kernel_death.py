"""A process killed at any moment of a run loses nothing that was paid for, and pays for nothing twice."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

from sandboxes import running_sandbox

from rivya_nb.sandbox.config import SandboxConfig

from .births import lived, nursery
from .dying import die
from .resuming import go_on

SLOW_ENOUGH_TO_BE_POLLED = SandboxConfig(latency=0.4, credits=100_000)
AT_ONCE = 4
LEAST_WRITES = 16
"""Of a whole run: the reference, the run, the claim and the upload, and six steps of each of its two jobs."""


@dataclass(frozen=True)
class Death:
    """Where a process dies: before or after the nth of its writes."""

    nth: int
    when: str

    @property
    def name(self) -> str:
        return f"{self.when}-{self.nth}"


def billed(sandbox: Path, prompt: str) -> list[int]:
    """The prices of all tasks that the sandbox made of a prompt."""
    with sqlite3.connect(sandbox / "sandbox.sqlite") as database:
        rows = database.execute("SELECT price FROM tasks WHERE prompt = ?", (prompt,)).fetchall()
    database.close()
    return [price for (price,) in rows]


def survive(context: ForkServerContext, death: Death, url: str, sandbox: Path, folder: Path) -> str | None:
    """What is wrong after a death and what followed, None where nothing is."""
    store, prompt = str(folder / death.name), f"A bottle, {death.name}"
    died = lived(context, folder / f"{death.name}.died", die, url, store, prompt, death.nth, death.when)
    if death.nth > LEAST_WRITES and died.went_well and died.given < death.nth:
        # Its polls saw a change less, and it had nothing more to write.
        return None
    if not died.was_killed:
        return f"it did not die: {died}"
    resumed = lived(context, folder / f"{death.name}.resumed", go_on, url, store)
    if not resumed.went_well:
        return f"it did not go on: {resumed}"
    jobs = resumed.given
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
    with running_sandbox(SLOW_ENOUGH_TO_BE_POLLED, sandbox) as url, nursery() as context:
        whole = lived(
            context, tmp_path / "notes", die, url, str(tmp_path / "whole"), "A bottle, whole", None, ""
        )
        assert not whole.complaint
        assert whole.given >= LEAST_WRITES
        deaths = [Death(nth, when) for nth in range(1, whole.given + 1) for when in ("before", "after")]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            wrong = list(pool.map(lambda death: survive(context, death, url, sandbox, tmp_path), deaths))
    failures = {death.name: what for death, what in zip(deaths, wrong, strict=True) if what is not None}
    assert not failures
