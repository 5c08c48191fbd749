"""All that an ask may hold at once: what is planned is what is sent, kept, found again and read from a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.errors import RivyaError
from rivya_nb.planning.ask import read_ask
from rivya_nb.planning.expansion import expand_places
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60
WORDINGS = ["a fox", "A  fox ", "a {b}", "none", "1..3", "a, b; c", "x\ny", 'say "hi"', "é", "a fox (seed 7)"]
CELLS: dict[str, list[object]] = {
    "seed": [None, 5, "6", 7.0],
    "aspect_ratio": [None, "1:1", "16:9"],
    "model": [None, "wan-2-7-image-pro", "google-imagen4"],
    "size": [None, 1, "1K"],
    "label": ["x", "none", True],
}


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    """A service that nobody answers for: what is planned here sends nothing."""
    store = tmp_path_factory.mktemp("store")
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=store)) as session:
        yield session


@st.composite
def asks(draw: st.DrawFn) -> dict[str, Any]:
    columns = draw(st.lists(st.sampled_from(list(CELLS)), max_size=3, unique=True))
    row = st.fixed_dictionaries(
        {"prompt": st.sampled_from(WORDINGS), **{name: st.sampled_from(CELLS[name]) for name in columns}}
    )
    rows = draw(st.lists(row, min_size=1, max_size=4))
    asked: dict[str, Any] = {"prompts": rows, "templates": False}
    if draw(st.booleans()):
        asked["prompt"] = draw(st.sampled_from(["{prompt}, soft", "{prompt}, {light=dawn|dusk}"]))
    if "seed" not in columns:
        asked |= draw(
            st.sampled_from([{}, {"seed": 3}, {"seed": [4, None]}, {"seed": range(3)}, {"repeat": 2}])
        )
    if "seed" not in asked:
        asked["pair_seeds"] = draw(st.booleans())
    if "aspect_ratio" not in columns and asked.get("seed") == [4, None]:
        asked |= {"aspect_ratio": ["1:1", "16:9"], "coupled": ("seed", "aspect_ratio")}
    asked["replicates"] = draw(st.integers(1, 3))
    if sample := draw(st.integers(0, 3)):
        asked |= {"sample": sample, "sample_seed": draw(st.integers(0, 9))}
    return asked


def places(plan: rv.Plan) -> list[tuple[object, str]]:
    return [(item.coordinates, item.request.identity) for item in plan.expansion.requests]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=asks())
def test_whatever_is_asked_is_the_same_in_a_study_file_and_in_the_store(
    asked: dict[str, Any], offline: rv.Session, tmp_path: Path
) -> None:
    try:
        plan = rv.plan(**asked)
    except RivyaError:
        return
    again = rv.read_plan(plan.to_toml(tmp_path / "study.toml"))
    assert places(again) == places(plan)
    assert again.record.axes == plan.record.axes
    assert again.credits == plan.credits
    assert plan.diff(again).summary == f"no difference: the same {len(plan)} request{'s' * (len(plan) > 1)}"
    stored = read_ask(plan.expansion.ask.to_json())
    assert stored is not None
    expansion, wrong = expand_places(stored, offline.catalogue)
    assert not wrong
    assert [(item.coordinates, item.request.identity) for item in expansion.requests] == places(plan)


def test_a_study_is_paid_for_once_on_every_way_to_it(tmp_path: Path) -> None:
    table = tmp_path / "bench.csv"
    table.write_text("prompt,seed,kind\na fox,1,x\na fox,1,x\nan owl,2,y\na hen,3,\n", encoding="utf-8")
    asked: dict[str, Any] = {
        "prompt": "{prompt}, {light=dawn|dusk}",
        "prompts": table,
        "resolution": "1K",
        "sample": 4,
        "sample_seed": 2,
    }
    with running_sandbox(SandboxConfig(latency=0, credits=1000), shrink=16) as url:
        with closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as session:
            plan = rv.plan(**asked, replicates=2)
            study = plan.to_toml(tmp_path / "study.toml")
            run = plan.run().wait(TIMEOUT)
            assert (plan.credits, run.credits, 1000 - session.balance()) == (96, 96, 96)
            assert [run.jobs_by_id[cell.job_id].record.identity for cell in run.record.cells] == [
                request.identity for request in plan.requests
            ]
            assert rv.plan(**asked, replicates=2).credits == rv.read_plan(study).credits == 0
            wider = run.extend(replicates=1)
            assert wider.credits == rv.plan(**asked, replicates=3).credits == 48
            more = wider.to_toml(tmp_path / "more.toml")
            assert rv.read_plan(more).credits == 48
            rest = wider.run().wait(TIMEOUT)
            assert rv.read_plan(more).credits == len(rest.grid().fill()) == 0
            rest.export(tmp_path / "study.zip", format="bundle")
        with closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "other")) as session:
            rv.import_bundle(tmp_path / "study.zip")
            assert rv.read_plan(more).credits == rv.plan(**asked, replicates=3).credits == 0
            (came,) = rv.runs()
            assert came.record.axes == rest.record.axes
            foxes = [job for job in came.jobs if job.record.prompt.startswith("a fox")]
            assert len(rv.history(facts={"kind": "x"})) == len(foxes) > 0
            assert came.extend(replicates=1).credits == 48
