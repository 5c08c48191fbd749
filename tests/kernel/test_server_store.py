"""A store on a server in the way of real kernels: all of them have one history, and nothing is bought twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kernels import NEWEST, Kernel, Request
from servers import PostgresqlServer

CELL = "%%rivya seed=1..3 image_size=square --model ideogram-v3 --out bottles\nA bottle"
SPENT = "session = rv.connect(); session.store.spent(session.service).credits"


def test_kernels_share_a_history_and_pay_once_for_what_two_of_them_ask_at_once(
    served: Callable[..., dict[str, str]],
    start_kernel: Callable[..., Kernel],
    postgresql: PostgresqlServer,
    tmp_path: Path,
) -> None:
    address = postgresql.new_database()
    env = {**served(latency=1), "RIVYA_STORE": str(address)}
    place = tmp_path / "shared pictures"
    kernels = [start_kernel(NEWEST, {**env, "RIVYA_PICTURES": place.as_uri()}) for _ in range(2)]
    for kernel in kernels:
        kernel.ok("%load_ext rivya_nb\nimport rivya_nb as rv")
    assert f"Store     {address} (new, empty), pictures in {place}\n" in kernels[0].ok("%rivya").stdout
    asked = [kernel.send(CELL) for kernel in kernels]
    for kernel, cell in zip(kernels, asked, strict=True):
        kernel.finish(cell)
        assert not cell.error
        kernel.ok("assert [job.status for job in bottles] == ['succeeded'] * 3")
    assert kernels[0].ok(SPENT).result == "21"
    assert len([*place.rglob("*.png"), *place.rglob("*.jpg"), *place.rglob("*.webp")]) >= 3

    # The place of the pictures is known by now, and the history is there after a restart.
    later = start_kernel(NEWEST, env)
    later.ok("%load_ext rivya_nb\nimport rivya_nb as rv")
    later.ok("assert sorted(job.seed for job in rv.history()) == [1, 2, 3]; rv.history()[0].image.load()")
    later.ok(CELL)
    assert later.ok(SPENT).result == "21"
    refused = later.run(f"rv.connect(store={str(address) + '_none'!r})")
    assert "has no such database" in refused.error
    assert len(refused.traceback) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("postgresql")]


TICKING = """
import asyncio
async def tick():
    while True:
        print("tick")
        await asyncio.sleep(0.1)
ticking = asyncio.ensure_future(tick())
"""


def test_a_cell_says_what_it_waits_for_and_an_interrupt_ends_it_at_once(
    served: Callable[..., dict[str, str]],
    start_kernel: Callable[..., Kernel],
    postgresql: PostgresqlServer,
) -> None:
    address = postgresql.new_store()
    kernel = start_kernel(NEWEST, {**served(latency=3), "RIVYA_STORE": str(address)})
    kernel.ok("%load_ext rivya_nb\nimport rivya_nb as rv")
    # A slow machine takes its time to see the line, and the wait must not have ended by itself by then.
    kernel.ok("rv.connect(); from rivya_nb.store import persisting; persisting.PATIENCE = 100.0")
    ticking = kernel.ok(TICKING)

    def shown(cell: Request) -> list[str]:
        return [each["data"]["text/plain"] for each in cell.displays]

    def says_it(cell: Request) -> bool:
        return any(f"{address} does not answer yet" in words for words in shown(cell))

    for code in ("rv.generate('A bottle', seed=1)", "%%rivya seed=1\nA bottle", "%rivya resume"):
        with postgresql.silent():
            waiting = kernel.send(code)
            kernel.until(lambda cell=waiting: says_it(cell), f"{code}: the cell says what it waits for")  # type: ignore[misc]
            if code.startswith("%"):
                ticks = ticking.stdout.count("tick")
                kernel.until(lambda t=ticks: ticking.stdout.count("tick") > t + 3, "the loop turns")  # type: ignore[misc]
            kernel.interrupt()
            kernel.finish(waiting)
        assert waiting.error.startswith("WaitInterruptedError: ")
        assert len(waiting.traceback) == 1
        # The line is gone.
        assert waiting.displays[-1]["data"]["text/plain"] == ""
        # What was begun before the interrupt ends now that the server answers.
        kernel.ok("rv.runs()")
    assert kernel.ok("len(rv.runs()), rv.connect().balance()").result == "(0, 10000)"

    # A run says so, too, and is shown until it goes on.
    cell = kernel.send(CELL)
    kernel.until(lambda: any("processing" in words for words in shown(cell)), "the run is sent")
    with postgresql.silent():
        kernel.until(
            lambda: "the store does not answer yet" in shown(cell)[-1], "the run says what it waits for"
        )
    kernel.finish(cell)
    assert not cell.error
    assert "does not answer" not in shown(cell)[-1]
    postgresql.drop(address)
