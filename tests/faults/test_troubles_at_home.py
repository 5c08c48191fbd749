"""A full disk, a store that another process has locked, and a clock that jumps."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import Disk, may_mount, small_disk

import rivya_nb as rv

from .place import PATIENT, PRICE, SMALL, Place, check, check_money, finish, place_at
from .proxy import PICTURE, SUBMIT, Fault, meanwhile, reset_lost

HERE = Path(__file__).parent
DAY = 24 * 3600
LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


class Locker:
    """Another process that holds the store's database."""

    def __init__(self, folder: Path) -> None:
        self._database = folder / "rivya.db"
        self._process: subprocess.Popen[str] | None = None

    def lock(self) -> None:
        command = [sys.executable, "-c", LOCKER, str(self._database)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "locked\n"

    def release(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that waits for others half a second."""
    monkeypatch.setattr("rivya_nb.store.sqlite_database.BUSY_SECONDS", 0.5)


@pytest.fixture
def locker(hasty: None, place: Place) -> Iterator[Locker]:
    made = Locker(place.folder)
    yield made
    made.release()


def test_a_store_that_is_locked_takes_no_run(locker: Locker, place: Place) -> None:
    locker.lock()
    with pytest.raises(rv.StoreError, match="another process is using it; try again"):
        rv.generate("A bottle", seed=1, **SMALL)
    locker.release()
    assert (rv.runs(), place.prices(), place.proxy.calls) == ([], [], [])


@pytest.mark.parametrize(
    ("kind", "status"), [(SUBMIT, "submitting"), (PICTURE, "downloading")], ids=["submit", "picture"]
)
def test_a_store_that_is_locked_on_the_way(kind: object, status: str, locker: Locker, place: Place) -> None:
    fault = Fault(SUBMIT if kind is SUBMIT else PICTURE, meanwhile(locker.lock), times=1)
    place.proxy.inject(fault)
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    [job] = run
    assert "another process is using it" in seen
    assert f"rv.resume({run.id}) tries again" in seen
    assert (job.status, place.prices()) == (status, [PRICE])
    locker.release()
    check_but_orphans(place, run)
    finish(rv.resume(run.id))
    assert job.status == "succeeded"
    check(place, run)
    check_money(place, run)


def check_but_orphans(place: Place, run: rv.Run) -> None:
    """A whole picture may stand there that no record knows yet; nothing else."""
    assert not place.left_behind()
    with contextlib.closing(sqlite3.connect(place.folder / "rivya.db")) as database:
        [(stored,)] = database.execute("SELECT status FROM jobs").fetchall()
        assert database.execute("SELECT COUNT(*) FROM pictures").fetchone() == (0,)
    assert stored == run[0].status


def test_a_store_that_is_locked_for_a_moment_delays_and_loses_nothing(place: Place) -> None:
    locker = Locker(place.folder)

    def lock_shortly() -> None:
        import threading

        locker.lock()
        threading.Timer(1.0, locker.release).start()

    place.proxy.inject(Fault(SUBMIT, meanwhile(lock_shortly), times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"]
    check(place, run)
    check_money(place, run)


if may_mount():

    @pytest.fixture
    def disk(tmp_path: Path) -> Iterator[Disk]:
        with small_disk(tmp_path / "disk") as disk:
            yield disk

    @pytest.fixture
    def on_disk(disk: Disk, tmp_path: Path) -> Iterator[Place]:
        with place_at(tmp_path / "rest", store=disk.folder / "store", step=PATIENT) as place:
            yield place

    def test_a_full_disk_takes_no_run(disk: Disk, on_disk: Place) -> None:
        disk.fill()
        with pytest.raises(rv.StoreError, match="the disk is full; free some space and try again"):
            rv.generate("A bottle " * 400, seed=range(20), **SMALL)
        assert (on_disk.prices(), on_disk.proxy.calls) == ([], [])
        disk.free()
        assert rv.runs() == []
        run = rv.generate("A bottle", seed=1, **SMALL)
        finish(run)
        check(on_disk, run)
        check_money(on_disk, run)

    @pytest.mark.parametrize("kind", [SUBMIT, PICTURE], ids=["submit", "picture"])
    def test_a_disk_that_fills_on_the_way(kind: object, disk: Disk, on_disk: Place) -> None:
        fault = Fault(SUBMIT if kind is SUBMIT else PICTURE, meanwhile(disk.fill), times=1)
        on_disk.proxy.inject(fault)
        run = rv.generate("A bottle", seed=1, **SMALL)
        seen = finish(run)
        [job] = run
        assert "disk is full" in seen or "No space left on device" in seen
        assert job.status in ("submitting", "queued", "processing", "downloading", "undelivered")
        assert on_disk.prices() == [PRICE]
        check_but_orphans(on_disk, run)
        disk.free()
        finish(on_disk.session.retry(run.id) if job.status == "undelivered" else rv.resume(run.id))
        assert job.status == "succeeded"
        check(on_disk, run)
        check_money(on_disk, run)


def child(script: str, *arguments: str) -> list[dict[str, str]]:
    """The jobs of a run that another process asks for, as they ended there."""
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    jobs: list[dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return jobs


def test_files_that_may_not_grow_leave_the_picture_undelivered(tmp_path: Path) -> None:
    # Of its full size the picture is larger than the limit, and the store is not.
    with place_at(tmp_path, step=PATIENT, shrink=1) as place:
        [job] = child("limited.py", place.proxy.url, str(place.folder), "500000")
        assert job["status"] in ("undelivered", "downloading")
        assert "File too large" in job["words"]
        assert len(place.prices()) == 1
        run = rv.runs()[0]
        check_but_orphans(place, run)
        finish(rv.resume(run.id))
        assert [job.status for job in run] == ["succeeded"]
        check(place, run)
        check_money(place, run)


@pytest.mark.parametrize("days", [2, -2, pytest.param(400, marks=pytest.mark.thorough)])
def test_a_clock_that_jumps_while_a_job_runs(days: int, place: Place) -> None:
    [job] = child("jumping.py", place.proxy.url, str(place.folder), "generate", str(days * DAY))
    assert job["status"] == "succeeded"
    [run] = rv.runs()
    check(place, run)
    check_money(place, run)


@pytest.mark.parametrize("days", [2, -2])
def test_a_lost_answer_is_asked_for_again_only_while_its_key_is_surely_remembered(
    days: int, place: Place
) -> None:
    place.proxy.inject(Fault(SUBMIT, reset_lost))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    posts = len(place.proxy.keys)
    place.proxy.heal()
    [late] = child("jumping.py", place.proxy.url, str(place.folder), "resume", str(days * DAY))
    assert late["status"] == "unknown"
    assert "whether it was billed is not known" in late["words"]
    assert len(place.proxy.keys) == posts
    # The clock is set right again, or had jumped: the answer is still to be had.
    finish(rv.resume(run.id))
    assert [job.status for job in run] == ["succeeded"]
    check_money(place, run)
