"""The history: every picture once, newest first, found by what it was made with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rivya_nb.store import prompt_index, search, sqlite_database
from rivya_nb.store.prompt_words import Sought
from rivya_nb.store.questions import Question
from rivya_nb.store.records import CellRecord
from rivya_nb.store.store import Store

from .filling import PICTURE, a_job, add, done, ids, kept

text = st.text(st.characters(exclude_categories=["Cs"]))
awkward = st.text(st.sampled_from("%_/\\'\"a ÀßΣς\0*?[]"), max_size=8)


def test_only_jobs_with_pictures_are_listed_newest_first_in_pages(store: Store) -> None:
    jobs = [done(params={"seed": seed}) for seed in range(5)]
    add(store, *jobs, a_job(), done(pictures=()))
    newest = ids(jobs)[::-1]
    assert ids(store.history(Question())) == newest
    assert ids(store.history(Question(), limit=2)) == newest[:2]
    assert ids(store.history(Question(), limit=2, offset=2)) == newest[2:4]
    assert ids(store.history(Question(), offset=4)) == newest[4:]


def test_a_picture_of_several_runs_is_listed_once(store: Store) -> None:
    job = done()
    add(store, job)
    for _ in range(3):
        cells = [CellRecord(job.id, (0,), reused=True)]
        store.asking.add_run(name=None, service="sandbox", axes=(), cells=cells, jobs=[])
    assert store.history(Question()) == [store.job(job.id)]


def test_filters_all_have_to_fit(store: Store) -> None:
    wide = done("a cat", {"seed": 7, "aspect_ratio": "16:9"})
    square = done("a cat", {"seed": 7, "aspect_ratio": "1:1"})
    other = done("a dog", {"seed": "7", "aspect_ratio": "16:9"}, model="imagen")
    real = done("a cat", {"seed": 8, "aspect_ratio": "16:9"}, service="https://rivya.ai")
    add(store, wide, square, other)
    add(store, real)
    assert ids(store.history(Question(seed=7))) == ids([other, square, wide])
    assert ids(store.history(Question(seed="7", model="imagen"))) == [other.id]
    assert ids(store.history(Question(service="https://rivya.ai"))) == [real.id]
    assert ids(store.history(Question(params={"aspect_ratio": "16:9"}))) == ids([real, other, wide])
    assert ids(store.history(Question(params={"aspect_ratio": "16:9", "seed": 7}, prompt="cat"))) == [wide.id]
    assert store.history(Question(params={"aspect_ratio": "16:9", "resolution": "1K"})) == []
    assert store.history(Question(seed=9)) == []


def test_a_count_is_of_what_is_listed(store: Store) -> None:
    shown, hidden, deleted = done(), done(), done(pictures=(kept(store, b"picture"),))
    add(store, shown, hidden, deleted, a_job(status="failed"))
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate((shown, shown, hidden))]
    run = store.asking.add_run(name=None, service="sandbox", axes=(), cells=cells, jobs=[])
    everything = [job.id for job in (shown, hidden, deleted)]
    store.marks.change(everything, rating=4, favourite=True)
    store.marks.tag(everything, ["keep", "soft"])
    store.marks.change([hidden.id], hidden=True)
    store.delete_pictures([deleted.id])
    for asked in (
        Question(tags=("keep",)),
        Question(tags=("keep", "soft"), rating=3),
        Question(favourite=True),
        Question(params={"seed": 1}),
        Question(runs=(run.id,)),
        Question(tags=("keep",), model=shown.model),
        Question(tags=("none",)),
    ):
        for question in (asked, replace(asked, hidden=True)):
            assert store.count(question) == len(store.history_ids(question))
    assert store.count(Question(tags=("keep",))) == 1


def test_a_documented_default_is_found_though_it_was_not_sent(store: Store) -> None:
    default, sent, other = done(), done(params={"resolution": "2K"}), done(params={"resolution": "1K"})
    unknown = done(model="of-no-record")
    add(store, default, sent, other, unknown)
    assert ids(store.history(Question(params={"resolution": "2K"}))) == ids([sent, default])
    assert ids(store.history(Question(params={"watermark": False}))) == ids([other, sent, default])


@pytest.mark.parametrize(
    ("sent", "asked", "fits"),
    [
        (7, "7", True),
        (7, 7.0, True),
        ("true", True, True),
        (0.5, "0.5", True),
        (7, 8, False),
        ("1", "10", False),
    ],
)
def test_a_param_is_found_by_its_value_whatever_its_type(
    store: Store, sent: str | float, asked: str | float, fits: bool
) -> None:
    add(store, done(params={"strength": sent}))
    assert bool(store.history(Question(params={"strength": asked}))) is fits


def test_words_are_found_in_any_order_and_case(store: Store) -> None:
    job = done("Ein STRASSENCAFÉ im Nebel, ภาพถ่าย 100% scharf")
    add(store, job, done("something else"))
    for words in ("nebel ein", "straßencafé", "cafe\u0301", "ภาพ", "100%", "", "  "):
        assert job.id in ids(store.history(Question(prompt=words))), words
    for words in ("nebel cat", "100_", "ein%nebel", "%%", "n_bel"):
        assert store.history(Question(prompt=words)) == [], words


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=text | awkward)
def test_a_prompt_is_found_by_each_of_its_own_words(store: Store, prompt: str) -> None:
    job = done(prompt)
    add(store, job)
    # As it is sent: what cannot be seen at its ends is gone.
    words = [Sought(word).written for word in job.prompt.split() if '"' not in word]
    for sought in [*words[:4], " ".join(words)]:
        assert job.id in ids(store.history(Question(prompt=sought)))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text("%_/\\'[]*?", min_size=1, max_size=4), prompt=st.text("%_/\\'\"[]*?ab", max_size=8))
def test_no_sign_in_a_search_stands_for_another(store: Store, word: str, prompt: str) -> None:
    assume(word not in prompt)
    job = done(prompt)
    add(store, job)
    assert job.id not in ids(store.history(Question(prompt=word)))


def test_what_a_python_without_the_word_index_wrote_is_found_and_indexed_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [done(prompt) for prompt in ("a studio", "studio light", "the new studio")]

    def found(store: Store) -> list[str]:
        assert [ids(store.history(Question(prompt=word))) for word in ("light", "li")] == [[jobs[1].id]] * 2
        return ids(store.history(Question(prompt="STUDIO")))

    with monkeypatch.context() as without:
        for module in (prompt_index, sqlite_database):
            without.setattr(module, "can_index", lambda connection: False)
        store = Store.open(folder)
        add(store, *jobs[:2])
        assert found(store) == ids(jobs[1::-1])
        store.close()
    indexing = Store.open(folder)
    assert found(indexing) == ids(jobs[1::-1])
    with monkeypatch.context() as without:
        without.setattr(prompt_index, "can_index", lambda connection: False)
        add(indexing, jobs[2])
    assert found(indexing) == ids(jobs[::-1])
    last = done("one more studio")
    add(indexing, last)
    assert found(indexing) == ids([last, *jobs[::-1]])
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        index = other.execute("SELECT count(*) FROM prompt_index WHERE prompt_index MATCH 'studio'")
        assert index.fetchone() == (4,)
    indexing.close()


def test_what_was_asked_for_within_a_time_or_a_run_is_found(store: Store) -> None:
    jobs = [done(created_at=float(moment)) for moment in (10, 20, 30)]
    run = add(store, *jobs[:2])
    add(store, jobs[2])
    assert ids(store.history(Question(since=20.0))) == ids([jobs[2], jobs[1]])
    assert ids(store.history(Question(since=11, until=20))) == ids([jobs[1]])
    assert ids(store.history(Question(runs=(run.id,), oldest_first=True))) == ids(jobs[:2])
    assert store.count(Question(runs=(run.id,), until=10)) == 1
    assert store.history(Question(runs=(99,))) == []


def test_a_finished_job_is_reused_before_an_unfinished_one(store: Store) -> None:
    picture = kept(store, b"picture")
    old, new = done(pictures=(picture,)), done(pictures=(picture,))
    going = a_job(status="queued")
    add(store, old, new, going)
    assert store.asking.find_reusable("sandbox", [new.identity, "absent"]) == {
        new.identity: store.job(new.id)
    }


def test_a_job_whose_picture_file_somebody_took_away_is_not_reused(store: Store) -> None:
    old, new = done(pictures=(kept(store, b"old"),)), done(pictures=(kept(store, b"new"),))
    add(store, old, new)
    for job, left in ((new, {old.identity: store.job(old.id)}), (old, {})):
        store.files.path(job.pictures[0].sha256, job.pictures[0].mime_type).unlink()
        assert store.asking.find_reusable("sandbox", [old.identity]) == left


def test_without_a_picture_the_newest_unfinished_job_is_joined(store: Store) -> None:
    add(store, a_job(status="queued"), a_job(), done(pictures=()), a_job(status="failed"))
    own = store.unfinished()[1]
    assert store.asking.find_reusable("sandbox", [own.identity]) == {own.identity: own}


@pytest.mark.parametrize(
    ("status", "joined"),
    [
        ("planned", True),
        ("uploading", True),
        ("submitting", True),
        ("queued", True),
        ("failed", False),
        ("stopped", False),
    ],
)
def test_a_dead_owners_job_is_joined_unless_it_has_ended(store: Store, status: str, joined: bool) -> None:
    job = a_job(status=status, owner="0" * 32)
    add(store, job)
    assert (job.identity in store.asking.find_reusable("sandbox", [job.identity])) is joined


def test_reuse_never_crosses_services(store: Store) -> None:
    job = done(service="https://rivya.ai", pictures=(kept(store, b"picture"),))
    add(store, job)
    assert store.asking.find_reusable("sandbox", [job.identity]) == {}
    assert set(store.asking.find_reusable("https://rivya.ai", [job.identity])) == {job.identity}


def test_several_pictures_of_one_job_keep_their_order(store: Store) -> None:
    pictures = tuple(replace(PICTURE, sha256=f"{place:064x}") for place in (3, 1, 2))
    job = done(pictures=pictures)
    add(store, job)
    assert [found.pictures for found in store.history(Question())] == [pictures]


@pytest.mark.parametrize("few", [2, 10_000])
def test_a_page_in_an_order_is_a_part_of_the_whole(
    store: Store, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few jobs, all are sorted; of many, an index is gone through."""
    monkeypatch.setattr(search, "_FEW_JOBS", few)
    jobs = [
        done("a fox" if number % 3 else "a wolf", {"seed": number * 7 % 23 or 1000}) for number in range(40)
    ]
    add(store, *jobs, done("a fox", {}))
    for rating in range(1, 6):
        store.marks.change(ids(jobs[rating::6]), rating=rating)
    store.marks.tag(ids(jobs[::2]), ["keep"])
    store.marks.change(ids(jobs[3::7]), favourite=True)
    whole = store.history(Question())
    place = {job.id: number for number, job in enumerate(whole)}
    marks = store.marks.of(place)
    by = {
        "rating": lambda job: (-marks[job.id].rating, place[job.id]),
        "seed": lambda job: (job.seed is None, job.seed or 0, place[job.id]),
    }
    for asked in (
        Question(),
        Question(prompt="fox"),
        Question(prompt="-fox"),
        Question(tags=("keep",), rating=2),
        Question(favourite=True),
        Question(seed=range(3, 20)),
        Question(seed=(1000, 7, 14)),
        Question(width=PICTURE.width),
    ):
        fitting = set(store.history_ids(asked))
        assert fitting
        for order, key in by.items():
            question = replace(asked, order=order)
            expected = [job.id for job in sorted(whole, key=key) if job.id in fitting]
            assert store.history_ids(question) == expected
            pages = [store.history_ids(question, limit=7, offset=start) for start in range(0, 49, 7)]
            assert [each for page in pages for each in page] == expected, question
            assert store.count(question) == len(expected)
