"""A canary in a real kernel: asked anew from a line, and told beside its pictures."""

from __future__ import annotations

from collections.abc import Callable

from kernels import Kernel

from rivya_nb.sandbox.light import Light

PIN = """
%load_ext rivya_nb
import rivya_nb as rv
run = rv.generate("A bottle", seed=range(4), resolution="1K").wait()
drift = rv.drift("canary", run, max_credits=96)
"""


def test_a_line_asks_a_canary_anew_and_lists_them_all(lent: Callable[..., Kernel]) -> None:
    kernel = lent(latency=0.1, light=Light(noise=0.01))
    kernel.ok(PIN)
    told = kernel.ok("%rivya drift canary")
    assert "8 pictures · 96 credits" in told.displays[-1]["data"]["text/plain"], "the progress"
    assert told.result is not None
    assert "no difference seen since" in told.result
    kernel.ok("assert (len(rv.runs()), rv.drift('canary', run).differs) == (3, False)")
    listed = kernel.ok("%rivya drift")
    assert listed.result is not None
    assert "no difference seen since" in listed.result
    wrong = kernel.run("%rivya drift canary --max-credits 5")
    assert "the limit is 5. Nothing was sent" in wrong.error
    assert len(wrong.traceback) == 1
