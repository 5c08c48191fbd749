"""Every model whose record is complete: planned, validated and run, with each of its params."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.contract.catalogue import Model, Param, bundled
from rivya_nb.contract.ideas import shared_name
from rivya_nb.magics.cell import plan_cell
from rivya_nb.planning.line import parse_line
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

COMPLETE = [model for model in bundled().values() if model.complete]
INCOMPLETE = [model for model in bundled().values() if not model.complete and model.category == "image"]
UNKNOWN = [model for model in bundled().values() if not model.complete and model.category != "image"]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    config = SandboxConfig(latency=0, credits=100_000)
    with running_sandbox(config) as url:
        store = tmp_path_factory.mktemp("every") / "store"
        with closing(rv.connect(DEFAULT_KEY, url, store=store)) as session:
            yield session


def other_value(param: Param) -> object:
    """One value of a param that is not its default."""
    if param.options is not None:
        return next(option for option in param.options if option != param.default)
    if param.type == "number":
        low = param.minimum or 0
        return low + (param.step or 1) if low == param.default else low
    return "7" if param.key == "seed" else "blurry, low quality"


@pytest.mark.parametrize("model", COMPLETE, ids=lambda model: model.id)
def test_a_complete_model_runs_as_it_is_and_with_each_of_its_params(
    session: rv.Session, model: Model
) -> None:
    requests = list(rv.plan("A bottle", model=model.id).requests)
    for param in model.params:
        params = {param.key: other_value(param)}
        requests += rv.plan("A bottle", model=model.id, params=params).requests
    run = rv.plan(requests, max_credits=10_000).run()
    run.wait(60)
    assert {job.status for job in run} == {"succeeded"}, [job.error for job in run]
    least = len(run.jobs) * (model.base_credits or 0)
    assert run.credits == least if model.has_fixed_price else run.credits >= least
    for param, job in zip(model.params, run.jobs[1:], strict=True):
        sent = job.record.params[param.key]
        assert isinstance(sent, (int, float) if param.type == "number" else str)
        assert job.record.pictures[0].medium == model.category
        assert job.path is not None


@pytest.mark.parametrize("model", COMPLETE, ids=lambda model: model.id)
def test_what_a_record_forbids_is_refused_before_anything_is_sent(model: Model, session: rv.Session) -> None:
    before = len(rv.runs())
    wrong = {param.key: "no such thing" for param in model.params if param.type != "text"}
    prompt = "x" * ((model.max_prompt_length or 0) + 1)
    with pytest.raises(rv.InvalidRequestError) as refused:
        rv.generate(prompt, model=model.id, params={**wrong, "sparkle": 1})
    expected = {*map(shared_name, wrong), "sparkle", *(["prompt"] if model.max_prompt_length else [])}
    assert {mistake.where for mistake in refused.value.mistakes} == expected
    assert len(rv.runs()) == before


@pytest.mark.parametrize("model", INCOMPLETE, ids=lambda model: model.id)
def test_an_incomplete_model_says_what_is_not_known_and_runs(session: rv.Session, model: Model) -> None:
    plan = rv.plan("A bottle", model=model.id)
    assert f"not known of {model.id}: " in plan._repr_mimebundle_()["text/plain"]
    assert plan.run().wait(60)[0].status == "succeeded"


@pytest.mark.parametrize("model", UNKNOWN, ids=lambda model: model.id)
def test_a_video_model_of_which_not_all_is_known_is_not_asked(session: rv.Session, model: Model) -> None:
    with pytest.raises(
        rv.InvalidRequestError, match=rf"'{model.id}' is (not complete.*not known: |announced)"
    ):
        rv.plan("A bottle", model=model.id)


def test_models_that_want_a_seed_as_text_and_as_a_number_share_an_axis(session: rv.Session) -> None:
    line = parse_line("seed=1..2 --model google-imagen4,wan-2-7-image-pro")
    plan = plan_cell(session, line, "A bottle", {})
    assert sorted(map(repr, (request.seed for request in plan.requests))) == ["'1'", "'2'", "1", "2"]


def test_the_seed_is_one_axis_and_one_filter_for_models_that_call_it_differently(session: rv.Session) -> None:
    line = parse_line("seeds=20001..20002 --model veo3-1-lite,wan-2-7-image-pro")
    run = plan_cell(session, line, "A bottle", {}).run()
    run.wait(60)
    assert [axis.name for axis in run.record.axes] == ["seed", "model"]
    assert [dict(job.record.params) for job in run] == [
        {"seeds": 20001},
        {"seed": 20001},
        {"seeds": 20002},
        {"seed": 20002},
    ]
    assert [job.seed for job in run] == [job.params["seed"] for job in run] == [20001, 20001, 20002, 20002]
    for filters in ({"seed": 20001}, {"seeds": 20001}, {"params": {"seeds": 20001}}):
        assert len(rv.history(prompt="bottle", run=run, **filters)) == 2  # type: ignore[arg-type]
    assert rv.plan("A bottle", model=["veo3-1-lite", "wan-2-7-image-pro"], seed=20001).credits == 0
    grown = run.extend(seeds=[20003])
    assert [request.seed for request in grown.requests] == [20003, 20003]
    assert grown.summary.startswith("2 results · 22 credits · beside 4")
    text = run.grid(rows="seed", cols="model")._repr_mimebundle_()["text/plain"]
    assert "20001" in text


def test_a_param_called_model_is_an_axis_of_its_own_name(session: rv.Session) -> None:
    line = parse_line("params.model=V4,V5 --model suno-music --rows params.model")
    run = plan_cell(session, line, "Rain on a tin roof", {}).run()
    run.wait(60)
    assert [(axis.name, axis.labels) for axis in run.record.axes] == [("params.model", ("V4", "V5"))]
    assert [job.record.params for job in run] == [{"model": "V4"}, {"model": "V5"}]
    assert [job.model for job in run] == ["suno-music"] * 2
    assert [job.params["params.model"] for job in run] == ["V4", "V5"]
    assert len(rv.history(run=run, params={"model": "V5"})) == 1
    assert len(rv.history(run=run, model="suno-music")) == 2
    again = plan_cell(session, line, "Rain on a tin roof", {})
    assert {request.identity for request in again.requests} == {job.record.identity for job in run}
