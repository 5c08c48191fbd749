"""Faults at random, and what has to be true of the money and the pictures whatever the mix was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import rivya_nb as rv
from rivya_nb.store.records import JobRecord
from rivya_nb.store.store import Store

from . import proxy
from .place import PRICE, SMALL, Place, check_money, finish
from .proxy import BALANCE, PICTURE, POLL, SUBMIT, Exchange, Spoil

JOBS_A_RUN = 20
ROUNDS = 12

SPOILS: dict[str, tuple[Spoil, ...]] = {
    "balance": (proxy.reset, proxy.answers(500), proxy.cut),
    "submit": (
        proxy.reset,
        proxy.reset_lost,
        proxy.reset_lost,
        proxy.cut,
        proxy.cut_short,
        proxy.changed(lambda task: [task]),
        proxy.answers(500),
        proxy.answers(500, lost=True),
        proxy.answers(502, lost=True),
        proxy.answers(503),
        proxy.answers(403),
        proxy.answers(429),
        proxy.refuses(429, "rate_limited"),
        proxy.refuses(503, "public_api_disabled"),
        proxy.refuses(401, "api_key_revoked"),
        proxy.stall_lost,
        proxy.down(seconds=0.1),
    ),
    "poll": (
        proxy.reset,
        proxy.cut,
        proxy.cut_short,
        proxy.changed(lambda task: [task]),
        proxy.changed(lambda task: {**task, "status": "on_holiday", "result": None}),
        proxy.changed(lambda task: {**task, "result": {"urls": []}}),
        proxy.answers(500),
        proxy.answers(502),
        proxy.refuses(429, "rate_limited"),
        proxy.refuses(404, "not_found"),
        proxy.refuses(401, "api_key_revoked"),
    ),
    "picture": (
        proxy.reset,
        proxy.cut,
        proxy.cut_short,
        proxy.redirect_home,
        proxy.huge(65_000_000, claimed=True),
        proxy.answers(200),
        proxy.answers(403),
        proxy.answers(404),
        proxy.answers(500),
    ),
}
KINDS = {"balance": BALANCE, "submit": SUBMIT, "poll": POLL, "picture": PICTURE}


@dataclass
class Mix:
    """Spoils calls with a probability; `struck` counts what it did, by kind of call."""

    seed: int
    rate: float

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.struck: Counter[str] = Counter()

    def __call__(self, exchange: Exchange) -> Spoil | None:
        for name, kind in reversed(KINDS.items()):
            if kind.fits(exchange.method, exchange.path):
                if self._random.random() >= self.rate:
                    return None
                self.struck[name] += 1
                return self._random.choice(SPOILS[name])
        return None


def ask(place: Place, jobs: int) -> list[rv.Run]:
    """So many jobs in several runs, all at once, waited for; whatever came of them."""
    starts = range(0, jobs, JOBS_A_RUN)
    runs = [
        rv.generate("A bottle", seed=range(start, min(start + JOBS_A_RUN, jobs)), max_credits=1000, **SMALL)
        for start in starts
    ]
    for run in runs:
        finish(run)
    return runs


def everything(place: Place) -> list[JobRecord]:
    """All jobs that the store holds, those that were asked for again included."""
    with closing(Store.open(place.folder)) as store:
        ids = {cell.job_id for run in store.runs.newest() for cell in run.cells}
        return list(store.jobs(ids).values())


def check_meanwhile(place: Place) -> Counter[str]:
    """What holds at every moment at which nobody works; the jobs by status."""
    taken = place.tasks_by_key()
    assert len(set(taken.values())) == len(taken) == len(place.prices()), "a key made two tasks"
    jobs = everything(place)
    assert set(taken) <= {job.id for job in jobs}, "a task that nobody asked for"
    for job in jobs:
        if job.status == "failed":
            assert job.id not in taken, f"called failed, and billed: {job}"
        if job.status in ("succeeded", "undelivered", "queued", "processing", "downloading"):
            assert job.task_id == taken[job.id], f"another task than its own: {job}"
    certain = [job for job in jobs if job.status in ("succeeded", "undelivered")]
    perhaps = [job for job in jobs if job.id in taken and job not in certain]
    assert len(taken) == len(certain) + len(perhaps)
    assert not place.left_behind()
    return Counter(job.status for job in jobs)


def settle(place: Place, runs: list[rv.Run], each_round: Callable[[int], None]) -> list[Counter[str]]:
    """Resume and retry until every job has its picture; the jobs by status after each round."""
    seen = [check_meanwhile(place)]
    for number in range(ROUNDS):
        if all(job.status == "succeeded" for run in runs for job in run):
            return seen
        each_round(number)
        for go_on in (
            lambda run: rv.resume(run, unsent=True, max_credits=1000),
            lambda run: place.session.retry(run.id, max_credits=1000),
        ):
            for run in [go_on(run) for run in runs]:
                finish(run)
            seen.append(check_meanwhile(place))
    raise AssertionError(f"not settled after {ROUNDS} rounds: {seen[-1]}")


def check_end(place: Place, runs: list[rv.Run], jobs: int) -> None:
    """Every billed task is a picture, and every credit is accounted for."""
    shown = {job.id: job for run in runs for job in run}
    assert len(shown) == jobs
    assert {job.status for job in shown.values()} == {"succeeded"}
    assert {job.id: job.task_id for job in shown.values()} == place.tasks_by_key()
    assert all(image.size == (128, 128) for job in shown.values() for image in job.images)
    assert sum(run.credits for run in runs) == sum(place.prices()) == jobs * PRICE
    assert place.session.store.spent(place.session.service).credits == jobs * PRICE
    if len(runs) == 1:
        check_money(place, runs[0])


def fuzz(place: Place, *, jobs: int, seed: int, rate: float) -> tuple[Mix, list[Counter[str]]]:
    """Ask under faults, go on under faults, and at last without; what struck, and how it went."""
    mix = Mix(seed, rate)
    place.proxy.choose = mix
    runs = ask(place, jobs)

    def each_round(number: int) -> None:
        if number == 2:
            place.proxy.heal()

    seen = settle(place, runs, each_round)
    check_end(place, runs, jobs)
    return mix, seen
