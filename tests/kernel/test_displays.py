"""What cells show stays true: marks, their undo and deletions reach it, wherever they were made."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from kernels import NEWEST, VERSIONS, Kernel, Request

ASK = """%load_ext rivya_nb
import rivya_nb as rv
run = rv.generate("A bottle", seed=[1, 2, 3], resolution="1K").wait()"""


class Page:
    """What a page shows by display id, as a front end keeps it."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.cells: list[Request] = []

    def run(self, code: str) -> list[str]:
        """Execute a cell; the display ids of what it shows."""
        cell = self.kernel.ok(code)
        self.cells.append(cell)
        made = [each["content"] for each in cell.outputs if each["msg_type"] == "display_data"]
        return [each["transient"]["display_id"] for each in made]

    def html(self, display_id: str) -> str:
        shown = [
            each["data"]["text/html"]
            for cell in self.cells
            for each in cell.displays
            if each["transient"].get("display_id") == display_id
        ]
        return str(shown[-1])

    def until(self, condition: Callable[[str, str], bool], before: dict[str, str]) -> None:
        """Wait until `condition` holds for what each shows now and what it showed `before`."""
        self.kernel.until(
            lambda: all(condition(self.html(each), html) for each, html in before.items()), "all are renewed"
        )


def pictures(html: str) -> int:
    return len(re.findall(r'<img [^>]*src="data:image/', html))


@pytest.mark.parametrize("version", VERSIONS)
def test_marks_their_undo_and_deletions_reach_all_that_is_shown(
    lent: Callable[..., Kernel], version: str
) -> None:
    page = Page(lent(version))
    page.run(ASK)
    shown = [
        *page.run("run"),
        *page.run("run.grid()"),
        *page.run("rv.history()"),
        *page.run("display(run[:2])"),
        *page.run("run.page(1)"),
    ]
    before = {each: page.html(each) for each in shown}
    assert len(before) == 5
    assert sorted(map(pictures, before.values())) == [2, 3, 3, 3, 3]

    page.run("_ = run[0].rate(5)")
    page.until(lambda now, then: now != then, before)
    page.run("rv.undo()")
    page.until(lambda now, then: now == then, before)
    page.run("run[1].delete(confirm=True)")
    page.until(lambda now, then: pictures(now) == pictures(then) - 1, before)


def test_marks_of_another_kernel_reach_it_as_the_viewer_learns_of_them(
    served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel]
) -> None:
    env = served()
    page = Page(start_kernel(NEWEST, env))
    page.run(ASK)
    (grid,) = page.run("run.grid()")
    page.run("viewer = run.view()")
    other = start_kernel(NEWEST, env)
    other.ok("import rivya_nb as rv\nrv.runs(1)[2].rate(5)")
    before = {grid: page.html(grid)}
    # What the viewer's page sends when the user comes back to it.
    page.run("viewer._take(viewer, {'kind': 'look'}, [])")
    page.until(lambda now, then: now != then, before)


def test_an_interrupt_counts_what_the_grid_above_it_shows(
    served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel(NEWEST, served(latency=1))
    kernel.ok("%load_ext rivya_nb")
    waiting = kernel.send("%%rivya seed=1..16 resolution=1K --parallel 2\nA bottle")
    kernel.until(
        lambda: any(re.search("[2-6] of 16 done", each["data"]["text/plain"]) for each in waiting.displays),
        "some came, and others did not",
    )
    kernel.interrupt()
    kernel.finish(waiting)
    kinds = [each["msg_type"] for each in waiting.outputs]
    last = max(at for at in range(kinds.index("error")) if kinds[at] == "update_display_data")
    above = waiting.outputs[last]["content"]["data"]["text/plain"]
    (done,) = re.findall(r"(\d+) of 16 done", above)
    (planned,) = re.findall(r"(\d+) planned", above)
    assert f"{done} of 16 pictures were here" in waiting.error
    assert f"{planned} not sent are held back" in waiting.error
