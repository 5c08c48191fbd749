"""Experiment trackers, with stand-ins for their packages: what each of them is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL.Image import Image

import rivya_nb as rv
from rivya_nb._version import __version__
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.measurements import Subject

from .conftest import Study

FACTS = ({"category": "animals"}, {"category": "birds"})


@dataclass
class Told:
    """What a tracker was told: calls with their arguments, in order."""

    calls: list[tuple[str, Any]] = field(default_factory=list)

    def named(self, name: str) -> list[Any]:
        return [what for called, what in self.calls if called == name]


def module(name: str, monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
    made = ModuleType(name)
    vars(made).update(parts)
    monkeypatch.setitem(sys.modules, name, made)


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    class Client:
        def get_experiment_by_name(self, name: str) -> None:
            told.calls.append(("experiment", name))

        def create_experiment(self, name: str) -> str:
            return "7"

        def create_run(self, experiment_id: str, run_name: str) -> Any:
            told.calls.append(("run", (experiment_id, run_name)))
            made = ModuleType("run")
            vars(made)["info"] = made
            vars(made)["run_id"] = run_name
            return made

        def log_batch(self, run_id: str, metrics: list[Any], params: list[Any]) -> None:
            told.calls.append(("params", dict(params)))
            told.calls.append(("metrics", {name: value for name, value, _, _ in metrics}))

        def log_table(self, run_id: str, columns: dict[str, list[Any]], file: str) -> None:
            told.calls.append(("table", columns))

        def log_image(self, run_id: str, image: Image, file: str) -> None:
            told.calls.append(("image", (file, image.size)))

        def set_terminated(self, run_id: str, status: str) -> None:
            told.calls.append(("end", (run_id, status)))

    module("mlflow", monkeypatch, MlflowClient=Client, get_tracking_uri=lambda: "sqlite:///here.db")
    module(
        "mlflow.entities", monkeypatch, Metric=lambda *given: given, Param=lambda name, value: (name, value)
    )
    return told


def like_wandb(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    class Opened:
        dir = str(folder / "run" / "files")

        def log(self, what: dict[str, Any]) -> None:
            told.calls.append(("log", what))

        def finish(self) -> None:
            told.calls.append(("finish", None))

    def init(**given: Any) -> Opened:
        told.calls.append(("init", given))
        return Opened()

    module(
        name,
        monkeypatch,
        init=init,
        Settings=lambda **given: given,
        Image=lambda image, caption: (image.size, caption),
        Table=lambda columns, data: (columns, data),
    )
    return told


def test_mlflow_gets_a_run_for_each_run(study: Study, session: rv.Session, mlflow: Told) -> None:
    first, second = study(FACTS), study(model="seedream-4-0")
    first[1].exclude("blurred")
    numbers = {first[0]: 1.0, first[1]: 9.0, first[2]: 3.0}
    kept = [(Subject(job.record.pictures[0].sha256), {"": number}) for job, number in numbers.items()]
    session.store.measurements.keep("sharp ness", "1", "", kept)
    told = rv.history().log_to("mlflow", project="foxes")
    assert told == (
        "Logged 2 runs with 7 pictures to the experiment foxes of mlflow at sqlite:///here.db. "
        "1 excluded picture left out."
    )
    assert mlflow.named("run") == [("7", f"run {first.id}"), ("7", f"run {second.id}")]
    params = mlflow.named("params")[0]
    assert params == params | {
        "prompt": "an owl, “dusk”, =a fox",
        "model": "wan-2-7-image-pro",
        "seed": "2, 1",
        "run": str(first.id),
        "rivya_nb": __version__,
    }
    assert mlflow.named("metrics")[0] == {"results": 3, "credits": 36, "sharp ness": 2.0}
    table = mlflow.named("table")[0]
    assert table["category"] == ["birds", "birds", "animals"]
    assert [size for _, size in mlflow.named("image")] == [(32, 24)] * 7
    assert len({file for file, _ in mlflow.named("image")[:3]}) == 3
    assert [status for _, status in mlflow.named("end")] == ["FINISHED"] * 2
    assert DEFAULT_KEY not in repr(mlflow.calls)


def test_the_password_of_an_address_is_not_shown(
    study: Study, mlflow: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["mlflow"], "get_tracking_uri", lambda: "https://me:secret@host/mlflow")
    assert study().log_to("mlflow").endswith("of mlflow at https://host/mlflow.")


def test_a_run_that_cannot_be_logged_whole_is_marked_as_failed(
    study: Study, mlflow: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(sys.modules["mlflow"].MlflowClient, "log_image", full)
    with pytest.raises(OSError, match="full"):
        study().log_to("mlflow")
    assert mlflow.named("end")[0][1] == "FAILED"


def test_wandb_stays_offline_and_takes_no_cells_along(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    told = like_wandb("wandb", tmp_path, monkeypatch)
    run = study(FACTS)
    assert f"of wandb (offline), in {tmp_path / 'run'}; `wandb sync` sends it." in run.log_to("wandb")
    opened = told.named("init")[0]
    assert (opened["project"], opened["mode"], opened["reinit"]) == ("rivya_nb", "offline", "create_new")
    assert opened["settings"]["disable_code"] is True
    assert opened["settings"]["console"] == "off"
    assert opened["settings"]["x_disable_meta"] is True, "it would tell paths, the host and the user"
    (logged,) = told.named("log")
    columns, data = logged["table"]
    assert len(data) == logged["results"] == 4
    assert data[0][columns.index("category")] == "animals"
    assert data[0][0][0] == (32, 24)
    assert told.calls[-1] == ("finish", None)
    monkeypatch.setenv("WANDB_MODE", "online")
    run.log_to("wandb")
    assert told.named("init")[1]["mode"] == "online"


def test_trackio_gets_a_grid_under_a_safe_name(
    study: Study, session: rv.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = like_wandb("trackio", tmp_path, monkeypatch)
    run = study()
    record = run.record
    again = session.store.asking.add_run(
        name="../../etc", service="sandbox", axes=record.axes, cells=record.cells, jobs=[]
    )
    assert session.run(again.id).grid().log_to("trackio").startswith("Logged 1 run with 4 pictures")
    assert told.named("init")[0]["name"] == f"run {again.id} .._.._etc"


def test_an_unknown_tracker_and_a_missing_package_are_told(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = study()
    with pytest.raises(rv.UsageError, match=r"it takes mlflow, wandb, trackio; did you mean 'mlflow'\?"):
        run.log_to("ml-flow")
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(rv.UsageError, match=r"pip install 'rivya-nb\[wandb\]'"):
        run.log_to("wandb")


def test_nothing_is_logged_where_a_file_is_gone(study: Study, mlflow: Told) -> None:
    run = study()
    assert run[0].path is not None
    run[0].path.unlink()
    with pytest.raises(rv.StoreError, match=r"gone from the store .*; nothing was logged"):
        run.log_to("mlflow")
    assert not mlflow.named("run")
