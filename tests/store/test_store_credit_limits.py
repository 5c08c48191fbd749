"""Credit limits of a store and of its users: never exceeded, whoever writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import PostgresqlServer
from sqlalchemy import func, select

from rivya_nb.errors import CreditLimitError
from rivya_nb.store.credit_limits import EVERYBODY, CreditLimit, held
from rivya_nb.store.records import NOT_BILLED, STATUSES, CellRecord, Deferral, JobRecord
from rivya_nb.store.schema import commitments
from rivya_nb.store.schema import jobs as job_table
from rivya_nb.store.store import Store
from rivya_nb.store.writing import insert_jobs

from .filling import a_job, add

PRICE = 12
NOVEMBER = datetime(2026, 11, 11, 11, 0, tzinfo=timezone.utc).timestamp()  # a Wednesday
DAY = 86_400.0
_seeds = count(1000)


class Clock:
    """The time that a store's database tells."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def ada(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")


@pytest.fixture
def clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock(NOVEMBER)
    monkeypatch.setattr(store.database, "now", told)
    return told


@pytest.fixture
def bobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The same store, opened by Bob."""
    monkeypatch.setenv("JUPYTERHUB_USER", "bob")
    opened = Store.open(store.place)
    yield opened
    opened.close()


def some(number: int, **fields: object) -> list[JobRecord]:
    return [a_job(params={"seed": next(_seeds)}, **fields) for _ in range(number)]


def used(store: Store) -> list[tuple[str, str, int]]:
    return [(use.limit.who, use.limit.per, use.used) for use in store.credit_limits.uses()]


def limit(store: Store, who: str, credits: int, per: str = "month", unknown: int | None = None) -> None:  # noqa: A002
    store.credit_limits.set(CreditLimit(who, per, credits, unknown))


def refused(store: Store, jobs: list[JobRecord]) -> str:
    """What is said of jobs that a limit does not allow, before they are asked for and then; nothing is kept."""
    with pytest.raises(CreditLimitError) as before:
        store.credit_limits.check(store.users.me, jobs)
    runs = store.runs.count()
    with pytest.raises(CreditLimitError) as then:
        add(store, *jobs)
    assert str(before.value) == str(then.value)
    assert store.jobs(job.id for job in jobs) == {}
    assert store.runs.count() == runs
    return str(then.value)


def test_a_user_is_held_to_a_limit_and_others_are_not(store: Store, bobs: Store, clock: Clock) -> None:
    limit(store, "ada", 30)
    store.credit_limits.check("ada", some(2))
    add(store, *some(2))
    assert used(store) == [("ada", "month", 24)]
    assert refused(store, some(1)) == (
        "12 credits more would pass ada's limit of 30 credits a month: 24 are used, and the month ends on "
        "2026-12-01 00:00 UTC. Nothing was sent. Ask for less, wait until then, or let `rivya-nb limits set "
        "--user ada --per month CREDITS` set another limit."
    )
    add(bobs, *some(5))
    # What costs nothing is always allowed.
    add(store, a_job(params={"seed": next(_seeds)}, price=0))
    limit(store, "ada", 36)
    add(store, *some(1))
    assert used(store) == [("ada", "month", 36)]


def test_the_store_has_a_limit_for_all_users_together(store: Store, bobs: Store) -> None:
    limit(store, EVERYBODY, 36, "week")
    add(store, *some(1))
    add(bobs, *some(2))
    assert (
        "12 credits more would pass the limit of the whole store of 36 credits a week: 36 are used"
        in refused(store, some(1))
    )
    assert "`rivya-nb limits set --store-wide --per week CREDITS`" in refused(bobs, some(1))


@pytest.mark.parametrize(
    ("per", "days", "is_new"),
    [
        ("day", 0.5, False), ("day", 1, True),
        ("week", 4.5, False), ("week", 5, True),
        ("month", 19.5, False), ("month", 20, True),
    ],
)  # fmt: skip
def test_a_period_begins_at_midnight_on_monday_or_on_the_first(
    store: Store, clock: Clock, per: str, days: float, is_new: bool
) -> None:
    limit(store, "ada", 24, per)
    add(store, *some(2))
    clock.now += days * DAY
    if is_new:
        assert used(store) == [("ada", per, 0)]
        add(store, *some(2))
    assert refused(store, some(1))
    assert used(store) == [("ada", per, 24)]


def test_sums_that_no_limit_looks_at_any_more_do_not_pile_up(store: Store, clock: Clock) -> None:
    def rows() -> int:
        with store.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(commitments)).scalar_one()

    limit(store, "ada", 30)
    old = some(1)
    add(store, *old)
    clock.now += 35 * DAY
    add(store, *some(1))
    assert rows() == 2, "the longest period has 31 days"
    clock.now += 40 * DAY
    add(store, *some(2))
    assert rows() == 2
    # What becomes of a job of that time makes no difference.
    store.update_job(old[0].id, status="failed")
    assert used(store) == [("ada", "month", 24)]
    assert refused(store, some(1))
    clock.now += DAY
    add(store, a_job(params={"seed": next(_seeds)}, price=0))
    assert rows() == 3


def test_the_strictest_of_several_limits_decides(store: Store, clock: Clock) -> None:
    limit(store, "ada", 100, "month")
    limit(store, "ada", 24, "day")
    limit(store, EVERYBODY, 60, "week")
    add(store, *some(2))
    assert "24 credits a day" in refused(store, some(1))
    clock.now += DAY
    add(store, *some(2))
    clock.now += DAY
    assert "60 credits a week" in refused(store, some(2))
    assert [use.used for use in store.credit_limits.uses()] == [48, 0, 48]
    assert store.credit_limits.unset(EVERYBODY, None) == 1
    assert store.credit_limits.unset("ada", "week") == 0
    assert store.credit_limits.unset("ada", "day") == 1
    add(store, *some(4))
    assert used(store) == [("ada", "month", 96)]


def test_what_was_not_billed_is_free_again_and_the_services_price_counts(store: Store) -> None:
    limit(store, "ada", 36)
    jobs = some(3)
    add(store, *jobs)
    refused(store, some(1))
    store.update_job(jobs[0].id, status="failed", reserved_credits=12)
    assert used(store) == [("ada", "month", 24)]
    store.update_job(jobs[1].id, status="queued", task_id="t", reserved_credits=20)
    assert used(store) == [("ada", "month", 32)]
    store.update_job(jobs[1].id, status="succeeded", final_credits=9)
    assert used(store) == [("ada", "month", 21)]
    store.update_job(jobs[2].id, status="unknown")
    assert used(store) == [("ada", "month", 21)]
    add(store, *some(1))


def test_pictures_without_a_known_price_are_refused_or_count_as_told(store: Store) -> None:
    limit(store, "ada", 50)
    without = some(2, price=None)
    assert refused(store, without) == (
        "2 requests without a certain price cannot be held to ada's limit of 50 credits a month, and nothing was "
        "sent. Ask for models with a fixed price, or let `rivya-nb limits set --user ada --per month 50 --unknown "
        "CREDITS` say what each counts as."
    )
    limit(store, "ada", 50, unknown=20)
    add(store, *without)
    assert used(store) == [("ada", "month", 40)]
    assert "20 credits more" in refused(store, some(1, price=None))
    store.update_job(without[0].id, status="queued", task_id="t", reserved_credits=3)
    assert used(store) == [("ada", "month", 23)]
    add(store, *some(1, price=None))


def test_what_is_taken_up_again_counts_in_the_period_in_which_it_is(
    store: Store, bobs: Store, clock: Clock
) -> None:
    limit(store, "ada", 24, "day")
    idle, stopped = some(1), some(1)
    add(store, *idle, *stopped)
    store.claims.stop([stopped[0].id])
    clock.now += DAY
    add(store, *some(1))
    store.credit_limits.check("ada", idle)
    store.asking.ask_for([idle[0].id])
    # Once more on the same day, it counts already.
    store.credit_limits.check("ada", idle)
    store.asking.ask_for([idle[0].id])
    assert used(store) == [("ada", "day", 24)]
    ended = store.job(stopped[0].id)
    with pytest.raises(CreditLimitError, match="12 credits more"):
        store.credit_limits.check("ada", [ended])
    with pytest.raises(CreditLimitError, match="12 credits more"):
        store.claims.reopen([ended], "planned")
    assert store.job(ended.id) == ended
    # Who takes up what another user has left asks for it.
    bobs.claims.reopen([ended], "planned")
    assert (bobs.job(ended.id).status, bobs.job(ended.id).asked_by) == ("planned", "bob")
    assert used(store) == [("ada", "day", 24)]


def test_an_idle_job_of_a_new_run_counts_with_it(store: Store, clock: Clock) -> None:
    limit(store, "ada", 24, "day")
    idle = some(2)
    run = add(store, *idle)
    clock.now += DAY
    new = some(1)
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate([*idle, *new])]
    asked = {"cells": cells, "jobs": new, "idle": [job.id for job in idle]}
    with pytest.raises(CreditLimitError, match="36 credits more"):
        store.asking.add_run(name=None, service="sandbox", axes=(), **asked)
    assert store.asking.extend_run(run, cells=[], jobs=[], idle=[job.id for job in idle])
    assert used(store) == [("ada", "day", 24)]


def test_a_retry_and_a_deferred_run_are_held_too(store: Store) -> None:
    limit(store, "ada", 24)
    failed, other = some(1, status="failed"), some(1)
    run = add(store, *failed, *other)
    again = some(2)
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate(again)]
    with pytest.raises(CreditLimitError):
        store.asking.extend_run(run, cells=cells, jobs=again)
    with pytest.raises(CreditLimitError):
        store.asking.add_run(
            name=None, service="sandbox", axes=(), cells=cells, jobs=again, deferral=Deferral(1000)
        )
    store.asking.replace_job(failed[0].id, again[0])
    with pytest.raises(CreditLimitError):
        store.asking.replace_job(other[0].id, again[1])
    assert used(store) == [("ada", "month", 24)]


credits_ = st.none() | st.integers(0, 40)
job_fields = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "task_id": st.sampled_from((None, "t")),
        "reserved_credits": credits_,
        "final_credits": credits_,
    }
)


def counts(job: JobRecord) -> tuple[int, int]:
    """What a job counts as, and whether its price is not known: the rules, once more."""
    is_told = job.reserved_credits is not None or (job.is_final and job.final_credits is not None)
    if job.status in ("succeeded", "undelivered") and job.task_id is None and not is_told:
        return 0, 0  # it came from another store
    return job.committed, int(job.price is None and not is_told and job.status not in NOT_BILLED)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(st.tuples(job_fields, credits_, st.sampled_from(("ada", "bob"))), min_size=1, max_size=4),
    then=st.lists(job_fields, max_size=4),
)
def test_what_is_used_is_what_the_jobs_say_whatever_became_of_them(
    store: Store, first: list[tuple[dict[str, Any], int | None, str]], then: list[dict[str, Any]]
) -> None:
    made = [a_job(**fields, price=price, asked_by=user) for fields, price, user in first]
    for who in (EVERYBODY, "ada"):
        limit(store, who, 10**9, unknown=100)
    add(store, *made)
    for job, changes in zip(made, then, strict=False):
        store.update_job(job.id, **changes)
    everything = store.unfinished(statuses=STATUSES)
    for use in store.credit_limits.uses():
        mine = [counts(job) for job in everything if use.limit.who in (EVERYBODY, job.asked_by)]
        assert (use.credits, use.unpriced) == (sum(each for each, _ in mine), sum(each for _, each in mine))


def test_workers_that_claim_at_the_same_time_take_each_job_once_and_no_more_than_may_run(
    store: Store,
) -> None:
    jobs = some(40)
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate(jobs)]
    deferred = Deferral(10_000, max_parallel=7)
    run = store.asking.add_run(
        name=None, service="sandbox", axes=(), cells=cells, jobs=jobs, deferral=deferred
    )
    assert run is not None
    stores = [Store.open(store.place) for _ in range(6)]
    ready, wrong = threading.Barrier(len(stores)), list[BaseException]()
    taken: list[str] = []

    def work(mine: Store) -> None:
        ready.wait(60)
        try:
            while mine.deferrals.waiting("sandbox", "ada"):
                claimed = mine.deferrals.claim(run.id, most=3, user="ada")
                with mine.database.reading() as connection:
                    busy = select(func.count()).where(
                        job_table.c.owner.is_not(None), job_table.c.status == "planned"
                    )
                    assert connection.execute(busy).scalar_one() <= 7
                for job in claimed:
                    taken.append(job.id)
                    mine.update_job(job.id, status="succeeded", final_credits=12, owner=None)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in stores:
        each.close()
    assert wrong == []
    assert sorted(taken) == sorted(job.id for job in jobs)
    assert store.deferrals.claim(run.id, most=3) == []


def test_a_worker_takes_only_what_its_user_deferred(store: Store, bobs: Store) -> None:
    for mine in (store, bobs):
        jobs = some(1)
        mine.asking.add_run(
            name=None,
            service="sandbox",
            axes=(),
            cells=[CellRecord(jobs[0].id, (0,))],
            jobs=jobs,
            deferral=Deferral(100),
        )
    assert [run.id for run in store.deferrals.waiting("sandbox")] == [1, 2]
    assert [run.id for run in store.deferrals.waiting("sandbox", "bob")] == [2]
    assert store.deferrals.claim(1, most=5, user="bob") == []
    assert [job.asked_by for job in store.deferrals.claim(2, most=5, user="bob")] == ["bob"]
    assert [job.asked_by for job in store.deferrals.claim(1, most=5)] == ["ada"]


def test_twenty_kernels_racing_never_exceed_a_limit(store: Store) -> None:
    limit(store, EVERYBODY, 1000, "day")
    limit(store, "ada", 900, "day")
    stores = [Store.open(store.place) for _ in range(20)]
    for at, each in enumerate(stores):
        each.users.me = f"user {at % 4}" if at % 2 else "ada"
    ready = threading.Barrier(len(stores))
    wrong: list[BaseException] = []

    def ask(mine: Store) -> None:
        ready.wait(60)
        try:
            for _ in range(12):
                add(mine, *some(1, price=48))
        except CreditLimitError:
            pass
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in stores:
        each.close()
    assert wrong == []
    assert [use.used for use in store.credit_limits.uses()] == [960, pytest.approx(900, abs=900)]
    assert len(store.unfinished()) * 48 == 960


def test_a_limit_that_is_set_while_a_run_is_written_disturbs_nothing(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with closing(Store.open(address)) as store, closing(Store.open(address)) as admin:
        admin.credit_limits.set(CreditLimit("ada", "day", 100))
        now = store.database.now()
        with store.database.writing() as connection, held(connection, {"ada"}, now):
            admin.credit_limits.set(CreditLimit(EVERYBODY, "week", 1))
            insert_jobs(connection, None, [a_job(asked_by="ada")], now=now)
        assert [use.used for use in admin.credit_limits.uses()] == [12, 12]
    postgresql.drop(address)
