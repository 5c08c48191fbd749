"""Cells that wait, in real kernels: the order of cells, every place a magic can stand in, and reloading."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kernels import SINCE_SUBSHELLS, VERSIONS, Kernel, started, write_notebook

LOAD = "%load_ext waiting_extension\nimport waiting_extension as w"


def test_cells_queued_behind_an_awaited_one_run_in_order_and_asyncio_is_not_patched(kernel: Kernel) -> None:
    kernel.ok(LOAD)
    cells = kernel.run_all(
        ["%%rivya 40\nfirst", "w.order.append('a')", "%rivya wait 5", "w.order.append('b')", "w.order"]
    )
    assert [cell.status for cell in cells] == ["ok"] * 5
    assert "awaited" in cells[0].stdout
    assert "awaited" in cells[2].stdout
    assert cells[0].result == "40"
    assert cells[4].result == "['work of 40', 'a', 'work of 5', 'b']"
    kernel.ok("import asyncio, sys")
    assert kernel.ok("hasattr(asyncio, '_nest_patched')").result == "False"


@pytest.mark.parametrize("before", ["pass", "import nest_asyncio; nest_asyncio.apply()"])
def test_cells_queued_behind_a_nested_wait_run_in_order(kernel: Kernel, before: str) -> None:
    kernel.ok(before)
    kernel.ok(LOAD)
    cells = kernel.run_all(
        ["w.wait(40)", "w.order.append('a')", "%%time\n%%rivya 5\nbody", "w.order.append('b')", "w.order"]
    )
    assert [cell.status for cell in cells] == ["ok"] * 5
    assert "nested" in cells[2].stdout
    assert cells[4].result == "['work of 40', 'a', 'work of 5', 'b']"


BUSY = """\
import asyncio
loop = asyncio.get_running_loop()
async def sleep_shortly():
    for _ in range(100):
        await asyncio.sleep(0.001)
tasks = [loop.create_task(sleep_shortly()) for _ in range(300)]
"""

FIRST_WAITS = {
    "in a cell": "w.wait(60)",
    "in a callback": "loop.call_soon(w.wait, 60)\nfor _ in range(100):\n    loop.call_soon(bool)",
}


@pytest.mark.parametrize("first_wait", FIRST_WAITS.values(), ids=FIRST_WAITS)
def test_a_kernel_with_a_busy_loop_outlives_its_first_nested_wait(kernel: Kernel, first_wait: str) -> None:
    kernel.ok(LOAD)
    kernel.ok(BUSY)
    kernel.ok(first_wait)
    # A loop that has lost its count ends once the cell is answered.
    assert kernel.ok("await asyncio.gather(*tasks)\nw.wait(5)").result == "5"
    assert kernel.ok("[await asyncio.wrap_future(work.future) for work in w.works]").result == "[60, 5]"


@pytest.fixture(scope="module", params=VERSIONS)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    cache = request.config.cache.mkdir("kernels")
    with started(request.param, tmp_path_factory.mktemp("kernel"), cache) as kernel:
        kernel.ok(LOAD)
        yield kernel


NESTED = {
    "under %%time": "%%time\n%%rivya {steps}\nbody",
    "under %%timeit": "%%timeit -n1 -r1\n%%rivya {steps}\nbody",
    "under %%capture": "%%capture captured\n%%rivya {steps}\nbody",
    "in %run of a notebook": "%run other.ipynb",
    "in %run of a script": "%run other.py",
    "called directly": "value = get_ipython().run_cell_magic('rivya', '{steps}', 'body')",
    "called by a function": "def ask():\n    %rivya wait {steps}\nask()",
    "in a loop": "for _ in range(1):\n    %rivya wait {steps}",
    "through run_cell": "done = get_ipython().run_cell('%%rivya {steps}\\nbody')",
    "assigned": "value = %rivya wait {steps}",
    "before other code": "%rivya wait {steps}\nvalue = 1",
    "beside an await": "import asyncio\nawait asyncio.sleep(0)\nw.wait({steps})",
}


@pytest.mark.parametrize("cell", NESTED.values(), ids=NESTED)
def test_where_a_cell_cannot_be_awaited_it_waits_all_the_same(loaded: Kernel, cell: str) -> None:
    steps = 6
    write_notebook(loaded.folder / "other.ipynb", f"%%rivya {steps}\nbody")
    (loaded.folder / "other.py").write_text(f"get_ipython().run_cell_magic('rivya', '{steps}', 'body')\n")
    loaded.ok("w.order.clear()")
    waiting, after = loaded.run_all([cell.format(steps=steps), "w.order"])
    assert waiting.status == "ok", "\n".join(waiting.traceback)
    assert waiting.stderr == ""
    assert "awaited" not in waiting.stdout
    assert after.result == f"['work of {steps}']"


AWAITED = {
    "cell": "%%rivya {steps}\nbody",
    "line": "%rivya wait {steps}",
    "line below a comment": "# the evening's run\n%rivya resume {steps}\n",
    "automagic": "rivya retry {steps}",
    "quotes in the body": "%%rivya {steps}\nit's \"''' quoted\\",
}


@pytest.mark.parametrize("cell", AWAITED.values(), ids=AWAITED)
def test_a_magic_that_opens_the_cell_is_awaited(loaded: Kernel, cell: str) -> None:
    request = loaded.ok(cell.format(steps=3))
    assert "awaited" in request.stdout
    assert request.stderr == ""
    assert request.result == "3"


def test_with_autoawait_off_the_cell_waits_nested(loaded: Kernel) -> None:
    loaded.ok("%autoawait off")
    request = loaded.ok("%%rivya 3\nbody")
    loaded.ok("%autoawait on")
    assert "nested" in request.stdout
    assert request.result == "3"


def test_an_empty_body_is_refused_under_the_name_that_the_user_knows(loaded: Kernel) -> None:
    request = loaded.run("%%rivya 3")
    assert request.status == "error"
    assert "%%rivya is a cell magic, but the cell body is empty" in request.stderr


def test_reloading_leaves_one_hook_and_unloading_none(kernel_newest: Kernel) -> None:
    kernel = kernel_newest

    def hooks() -> str | None:
        return kernel.ok("len(get_ipython().input_transformers_post)").result

    before = hooks()
    kernel.ok(LOAD)
    loaded = hooks()
    kernel.ok("%reload_ext waiting_extension")
    kernel.ok("import importlib; importlib.reload(w.awaiting)\n%reload_ext waiting_extension")
    assert hooks() == loaded != before
    assert "awaited" in kernel.ok("%%rivya 3\nbody").stdout
    kernel.ok("%unload_ext waiting_extension")
    assert hooks() == before


@pytest.mark.parametrize("version", SINCE_SUBSHELLS)
def test_what_the_background_displays_stays_with_its_own_cell(
    start_kernel: Callable[..., Kernel], version: str
) -> None:
    kernel = start_kernel(version)
    kernel.ok(LOAD)
    own = kernel.ok("w.show_later(10)")
    other = kernel.ok("%%rivya 30\nbody")
    assert [shown["data"]["text/plain"] for shown in own.displays] == ["'shown'"]
    assert other.displays == []
