"""Numbers of videos: of one frame, or the mean of several, kept with the frames that they are of."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from media.films import film_record
from PIL import Image

import rivya_nb as rv
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.measures import registry
from rivya_nb.measures.definition import Measure
from rivya_nb.media import ffmpeg, frames
from rivya_nb.media.frames import Frames, read_choice, read_frames
from rivya_nb.store.records import PictureRecord, planned_job
from rivya_nb.store.store import Store
from rivya_nb.study.measuring import measured, measured_pairs, measured_together
from rivya_nb.study.places import PicturedPlace

GREYS = [10 * number for number in range(20)]
"""Of a video of two seconds."""

Place = Callable[[PictureRecord], PicturedPlace]
Program = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_defined", {})


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """`program(text)`: a shell script stands in ffmpeg's place, `$real` being the program; gives its folder."""

    def program(text: str) -> Path:
        path = tmp_path / "ffmpeg"
        path.write_text(f"#!/bin/sh\ncd {tmp_path}\nreal={real}\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: str(path))
        return tmp_path

    real = ffmpeg.find_ffmpeg()
    return program


def place(picture: PictureRecord) -> PicturedPlace:
    job = planned_job(Request("wan", "a fox", {"seed": picture.size}), "sandbox", 0.0)
    return PicturedPlace(replace(job, pictures=(picture,)), picture, {}, {})


def still(store: Store, grey: int) -> PictureRecord:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (grey,) * 3).save(buffer, "PNG")
    return PictureRecord(store.files.put(buffer.getvalue(), "image/png"), "image/png", 32, 24, 1)


def grey_of(image: Image.Image) -> int:
    return image.getpixel((9, 9))[0]  # type: ignore[index,return-value]


def grey(measure_of: Any = None, **frames: Any) -> Measure:
    made = rv.measure(name="grey", version="1")(measure_of or (lambda image: grey_of(image)))
    return made.of(read_choice(**frames))


def about(*numbers: float) -> Any:
    return pytest.approx(list(numbers), abs=3)


def film_and(store: Store, greys: Sequence[int] = GREYS) -> list[PicturedPlace]:
    return [place(film_record(store, greys))]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, [100]),
        ({"at": 0}, [0]),
        ({"at": 0.26}, [50]),
        ({"at": 1}, [190]),
        ({"frames": 1}, [100]),
        ({"frames": 4}, [20, 70, 120, 170]),
        ({"frames": 20}, GREYS),
        ({"frames": 40}, [grey for grey in GREYS for _ in range(2)]),
    ],
)
def test_the_frames_are_those_that_a_player_shows_at_their_places(
    store: Store, asked: dict[str, Any], shown: list[int]
) -> None:
    film = film_record(store, GREYS)
    found = read_frames(store.files.path(film.sha256, film.mime_type), read_choice(**asked))
    assert [grey_of(image) for image in found] == about(*shown)
    assert {(image.mode, image.size) for image in found} == {("RGB", (32, 24))}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"at": 3}, "3 is no place in a video; give a part of its length, from 0"),
        ({"at": "0.5"}, "'0.5' is no place"),
        ({"at": math.nan}, "nan is no place"),
        ({"at": True}, "True is no place"),
        ({"frames": 0}, "0 is not a whole number from 1 to 64, as frames=8"),
        ({"frames": 65}, "65 is not a whole number from 1 to 64"),
        ({"frames": 2.5}, r"2\.5 is not a whole number"),
        ({"at": 0.5, "frames": 8}, "give one of the two"),
    ],
)
def test_what_is_no_place_or_number_is_told(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_choice(**asked)


def test_the_number_of_several_frames_is_their_mean_and_has_a_spread(store: Store) -> None:
    places = film_and(store)
    found = measured(store, places, grey(frames=4))
    assert list(found.values()) == about(95)
    (subject,) = found.numbers
    assert [found.spread_at(subject, "")] == about(55.9)
    one = measured(store, places, grey())
    assert list(one.values()) == about(100)
    assert math.isnan(one.spread_at(next(iter(one.numbers)), ""))


def test_a_number_is_kept_with_its_frames_and_read_again_without_ffmpeg(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = film_and(store)
    asked: list[dict[str, Any]] = [{}, {"at": 0.26}, {"frames": 4}]
    first = [list(measured(store, places, grey(**each)).values()) for each in asked]
    assert [number for (number,) in first] == about(100, 50, 95)
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    again = [measured(store, places, grey(**each)) for each in asked]
    assert [list(each.values()) for each in again] == first
    (subject,) = again[2].numbers
    assert [again[2].spread_at(subject, "")] == about(55.9)


def test_without_ffmpeg_it_is_told_what_to_install_before_anything_is_computed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    called: list[int] = []
    mine = grey(lambda image: called.append(1) or 1)
    with pytest.raises(UsageError, match=r"not installed here: pip install 'rivya-nb\[video\]'"):
        measured(store, [place(still(store, 5)), *film_and(store)], mine)
    assert called == []
    assert list(measured(store, [place(still(store, 5))], mine).values()) == [1]


def test_a_video_is_decoded_once_for_all_measures_and_frames(store: Store, program: Program) -> None:
    folder = program('echo call >> calls\nexec "$real" "$@"')
    wanted = [registry.find_measure(name).of(Frames(0.125, 4)) for name in ("brightness", "contrast")]
    found = measured_together(store, film_and(store), [*wanted, grey(frames=4)])
    assert [round(next(iter(each.values()))) for each in found] == [0, 0, pytest.approx(95, abs=3)]
    assert (folder / "calls").read_text().split() == ["call"]


def test_a_batch_gets_frames_as_pictures(store: Store) -> None:
    sizes: list[int] = []

    def several(images: list[Image.Image]) -> list[int]:
        sizes.append(len(images))
        return [grey_of(image) for image in images]

    places = [place(film_record(store, [grey + more for grey in GREYS])) for more in range(0, 50, 10)]
    found = measured(store, [*places, place(still(store, 7))], grey(several, frames=10))
    assert list(found.values()) == about(100, 110, 120, 130, 140, 7)
    assert max(sizes) <= 16
    assert len(found.spreads) == 5


def test_ffmpeg_has_more_time_for_more_frames(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "TIMEOUT", 0.0)
    film = film_record(store, GREYS)
    path = store.files.path(film.sha256, film.mime_type)
    monkeypatch.setattr(ffmpeg, "FRAME_TIMEOUT", 0.0)
    with pytest.raises(rv.RivyaError, match="takes more than 0 s"):
        read_frames(path, Frames(0.25, 2))
    monkeypatch.setattr(ffmpeg, "FRAME_TIMEOUT", 30.0)
    assert len(read_frames(path, Frames(0.25, 2))) == 2


def test_a_pair_compares_the_same_frame_of_both_and_a_picture_with_each(store: Store) -> None:
    one, other = film_record(store, GREYS), film_record(store, GREYS[::-1])
    apart = rv.measure(name="apart", version="1")(lambda one, other: abs(grey_of(one) - grey_of(other)))
    couples = [(one, other), (one, still(store, 0)), (still(store, 0), still(store, 9))]
    found: dict[str, list[float]] = {}
    for asked in ({"at": 0}, {"at": 1}, {"frames": 4}):
        (numbers,) = measured_pairs(store, couples, [apart.of(read_choice(**asked))])
        found[str(asked)] = [numbers.of_pair(*couple) for couple in couples]
    assert found == {
        "{'at': 0}": about(190, 0, 9),
        "{'at': 1}": about(190, 190, 9),
        "{'frames': 4}": about(100, 95, 9),
    }
    (alike,) = measured_pairs(store, [(one, one)], [registry.find_measure("ssim").of(Frames(0.25, 2))])
    assert alike.of_pair(one, one) == 1


def test_parts_that_differ_between_frames_are_told(store: Store) -> None:
    mine = grey(lambda image: {"dark": 1} if grey_of(image) < 50 else {"light": 1}, frames=4)
    assert "it gave other parts for other frames of a video" in measured(store, film_and(store), mine).trouble


def test_a_frame_for_which_it_fails_fails_for_the_video(store: Store) -> None:
    mine = grey(lambda image: 100 / max(0, grey_of(image) - 30), frames=4)
    found = measured(store, [*film_and(store), *film_and(store, [200] * 4)], mine)
    assert found.trouble.startswith("1 of 2 failed: ZeroDivisionError")


def test_what_is_no_video_is_told(store: Store, tmp_path: Path) -> None:
    sha256 = store.files.put(b"\x1a\x45\xdf\xa3 cut", "video/webm")
    cut = PictureRecord(sha256, "video/webm", 32, 24, 8, 1.0)
    found = measured(store, [place(cut)], grey())
    assert "1 of 1 failed: its file cannot be read: it is no video" in found.trouble
    sound = PictureRecord("ab" * 32, "audio/wav", 0, 0, 8, 1.0)
    assert "it is a sound, and measures look at pictures" in measured(store, [place(sound)], grey()).trouble


def test_more_pixels_than_may_be_decoded_together_are_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.imaging.pixels.MAX_PIXELS", 4000)
    places = film_and(store)
    assert list(measured(store, places, grey(frames=4)).values()) == about(95)
    assert "8 frames of 32 × 24 are more than 4,000 pixels; ask for fewer" in (
        measured(store, places, grey(frames=8)).trouble
    )


def test_a_stop_ends_ffmpeg_and_is_no_failure(store: Store, program: Program) -> None:
    folder = program("echo $$ > running\nexec sleep 600")
    stop, places = threading.Event(), film_and(store)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(measured(store, places, grey(), stop=stop)))
    thread.start()
    while not (folder / "running").exists():
        thread.join(0.01)
    stop.set()
    thread.join(60)
    assert (found[0].numbers, found[0].failures) == ({}, {})


def test_frames_are_known_by_what_they_are_kept_under() -> None:
    for asked in (Frames(), Frames(1 / 3), Frames(1.0), Frames(0.0625, 8)):
        assert frames.known_frames(asked.key) == asked
    assert frames.known_frames(Frames(0.0625, 8).spread_key) == Frames(0.0625, 8)
    for wrong in ("", "at=", "at=2", "at=0.50", "frames=1", "frames=x", "times=3", "at=0.5 sd"):
        assert frames.known_frames(wrong) is None
