"""`rivya-nb work`: workers in processes of their own, on one store and one sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox, until
from servers import PostgresqlServer

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.places import StorePlace
from rivya_nb.store.records import SENT, JobRecord

SECONDS = 120
PRICE = 12
CALL = "from rivya_nb.cli import main; raise SystemExit(main())"
Worker = subprocess.Popen[str]


class Place:
    """A store and a sandbox, and workers there."""

    def __init__(self, folder: StorePlace, stack: ExitStack, latency: float, most: int | None = None) -> None:
        self.folder = folder
        self._stack = stack
        config = SandboxConfig(latency=latency, credits=10_000, max_in_flight=most)
        self.url = stack.enter_context(running_sandbox(config))
        self.session = stack.enter_context(closing(rv.connect(DEFAULT_KEY, self.url, store=str(folder))))

    def worker(self, *arguments: str, **more: str) -> Worker:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
        environ |= {"RIVYA_BASE_URL": self.url, "RIVYA_API_KEY": DEFAULT_KEY, "RIVYA_STORE": str(self.folder)}
        process = subprocess.Popen(
            [sys.executable, "-c", CALL, "work", *arguments],
            env={**environ, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        return process

    def jobs(self, run: rv.Run) -> list[JobRecord]:
        return list(self.session.store.jobs(job.id for job in run).values())

    def count(self, run: rv.Run, status: str) -> int:
        return sum(job.status == status for job in self.jobs(run))

    @property
    def bought(self) -> int:
        return (10_000 - self.session.balance()) // PRICE


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """`place(latency, most=None)`: the sandbox takes at most so many tasks at a time."""
    with ExitStack() as stack:
        yield lambda *settings: Place(tmp_path / "store", stack, *settings)


def ended(worker: Worker) -> tuple[int, str]:
    """A worker's exit code, and all that it said."""
    said, complaints = worker.communicate(timeout=SECONDS)
    assert "Traceback" not in complaints
    return worker.returncode, said + complaints


def deferred(pictures: int) -> rv.Run:
    return rv.plan("A bottle", seed=range(pictures), resolution="1K").defer()


def test_two_workers_share_a_run_and_send_each_job_once(place: Callable[..., Place]) -> None:
    here = place(0.3)
    workers = [here.worker("--parallel", "4") for _ in range(2)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("Working for http://127.0.0.1")
    run = deferred(24)
    assert until(lambda: here.count(run, "succeeded") == 24, SECONDS)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        code, said = ended(worker)
        assert code == 0
        assert "Run 1: " in said
    assert here.bought == 24


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(number: signal.Signals, place: Callable[..., Place]) -> None:
    here = place(1, 3)
    run = deferred(20)
    worker = here.worker()
    assert until(lambda: any(job.task_id for job in here.jobs(run)), SECONDS)
    worker.send_signal(number)
    code, said = ended(worker)
    assert code == 0
    assert "Ending: what was sent is collected, and the rest stays deferred." in said
    done = here.count(run, "succeeded")
    assert 0 < done == here.bought < 20
    rest = [job for job in here.jobs(run) if job.status == "planned"]
    assert len(rest) == 20 - done
    assert all(job.is_deferred and job.owner is None for job in rest)


def test_a_second_signal_ends_at_once(place: Callable[..., Place]) -> None:
    here = place(600)
    run = deferred(2)
    worker = here.worker()
    assert until(lambda: all(job.task_id for job in here.jobs(run)), SECONDS)
    worker.send_signal(signal.SIGTERM)
    assert worker.stdout is not None
    while not worker.stdout.readline().startswith("Ending"):
        assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert ended(worker)[0] == 128 + signal.SIGTERM
    assert {(job.status in SENT, job.owner) for job in here.jobs(run)} == {(True, None)}


def test_another_worker_goes_on_after_a_kill(place: Callable[..., Place]) -> None:
    here = place(0.5)
    run = deferred(16)
    dying = here.worker("--parallel", "2")
    assert until(lambda: here.count(run, "succeeded") > 0, SECONDS)
    dying.kill()
    dying.wait(SECONDS)
    assert here.count(run, "succeeded") < 16
    code, said = ended(here.worker("--until-idle"))
    assert (code, here.count(run, "succeeded"), here.bought) == (0, 16, 16)
    assert "Run 1: 16 pictures · 192 credits" in said


def test_until_idle_tells_by_its_exit_code_that_something_is_left(place: Callable[..., Place]) -> None:
    here = place(0)
    deferred(3)
    code, said = ended(here.worker("--until-idle", "--max-credits", "30"))
    assert (code, here.bought) == (3, 2)
    assert "Run 1 stays deferred: its next picture costs 12 credits, and the limit leaves 6." in said


def test_without_a_key_or_with_a_bad_number_it_says_so_in_a_sentence(place: Callable[..., Place]) -> None:
    here = place(0)
    code, said = ended(here.worker(RIVYA_API_KEY="", PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring"))
    assert code == 1
    assert said.startswith(f"rivya-nb: There is no key for {here.url} (")
    assert said.endswith("run `%rivya connect --remember` in a notebook, which keeps one in the keyring.\n")
    code, said = ended(here.worker("--parallel", "0"))
    assert code == 2
    assert "argument --parallel: '0' is not a whole number from 1 on" in said
    code, said = ended(here.worker(RIVYA_MAX_PARALLEL="many"))
    assert (code, said) == (
        1,
        "rivya-nb: RIVYA_MAX_PARALLEL in the environment is 'many', which is not a whole number from 1 on.\n",
    )


def test_a_worker_waits_for_a_server_that_is_restarted(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with ExitStack() as stack:
        here = Place(address, stack, 0.3)
        run = deferred(10)
        worker = here.worker("--parallel", "2", "--until-idle")
        assert until(lambda: here.count(run, "succeeded") >= 2, SECONDS)
        postgresql.stop("fast")
        assert worker.stdout is not None
        said = "nothing yet"
        while said and "This goes on when it can." not in said:
            said = worker.stdout.readline()
        postgresql.start()
        assert said.startswith(str(address))
        assert ended(worker)[0] == 0
        assert (here.count(run, "succeeded"), here.bought) == (10, 10)
    postgresql.drop(address)
