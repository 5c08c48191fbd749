"""Eight kernels ask for the same seeds within two seconds: how many jobs and billed pictures does that make?

    python benchmarks/same_moment.py [ROUNDS] [SEEDS] [PICTURES]

Each round has a store of its own, first in a folder and then on a PostgreSQL server, and eight processes,
which ask for the same SEEDS at random moments of two seconds. The service that they ask does not answer, so
that the last one finds everything planned. The last round has a sandbox, which all of them ask for the same
PICTURES. Jobs and billed pictures have to be as many as there are different requests, and every kernel has to
have all of them.
"""

from __future__ import annotations

import multiprocessing
import random
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.store import schema as tables
from rivya_nb.store.places import StorePlace
from rivya_nb.store.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from sandboxes import running_sandbox
from servers import postgresql_server

KERNELS = 8
OFFSET = 2.0
"""Seconds within which all of them ask."""


def ask(url: str, store: str, seeds: int, offset: float, line: Barrier, told: Any, waits: bool) -> None:
    """Be a kernel: connect, wait for the others, ask; tell how many pictures one has, or jobs."""
    import rivya_nb as rv
    from rivya_nb.jobs import pacing
    from rivya_nb.sandbox.keys import DEFAULT_KEY

    pacing.FIRST = pacing.SECOND = pacing.LONGEST = 0.5
    rv.connect(DEFAULT_KEY, url, store=store)
    plan = rv.plan("A bottle", model="ideogram-v3", seed=range(seeds), image_size="square", max_credits=10**6)
    line.wait()
    time.sleep(offset)
    run = plan.run()
    told.put(len(run.wait().images) if waits else len(run))
    line.wait()


def round_(
    url: str, store: StorePlace, seeds: int, moments: random.Random, *, waits: bool
) -> tuple[int, float]:
    """The jobs that the store has after all of them have asked, and the seconds that took."""
    processes = multiprocessing.get_context("forkserver")
    line, told = processes.Barrier(KERNELS + 1), processes.Queue()
    kernels = [
        processes.Process(
            target=ask,
            args=(url, str(store), seeds, moments.uniform(0, OFFSET), line, told, waits),
            daemon=True,
        )
        for _ in range(KERNELS)
    ]
    for kernel in kernels:
        kernel.start()
    line.wait()
    began = time.perf_counter()
    had = [told.get(timeout=300) for _ in kernels]
    took = time.perf_counter() - began
    if waits:
        line.wait()
    for kernel in kernels:
        kernel.join(0 if not waits else 60)
        kernel.kill()
        kernel.join()
    if had != [seeds] * KERNELS:
        raise SystemExit(f"not every kernel has everything: {had}")
    with closing(Store.open(store)) as opened, opened.database.reading() as connection:
        jobs = connection.execute(select(func.count()).select_from(tables.jobs)).scalar_one()
    return jobs, took


def measure(
    what: str, new_store: Callable[[], StorePlace], folder: Path, rounds: int, seeds: int, pictures: int
) -> int:
    """Prints what became of each round; gives how many were wrong."""
    moments, wrong = random.Random(1), 0
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as silent:
        silence = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for number in range(rounds):
            jobs, took = round_(silence, new_store(), seeds, moments, waits=False)
            wrong += jobs != seeds
            asked = f"{jobs} jobs for {seeds} requests of {KERNELS} kernels"
            print(f"{what}, round {number + 1}: {asked}, {took:.1f} s", flush=True)
    folder.mkdir()
    with running_sandbox(SandboxConfig(latency=1.0, credits=10**6), folder) as url:
        jobs, took = round_(url, new_store(), pictures, moments, waits=True)
    with closing(sqlite3.connect(folder / "sandbox.sqlite")) as database:
        [(billed,)] = database.execute("SELECT count(*) FROM tasks")
    asked = f"{jobs} jobs, {billed} billed for {pictures} requests of {KERNELS} kernels"
    print(f"{what}, sent: {asked}, {took:.1f} s", flush=True)
    return wrong + (jobs != pictures or billed != pictures)


def main(*given: int) -> int:
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["rivya_nb.calls", "rivya_nb.jobs.runner", "rivya_nb.store.postgresql.database"]
    )
    with tempfile.TemporaryDirectory() as name, postgresql_server() as server:
        folder, numbers = Path(name), count()
        wrong = measure("folder", lambda: folder / f"store-{next(numbers)}", folder / "first", *given)
        return wrong + measure("PostgreSQL", server.new_store, folder / "second", *given)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(given + [20, 1000, 40][len(given) :])))
