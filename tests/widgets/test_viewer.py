"""The viewer without a browser: what it holds at first, what it answers, and what it says where none is shown."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pytest
from comm.base_comm import BaseComm
from media.samples import sample
from PIL import Image
from sandboxes import until
from store.filling import a_job, add, done, kept

import rivya_nb as rv
from rivya_nb.store.records import PictureRecord

MIB = 1 << 20
HOSTILE = "</script><img src=x onerror=alert(1)>\u202e\nsecond line"

Ask = Callable[..., tuple[dict[str, Any], list[bytes]]]


class Frontend(BaseComm):
    """A frontend's end of a widget's connection; what the kernel sends stands in a queue."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        self.sent: queue.Queue[tuple[dict[str, Any], list[bytes]]] = queue.Queue()
        super().__init__(*args, **keys)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        if (data or {}).get("method") == "custom":
            self.sent.put((data["content"], [bytes(buffer) for buffer in buffers or []]))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    """A session whose store has 130 pictures; nobody is at the other end."""
    folder = tmp_path_factory.mktemp("store")
    with closing(rv.connect("key", "http://127.0.0.1:9", store=folder)) as session:
        noise = np.random.default_rng(1).integers(0, 255, (1000, 1000, 3), dtype=np.uint8)
        large, small = BytesIO(), BytesIO()
        Image.fromarray(noise).save(large, "PNG")
        Image.new("RGB", (8, 6), "teal").save(small, "PNG")
        pictures = [
            PictureRecord(session.store.files.put(data, "image/png"), "image/png", *size, len(data))
            for data, size in ((large.getvalue(), (1000, 1000)), (small.getvalue(), (8, 6)))
        ]
        jobs = [
            a_job(
                HOSTILE if seed == 129 else "a cat",
                {"seed": seed},
                status="succeeded",
                created_at=1000.0 + seed,
                pictures=(pictures[0 if seed == 129 else 1],),
            )
            for seed in range(130)
        ]
        add(session.store, *jobs)
        yield session


@pytest.fixture
def ask(session: rv.Session, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Opens the viewer on the history and sends it a message; gives what it answers."""
    monkeypatch.setattr(comm, "create_comm", Frontend)
    viewer = rv.history().view()

    def send(**content: Any) -> tuple[dict[str, Any], list[bytes]]:
        viewer._handle_custom_msg({"id": "1", **content}, [])
        answer: tuple[dict[str, Any], list[bytes]] = viewer.comm.sent.get(timeout=60)
        assert answer[0].pop("id") == "1"
        return answer

    send.viewer = viewer  # type: ignore[attr-defined]
    return send


def scene_of(ask: Ask) -> dict[str, Any]:
    scene: dict[str, Any] = ask.viewer._scene  # type: ignore[attr-defined]
    return scene


def test_a_long_history_comes_a_page_at_a_time(ask: Ask) -> None:
    first = scene_of(ask)
    assert (len(first["cells"]), first["total"], first["more_pages"]) == (60, 130, 3)
    assert ask(kind="turn", page=2) == ({}, [])
    assert len(scene_of(ask)["cells"]) == 10
    assert scene_of(ask)["first"] == 121


def test_an_original_is_read_in_pieces_and_is_the_files_bytes(ask: Ask, session: rv.Session) -> None:
    cell = scene_of(ask)["cells"][0]
    data, total = b"", 1
    while len(data) < total:
        answer, [piece] = ask(kind="read", key=cell["key"], offset=len(data))
        assert 0 < len(piece) <= MIB
        data, total = data + piece, answer["total"]
    path = rv.history()[0].path
    assert path is not None
    assert data == path.read_bytes()
    assert len(data) > 2 * MIB
    assert sum(len(each["small"]) for each in scene_of(ask)["cells"]) < 750_000


def test_what_others_wrote_is_one_line_of_text(ask: Ask) -> None:
    cell = scene_of(ask)["cells"][0]
    [prompt] = [value for name, value, _ in cell["facts"] if name == "prompt"]
    assert prompt == "</script><img src=x onerror=alert(1)> second line"


def test_marks_are_kept_and_wrong_ones_refused(ask: Ask) -> None:
    job = scene_of(ask)["cells"][0]["job"]
    assert ask(kind="mark", job=job, rating=5) == ({}, [])
    assert rv.history()[0].rating == 5
    for wrong in ({"rating": 6}, {"rating": True}, {"favourite": 1}, {}):
        assert "whole number from 0 to 5" in ask(kind="mark", job=job, **wrong)[0]["trouble"]
    assert "no such job" in ask(kind="mark", job="another", rating=1)[0]["trouble"]
    assert rv.history()[0].rating == 5


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ({"kind": "read", "key": "../../etc/passwd", "offset": 0}, "no such result"),
        ({"kind": "turn", "page": 3}, "no such page"),
        ({"kind": "turn", "page": "1"}, "no such page"),
    ],
)
def test_what_it_does_not_show_is_not_given_out(ask: Ask, content: dict[str, Any], trouble: str) -> None:
    assert trouble in ask(**content)[0]["trouble"]


def test_a_picture_whose_file_is_gone_is_told(ask: Ask) -> None:
    cell = scene_of(ask)["cells"][0]
    path = rv.history()[0].path
    assert path is not None
    away = path.rename(path.with_suffix(".away"))
    try:
        assert "Its file is gone" in ask(kind="read", key=cell["key"], offset=0)[0]["trouble"]
        assert "Its file is gone" in rv.history().view()._scene["cells"][0]["words"]
    finally:
        away.rename(path)


def test_where_no_widget_is_shown_it_says_what_it_is(session: rv.Session) -> None:
    assert repr(rv.history().view()) == (
        "<Viewer of 130 pictures of history. It is shown where a notebook shows widgets; elsewhere "
        'grid.save("grid.png") makes one picture of them.>'
    )


def test_a_picture_that_is_deleted_goes_from_an_open_viewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comm, "create_comm", Frontend)
    with closing(rv.connect("key", "http://127.0.0.1:9", store=tmp_path)) as session:
        add(session.store, *(done(params={"seed": seed}, created_at=1000.0 + seed) for seed in (1, 2)))
        viewer = rv.history()[:].view()

        def shown() -> list[bool]:
            return [cell["has_picture"] for cell in viewer._scene["cells"]]

        assert shown() == [True, True]
        rv.history()[0].delete(confirm=True)
        assert until(lambda: shown() == [False, True])
        gone = viewer._scene["cells"][0]
        assert gone["words"] == "∅ deleted"
        viewer._handle_custom_msg({"id": "1", "kind": "mark", "job": gone["job"], "rating": 5}, [])
        answer, _ = viewer.comm.sent.get(timeout=60)
        assert "no result here" in answer["trouble"]


def test_a_video_comes_as_a_small_copy_and_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", Frontend)
    with closing(rv.connect("key", "http://127.0.0.1:9", store=tmp_path)) as session:
        film = kept(session.store, sample("film.webm"), mime_type="video/webm", duration=0.5)
        picture = kept(session.store, b"no film")
        add(session.store, *(done(pictures=(each,), created_at=1000.0) for each in (film, picture)))
        viewer = rv.history()[:].view()
        told = {cell["medium"]: cell for cell in viewer._scene["cells"]}
        assert told["video"]["alt"].startswith("video 0:01 · a cat")
        assert (told["video"]["seconds"], told["image"]["seconds"]) == (0.5, 0)

        def answer(**content: Any) -> tuple[dict[str, Any], list[bytes]]:
            viewer._handle_custom_msg({"id": "1", **content}, [])
            given: tuple[dict[str, Any], list[bytes]] = viewer.comm.sent.get(timeout=60)
            return given

        for question in ({"kind": "preview"}, {"kind": "read", "offset": 0}):
            said, [data] = answer(key=told["video"]["key"], **question)
            assert (said["mime"], said["total"], said["rate"]) == ("video/webm", len(data), pytest.approx(10))
            assert data == sample("film.webm")
        assert (
            "no small copy of this picture" in answer(kind="preview", key=told["image"]["key"])[0]["trouble"]
        )
