"""500 jobs through a network that spoils two calls of five at random: does every paid picture arrive, once?

    python benchmarks/fault_fuzz.py [JOBS] [SEED] [RATE]

The sandbox runs behind the proxy of `tests/faults`, over real sockets. The jobs are asked for in runs of
twenty, then resumed and retried, two rounds of it still under faults, until every one has its picture; after
every step the sandbox's own books are compared with the store. The seed fixes which faults are drawn; which
call each of them meets depends on time. Ends with an error if a single credit or picture is amiss.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from faults.mixing import fuzz
from faults.place import place_at

import rivya_nb.jobs.collecting


def main(jobs: int = 500, seed: int | None = None, rate: float = 0.4) -> None:
    seed = random.randrange(2**31) if seed is None else seed
    print(f"{jobs} jobs, seed {seed}, {rate:.0%} of all calls spoiled", flush=True)
    rivya_nb.jobs.collecting.DEADLINE = 10.0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, place_at(Path(folder)) as place:
        mix, seen = fuzz(place, jobs=jobs, seed=seed, rate=rate)
        billed = len(place.prices())
        calls = len(place.proxy.calls)
    took = time.perf_counter() - started
    print(f"{mix.struck.total()} of {calls} calls were spoiled: {dict(mix.struck)}")
    for number, count in enumerate(seen):
        print(f"  step {number}: {dict(count.most_common())}")
    print(f"{billed} tasks billed for {jobs} jobs, {jobs} whole pictures, {took:.0f} s")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*map(int, given[:2]), *map(float, given[2:]))
