"""A store in the way of a real kernel: it goes away while a cell waits, or may only be read."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable

from disks import may_mount, read_only_disk
from kernels import NEWEST, Kernel

CELL = "%%rivya seed=1..3 image_size=square --model ideogram-v3 --out bottles\nA bottle"


def test_a_database_that_goes_while_a_cell_waits_is_told_and_found_again(
    served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel(NEWEST, served(latency=4))
    kernel.ok("%load_ext rivya_nb\nimport rivya_nb as rv")
    asked = kernel.send(CELL)
    kernel.until(lambda: "3 queued" in look(asked) or "3 processing" in look(asked), "all are sent")
    database = kernel.folder / "store" / "rivya.db"
    database.rename(kernel.folder / "away.db")
    kernel.finish(asked)
    assert len(asked.traceback) == 1
    assert f"{database} was moved or deleted while it was open" in asked.error
    assert "rivya.db was moved or deleted" in look(asked)

    asked = kernel.run("rv.history()")
    assert [each["msg_type"] for each in asked.outputs].count("error") == 1

    again = kernel.run(CELL)
    assert "was moved or deleted" in again.error
    assert len(again.traceback) == 1

    (kernel.folder / "away.db").rename(database)
    kernel.ok("rv.resume(1).wait()")
    kernel.ok("assert [job.status for job in bottles] == ['succeeded'] * 3 and bottles.credits == 21")
    assert kernel.ok("rv.generate(bottles).wait().credits").result == "0"


def look(request: object) -> str:
    displays = request.displays  # type: ignore[attr-defined]
    return html.unescape(displays[-1]["data"]["text/html"]) if displays else ""


if may_mount():

    def test_a_store_on_a_disk_that_may_only_be_read_is_looked_at_and_nothing_more(
        served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel]
    ) -> None:
        kernel = start_kernel(NEWEST, served())
        kernel.ok(f"%load_ext rivya_nb\nimport rivya_nb as rv\n{IN_ONE}")
        shutil.rmtree(kernel.folder / "store" / "thumbnails")
        with read_only_disk(kernel.folder / "store", kernel.folder / "archive"):
            kernel.ok("rv.connect(store='archive')")
            assert "archive (may only be read)\n" in kernel.ok("%rivya").stdout
            found = kernel.ok("rv.history()")
            assert found.outputs
            kernel.ok("assert [job.seed for job in rv.history()] == [3, 2, 1] and len(rv.runs()) == 1")
            kernel.ok("rv.history()[0].image.load()")
            kernel.ok("rv.runs(1).grid().save('grid.png'); rv.history().report('report.html')")
            kernel.ok("rv.history().save('saved'); rv.history().view(); rv.panel()")
            kernel.ok("assert rv.recall(rv.history()[0].path).seed == 3")
            for code in (
                "%%rivya seed=1..4 image_size=square --model ideogram-v3\nA bottle",
                "rv.generate('A bottle', seed=9)",
                "rv.resume(1)",
                "rv.history()[0].rate(3)",
                "rv.undo()",
                "rv.history().delete(confirm=True)",
            ):
                refused = kernel.run(code)
                assert "This store may only be read" in refused.error, code
                assert 'To write, open another one: rv.connect(store="folder").' in refused.error
                assert "archive: the disk is read-only" in refused.error
                assert len(refused.traceback) == 1
            kernel.ok("rv.connect(store='store')")
            assert kernel.ok("rv.history()[0].rate(3); rv.history()[0].rating").result == "3"


IN_ONE = "rv.generate('A bottle', model='ideogram-v3', image_size='square', seed=[1, 2, 3]).wait()"
