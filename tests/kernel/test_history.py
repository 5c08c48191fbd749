"""The history in a real kernel: shown from a line, marked, and asked before anything is deleted."""

from __future__ import annotations

from collections.abc import Callable

from kernels import Kernel

FILL = """
%load_ext rivya_nb
import rivya_nb as rv
run = rv.generate("A bottle", seed=[1, 2, 3], resolution="1K").wait()
run[1].rate(5)
"""


def test_a_line_finds_what_was_rated_and_nothing_is_deleted_unasked(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok(FILL)
    found = kernel.ok("%rivya history --rating 4")
    (shown,) = [each["data"] for each in found.displays]
    assert shown["text/html"].count("data:image/") == 1
    assert "★★★★★ 5/5" in shown["text/html"]
    assert "[0]  seed: 2" in shown["text/plain"]

    wrong = kernel.run("%rivya history --ratng 4 --since soon")
    assert "2 mistakes" in wrong.error
    assert len(wrong.traceback) == 1

    alone = kernel.run("run.delete()")
    assert "UsageError" in alone.error
    assert "delete(confirm=True)" in alone.error
    declined = kernel.type_in("run.delete()", "no")
    assert "Delete 3 pictures" in declined.prompts[0]["prompt"]
    kernel.ok("assert len(rv.history()) == 3")
    assert "Deleted 1 picture" in kernel.type_in("run[0].delete()", "y").stdout
    kernel.ok("assert [job.seed for job in rv.history()] == [3, 2]")

    assert kernel.ok("%rivya undo").stdout == "Undone: rating of 1 picture.\n"
    kernel.ok("assert run[1].rating == 0")
