"""What a call does while the database server does not answer: it waits, says so, and can be interrupted."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sandboxes import until
from servers import PostgresqlServer
from sqlalchemy import Connection, Engine, event, func, select, text

import rivya_nb as rv
from rivya_nb.errors import DatabaseUnreachableError, WaitInterruptedError
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.session import Session
from rivya_nb.store import persisting
from rivya_nb.store.persisting import heard_by
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql import interrupting
from rivya_nb.store.schema import jobs
from rivya_nb.store.store import Store

SECONDS = 60


@pytest.fixture
def address(postgresql: PostgresqlServer) -> Iterator[ServerAddress]:
    address = postgresql.new_store()
    yield address
    postgresql.drop(address)


@dataclass
class Ear:
    """What was heard of waits."""

    waits: list[str | None] = field(default_factory=list)
    has_heard: threading.Event = field(default_factory=threading.Event)

    def hear(self, waiting: str | None) -> None:
        self.waits.append(waiting)
        self.has_heard.set()

    def then(self, act: Callable[[], object]) -> None:
        """Do something as soon as a wait is heard of, from now on."""
        self.waits.clear()
        self.has_heard.clear()
        threading.Thread(target=lambda: self.has_heard.wait(SECONDS) and act(), daemon=True).start()


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def served(address: ServerAddress, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(persisting, "SILENT", 0.1)
    monkeypatch.setattr(persisting, "TICK", 0.05)
    # A server may take long to start where the machine is busy.
    monkeypatch.setattr(persisting, "PATIENCE", 60.0)
    monkeypatch.setattr(interrupting, "_MOMENT", 0.05)
    with closing(Store.open(address, on_wait=ear.hear)) as opened:
        yield opened


def test_a_call_says_what_it_waits_for_and_goes_on_when_the_server_answers(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    with postgresql.silent() as wake:
        ear.then(wake)
        assert served.runs.newest() == []
    assert ear.waits[-1] is None
    assert re.fullmatch(
        rf"{re.escape(str(served.place))} does not answer yet; this waits (60|5\d) s more at most\.",
        ear.waits[0] or "",
    )


def test_a_server_that_is_restarted_is_waited_for(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    postgresql.stop("fast")
    ear.then(postgresql.start)
    assert served.runs.newest() == []
    assert "does not answer yet (no server listens there (" in (ear.waits[0] or "")


def test_an_interrupt_ends_the_wait_and_leaves_the_store_usable(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    with postgresql.silent():
        # More often than there are connections.
        for _ in range(3):
            ear.then(interrupt)
            with pytest.raises(WaitInterruptedError, match=f"waiting for {re.escape(str(served.place))}"):
                served.runs.newest()
    assert served.runs.newest() == []


def hang(served: Store, server: PostgresqlServer, ear: Ear, act: Callable[[], object] | None = None) -> None:
    """Ask, within a transaction, a server that does not answer until `act`, when the wait is heard of."""
    with served.database.reading() as connection:
        connection.execute(text("SELECT 1"))
        with server.silent() as wake:
            ear.then(act or wake)
            connection.execute(text("SELECT 1"))


def test_a_statement_that_gets_no_answer_is_told_and_goes_on_when_the_server_answers(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    hang(served, postgresql, ear)
    assert ear.waits[-2:] == [f"{served.place} does not answer yet; this waits until it does.", None]


def test_an_interrupt_ends_a_statement_that_gets_no_answer(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    for _ in range(3):
        with pytest.raises(WaitInterruptedError, match=f"waiting for {re.escape(str(served.place))}"):
            hang(served, postgresql, ear, interrupt)
    assert served.runs.newest() == []


def test_a_statement_of_another_thread_ends_when_who_listens_gives_up(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    def asked() -> None:
        with heard_by(ear.hear) as listener:
            hang(served, postgresql, ear, lambda: setattr(listener, "has_given_up", True))

    with ThreadPoolExecutor(1) as pool, pytest.raises(WaitInterruptedError):
        pool.submit(asked).result(SECONDS)
    assert ear.waits[-1] is None
    assert served.runs.newest() == []


@dataclass
class Busy:
    """A call on another thread that decides what is bought, until it is `over`."""

    session: Session
    has_begun: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        with self.session.live_records.dispatching():
            self.has_begun.set()
            assert self.is_over.wait(SECONDS)


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    monkeypatch.setattr(persisting, "SILENT", 0.1)
    monkeypatch.setattr(persisting, "TICK", 0.05)
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=tmp_path / "store")) as session:
        busy = Busy(session)
        working = threading.Thread(target=busy.work)
        working.start()
        assert busy.has_begun.wait(SECONDS)
        yield busy
        busy.is_over.set()
        working.join()
        session.store.close()


def test_a_call_says_that_it_waits_for_another_one_of_its_kernel(busy: Busy, ear: Ear) -> None:
    plan = rv.plan("A cat", seed=1)
    with heard_by(ear.hear):
        ear.then(busy.is_over.set)
        plan.run().stop()
    place = busy.session.store.place
    assert ear.waits == [
        f"Another call of this kernel has not yet written to {place} what it starts; this waits until it has.",
        None,
    ]


def test_an_interrupt_ends_the_wait_for_another_call_of_the_kernel(busy: Busy, ear: Ear) -> None:
    plan = rv.plan("A cat", seed=1)
    ear.then(interrupt)
    with heard_by(ear.hear), pytest.raises(WaitInterruptedError, match="nothing was sent"):
        plan.run()
    assert busy.session.store.runs.count() == 0


def test_jobs_of_a_call_that_is_interrupted_while_they_are_written_are_free_for_others(
    postgresql: PostgresqlServer, address: ServerAddress, served: Store, ear: Ear
) -> None:
    with (
        ExitStack() as silence,
        closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=str(address))) as mine,
    ):
        plan = rv.plan("A cat", seed=1)
        commits = count()

        def is_lost(connection: Connection) -> None:
            if connection.scalar(select(func.count()).select_from(jobs)) and not next(commits):
                silence.enter_context(postgresql.silent())
                ear.then(interrupt)

        event.listen(Engine, "commit", is_lost)
        silence.callback(event.remove, Engine, "commit", is_lost)
        with heard_by(ear.hear), pytest.raises(WaitInterruptedError):
            plan.run()
        silence.close()
        # The server has got it, and was only not heard.
        assert until(lambda: bool(served.unfinished()))
        assert until(lambda: served.unfinished()[0].owner is None)
        mine.store.close()


def test_a_call_gives_up_after_a_while(
    postgresql: PostgresqlServer, served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisting, "PATIENCE", 0.3)
    with (
        postgresql.silent(),
        pytest.raises(DatabaseUnreachableError, match="no answer came in time; see whether the network"),
    ):
        served.runs.newest()


def test_another_thread_waits_for_who_listens_and_ends_when_that_one_gives_up(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    with postgresql.silent(), ThreadPoolExecutor(1) as pool:

        def asked() -> None:
            with heard_by(ear.hear) as listener:
                ear.then(lambda: setattr(listener, "has_given_up", True))
                served.runs.newest()

        with pytest.raises(WaitInterruptedError):
            pool.submit(asked).result(SECONDS)
    assert ear.waits[-1] is None


@pytest.mark.parametrize("on_main", [True, False], ids=["main thread", "another thread"])
def test_a_plan_waits_for_a_server_that_is_restarted(
    on_main: bool, postgresql: PostgresqlServer, address: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisting, "PATIENCE", 60.0)
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=str(address))) as session:
        postgresql.stop("fast")
        starting = threading.Thread(target=postgresql.start)
        starting.start()
        with ThreadPoolExecutor(1) as pool:
            plan = (
                rv.plan("A cat", seed=1) if on_main else pool.submit(rv.plan, "A cat", seed=1).result(SECONDS)
            )
        starting.join()
        assert len(plan) == 1
        session.store.close()


def test_whether_several_users_ask_is_known_without_asking_the_server(
    postgresql: PostgresqlServer, served: Store
) -> None:
    known: list[bool] = []
    with postgresql.silent():
        asking = threading.Thread(target=lambda: known.append(served.users.are_several), daemon=True)
        asking.start()
        asking.join(60)
        assert known == [False]
