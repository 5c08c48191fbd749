"""Numbers of pictures in the store, and the history in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rivya_nb.media.frames import MIDDLE
from rivya_nb.store import search
from rivya_nb.store.measurements import Subject
from rivya_nb.store.questions import MeasureOrder, Question
from rivya_nb.store.records import JobRecord
from rivya_nb.store.store import Store

from .filling import PICTURE, add, done, ids


def pictured(number: int) -> JobRecord:
    """A job whose first picture no other one has; the second one, where it has two, is everybody's."""
    first = replace(PICTURE, sha256=f"{number:064x}")
    return done(
        "a fox" if number % 3 else "a wolf", {"seed": number}, pictures=(first, PICTURE)[: 1 + number % 2]
    )


def test_numbers_are_kept_by_picture_version_and_part(store: Store) -> None:
    book = store.measurements
    one, other, film = Subject("a" * 64), Subject("a" * 64, "b" * 64), Subject("a" * 64, "", "frames=8")
    book.keep("mine", "1", "source", [(one, {"": 1.0}), (other, {"x": 2.0, "y": 3.0}), (film, {"": 6.0})])
    book.keep("mine", "2", "source", [(one, {"": 4.0})])
    book.keep("mine", "1", "later", [(one, {"": 5.0})])
    assert book.known("mine", "1", [one, other]) == {one: {"": 1.0}, other: {"x": 2.0, "y": 3.0}}
    assert book.known("mine", "1", [film]) == {film: {"": 6.0}}
    assert book.known("mine", "2", [one, other]) == {one: {"": 4.0}}
    assert book.known("mine", "3", [one]) == {}
    assert [(each.name, each.version, each.source) for each in book.newest()] == [("mine", "2", "source")]
    first = book.find("mine", "1")
    assert first is not None
    assert book.parts(first) == ["", "x", "y"]
    assert book.find("yours") is None


@pytest.mark.parametrize("few", [2, 10_000])
@pytest.mark.parametrize("lowest_first", [False, True])
def test_a_page_in_the_order_of_a_measure_is_a_part_of_the_whole(
    store: Store, few: int, lowest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few jobs, all are sorted; of many, the index of the numbers is gone through."""
    monkeypatch.setattr(search, "_FEW_JOBS", few)
    jobs = [pictured(number) for number in range(40)]
    add(store, *jobs)
    values = {job.id: float(number * 7 % 11) for number, job in enumerate(jobs) if number % 5}
    # Some numbers count for the request, and those of another request do not; some are of a video's middle, and
    # those of other frames do not count.
    subjects = {
        job.id: Subject(
            job.pictures[0].sha256, job.identity if number % 2 else "", MIDDLE.key if number % 3 else ""
        )
        for number, job in enumerate(jobs)
    }
    store.measurements.keep(
        "mine", "1", "", [(subjects[each], {"hue": value}) for each, value in values.items()]
    )
    strangers = [(Subject(job.pictures[0].sha256, "c" * 64), {"hue": 99.0}) for job in jobs]
    strangers += [(Subject(job.pictures[0].sha256, "", "frames=8"), {"hue": 99.0}) for job in jobs]
    store.measurements.keep("mine", "1", "", strangers)
    store.measurements.keep("mine", "1", "", [(Subject(PICTURE.sha256), {"hue": 99.0})])
    store.marks.tag(ids(jobs[::2]), ["keep"])
    store.marks.change(ids(jobs[3::7]), hidden=True)
    place = {job.id: number for number, job in enumerate(store.history(Question(hidden=True)))}
    sign = 1 if lowest_first else -1
    for asked in (
        Question(),
        Question(hidden=True),
        Question(prompt="fox"),
        Question(tags=("keep",)),
        Question(seed=range(3, 20)),
        Question(width=PICTURE.width),
    ):
        fitting = store.history_ids(asked)
        expected = sorted(
            fitting, key=lambda each: (each not in values, sign * values.get(each, 0), place[each])
        )
        question = replace(asked, order=MeasureOrder("mine", "hue", "1", lowest_first))
        assert store.history_ids(question) == expected
        pages = [store.history_ids(question, limit=7, offset=start) for start in range(0, 49, 7)]
        assert [each for page in pages for each in page] == expected, question
        assert store.count(question) == len(expected)
    unknown = Question(order=MeasureOrder("yours"))
    assert store.history_ids(unknown, limit=5) == store.history_ids(Question(), limit=5)
