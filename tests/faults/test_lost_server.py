"""Runs on a store on a server whose connections are cut, or that is restarted, in the middle."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox, until
from servers import PostgresqlServer

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.places import ServerAddress

PICTURES = 8


@pytest.fixture
def address(postgresql: PostgresqlServer) -> Iterator[ServerAddress]:
    address = postgresql.new_store()
    yield address
    postgresql.drop(address)


@pytest.fixture
def session(address: ServerAddress, tmp_path: Path) -> Iterator[rv.Session]:
    with (
        running_sandbox(SandboxConfig(latency=0.5, credits=1000), tmp_path) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=str(address))) as session,
    ):
        yield session


def cut(server: PostgresqlServer, address: ServerAddress) -> None:
    with closing(server.connect()) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [address.database]
        )


def restart(server: PostgresqlServer, _address: ServerAddress) -> None:
    server.stop("fast")
    server.start()


@pytest.mark.parametrize(("trouble", "times"), [(cut, 12), (restart, 2)])
def test_a_run_ends_by_itself_and_is_billed_once(
    postgresql: PostgresqlServer,
    address: ServerAddress,
    session: rv.Session,
    tmp_path: Path,
    trouble: Callable[[PostgresqlServer, ServerAddress], None],
    times: int,
) -> None:
    run = rv.plan("A bottle", model="ideogram-v3", seed=range(PICTURES)).run()
    troubled = threading.Thread(target=lambda: [trouble(postgresql, address) for _ in range(times)])
    troubled.start()
    run.finished().result(60)
    troubled.join()
    assert [job.status for job in run] == ["succeeded"] * PICTURES
    assert all(job.path.exists() for job in run)
    with closing(sqlite3.connect(tmp_path / "sandbox.sqlite")) as service:
        assert service.execute("SELECT count(*) FROM tasks").fetchone() == (PICTURES,)
    assert until(lambda: len(session.store.unfinished()) == 0)
    assert session.store.spent(session.service).credits == sum(job.credits for job in run)
