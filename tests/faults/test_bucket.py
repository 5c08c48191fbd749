"""A bucket that fails while pictures are delivered: it delays, and nothing is lost, nor paid for twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from buckets import GET, PUT, Buckets, bad_way, environment, says

import rivya_nb as rv
from rivya_nb.jobs import collecting
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.showing.run_looks import run_bundle
from rivya_nb.store import bucket as buckets_module
from rivya_nb.store.bucket import Patience
from rivya_nb.store.store import Store
from rivya_nb.views.thumbnails import _cached

from . import proxy
from .place import PATIENT, PRICE, SMALL, WAIT, Place, check_money, finish, place_at
from .proxy import PICTURE, Exchange, Fault, Kind, Proxy, Spoil

TROUBLES: dict[str, Spoil] = {
    "answers 503": says(503),
    "answers 403": says(403, "AccessDenied"),
    "hangs": proxy.stall,
    "drops the connection": proxy.reset,
    "has lost its bucket": says(404, "NoSuchBucket"),
}
ORIGINALS = Kind("PUT", r"/[^/]+/pictures/pictures/")


@pytest.fixture
def way(buckets: Buckets) -> Iterator[Proxy]:
    with bad_way(buckets) as proxy:
        yield proxy


@pytest.fixture
def pictures(way: Proxy, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, as a user has it in the environment."""
    quick = Patience(20.0, 3.0, 60.0, 0, 0.2)
    for name in ("FOR_FILES", "FOR_TRIFLES"):
        monkeypatch.setattr(buckets_module, name, quick)
    monkeypatch.setattr(collecting, "SECURE_PAUSE", 0.05)
    monkeypatch.setattr(collecting, "MOST_SECURE_PAUSE", 0.1)
    address = f"s3://{buckets.new()}/pictures"
    for name, value in {**environment(way.url, tmp_path / "cache"), "RIVYA_PICTURES": address}.items():
        monkeypatch.setenv(name, value)
    return address


@pytest.fixture
def place(pictures: str, tmp_path: Path) -> Iterator[Place]:
    assert pictures
    with place_at(tmp_path, step=PATIENT) as made:
        yield made


def until(run: rv.Run, holds: Callable[[], bool]) -> None:
    """Wait until something holds that changes with the run's jobs."""
    changed = threading.Event()
    for job in run:
        job.live.subscribe(changed.set)
    for _ in range(WAIT * 10):
        if holds():
            return
        changed.wait(0.1)
        changed.clear()
    raise AssertionError(run.text())


def elsewhere(place: Place, pictures: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The pictures as another machine reads them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    with closing(Store.open(place.folder, pictures)) as store:
        records = [
            job for run in store.runs.newest() for job in store.jobs(c.job_id for c in run.cells).values()
        ]
        return [store.files.read(pic.sha256, pic.mime_type) for job in records for pic in job.pictures]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_bucket_that_fails_delays_a_delivery_and_loses_nothing(
    place: Place, way: Proxy, pictures: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    place.session.store.make_ready()
    way.inject(Fault(ORIGINALS, TROUBLES[trouble]))
    run = rv.generate("A bottle", seed=1, **SMALL)
    until(run, lambda: f"{pictures} cannot be written: " in run.text())
    [job] = run
    assert job.status == "downloading"
    assert "The picture is kept on this machine, and waits for it." in run.text()
    way.heal()
    finish(run)
    assert job.status == "succeeded"
    assert len(elsewhere(place, pictures, tmp_path, monkeypatch)) == 1
    check_money(place, run)


def test_a_bucket_that_hangs_holds_up_nothing_but_its_deliveries(
    place: Place, way: Proxy, pictures: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets_module, "FOR_FILES", Patience(20.0, 2.0 * WAIT, 2.0 * WAIT, 0, 0.2))
    monkeypatch.setattr(place.session.work_loop.loop, "_default_executor", ThreadPoolExecutor(5))
    place.session.store.make_ready()
    goes_on = threading.Event()

    async def hang(exchange: Exchange) -> None:
        await asyncio.to_thread(goes_on.wait, WAIT)
        await proxy.pass_on(exchange)

    way.inject(Fault(ORIGINALS, hang))
    run = rv.generate("A bottle", seed=range(8), **SMALL)
    # All that the service gave is safe on this machine.
    until(run, lambda: len(list((tmp_path / "cache").rglob("waiting/*.json"))) == len(run))
    goes_on.set()
    finish(run)
    assert len(elsewhere(place, pictures, tmp_path, monkeypatch)) == len(run)
    check_money(place, run)


def test_what_was_received_is_delivered_by_the_next_kernel_though_the_service_has_it_no_more(
    place: Place, way: Proxy, pictures: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.session.store.make_ready()
    way.inject(Fault(ORIGINALS, says(503)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    until(run, lambda: "waits for it" in run.text())
    place.session.close()
    way.heal()
    place.proxy.inject(Fault(PICTURE, proxy.answers(404)))
    with closing(rv.connect(DEFAULT_KEY, place.proxy.url, store=place.folder)) as session:
        again = session.resume(run.id)
        finish(again)
        assert [job.status for job in again] == ["succeeded"]
        assert len(elsewhere(place, pictures, tmp_path, monkeypatch)) == 1
        assert place.prices() == [PRICE]


def test_a_bucket_that_stays_away_leaves_the_job_to_be_resumed(
    place: Place, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "DEADLINE", 0.2)
    place.session.store.make_ready()
    way.inject(Fault(ORIGINALS, says(503)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    until(run, lambda: "The picture is kept on this machine; resume goes on." in run.text())
    way.heal()
    finish(place.session.resume(run.id))
    assert [job.status for job in run] == ["succeeded"]
    check_money(place, run)


@pytest.mark.parametrize("status", [403, 503])
def test_nothing_is_bought_while_the_bucket_cannot_be_written(
    place: Place, way: Proxy, pictures: str, status: int
) -> None:
    way.inject(Fault(PUT, says(status)))
    with pytest.raises(rv.StoreError, match=f"^{pictures} cannot be written: "):
        rv.generate("A bottle", seed=1, **SMALL)
    assert place.prices() == []


def test_a_picture_of_the_bucket_is_a_reference_and_a_file_and_shown(
    place: Place, way: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    [job] = run
    assert job.path is not None
    data = job.path.read_bytes()

    # As on another machine: nothing is here.
    job.path.unlink()
    edited = rv.generate("In blue", model="flux-2-pro", references=[job])
    finish(edited)
    assert [each.status for each in edited] == ["succeeded"]
    assert job.path.read_bytes() == data
    for use in (
        lambda: run.save(tmp_path / "saved"),
        lambda: run.report(tmp_path / "report.html"),
        lambda: run.grid().save(tmp_path / "grid.png"),
        lambda: run.export(tmp_path / "study.zip", format="bundle"),
        lambda: run.export(tmp_path / "images"),
        lambda: run.measure("brightness"),
        lambda: job.images,
        lambda: job.image,
    ):
        job.path.unlink()
        use()
    job.path.unlink()
    assert "data:image/" in run_bundle(run)["text/html"]

    calls = len(way.calls)
    assert [Path(path).name for path in run.to_pandas()["path"]] == [job.record.pictures[0].sha256 + ".png"]
    assert not [call for call in way.calls[calls:] if call.startswith(GET.method)]


def test_a_picture_that_the_bucket_has_lost_is_bought_anew(
    place: Place, buckets: Buckets, pictures: str
) -> None:
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    [job] = run
    assert job.path is not None
    bucket = pictures.split("/")[2]
    name = f"pictures/{job.path.stem[:2]}/{job.path.name}"
    buckets.store(bucket).delete(name)
    job.path.unlink()
    with pytest.raises(rv.StoreError, match="file is gone"):
        assert job.image
    again = rv.generate("A bottle", seed=1, **SMALL)
    finish(again)
    assert name in buckets.names(bucket)
    assert len(place.prices()) == 2


def test_a_grid_says_that_the_bucket_does_not_answer_and_shows_it_when_it_does(
    place: Place, way: Proxy, pictures: str
) -> None:
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    [job] = run
    assert job.path is not None
    for path in (job.path, *job.path.parents[2].glob("thumbnails/*/*")):
        path.unlink()
    _cached.cache_clear()
    way.inject(Fault(GET, says(503)))
    shown = run_bundle(run)
    assert f"1 picture of 1 not shown now: {pictures} cannot be read: " in shown["text/html"]
    assert pictures not in shown["text/plain"]
    way.heal()
    until(run, lambda: "data:image/" in run_bundle(run)["text/html"])
