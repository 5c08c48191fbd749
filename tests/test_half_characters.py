"""Half of a character, as broken programs and file names leave it, is a mistake that is told in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from api.scripted import KEY
from PIL import Image

import rivya_nb as rv

HALF = "a\ud83d b"
PICTURE = Image.new("RGB", (400, 400))
SENTENCE = "half of a character"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[rv.Session]:
    with closing(rv.connect(KEY, "http://127.0.0.1:9", store=tmp_path / "store")) as made:
        yield made


ASKED: dict[str, Callable[[], object]] = {
    "prompt": lambda: rv.plan(HALF, seed=1),
    "axis in the prompt": lambda: rv.plan(f"a {{cat|{HALF}}}", seed=1),
    "name": lambda: rv.plan("a", seed=1, name=HALF),
    "param": lambda: rv.plan("a", watermark=HALF),
    "text param": lambda: rv.plan("a", model="ideogram-v3", negative_prompt=HALF),
    "label": lambda: rv.plan("a", references={HALF: [PICTURE], "b": [PICTURE]}),
    "file": lambda: rv.plan("a", references=[f"/nowhere/{HALF}.png"]),
    "path": lambda: rv.plan("a", references=[Path(f"/nowhere/{HALF}.png")]),
    "address": lambda: rv.plan("a", references=[f"https://pictures.example/{HALF}.png"]),
    "panel": lambda: rv.panel(HALF),
    "words of the history": lambda: len(rv.history(prompt=HALF)),
    "tag of the history": lambda: len(rv.history(tag=HALF)),
    "param of the history": lambda: len(rv.history(params={"x": HALF})),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_it_is_told_in_one_line_and_nothing_is_written(
    ask: Callable[[], object], session: rv.Session
) -> None:
    with pytest.raises((rv.UsageError, rv.InvalidRequestError), match=SENTENCE) as caught:
        ask()
    assert (
        len(str(caught.value).removesuffix("\n  Nothing was sent and nothing was spent.").splitlines()) == 1
    )
    str(caught.value).encode()
    assert session.runs() == []


def test_a_file_whose_name_is_no_text_is_told_too(session: rv.Session, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.png"
    with open(path, "wb") as file:  # noqa: PTH123 - a name that is no text
        PICTURE.save(file, "PNG")
    with pytest.raises(rv.UsageError, match=SENTENCE):
        rv.plan("a", references=[os.fsdecode(path)])


@pytest.mark.parametrize("act", ["tag", "untag", "annotate"])
def test_a_mark_is_told_too(act: str, session: rv.Session) -> None:
    run = rv.plan("a", seed=1).run()
    run.stop()
    with pytest.raises(rv.UsageError, match=SENTENCE):
        getattr(run[0], act)(HALF)


@pytest.mark.parametrize("act", ["save", "report"])
def test_a_place_to_write_to_is_told_too(act: str, session: rv.Session, tmp_path: Path) -> None:
    run = rv.plan("a", seed=1).run()
    run.stop()
    with pytest.raises(rv.UsageError, match="not a path: it holds half of a character"):
        getattr(run, act)(f"{tmp_path}/{HALF}")
    with pytest.raises(rv.UsageError, match="not a path: it holds half of a character"):
        rv.connect(KEY, "http://127.0.0.1:9", store=f"{tmp_path}/{HALF}")


def test_every_message_can_be_printed(session: rv.Session) -> None:
    with pytest.raises(rv.InvalidRequestError) as caught:
        rv.plan("a", params={HALF: 1})
    str(caught.value).encode()
