"""What shows itself shows something in every front end, and does not tell where a store is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

STORE = "the-private-place"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One of everything that a cell may have as its value, by name."""
    with running_sandbox(SandboxConfig(latency=0, credits=10_000)) as url:
        folder = tmp_path_factory.mktemp("shown") / STORE / "store"
        with closing(rv.connect(DEFAULT_KEY, url, store=folder)) as session:
            run = rv.generate("A {red|blue} cup", seed=[1, 2], resolution="1K").wait(60)
            one = rv.generate("A jug", seed=1, resolution="1K").wait(60)
            run.measure("sharpness")
            ranking = run.rank(by="seed")
            yield {
                "session": session,
                "run": run,
                "run of one": one,
                "plan": rv.plan("A {red|blue} cup", seed=[1, 2, 3], resolution="1K"),
                "job": run[0],
                "request": run[0].request,
                "grid": run.grid(),
                "history": rv.history(),
                "runs": rv.runs(),
                "selection": run[:2],
                "page": run.page(1),
                "two runs": run + one,
                "measure": run.measure("sharpness"),
                "effects": run.effects(of="sharpness"),
                "ranking": ranking,
                "strengths": ranking.strengths,
                "judge": ranking.judge(),
                "viewer": run.view(),
                "panel": rv.panel(),
                "methods": run.methods(),
                "canaries": rv.drift(),
            }


def test_everything_shows_itself_without_ipython_and_hides_the_stores_place(shown: dict[str, Any]) -> None:
    for name, each in shown.items():
        looks = {"repr": repr(each)}
        if name not in ("session", "request"):
            bundle = each._repr_mimebundle_(include=None, exclude=None)
            looks |= bundle[0] if isinstance(bundle, tuple) else bundle
            assert looks["text/plain"], name
            assert looks.keys() & {"text/html", "application/vnd.jupyter.widget-view+json"}, name
        for mime, look in looks.items():
            assert STORE not in str(look), (name, mime)


def test_a_run_tells_its_files_and_in_a_terminal_their_paths(
    shown: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run: rv.Run = shown["run of one"]
    assert run.text().splitlines()[-1].strip() == "128 × 128 PNG"
    run._ipython_display_()
    assert str(run[0].path) in capsys.readouterr().out


def test_the_panel_says_what_it_needs_and_what_does_without(shown: dict[str, Any]) -> None:
    looks = shown["panel"]._repr_mimebundle_()
    assert looks.keys() == {"text/html", "text/plain"}, "outside a kernel nobody draws its widgets"
    for words in (looks["text/plain"], repr(shown["panel"])):
        assert "needs Jupyter widgets" in words
        assert "rv.generate(…)" in words
