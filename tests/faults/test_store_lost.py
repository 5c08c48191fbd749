"""A store that goes away while a kernel uses it: nothing is bought in vain, and nothing bought is lost."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from variants import variants

import rivya_nb as rv
from rivya_nb.jobs.governor import CALLS_AT_FIRST
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.store import Store

from .place import PRICE, SMALL, Place, check, check_money, finish
from .proxy import PICTURE, POLL, SUBMIT, Fault, meanwhile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files that are open cannot be moved here")

SEEDS = range(1, 25)
"""More than are under way at once."""


def statuses(run: rv.Run) -> set[str]:
    return {job.status for job in run}


def test_a_folder_that_is_deleted_between_two_runs_costs_nothing(place: Place) -> None:
    finish(rv.generate("A bottle", seed=1, **SMALL))
    for seed, name in enumerate(["pictures", "incoming", "thumbnails", "locks", "models"], 2):
        shutil.rmtree(place.folder / name, ignore_errors=True)
        run = rv.generate("A bottle", seed=seed, **SMALL)
        finish(run)
        assert statuses(run) == {"succeeded"}, name
        assert run[0].image is not None, name
        assert len(place.prices()) == seed, name


def word(value: object) -> str:
    return {SUBMIT: "submit", POLL: "poll", PICTURE: "picture"}.get(value, str(value))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("kind", "name"),
    variants(
        [(kind, name) for kind in (SUBMIT, POLL, PICTURE) for name in ("pictures", "incoming", "locks")],
        lambda case: case in ((PICTURE, "pictures"), (PICTURE, "incoming"), (SUBMIT, "locks")),
    ),
    ids=word,
)
def test_a_folder_that_is_deleted_on_the_way_costs_nothing(name: str, kind: object, place: Place) -> None:
    def delete() -> None:
        shutil.rmtree(place.folder / name, ignore_errors=True)

    place.proxy.inject(Fault(kind, meanwhile(delete), times=1))  # type: ignore[arg-type]
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    if statuses(run) == {"undelivered"}:
        # The half of a picture that was there went with its folder.
        finish(place.session.retry(run.id))
    assert statuses(run) == {"succeeded"}
    check(place, run)
    check_money(place, run)


def test_a_store_that_was_moved_buys_nothing_and_goes_on_once_it_is_back(
    place: Place, tmp_path: Path
) -> None:
    finish(rv.generate("A bottle", seed=1, **SMALL))
    place.folder.rename(tmp_path / "away")
    for ask in (
        lambda: rv.generate("A bottle", seed=[2, 3, 4], **SMALL),
        lambda: rv.generate("A bottle", seed=1, fresh=True, **SMALL),
        lambda: rv.resume(1),
        lambda: place.session.retry(1),
    ):
        with pytest.raises(rv.StoreError, match="store was moved or deleted while it was open"):
            ask()
    assert place.prices() == [PRICE]
    assert not place.folder.exists()
    (tmp_path / "away").rename(place.folder)
    run = rv.generate("A bottle", seed=[1, 2], **SMALL)
    finish(run)
    assert statuses(run) == {"succeeded"}
    assert place.prices() == [PRICE, PRICE]


@pytest.mark.parametrize(
    ("kind", "what"),
    variants(
        [(kind, what) for kind in (SUBMIT, POLL, PICTURE) for what in ("store", "store/rivya.db")],
        lambda case: case in ((SUBMIT, "store"), (SUBMIT, "store/rivya.db"), (PICTURE, "store")),
    ),
    ids=word,
)
def test_what_goes_in_the_middle_of_a_run_stops_it_and_is_put_back(
    kind: object, what: str, place: Place, tmp_path: Path
) -> None:
    lost = tmp_path / what

    def take() -> None:
        lost.rename(tmp_path / "away")

    place.proxy.inject(Fault(kind, meanwhile(take), first=3, times=1))  # type: ignore[arg-type]
    place.session.spending.max_parallel = CALLS_AT_FIRST
    run = rv.generate("A bottle", seed=SEEDS, **SMALL)
    seen = finish(run)
    assert f"{lost} was moved or deleted" in seen
    assert f"rv.resume({run.id})" in seen
    sent = len(place.prices())
    # Those that were leaving at that moment, and no more.
    assert sent < len(SEEDS)
    assert not lost.exists()
    with pytest.raises(rv.StoreError):
        rv.resume(run.id)

    (tmp_path / "away").rename(lost)
    # Half a picture may have gone with the folder; it would be swept away after a day.
    for part in (place.folder / "incoming").iterdir():
        part.unlink()
    finish(rv.resume(run.id))
    # What was on its way counts as sent, whether it had left or not.
    assert len(place.prices()) <= sent + CALLS_AT_FIRST
    assert statuses(run) == {"succeeded", "planned"}
    finish(rv.resume(run.id, unsent=True))
    assert statuses(run) == {"succeeded"}
    check(place, run)
    check_money(place, run)


def test_a_task_that_could_not_be_written_down_is_named(place: Place, tmp_path: Path) -> None:
    def take() -> None:
        place.folder.rename(tmp_path / "away")

    place.proxy.inject(Fault(SUBMIT, meanwhile(take), times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    seen = finish(run)
    [task] = place.tasks_by_key().values()
    assert f"The service took the request as task {task}." in seen


def test_a_database_that_is_replaced_in_the_middle_of_a_run_is_opened_anew(
    place: Place, tmp_path: Path
) -> None:
    first = rv.generate("A bottle", seed=1, **SMALL)
    finish(first)
    shutil.copyfile(place.folder / "rivya.db", tmp_path / "backup.db")

    def restore() -> None:
        (tmp_path / "backup.db").rename(place.folder / "rivya.db")

    place.proxy.inject(Fault(SUBMIT, meanwhile(restore), first=3, times=1))
    run = rv.generate("A bottle", seed=SEEDS[1:], **SMALL)
    seen = finish(run)
    assert "rivya.db was replaced by another file while it was open" in seen
    assert 'rv.connect(store="folder")' in seen
    sent = len(place.prices())
    assert sent < len(SEEDS)

    with closing(rv.connect(DEFAULT_KEY, place.proxy.url, store=place.folder)):
        assert [run.id for run in rv.runs()] == [first.id]
        again = rv.generate("A bottle", seed=1, **SMALL)
        finish(again)
        assert (again.credits, len(place.prices())) == (0, sent)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_that_is_deleted_in_the_middle_of_a_run_loses_nothing(suffix: str, place: Place) -> None:
    def delete() -> None:
        (place.folder / f"rivya.db{suffix}").unlink()

    place.proxy.inject(Fault(POLL, meanwhile(delete), first=3, times=1))
    run = rv.generate("A bottle", seed=[1, 2, 3, 4], **SMALL)
    assert f"rivya.db{suffix} was moved or deleted" in finish(run)
    keys = place.tasks_by_key()
    with closing(rv.connect(DEFAULT_KEY, place.proxy.url, store=place.folder)):
        resumed = rv.resume(run.id)
        finish(resumed)
        assert statuses(resumed) == {"succeeded"}
    assert place.tasks_by_key() == keys
    assert len(place.prices()) == 4


def test_a_store_that_was_deleted_is_begun_anew_by_connecting(place: Place, tmp_path: Path) -> None:
    finish(rv.generate("A bottle", seed=1, **SMALL))
    shutil.rmtree(place.folder)
    with pytest.raises(rv.StoreError):
        rv.generate("A bottle", seed=2, **SMALL)
    assert not place.folder.exists()
    with closing(rv.connect(DEFAULT_KEY, place.proxy.url, store=place.folder)):
        assert rv.runs() == []
        run = rv.generate("A bottle", seed=2, **SMALL)
        finish(run)
        assert statuses(run) == {"succeeded"}


def test_a_lost_store_is_only_begun_anew_where_it_is_named(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVYA_STORE", str(place.folder))
    finish(rv.generate("A bottle", seed=1, **SMALL))
    place.folder.rename(tmp_path / "away")
    for connect in (rv.connect, lambda: rv.connect(DEFAULT_KEY, place.proxy.url)):
        with pytest.raises(rv.StoreError, match="moved or deleted") as refused:
            connect()
        assert "Move it back" in str(refused.value)
        assert "rv.connect(store=" in str(refused.value)
        assert "\n" not in str(refused.value)
    assert not place.folder.exists()
    (tmp_path / "away").rename(place.folder)
    with closing(rv.connect(DEFAULT_KEY, place.proxy.url)) as session:
        run = rv.generate("A bottle", seed=1, **SMALL)
        finish(run)
        assert run.credits == 0
        assert "(new, empty)" not in repr(session)


def test_a_history_of_a_lost_store_still_has_a_short_form(place: Place, tmp_path: Path) -> None:
    finish(rv.generate("A bottle", seed=1, **SMALL))
    found = rv.history(prompt="bottle")
    place.folder.rename(tmp_path / "away")
    assert "cannot be read" in repr(found)


def test_the_image_of_a_lost_picture_is_told_in_one_line(place: Place) -> None:
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    path = run[0].path
    assert path is not None
    path.unlink()
    with pytest.raises(rv.StoreError) as told:
        _ = run[0].image
    assert str(told.value) == f"The picture's file is gone: {path}"


def test_a_store_that_was_made_just_now_says_so_until_it_has_a_run(place: Place, tmp_path: Path) -> None:
    with closing(rv.connect(DEFAULT_KEY, place.proxy.url, store=tmp_path / "other")) as session:
        assert repr(session).endswith("other (new, empty)>")
        run = rv.generate("A bottle", seed=1, **SMALL)
        assert repr(session).endswith("other>")
        finish(run)


def test_a_plain_copy_that_is_taken_after_a_run_has_it(place: Place, tmp_path: Path) -> None:
    with place.other_kernel():
        run = rv.generate("A bottle", seed=[1, 2, 3], **SMALL)
        finish(run)
        copy = tmp_path / "copy"
        copy.mkdir()
        shutil.copyfile(place.folder / "rivya.db", copy / "rivya.db")
        shutil.copytree(place.folder / "pictures", copy / "pictures")
    with closing(Store.open(copy)) as store:
        assert [run.id for run in store.runs.newest()] == [run.id]
        for job in store.jobs(job.id for job in run).values():
            assert job.status == "succeeded"
            assert store.files.has_all(job.pictures)
