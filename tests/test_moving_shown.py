"""Videos and sounds as outputs, files and messages show them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sandboxes import running_sandbox
from views.reading import Element, read
from views.test_run_html import KEPT_ATTRIBUTES, KEPT_STYLES, KEPT_TAGS

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.showing.looks import bundle, thumbnails
from rivya_nb.session.showing.run_looks import run_bundle, run_view
from rivya_nb.views import players

FILM, TUNE, PICTURE = "veo3-1-lite", "suno-sounds", "nano-banana"
ALL_KEPT = {
    **KEPT_ATTRIBUTES,
    "video": {"autoplay", "controls", "height", "loop", "muted", "poster", "preload", "src", "width"},
    "audio": {"autoplay", "controls", "loop", "muted", "preload", "src"},
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    with running_sandbox(SandboxConfig(latency=0, credits=10_000)) as url:
        store = tmp_path_factory.mktemp("shown") / "store"
        with closing(rv.connect(DEFAULT_KEY, url, store=store)) as session:
            yield session


def made(prompt: str, model: str | list[str], **params: Any) -> rv.Run:
    run = rv.plan(prompt, model=model, params=params).run()
    run.wait(60)
    assert {job.status for job in run} == {"succeeded"}, [job.error for job in run]
    return run


@pytest.fixture(scope="module")
def films(session: rv.Session) -> rv.Run:
    return made("A fox", FILM, seed=[10001, 10002])


@pytest.fixture(scope="module")
def tunes(session: rv.Session) -> rv.Run:
    return made("Rain", TUNE)


@pytest.fixture(scope="module")
def mixed(session: rv.Session) -> rv.Run:
    return made("Rain", [TUNE, PICTURE])


def shown(run: rv.Run) -> Element:
    return read(run_bundle(run)["text/html"])


def test_a_video_is_its_poster_over_which_it_plays_when_clicked(films: rv.Run) -> None:
    tree = shown(films)
    assert [image.attributes["alt"] for image in tree.all("img")] == [
        f"video 0:02 · A fox · seed: {seed}" for seed in (10001, 10002)
    ]
    for opened in tree.all("details"):
        (poster,) = opened.all("summary")[0].all("img")
        assert poster.attributes["src"].startswith("data:image/webp;base64,")
        (video,) = opened.all("video")
        assert video.attributes["src"].startswith("data:video/webm;base64,")
        assert {"autoplay", "controls", "loop", "muted"} <= video.attributes.keys()
    assert len(tree.all("video")) == 2


def test_a_sound_is_its_waveform_above_a_player(tunes: rv.Run) -> None:
    tree = shown(tunes)
    (image,) = tree.all("img")
    assert re.match(r"sound 0:0\d · Rain", image.attributes["alt"])
    assert int(image.attributes["width"]) == 2 * int(image.attributes["height"])
    (player,) = tree.all("audio")
    assert player.attributes["src"].startswith("data:audio/wav;base64,")
    assert "controls" in player.attributes
    assert not {"autoplay", "loop"} & player.attributes.keys()


@pytest.mark.parametrize("name", ["films", "tunes", "mixed"])
def test_an_untrusted_notebook_keeps_what_plays(name: str, request: pytest.FixtureRequest) -> None:
    run: rv.Run = request.getfixturevalue(name)
    for html in (run_bundle(run)["text/html"], run[0]._repr_mimebundle_()["text/html"]):
        tree = read(html)
        for element in tree.all():
            if element.tag == "style":
                continue
            assert element.tag in {*KEPT_TAGS, "video", "audio"}
            # What it does goes, and a second click does the same.
            known = {"ontoggle"} | KEPT_ATTRIBUTES["*"] | ALL_KEPT.get(element.tag, set())
            assert element.attributes.keys() <= known
            assert element.style.keys() <= KEPT_STYLES
            assert "var(" not in element.attributes.get("style", "")


def test_nothing_plays_in_a_run_that_is_still_drawn_anew(films: rv.Run) -> None:
    view = run_view(films)
    view = replace(view, thumbnails=thumbnails(view.layout, films.files))
    html = [bundle(replace(view, live=live), films.files)["text/html"] for live in (False, True)]
    assert ["<video" in each for each in html] == [True, False]
    assert ["<img" in each for each in html] == [True, True]


def test_what_exceeds_the_budget_of_an_output_has_its_poster(
    films: rv.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [len(video.attributes["src"]) for video in shown(films).all("video")]
    monkeypatch.setattr(players, "BUDGET", sum(sizes) - 1)
    tree = shown(films)
    assert len(tree.all("video")) == 1
    assert len(tree.all("img")) == 2


def test_a_job_as_a_value_plays(films: rv.Run, tunes: rv.Run) -> None:
    film, tune = (read(run[0]._repr_mimebundle_()["text/html"]) for run in (films, tunes))
    assert len(film.all("video")) == len(tune.all("audio")) == 1
    assert film.all("img")[0].attributes["alt"] == "video 0:02 · A fox"


@pytest.mark.parametrize(
    ("name", "words"), [("films", "2 videos"), ("tunes", "1 sound"), ("mixed", "2 results")]
)
def test_what_was_made_is_called_by_its_name(
    name: str, words: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run: rv.Run = request.getfixturevalue(name)
    assert words in shown(run).text
    assert words in run.text()
    assert f"of {words}, " in repr(run)
    saved = run.save(tmp_path / "saved")
    assert f"({words})" in saved._repr_mimebundle_()["text/plain"]
    run.delete(confirm=False)
    assert words in capsys.readouterr().out
    assert "picture" not in shown(run).text


def test_a_list_of_runs_and_a_model_that_only_the_service_lists_say_what_is_made(
    session: rv.Session, films: rv.Run
) -> None:
    session.refresh_models()
    later = rv.plan("Rain", model="sandbox-tune", seed=[1, 2]).defer()
    assert repr(later).startswith(f"<Run {later.id}: 0 of 2 sounds")
    assert "picture" not in shown(later).text
    listed = rv.runs()._repr_mimebundle_()["text/plain"]
    assert "0 of 2 sounds" in listed
    assert "2 of 2 videos" in listed
    heads = read(rv.runs()._repr_mimebundle_()["text/html"]).all("th", scope="col")
    assert "Results" in [head.text for head in heads]


def test_a_copy_of_a_video_has_its_request_beside_it(films: rv.Run, tmp_path: Path) -> None:
    copies = films.save(tmp_path / "saved")
    for job, copy in zip(films, copies, strict=True):
        assert job.path is not None
        assert copy.suffix == ".webm"
        assert copy.read_bytes() == job.path.read_bytes()
        told = json.loads(Path(f"{copy}.json").read_text())
        assert (told["prompt"], told["seed"], told["model"]) == ("A fox", job.seed, FILM)


@pytest.mark.parametrize("output_format", ["pcm_16000", "ulaw_8000", "alaw_8000"])
def test_a_sound_without_a_head_is_a_sound_like_any_other(
    session: rv.Session, tmp_path: Path, output_format: str
) -> None:
    run = made("Rain", "elevenlabs-sound-effect-v2", output_format=output_format, duration_seconds=0.5)
    (media,) = run[0].media
    assert (media.kind, media.mime_type, media.duration) == ("audio", "audio/wav", 0.5)
    tree = shown(run)
    assert tree.all("img")[0].attributes["src"].startswith("data:image/webp;base64,")
    assert tree.all("audio")[0].attributes["src"].startswith("data:audio/wav;base64,")
    (copy,) = run.save(tmp_path)
    assert (copy.suffix, copy.read_bytes()) == (".wav", media.path.read_bytes())
    assert rv.recall(copy).params["output_format"] == output_format
    plan = rv.plan("Rain", model="sandbox-clip", references=run[0])
    assert plan.requests[0].references[0].duration == 0.5


def test_a_report_and_a_sheet_show_posters(films: rv.Run, tmp_path: Path) -> None:
    report = read(films.report(tmp_path / "report.html").read_text())
    assert [image.attributes["alt"] for image in report.all("img")] == [
        f"video 0:02 · A fox · seed: {seed}" for seed in (10001, 10002)
    ]
    assert [head.text for head in report.all("th", scope="col")][-1] == "video"
    with Image.open(films.grid().save(tmp_path / "sheet.png")) as sheet:
        # A card would have few.
        assert len(sheet.convert("RGB").getcolors(1 << 24) or ()) > 1000
