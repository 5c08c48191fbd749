"""Cells that wait, in real kernels: the order of cells, every place a magic can stand in, and the reload."""

from __future__ import annotations

from kernels import Kernel

LOAD = "%load_ext waiting_extension\nimport waiting_extension as w"


def test_cells_queued_behind_an_awaited_one_run_in_order(kernel: Kernel) -> None:
    kernel.ok(LOAD)
    cells = kernel.run_all(
        ["%%rivya 40\nfirst", "w.order.append('a')", "%rivya wait 5", "w.order.append('b')", "w.order"]
    )
    assert [cell.status for cell in cells] == ["ok"] * 5
    assert cells[0].stdout == "awaited\n"
    assert cells[2].stdout == "awaited\n"
    assert cells[0].result == "40"
    assert cells[4].result == "['work of 40', 'a', 'work of 5', 'b']"


def test_cells_queued_behind_a_nested_wait_run_in_order(kernel: Kernel) -> None:
    kernel.ok(LOAD)
    cells = kernel.run_all(
        ["w.wait(40)", "w.order.append('a')", "%%time\n%%rivya 5\nbody", "w.order.append('b')", "w.order"]
    )
    assert [cell.status for cell in cells] == ["ok"] * 5
    assert "nested" in cells[2].stdout
    assert cells[4].result == "['work of 40', 'a', 'work of 5', 'b']"
