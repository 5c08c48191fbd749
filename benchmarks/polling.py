"""How late ends are seen, and how many polls a job needs: with the documented pace, and with the learned one.

    python benchmarks/polling.py

It is a simulation: no network, no waiting, the same figures on each machine. docs/pace.md has the table.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from jobs.polling import CASES, LAWS, compared, line


def main() -> None:
    print("| tasks take | at once | delay before | after | polls before | after | median after |")
    print("|---|---|---|---|---|---|---|")
    for name, at_once, bursts in CASES:
        before, after = compared(LAWS[name], at_once=at_once, bursts=bursts)
        print(line(name, at_once, before, after))


if __name__ == "__main__":
    main()
