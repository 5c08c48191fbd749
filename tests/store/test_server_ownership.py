"""The ownership of jobs on a server: a connection that is lost and comes back, and what forks leave alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sandboxes import until
from servers import PostgresqlServer
from sqlalchemy import Connection

import rivya_nb
from rivya_nb.errors import DatabaseUnreachableError, JobTakenError
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.records import CellRecord
from rivya_nb.store.store import Store

from .filling import a_job, add, ids


@pytest.fixture
def address(postgresql: PostgresqlServer) -> Iterator[ServerAddress]:
    address = postgresql.new_store()
    yield address
    postgresql.drop(address)


def cut(server: PostgresqlServer, address: ServerAddress) -> int:
    """End every connection of a store; gives their number."""
    with closing(server.connect()) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [address.database]
        )
        return len(ended.fetchall())


def test_a_kernel_whose_connections_are_cut_goes_on_as_a_new_owner(
    postgresql: PostgresqlServer, address: ServerAddress
) -> None:
    with closing(Store.open(address)) as store, closing(Store.open(address)) as other:
        mine, theirs = a_job(), a_job()
        add(store, mine, theirs)
        store.claims.release([theirs.id])
        assert other.claims.claim([theirs.id]) == {theirs.id}
        before = store.owner.id
        assert cut(postgresql, address) >= 3
        assert until(lambda: store.owner.id != before)
        assert until(lambda: store.job(mine.id).owner == store.owner.id)
        assert until(lambda: other.claims.claim([mine.id]) == set())
        with store.database.reading() as connection:
            assert store.owner.living(connection, [before, store.owner.id]) == {store.owner.id}
        store.make_ready()
        store.update_job(mine.id, status="queued")
        assert store.job(theirs.id).owner != store.owner.id


def test_a_connection_that_is_made_anew_at_once_ends_no_step(
    postgresql: PostgresqlServer, address: ServerAddress
) -> None:
    with closing(Store.open(address)) as store:
        for _ in range(3):
            before = store.owner.id
            cut(postgresql, address)
            while store.owner.id == before:
                store.owner.renew()


def test_a_server_that_is_away_is_told_until_it_is_back(
    postgresql: PostgresqlServer, address: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store.open(address)) as store:
        job = a_job()
        add(store, job)
        before = store.owner.id
        postgresql.stop("fast")
        try:
            with monkeypatch.context() as hasty:
                hasty.setattr("rivya_nb.store.persisting.PATIENCE", 1.0)
                assert until(lambda: refuses(store))
                with pytest.raises(DatabaseUnreachableError, match="no server listens there"):
                    store.job(job.id)
        finally:
            postgresql.start()
        assert until(lambda: not refuses(store))
        assert store.owner.id != before
        assert until(lambda: store.job(job.id).owner == store.owner.id)


def refuses(store: Store) -> bool:
    try:
        store.make_ready()
    except DatabaseUnreachableError:
        return True
    return False


def test_what_a_kernel_changes_the_panels_of_others_hear_of(address: ServerAddress) -> None:
    class Listener:
        heard = 0

        def hear(self) -> None:
            self.heard += 1

    with closing(Store.open(address)) as store, closing(Store.open(address)) as other:
        job = a_job(status="succeeded")
        add(store, job)
        here, there = Listener(), Listener()
        store.marks.changes.subscribe(here.hear)
        for news in (other.marks.changes, other.arrivals, other.deletions, other.votes.changes):
            news.subscribe(there.hear)
        # Each looks once when it is listened for: what was announced before was not heard.
        assert until(lambda: (here.heard, there.heard) == (1, 4))
        here.heard = there.heard = 0
        store.marks.change([job.id], favourite=True)
        assert until(lambda: there.heard == 1)
        store.finish_job(job.id, [])
        assert until(lambda: there.heard == 2)
        store.delete_pictures([job.id])
        assert until(lambda: there.heard == 3)
        assert here.heard == 1


def test_a_job_that_another_kernel_has_taken_is_not_written_over(store: Store) -> None:
    job = a_job()
    add(store, job)
    with closing(Store.open(store.place)) as other:
        store.claims.release([job.id])
        assert other.claims.claim([job.id]) == {job.id}
        with pytest.raises(JobTakenError, match="Another kernel works on the job"):
            store.update_job(job.id, status="queued")
        with pytest.raises(JobTakenError):
            store.finish_job(job.id, [], status="succeeded")
        assert not store.claims.begin_submit(job.id, body="{}", submitted_at=1.0)
        assert other.job(job.id).status == "planned"


def test_a_submit_whose_beginning_was_stored_begins_once_and_with_the_same_bytes(store: Store) -> None:
    job = a_job()
    add(store, job)
    assert store.claims.begin_submit(job.id, body='{"a": 1}', submitted_at=1.0)
    assert store.claims.begin_submit(job.id, body='{"a": 1}', submitted_at=1.0)
    assert not store.claims.begin_submit(job.id, body='{"a": 2}', submitted_at=1.0)
    assert not store.claims.begin_submit(job.id, body='{"a": 1}', submitted_at=2.0)
    assert store.job(job.id).body == '{"a": 1}'


@pytest.fixture
def loses_answers(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Each entry in this list is a transaction that is done, and whose end is not answered."""
    lost: list[None] = []
    writing = store.database.writing

    @contextmanager
    def unanswered() -> Iterator[Connection]:
        with writing() as connection:
            yield connection
        if lost:
            lost.pop()
            raise DatabaseUnreachableError("no answer")

    monkeypatch.setattr(store.database, "writing", unanswered)
    return lost


def test_what_was_stored_without_an_answer_is_not_stored_twice(
    store: Store, loses_answers: list[None]
) -> None:
    first, second, third = (a_job(params={"seed": seed}) for seed in range(3))
    loses_answers.append(None)
    run = add(store, first)
    assert store.runs.newest() == [run]
    assert [job.id for job in store.unfinished()] == [first.id]

    loses_answers.append(None)
    longer = store.asking.extend_run(run, cells=[CellRecord(second.id, (1,))], jobs=[second])
    assert longer == store.runs.get(run.id)
    assert [cell.job_id for cell in longer.cells] == ids([first, second])

    loses_answers.append(None)
    with pytest.raises(DatabaseUnreachableError):
        store.asking.replace_job(first.id, third)
    assert store.asking.replace_job(first.id, third).id == third.id
    assert [cell.job_id for cell in store.runs.get(run.id).cells] == ids([third, second])
    assert len(store.unfinished()) == 3


def test_what_is_read_while_its_store_is_closed_leaves_no_connection(address: ServerAddress) -> None:
    store = Store.open(address)
    with store.database.reading() as connection:
        driver = connection.connection.driver_connection
        store.close()
    assert driver is not None
    assert driver.closed


PARENT = """\
import gc, os, sys
from rivya_nb.store.places import read_place
from rivya_nb.store.store import Store

store = Store.open(read_place(sys.argv[1]))
before = store.owner.id
store.runs.newest()
for child in sys.argv[2:]:
    if os.fork() == 0:
        exec(child)
        sys.exit(0)
    os.wait()
    store.runs.newest()
    other = Store.open(store.place)
    with store.database.reading() as connection:
        alive = other.owner.living(connection, [before]) == {before}
    other.close()
    print(child, "| alive", alive, "| same", store.owner.id == before)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_leaves_its_parents_connections_alone(address: ServerAddress) -> None:
    children = [
        "pass",
        "store.close(); del store; gc.collect()",
        "store.database._engine.dispose(); del store; gc.collect()",
        "store.owner._connection.close()",
        "store.marks.changes.tell()",
        "os.fork() or sys.exit(0)",
        "Store.open(store.place).runs.newest(); gc.collect()",
    ]
    done = subprocess.run(
        [sys.executable, "-c", PARENT, str(address), *children],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "PYTHONPATH": str(Path(rivya_nb.__file__).parents[1])},
        check=False,
    )
    assert done.stdout.splitlines() == [f"{child} | alive True | same True" for child in children]
    assert done.stderr == ""
