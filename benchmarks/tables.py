"""Plan and price a table: 1,000 prompts with four seeds each, beside reading the same file with pandas.

    python benchmarks/tables.py [ROWS]

Everything runs against an empty store and the bundled models; nothing is sent. What pandas is measured at is the
reading alone and then a request for each row and seed, without places, facts, labels or a price.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas

import rivya_nb as rv
from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.request import build_request
from rivya_nb.planning.prompt_tables import prompt_table

SEEDS = range(4)
REPEATS = 5


def best(work: Callable[[], object]) -> float:
    """The shortest of some runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def by_pandas(path: Path) -> int:
    frame = pandas.read_csv(path)
    model = bundled()["wan-2-7-image-pro"]
    requests = [
        build_request(model, row.prompt, {"seed": seed, "aspect_ratio": row.aspect_ratio})
        for row in frame.itertuples()
        for seed in SEEDS
    ]
    return sum(request.base_credits or 0 for request in requests)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.csv"
        pandas.DataFrame(
            {
                "prompt": [f"A still life, number {at}, with a fox and a glass bottle" for at in range(rows)],
                "aspect_ratio": ["1:1", "16:9"] * (rows // 2) + ["1:1"] * (rows % 2),
                "category": [f"category {at % 12}" for at in range(rows)],
                "id": range(rows),
            }
        ).to_csv(path, index=False)
        with closing(rv.connect("not-a-key", "sandbox", store=Path(folder) / "store")) as session:

            def plan() -> rv.Plan:
                return rv.plan(prompts=path, seed=SEEDS, max_credits=10**9)

            made = plan()
            print(f"{rows:,} prompts × {len(SEEDS)} seeds: {len(made):,} requests, {made.credits:,} credits")
            print(f"reading the file           {best(lambda: prompt_table(path)):6.3f} s")
            print(f"plan and price             {best(plan):6.3f} s")
            print(f"its look in a notebook     {best(made._repr_mimebundle_):6.3f} s")
            print(f"pandas and bare requests   {best(lambda: by_pandas(path)):6.3f} s")
            begun = time.perf_counter()
            session.store.asking.add_run(
                name=None,
                service=session.service,
                axes=made.draft.axes,
                cells=made.draft.cells,
                jobs=made.draft.new,
                ask=made.expansion.ask.to_json(),
            )
            print(f"writing it down            {time.perf_counter() - begun:6.3f} s")
            found = rv.history(facts={"category": "category 3"})
            print(f"history by a fact          {best(lambda: len(found)):6.3f} s")


if __name__ == "__main__":
    main()
