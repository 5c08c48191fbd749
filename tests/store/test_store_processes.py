"""Several kernels on one store: who works on a job, and what happens when one of them dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from sandboxes import until

from rivya_nb.store.store import Store

from .filling import a_job, add, done, fork_and_hang, ids, own_and_hang, write_much
from .processes import PATIENCE, Start, told


def lives(store: Store, owner: str) -> bool:
    with store.database.reading() as connection:
        return owner in store.owner.living(connection, [owner])


def test_a_living_process_keeps_its_jobs_and_a_killed_one_loses_them(store: Store, start: Start) -> None:
    process, pipe = start(own_and_hang, store.place)
    job_ids, owner = told(pipe)
    assert lives(store, owner)
    assert store.claims.claim(job_ids) == set()
    # Looking must not have broken the lock.
    assert lives(store, owner)
    identity = store.job(job_ids[0]).identity
    assert set(store.asking.find_reusable("sandbox", [identity])) == {identity}
    assert store.claims.taken([store.job(job_ids[0])])
    assert store.claims.stop(job_ids) == set()

    process.kill()
    process.join(PATIENCE)
    # The server needs a moment to notice.
    assert until(lambda: not lives(store, owner))
    assert not store.claims.taken([store.job(job_ids[0])])
    assert store.claims.claim(job_ids) == set(job_ids)
    assert {job.owner for job in store.jobs(job_ids).values()} == {store.owner.id}
    assert not (store.folder / "locks" / f"{owner}.lock").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_is_no_owner_and_cannot_use_its_parents_store(store: Store, start: Start) -> None:
    process, pipe = start(fork_and_hang, store.place)
    first, second = told(pipe), told(pipe)
    refusal, (job_id, owner, child) = (first, second) if isinstance(first, str) else (second, first)
    assert "forked" in refusal
    assert lives(store, owner)
    process.kill()
    # Joined without a time limit, which would also wait for the child.
    process.join()
    try:
        os.kill(child, 0)
        assert until(lambda: store.claims.claim([job_id]) == {job_id})
    finally:
        os.kill(child, signal.SIGKILL)


def test_jobs_are_claimed_from_nobody_from_oneself_but_never_when_they_ended(store: Store) -> None:
    free, ended, stopped = a_job(), done(), a_job(status="stopped")
    add(store, free, ended, stopped)
    own = store.job(free.id)
    assert own.owner == store.owner.id
    assert store.claims.claim(ids([free, ended, stopped])) == {free.id}
    store.update_job(free.id, owner=None)
    assert store.claims.claim([free.id, "absent"]) == {free.id}


def test_two_stores_in_one_process_are_two_owners(store: Store) -> None:
    job = a_job()
    add(store, job)
    second = Store.open(store.place)
    assert second.claims.claim([job.id]) == set()
    second.close()
    third = Store.open(store.place)
    store.close()
    assert third.claims.claim([job.id]) == {job.id}
    third.close()


def test_locks_of_the_dead_are_cleared_away(folder: Path, start: Start) -> None:
    process, pipe = start(own_and_hang, folder)
    _, owner = told(pipe)
    process.kill()
    process.join(PATIENCE)
    assert (folder / "locks" / f"{owner}.lock").exists()
    store = Store.open(folder)
    assert [path.stem for path in (folder / "locks").glob("*.lock")] == [store.owner.id]
    store.close()


def test_four_processes_open_a_new_store_at_once_and_lose_no_write(folder: Path, start: Start) -> None:
    others = [start(write_much, folder) for _ in range(4)]
    for _, pipe in others:
        assert told(pipe) == "ready"
    for _, pipe in others:
        pipe.send("go")
    job_ids = [told(pipe) for _, pipe in others]
    store = Store.open(folder)
    assert [run.id for run in store.runs.newest()] == [4, 3, 2, 1]
    assert [job.reserved_credits for job in store.jobs(job_ids).values()] == [98] * 4
    store.close()
