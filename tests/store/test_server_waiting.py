"""What a call does while the database server does not answer: it waits, says so, and can be interrupted."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from servers import PostgresqlServer

import rivya_nb as rv
from rivya_nb.errors import DatabaseUnreachableError, WaitInterruptedError
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store import persisting
from rivya_nb.store.persisting import Wait, heard_by
from rivya_nb.store.places import ServerAddress
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

    waits: list[Wait | None] = field(default_factory=list)
    has_heard: threading.Event = field(default_factory=threading.Event)

    def hear(self, waiting: Wait | None) -> None:
        self.waits.append(waiting)
        self.has_heard.set()

    def then(self, act: Callable[[], object]) -> None:
        """Do something as soon as a wait is heard of."""
        threading.Thread(target=lambda: self.has_heard.wait(SECONDS) and act(), daemon=True).start()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def served(address: ServerAddress, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(persisting, "SILENT", 0.1)
    monkeypatch.setattr(persisting, "TICK", 0.05)
    with closing(Store.open(address, on_wait=ear.hear)) as opened:
        yield opened


def test_a_call_says_what_it_waits_for_and_goes_on_when_the_server_answers(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    with postgresql.silent() as wake:
        ear.then(wake)
        assert served.runs() == []
    assert ear.waits[-1] is None
    assert re.fullmatch(
        rf"{re.escape(str(served.place))} does not answer yet; this waits (10|9) s more at most\.",
        str(ear.waits[0]),
    )


def test_a_server_that_is_restarted_is_waited_for(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    postgresql.stop("fast")
    ear.then(postgresql.start)
    assert served.runs() == []
    assert "does not answer yet (no server listens there (" in str(ear.waits[0])


def test_an_interrupt_ends_the_wait_and_leaves_the_store_usable(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    with postgresql.silent():
        # More often than there are connections.
        for _ in range(3):
            ear.has_heard.clear()
            ear.then(lambda: os.kill(os.getpid(), signal.SIGINT))
            with pytest.raises(WaitInterruptedError, match=f"waiting for {re.escape(str(served.place))}"):
                served.runs()
    assert served.runs() == []


def test_a_call_gives_up_after_a_while(
    postgresql: PostgresqlServer, served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisting, "PATIENCE", 0.3)
    with (
        postgresql.silent(),
        pytest.raises(DatabaseUnreachableError, match="no answer came in time; see whether the network"),
    ):
        served.runs()


def test_another_thread_waits_for_who_listens_and_ends_when_that_one_gives_up(
    postgresql: PostgresqlServer, served: Store, ear: Ear
) -> None:
    with postgresql.silent(), ThreadPoolExecutor(1) as pool:

        def asked() -> None:
            with heard_by(ear.hear) as listener:
                ear.then(lambda: setattr(listener, "has_given_up", True))
                served.runs()

        with pytest.raises(WaitInterruptedError):
            pool.submit(asked).result(SECONDS)
    assert ear.waits[-1] is None


@pytest.mark.parametrize("on_main", [True, False], ids=["main thread", "another thread"])
def test_a_plan_waits_for_a_server_that_is_restarted(
    on_main: bool, postgresql: PostgresqlServer, address: ServerAddress
) -> None:
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
        asking = threading.Thread(target=lambda: known.append(served.has_several_users), daemon=True)
        asking.start()
        asking.join(10)
        assert known == [False]
