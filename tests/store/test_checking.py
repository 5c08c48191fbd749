"""`check`: what is wrong in a store is told with what to do, and what is right is not."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from servers import PostgresqlServer
from sqlalchemy import text

import rivya_nb as rv
from rivya_nb.cli import main
from rivya_nb.errors import StoreError
from rivya_nb.store.checking.check import check
from rivya_nb.store.moving.move import move
from rivya_nb.store.places import read_place
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import a_job, add, done, kept
from .test_moving import fill


def found(store: Store) -> list[str]:
    return [str(finding) for finding in check(store.place, None, lambda *_: None)]


def run(store: Store, statement: str) -> None:
    with store.database.writing() as connection:
        connection.execute(text(statement))


def test_a_store_in_use_is_as_it_should_be(store: Store) -> None:
    assert found(store) == []
    fill(store)
    # Asked anew, marked, deleted: the ways of a history.
    first, second, *_ = store.history(Question())
    picture = kept(store, b"anew")
    add(store, replace(done(pictures=(picture,)), identity=first.identity, created_at=5000.0, task_id="x"))
    store.delete_pictures([second.id])
    store.files.put(b"a reference on a panel", "image/png")
    sha256 = store.files.put(b"another", "image/png")
    store.panel_states.put("main", {"references": [{"sha256": sha256}]})
    said = found(store)
    assert len(said) == 1, said
    assert "belongs to no picture and no reference" in said[0]


WRONG = {
    "UPDATE jobs SET pictured = NOT pictured WHERE number = 1": "1 jobs say that they have pictures",
    "UPDATE jobs SET rating = 2 WHERE number = 2": "1 jobs say another rating than their marks",
    "UPDATE jobs SET hidden = true WHERE number = 4": "1 jobs say another hidden than their marks",
    "UPDATE jobs SET prompt_id = 77777 WHERE number = 1": "1 rows of jobs have a prompt_id that is not in prompts",
    "UPDATE jobs SET deferred = 77777 WHERE number = 1": "1 rows of jobs have a deferred that is not in runs",
    "UPDATE run_jobs SET facts_id = 77777 WHERE position = 0": "run_jobs have a facts_id that is not in fact_s",
    "UPDATE jobs SET task_id = 'same' WHERE number IN (1, 7)": "2 jobs have the same task same of sandbox",
    "UPDATE tallies SET jobs = jobs + 1": "tallies has .* wrong sums",
    "UPDATE ledger SET credits = credits + 1": "ledger has 1 wrong sums: .*jobs give",
    "UPDATE jobs SET params = 'no JSON' WHERE number = 6": "jobs says something as params that cannot be read",
    "UPDATE runs SET axes = '[{}]'": "runs says something as axes that cannot be read, first where id is 1",
    "DELETE FROM commitments": "commitments has 1 wrong sums",
}


def test_rows_that_do_not_agree_are_told(store: Store) -> None:
    fill(store, 1)
    for statement in WRONG:
        run(store, statement)
    said = found(store)
    for line in WRONG.values():
        assert any(re.search(line, each) for each in said), said
    assert len(said) == len(WRONG)


def test_what_is_too_old_for_credit_limits_is_no_finding(store: Store) -> None:
    fill(store, 1)
    run(store, "UPDATE jobs SET counted_at = counted_at - 100 * 86400.0")
    assert found(store) == []
    with closing(Store.open(store.place)) as other:
        add(other, a_job())
    with store.database.reading() as connection:
        assert connection.execute(text("SELECT count(DISTINCT day) FROM commitments")).scalar_one() == 1
    assert found(store) == []


def test_references_that_cannot_be_read_end_it_in_a_sentence(store: Store) -> None:
    fill(store, 1)
    run(store, """UPDATE jobs SET "references" = '[5]' WHERE number = 3""")
    found = check(store.place, None, lambda *_: None)
    assert str(next(found)).startswith("jobs says something as references that cannot be read")
    with pytest.raises(StoreError, match="which files belong to the store: `rivya-nb check` says where"):
        list(found)


def test_a_store_in_a_schema_of_any_name_is_checked_and_moved(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_database()
    with postgresql.connect(address.database) as admin:
        admin.execute('CREATE SCHEMA "The Lab"')
    named = read_place(f"{address}?options=-csearch_path%3D%22The%5C%20Lab%22")
    with closing(Store.open(named, tmp_path.as_uri())) as store:
        fill(store, 1)
        assert found(store) == []
    assert move(named, tmp_path / "moved", lambda *_: None).jobs == 7
    emptied = postgresql.new_database()
    with postgresql.connect(emptied.database) as admin:
        admin.execute('CREATE SCHEMA "The Lab"')
    back = read_place(f"{emptied}?options=-csearch_path%3D%22The%5C%20Lab%22")
    assert move(tmp_path / "moved", back, lambda *_: None, target_pictures=tmp_path.as_uri()).jobs == 7
    assert [str(each) for each in check(back, None, lambda *_: None)] == []
    for each in (address, emptied):
        postgresql.drop(each)


def test_what_was_bought_at_the_same_time_is_told(store: Store) -> None:
    one = done(pictures=(kept(store, b"one"),), task_id="one", finished_at=1010.0)
    other = done(pictures=(kept(store, b"other"),), task_id="other", created_at=1005.0)
    later = done(pictures=(kept(store, b"later"),), task_id="later", created_at=2000.0)
    failed = a_job(task_id="failed", status="failed", created_at=1005.0)
    add(store, one, other, later, failed)
    (said,) = found(store)
    assert f"the jobs {one.id[:8]} and {other.id[:8]} were bought at the same time" in said
    assert "--fresh" in said


@pytest.mark.sqlite
def test_rows_that_point_at_nothing_are_told(store: Store) -> None:
    import sqlite3

    fill(store, 1)
    with closing(sqlite3.connect(store.folder / "rivya.db")) as connection:
        connection.execute("UPDATE run_jobs SET job_number = 77777 WHERE position = 0")
        connection.execute("UPDATE pictures SET size = 'x'")
        connection.commit()
    assert any("1 rows of run_jobs have a job_number that is not in jobs" in line for line in found(store))
    assert any(line.startswith("the file") and "its picture's record says x" in line for line in found(store))


def test_files_that_are_not_those_of_the_rows_are_told(store: Store) -> None:
    fill(store, 1)
    gone, damaged, resized, *_ = store.history(Question())
    paths = [store.files.path(each.pictures[0].sha256, "image/png") for each in (gone, damaged)]
    paths[0].unlink()
    paths[1].write_bytes(b"damaged")
    run(store, f"UPDATE pictures SET size = 77 WHERE sha256 = '{resized.pictures[0].sha256}'")
    orphan = store.files.put(b"an orphan", "image/webp")
    said = found(store)
    assert len(said) == 4, said
    assert any(f"job {gone.id[:8]} is gone; put it back" in line for line in said)
    assert any(f"job {damaged.id[:8]} is damaged" in line for line in said)
    assert any(f"job {resized.id[:8]} has 3 bytes, and its picture's record says 77" in line for line in said)
    assert f"the file pictures/{orphan[:2]}/{orphan}.webp belongs to no picture" in said[-1]


def test_many_findings_of_a_kind_are_counted(store: Store) -> None:
    for number in range(30):
        store.files.put(b"%d" % number, "image/png")
    said = found(store)
    assert len(said) == 21
    assert said[-1].startswith("and 10 more like the last one; ")


@pytest.mark.sqlite
def test_the_command_tells_it_and_changes_nothing(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fill(store, 1)
    folder = store.folder
    assert main(["check", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: all is as it should be.\n"
    run(store, "UPDATE ledger SET credits = 0")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert main(["check", str(folder)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert "ledger has 1 wrong sums" in first
    assert last == f"{folder}: 1 finding; nothing was changed."
    assert main(["check", str(tmp_path / "typo")]) == 1
    assert "There is no store in" in capsys.readouterr().err
    with pytest.raises(rv.StoreError):
        list(check(tmp_path / "typo", None, lambda *_: None))
