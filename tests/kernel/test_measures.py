"""A measure that is defined in a cell, in a real kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kernels import VERSIONS, Kernel

DEFINED = """
import rivya_nb as rv
@rv.measure(higher_is="better")
def red(image):
    {comment}
    return image.getpixel((0, 0))[0] / 255
"""

SLOW = """
import threading
begun, go_on = threading.Event(), threading.Event()
@rv.measure(version="1")
def slow(image):
    begun.set()
    assert go_on.wait(60)
    return 1
"""


ASKED = """
import rivya_nb as rv
bottles = rv.generate("A bottle", seed=[1, 2, 3], resolution="1K").wait()
"""


def test_a_measure_of_a_cell_is_shown_and_kept(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok(ASKED)
    kernel.ok(DEFINED.format(comment="# the first pixel"))
    assert "red: 3 pictures of run 1" in str(kernel.ok("found = bottles.measure(red)\nfound").result)
    kernel.ok("assert 'higher is better' in found._repr_mimebundle_()['text/html']")

    # The same cell makes the same version, and an edited one another.
    before = kernel.ok("red.version").result
    kernel.ok(DEFINED.format(comment="# the first pixel"))
    assert kernel.ok("red.version").result == before
    kernel.ok(DEFINED.format(comment="# another comment"))
    assert kernel.ok("red.version").result != before
    assert "red: 3 pictures" in str(kernel.ok("%rivya measure red --run 1").result)
    at = str(kernel.ok("%rivya measure red --run 1 --at 0.25").result)
    assert "at and frames are for videos: a picture is measured as it is" in at
    assert "--frames needs a number, as --frames 8, not 'x'" in str(
        kernel.run("%rivya measure red --frames=x").error
    )
    assert {"--at", "--frames"} <= set(" ".join(kernel.tab("%rivya measure red --‸")).split())
    assert "brightness" in kernel.ok("%rivya measure").stdout
    offered = " ".join(kernel.tab("%rivya measure ‸")).split()
    assert {"red", "brightness", "ssim"} <= set(offered)
    assert "red" in " ".join(kernel.tab("%rivya history --sort ‸")).split()
    sorted_by = kernel.ok("%rivya history --sort red").displays[-1]["data"]["text/plain"]
    assert "history: sorted by red" in sorted_by


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupt_of_a_measure_ends_the_cell_with_one_line_and_the_kernel_goes_on(
    lent: Callable[..., Kernel], version: str
) -> None:
    kernel = lent(version)
    kernel.ok(ASKED)
    kernel.ok(SLOW)
    waiting = kernel.send("bottles.measure(slow)")
    kernel.until(
        lambda: any("slow · 0 of 3" in str(look["data"]) for look in waiting.displays), "it is shown"
    )
    kernel.interrupt()
    kernel.finish(waiting)
    assert waiting.error.startswith("WaitInterruptedError: Interrupted: 0 of 3 pictures are done and kept")
    assert len(waiting.traceback) == 1
    kernel.ok("go_on.set()")
    assert "slow: 3 pictures" in str(kernel.ok("bottles.measure(slow)").result)
