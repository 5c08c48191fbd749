"""Kill a process at random moments of a run, go on in another one, and count what was billed and what arrived.

    python benchmarks/random_kills.py [KILLS] [SEED]

Each round asks the sandbox for two pictures with a reference, in a store of its own, dies by SIGKILL after a
random time, and is resumed by a second process: first what was sent, then what never was. Nothing may be
billed twice, nothing that was billed may be missing, and no half file may pass for a picture.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path += [str(TESTS), str(TESTS / "death")]

LONGEST_LIFE = 5.0
"""Seconds; a run that is left alone takes about 3.5, most of them until its first poll."""

AT_ONCE = 8

PRELOADED = [
    "dying",
    "resuming",
    "httpx",
    "PIL.PngImagePlugin",
    "sqlalchemy.dialects.sqlite",
    "rivya_nb.calls",
    "rivya_nb.jobs.runner",
    "rivya_nb.api.results",
]
"""What a process of a round would spend its first seconds on."""


def ask(url: str, store: str, prompt: str) -> None:
    import dying

    dying.ask(url, store, prompt)


def go_on(url: str, store: str, answer: str) -> None:
    import resuming

    Path(answer).write_text(json.dumps(resuming.go_on(url, store)))


def round_(number: int, life: float, url: str, sandbox: Path, folder: Path) -> str:
    """`ok …` with how far the run had come, or what is wrong."""
    processes = multiprocessing.get_context("forkserver")
    store, prompt = str(folder / str(number)), f"A bottle, round {number}"
    dying = processes.Process(target=ask, args=(url, store, prompt))
    dying.start()
    time.sleep(life)
    if dying.pid is not None and dying.is_alive():
        os.kill(dying.pid, signal.SIGKILL)
    dying.join()
    answer = folder / f"{number}.json"
    following = processes.Process(target=go_on, args=(url, store, str(answer)))
    following.start()
    following.join(120)
    if not answer.exists():
        return "wrong: the second process did not end well"
    jobs = json.loads(answer.read_text())
    with sqlite3.connect(sandbox / "sandbox.sqlite") as database:
        rows = database.execute("SELECT price FROM tasks WHERE prompt = ?", (prompt,)).fetchall()
    database.close()
    wanted = 2 if jobs else 0
    whole = [job for job in jobs if job["status"] == "succeeded" and len(job["sizes"]) == 1]
    if len(whole) != wanted or len(rows) != wanted:
        return f"wrong: {len(rows)} billed, {jobs}"
    return f"ok, {'killed' if dying.exitcode else 'finished before'}, {wanted} pictures"


def main(kills: int, seed: int) -> int:
    from sandboxes import running_sandbox

    from rivya_nb.sandbox.config import SandboxConfig

    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    lives = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        folder, sandbox = Path(name), Path(name) / "sandbox"
        sandbox.mkdir()
        with running_sandbox(SandboxConfig(latency=0.5, credits=1_000_000), sandbox) as url:
            rounds = [(number, lives.uniform(0, LONGEST_LIFE)) for number in range(kills)]
            ends = list(pool.map(lambda each: round_(*each, url, sandbox, folder), rounds))
    for end, count in Counter(ends).most_common():
        print(f"{count:5} {end}")
    return sum(end.startswith("wrong") for end in ends)


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [1000, 1][len(arguments) :])))
