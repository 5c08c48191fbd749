"""Kernels and workers on one database server hear of each other, and do not look again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
from sandboxes import running_sandbox, until
from servers import PostgresqlServer

import rivya_nb as rv
from rivya_nb.api.key import Key
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.service import reach
from rivya_nb.session.session import Session
from rivya_nb.session.worker import Worker
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.store import Store

SECONDS = 60
NEVER = 600.0


@pytest.fixture
def address(postgresql: PostgresqlServer) -> Iterator[ServerAddress]:
    address = postgresql.new_store()
    yield address
    postgresql.drop(address)


@pytest.fixture
def new_kernel(address: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Session]]:
    """`new_kernel()`: a session on the same store and service as the others, which looks only where it has heard
    something, and then at once."""
    for name, seconds in {"FOLLOW_INTERVAL": 0.01, "LONGEST_INTERVAL": NEVER}.items():
        monkeypatch.setattr(f"rivya_nb.jobs.following.{name}", seconds)
    for name, seconds in {"LOOK": 0.01, "LONGEST_LOOK": NEVER}.items():
        monkeypatch.setattr(f"rivya_nb.session.worker.{name}", seconds)
    with ExitStack() as stack:
        url = stack.enter_context(running_sandbox(SandboxConfig(latency=0.1)))

        def opened() -> Session:
            store = stack.enter_context(closing(Store.open(address)))
            service = reach(Key(DEFAULT_KEY), url, store.folder)
            return stack.enter_context(closing(Session(service, LiveRecords(store, WorkLoop.find()))))

        yield opened


def planned(session: Session, *seeds: int) -> rv.Plan:
    requests = [
        rv.Request("ideogram-v3", "A bottle", {"image_size": "square", "seed": seed}) for seed in seeds
    ]
    return session.plan_requests(requests, name=None, max_credits=None, fresh=False)


def held(session: Session) -> rv.Run:
    """A run of which nothing is sent, since the first 429 asks for an hour."""
    hour = rv.RateLimitedError("slow down", code="rate_limited", retry_after=3600)
    session.spending.runner.governor.was_refused(hour, 0.0, submit=True)
    return planned(session, 1).run()


def calls_of(patch: pytest.MonkeyPatch, owner: object, name: str) -> list[None]:
    """An entry for each call of a method, from now on."""
    calls: list[None] = []
    method = getattr(owner, name)

    def counted(*args: object, **options: object) -> Any:
        calls.append(None)
        return method(*args, **options)

    patch.setattr(owner, name, counted)
    return calls


def test_a_run_follows_what_another_kernel_does_without_looking_again_and_again(
    new_kernel: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_kernel(), new_kernel()
    run = held(first)
    looks = calls_of(monkeypatch, second.store.claims, "states")
    followed = planned(second, 1).run()
    assert until(lambda: len(looks) > 0)
    before = len(looks)
    steps = ("uploading", "planned") * 3
    for status in steps:
        first.store.update_job(run[0].id, status=status)
        assert until(lambda status=status: followed[0].status == status)  # type: ignore[misc]
    assert len(looks) - before <= 2 * len(steps)
    run.stop()
    assert len(followed.wait(SECONDS).images) == 1


def test_a_run_takes_over_from_a_kernel_that_has_died(
    new_kernel: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, second = new_kernel(), new_kernel()
    run = held(dying)
    looks = calls_of(monkeypatch, second.store.claims, "states")
    followed = planned(second, 1).run()
    assert until(lambda: len(looks) > 0)
    assert followed[0].id == run[0].id
    dying.store.owner.close()
    assert len(followed.wait(SECONDS).images) == 1


def test_a_run_that_is_given_up_ends_though_nothing_is_heard(new_kernel: Callable[[], Session]) -> None:
    first, second = new_kernel(), new_kernel()
    run = held(first)
    followed = planned(second, 1).run()
    followed.stop()
    followed.finished().result(SECONDS)
    assert run.is_working
    run.stop()


@contextmanager
def working(session: Session) -> Iterator[list[str]]:
    """What a worker tells that works meanwhile."""
    told: list[str] = []
    worker = Worker(session, told.append, lambda *_: None)
    thread = threading.Thread(target=lambda: worker.work(until_idle=False))
    thread.start()
    try:
        yield told
    finally:
        worker.drain()
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_a_worker_takes_what_is_deferred_without_looking_again_and_again(
    new_kernel: Callable[[], Session], address: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = new_kernel(), new_kernel()
    looks = calls_of(monkeypatch, session.store.deferrals, "waiting")
    with working(session):

        def is_quiet() -> bool:
            before = len(looks)
            for _ in range(10):
                Store.open(address).close()
            return before == len(looks) > 0

        assert until(is_quiet)
        run = planned(other, 1, 2).defer()
        assert until(lambda: {job.status for job in other.run(run.id)} == {"succeeded"}, SECONDS)


def test_a_worker_goes_on_after_its_server_was_away(
    new_kernel: Callable[[], Session], postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.session.worker.LONGEST_LOOK", 0.1)
    session, other = new_kernel(), new_kernel()
    with working(session) as told:
        postgresql.stop("fast")
        try:
            assert until(lambda: any("This goes on when it can." in line for line in told))
        finally:
            postgresql.start()
        run = planned(other, 1).defer()
        assert until(lambda: other.run(run.id)[0].status == "succeeded", SECONDS)
