"""The sums on a server: each connection adds to rows of its own, which are added up when it has ended."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from servers import PostgresqlServer

from rivya_nb.store.places import ServerAddress
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import add, done

TABLES = ("tallies", "ledger", "commitments")


@pytest.fixture
def address(postgresql: PostgresqlServer) -> ServerAddress:
    return postgresql.new_store()


def until_ended(server: PostgresqlServer, address: ServerAddress) -> None:
    """Wait until the server has noticed that no connection to a store is open."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
    with closing(server.connect()) as connection:
        while connection.execute(others, [address.database]).fetchone() != (0,):
            time.sleep(0.01)


def shards(server: PostgresqlServer, address: ServerAddress) -> dict[str, set[bool]]:
    """By table, whether the rows are those of a connection."""
    with closing(server.connect(address.database)) as connection:
        return {
            table: {of for (of,) in connection.execute(f"SELECT shard != 0 FROM {table}").fetchall()}
            for table in TABLES
        }


def test_what_ended_connections_have_added_is_added_up_when_the_store_is_opened(
    postgresql: PostgresqlServer, address: ServerAddress
) -> None:
    for _ in range(3):
        with closing(Store.open(address)) as store:
            add(store, done(final_credits=12), done("a dog", final_credits=30))
        until_ended(postgresql, address)
    with closing(Store.open(address)) as store:
        assert shards(postgresql, address) == {table: {False} for table in TABLES}
        assert store.count(Question()) == 6
        assert store.spent("sandbox").credits == 3 * 42
        add(store, done(final_credits=12))
        assert store.count(Question()) == 7
        assert store.spent("sandbox").credits == 3 * 42 + 12


def test_a_connection_that_is_open_keeps_its_own(
    postgresql: PostgresqlServer, address: ServerAddress
) -> None:
    with closing(Store.open(address)) as working:
        add(working, done(final_credits=12))
        with closing(Store.open(address)) as other:
            assert shards(postgresql, address) == {table: {True} for table in TABLES}
            assert other.count(Question()) == 1


def test_nobody_waits_for_a_row_that_is_in_use(postgresql: PostgresqlServer, address: ServerAddress) -> None:
    with closing(Store.open(address)) as store:
        add(store, done(final_credits=12))
    until_ended(postgresql, address)
    with closing(postgresql.connect(address.database)) as busy, busy.transaction():
        busy.execute("SELECT FROM ledger FOR UPDATE")
        with closing(Store.open(address)) as store:
            assert shards(postgresql, address) == {
                "tallies": {False},
                "ledger": {True},
                "commitments": {False},
            }
            assert store.spent("sandbox").credits == 12
