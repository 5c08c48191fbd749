"""A store of several users: who asked is told, and can be asked for; one user alone sees nothing of it."""

from __future__ import annotations

import pytest

import rivya_nb as rv
from rivya_nb.magics.completion.command import CommandLine
from rivya_nb.session.showing.run_looks import run_bundle

from .conftest import Fill
from .test_line import act, mistakes, seeds


@pytest.fixture(autouse=True)
def ada(session: rv.Session) -> None:
    session.store.users.me = "ada"


@pytest.fixture
def filled(session: rv.Session, fill: Fill) -> list[rv.Run]:
    """A run of Ada's, one of Bob's, and one of Ada Lovelace's."""
    runs = []
    for number, user in enumerate(("ada", "bob", "Ada Lovelace")):
        session.store.users.me = user
        runs.append(fill([number]))
    session.store.users.me = "ada"
    return runs


def texts(run: rv.Run) -> list[str]:
    """What shows a run, its picture, all runs and the history, as a notebook shows it."""
    shown = (run[0], rv.runs(), rv.history(), rv.history().grid(rows="seed"))
    bundles = [run_bundle(run), *(each._repr_mimebundle_() for each in shown)]
    return [text for each in bundles for text in each.values()]


def test_one_user_alone_sees_no_names(fill: Fill) -> None:
    run = fill([1])
    assert (run.asked_by, run[0].asked_by) == ("ada", "ada")
    assert not any("by ada" in text for text in texts(run))


def test_several_users_see_who_asked(filled: list[rv.Run]) -> None:
    for run, user in zip(filled, ("ada", "bob", "Ada Lovelace"), strict=True):
        assert (run.asked_by, run[0].asked_by) == (user, user)
        assert all(f"by {user}" in text for text in texts(run))


def test_the_history_is_asked_by_user(filled: list[rv.Run]) -> None:
    def found(by: object) -> list[object]:
        return [job.seed for job in rv.history(by=by)]  # type: ignore[arg-type]

    def said(by: str) -> str:
        return rv.history(by=by)._repr_mimebundle_()["text/plain"]

    assert found("ada") == [0]
    assert found(["bob", "Ada  Lovelace"]) == [2, 1]
    assert rv.history(by=["ada", "bob"]).title.endswith("by ada, bob")
    assert len(rv.history(by=None)) == 3
    assert "No result was asked for by 'adda'; did you mean 'ada'?" in said("adda")
    assert "by 'zoe'; there are Ada Lovelace, ada, bob" in said("zoe")
    for wrong in ("", [], 3, ["ada", None]):
        with pytest.raises(rv.UsageError, match=r"by: .* is neither a user's name nor several"):
            found(wrong)


def test_a_line_asks_by_user(filled: list[rv.Run]) -> None:
    assert seeds("history by=ada") == seeds("history --by ada") == [0]
    assert (
        seeds("history by=ada,bob")
        == seeds("history --by ada --by bob")
        == seeds("history --by=ada,bob")
        == [1, 0]
    )
    assert seeds('history by="Ada Lovelace"') == seeds('history --by "Ada Lovelace" glass') == [2]
    history = act('history --by "Ada Lovelace" by=bob')
    assert history._asked.line == '%rivya history --by "Ada Lovelace" --by bob'
    assert seeds("history by=123") == []
    assert mistakes("history by=ada,")[0] == "--by: ['ada', ''] is neither a user's name nor several"


def test_users_are_completed(session: rv.Session, filled: list[rv.Run]) -> None:
    def offered(line: str) -> list[str]:
        return [offer.text for offer in CommandLine(line, "", session.catalogue, session).offers().offers]

    assert offered("history --by ") == ['"Ada Lovelace"', "ada", "bob"]
    assert offered("history by=b") == ["bob"]
