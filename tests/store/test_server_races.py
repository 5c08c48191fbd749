"""What several kernels do at the same moment in a store on a server, where many may write."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TypeVar

import pytest
from sandboxes import until
from servers import PostgresqlServer
from sqlalchemy import text

from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.store import writing
from rivya_nb.store.bundles import merge
from rivya_nb.store.canaries import CanaryRecord, OccasionRecord
from rivya_nb.store.credit_limits import CreditLimit
from rivya_nb.store.measurements import Subject
from rivya_nb.store.pace import TaskDuration
from rivya_nb.store.questions import Question
from rivya_nb.store.records import CellRecord, Deferral, Marks, RunRecord
from rivya_nb.store.renaming import rename_services
from rivya_nb.store.store import Store
from rivya_nb.store.uploads import UploadRecord
from rivya_nb.store.vote_records import Judgements, RankingPair, RankingRecord, RaterRecord, VoteRecord

from .filling import a_job, add, done

KERNELS = 5
ROUNDS = 12

T = TypeVar("T")


@pytest.fixture
def kernels(postgresql: PostgresqlServer) -> Iterator[list[Store]]:
    """Several kernels at one store."""
    address = postgresql.new_store()
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Store.open(address))) for _ in range(KERNELS)]


def at_once(kernels: list[Store], work: Callable[[Store, int], T]) -> list[T]:
    """What each kernel, with its number, gets from doing this at the same moment."""
    barrier = threading.Barrier(len(kernels))

    def take_part(number: int) -> T:
        barrier.wait()
        return work(kernels[number], number)

    with ThreadPoolExecutor(len(kernels)) as pool:
        return list(pool.map(take_part, range(len(kernels))))


def two_jobs(store: Store) -> tuple[str, str]:
    one, other = done(), done("a dog")
    add(store, one, other)
    return one.id, other.id


def a_ranking(jobs: tuple[str, str], name: str) -> RankingRecord:
    return RankingRecord(name, ("seed",), 1000.0, jobs, (RankingPair(*jobs),))


def a_run(store: Store, prompt: str, seeds: Iterable[int]) -> bool:
    """Ask for pictures that the store has not answered; whether a run of them was written."""
    jobs = [a_job(prompt, {"seed": seed}) for seed in seeds]
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate(jobs)]
    identities = {job.identity for job in jobs}
    asked = {"name": None, "service": "sandbox", "axes": (), "cells": cells, "jobs": jobs}
    return store.asking.add_run(**asked, unanswered=identities) is not None


def test_kernels_that_ask_for_many_other_pictures_do_not_wait_for_each_other(kernels: list[Store]) -> None:
    first, second, *_ = kernels
    ours = {a_job("a dog", {"seed": seed}).identity for seed in range(1000)}
    with ThreadPoolExecutor(2) as pool, first.database.writing() as connection:
        writing.take_turns(connection, "sandbox", ours)
        assert pool.submit(a_run, second, "a cat", range(1000)).result(timeout=60)
        same = pool.submit(a_run, second, "a dog", [999, 1000])
        while not same.done() and not locked(first):
            pass
        assert not same.done()
    assert second.runs.count() == 2


def locked(store: Store) -> bool:
    """Whether somebody waits for the end of a transaction."""
    waiting = text("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted)")
    with store.database.reading() as connection:
        return bool(connection.execute(waiting).scalar_one())


def test_of_kernels_that_ask_for_some_of_the_same_pictures_each_is_asked_for_once(
    kernels: list[Store],
) -> None:
    for round_ in range(ROUNDS):
        prompt = f"a cat {round_}"
        known = {a_job(prompt, {"seed": seed}).identity: seed for seed in range(60)}

        def ask(store: Store, at: int, prompt: str = prompt, known: dict[str, int] = known) -> None:
            mine = random.Random(at).sample(sorted(known), 40)
            while True:
                there = store.asking.find_reusable("sandbox", mine)
                missing = [each for each in mine if each not in there]
                if not missing or a_run(store, prompt, [known[each] for each in missing]):
                    return

        at_once(kernels, ask)
        asked = [job.identity for job in kernels[0].unfinished() if job.prompt == prompt]
        assert len(asked) == len(set(asked)) > 40


def test_what_all_take_up_again_or_take_back_at_once_holds_up_nobody(kernels: list[Store]) -> None:
    jobs = [a_job("a cat", {"seed": seed}) for seed in range(60)]
    add(kernels[0], *jobs)
    ids = [job.id for job in jobs]

    def take_up(store: Store, at: int) -> None:
        mine = random.Random(at).sample(sorted(store.jobs(ids).values(), key=lambda job: job.id), len(ids))
        store.claims.reopen(mine, "planned")
        store.asking.ask_for([job.id for job in mine])
        store.deferrals.take_back([job.id for job in mine])

    for _ in range(4):
        kernels[0].claims.stop(ids)
        at_once(kernels, take_up)
        assert {job.status for job in kernels[0].unfinished()} == {"planned"}


def test_a_worker_and_a_user_who_takes_up_what_it_has_ended_do_not_wait_for_each_other(
    kernels: list[Store],
) -> None:
    user, worker, admin, *_ = kernels
    admin.credit_limits.set(CreditLimit(user.users.me, "day", 1000))
    jobs = [a_job(params={"seed": seed}) for seed in range(2)]
    run = user.asking.add_run(
        name=None, service="sandbox", axes=(), jobs=jobs, deferral=Deferral(1000),
        cells=[CellRecord(job.id, (at,)) for at, job in enumerate(jobs)],
    )  # fmt: skip
    assert run is not None
    taken = worker.deferrals.claim(run.id, most=1)[0]
    worker.update_job(taken.id, status="stopped")
    ended = worker.job(taken.id)
    with ThreadPoolExecutor(2) as pool:
        with held_up(admin):
            taking = pool.submit(user.claims.reopen, [ended], "planned")
            assert until(lambda: waiting(admin) == 1)
            working = pool.submit(worker.deferrals.claim, run.id, most=1)
            assert until(lambda: waiting(admin) == 2)
        assert taking.result(60) is None
        assert len(working.result(60)) == 1
    assert user.job(ended.id).status == "planned"


def test_all_limits_of_a_user_are_taken_away_while_that_user_asks(kernels: list[Store]) -> None:
    admin, user, _, other, *_ = kernels
    for per in ("month", "day"):
        admin.credit_limits.set(CreditLimit(user.users.me, per, 1000))
    job = a_job()
    add(user, job)
    with ThreadPoolExecutor(2) as pool:
        with held_up(other):
            asking = pool.submit(user.asking.ask_for, [job.id])
            assert until(lambda: waiting(other) == 1)
            unsetting = pool.submit(admin.credit_limits.unset, user.users.me, None)
            assert until(lambda: waiting(other) == 2)
        asking.result(60)
        assert unsetting.result(60) == 2


@contextmanager
def held_up(store: Store) -> Iterator[None]:
    """The limits of a day are locked, so that whoever is held to them waits."""
    with store.database.writing() as connection:
        connection.execute(text("SELECT 1 FROM credit_limits WHERE per = 'day' FOR UPDATE"))
        yield


def waiting(store: Store) -> int:
    """How many transactions wait for another one."""
    with store.database.reading() as connection:
        found = text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return connection.execute(found).scalar_one()


def test_connections_that_the_server_has_closed_meanwhile_are_made_anew(
    postgresql: PostgresqlServer, kernels: list[Store]
) -> None:
    store = kernels[0]
    job = a_job()
    add(store, job)
    with postgresql.connect() as connection:
        for step in ("queued", "processing"):
            # But for the one that holds the ownership.
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'rivya_nb'"
                " AND query NOT LIKE '%LISTEN%' AND query NOT LIKE '%notify%' AND pid NOT IN"
                " (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
            )
            store.update_job(job.id, status=step)
            assert store.job(job.id).status == step


def test_all_who_begin_to_rank_get_one_list_of_pairs(kernels: list[Store]) -> None:
    jobs = two_jobs(kernels[0])
    for round_ in range(ROUNDS):
        axes = (f"axis {round_}",)
        drafts = [replace(a_ranking(jobs, f"{round_} {at}"), by=axes) for at in range(KERNELS)]

        def draw(store: Store, at: int, drafts: list[RankingRecord] = drafts) -> RankingRecord:
            return store.votes.ranking(drafts[at].by, lambda known: True, lambda: drafts[at])

        drawn = at_once(kernels, draw)
        assert len({ranking.id for ranking in drawn}) == 1


def test_all_who_join_by_one_name_are_one_rater_with_one_vote(kernels: list[Store]) -> None:
    jobs = two_jobs(kernels[0])
    ranking = kernels[0].votes.ranking(("seed",), lambda known: True, lambda: a_ranking(jobs, "first"))
    for round_ in range(ROUNDS):
        rater = f"rater {round_}"

        def judge(store: Store, at: int, name: str = rater) -> str:
            joined = store.votes.join(ranking.id, name)
            store.votes.cast(VoteRecord(ranking.id, 0, *jobs, "one", name, 2000.0 + at, 1.0, False))
            return joined.origin

        assert len(set(at_once(kernels, judge))) == 1
    assert len(kernels[0].votes.of(ranking.id)) == ROUNDS


def test_votes_that_all_import_are_new_to_one_of_them(kernels: list[Store]) -> None:
    jobs = two_jobs(kernels[0])
    for round_ in range(ROUNDS):
        ranking = a_ranking(jobs, f"ranking {round_}")
        vote = VoteRecord(ranking.id, 0, *jobs, "one", "A", 2000.0, 1.0, False)
        judged = Judgements((ranking,), (RaterRecord(ranking.id, "A", "origin"),), (vote,))
        new = at_once(kernels, lambda store, _, judged=judged: store.votes.merge(judged))
        assert sorted(new) == [0] * (KERNELS - 1) + [1]


def test_of_two_raters_from_elsewhere_by_one_name_the_second_one_is_refused(kernels: list[Store]) -> None:
    jobs = two_jobs(kernels[0])
    ranking = a_ranking(jobs, "first")

    def admit(store: Store, at: int) -> bool:
        try:
            store.votes.merge(Judgements((ranking,), (RaterRecord(ranking.id, "A", f"origin {at}"),), ()))
        except UsageError:
            return False
        return True

    assert sorted(at_once(kernels, admit)) == [False] * (KERNELS - 1) + [True]


def test_a_canary_is_pinned_once_and_an_occasion_begins_once(kernels: list[Store]) -> None:
    two_jobs(kernels[0])
    run = kernels[0].runs.newest()[0].id
    for round_ in range(ROUNDS):
        name = f"canary {round_}"
        wanted = [
            CanaryRecord(name, run, (f"cell {at}",), 1, None, 1000.0, (OccasionRecord(1),))
            for at in range(KERNELS)
        ]
        pinned = at_once(kernels, lambda store, at, wanted=wanted: store.canaries.pin(wanted[at]))
        assert len({canary.cells for canary in pinned}) == 1
        begun = at_once(kernels, lambda store, at, known=pinned[0]: store.canaries.begin(known, 10 + at))
        assert {len(canary.occasions) for canary in begun} == {2}


def test_a_measure_that_all_use_for_the_first_time_is_kept_once(kernels: list[Store]) -> None:
    pictures = [f"{at:064x}" for at in range(20)]
    for round_ in range(ROUNDS):
        name = f"measure {round_}"

        def keep(store: Store, at: int, name: str = name) -> None:
            order = pictures if at % 2 else pictures[::-1]
            store.measurements.keep(name, "1", "", [(Subject(each), {"": float(at)}) for each in order])

        at_once(kernels, keep)
        known = kernels[0].measurements.known(name, "1", [Subject(each) for each in pictures])
        assert len(known) == 20
    assert len(kernels[0].measurements.newest()) == ROUNDS


def test_an_upload_that_all_make_is_kept_once(kernels: list[Store]) -> None:
    for round_ in range(ROUNDS):
        sha = f"{round_:064x}"
        at_once(
            kernels,
            lambda store, at, sha=sha: store.uploads.add(
                UploadRecord("sandbox", "model", sha, f"https://{at}", float(at))
            ),
        )
        assert kernels[0].uploads.get("sandbox", "model", sha) is not None


def test_durations_that_all_remember_stay_few(kernels: list[Store]) -> None:
    request = Request("model", "a cat", {}, (), 12)
    many = [TaskDuration(float(at), 1.0, 2.0) for at in range(300)]
    for _ in range(4):
        at_once(kernels, lambda store, _: store.durations.remember("sandbox", request, many))
    assert 0 < len(kernels[0].durations.known("sandbox", request)) <= 300


def test_a_bundle_that_all_import_is_there_once(kernels: list[Store]) -> None:
    for round_ in range(4):
        jobs = [done(f"a cat {round_}", {"seed": seed}, pictures=()) for seed in range(5)]
        cells = tuple(CellRecord(job.id, (at,)) for at, job in enumerate(jobs))
        run = RunRecord(7, f"run {round_}", "sandbox", 5.0 + round_, (), cells)
        marks = {jobs[0].id: Marks(rating=4, tags=("keep",))}
        at_once(kernels, lambda store, _, args=(jobs, [run], marks): merge(store, *args))
        newest = kernels[0].runs.newest(limit=1)[0]
        assert (newest.name, len(newest.cells)) == (f"run {round_}", 5)
    assert kernels[0].runs.count() == 4


def test_services_are_renamed_once(kernels: list[Store]) -> None:
    for number in range(20):
        add(kernels[0], done(f"a cat {number}", service=f"Service{number % 3}"))
        kernels[0].uploads.add(
            UploadRecord(f"Service{number % 3}", "model", f"{number:064x}", "https://x", 1.0)
        )
    at_once(kernels, lambda store, _: rename_services(store.database, str.lower))
    assert kernels[0].services() == ["service0", "service1", "service2"]
    assert kernels[0].count(Question(service="service0")) == 7
    assert kernels[0].uploads.get("service1", "model", f"{1:064x}") is not None
