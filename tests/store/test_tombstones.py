"""Deleted pictures in a bucket: swept away later, and never under a delivery of the same content."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import PUT, Buckets, bad_way, environment, says
from faults.proxy import Fault, Kind, Proxy

from rivya_nb.contract.references import Reference
from rivya_nb.errors import UnreachableError
from rivya_nb.store import bucket as buckets_module
from rivya_nb.store import deletion, tombstones
from rivya_nb.store.bucket import Patience
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.questions import Question
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.store import Store

from .filling import a_job, add, done, ids, kept

DELETES = Kind("POST", r"/.*\?delete")


@pytest.fixture
def way(buckets: Buckets) -> Iterator[Proxy]:
    with bad_way(buckets) as proxy:
        yield proxy


@pytest.fixture
def bucket(way: Proxy, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("FOR_FILES", "FOR_TRIFLES"):
        monkeypatch.setattr(buckets_module, name, Patience(20.0, 20.0, 60.0, 0, 0.2))
    for name, value in environment(way.url, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return buckets.new()


@pytest.fixture
def lab(store: Store, bucket: str) -> Iterator[Store]:
    """A store, of each kind in turn, with its pictures in a bucket."""
    if isinstance(store.place, ServerAddress):
        from rivya_nb.store.postgresql.settings import settings

        with store.database.writing() as connection:
            connection.execute(settings.delete().where(settings.c.name == "pictures"))
    opened = Store.open(store.place, f"s3://{bucket}/pictures")
    yield opened
    opened.close()


def with_picture(store: Store, data: bytes) -> JobRecord:
    return done(prompt=data.decode(), pictures=(kept(store, data),))


def grow_old(store: Store) -> None:
    """Let the tombstones that stand now be as old as a sweep wants them."""
    with store.database.writing() as connection:
        connection.execute(tombstones.tombstones.update().values(since=store.database.now() - 2 * 3600))


def standing(store: Store) -> int:
    with store.database.reading() as connection:
        return len(connection.execute(tombstones.tombstones.select()).all())


def test_a_deleted_picture_goes_from_the_bucket_when_its_time_has_come(
    lab: Store, bucket: str, buckets: Buckets
) -> None:
    gone, other = with_picture(lab, b"gone"), with_picture(lab, b"other")
    add(lab, gone, other)
    sha256 = gone.pictures[0].sha256
    small = f"thumbnails/{sha256[:2]}/{sha256}-512.jpg"
    buckets.store(bucket).put(small, b"small")

    assert lab.delete_pictures([gone.id]) == 4
    assert ids(lab.history(Question())) == [other.id]
    assert small in buckets.names(bucket)
    lab.sweep()
    assert len(buckets.names(bucket)) == 3

    grow_old(lab)
    lab.sweep()
    left = other.pictures[0].sha256
    assert buckets.names(bucket) == [f"pictures/{left[:2]}/{left}.png"]
    assert not lab.files.path(sha256, "image/png").exists()
    assert standing(lab) == 0


def test_the_next_opening_sweeps(lab: Store, bucket: str, buckets: Buckets) -> None:
    job = with_picture(lab, b"gone")
    add(lab, job)
    lab.delete_pictures([job.id])
    grow_old(lab)
    Store.open(lab.place, f"s3://{bucket}/pictures").close()
    for thread in threading.enumerate():
        if thread.name == "rivya-sweep":
            thread.join(60)
    lab.sweep()
    assert buckets.names(bucket) == []


def test_a_delivery_of_deleted_content_keeps_its_object(lab: Store, bucket: str, buckets: Buckets) -> None:
    first, second = with_picture(lab, b"the same"), a_job(status="downloading")
    add(lab, first, second)
    lab.delete_pictures([first.id])
    grow_old(lab)
    picture = kept(lab, b"the same")
    lab.sweep()
    assert lab.finish_job(second.id, [picture], status="succeeded")
    assert standing(lab) == 0
    grow_old(lab)
    lab.sweep()
    assert len(buckets.names(bucket)) == 1
    assert lab.files.read(picture.sha256, "image/png") == b"the same"


def test_a_delivery_after_the_sweep_sends_its_file_again(lab: Store, bucket: str, buckets: Buckets) -> None:
    first, second = with_picture(lab, b"the same"), a_job(status="downloading")
    add(lab, first, second)
    lab.delete_pictures([first.id])
    grow_old(lab)
    lab.sweep()
    assert buckets.names(bucket) == []
    assert lab.finish_job(second.id, [kept(lab, b"the same")], status="succeeded")
    assert len(buckets.names(bucket)) == 1


def test_a_delivery_that_slept_between_sending_and_writing_down_sends_again(lab: Store) -> None:
    job = a_job(status="downloading")
    add(lab, job)
    picture = kept(lab, b"a picture")
    assert not lab.finish_job(job.id, [picture], secured_at=1000.0, status="succeeded")
    assert lab.job(job.id).status == "downloading"


def test_what_a_job_still_needs_stays(lab: Store, bucket: str, buckets: Buckets) -> None:
    picture = kept(lab, b"shared")
    reference = Reference(picture.sha256, "image", picture.mime_type, "shared.png", picture.size)
    first, twin = done("first", pictures=(picture,)), done("twin", pictures=(picture,))
    add(lab, first, twin)
    lab.delete_pictures([first.id])
    grow_old(lab)
    lab.sweep()
    assert len(buckets.names(bucket)) == 1
    add(lab, a_job("user", references=(reference,), status="queued"))
    lab.delete_pictures([twin.id])
    grow_old(lab)
    lab.sweep()
    assert len(buckets.names(bucket)) == 1


def test_a_bucket_that_does_not_answer_keeps_nobody_from_deleting(
    lab: Store, way: Proxy, bucket: str, buckets: Buckets
) -> None:
    job = with_picture(lab, b"gone")
    add(lab, job)
    way.inject(Fault(DELETES, says(503)))
    lab.delete_pictures([job.id])
    grow_old(lab)
    lab.sweep()
    assert (len(buckets.names(bucket)), standing(lab)) == (1, 1)
    way.heal()
    lab.sweep()
    assert (buckets.names(bucket), standing(lab)) == ([], 0)


def test_two_sweeps_and_a_delivery_at_once_lose_nothing(lab: Store, bucket: str) -> None:
    jobs = [with_picture(lab, b"picture %d" % number) for number in range(6)]
    again = [a_job(f"again {number}", status="downloading") for number in range(6)]
    add(lab, *jobs, *again)
    lab.delete_pictures(ids(jobs))
    grow_old(lab)
    pictures: list[PictureRecord] = []

    def deliver() -> None:
        for number, job in enumerate(again):
            done = False
            while not done:
                pictures.append(kept(lab, b"picture %d" % number))
                done = lab.finish_job(job.id, [pictures[-1]], status="succeeded")

    threads = [threading.Thread(target=each) for each in (lab.sweep, deliver, lab.sweep)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grow_old(lab)
    lab.sweep()
    found = Store.open(lab.place, f"s3://{bucket}/pictures")
    for picture in pictures:
        found.files.path(picture.sha256, "image/png").unlink(missing_ok=True)
        assert found.files.local(picture.sha256, "image/png").exists()
    found.close()


def test_two_who_delete_the_last_two_records_at_once_leave_no_orphan(
    lab: Store, bucket: str, buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = kept(lab, b"shared")
    pair = [done(prompt, pictures=(picture,)) for prompt in ("first", "twin")]
    add(lab, *pair)
    # Each of them still sees the other's record.
    monkeypatch.setattr(deletion, "_needed", lambda _connection, contents: set(contents))
    for job in pair:
        lab.delete_pictures([job.id])
    monkeypatch.undo()
    assert standing(lab) == 1


def test_a_store_that_cannot_be_made_ready_buys_nothing(lab: Store, way: Proxy) -> None:
    lab.make_ready()
    way.inject(Fault(PUT, says(403)))
    again = Store.open(lab.place, str(lab.files._bucket.address))  # type: ignore[attr-defined]
    with pytest.raises(UnreachableError, match="it is not allowed with the credentials"):
        again.make_ready()
    again.close()
