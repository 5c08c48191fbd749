"""Measures of videos and sounds as a user asks for them: of runs, grids and histories."""

from __future__ import annotations

from typing import Any

import pytest
from media.films import film_record
from store.filling import done

import rivya_nb as rv
from history.conftest import Fill, add_run, picture
from rivya_nb.errors import UsageError
from rivya_nb.media import ffmpeg
from rivya_nb.store.records import CellRecord, PictureRecord

SEEDS = [1, 2, 3]


@pytest.fixture
def films(session: rv.Session) -> rv.Run:
    """A run of three videos, from dark to light and each lighter than the one before."""
    return add_films(session, "A fox", 0)


def add_films(session: rv.Session, prompt: str, least: int) -> rv.Run:
    greys = {seed: range(least, least + 50 * seed, 5 * seed) for seed in SEEDS}
    jobs = [
        done(prompt, {"seed": seed}, pictures=(film_record(session.store, greys[seed]),)) for seed in SEEDS
    ]
    return session.run(add_run(session, SEEDS, jobs))


@pytest.fixture
def mixed(session: rv.Session) -> rv.Run:
    """A video, a picture and a sound."""
    sound = PictureRecord(session.store.files.put(b"RIFF", "audio/wav"), "audio/wav", 0, 0, 4, 1.0)
    every = (film_record(session.store, range(0, 100, 10)), picture(session, 200), sound)
    jobs = [done("A fox", {"seed": seed}, pictures=(each,)) for seed, each in zip(SEEDS, every, strict=True)]
    return session.run(add_run(session, SEEDS, jobs))


def about(*numbers: float) -> Any:
    return pytest.approx([number / 255 for number in numbers], abs=0.01)


def html_of(shown: Any) -> str:
    return str(shown._repr_mimebundle_()["text/html"])


def test_videos_are_measured_in_their_middle_and_called_by_their_name(films: rv.Run) -> None:
    found = films.measure("brightness")
    text = repr(found)
    assert "brightness: 3 videos of run 1" in text
    assert "Of each video the frame in its middle counts (at=0.5); frames=8 takes the mean" in text
    assert "picture" not in text + html_of(found)
    assert found.to_pandas()["brightness"].tolist() == about(25, 50, 75)


def test_several_frames_give_their_mean_and_its_spread(films: rv.Run) -> None:
    found = films.measure("brightness", frames=5)
    table = found.to_pandas()
    assert table["brightness of 5 frames"].tolist() == about(25, 50, 75)
    assert table["brightness of 5 frames, sd"].tolist() == about(14.1, 28.3, 42.4)
    assert "within a video sd 0.1" in html_of(found)
    assert "Of each video 5 frames count" in repr(found)
    pairs = films.measure("ciede2000", frames=2).to_pandas()
    assert pairs.columns.tolist()[-2:] == ["ciede2000 of 2 frames", "ciede2000 of 2 frames, sd"]
    for wrong, told in (({"at": 2}, "no place in a video"), ({"frames": 0}, "from 1 to 64")):
        for ask in (films.measure, films.effects, lambda of, **asked: films.grid(measure=of, **asked)):
            with pytest.raises(UsageError, match=told):
                ask("brightness", **wrong)


def test_tables_and_the_history_know_of_which_frames_a_number_is(films: rv.Run) -> None:
    films.measure("brightness", frames=2)
    films[:2].measure("brightness", at=0)
    assert [name for name in films.to_pandas() if "brightness" in name] == [
        "brightness at 0.0",
        "brightness of 2 frames",
        "brightness of 2 frames, sd",
    ]
    assert [job.seed for job in rv.history(sort="brightness")] == [3, 2, 1], "none has a number of its middle"
    films[1:2].measure("brightness")
    history = rv.history(sort="brightness")
    assert [job.seed for job in history] == [2, 3, 1]
    assert "seed: 2 · brightness 0.196" in history._repr_mimebundle_()["text/plain"]
    table = films.to_pandas()
    assert next(name for name in table if "brightness" in name) == "brightness"
    assert table["brightness"].isna().tolist() == [True, False, True]


def test_a_grid_and_its_differences_are_of_the_frames_that_were_asked_for(films: rv.Run) -> None:
    shown = films.grid(measure="brightness", at=0.9)._repr_mimebundle_()["text/html"]
    assert 'title="brightness at 0.9 0.529"' in shown
    first, last = (films.grid().differences(at=at).medians["seed"].colour for at in (0, 1))
    assert first == 0 < last
    assert "<b>brightness</b>: <bdi>Mean luma" in html_of(films.measure("brightness", at=0.9))
    found = films.grid().differences(frames=4)
    assert first < found.medians["seed"].colour < last
    assert "Differences of 3 videos" in repr(found)
    assert "Of each video 4 frames count" in html_of(found)
    assert "picture" not in repr(found) + html_of(found)


def test_effects_are_of_the_frames_that_were_asked_for(films: rv.Run, session: rv.Session) -> None:
    add_films(session, "A crow", 20)
    found = rv.history().effects("brightness", at=0.9)
    assert found.of == "brightness at 0.9"
    assert "6 videos" in repr(found)
    assert 'plan.power(pilot=…, of="brightness", at=0.9, difference=…)' in repr(found)
    with pytest.raises(UsageError, match="Nothing moves it"):
        rv.history().effects("brightness", at=0)


def test_of_mixed_results_pictures_count_as_they_are_and_sounds_are_left_out(
    mixed: rv.Run, session: rv.Session
) -> None:
    found = mixed.measure("brightness", frames=5)
    assert "brightness: 2 results of run 1" in repr(found)
    assert "1 sound left out" in repr(found)
    assert found.to_pandas()["brightness of 5 frames"].tolist() == about(50, 71.1)
    assert found.to_pandas()["brightness of 5 frames, sd"].isna().tolist() == [False, True]
    assert len(mixed.measure("ssim").to_pandas()) == 1
    assert "1 sound left out" in repr(mixed.grid().differences())
    for prompt, least in (("A crow", 20), ("A hen", 30)):
        add_films(session, prompt, least)
    assert "1 sound left out" in repr(rv.history().effects("brightness"))


def test_sounds_alone_and_pictures_asked_for_frames_are_told(mixed: rv.Run, fill: Fill) -> None:
    for ask in (mixed[2:].measure, mixed[2:].effects):
        with pytest.raises(UsageError, match="these are sounds, and measures look at pictures and at frames"):
            ask("brightness")
    with pytest.raises(UsageError, match="these are sounds"):
        mixed[2:].measure("ssim")
    with pytest.raises(UsageError, match="these are sounds"):
        mixed[2:].grid().differences()
    found = fill([1, 100]).measure("brightness", frames=8)
    assert "at and frames are for videos: a picture is measured as it is" in repr(found)
    assert "brightness" in found.to_pandas()


def test_without_ffmpeg_every_way_says_what_to_install(
    films: rv.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    for ask in (
        lambda: films.measure("brightness"),
        lambda: films.grid(measure="sharpness"),
        lambda: films.grid().differences(),
        lambda: films.effects("brightness"),
    ):
        with pytest.raises(UsageError, match=r"pip install 'rivya-nb\[video\]'"):
            ask()


def test_a_canary_of_videos_is_not_bought_where_nobody_can_compare_them(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    job = done("A fox", {}, pictures=(film_record(session.store, range(9)),))
    here = session.store.asking.add_run(
        name=None, service=session.service, axes=[], cells=[CellRecord(job.id, ())], jobs=[job]
    )
    with pytest.raises(UsageError, match=r"pip install 'rivya-nb\[video\]'"):
        rv.drift("foxes", session.run(here.id), max_credits=100)
