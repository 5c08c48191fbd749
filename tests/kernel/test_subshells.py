"""A button that is pressed while a cell waits: JupyterLab sends that over a subshell, on another thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kernels import SINCE_SUBSHELLS, Kernel

LOAD = "%load_ext waiting_extension\nimport waiting_extension as w"
REGISTER = "get_ipython().kernel.comm_manager.register_target('button', w.open_button)"
WAITS = {"awaited": "%%rivya 1000000\nbody", "nested": "w.wait(1000000)"}


@pytest.mark.parametrize("cell", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("version", SINCE_SUBSHELLS)
def test_a_press_over_a_subshell_starts_work_on_the_main_loop(
    start_kernel: Callable[..., Kernel], version: str, cell: str
) -> None:
    kernel = start_kernel(version)
    kernel.ok(LOAD)
    kernel.ok(REGISTER)
    comm = kernel.comm_open("button")
    pressing, watching = kernel.create_subshell(), kernel.create_subshell()
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


@pytest.mark.parametrize("cell", WAITS.values(), ids=WAITS)
def test_a_press_over_the_main_shell_is_not_lost(kernel: Kernel, cell: str) -> None:
    kernel.ok(LOAD)
    kernel.ok(REGISTER)
    comm = kernel.comm_open("button")
    waiting = kernel.send(cell)
    kernel.until(lambda: "working" in waiting.stdout, "the cell waits")
    kernel.comm_send(comm, {"steps": 5})
    kernel.interrupt()
    kernel.finish(waiting)
    kernel.until(lambda: kernel.ok("w.order").result == "['work of 5']", "the button's work is done")
    assert kernel.ok("w.pressed").result == "['MainThread']"
