"""Who asked: kept with runs and jobs, and asked for in the history."""

from __future__ import annotations

import getpass
from collections.abc import Iterator

import pytest

from rivya_nb.store.records import CellRecord, Question
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
    assert store.users() == ["ada"]
    his = done(params={"seed": 3})
    add(bobs, his)
    assert (
        [each.asked_by for each in store.runs()]
        == ["bob", "ada"]
        == [each.asked_by for each in store.run_summaries(9)]
    )
    assert {job.asked_by for job in store.jobs([job.id for job in hers]).values()} == {"ada"}
    assert run.asked_by == "ada"
    assert store.users() == bobs.users() == ["ada", "bob"]

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
    bobs.extend_run(run, cells=[CellRecord(again.id, (0,))], jobs=[again])
    assert (bobs.job(again.id).asked_by, bobs.run(run.id).asked_by) == ("bob", "ada")
    other = a_job(params={"seed": 3}, asked_by="ada")
    assert bobs.replace_job(failed.id, other).id == other.id
    assert bobs.job(other.id).asked_by == "ada"


@pytest.mark.parametrize(
    ("hub", "login", "name"),
    [
        ("ada", "root", "ada"),
        ("", "root", "root"),
        ("Ada  Lovelace\n", "root", "Ada Lovelace"),
        ("\udcff", "root", r"\udcff"),
        ("ä" * 300, "root", "ä" * 200),
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
