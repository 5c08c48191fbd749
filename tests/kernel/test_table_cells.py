"""Prompts of a table in a real kernel: the cell, the line without a body, TAB, and the history by facts."""

from __future__ import annotations

from collections.abc import Callable

from kernels import Kernel

TABLE = """
import pandas
df = pandas.DataFrame(
    {"prompt": ["a fox", "a cake", "a fox"], "seed": [1, 2, None], "kind": ["animals", "food", "animals"]}
)
df.to_csv("bench.csv", index=False)
"""


def test_a_table_is_asked_by_a_cell_and_by_a_line(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok(TABLE)
    planned = kernel.ok(
        "%%rivya --prompts bench.csv resolution=1K --dry-run --out plan\n{prompt}, studio light"
    )
    told = "bench.csv: 3 rows; prompts: prompt; params: seed; facts (not sent): kind"
    assert told in (planned.result or "")
    kernel.ok(
        "assert [each.prompt for each in plan.requests][:2] == ['a fox, studio light', 'a cake, studio light']"
    )
    asked, behind = kernel.run_all(
        ["%rivya generate --prompts {df} resolution=1K --out run", "[job.status for job in run]"]
    )
    assert asked.status == "ok", asked.traceback
    assert behind.result == "['succeeded', 'succeeded', 'succeeded']", "the line waits like a cell"
    assert asked.displays[-1]["data"]["text/html"].count("<img ") == 3
    found = kernel.ok("%rivya history --fact kind=animals --rows kind")
    assert "kind: animals" in found.displays[-1]["data"]["text/plain"]
    wrong = kernel.run("%rivya generate --prompts bench.csv --prompt-column text seed=1")
    assert "bench.csv has no column 'text'; it has prompt, seed, kind" in wrong.error
    assert len(wrong.traceback) == 1
