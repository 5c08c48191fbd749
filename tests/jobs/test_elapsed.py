"""How long a run took: until its last picture was there, whoever looks at it, and whenever."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from pathlib import Path
from time import sleep

from faults.proxy import PICTURE, Exchange, Fault, proxy_to
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

DOWNLOAD = 1.3
"""Seconds; whole ones are shown."""


async def slowly(exchange: Exchange) -> None:
    answer = await exchange.forward()
    await asyncio.sleep(DOWNLOAD)
    await exchange.send(answer)


def shown_seconds(run: rv.Run) -> int:
    """The seconds that a run's line tells."""
    found = re.search(r"(\d+) s\b", run.line())
    return int(found[1]) if found else 0


def watch(run: rv.Run) -> int:
    """The most seconds that the line of a run told while it worked."""
    most = 0
    while run.is_working:
        most = max(most, shown_seconds(run))
        sleep(0.05)
    return most


def test_a_slow_download_is_part_of_a_runs_time_also_when_it_is_read_later(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with running_sandbox(SandboxConfig(latency=0)) as url, proxy_to(url) as proxy:
        proxy.inject(Fault(PICTURE, slowly))
        with closing(rv.connect(DEFAULT_KEY, proxy.url, store=store)):
            run = rv.generate("a bottle", seed=1, resolution="1K")
            last = watch(run)
            assert last >= int(DOWNLOAD)
            assert shown_seconds(run) >= last
            [before] = run
        with closing(rv.connect(DEFAULT_KEY, proxy.url, store=store)):
            [again] = rv.runs()
            assert shown_seconds(again) >= last
            assert again[0].record.finished_at == before.record.finished_at


def test_a_picture_that_could_not_be_fetched_has_taken_the_time_until_that_was_known(tmp_path: Path) -> None:
    async def nothing(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await asyncio.sleep(DOWNLOAD)
        answer.body = b""
        await exchange.send(answer)

    with running_sandbox(SandboxConfig(latency=0)) as url, proxy_to(url) as proxy:
        proxy.inject(Fault(PICTURE, nothing))
        with closing(rv.connect(DEFAULT_KEY, proxy.url, store=tmp_path / "store")):
            run = rv.generate("a bottle", seed=1, resolution="1K")
            last = watch(run)
            assert [job.status for job in run] == ["undelivered"]
            assert shown_seconds(run) >= last >= int(DOWNLOAD)


def test_a_run_that_waited_for_another_runs_picture_tells_how_long(tmp_path: Path) -> None:
    with running_sandbox(SandboxConfig(latency=0)) as url, proxy_to(url) as proxy:
        proxy.inject(Fault(PICTURE, slowly))
        with closing(rv.connect(DEFAULT_KEY, proxy.url, store=tmp_path / "store")):
            rv.generate("a bottle", seed=1, resolution="1K")
            run = rv.generate("a bottle", seed=1, resolution="1K")
            last = watch(run)
            assert shown_seconds(run) >= last >= int(DOWNLOAD)
