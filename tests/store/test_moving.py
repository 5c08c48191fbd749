"""`move`: the whole store is at another place, or none is; and it goes on where it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
from buckets import Buckets, environment
from disks import may_mount, small_disk
from servers import PostgresqlServer

import rivya_nb as rv
from rivya_nb.cli import main
from rivya_nb.errors import StoreError
from rivya_nb.store.checking.check import check
from rivya_nb.store.moving.move import Moved, move
from rivya_nb.store.places import StorePlace
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import CLIP, a_job, add, done, kept

KINDS = ("sqlite", "postgresql")
NewPlace = Callable[[str], StorePlace]


def silent(done: int, total: int, what: str) -> None:
    assert done <= total


@pytest.fixture
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> NewPlace:
    """Makes empty places, of either kind."""
    numbers = count(1)

    def make(kind: str) -> StorePlace:
        if kind == "sqlite":
            return tmp_path / f"store {next(numbers)}"
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return server.new_store()

    return make


@contextmanager
def opened(place: StorePlace) -> Iterator[Store]:
    with closing(Store.open(place)) as store:
        yield store


def fill(store: Store, runs: int = 3) -> None:
    for run in range(runs):
        some = [
            done(f"a cat {run}\0 \ufdd0 ภาพ", {"seed": at, "aspect_ratio": "16:9"},
                 pictures=(kept(store, b"%d %d" % (run, at), **(CLIP if at == 0 else {})),), final_credits=at)
            for at in range(5)
        ]  # fmt: skip
        some.append(a_job(f"unsent {run}"))
        some.append(a_job(f"failed {run}", status="failed", error_message="x" * 5000, task_id=f"t{run}"))
        add(store, *some, name=f"run {run}")
        ids = [job.id for job in some]
        store.marks.change(ids[:2], rating=4, favourite=True, note="good\0")
        store.marks.change(ids[2:3], hidden=True)
        store.marks.tag(ids[:3], ["keep", "ภาพ"])
    store.panel_states.put("main", {"prompt": "a cat"})


def seen(store: Store) -> list[object]:
    """What a user sees of a store."""
    everything = Question(hidden=True)
    found = store.history(everything)
    return [
        found,
        store.runs.newest(),
        store.unfinished(),
        store.spent("sandbox"),
        store.history_ids(Question(prompt="cat 2")),
        store.history_ids(Question(rating=4, tags=("ภาพ",), params={"aspect_ratio": "16:9"})),
        store.count(Question()),
        store.marks.of([job.id for job in found]),
        store.panel_states.get("main"),
        [store.files.read(each.sha256, each.mime_type) for job in found for each in job.pictures],
    ]


@pytest.mark.sqlite
@pytest.mark.skipif(not may_mount(), reason="a small disk needs root, and Linux")
def test_a_full_disk_is_named_and_what_fits_is_kept(new_place: NewPlace, tmp_path: Path) -> None:
    source = new_place("sqlite")
    with opened(source) as store:
        add(store, done(pictures=(kept(store, b"small"),)), done(pictures=(kept(store, bytes(4_000_000)),)))
    with small_disk(tmp_path / "disk") as disk:
        target = disk.folder / "store"
        with pytest.raises(StoreError, match=f"^{target}/pictures: the disk is full; free some space"):
            move(source, target, silent)
        # The move goes on where there is room.
        subprocess.run(["mount", "-o", "remount,size=9m", disk.folder], check=True)
        assert move(source, target, silent) == Moved(runs=1, jobs=2, files=2, missing=0)


@pytest.mark.parametrize("target_kind", KINDS)
@pytest.mark.parametrize("source_kind", KINDS)
def test_all_that_one_sees_is_at_the_new_place(
    source_kind: str, target_kind: str, new_place: NewPlace
) -> None:
    source = new_place(source_kind)
    with opened(source) as store:
        fill(store)
        before = seen(store)
    target = new_place(target_kind)
    assert move(source, target, silent) == Moved(runs=3, jobs=21, files=15, missing=0)
    assert list(check(target, None, silent)) == []
    with opened(target) as moved:
        assert seen(moved) == before
        # What is asked for next comes behind what was moved, and is counted.
        run = add(moved, done(pictures=(kept(moved, b"new"),), final_credits=7))
        assert run is not None
        assert run.id == 4
        assert moved.spent("sandbox").credits == before[3].credits + 7  # type: ignore[attr-defined]
        assert moved.count(Question()) == before[6] + 1  # type: ignore[operator]
    with opened(source) as store:
        assert seen(store) == before


KILLED = """
import os, signal, sys
from rivya_nb.store.moving import move as moving, rows, target
from rivya_nb.store.places import read_place

source, to, moment = sys.argv[1:]
rows.PORTION = 2
calls = 0

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def progress(done, total, what):
    global calls
    calls += 1
    if moment in (str(calls), what):
        die()

if moment == "sums":
    target.sum_anew = die
if moment == "end":
    moving.Path.rename = die
moving.move(read_place(source), read_place(to), progress)
"""


def kill_in(source: StorePlace, target: StorePlace, moment: str) -> None:
    command = [sys.executable, "-c", KILLED, str(source), str(target), moment]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="kills in the way of POSIX")
@pytest.mark.parametrize(
    ("target_kind", "moment"),
    [("sqlite", "30"), ("sqlite", "sums"), ("sqlite", "end"), ("postgresql", "30")],
)
def test_a_move_that_was_killed_goes_on(target_kind: str, moment: str, new_place: NewPlace) -> None:
    source = new_place("sqlite")
    with opened(source) as store:
        fill(store)
        before = seen(store)
    target = new_place(target_kind)
    kill_in(source, target, moment)
    if isinstance(target, Path):
        assert not Store.is_in(target)
    else:
        with pytest.raises(rv.StoreError, match=r"is not finished.*rivya-nb move .* goes on"):
            Store.open(target)
    other = new_place("sqlite")
    with opened(other) as store:
        fill(store, 1)
    with pytest.raises(rv.StoreError, match="was begun and is not finished"):
        move(other, target, silent)
    move(source, target, silent)
    with opened(target) as moved:
        assert seen(moved) == before
    if isinstance(target, Path):
        # Nothing of the move itself is left.
        assert {path.name for path in target.iterdir()} <= {
            *("rivya.db", "pictures", "incoming", "locks", "opening.lock"),
        }


@pytest.mark.parametrize("target_kind", KINDS)
def test_a_source_that_changed_between_two_calls_is_moved_as_it_is_now(
    target_kind: str, new_place: NewPlace
) -> None:
    source, target = new_place("sqlite"), new_place(target_kind)
    with opened(source) as store:
        fill(store)
    kill_in(source, target, "files")
    with opened(source) as store:
        store.marks.change([job.id for job in store.history(Question())], rating=1, note="again")
        fill(store, 1)
        before = seen(store)
    move(source, target, silent)
    with opened(target) as moved:
        assert seen(moved) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_somebody_has_open_is_not_moved(kind: str, new_place: NewPlace) -> None:
    source, target = new_place(kind), new_place("sqlite")
    with opened(source) as store:
        fill(store, 1)
        with pytest.raises(rv.StoreError, match=r"1 other process has .* open.*shut"):
            move(source, target, silent)
    move(source, target, silent)


def test_a_kernel_that_comes_while_it_is_moved_is_noticed(new_place: NewPlace) -> None:
    source, target = new_place("sqlite"), new_place("sqlite")
    with opened(source) as store:
        fill(store, 1)
    with ExitStack() as stack:
        opening = iter([lambda: stack.enter_context(opened(source))])

        def progress(done: int, total: int, what: str) -> None:
            next(opening, lambda: None)()

        with pytest.raises(rv.StoreError, match="other process"):
            move(source, target, progress)
        assert not Store.is_in(target)
    move(source, target, silent)


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_that_is_not_empty_is_refused_and_left_as_it_was(kind: str, new_place: NewPlace) -> None:
    source, target = new_place("sqlite"), new_place(kind)
    for place in (source, target):
        with opened(place) as store:
            fill(store, 1)
            before = seen(store)
    with pytest.raises(rv.StoreError, match="already"):
        move(source, target, silent)
    with opened(target) as store:
        assert seen(store) == before


def test_what_cannot_be_moved_is_told(new_place: NewPlace, tmp_path: Path) -> None:
    source = new_place("sqlite")
    assert isinstance(source, Path)
    with pytest.raises(rv.StoreError, match="There is no store in"):
        move(source, tmp_path / "target", silent)
    assert not source.exists()
    with opened(source) as store:
        fill(store, 1)
    with pytest.raises(rv.StoreError, match="to itself"):
        move(source, source, silent)
    with pytest.raises(rv.StoreError, match="inside the store itself"):
        move(source, source / "inner", silent)
    empty = new_place("postgresql")
    with pytest.raises(rv.StoreError, match="There is no store in"):
        move(tmp_path / "typo", empty, silent)


def test_two_stores_never_have_their_pictures_in_one_place(new_place: NewPlace, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with opened(source) as store:
        fill(store)
    for same in (source, tmp_path / "x" / ".." / "source"):
        with pytest.raises(StoreError, match=r"a place of its own: .*Name another with --pictures"):
            move(source, target, silent, target_pictures=same.as_uri())
    assert not target.exists()
    move(source, target, silent, target_pictures=(tmp_path / "elsewhere").as_uri())


def test_an_empty_database_has_no_store_and_gets_none(postgresql: PostgresqlServer, tmp_path: Path) -> None:
    empty = postgresql.new_database()
    with pytest.raises(rv.StoreError, match="There is no store in"):
        move(empty, tmp_path / "target", silent)
    with postgresql.connect(empty.database) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


def test_files_that_are_gone_or_damaged_are_counted(new_place: NewPlace) -> None:
    source, target = new_place("sqlite"), new_place("sqlite")
    assert isinstance(source, Path)
    with opened(source) as store:
        fill(store, 1)
    first, second, *_ = sorted((source / "pictures").rglob("*.png"))
    first.unlink()
    second.write_bytes(b"damaged")
    assert move(source, target, silent).missing == 2
    for path in (source / "pictures").rglob("*.*"):
        path.unlink()
    with pytest.raises(rv.StoreError, match="None of the 5 files"):
        move(source, new_place("sqlite"), silent)


def test_the_command_says_what_it_did(
    new_place: NewPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = new_place("sqlite"), new_place("postgresql")
    assert isinstance(source, Path)
    with opened(source) as store:
        fill(store, 1)
    next((source / "pictures").rglob("*.png")).unlink()
    assert main(["move", str(source), str(target)]) == 1
    said = capsys.readouterr().out
    assert f"7 jobs in 1 run and 4 files of pictures and references are in {target}" in said
    assert "1 file of the history are missing" in said
    assert main(["move", str(target), str(tmp_path / "back")]) == 1
    assert main(["move", str(tmp_path / "back"), str(target)]) == 1
    assert f"rivya-nb: {target} has a store already" in capsys.readouterr().err
    assert main(["move", "mysql://a:b@c/d", str(tmp_path)]) == 1
    assert "mysql://" in capsys.readouterr().err


def test_pictures_go_to_a_bucket_and_come_back(
    new_place: NewPlace, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(buckets.url, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    bucket = buckets.new()
    address = f"s3://{bucket}/pictures"
    source, target = new_place("sqlite"), new_place("sqlite")
    with opened(source) as store:
        fill(store, 1)
        before = seen(store)
    assert move(source, target, silent, target_pictures=address) == Moved(runs=1, jobs=7, files=5, missing=0)
    with opened(target) as moved:
        assert seen(moved) == before
        assert not list((tmp_path / target / "pictures").rglob("*.png"))
    # A machine that has nothing of them yet.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert list(check(target, None, silent)) == []
    back = new_place("sqlite")
    assert move(target, back, silent).files == 5
    with opened(back) as store:
        assert seen(store) == before
    gone, damaged, *_ = buckets.names(bucket)
    buckets.store(bucket).delete(gone)
    buckets.store(bucket).put(damaged, b"damaged")
    orphan = f"pictures/ab/{'ab' * 32}.png"
    buckets.store(bucket).put(orphan, b"an orphan")
    said = [str(each) for each in check(target, None, silent)]
    assert len(said) == 3, said
    assert any("is gone" in each and Path(gone).name in each for each in said)
    assert any("is damaged" in each and Path(damaged).name in each for each in said)
    assert orphan in said[-1]
