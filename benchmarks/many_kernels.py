"""Fifty kernels at one store on a PostgreSQL server: how long their steps take, and whether a limit holds.

    python benchmarks/many_kernels.py [--kernels 50] [--rate 6.5] [--seconds 30] [--processes 5] [--at postgresql://…]

Each kernel has a store of its own, with a thread that writes runs of 13 pictures and what becomes of each picture,
as a session does: three steps of its job and a delivery, at the given rate. It also shares its pace once a second.
The service and the pictures' bytes are left out. Aims: the 99th percentile of a step 150 ms, of writing a run 500
ms, at most 150 connections, no error.

Then twenty kernels race for the last 1,000 credits of a limit of the whole store, one picture at a time, and eight
kernels write a run of 1,000 pictures each at the same moment: other pictures, and the same ones.

Without `--at` a server is started here, which is as durable as one in production. It and the kernels share the
processors: the processors' seconds of both are told, since a kernel of a laboratory has its own machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg
from service import load

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import servers

from rivya_nb.contract.request import Request
from rivya_nb.errors import CreditLimitError
from rivya_nb.store.credit_limits import EVERYBODY, CreditLimit
from rivya_nb.store.pace import Demand, FoundLimits
from rivya_nb.store.places import ServerAddress, read_place
from rivya_nb.store.postgresql.connecting import parameters
from rivya_nb.store.records import CellRecord, JobRecord, PictureRecord, planned_job
from rivya_nb.store.store import Store

RUN = 13
STEPS_A_JOB = 4
MODEL = "wan-2-7-image-pro"
PICTURE = PictureRecord("", "image/png", 2048, 2048, 5_000_000)
SETTINGS = {"max_connections": "200", "shared_preload_libraries": "pg_stat_statements"}


@dataclass
class Told:
    """What a process measured: seconds of each step and of each run, how far behind a kernel was, and errors."""

    steps: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    processor: float = 0.0


def new_jobs(store: Store, rng: random.Random, count: int) -> list[JobRecord]:
    now = store.database.now()
    prompt = f"a glass bottle, {rng.getrandbits(60):x}"
    return [
        planned_job(Request(MODEL, prompt, {"seed": seed}, (), 12), "sandbox", now) for seed in range(count)
    ]


def add(store: Store, jobs: list[JobRecord]) -> Any:
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate(jobs)]
    return store.asking.add_run(
        name=None,
        service="sandbox",
        axes=(),
        cells=cells,
        jobs=jobs,
        unanswered={job.identity for job in jobs},
    )


def steps(store: Store, job: JobRecord) -> Iterator[Callable[[], object]]:
    """What a session does with the store for one picture."""

    def begin() -> None:
        store.make_ready()
        if not store.claims.begin_submit(job.id, body="x" * 400, submitted_at=store.database.now()):
            raise RuntimeError("a job was lost")

    yield begin
    yield lambda: store.update_job(job.id, status="queued", task_id=f"task-{job.id}", reserved_credits=12)
    yield lambda: store.update_job(job.id, status="processing", remote_status="processing")
    picture = replace(PICTURE, sha256=job.id.replace("-", "").ljust(64, "0")[:64])
    ended = store.database.now()
    yield lambda: store.finish_job(job.id, [picture], status="succeeded", final_credits=12, finished_at=ended)


def work(store: Store, number: int, rate: float, seconds: float, told: Told) -> None:
    """Be a kernel: its steps are due at a steady rate."""
    rng = random.Random(f"kernel {number}")
    pause = 1 / rate
    # No two write their runs at the same moment but by chance.
    due = time.perf_counter() + rng.random() * RUN * STEPS_A_JOB * pause
    end, shared = due + seconds, due + rng.random()
    agreed = FoundLimits()

    def timed(step: Callable[[], object], kept: list[float]) -> None:
        began = time.perf_counter()
        step()
        kept.append(time.perf_counter() - began)

    while due < end:
        time.sleep(max(due - time.perf_counter(), 0.0))
        jobs = new_jobs(store, rng, RUN)
        timed(lambda jobs=jobs: add(store, jobs), told.runs)
        for job in jobs:
            for step in steps(store, job):
                late = time.perf_counter() - due
                told.behind.append(max(late, 0.0))
                time.sleep(max(-late, 0.0))
                timed(step, told.steps)
                due += pause
            if time.perf_counter() > shared:
                shared += 1.0
                mine = Demand(in_flight=2, wanted=5)
                agreed, _ = store.limits.share(
                    "sandbox", "key", f"kernel {number}", mine, FoundLimits(), agreed
                )


def be_kernels(
    place: ServerAddress, numbers: list[int], rate: float, seconds: float, pipe: Connection
) -> None:
    """In a process of its own: be some kernels."""
    told = Told()
    stores = [Store.open(place) for _ in numbers]
    warm = random.Random(f"process {numbers[0]}")
    for store in stores:
        add(store, new_jobs(store, warm, 1))
        # The pictures have no files here.
        store.files.has_all = lambda _: True  # type: ignore[method-assign]
    pipe.send("ready")
    pipe.recv()
    began = time.process_time()

    def be(at: int) -> None:
        try:
            work(stores[at], numbers[at], rate, seconds, told)
        except Exception as error:
            told.errors.append(repr(error))

    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(be, range(len(stores))))
    told.processor = time.process_time() - began
    pipe.send(told)
    for store in stores:
        store.close()


def race(place: ServerAddress, kernels: int) -> None:
    """Twenty kernels ask for one picture after the other, until a limit of the whole store refuses."""
    stores = [Store.open(place) for _ in range(kernels)]
    with closing(stores[0].database):
        limits = stores[0].credit_limits
        limits.set(CreditLimit(EVERYBODY, "month", 0))
        before = limits.uses()[0].used
        limits.set(CreditLimit(EVERYBODY, "month", before + 1_000))
        barrier, allowed, waited = threading.Barrier(kernels), [], []

        def ask(store: Store, number: int) -> None:
            rng = random.Random(f"racer {number}")
            barrier.wait()
            while True:
                began = time.perf_counter()
                try:
                    add(store, new_jobs(store, rng, 1))
                except CreditLimitError:
                    return
                waited.append(time.perf_counter() - began)
                allowed.append(12)

        began = time.perf_counter()
        with ThreadPoolExecutor(kernels) as threads:
            list(threads.map(ask, stores, range(kernels)))
        took = time.perf_counter() - began
        used = limits.uses()[0].used - before
        print(
            f"1,000 credits left, {kernels} kernels: {used} used, {sum(allowed)} allowed in {took:.1f} s; "
            f"a run of one: {figures(waited)}"
        )
        limits.unset(EVERYBODY, "month")
    for store in stores[1:]:
        store.close()


def be_writer(place: ServerAddress, seed: int, pipe: Connection) -> None:
    """In a process of its own: write one run of 1,000 pictures when all are ready."""
    with closing(Store.open(place)) as store:
        jobs = new_jobs(store, random.Random(seed), 1_000)
        pipe.send("ready")
        pipe.recv()
        began = time.perf_counter()
        is_written = add(store, jobs) is not None
        pipe.send((is_written, time.perf_counter() - began))


def write_large(place: ServerAddress, kernels: int, *, same: bool) -> None:
    seeds = [10**9 if same else 10**9 + 1 + number for number in range(kernels)]
    with processes(be_writer, [(place, seed) for seed in seeds]) as pipes:
        told = [pipe.recv() for pipe in pipes]
    written = sum(is_written for is_written, _ in told)
    took = [seconds for _, seconds in told]
    what = "the same 1,000 pictures" if same else "1,000 other pictures each"
    print(f"{kernels} kernels write {what} at once: {written} runs written; {figures(took)}")


@contextmanager
def processes(target: Callable[..., None], given: list[tuple[Any, ...]]) -> Iterator[list[Connection]]:
    """Processes that all begin at one moment; their pipes."""
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe() for _ in given]
    running = [
        context.Process(target=target, args=(*each, theirs))
        for each, (_, theirs) in zip(given, ends, strict=True)
    ]
    for process in running:
        process.start()
    pipes = [mine for mine, _ in ends]
    for pipe in pipes:
        pipe.recv()
    for pipe in pipes:
        pipe.send("go")
    yield pipes
    for process in running:
        process.join()


def figures(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    at99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return (
        f"median {statistics.median(ordered) * 1000:.0f} ms, 99th percentile {at99 * 1000:.0f} ms, "
        f"most {ordered[-1] * 1000:.0f} ms, of {len(ordered):,}"
    )


class Server:
    """What the server says of itself; `process` is its main process where it runs here, 0 elsewhere."""

    def __init__(self, place: ServerAddress, process: int) -> None:
        self._connection = psycopg.connect(**parameters(place), autocommit=True)  # type: ignore[arg-type]
        self._process = process
        self.most = 0
        self._ends = threading.Event()
        self._watch: threading.Thread | None = None

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()  # type: ignore[arg-type]

    def begin(self) -> None:
        if self._process:
            self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            self._connection.execute("SELECT pg_stat_statements_reset()")
        self._ends.clear()
        self._watch = threading.Thread(target=self._count)
        self._watch.start()

    def _count(self) -> None:
        while not self._ends.wait(0.5):
            (count,) = self._rows(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rivya_nb'"
            )[0]
            self.most = max(self.most, count - 1)

    def end(self) -> None:
        self._ends.set()
        assert self._watch is not None
        self._watch.join()

    def processor(self) -> float:
        """The processors' seconds of the server's processes."""
        if not self._process:
            return 0.0
        ticks = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[1]) == self._process:
                ticks += int(words[11]) + int(words[12])
            elif int(folder.name) == self._process:
                # With those of the children that have ended.
                ticks += sum(map(int, words[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def statements(self) -> None:
        if not self._process:
            return
        rows = self._rows(
            "SELECT calls, total_exec_time, mean_exec_time, max_exec_time, regexp_replace(query, '\\s+', ' ', 'g')"
            " FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 12"
        )
        print("the server's statements (calls, seconds together, ms in the middle, ms at most):")
        for calls, total, middle, most, query in rows:
            print(f"  {calls:7,} {total / 1000:7.1f} {middle:8.2f} {most:8.1f}  {query[:110]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernels", type=int, default=50)
    parser.add_argument("--rate", type=float, default=6.5, help="steps a second of each kernel")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--processes", type=int, default=5, help="in which the kernels are")
    parser.add_argument(
        "--at", help="the address of an empty database; RIVYA_PICTURES names a place for pictures"
    )
    options = parser.parse_args()
    if options.at:
        place = read_place(options.at)
        assert isinstance(place, ServerAddress)
        measure(options, place, 0)
        return
    servers._SETTINGS.clear()
    servers._SETTINGS.update(SETTINGS)
    with servers.postgresql_server() as server:
        process = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        measure(options, server.new_store(), process)


def measure(options: argparse.Namespace, place: ServerAddress, process: int) -> None:
    server = Server(place, process)
    print(f"before: {load()}")
    groups = [list(range(at, options.kernels, options.processes)) for at in range(options.processes)]
    given = [(place, numbers, options.rate, options.seconds) for numbers in groups]
    with processes(be_kernels, given) as pipes:
        began, took = time.perf_counter(), server.processor()
        server.begin()
        told: list[Told] = [pipe.recv() for pipe in pipes]
        server.end()
        seconds, took = time.perf_counter() - began, server.processor() - took
    done = [step for each in told for step in each.steps]
    print(f"meanwhile: {load()}")
    print(f"{options.kernels} kernels, {options.rate} steps a second each, {seconds:.0f} s")
    print(f"steps:         {figures(done)}; {len(done) / seconds:.0f} a second")
    print(f"writing a run: {figures([run for each in told for run in each.runs])}")
    print(f"behind:        {figures([late for each in told for late in each.behind])}")
    errors = [error for each in told for error in each.errors]
    print(f"errors: {len(errors)}; connections: {server.most} at most", *errors[:5], sep="\n  ")
    kernels = sum(each.processor for each in told)
    print(
        f"the processors' seconds of a second: {took / seconds:.2f} of the server, {kernels / seconds:.2f} of the "
        f"kernels, of {os.cpu_count()}"
    )
    server.statements()
    race(place, 20)
    for same in (False, True):
        write_large(place, 8, same=same)


if __name__ == "__main__":
    main()
