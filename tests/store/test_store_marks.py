"""Marks: what the user thinks of pictures, found again by it, and taken back step by step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store import marks
from rivya_nb.store.questions import Question
from rivya_nb.store.records import JobRecord, Marks
from rivya_nb.store.store import Store

from .filling import add, done, ids, rate_and_tell
from .processes import Start, told


@pytest.fixture
def jobs(store: Store) -> list[JobRecord]:
    jobs = [done(params={"seed": seed}) for seed in range(3)]
    add(store, *jobs)
    return jobs


def test_marks_are_there_for_every_id_also_after_reopening(store: Store, jobs: list[JobRecord]) -> None:
    first, second, third = ids(jobs)
    store.marks.change([first, second], rating=4, note="ภาพ \0 'soft'", tags=["keep", " two  words "])
    store.marks.change([second], favourite=True, hidden=True, rating=0)
    again = Store.open(store.place)
    assert again.marks.of([third, first, second, "nobody"]) == {
        third: Marks(),
        first: Marks(4, note="ภาพ \0 'soft'", tags=("keep", "two words")),
        second: Marks(0, True, True, "ภาพ \0 'soft'", ("keep", "two words")),
        "nobody": Marks(),
    }
    again.close()


def test_tags_are_added_and_taken_away_beside_what_is_there(store: Store, jobs: list[JobRecord]) -> None:
    first, second, _ = ids(jobs)
    store.marks.tag([first, second], ["b"])
    store.marks.tag([first], ["a", "b"])
    store.marks.untag([first, second], ["b", "unheard of"])
    assert [marks.tags for marks in store.marks.of([first, second]).values()] == [("a",), ()]
    store.marks.tag(ids(jobs), ["often"])
    assert store.marks.known_tags() == ["often", "a"]


@pytest.mark.parametrize(
    ("changes", "named"), [({"rating": 6}, "6"), ({"rating": -1}, "-1"), ({"rating": True}, "True")]
)
def test_what_is_no_rating_is_refused(
    store: Store, jobs: list[JobRecord], changes: dict[str, int], named: str
) -> None:
    with pytest.raises(UsageError, match=f"rating.*{named} is not a rating; give 1 to 5"):
        store.marks.change(ids(jobs), **changes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a tag must not be empty"):
        store.marks.tag(ids(jobs), [" "])
    assert set(store.marks.of(ids(jobs)).values()) == {Marks()}


def test_an_unknown_job_is_named_and_no_other_is_marked(store: Store, jobs: list[JobRecord]) -> None:
    with pytest.raises(StoreError, match="no job nobody"):
        store.marks.change([jobs[0].id, "nobody"], rating=3)
    assert store.marks.of([jobs[0].id]) == {jobs[0].id: Marks()}


def test_pictures_are_found_by_their_marks(store: Store, jobs: list[JobRecord]) -> None:
    first, second, third = ids(jobs)
    store.marks.change([first], rating=3, favourite=True)
    store.marks.change([second], rating=5, tags=["keep", "sky"])
    store.marks.change([third], hidden=True, tags=["keep"])

    def found(question: Question) -> list[str]:
        listed = ids(store.history(question))
        assert store.count(question) == len(listed)
        assert store.history_ids(question) == listed
        return listed

    assert found(Question()) == [second, first]
    assert found(Question(hidden=True, oldest_first=True)) == [first, second, third]
    assert found(Question(rating=3)) == [second, first]
    assert found(Question(rating=4)) == [second]
    assert found(Question(rating=0)) == [second, first]
    assert found(Question(favourite=True)) == [first]
    assert found(Question(favourite=True, rating=4)) == []
    assert found(Question(tags=("keep",))) == [second]
    assert found(Question(tags=("keep",), hidden=True)) == [third, second]
    assert found(Question(tags=("keep", "sky"), rating=5, seed=1)) == [second]
    store.marks.change([second, third], excluded="hand cut off")
    assert found(Question(excluded=True)) == [second]
    assert found(Question(excluded=True, hidden=True)) == [third, second]
    assert found(Question(excluded=False)) == found(Question(excluded=False, order="rating")) == [first]
    assert found(Question(excluded=False, hidden=True)) == [first]
    assert found(Question(excluded=False, tags=("keep",), hidden=True)) == []
    assert found(Question(excluded=False, favourite=True)) == [first]
    assert found(Question(excluded=True, tags=("keep",), rating=5, seed=1)) == [second]
    assert marks.excluded(store, ids(jobs)) == {second, third}


def test_each_call_is_taken_back_in_one_step_the_last_one_first(store: Store, jobs: list[JobRecord]) -> None:
    first, second, third = ids(jobs)
    store.marks.change([first], rating=2, tags=["a"])
    store.marks.change([first, second, third], rating=5)
    store.marks.change([first], rating=5)  # changes nothing, and so is no step
    store.marks.tag([first], ["b"])
    assert store.marks.undo() == "tags of 1 picture"
    assert store.marks.undo() == "rating of 3 pictures"
    assert store.marks.of([first, second]) == {first: Marks(2, tags=("a",)), second: Marks()}
    assert store.marks.undo() == "rating and tags of 1 picture"
    assert store.marks.of([first]) == {first: Marks()}
    assert store.marks.undo() is None


def test_another_kernels_newer_change_is_taken_back_before_an_older_one(
    store: Store, jobs: list[JobRecord], start: Start
) -> None:
    job = jobs[0].id
    store.marks.change([job], rating=2, note="mine")
    _, pipe = start(rate_and_tell, store.place)
    pipe.send(job)
    assert told(pipe) == Marks(5, note="mine")
    assert store.marks.undo() == "rating of 1 picture, made in another kernel"
    assert store.marks.of([job]) == {job: Marks(2, note="mine")}
    pipe.send("undo")
    assert told(pipe) == "rating and note of 1 picture, made in another kernel"
    assert store.marks.of([job]) == {job: Marks()}


def test_only_the_last_steps_are_kept(
    store: Store, jobs: list[JobRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "STEPS_KEPT", 3)
    job = jobs[0].id
    for step in range(5):
        store.marks.change([job], note=f"note {step}")
    assert [store.marks.undo() for _ in range(4)] == ["note of 1 picture"] * 3 + [None]
    assert store.marks.of([job]) == {job: Marks(note="note 1")}


changes = st.fixed_dictionaries(
    {},
    optional={
        "rating": st.integers(0, 5),
        "favourite": st.booleans(),
        "hidden": st.booleans(),
        "note": st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
        "excluded": st.sampled_from(["", "blurred", "ตัดมือ"]),
        "tags": st.lists(st.sampled_from(["a", "B", "ค", "o'clock"]), max_size=3),
    },
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sets(st.integers(0, 2)), changes), max_size=8))
def test_taking_everything_back_leads_through_the_same_states(
    store: Store, jobs: list[JobRecord], steps: list[tuple[set[int], dict[str, object]]]
) -> None:
    states = [store.marks.of(ids(jobs))]
    for places, change in steps:
        store.marks.change([jobs[place].id for place in places], **change)  # type: ignore[arg-type]
        state = store.marks.of(ids(jobs))
        if state != states[-1]:
            states.append(state)
    for state in states[-2::-1]:
        assert store.marks.undo() is not None
        assert store.marks.of(ids(jobs)) == state
    assert store.marks.undo() is None


def test_a_panel_finds_its_last_state_again(folder: Path) -> None:
    store = Store.open(folder)
    assert store.panel_states.get("main") is None
    store.panel_states.put("main", {"prompt": "ภาพ", "params": {"seed": [1, 2]}})
    store.panel_states.put("other", {})
    store.panel_states.put("main", {"prompt": "a cat"})
    store.close()
    store = Store.open(folder)
    assert store.panel_states.get("main") == {"prompt": "a cat"}
    assert store.panel_states.get("other") == {}
    store.close()
