"""The references of a panel: files that arrive, and sets of them as an axis, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from control_panel.conftest import ASKED, generate, until
from PIL import Image
from sandbox.recorded import mp4, wav

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel


def send(panel: Panel, content: dict[str, Any], buffers: tuple[bytes, ...] = ()) -> None:
    panel.model.references.receive(content, [memoryview(data) for data in buffers])


def keys_of(panel: Panel) -> dict[str, str]:
    """The keys of the cards, by the names of their files."""
    return {item["name"]: item["key"] for item in panel.form.references.strip.items}


def act(panel: Panel, kind: str, name: str, to: str = "", **more: object) -> None:
    """What the buttons of a card say, and a card that is dropped on another; both known by their names."""
    keys = keys_of(panel)
    send(panel, {"kind": kind, "card": keys[name], "to": keys.get(to), **more})


def drop(panel: Panel, name: str, data: bytes, number: int = 1, piece: int = 1 << 20) -> None:
    """A file as the browser sends it."""
    send(panel, {"kind": "begin", "file": number, "name": name, "size": len(data)})
    # Messages of one widget may overtake each other on a kernel's threads.
    for offset in reversed(range(0, len(data), piece)):
        send(panel, {"kind": "piece", "file": number, "offset": offset}, (data[offset : offset + piece],))


def png(*size: int) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((size[0], size[1]), 90).convert("RGB").save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def names(panel: Panel) -> list[list[str]]:
    """The sets of references, by the names of their files."""
    return [[reference.name for reference in each] for each in panel.model.references.value]


def filled(panel: Panel, *files: str) -> Panel:
    """A panel into whose strip these files were dropped."""
    for number, name in enumerate(files, start=1):
        drop(panel, name, png(8 * number, 8), number)
        until(lambda number=number: len(panel.form.references.strip.items) == number)
    return panel


def test_a_file_arrives_in_pieces_and_whole(session: rv.Session, opened: Callable[..., Panel]) -> None:
    panel = opened()
    data = png(900, 800)
    assert len(data) > 2 * (1 << 20)
    drop(panel, "noise.png", data)
    until(lambda: panel.model.references.value)
    ((reference,),) = panel.model.references.value
    assert reference.name == "noise.png"
    assert session.store.files.read(reference.sha256, reference.mime_type) == data


def test_files_that_are_dropped_together_keep_their_order(opened: Callable[..., Panel]) -> None:
    panel = opened()
    large = png(600, 500)
    drop(panel, "small.png", png(8, 8), 2)
    until(lambda: panel.model.references.value)
    send(panel, {"kind": "begin", "file": 1, "name": "large.png", "size": len(large)})
    send(panel, {"kind": "piece", "file": 1, "offset": 0}, (large,))
    until(lambda: names(panel) == [["large.png", "small.png"]])


def test_references_can_be_moved_and_removed(opened: Callable[..., Panel]) -> None:
    panel = opened()
    filled(panel, "a", "b", "c")
    act(panel, "move", "c", "a")
    until(lambda: names(panel) == [["c", "a", "b"]])
    act(panel, "remove", "a")
    until(lambda: names(panel) == [["c", "b"]])


def test_a_refused_file_says_why_and_is_not_kept(opened: Callable[..., Panel]) -> None:
    panel = opened()
    said: list[dict[str, Any]] = []
    panel.form.references.strip.send = lambda content, buffers=None: said.append(content)
    drop(panel, "notes.rtf", b"just some text")
    until(lambda: any(each["kind"] == "refused" for each in said))
    refused = said[-1]
    assert refused["name"] == "notes.rtf"
    assert "text" in refused["why"]
    assert panel.model.references.value == ()


def test_a_film_is_dropped_where_the_model_takes_films(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    panel.model.put(replace(ASKED, models=("wan-2-6",), params={}, several=frozenset()))
    strip = panel.form.references.strip
    until(lambda: strip.rules["accept"] == "image/*,video/*")
    assert strip.rules["words"] == "{n} of 1 · pictures or video · ≤ 10 MB each"
    data = mp4(3)
    drop(panel, "clip.mp4", data)
    until(lambda: strip.items)
    [item] = strip.items
    assert (item["name"], item["about"]) == ("clip.mp4", f"video · 3 s · {len(data)} bytes")
    assert item["length"] == "0:03"
    assert item["thumbnail"].startswith("data:image/")
    [[reference]] = panel.model.references.value
    assert session.store.files.read(reference.sha256, "video/mp4") == data


def test_a_model_of_both_has_a_limit_for_each_kind(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(replace(ASKED, models=("happyhorse-1-0",), params={}, several=frozenset()))
    strip = panel.form.references.strip
    until(lambda: strip.rules["limits"] == {"image": 10_000_000, "video": 95_000_000})
    assert strip.rules["words"] == "{n} of 10 · pictures ≤ 10 MB, video ≤ 95 MB"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("clip.mp4", mp4(3), "a reference of kind video is not accepted; accepted: image"),
        ("song.wav", wav(1), "a reference of kind audio is not accepted; accepted: image"),
        ("notes.mp4", b"just some text", "this is not a picture but text; accepted are jpeg, png and webp"),
        ("clip.mp4", mp4(3)[:-40], "it is cut or damaged: not all of it is there"),
    ],
)
def test_a_recording_that_is_not_taken_is_refused_in_one_line(
    opened: Callable[..., Panel], name: str, data: bytes, why: str
) -> None:
    panel = opened()
    said: list[dict[str, Any]] = []
    panel.form.references.strip.send = lambda content, buffers=None: said.append(content)
    drop(panel, name, data)
    until(lambda: any(each["kind"] == "refused" for each in said))
    assert (said[-1]["name"], said[-1]["why"]) == (name, why)
    assert panel.model.references.value == ()


def test_a_dropped_picture_of_this_tool_offers_its_settings(
    opened: Callable[..., Panel], tmp_path: Path
) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    (copy, *_) = [path for path in run.save(tmp_path / "saved") if path.suffix == ".png"]
    panel.model.put(FormState(prompt="something else"))
    drop(panel, copy.name, copy.read_bytes())
    until(lambda: panel.form.references.strip.items and panel.form.references.strip.items[0]["recallable"])
    act(panel, "recall", copy.name)
    until(lambda: panel.model.form.params.get("seed") == "1")
    assert panel.model.form.prompt == "a glass bottle"


def test_a_message_of_another_shape_changes_nothing(opened: Callable[..., Panel]) -> None:
    panel = filled(opened(), "a")
    key = panel.form.references.strip.items[0]["key"]
    for content in (
        {},
        {"kind": "no such", "card": key},
        {"kind": "remove", "card": 0},
        {"kind": "join", "card": key},
        {"kind": "step", "card": key},
        {"kind": "step", "card": key, "forward": True},
        {"kind": "move", "card": key, "to": "x"},
        {"kind": "recall", "card": key},
        {"kind": "recall", "card": None},
    ):
        send(panel, content)
    send(panel, {"kind": "axis", "on": True})
    until(lambda: panel.form.references.strip.several)
    assert names(panel) == [["a"]]


@pytest.fixture
def axis(opened: Callable[..., Panel]) -> Panel:
    """A panel with four references, each a value of an axis."""
    panel = filled(opened(), "a", "b", "c", "d")
    send(panel, {"kind": "axis", "on": True})
    until(lambda: names(panel) == [["a"], ["b"], ["c"], ["d"]])
    return panel


def test_references_as_an_axis_are_put_together_and_split(axis: Panel) -> None:
    for kind, name, sets in (
        ("join", "b", [["a", "b"], ["c"], ["d"]]),
        ("join", "c", [["a", "b", "c"], ["d"]]),
        ("split", "b", [["a", "c"], ["b"], ["d"]]),
        ("split", "a", [["a"], ["c"], ["b"], ["d"]]),
        ("remove", "b", [["a"], ["c"], ["d"]]),
        ("join", "c", [["a", "c"], ["d"]]),
    ):
        act(axis, kind, name)
        until(lambda sets=sets: names(axis) == sets)
    send(axis, {"kind": "without", "on": True})
    until(lambda: names(axis) == [["a", "c"], ["d"], []])
    send(axis, {"kind": "axis", "on": False})
    until(lambda: names(axis) == [["a", "c", "d"]])
    until(lambda: [item["set"] for item in axis.form.references.strip.items] == [0, 0, 0])


def test_a_step_of_a_reference_of_an_axis_keeps_the_sizes_of_the_sets(axis: Panel) -> None:
    act(axis, "join", "d")
    until(lambda: names(axis) == [["a"], ["b"], ["c", "d"]])
    for sets in ([["b"], ["a"], ["c", "d"]], [["b"], ["c"], ["a", "d"]], [["b"], ["c"], ["d", "a"]]):
        act(axis, "step", "a", forward=True)
        until(lambda sets=sets: names(axis) == sets)


def test_a_button_pressed_twice_before_the_answer_acts_twice_on_the_same_reference(axis: Panel) -> None:
    for _ in range(2):
        act(axis, "step", "a", forward=True)
    until(lambda: names(axis) == [["b"], ["c"], ["a"], ["d"]])
    key = keys_of(axis)["c"]
    for _ in range(2):
        send(axis, {"kind": "remove", "card": key})
    until(lambda: names(axis) == [["b"], ["a"], ["d"]])


def test_a_reference_dropped_on_a_set_of_several_goes_into_it(axis: Panel) -> None:
    for kind, name, to, sets in (
        ("move", "d", "a", [["d"], ["a"], ["b"], ["c"]]),
        ("join", "a", "", [["d", "a"], ["b"], ["c"]]),
        ("move", "c", "a", [["d", "c", "a"], ["b"]]),
        ("move", "d", "b", [["c", "a"], ["b"], ["d"]]),
        ("move", "b", "c", [["b", "c", "a"], ["d"]]),
        ("move", "b", "a", [["c", "a", "b"], ["d"]]),
    ):
        act(axis, kind, name, to)
        until(lambda sets=sets: names(axis) == sets)


def test_what_is_added_to_an_axis_is_a_set_of_its_own(axis: Panel, session: rv.Session) -> None:
    act(axis, "join", "b")
    drop(axis, "late", png(80, 8), 9)
    until(lambda: names(axis)[-1] == ["late"])
    drop(axis, "early", png(80, 16), 3)
    until(lambda: names(axis) == [["a", "b"], ["c"], ["early"], ["d"], ["late"]])
    drop(axis, "earlier", png(80, 24), 2)
    until(lambda: "earlier" in str(names(axis)))


def test_pictures_of_the_gallery_join_an_axis_by_what_was_asked_for(opened: Callable[..., Panel]) -> None:
    panel = opened()
    run = generate(panel, replace(ASKED, prompt="A glass bottle on a soft studio background"))
    send(panel, {"kind": "axis", "on": True})
    send(panel, {"kind": "pictures", "jobs": [job.id for job in run]})
    until(
        lambda: names(panel) == [["A glass bottle on a sof…, seed 1"], ["A glass bottle on a sof…, seed 2"]]
    )
    until(lambda: "2 × 2" in panel.summary)


def test_a_picture_that_is_gone_by_now_is_no_reference_and_says_so(opened: Callable[..., Panel]) -> None:
    panel = opened()
    run = generate(panel, ASKED)
    run[0].delete(confirm=True)
    send(panel, {"kind": "pictures", "jobs": [run[0].id, run[1].id]})
    until(lambda: panel.model.references.trouble)
    assert "1 picture of those that were handed over is not in the store" in panel.model.references.trouble[0]
    assert panel.model.references.value == ()
    until(lambda: not panel.model.references.arriving)


def axis_of(panel: Panel, *files: str) -> tuple[Any, ...]:
    """Sets of one reference each, whose files are in the store."""
    data = [png(8 * number, 24) for number in range(1, len(files) + 1)]
    taken = [panel.model.references.take([each])[0] for each in data]
    return tuple((replace(each, name=name),) for each, name in zip(taken, files, strict=True))


def test_sets_of_references_are_planned_asked_and_kept(opened: Callable[..., Panel]) -> None:
    panel = opened()
    (red, *_), (blue, *_) = axis_of(panel, "red.png", "blue.png")
    asked = replace(ASKED, references=((red,), (red, blue), ()))
    run = generate(panel, asked)
    assert "6 pictures" in panel.summary
    assert "2 × 3" in panel.summary
    assert [axis.labels for axis in run.record.axes][1] == ("red.png", "red.png + blue.png", "without")
    assert [len(job.record.references) for job in run] == [1, 2, 0] * 2
    panel.close()
    again = opened()
    assert again.model.form == asked
    strip = again.form.references.strip
    until(lambda: (strip.several, strip.without, strip.values) == (True, True, 3))
    assert [item["set"] for item in strip.items] == [0, 1, 1]
    again.model.recall(run[1].record.request)
    until(lambda: not strip.several and names(again) == [["red.png", "blue.png"]])


def test_the_references_of_all_sets_may_be_more_than_a_request_takes(opened: Callable[..., Panel]) -> None:
    panel = opened()
    sets = axis_of(panel, *(f"{number}.png" for number in range(12)))
    panel.model.put(replace(ASKED, references=sets))
    until(lambda: "24 pictures" in panel.summary)
    send(panel, {"kind": "axis", "on": False})
    until(lambda: "12 are too many" in panel.form.references._mistakes.value)
    until(lambda: "references" in panel.reason)


def test_what_is_wrong_with_one_reference_stands_below_the_strip(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    panel = opened()
    sets = axis_of(panel, "cat.png", "dog.png")
    session.store.files.path(sets[1][0].sha256, "image/png").unlink()
    panel.model.put(replace(ASKED, references=sets))
    until(lambda: "dog.png" in panel.form.references._mistakes.value)
    assert panel.form._mistakes.value == ""
    until(lambda: "waits for the references" in panel.reason)


def test_references_that_are_one_and_the_same_are_offered_as_one_picture(
    opened: Callable[..., Panel],
) -> None:
    panel = opened()
    panel.model.put(ASKED)
    for number, (name, size) in enumerate({"a": 8, "again": 8, "b": 16}.items(), start=1):
        drop(panel, name, plain(size), number)
    until(lambda: len(panel.form.references.strip.items) == 3)
    send(panel, {"kind": "axis", "on": True})
    until(lambda: "4 pictures" in panel.summary)
    assert "48 credits" in panel.summary
    assert "2 cells show one that another shows too" in panel.summary
    until(lambda: not panel.generate.disabled)
    panel.generate.click()
    until(lambda: panel.runs)
    assert "of 4" in repr(panel.runs[0])


def plain(size: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (size, size)).save(buffer, "PNG")
    return buffer.getvalue()
