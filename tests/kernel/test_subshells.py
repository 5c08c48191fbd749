"""A button that is pressed while a cell waits: JupyterLab sends that over a subshell, on another thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kernels import SINCE_SUBSHELLS, Kernel

LOAD = "%load_ext waiting_extension\nimport waiting_extension as w"
REGISTER = "get_ipython().kernel.comm_manager.register_target('button', w.open_button)"
# A nested wait changes asyncio for good, and comes last.
WAITS = {"awaited": "%%rivya 1000000\nbody", "nested": "w.wait(1000000)"}


@pytest.mark.parametrize("version", SINCE_SUBSHELLS)
def test_a_press_over_a_subshell_starts_work_on_the_main_loop(
    start_kernel: Callable[..., Kernel], version: str
) -> None:
    kernel = start_kernel(version)
    kernel.ok(LOAD)
    kernel.ok(REGISTER)
    comm = kernel.comm_open("button")
    pressing, watching = kernel.create_subshell(), kernel.create_subshell()
    for cell in WAITS.values():
        press_over_a_subshell(kernel, cell, comm, pressing, watching)
        kernel.ok("w.end_all()")


def press_over_a_subshell(kernel: Kernel, cell: str, comm: str, pressing: str, watching: str) -> None:
    waiting = kernel.send(cell)
    kernel.until(lambda: "working" in waiting.stdout, "the cell waits")

    kernel.comm_send(comm, {"steps": 5}, subshell=pressing)

    def seen(expression: str) -> str | None:
        return kernel.finish(kernel.send(expression, subshell=watching))[0].result

    kernel.until(lambda: seen("'work of 5' in w.order") == "True", "the button's work is done")
    assert seen("w.pressed") == f"['subshell-{pressing}']"
    assert seen("w.works[-1].places") == "{(True, 'MainThread')}"
    assert not waiting.done
    kernel.interrupt()
    kernel.finish(waiting)
    assert waiting.error.startswith("WaitInterruptedError")


def test_a_press_over_the_main_shell_is_not_lost(kernel: Kernel) -> None:
    kernel.ok(LOAD)
    kernel.ok(REGISTER)
    comm = kernel.comm_open("button")
    for cell in WAITS.values():
        waiting = kernel.send(cell)
        kernel.until(lambda request=waiting: "working" in request.stdout, f"{cell} waits")  # type: ignore[misc]
        kernel.comm_send(comm, {"steps": 5})
        kernel.interrupt()
        kernel.finish(waiting)
        kernel.until(lambda: kernel.ok("w.order").result == "['work of 5']", "the button's work is done")
        assert kernel.ok("w.pressed").result == "['MainThread']"
        kernel.ok("w.end_all()")
