"""What a plan shows before anything is sent: the pictures that are there, the axes, and whole prompts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox
from views.reading import Element, read, wrapping

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    """A store that has two seeds of a bottle."""
    folder: Path = tmp_path_factory.mktemp("dry")
    with (
        running_sandbox(SandboxConfig(latency=0, credits=10_000)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=folder / "store")) as connected,
    ):
        rv.generate("A bottle", resolution="1K", seed=[1, 2]).wait(TIMEOUT)
        yield connected


def shown(plan: rv.Plan) -> tuple[Element, str]:
    look = plan._repr_mimebundle_()
    return read(look["text/html"]), look["text/plain"]


def test_pictures_of_the_history_are_shown_and_marked(session: rv.Session) -> None:
    tree, text = shown(rv.plan("A bottle", resolution="1K", seed=[1, 2, 3]))
    assert len(tree.all("img")) == 2
    assert [place.text for place in wrapping(tree)] == [
        "from the history seed: 1",
        "from the history seed: 2",
        "◌ planned seed: 3",
    ]
    assert all("from the history" in image.attributes["title"] for image in tree.all("img"))
    assert text.count("from the history · seed: ") == 2
    assert "3 pictures · 12 credits · 2 from the history at no cost · nothing is sent yet" in text
    assert "succeeded" not in tree.text + text + str([image.attributes for image in tree.all("img")])


def test_many_places_are_told_by_their_axes_and_not_drawn(session: rv.Session) -> None:
    tree, text = shown(rv.plan("A bottle, {light=dawn|noon|dusk}", resolution="1K", seed=range(1, 6)))
    assert "planned" not in tree.text
    rows = [[cell.text for cell in row.all("td")] for row in tree.all("tbody")[0].all("tr")]
    assert rows == [["light", "rows", "3", "dawn, noon, dusk"], ["seed", "columns", "5", "1, 2, 3, 4, 5"]]
    assert "seed: 1, 2, 3, 4, 5 (5, columns)" in text
    assert "15 pictures · 180 credits · nothing is sent yet" in text


def test_the_rows_that_were_chosen_are_told(session: rv.Session) -> None:
    plan = rv.plan("A bottle, {light=dawn|noon|dusk}", resolution="1K", seed=range(1, 6))
    tree, _ = shown(plan.arranged("seed", None))
    assert [row.all("td")[1].text for row in tree.all("tbody")[0].all("tr")] == ["columns", "rows"]


def test_among_many_the_pictures_that_are_there_are_shown(session: rv.Session) -> None:
    tree, text = shown(rv.plan("A bottle", resolution="1K", seed=range(1, 41)))
    assert len(tree.all("img")) == 2
    assert tree.text.count("from the history seed: ") == 2
    assert "planned" not in tree.text
    assert text.count("from the history · seed: ") == 2
    assert "succeeded" not in tree.text + text


def test_where_all_is_there_nothing_is_to_be_sent(session: rv.Session) -> None:
    tree, text = shown(rv.plan("A bottle", resolution="1K", seed=[1, 2]))
    assert len(tree.all("img")) == 2
    for told in (tree.text, text):
        assert "0 credits · 2 from the history at no cost · nothing is to be sent" in told
        assert "succeeded" not in told


def test_whole_prompts_are_there_to_unfold(session: rv.Session) -> None:
    long = "A bottle on a table, " + "and another one, " * 20
    tree, text = shown(rv.plan(long + "{light=at dawn|at dusk} <b>", resolution="1K", seed=[1, 2, 3]))
    (details,) = tree.all("details")
    assert "open" not in details.attributes
    assert details.all("summary")[0].text == "all 2 prompts"
    assert [div.text for div in details.all("div")] == [f"{long}at {light} <b>" for light in ("dawn", "dusk")]
    assert text.count("  prompt: A bottle on a table") == 2
    assert not shown(rv.plan("A bottle", resolution="1K", seed=[8, 9]))[0].all("details")
    alone, _ = shown(rv.plan(long, resolution="1K", seed=7))
    assert alone.all("summary")[0].text == "the whole prompt"


def test_what_a_run_has_already_is_no_success_of_a_plan(session: rv.Session) -> None:
    run = rv.generate("A bottle", resolution="1K", seed=[1, 2]).wait(TIMEOUT)
    tree, text = shown(run.extend(seed=[50]))
    assert [place.text for place in wrapping(tree)] == [
        "there already seed: 1",
        "there already seed: 2",
        "◌ planned seed: 50",
    ]
    assert "nothing is sent yet" in text
    assert "succeeded" not in tree.text + text
