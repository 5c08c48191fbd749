"""Several kernels with one key at a service that takes a few calls a second: when each of them has its pictures.

    python benchmarks/kernels_at_once.py [--kernels 6] [--jobs 40] [--calls-per-second 8] [--own-stores]

Each kernel is a process of its own that asks for other pictures at the same moment. They share a store, and so
their pace; with `--own-stores` they share nothing but the key. The fair share is when all of them would be done
if each picture took one submit and one poll, and every call was allowed: then they all end together.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from service import Service, load

from rivya_nb.sandbox import DEFAULT_KEY, flags

CALLS_A_JOB = 2


def ask(url: str, store: str, kernel: int, jobs: int, line: Barrier, told: Any) -> None:
    """Be a kernel: ask when all are ready, and tell how many pictures came after how many seconds."""
    import httpx  # noqa: F401 - what takes a busy machine seconds, and is not what is measured
    from PIL import PngImagePlugin  # noqa: F401

    import rivya_nb as rv

    rv.connect(DEFAULT_KEY, url, store=store)
    first = 1000 * kernel
    line.wait()
    began = time.perf_counter()
    run = rv.generate("A glass bottle", seed=range(first, first + jobs), max_credits=10**6)
    run.wait()
    told.put((kernel, sum(bool(job.path) for job in run), time.perf_counter() - began))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_flags(parser)
    parser.add_argument("--kernels", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=40, help="of each kernel")
    parser.add_argument("--own-stores", action="store_true", help="each kernel has a store of its own")
    parser.set_defaults(latency="3", credits=10**9, calls_per_second="8")
    options = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    line, told = processes.Barrier(options.kernels), processes.Queue()
    with (
        tempfile.TemporaryDirectory() as name,
        Service(flags.config(options), Path(name, "sandbox"), one_picture=True) as service,
    ):
        kernels = [
            processes.Process(
                target=ask,
                args=(
                    service.url,
                    str(Path(name, f"store{kernel if options.own_stores else ''}")),
                    kernel,
                    options.jobs,
                    line,
                    told,
                ),
            )
            for kernel in range(options.kernels)
        ]
        for kernel in kernels:
            kernel.start()
        ends = sorted(told.get() for _ in kernels)
        for kernel in kernels:
            kernel.join()
        calls = service.calls()
    fair = CALLS_A_JOB * options.kernels * options.jobs / options.calls_per_second
    print(f"fair share: {fair:.0f} s; {load()}")
    for kernel, pictures, seconds in ends:
        ratio = seconds / fair
        print(
            f"kernel {kernel}: {pictures} of {options.jobs} after {seconds:.0f} s, {ratio:.2f} of its fair share"
        )
    polls = calls["polls"] / (options.kernels * options.jobs)
    refused = calls["refused"] / (calls.total() - calls["downloads"])
    print(f"polls a job: {polls:.2f}; refused: {refused:.1%} of all calls")


if __name__ == "__main__":
    main()
