"""Replicates are bought once each: none stands for another one, and each is found again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.magics.cell import plan_cell
from rivya_nb.planning.line import parse_line
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.adding import plan_extension
from rivya_nb.session.plan import Plan
from rivya_nb.session.session import Session
from rivya_nb.session.showing.run_looks import run_text
from rivya_nb.session.worker import Worker

TIMEOUT = 60
PRICE = 12
SEEDLESS = "nano-banana"
Connect = Callable[..., rv.Session]
Other = Callable[[rv.Session], Session]


def plan(session: Session, flags: str, prompt: str = "A bottle") -> Plan:
    """The plan of a cell in one of several kernels."""
    return plan_cell(session, parse_line(f"resolution=1K {flags}"), prompt, {})


def bought(session: rv.Session, price: int = PRICE) -> int:
    return (10_000 - session.balance()) // price


def at_once(*plans: Plan) -> list[rv.Run]:
    line = threading.Barrier(len(plans))

    def begin(plan: Plan) -> rv.Run:
        line.wait()
        return plan.run()

    with ThreadPoolExecutor(len(plans)) as pool:
        return list(pool.map(begin, plans))


def test_run_again_each_takes_its_own_picture_and_more_buy_what_is_new(
    connect: Connect, other_kernel: Other, folder: Path
) -> None:
    session = connect(SandboxConfig(latency=0))
    first = plan(session, "seed=7 --replicates 3").run().wait(TIMEOUT)
    assert [job.replicate for job in first] == [1, 2, 3]
    assert len({job.id for job in first}) == bought(session) == 3
    assert not any("replicate" in (job.record.body or "") for job in first)
    again = plan(session, "seed=7 --replicates 3").run().wait(TIMEOUT)
    assert (again.job_ids, again.credits) == (first.job_ids, 0)
    assert plan(session, "seed=7").run().wait(TIMEOUT).job_ids == first.job_ids[:1]
    elsewhere = other_kernel(session)
    assert plan(elsewhere, "seed=7 --replicates 5").credits == 2 * PRICE
    wider = plan(elsewhere, "seed=7 --replicates 5").run().wait(TIMEOUT)
    assert wider.job_ids[:3] == first.job_ids
    with closing(rv.connect(DEFAULT_KEY, session.address, store=folder)) as restarted:
        assert plan(restarted, "seed=7 --replicates 5").run().wait(TIMEOUT).job_ids == wider.job_ids
        assert bought(restarted) == 5
        anew = plan(restarted, "seed=7 --replicates 2 --fresh").run().wait(TIMEOUT)
        assert not set(anew.job_ids) & set(wider.job_ids)
        assert bought(restarted) == 7
        assert plan(restarted, "seed=7 --replicates 2").run().job_ids == anew.job_ids, (
            "the newest of its number"
        )


@pytest.mark.parametrize("flags", ["seed=7 --replicates 4", f"--model {SEEDLESS} --replicates 4"])
def test_the_same_replicates_in_several_kernels_are_bought_once(
    flags: str, connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    kernels = [session, *(other_kernel(session) for _ in range(3))]
    plans = [plan_cell(each, parse_line(flags), "A bottle", {}) for each in kernels]
    price = plans[0].credits // 4
    runs = at_once(*plans)
    for run in runs:
        assert len(run.wait(TIMEOUT).jobs) == 4
    assert len({job.id for run in runs for job in run}) == bought(session, price) == 4
    assert {tuple(run.job_ids) for run in runs} == {tuple(runs[0].job_ids)}


def test_runs_that_are_widened_at_once_buy_the_next_replicates_once(
    connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = plan(session, "seed=7,8 --replicates 2").run().wait(TIMEOUT)
    kernels = [session, other_kernel(session), other_kernel(session)]
    plans = [
        plan_extension(each, run.record, {}, repeat=0, replicates=2, max_credits=None) for each in kernels
    ]
    runs = at_once(*plans)
    assert {len(each.wait(TIMEOUT).images) for each in runs} == {8}
    assert bought(session) == 8


@pytest.mark.parametrize(
    "flags",
    [
        "seed=7 --replicates 3",
        f"--model {SEEDLESS} --replicates 3",
        pytest.param("--replicates 3", marks=pytest.mark.thorough),
    ],
)
def test_a_replicate_that_failed_is_bought_again_once_and_the_others_stay(
    flags: str, connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    asked = plan_cell(session, parse_line(flags), "A bottle", {})
    run = asked.run().wait(TIMEOUT)
    price = asked.credits // 3
    for place in (0, 2):
        session.store.finish_job(run[place].id, [], status="failed", error_code="generation_failed")
    before, elsewhere = bought(session, price), other_kernel(session)
    line = threading.Barrier(2)

    def retry(kernel: Session) -> rv.Run:
        line.wait()
        return kernel.retry(run.id)

    with ThreadPoolExecutor(2) as pool:
        for each in pool.map(retry, [session, elsewhere]):
            assert [job.replicate for job in each.wait(TIMEOUT)] == [1, 2, 3]
            assert each[1].id == run[1].id
    assert bought(session, price) - before == 2


@pytest.mark.parametrize("flags", ["seed=7 --replicates 2", f"--model {SEEDLESS} --replicates 2"])
def test_replicates_that_two_runs_share_are_bought_again_once(
    flags: str, connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    elsewhere = other_kernel(session)
    plans = [plan_cell(each, parse_line(flags), "A bottle", {}) for each in (session, elsewhere)]
    price = plans[0].credits // 2
    runs = [run.wait(TIMEOUT) for run in at_once(*plans)]
    for job in runs[0]:
        owner = session.store.job(job.id).owner
        [its] = [kernel for kernel in (session, elsewhere) if kernel.store.owner.id == owner]
        its.store.finish_job(job.id, [], status="failed", error_code="generation_failed")
    before = bought(session, price)
    again = [
        kernel.retry(run.id).wait(TIMEOUT) for kernel, run in zip((session, elsewhere), runs, strict=True)
    ]
    assert again[0].job_ids == again[1].job_ids
    assert bought(session, price) - before == 2


def test_a_retry_never_takes_another_replicate(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0))
    run = (
        plan_cell(session, parse_line(f"--model {SEEDLESS} --replicates 2"), "A pot", {}).run().wait(TIMEOUT)
    )
    first, second = run.job_ids
    session.store.finish_job(second, [], status="failed", error_code="generation_failed")
    again = session.retry(run.id).wait(TIMEOUT)
    assert again.job_ids[0] == first
    assert again.job_ids[1] not in (first, second)


def test_without_seeds_repeats_are_found_again_like_replicates(connect: Connect) -> None:
    connect(SandboxConfig(latency=0))
    first = rv.generate("A pot", model=SEEDLESS, repeat=3).wait(TIMEOUT)
    again = rv.generate("A pot", model=SEEDLESS, replicates=3).wait(TIMEOUT)
    assert (again.job_ids, again.credits) == (first.job_ids, 0)
    price = first.credits // 3
    assert rv.plan("A pot", model=SEEDLESS, repeat=5).credits == 2 * price
    assert rv.plan("A pot", model=SEEDLESS).credits == price, (
        "where nothing is written down, it is asked anew"
    )


def test_what_has_neither_seed_nor_number_says_beside_its_price_that_it_is_paid_anew(
    connect: Connect,
) -> None:
    session = connect(SandboxConfig(latency=0))
    anew = " · no seed: paid anew each time this is run"
    for asked in (plan(session, "seed=none"), rv.plan("A pot", model=SEEDLESS)):
        look = asked._repr_mimebundle_()
        assert asked.summary.endswith(f" credits{anew}")
        assert all(
            f" credits{anew} · nothing is sent yet" in look[kind] for kind in ("text/plain", "text/html")
        )
        run = asked.run().wait(TIMEOUT)
        assert asked.run().wait(TIMEOUT).credits == run.credits > 0, "and so it is"
        assert "no seed: asking for the same again is paid anew" in run_text(run)
    assert "2 of 4 without a seed" in rv.plan("A pot", model=[DEFAULT_MODEL, SEEDLESS], repeat=2).summary
    for kept in (
        "seed=1",
        "",
        f"--model {SEEDLESS} --replicates 2",
        f"--model {SEEDLESS} --repeat 2",
        "--fresh",
    ):
        asked = plan_cell(session, parse_line(kept), "A pan", {})
        assert "paid anew" not in asked.summary
    assert "paid anew" not in run_text(rv.generate("A pan", model=SEEDLESS, repeat=2).wait(TIMEOUT))
    # What is filled is there afterwards, and not planned again.
    failed = rv.generate("A pot sandbox:fail", model=SEEDLESS)
    with pytest.raises(rv.RunFailedError):
        failed.wait(TIMEOUT)
    assert "paid anew" not in failed.grid().fill().summary


def test_drawn_seeds_are_drawn_anew_and_their_replicates_bought_anew(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0))
    first = plan(session, "--replicates 2").run().wait(TIMEOUT)
    assert len({job.seed for job in first}) == 1
    assert plan(session, "--replicates 2").credits == 2 * PRICE
    assert plan(session, f"seed={first[0].seed} --replicates 3").credits == PRICE
    assert first.extend(replicates=1).credits == PRICE


def test_replicates_that_are_left_to_a_worker_are_sent_once(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.2))
    deferred = plan(session, "seed=7 --replicates 3").defer()
    assert plan(session, "seed=7 --replicates 4").credits == PRICE, "three are asked for already"
    assert Worker(session, lambda _: None, lambda *_: None).work(until_idle=True)
    assert len(session.run(deferred.id).images) == bought(session) == 3
    assert plan(session, "seed=7 --replicates 3").credits == 0


def test_a_replicate_is_known_by_its_picture_and_by_its_cell(
    connect: Connect, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = connect(SandboxConfig(latency=0))
    run = plan(session, "seed=7 --replicates 2").run().wait(TIMEOUT)
    second = run[1]
    assert "replicate=2" in repr(second)
    (path,) = second.save(tmp_path)
    recalled = rv.recall(path)
    assert recalled.replicate == 2
    assert rv.generate(recalled).wait(TIMEOUT).job_ids == [second.id]
    second.as_cell()
    line, _, body = capsys.readouterr().out.strip().removeprefix("%%rivya ").partition("\n")
    assert "--replicates 2" in line
    again = plan_cell(session, parse_line(line), body, {})
    assert (again.credits, again.run().wait(TIMEOUT).job_ids) == (0, run.job_ids)
    assert second.again().requests[0].replicate == 2
    assert bought(session) == 2
