"""The judging widget without a browser: what it sends tells nothing, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import comm
import pytest
from media.films import film_record
from PIL import Image
from sandboxes import until
from store.filling import done

import rivya_nb as rv
from rivya_nb.errors import UsageError
from rivya_nb.media import ffmpeg
from rivya_nb.session.showing.displays import Kept
from rivya_nb.store.records import AxisRecord, CellRecord, PictureRecord
from widgets.test_viewer import Frontend

Ask = Callable[..., tuple[dict[str, Any], list[bytes]]]

SEEDS = (471101, 471102, 471103)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[rv.Run]:
    with closing(rv.connect("key", "http://127.0.0.1:9", store=tmp_path)) as session:
        jobs = []
        for seed in SEEDS:
            buffer = BytesIO()
            Image.new("RGB", (30, 20), (seed % 256, 0, 99)).save(buffer, "PNG")
            data = buffer.getvalue()
            sha256 = session.store.files.put(data, "image/png")
            picture = PictureRecord(sha256, "image/png", 30, 20, len(data))
            jobs.append(done("a <b>cat</b>", {"seed": seed}, pictures=(picture,)))
        axes = [AxisRecord("seed", tuple(map(str, SEEDS)))]
        cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
        record = session.store.asking.add_run(
            name="lucky seeds", service="sandbox", axes=axes, cells=cells, jobs=jobs
        )
        yield session.run(record.id)


@pytest.fixture
def ask(run: rv.Run, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Opens the widget and sends it a message; gives what it answers."""
    monkeypatch.setattr(comm, "create_comm", Frontend)
    judge = run.rank(by="seed").judge()

    def send(**content: Any) -> tuple[dict[str, Any], list[bytes]]:
        judge._handle_custom_msg({"id": "1", **content}, [])
        answer: tuple[dict[str, Any], list[bytes]] = judge.comm.sent.get(timeout=60)
        assert answer[0].pop("id") == "1"
        return answer

    send.judge = judge  # type: ignore[attr-defined]
    return send


def test_nothing_that_is_sent_tells_which_picture_is_which(run: rv.Run, ask: Ask) -> None:
    judge = ask.judge  # type: ignore[attr-defined]
    answers = [ask(kind="files", place=place) for place in range(3)]
    answers.append(ask(kind="vote", place=0, better="left", seconds=1.0))
    assert until(lambda: judge._sure, 60)
    state = {name: value for name, value in judge.get_state().items() if name not in ("_esm", "_css")}
    sent = json.dumps([state, [content for content, _ in answers]], default=str)
    told = [*map(str, SEEDS), *(job.id for job in run), "lucky", "wan-2-7"]
    told += [picture.sha256 for job in run for picture in job.record.pictures]
    assert [text for text in told if text in sent] == []
    # The prompt is what is asked about; it is a text, and no markup.
    assert judge._ballot["questions"] == ["Which is the better picture of “a <b>cat</b>”?"]
    originals = {path.read_bytes() for job in run for path in job.paths}
    assert not originals & {data for _, buffers in answers for data in buffers}


@pytest.fixture
def films(tmp_path: Path) -> Iterator[rv.Run]:
    with closing(rv.connect("key", "http://127.0.0.1:9", store=tmp_path)) as session:
        greys = [range(0, 10 * number, 2) for number in (5, 6, 7)]
        jobs = [
            done("a cat", {"seed": seed}, pictures=(film_record(session.store, each),))
            for seed, each in zip(SEEDS, greys, strict=True)
        ]
        axes = [AxisRecord("seed", tuple(map(str, SEEDS)))]
        cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
        record = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
        yield session.run(record.id)


def test_a_video_whose_file_is_gone_is_told_to_the_rater_and_to_who_writes_a_page(
    films: rv.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comm, "create_comm", Frontend)
    ranking = films.rank(by="seed")
    gone = films[0].path
    assert gone is not None
    gone.unlink()
    judge = ranking.judge()
    troubles = []
    for place in range(3):
        judge._handle_custom_msg({"id": "1", "kind": "files", "place": place}, [])
        troubles.append(judge.comm.sent.get(timeout=60)[0].get("trouble"))
    assert troubles.count("A video of this pair is gone or cannot be read; S skips the pair.") == 2
    with pytest.raises(rv.StoreError, match=r"^No page was written: .*gone.* leaves it out") as told:
        films.rank(by="seed", rater="B").write_page(tmp_path / "page.html")
    assert gone.name in str(told.value)
    assert "S skips" not in str(told.value)
    films[0].exclude("its file is gone")
    assert films.rank(by="seed", rater="B").write_page(tmp_path / "page.html").is_file()


def test_videos_are_encoded_anew_and_called_videos(films: rv.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", Frontend)
    ranking = films.rank(by="seed")
    judge = ranking.judge()
    assert judge._ballot["questions"] == ["Which is the better video of “a cat”?"]
    originals = {path.read_bytes() for job in films for path in job.paths}
    for _ in range(2):
        judge._handle_custom_msg({"id": "1", "kind": "files", "place": 0}, [])
        content, buffers = judge.comm.sent.get(timeout=60)
        assert content["types"] == ["video/webm", "video/webm"]
        assert not originals & set(buffers)
        assert not [data for data in buffers if b"a film" in data]
        # Made once; without ffmpeg they are still there.
        monkeypatch.setattr(ffmpeg, "_run", lambda *_, **__: None)
    assert "3 pairs" in repr(ranking)
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    for ask in (ranking.judge, lambda: ranking.write_page("page.html")):
        with pytest.raises(UsageError, match=r"by ffmpeg, which is not installed here: pip install"):
            ask()
    assert "There are no votes yet" in repr(ranking.strengths), "what was judged can be read"


def test_votes_reach_the_store_with_their_sides_and_can_be_taken_back(run: rv.Run, ask: Ask) -> None:
    assert ask(kind="vote", place=0, better="left", seconds=2.5) == ({}, [])
    assert ask(kind="vote", place=1, better="none", seconds=1) == ({}, [])
    rows = run.rank(by="seed").votes()
    assert rows["seconds"].tolist() == [2.5, 1.0]
    assert rows["better"].tolist() == [rows["left"][0], "tie"]
    assert ask(kind="back", place=1) == ({}, [])
    assert run.rank(by="seed").left == 2
    assert run.rank(by="seed").judge()._ballot["judged"] == [0]


def test_what_stays_in_the_cell_says_how_far_the_rater_is_and_not_who_leads(
    run: rv.Run, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(Kept, "_ipython_display_", lambda kept: shown.append(kept._repr_mimebundle_()))
    ask(kind="vote", place=0, better="left", seconds=1)
    with pytest.raises(NotImplementedError):
        run.rank(by="seed").judge()._ipython_display_()
    [look] = shown
    for text in look.values():
        assert "Ranking by seed: rater A has judged 1 of 3 pairs" in text
        assert "Run this cell again to go on judging" in text or "<" not in text
        assert "47110" not in text


def test_how_sure_the_order_is_is_told_as_votes_come(run: rv.Run, ask: Ask) -> None:
    judge = ask.judge  # type: ignore[attr-defined]
    ask(kind="vote", place=0, better="left", seconds=1)
    assert until(lambda: judge._sure == "the order of 0 of 3 seeds is settled", 60)


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "vote", "place": 3, "better": "left", "seconds": 1},
        {"kind": "vote", "place": -1, "better": "left", "seconds": 1},
        {"kind": "vote", "place": True, "better": "left", "seconds": 1},
        {"kind": "vote", "place": "0", "better": "left", "seconds": 1},
        {"kind": "vote", "place": 0, "better": "one", "seconds": 1},
        {"kind": "vote", "place": 0, "better": ["left"], "seconds": 1},
        {"kind": "vote", "place": 0, "better": "left", "seconds": float("nan")},
        {"kind": "vote", "place": 0, "better": "left", "seconds": -1},
        {"kind": "vote", "place": 0, "better": "left"},
        {"kind": "back", "place": 99},
        {"kind": "files", "place": None},
    ],
)
def test_a_message_that_is_none_changes_nothing(run: rv.Run, ask: Ask, content: dict[str, Any]) -> None:
    answer, buffers = ask(**content)
    assert answer["trouble"] in ("There is no such pair.", "This is no vote.")
    assert buffers == []
    assert run.rank(by="seed").left == 3


def test_a_picture_that_was_deleted_meanwhile_is_told(run: rv.Run, ask: Ask) -> None:
    run[0].delete(confirm=True)
    troubles = [ask(kind="files", place=place)[0].get("trouble") for place in range(3)]
    assert troubles.count("A picture of this pair is gone or cannot be read; S skips the pair.") == 2
