"""Drive rows, and write down what came of them."""

from __future__ import annotations

import argparse
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from tools.front_ends import results
from tools.front_ends.environments import installed
from tools.front_ends.read import READ
from tools.front_ends.rows import KERNELS, ROWS


def drive(key: str) -> None:
    """Drive one row, and write down what came of it."""
    row = (ROWS | KERNELS)[key]
    environment = installed(key, row.packages, python=row.python, pre=row.pre, extras=row.extras)
    outcomes = row.run(key, environment)
    found = {
        "title": row.title,
        "versions": environment.versions(),
        "date": date.today().isoformat(),
        "features": _plain(outcomes),
    }
    results.keep(key, found)


def _plain(outcomes: Mapping[str, results.Outcome]) -> dict[str, dict[str, object]]:
    return {name: asdict(outcome) for name, outcome in outcomes.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.front_ends", description=__doc__)
    parser.add_argument("rows", nargs="*", help="keys of rows; none: list them")
    parser.add_argument("--table", action="store_true", help="write the table of docs/front_ends.md anew")
    options = parser.parse_args()
    every = ROWS | KERNELS
    if unknown := set(options.rows) - every.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    for key in options.rows:
        print(key, flush=True)
        try:
            drive(key)
        except Exception:
            # The next row may do better.
            traceback.print_exc()
    if options.rows or options.table:
        for key, (title, source, features) in READ.items():
            results.keep(key, {"title": title, "source": source, "features": _plain(features)})
        results.write_tables([*ROWS, *READ], list(KERNELS))
        for note in results.unexplained():
            print(f"docs/front_ends.md explains no {note!r}")
    else:
        print(*every, sep="\n")


main()
