"""A sandbox, the bad way to it, and what a test can know of both: what is on disk and what was billed."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.key import Key
from rivya_nb.api.results import ResultFetcher
from rivya_nb.api.retry import RetryNotice, RetryPolicy
from rivya_nb.jobs import pacing
from rivya_nb.jobs.patience import tell_waiting
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.service import FoundKey, Service
from rivya_nb.session.session import Session
from rivya_nb.store.store import Store

from .proxy import Proxy, proxy_to

CREDITS = 100_000
WAIT = 60
IMPATIENT = RetryPolicy(attempts=4, budget=60.0, first=0.05, longest=0.2)
"""The real rules at a pace for tests."""

STEP = 1.0
"""Seconds that a step of a call may take where only that ends it."""

PATIENT = 20.0
"""The same where nothing stalls: a busy machine is not taken for a bad network."""

MODEL, PRICE = "ideogram-v3", 7
SMALL: dict[str, Any] = {"model": MODEL, "image_size": "square"}


@dataclass
class Place:
    """`step` is how many seconds a step of a call may take. `notices` are all announcements of waits; `on_notice`
    is what happens at each."""

    proxy: Proxy
    sandbox: Path
    folder: Path
    session: rv.Session
    step: float = STEP
    notices: list[str] = field(default_factory=list)
    on_notice: list[Callable[[], object]] = field(default_factory=list)

    def prices(self) -> list[int]:
        """Of everything that the sandbox has billed."""
        with closing(sqlite3.connect(self.sandbox / "sandbox.sqlite")) as database:
            return [price for (price,) in database.execute("SELECT price FROM tasks WHERE NOT fails")]

    def tasks_by_key(self) -> dict[str, str]:
        """The task of each idempotency key that the sandbox has taken."""
        with closing(sqlite3.connect(self.sandbox / "sandbox.sqlite")) as database:
            return dict(database.execute("SELECT key, task_id FROM idempotency"))

    def left_behind(self) -> list[str]:
        """What is wrong in the store's folder: files that are not whole, or not done."""
        wrong = [f"half a file: {path}" for path in (self.folder / "incoming").iterdir()]
        for path in (self.folder / "pictures").glob("*/*"):
            if path.stem != hashlib.sha256(path.read_bytes()).hexdigest():
                wrong.append(f"not what its name says: {path}")
            with contextlib.suppress(OSError), Image.open(path) as image:
                image.load()
                continue
            wrong.append(f"no picture: {path}")
        return wrong

    def pictures(self) -> set[str]:
        """The names of all files that stand as pictures or references."""
        return {path.stem for path in (self.folder / "pictures").glob("*/*")}

    @contextlib.contextmanager
    def other_kernel(self) -> Iterator[rv.Session]:
        """Another session on the same store and service, with an owner of its own."""
        client = RivyaClient(DEFAULT_KEY, self.proxy.url, timeout=self.step, retries=IMPATIENT)
        service = Service(client.origin, client, FoundKey(Key(DEFAULT_KEY), "given"))
        with (
            closing(Store.open(self.folder)) as store,
            closing(Session(service, LiveRecords(store, WorkLoop.find()))) as session,
        ):
            yield session


def finish(run: rv.Run) -> str:
    """Wait for a run; the words that the user then has before them."""
    try:
        return run.wait(WAIT).text()
    except rv.RunFailedError as error:
        return f"{error}\n{run.text()}"


def check(place: Place, run: rv.Run) -> None:
    """What holds after whatever fault: memory and disk agree, nothing half is taken for whole."""
    with closing(Store.open(place.folder)) as store:
        stored = store.jobs(job.id for job in run)
    for job in run:
        record = stored[job.id]
        assert (record.status, record.pictures) == (job.status, job.record.pictures)
        assert bool(record.pictures) == (record.status == "succeeded")
        assert {picture.sha256 for picture in record.pictures} <= place.pictures()
    assert not place.left_behind(), place.left_behind()
    references = {reference.sha256 for job in run for reference in job.record.references}
    assert place.pictures() - references == {pic.sha256 for job in run for pic in job.record.pictures}
    assert place.session.store.spent(place.session.service).credits == sum(job.credits for job in run)


def check_money(place: Place, run: rv.Run) -> None:
    """Once everything is known: what the sandbox billed is what the store says."""
    billed = sum(place.prices())
    assert billed == run.credits == place.session.store.spent(place.session.service).credits
    assert place.session.balance() == CREDITS - billed
    keys = place.tasks_by_key()
    assert len(set(keys.values())) == len(keys) == len(place.prices())


@contextlib.contextmanager
def place_at(
    folder: Path,
    config: SandboxConfig = SandboxConfig(latency=0.1, credits=CREDITS),  # noqa: B008 - immutable
    *,
    store: Path | None = None,
    step: float = STEP,
    shrink: int = 4,
) -> Iterator[Place]:
    """A place with a session of its own, the current one. Only times differ from what a user has."""
    store, sandbox = store or folder / "store", folder / "sandbox"
    notices: list[str] = []
    on_notice: list[Callable[[], object]] = []

    def announce(notice: RetryNotice) -> None:
        notices.append(str(notice))
        for act in on_notice:
            act()
        tell_waiting(notice)

    def impatient(_key: Key, url: str | None, _folder: Path) -> Service:
        found = FoundKey(Key(DEFAULT_KEY), "given")
        client = RivyaClient(found.key, url, timeout=step, retries=IMPATIENT, on_wait=announce)
        service = Service(client.origin, client, found)
        service.fetcher = ResultFetcher(client.origin, timeout=step, retries=IMPATIENT, on_wait=announce)
        return service

    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("rivya_nb.current.reach", impatient)
        for name, seconds in {"FIRST": 0.05, "SECOND": 0.1, "LONGEST": 0.2}.items():
            patch.setattr(pacing, name, seconds)
        sandbox.mkdir(parents=True)
        service = stack.enter_context(running_sandbox(config, sandbox, shrink=shrink))
        proxy = stack.enter_context(proxy_to(service))
        session = stack.enter_context(closing(rv.connect(DEFAULT_KEY, proxy.url, store=store)))
        yield Place(proxy, sandbox, store, session, step, notices, on_notice)
