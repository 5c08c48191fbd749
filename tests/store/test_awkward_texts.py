"""Texts of a user that a database could stumble over, wherever one may be typed: kept whole, or refused alike."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Any

import pytest

from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.store.canaries import CanaryRecord, OccasionRecord
from rivya_nb.store.measurements import Subject
from rivya_nb.store.pace import TaskDuration
from rivya_nb.store.questions import Question
from rivya_nb.store.records import AxisRecord, CellRecord
from rivya_nb.store.store import Store
from rivya_nb.store.uploads import UploadRecord
from rivya_nb.store.vote_records import RankingPair, RankingRecord

from .filling import add, done

LONG = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=100_000))


def prompt(store: Store, text: str) -> object:
    job = done(text)
    add(store, job)
    return store.job(job.id).prompt == text and store.count(Question(prompt=f'"{text}"'))


def param(store: Store, text: str) -> object:
    job = done("a cat", {"style": text})
    add(store, job)
    return store.job(job.id).params == {"style": text} and store.history_ids(Question(params={"style": text}))


def run_name(store: Store, text: str) -> object:
    return store.runs.get(add(store, done(), name=text).id).name == text


def fact(store: Store, text: str) -> object:
    job = done()
    axes = (AxisRecord("row", ("1",), ({"place": text},)),)
    store.asking.add_run(
        name=None, service="sandbox", axes=axes, cells=[CellRecord(job.id, (0,))], jobs=[job]
    )
    found = store.history_ids(Question(facts={"place": text}), 24)
    return found == [job.id] and store.facts.of(found) == {job.id: {"place": text}}


def note(store: Store, text: str) -> object:
    job = done()
    add(store, job)
    store.marks.change([job.id], note=text)
    return store.marks.of([job.id])[job.id].note == text and store.marks.undo()


def panel_state(store: Store, text: str) -> object:
    store.panel_states.put("main", {"prompt": text})
    return store.panel_states.get("main") == {"prompt": text}


def axis(store: Store, text: str) -> object:
    one, other = done(), done("a dog")
    add(store, one, other)
    ids = (one.id, other.id)
    drawn = RankingRecord("first", (text, "seed"), 1000.0, ids, (RankingPair(*ids),))
    return store.votes.ranking(drawn.by, lambda _: False, lambda: drawn) == store.votes.ranking(
        drawn.by, lambda _: True, lambda: drawn
    )


def tag(store: Store, text: str) -> object:
    job = done()
    add(store, job)
    store.marks.tag([job.id], [text])
    return store.history_ids(Question(tags=(text,)), 24) == [job.id] and store.marks.known_tags() == [text]


def param_key(store: Store, text: str) -> object:
    job = done("a cat", {text: 1})
    add(store, job)
    return store.history_ids(Question(params={text: 1})) == [job.id]


def fact_name(store: Store, text: str) -> object:
    job = done()
    axes = (AxisRecord("row", ("1",), ({text: "here"},)),)
    store.asking.add_run(
        name=None, service="sandbox", axes=axes, cells=[CellRecord(job.id, (0,))], jobs=[job]
    )
    return store.history_ids(Question(facts={text: "here"})) == [job.id]


def model(store: Store, text: str) -> object:
    job = done(model=text)
    add(store, job)
    return store.history_ids(Question(model=text)) == [job.id]


def rater(store: Store, text: str) -> object:
    axis(store, "seed")
    return store.votes.join("first", text).name == text and set(store.votes.raters("first")) == {text}


def canary(store: Store, text: str) -> object:
    run = add(store, done())
    store.canaries.pin(CanaryRecord(text, run.id, ("a",), 1, None, 1000.0, (OccasionRecord(1),)))
    return [each.name for each in store.canaries.all()] == [text]


def measure(store: Store, text: str) -> object:
    store.measurements.keep(text, "1", "", [(Subject("ab" * 32), {text: 2.5})])
    kept = store.measurements.find(text)
    return kept is not None and store.measurements.parts(kept) == [text]


def upload(store: Store, text: str) -> object:
    record = UploadRecord("sandbox", text, "ab" * 32, "https://x", 1.0)
    store.uploads.add(record)
    return store.uploads.get("sandbox", text, "ab" * 32) == record


def duration(store: Store, text: str) -> object:
    request = Request(text, "a cat", {}, (), 12)
    store.durations.remember("sandbox", request, [TaskDuration(1.0, 2.0, 3.0)])
    return store.durations.known("sandbox", request)


Keep = Callable[[Store, str], Any]
ANY_LENGTH: tuple[Keep, ...] = (prompt, param, run_name, fact, note, panel_state, axis)
NAMES: tuple[Keep, ...] = (tag, param_key, fact_name, model, rater, canary, measure, upload, duration)


@pytest.mark.parametrize("keep", [*ANY_LENGTH, *NAMES])
def test_a_text_is_kept_as_it_is(store: Store, keep: Keep) -> None:
    assert keep(store, "a\0b\ufdd0\ufdd00'%\\ ภาพ 棚外 👩\u200d🎨 e\u0301")


@pytest.mark.parametrize("keep", ANY_LENGTH)
def test_a_text_may_have_any_length(store: Store, keep: Keep) -> None:
    assert keep(store, LONG)


@pytest.mark.parametrize("keep", NAMES)
def test_a_name_of_absurd_length_is_refused(store: Store, keep: Keep) -> None:
    with pytest.raises(
        UsageError, match=r"has 100,000 characters; a name.* may have 200\. Nothing was changed"
    ):
        keep(store, LONG)


@pytest.mark.parametrize("keep", NAMES)
def test_a_name_of_the_greatest_length_is_kept(store: Store, keep: Keep) -> None:
    drawn = random.Random(2)
    assert keep(store, "".join(chr(drawn.randrange(0x20000, 0x2A000)) for _ in range(200)))


@pytest.mark.parametrize("keep", [each for each in (*ANY_LENGTH, *NAMES) if each is not axis])
def test_half_a_character_is_refused(store: Store, keep: Keep) -> None:
    with pytest.raises(UsageError):
        keep(store, "a \ud83d b")
