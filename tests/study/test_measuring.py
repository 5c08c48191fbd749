"""Numbers of pictures: computed once, kept, and told where they fail."""

from __future__ import annotations

import io
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import rivya_nb as rv
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.measures import registry
from rivya_nb.store.records import PictureRecord, planned_job
from rivya_nb.store.store import Store
from rivya_nb.study import computing
from rivya_nb.study.measuring import measured, measured_pairs, measured_together
from rivya_nb.study.places import PicturedPlace

Fill = Callable[..., list[PicturedPlace]]


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_defined", {})


@pytest.fixture
def fill(store: Store) -> Fill:
    """`fill(1, 2, 3)`: a place for each red, with a picture of that colour."""

    def fill(*reds: int, prompt: str = "a fox", mode: str = "RGB") -> list[PicturedPlace]:
        places = []
        for red in reds:
            buffer = io.BytesIO()
            Image.new(mode, (16, 12), (red, 0, 0, 0)[: len(mode)]).save(buffer, "PNG")
            sha256 = store.files.put(buffer.getvalue(), "image/png")
            picture = PictureRecord(sha256, "image/png", 16, 12, 1)
            job = planned_job(Request("wan", prompt, {"seed": red}), "sandbox", 0.0)
            places.append(PicturedPlace(replace(job, pictures=(picture,)), picture, {}, {}))
        return places

    return fill


def red_of(image: Image.Image) -> int:
    return image.getpixel((0, 0))[0]  # type: ignore[index,return-value]


def values(found: Any) -> list[float]:
    return list(found.values())


def test_each_picture_is_measured_once_also_by_another_kernel(store: Store, fill: Fill) -> None:
    seen: list[int] = []
    mine = rv.measure(name="mine", version="1")(lambda image: seen.append(red_of(image)) or red_of(image))
    places = fill(1, 2, 3)
    assert values(measured(store, [*places, places[0]], "mine")) == [1, 2, 3]
    again = Store.open(store.folder)
    assert values(measured(again, [*places, *fill(4)], mine)) == [1, 2, 3, 4]
    again.close()
    assert sorted(seen) == [1, 2, 3, 4]


def test_two_kernels_at_once_share_the_work(store: Store, fill: Fill) -> None:
    seen: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(image: Image.Image) -> int:
        begun.set()
        assert go_on.wait(60)
        seen.append(red_of(image))
        return red_of(image)

    mine = rv.measure(name="mine", version="1")(slow)
    places, other = fill(*range(6)), Store.open(store.folder)
    found: list[list[float]] = []
    first = threading.Thread(target=lambda: found.append(values(measured(store, places, mine))))
    first.start()
    assert begun.wait(60)
    second = threading.Thread(target=lambda: found.append(values(measured(other, places, mine))))
    second.start()
    go_on.set()
    first.join(60)
    second.join(60)
    other.close()
    assert found == [list(range(6))] * 2
    assert sorted(seen) == list(range(6))


def test_another_version_is_measured_anew_and_the_old_numbers_stay(store: Store, fill: Fill) -> None:
    places = fill(1, 2)
    first = rv.measure(name="mine", version="1")(red_of)
    assert values(measured(store, places, first)) == [1, 2]
    second = rv.measure(name="mine", version="2")(lambda image: 10 * red_of(image))
    assert values(measured(store, places, "mine")) == [10, 20]
    assert values(measured(store, places, first)) == [1, 2]
    assert second.version == "2"


def test_a_source_that_changes_under_its_version_is_told(store: Store, fill: Fill) -> None:
    def mine(image: Image.Image) -> int:
        return 1

    places = fill(1, 2)
    measured(store, places, rv.measure(version="a")(mine))

    def mine(image: Image.Image) -> int:  # type: ignore[no-redef]
        return 2

    found = measured(store, [*places, *fill(3)], rv.measure(version="a")(mine))
    assert values(found) == [1, 1, 2]
    assert "the source of mine has changed, and its version is still 'a'" in found.notes[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (math.nan, "it gave NaN"),
        (math.inf, "it gave inf"),
        ("0.5", "it gave the text '0.5'"),
        (None, "does the function have a return?"),
        (np.zeros((3, 4)), "an array of 3 × 4 numbers"),
        ([1], r"it gave \[1\] \(list\)"),
        ({}, "an empty dict"),
        ({"hue": None}, "it gave None as 'hue'"),
        ({1: 2}, "the names of parts are texts"),
        (1j, "complex"),
    ],
)
def test_what_is_no_number_is_told_in_words(store: Store, fill: Fill, given: Any, told: str) -> None:
    mine = rv.measure(name="mine", version="1")(lambda image: given if red_of(image) == 2 else 1)
    found = measured(store, fill(1, 2, 3), mine)
    assert [math.isnan(number) for number in values(found)] == [False, True, False]
    assert found.trouble.startswith("1 of 3 failed: ")
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(found.trouble)


@pytest.mark.parametrize("given", [True, np.float32(1), np.array(1), np.array([1.0]), np.int64(1), np.True_])
def test_numbers_of_other_packages_are_numbers(store: Store, fill: Fill, given: Any) -> None:
    mine = rv.measure(name="mine", version="1")(lambda image: given)
    assert values(measured(store, fill(1), mine)) == [1]


def test_a_failure_is_of_one_picture_and_is_tried_again(store: Store, fill: Fill) -> None:
    is_broken = [True]

    @rv.measure(version="1")
    def mine(image: Image.Image) -> int:
        if red_of(image) == 2 and is_broken:
            raise ValueError("no red")
        return red_of(image)

    places = fill(1, 2, 3)
    found = measured(store, places, mine)
    assert found.trouble.startswith("1 of 3 failed: ValueError: no red (line ")
    assert math.isnan(found.of(places[1]))
    is_broken.clear()
    assert values(measured(store, places, mine)) == [1, 2, 3]


def test_a_picture_whose_file_is_gone_is_told(store: Store, fill: Fill) -> None:
    places = fill(1, 2)
    path = store.files.path(places[0].picture.sha256, "image/png")
    path.unlink()
    for name in ("brightness", rv.measure(name="several", version="1")(lambda images: [1] * len(images))):
        found = measured(store, places, name)
        assert [math.isnan(number) for number in values(found)] == [True, False]
        assert f"1 of 2 failed: its file is gone: {path}" in found.trouble


def test_parts_are_chosen_by_their_names(store: Store, fill: Fill) -> None:
    rv.measure(name="palette", version="1")(lambda image: {"red": red_of(image), "green": 0})
    places = fill(7)
    assert values(measured(store, places, "palette.red")) == [7]
    with pytest.raises(UsageError, match=r"gives 2 numbers; choose one: palette\.green, palette\.red"):
        measured(store, places, "palette")
    with pytest.raises(UsageError, match="palette has no part 'blue'; its parts are green, red"):
        measured(store, places, "palette.blue")
    with pytest.raises(UsageError, match="it gives one number, without parts"):
        measured(store, places, "brightness.red")


def test_a_function_may_change_its_picture(store: Store, fill: Fill) -> None:
    def spoils(image: Image.Image) -> int:
        red = red_of(image)
        image.paste("white", (0, 0, *image.size))
        return red

    first, second = (rv.measure(name=name, version="1")(spoils) for name in ("first", "second"))
    found = measured_together(store, fill(5), [first, second, registry.find_measure("brightness")])
    assert [values(each)[0] for each in found[:2]] == [5, 5]
    assert values(found[2])[0] < 0.1


def test_pictures_come_upright_in_rgb_above_white(store: Store, fill: Fill) -> None:
    mine = rv.measure(name="mine", version="1")(
        lambda image: {"red": red_of(image), "rgb": image.mode == "RGB"}
    )
    found = measured_together(store, fill(9, mode="RGBA"), [mine])[0]
    assert next(iter(found.numbers.values())) == {"red": 255, "rgb": 1}


def test_a_number_that_depends_on_the_request_is_kept_with_it(store: Store, fill: Fill) -> None:
    mine = rv.measure(name="mine", version="1")(lambda image, request: len(request.prompt))
    fox, crow = *fill(1, prompt="a fox"), *fill(1, prompt="a crow")
    assert fox.picture == crow.picture
    found = measured(store, [fox, crow], mine)
    assert (found.of(fox), found.of(crow)) == (5, 6)
    again = measured(store, [crow, fox], mine)
    assert (again.of(fox), again.of(crow), values(again)) == (5, 6, [6])


def test_batches_get_lists_of_a_bounded_length(store: Store, fill: Fill) -> None:
    lengths: list[int] = []

    def several(images: list[Image.Image], requests: list[Request]) -> Any:
        lengths.append(len(images))
        return np.array(
            [red_of(image) * int(request.seed or 0) for image, request in zip(images, requests, strict=True)]
        )

    mine = rv.measure(name="mine", version="1")(several)
    assert values(measured(store, fill(*range(40)), mine)) == [number**2 for number in range(40)]
    assert lengths == [computing.BATCH, computing.BATCH, 8]


def test_a_batch_that_fails_is_tried_one_by_one(store: Store, fill: Fill) -> None:
    def several(images: list[Image.Image]) -> list[int]:
        reds = [red_of(image) for image in images]
        return [100 // (red - 2) for red in reds]

    mine = rv.measure(name="mine", version="1")(several)
    found = measured(store, fill(1, 2, 3), mine)
    assert found.trouble.startswith("1 of 3 failed: ZeroDivisionError")
    assert values(found)[::2] == [-100, 100]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([1], "it gave 1 result; a batch of 3 pictures needs a list of 3 results"),
        (1.5, r"it gave 1\.5 \(float\)"),
    ],
)
def test_a_batch_of_another_length_is_told(store: Store, fill: Fill, given: Any, told: str) -> None:
    mine = rv.measure(name="mine", version="1")(lambda images: given)
    with pytest.raises(AssertionError, match=f"3 of 3 failed: {told}"):
        raise AssertionError(measured(store, fill(1, 2, 3), mine).trouble)


def test_a_batch_may_be_a_generator(store: Store, fill: Fill) -> None:
    @rv.measure(version="1")
    def mine(images: list[Image.Image]) -> Iterator[int]:
        for image in images:
            yield 100 // (red_of(image) - 2)

    found = measured(store, fill(1, 2, 3), mine)
    assert found.trouble.startswith("1 of 3 failed: ZeroDivisionError")
    assert values(found)[::2] == [-100, 100]
    endless = rv.measure(name="endless", version="1")(lambda images: itertools.count())
    assert "it gave more; a batch of 3 pictures" in measured(store, fill(1, 2, 3), endless).trouble


class Odd(float):
    """A number that cannot be read."""

    def __float__(self) -> float:
        raise RuntimeError("the device is gone")

    __repr__ = __float__  # type: ignore[assignment]


class OddError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("the device is gone")


def raising() -> float:
    raise OddError


@pytest.mark.parametrize(
    ("give", "told"),
    [
        (Odd, "RuntimeError: the device is gone"),
        (lambda: {"hue": Odd()}, "RuntimeError: the device is gone"),
        (lambda: {"half \ud800": 1}, "the names of parts are texts"),
        (lambda: {"two\nlines": 1}, "the names of parts are texts on one line"),
        (raising, "OddError"),
    ],
)
def test_a_value_that_raises_is_a_failure_of_its_picture(
    store: Store, fill: Fill, give: Callable[[], object], told: str
) -> None:
    mine = rv.measure(name="mine", version="1")(lambda image: give() if red_of(image) == 2 else 1)
    found = measured(store, fill(1, 2, 3), mine)
    assert values(found)[::2] == [1, 1]
    assert told in found.trouble


def test_a_measure_that_asks_for_measures_is_refused_and_does_not_wait_for_itself(
    store: Store, fill: Fill
) -> None:
    places = fill(1, 2)
    mine = rv.measure(name="mine", version="1")(lambda image: measured(store, places, "mine")["-"])
    found = measured(store, places, mine)
    assert "asks for mine of pictures, and cannot while it measures" in found.trouble
    assert len(measured(store, places, "brightness").numbers) == 2


def test_pairs_are_kept_in_their_order(store: Store, fill: Fill) -> None:
    seen: list[int] = []
    mine = rv.measure(name="mine", version="1")(
        lambda one, other: seen.append(1) or red_of(one) - red_of(other)
    )
    one, other = (place.picture for place in fill(5, 2))
    for _ in range(2):
        (found,) = measured_pairs(store, [(one, other), (other, one)], [mine])
        assert (found.of_pair(one, other), found.of_pair(other, one)) == (3, -3)
    assert len(seen) == 2
    with pytest.raises(UsageError, match="compares two results, and here each"):
        measured(store, fill(1), mine)
    with pytest.raises(UsageError, match="brightness measures a picture, and compares no two"):
        measured_pairs(store, [], [registry.find_measure("brightness")])


def test_what_was_measured_before_a_stop_is_kept(store: Store, fill: Fill) -> None:
    stop, seen = threading.Event(), list[int]()

    def mine(image: Image.Image) -> int:
        seen.append(red_of(image))
        if len(seen) == 3:
            stop.set()
        return red_of(image)

    measure = rv.measure(version="1")(mine)
    places = fill(*range(100))
    first = measured(store, places, measure, stop=stop)
    before = len(seen)
    assert 3 <= before < 100
    assert len(first.numbers) == before
    assert values(measured(store, places, measure)) == list(range(100))
    assert len(seen) == 100


def test_progress_goes_up_to_all(store: Store, fill: Fill) -> None:
    told: list[tuple[int, int]] = []
    measured(store, fill(1, 2, 3), "brightness", progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)
    assert told == sorted(told)
