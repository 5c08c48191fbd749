"""A pooler between kernels and their server: one that shares connections is refused, one that does not serves."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from servers import PostgresqlServer, unused_port

from rivya_nb.errors import StoreError
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql import poolers
from rivya_nb.store.store import Store

from .filling import a_job, add

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = pytest.mark.skipif(
    _PROGRAM is None, reason="PgBouncer is not installed (apt-get install pgbouncer)"
)


@contextmanager
def pooler(server: PostgresqlServer, **settings: object) -> Iterator[int]:
    """A PgBouncer before the server, until the block ends; gives its port."""
    assert _PROGRAM is not None
    port = unused_port()
    given = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "server_reset_query": "DISCARD ALL",
        **settings,
    }
    lines = [f"{name} = {value}" for name, value in given.items()]
    database = f"* = host={server.folder} port={server.port} user=postgres"
    file = server.folder / f"pgbouncer-{port}.ini"
    file.write_text("\n".join(["[databases]", database, "[pgbouncer]", *lines]))
    user = "postgres" if os.geteuid() == 0 else None
    assert user is None or pwd.getpwnam(user)
    with subprocess.Popen(
        [_PROGRAM, "-q", str(file)], user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_until_up(port, process)
            yield port
        finally:
            process.terminate()


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("PgBouncer ended at once")


def behind(port: int, address: ServerAddress) -> ServerAddress:
    return ServerAddress(host="127.0.0.1", port=str(port), user="postgres", database=address.database)


@pytest.mark.parametrize(
    "settings",
    [
        {"pool_mode": "transaction"},
        {"pool_mode": "transaction", "server_round_robin": 1},
        {"pool_mode": "transaction", "server_reset_query_always": 1},
        {"pool_mode": "statement"},
        # A connection's locks stay after its end.
        {"pool_mode": "session", "server_reset_query": ""},
    ],
    ids=lambda settings: " ".join(f"{name}={value}" for name, value in settings.items()),
)
def test_a_pooler_that_shares_connections_is_refused_before_anything_is_made(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    monkeypatch.setattr(poolers, "GRACE", 0.3)
    address = postgresql.new_database()
    with pooler(postgresql, **settings) as port, pytest.raises(StoreError) as refused:
        Store.open(behind(port, address), "file:///no/such/folder")
    assert re.search("a pooler .PgBouncer or the like.*pool_mode = session.*DISCARD ALL", str(refused.value))
    with postgresql.connect(address.database) as admin:
        assert admin.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_pooler_that_gives_each_client_a_connection_of_its_own_serves(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with pooler(postgresql, pool_mode="session") as port:
        with closing(Store.open(behind(port, address))) as store, closing(Store.open(address)) as other:
            run = add(store, a_job())
            with other.database.reading() as connection:
                assert other.owner.living(connection, [store.owner.id]) == {store.owner.id}
            assert [each.id for each in other.runs.newest()] == [run.id]
        with closing(Store.open(address)) as other, other.database.reading() as connection:
            assert other.owner.living(connection, [store.owner.id]) == set()
