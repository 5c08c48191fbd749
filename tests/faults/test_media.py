"""Videos and sounds as results: kept as they came, shown by a poster, fetched again where they are cut."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from media.samples import SAMPLES, sample

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY

from . import proxy
from .place import PRICE, SMALL, Place, check_money, finish
from .proxy import PICTURE, Fault, answers

CAME: Mapping[str, tuple[str, str]] = {
    "film.mp4": (".mp4", "video"),
    "film.webm": (".webm", "video"),
    "film.mov": (".mov", "video"),
    "sound.mp3": (".mp3", "sound"),
    "sound.wav": (".wav", "sound"),
    "cover.m4a": (".m4a", "sound"),
}


def delivered(place: Place, data: bytes, times: int = proxy.ALWAYS) -> tuple[rv.Run, str]:
    place.proxy.inject(Fault(PICTURE, answers(200, data), times=times))
    run = rv.generate("A bottle", seed=1, **SMALL)
    return run, finish(run)


@pytest.mark.parametrize("name", sorted(CAME))
def test_what_comes_is_kept_told_shown_and_saved(name: str, place: Place, tmp_path: Path) -> None:
    data, known, (suffix, word) = sample(name), SAMPLES[name], CAME[name]
    run, seen = delivered(place, data)
    [job] = run
    assert (job.status, job.error, job.credits) == ("succeeded", None, PRICE)
    # The model is known to make pictures.
    assert f"{job.model} is known to make a picture; a {word} came, and is kept" in seen
    [path] = job.paths
    assert (job.path, path.suffix, path.read_bytes()) == (path, suffix, data)
    [media] = job.media
    assert (media.kind, media.mime_type, media.size, media.path) == (*known[:2], len(data), path)
    assert (media.width, media.height) == known.size
    assert media.duration == pytest.approx(known.duration, abs=0.01)
    assert (None if job.image is None else job.image.size) == (known.size if word == "video" else None)
    assert len(job.images) == len(run.images) == (word == "video")
    grid = run.grid()._repr_mimebundle_()["text/html"]
    assert "data:image/webp;base64," in grid
    assert "cannot be shown" not in grid
    assert "0:01" in job._repr_mimebundle_()["text/html"]
    assert run.grid().save(tmp_path / "sheet.png").is_file()
    assert "data:image/webp;base64," in run.report(tmp_path / "report.html").read_text(encoding="utf-8")
    (copy,) = run.save(tmp_path / "saved")
    assert (copy.suffix, copy.read_bytes()) == (suffix, data)
    assert rv.recall(copy).prompt == "A bottle"
    beside = json.loads(copy.with_name(f"{copy.name}.json").read_text(encoding="utf-8"))
    assert beside["picture"]["duration"] == media.duration
    assert not any((place.folder / "incoming").iterdir())
    check_money(place, run)


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "sound.mp3"])
def test_what_is_cut_is_fetched_again_and_never_bought_again(name: str, place: Place) -> None:
    run, seen = delivered(place, sample(name)[:-20])
    [job] = run
    assert job.status == "undelivered"
    assert re.search("is cut short after [0-9,]+ bytes", job.error or "")
    assert "fetches the undelivered one again (paid already)" in seen
    assert not any((place.folder / "incoming").iterdir())
    place.proxy.heal()
    place.proxy.inject(Fault(PICTURE, answers(200, sample(name))))
    finish(place.session.retry(run.id))
    assert (job.status, job.media[0].mime_type) == ("succeeded", SAMPLES[name].mime_type)
    check_money(place, run)


def test_what_is_cut_once_comes_whole_at_the_second_try(place: Place) -> None:
    run, _ = delivered(place, sample("film.mp4")[:3000], times=1)
    assert [job.status for job in run] == ["succeeded"]
    assert sum(call.startswith("GET /pictures/") for call in place.proxy.calls) == 2
    check_money(place, run)


def test_a_cap_that_is_raised_lets_the_same_video_in(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_MAX_VIDEO_MB", "0.004")
    run, _ = delivered(place, sample("film.mp4"))
    [job] = run
    assert job.status == "undelivered"
    assert "The video has more than 0.004 MB; RIVYA_MAX_VIDEO_MB raises that" in (job.error or "")
    monkeypatch.setenv("RIVYA_MAX_VIDEO_MB", "1")
    finish(place.session.retry(run.id))
    assert job.media[0].kind == "video"
    check_money(place, run)


def test_a_video_goes_to_a_colleague_and_comes_back(place: Place, tmp_path: Path) -> None:
    run, _ = delivered(place, sample("film.mp4"))
    run.export(tmp_path / "study.zip", format="bundle")
    with closing(rv.connect(DEFAULT_KEY, place.proxy.url, store=tmp_path / "theirs")):
        [theirs] = rv.import_bundle(tmp_path / "study.zip").runs
        [media] = theirs.jobs[0].media
        came = media.path.read_bytes()
    assert (media.mime_type, media.duration, came) == ("video/mp4", 0.5, sample("film.mp4"))
