"""Canaries: what they buy and when, what they never buy, and what they say about a service."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sandboxes import until

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.sandbox.light import Light
from rivya_nb.session import drifting
from rivya_nb.session.drifting import ask_canary
from rivya_nb.session.session import Session
from rivya_nb.session.showing.drift import Drift

PRICE = 12
TIMEOUT = 60
COMMAND = "from rivya_nb.cli import main; raise SystemExit(main())"

Connect = Callable[..., rv.Session]
Other = Callable[[rv.Session], Session]


class Changing(Light):
    """The light of a service that changes while it serves: by `moved[0]`, which is a share of white."""

    moved = [0.0]  # noqa: RUF012 - one for the whole module, and set anew for each test

    def of_task(self, params: Mapping[str, Any], request: str, number: int) -> float:
        return super().of_task(params, request, number) + self.moved[0]


@pytest.fixture(autouse=True)
def unchanged() -> None:
    Changing.moved[0] = 0.0


def service(noise: float = 0.01, latency: float = 0.0, **more: Any) -> SandboxConfig:
    return SandboxConfig(latency=latency, light=Changing(noise=noise), **more)


def pinned(seeds: int = 4, **more: Any) -> rv.Run:
    return rv.generate("A bottle", seed=range(seeds), resolution="1K", **more).wait(TIMEOUT)


def spent(session: rv.Session) -> int:
    return 10_000 - session.balance()


def asked(session: rv.Session, name: str) -> list[set[str]]:
    """The ids of the jobs of each occasion."""
    canary = session.store.canaries.get(name)
    assert canary is not None
    runs = [session.store.runs.get(each.run_id) for each in canary.occasions if each.run_id is not None]
    return [{cell.job_id for cell in run.cells} for run in runs]


def test_a_canary_buys_replicates_at_once_and_tells_the_noise_floor(connect: Connect) -> None:
    session = connect(service())
    run = pinned()
    drift = rv.drift("canary", run, max_credits=8 * PRICE)
    assert spent(session) == (4 + 8) * PRICE
    assert drift.differs is None
    assert "two results of one request differ by" in drift.sentence
    assert "the noise floor" in drift.sentence
    assert drift.findings[0].floor["colour"] > 0
    assert not asked(session, "canary")[0] & set(run.jobs_by_id)


def test_a_service_that_has_not_changed_shows_no_difference_and_says_how_large_one_would_be(
    connect: Connect,
) -> None:
    session = connect(service())
    rv.drift("canary", pinned())
    before = spent(session)
    drift = rv.drift("canary")
    assert spent(session) - before == 8 * PRICE
    assert drift.differs is False
    assert "no difference seen since" in drift.sentence
    assert "larger than" in drift.sentence
    then, now = asked(session, "canary")
    assert len(then) == len(now) == 8
    assert not then & now


def test_a_service_that_has_changed_by_more_than_its_noise_is_told_with_the_pictures_side_by_side(
    connect: Connect,
) -> None:
    connect(service())
    rv.drift("canary", pinned())
    Changing.moved[0] = 0.08
    drift = rv.drift("canary")
    assert drift.differs is True
    assert "the service differs from" in drift.sentence
    assert "colour by" in drift.sentence
    shift = drift.findings[-1].comparison.shifts["colour"]  # type: ignore[union-attr]
    assert shift.excess > 2 * shift.floor
    html = drift._repr_mimebundle_()["text/html"]
    assert html.count("<img ") == 16
    assert html.count('scope="col"') >= 2
    frame = drift.to_pandas()
    assert list(frame["kind"]) == ["structure", "colour"] * 2
    Changing.moved[0] = 0.0
    # Each occasion is compared with the first one, and the one between stays as it was told.
    assert [finding.differs for finding in rv.drift("canary").findings] == [None, True, False]


def test_noise_alone_is_no_change(connect: Connect) -> None:
    connect(service(noise=0.05))
    rv.drift("canary", pinned(6))
    assert rv.drift("canary").differs is False


def test_a_limit_refuses_an_occasion_before_anything_is_sent_or_pinned(connect: Connect) -> None:
    session = connect(service())
    run = pinned()
    before = spent(session)
    with pytest.raises(rv.CreditLimitError, match="96 credits, and the limit is 95"):
        rv.drift("canary", run, max_credits=95)
    assert (spent(session), len(rv.drift())) == (before, 0)
    rv.drift("canary", run, max_credits=96)
    with pytest.raises(rv.CreditLimitError, match="the limit is 12"):
        rv.drift("canary", max_credits=12)
    assert len(asked(session, "canary")) == 1
    # The limit of the first occasion is that of the later ones: 96 credits are enough.
    rv.drift("canary")
    assert len(asked(session, "canary")) == 2


def test_asking_with_the_run_once_more_buys_nothing(connect: Connect) -> None:
    session = connect(service())
    run = pinned()
    first = rv.drift("canary", run)
    before = spent(session)
    assert rv.drift("canary", run.id).sentence == first.sentence
    assert (spent(session), len(rv.runs())) == (before, 2)


def test_a_name_keeps_its_run_and_its_number_of_replicates(connect: Connect) -> None:
    session = connect(service())
    run, other = pinned(), pinned(2, aspect_ratio="16:9")
    rv.drift("canary", run)
    before = spent(session)
    with pytest.raises(
        rv.UsageError, match=f"'canary' has pinned run {run.id}, .* give run {other.id} another name"
    ):
        rv.drift("canary", other)
    for again in (run, None):
        with pytest.raises(rv.UsageError, match="is pinned with 2"):
            rv.drift("canary", again, replicates=3)  # type: ignore[arg-type]
    with pytest.raises(rv.UsageError, match="no canary 'canery'; this store has 'canary'; did you mean"):
        rv.drift("canery")
    assert spent(session) == before


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, 7, "\ud800"])
def test_what_is_no_name_is_told(name: Any, connect: Connect) -> None:
    connect(service())
    with pytest.raises(rv.UsageError, match="name"):
        rv.drift(name)


@pytest.mark.parametrize("replicates", [1, 0, 101, 2.5, True, "3"])
def test_what_is_no_number_of_replicates_is_told(replicates: Any, connect: Connect) -> None:
    connect(service())
    with pytest.raises(rv.UsageError, match="whole number from 2 to 100"):
        rv.drift("canary", 1, replicates=replicates)


def test_too_few_pictures_are_told_when_they_are_pinned_and_give_no_verdict(connect: Connect) -> None:
    connect(service())
    drift = rv.drift("canary", pinned(1), replicates=2)
    assert "cannot tell a change from chance; replicates=5 can, under another name" in drift.sentence
    Changing.moved[0] = 0.3
    assert rv.drift("canary").differs is None
    assert "nothing can be said about a change" in rv.drift("canary").sentence


def test_a_run_without_pictures_is_refused(connect: Connect) -> None:
    connect(service())
    run = rv.generate("sandbox:fail", seed=1)
    with pytest.raises(rv.RunFailedError):
        run.wait(TIMEOUT)
    with pytest.raises(rv.UsageError, match=f"run {run.id} has no picture"):
        rv.drift("canary", run)


@pytest.mark.parametrize("given", ["1", True, 1.0])
def test_what_is_no_run_is_told(given: Any, connect: Connect) -> None:
    session = connect(service())
    with pytest.raises(rv.UsageError, match=r"neither the id nor the name of a run|no run named '1'"):
        rv.drift("canary", given)
    with pytest.raises(rv.UsageError, match="neither the id nor the name"):
        rv.drift("canary", session.history())  # type: ignore[call-overload]


def test_drawn_seeds_are_pinned_and_a_model_without_seeds_is_told(connect: Connect) -> None:
    session = connect(service())
    drawn = rv.generate("A bottle", repeat=2, resolution="1K").wait(TIMEOUT)
    rv.drift("drawn", drawn)
    seeds = [job.seed for job in session.store.jobs(asked(session, "drawn")[0]).values()]
    assert sorted(map(str, seeds)) == sorted(3 * [str(job.seed) for job in drawn])
    seedless = next(
        model.id for model in session.catalogue.values() if model.can_run and not model.param("seed")
    )
    drift = rv.drift(
        "seedless", rv.generate("A bottle", model=seedless, repeat=2).wait(TIMEOUT), replicates=2
    )
    assert len(asked(session, "seedless")[0]) == 2, "both were one request"
    assert "some requests send no seed" in drift._repr_mimebundle_()["text/plain"]


def test_an_interrupted_occasion_goes_on_and_buys_nothing_twice(connect: Connect) -> None:
    session = connect(service(latency=1, max_in_flight=1))
    run = pinned(2)
    before = spent(session)
    drift = ask_canary(session, "canary", run)
    [under_way] = drift.runs
    sent = threading.Event()
    with under_way.followed(lambda: sent.set() if any(job.task_id for job in under_way) else None):
        assert sent.wait(TIMEOUT)
    under_way.give_up_waiting()
    # What was on its way to the service when it was held comes back refused: it has one slot.
    assert until(lambda: any(job.status == "planned" for job in under_way))
    again = rv.drift("canary", run)
    assert [job.status for job in under_way] == ["succeeded"] * 6
    assert spent(session) - before == 6 * PRICE
    assert len(asked(session, "canary")) == 1
    assert again.findings[0].notes == ()


def test_an_occasion_that_was_interrupted_long_ago_is_not_filled_with_pictures_of_today(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connect(service())
    rv.drift("canary", pinned(2))
    [first] = asked(session, "canary")
    lost = sorted(first)[0]
    session.store.finish_job(lost, [], status="planned", task_id=None, final_credits=None)
    monkeypatch.setattr(drifting, "RESUMES_WITHIN", -60.0)
    before = spent(session)
    drift = rv.drift("canary")
    assert spent(session) - before == 6 * PRICE
    assert session.store.job(lost).status == "planned"
    assert "1 picture not here or not readable, and left out" in drift.findings[-1].notes
    assert len(asked(session, "canary")) == 2


def test_kernels_that_ask_at_once_are_one_occasion(connect: Connect, other_kernel: Other) -> None:
    session = connect(service(latency=0.2))
    run = pinned()
    before = spent(session)
    sessions = [session, *(other_kernel(session) for _ in range(2))]
    line = threading.Barrier(len(sessions))

    def ask(each: Session, *arguments: Any) -> Drift:
        line.wait()
        return ask_canary(each, "canary", *arguments)

    for arguments in ((run.id,), ()):
        with ThreadPoolExecutor(len(sessions)) as pool:
            found = list(pool.map(lambda each, more=arguments: ask(each, *more), sessions))
        for drift in found:
            drift.wait()
    assert [len(jobs) for jobs in asked(session, "canary")] == [8, 8]
    assert spent(session) - before == 16 * PRICE


def test_deleted_and_excluded_pictures_are_left_out_told_and_not_bought_again(connect: Connect) -> None:
    session = connect(service())
    rv.drift("canary", pinned(5))
    rv.drift("canary")
    then, now = asked(session, "canary")
    session.store.delete_pictures([sorted(now)[0]])
    session.live_records.job(session.store.job(sorted(then)[0])).exclude("a hand cut off")
    before = spent(session)
    run = rv.runs(1)
    drift = rv.drift("canary", run)
    assert spent(session) == before
    assert set(drift.findings[-1].notes) == {
        "1 picture deleted, and left out",
        "1 picture excluded, and left out",
    }
    compared = drift.findings[-1].comparison
    assert compared is not None
    assert compared.left_out in (1, 2)
    session.store.delete_pictures(then)
    assert rv.drift("canary", run).findings[-1].is_first, "what is left is compared with nothing"


def test_a_canary_of_another_service_is_refused(connect: Connect) -> None:
    connect(service())
    rv.drift("canary", pinned())
    other = connect(service())
    with pytest.raises(rv.UsageError, match=r"Canary 'canary' watches http.* is connected to"):
        rv.drift("canary")
    assert spent(other) == 0


def test_pictures_that_nobody_can_compare_are_not_bought(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connect(service())
    run = pinned()
    before = spent(session)
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(rv.UsageError, match=r"pip install 'rivya-nb\[analysis\]'"):
        rv.drift("canary", run)
    assert (spent(session), len(rv.drift())) == (before, 0)


def test_the_list_says_what_each_canary_said_last(connect: Connect) -> None:
    connect(service())
    assert "no canary yet" in repr(rv.drift())
    rv.drift("one <b>", pinned())
    rv.drift("two", pinned(2))
    Changing.moved[0] = 0.1
    rv.drift("two")
    listed = rv.drift()
    assert [drift.name for drift in listed] == ["one <b>", "two"]
    lines = repr(listed).splitlines()
    assert "noise floor" in lines[1]
    assert "2 × 3" in lines[2]
    assert "the service differs from" in lines[2]
    assert "one &lt;b&gt;" in listed._repr_mimebundle_()["text/html"]
    assert "<b>" not in rv.drift("one <b>", 1)._repr_mimebundle_()["text/html"].replace("<div><b>", "")


def test_a_schedule_gets_one_sentence_and_an_exit_code(connect: Connect) -> None:
    session = connect(service())
    rv.drift("canary", pinned())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    environ |= {"RIVYA_BASE_URL": session.address, "RIVYA_API_KEY": DEFAULT_KEY}
    environ |= {"RIVYA_STORE": str(session.store.folder)}

    def drift(*words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-c", COMMAND, "drift", *words]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        return done.returncode, done.stdout, done.stderr

    code, said, complaints = drift("canary")
    assert (code, complaints, len(said.splitlines())) == (0, "", 1)
    assert said.startswith("Canary canary: no difference seen since")
    Changing.moved[0] = 0.1
    code, said, complaints = drift("canary", "--max-credits", "96")
    assert (code, complaints, len(said.splitlines())) == (4, "", 1)
    code, said, complaints = drift("nothing")
    assert (code, said, len(complaints.splitlines())) == (1, "", 1)
    assert "There is no canary 'nothing'; this store has 'canary'" in complaints
    code, said, complaints = drift("canary", "--max-credits", "5")
    assert (code, said) == (1, "")
    assert "the limit is 5. Nothing was sent." in complaints
