"""Who asked: kept with runs and jobs, and asked for in the history."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Iterator

import pytest

from rivya_nb.store.questions import Question
from rivya_nb.store.records import CellRecord, Marks
from rivya_nb.store.store import Store
from rivya_nb.store.users import user_name

from .filling import a_job, add, done


@pytest.fixture(autouse=True)
def ada(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada opens each store but those that another fixture opens."""
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")


@pytest.fixture
def bobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The same store, opened by Bob."""
    monkeypatch.setenv("JUPYTERHUB_USER", "bob")
    opened = Store.open(store.place)
    yield opened
    opened.close()


def test_who_asked_is_kept_and_asked_for(store: Store, bobs: Store) -> None:
    hers = [done(params={"seed": seed}) for seed in (1, 2)]
    run = add(store, *hers)
    assert store.users.names() == ["ada"]
    his = done(params={"seed": 3})
    add(bobs, his)
    assert (
        [each.asked_by for each in store.runs.newest()]
        == ["bob", "ada"]
        == [each.asked_by for each in store.runs.summaries(9)]
    )
    assert {job.asked_by for job in store.jobs([job.id for job in hers]).values()} == {"ada"}
    assert run.asked_by == "ada"
    assert store.users.names() == bobs.users.names() == ["ada", "bob"]

    def by(*names: str, **more: object) -> list[str]:
        question = Question(asked_by=names, **more)  # type: ignore[arg-type]
        found = store.history_ids(question)
        assert store.count(question) == len(found)
        return found

    assert by("ada") == [hers[1].id, hers[0].id]
    assert by("ada", oldest_first=True) == [hers[0].id, hers[1].id]
    assert by("bob") == [his.id]
    assert by("ada", "bob") == [his.id, hers[1].id, hers[0].id]
    assert by("ada", seed=2) == by("ada", params={"seed": 2}) == [hers[1].id]
    assert by("bob", seed=2) == by("nobody") == by("ADA") == []
    store.marks.change([his.id, hers[0].id], rating=5)
    assert by("ada", rating=4) == [hers[0].id]
    assert by("ada", order="seed") == [hers[0].id, hers[1].id]
    store.marks.tag([his.id, hers[0].id], ["t"])
    assert by("ada", tags=("t",)) == [hers[0].id]
    assert by("ada", model=hers[0].model, prompt="cat", since=0.0, service="sandbox") == [
        hers[1].id,
        hers[0].id,
    ]


def test_who_retries_a_job_asks_for_the_new_one_and_a_replacement_is_still_of_who_asked(
    store: Store, bobs: Store
) -> None:
    failed = a_job(status="failed")
    run = add(store, failed)
    again = a_job(params={"seed": 2})
    bobs.asking.extend_run(run, cells=[CellRecord(again.id, (0,))], jobs=[again])
    assert (bobs.job(again.id).asked_by, bobs.runs.get(run.id).asked_by) == ("bob", "ada")
    other = a_job(params={"seed": 3}, asked_by="ada")
    assert bobs.asking.replace_job(failed.id, other).id == other.id
    assert bobs.job(other.id).asked_by == "ada"


@pytest.mark.parametrize(
    ("hub", "login", "name"),
    [
        ("ada", "root", "ada"),
        ("", "root", "root"),
        ("Ada  Lovelace\n", "root", "Ada Lovelace"),
        ("\udcff", "root", r"\udcff"),
        ("ä" * 300, "root", "ä" * 200),
        ("jose\u0301", "root", "jos\u00e9"),
        ("ada", None, "ada"),
        ("", None, ""),
    ],
)
def test_the_name_is_that_of_the_hub_or_else_the_login(
    hub: str, login: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known() -> str:
        if login is None:
            raise KeyError("uid not found")
        return login

    monkeypatch.setenv("JUPYTERHUB_USER", hub)
    monkeypatch.setattr(getpass, "getuser", known)
    assert user_name() == name


def test_each_users_panels_have_states_of_their_own(store: Store, bobs: Store) -> None:
    store.panel_states.put("main", {"prompt": "hers"})
    assert bobs.panel_states.get("main") is None
    bobs.panel_states.put("main", {"prompt": "his"})
    bobs.panel_states.put("main", {"prompt": "his newer one"})
    assert store.panel_states.get("main") == {"prompt": "hers"}
    assert bobs.panel_states.get("main") == {"prompt": "his newer one"}


def test_each_user_takes_back_the_own_marks(store: Store, bobs: Store) -> None:
    first, second = done(params={"seed": 1}), done(params={"seed": 2})
    add(store, first, second)
    store.marks.change([first.id], rating=1)
    mine = store.marks.last_step()
    bobs.marks.change([second.id], rating=5)
    bobs.marks.change([first.id], note="his")
    assert store.marks.last_step() == mine != bobs.marks.last_step()
    assert store.marks.undo(only=mine) == "rating of 1 picture"
    assert store.marks.undo() is None
    assert store.marks.of([first.id, second.id]) == {first.id: Marks(note="his"), second.id: Marks(5)}
    assert bobs.marks.undo() == "note of 1 picture"
    assert bobs.marks.undo() == "rating of 1 picture"
    assert store.marks.of([first.id, second.id]) == {first.id: Marks(), second.id: Marks()}


def test_an_undo_leaves_what_others_have_marked_since(store: Store, bobs: Store) -> None:
    jobs = [done(params={"seed": seed}) for seed in range(3)]
    add(store, *jobs)
    ids = [job.id for job in jobs]

    def ratings() -> list[int]:
        return [marks.rating for marks in store.marks.of(ids).values()]

    store.marks.change(ids, rating=1)
    store.marks.change(ids[:1], rating=2)
    bobs.marks.change(ids[:2], rating=5)
    store.marks.change(ids[:1], rating=3)
    assert bobs.marks.undo() == "rating of 2 pictures, but for 1 picture; ada marked it since"
    assert ratings() == [3, 1, 1]
    assert store.marks.undo() == "rating of 1 picture"
    # That is Bob's, which was newer than the two that are taken back now.
    assert ratings() == [5, 1, 1]
    assert store.marks.undo() == "nothing of rating of 1 picture; bob marked it since"
    assert store.marks.undo() == "rating of 3 pictures, but for 1 picture; bob marked it since"
    assert ratings() == [5, 0, 0]
    assert store.marks.undo() is None is bobs.marks.undo()


def test_users_who_mark_the_same_pictures_at_the_same_time_lose_nothing(store: Store, bobs: Store) -> None:
    jobs = [done(params={"seed": seed}) for seed in range(4)]
    add(store, *jobs)
    ids = [job.id for job in jobs]
    wrong: list[BaseException] = []

    def mark(mine: Store, order: list[str], name: str) -> None:
        try:
            for number in range(10):
                mine.marks.tag(order, [f"{name} {number}"])
        except BaseException as error:
            wrong.append(error)

    threads = [
        threading.Thread(target=mark, args=args) for args in ((store, ids, "a"), (bobs, ids[::-1], "b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {len(marks.tags) for marks in store.marks.of(ids).values()} == {20}
