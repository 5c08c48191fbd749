"""How long a run took: until its last picture was there, whoever looks at it, and whenever."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from faults.proxy import PICTURE, Exchange, Fault, Proxy, proxy_to
from sandboxes import running_sandbox, until

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY


def shown_seconds(run: rv.Run) -> int:
    """The seconds that a run's line tells."""
    found = re.search(r"(\d+) s\b", run.line())
    return int(found[1]) if found else 0


class Slow:
    """A service whose pictures come once `shown` has seen that a run has taken a whole second."""

    def __init__(self, proxy: Proxy, *, picture_is_whole: bool = True) -> None:
        self.url = proxy.url
        self._let_go = threading.Event()
        self._picture_is_whole = picture_is_whole
        proxy.inject(Fault(PICTURE, self._send))

    async def _send(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        await asyncio.to_thread(self._let_go.wait, 60)
        if not self._picture_is_whole:
            answer.body = b""
        await exchange.send(answer)

    def shown(self, run: rv.Run) -> int:
        """The seconds that the line of a run told while it worked; then its picture comes, and it ends."""
        assert until(lambda: shown_seconds(run) > 0)
        assert run.is_working
        last = shown_seconds(run)
        self._let_go.set()
        assert until(lambda: not run.is_working)
        return last


@contextmanager
def slow_service(*, picture_is_whole: bool = True) -> Iterator[Slow]:
    with running_sandbox(SandboxConfig(latency=0)) as url, proxy_to(url) as proxy:
        yield Slow(proxy, picture_is_whole=picture_is_whole)


def test_a_slow_download_is_part_of_a_runs_time_also_when_it_is_read_later(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with slow_service() as service:
        with closing(rv.connect(DEFAULT_KEY, service.url, store=store)):
            run = rv.generate("a bottle", seed=1, resolution="1K")
            last = service.shown(run)
            assert shown_seconds(run) >= last
            [before] = run
        with closing(rv.connect(DEFAULT_KEY, service.url, store=store)):
            [again] = rv.runs()
            assert shown_seconds(again) >= last
            assert again[0].record.finished_at == before.record.finished_at


def test_a_picture_that_could_not_be_fetched_has_taken_the_time_until_that_was_known(tmp_path: Path) -> None:
    with (
        slow_service(picture_is_whole=False) as service,
        closing(rv.connect(DEFAULT_KEY, service.url, store=tmp_path / "store")),
    ):
        run = rv.generate("a bottle", seed=1, resolution="1K")
        last = service.shown(run)
        assert [job.status for job in run] == ["undelivered"]
        assert shown_seconds(run) >= last


def test_a_run_that_waited_for_another_runs_picture_tells_how_long(tmp_path: Path) -> None:
    with slow_service() as service, closing(rv.connect(DEFAULT_KEY, service.url, store=tmp_path / "store")):
        rv.generate("a bottle", seed=1, resolution="1K")
        run = rv.generate("a bottle", seed=1, resolution="1K")
        last = service.shown(run)
        assert shown_seconds(run) >= last
