"""Runs for experiment trackers: mlflow, wandb and trackio, each imported only when somebody wants it.

A tracker gets one run for each of ours: its params, the means of its measures, a table with a row for each
picture, and small pictures. Whatever else the user tracks at that moment is not touched.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypeAlias

from rivya_nb._version import __version__
from rivya_nb.contract.text import count, did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.records import PictureRecord
from rivya_nb.study.places import PicturedPlace
from rivya_nb.study.rows import PictureTable, Row, Value
from rivya_nb.views.words import noun_of_files

if TYPE_CHECKING:
    from PIL.Image import Image

BOX = (512, 512)
"""Pixels of a tracked picture at most."""

_VALUE_LENGTH = 250
"""Characters of a param that every tracker takes."""
_NAME_LENGTH = 100
_MOST_VALUES = 12
_PASSWORD = re.compile(r"//[^/]*@")

Small: TypeAlias = "Callable[[PictureRecord, tuple[int, int]], Image]"
"""Gives a picture, shrunk into a box of pixels."""


@dataclass(frozen=True)
class TrackedRun:
    """A run as a tracker gets it: params as texts, numbers by name, a row and a small picture for each place."""

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    rows: Sequence[Row]
    places: Sequence[PicturedPlace]
    small: Small

    def pictures(self) -> Iterator[tuple[str, Image]]:
        """Each picture with a name for its file, which is its own within the run. This decodes them."""
        for number, (place, row) in enumerate(zip(self.places, self.rows, strict=True), 1):
            yield f"{number:04}-{place.job.id[:8]}-{row['picture']}", self.small(place.picture, BOX)


Tracker: TypeAlias = Callable[[str, Sequence[TrackedRun]], str]
"""Logs runs to a project, and says where, in a sentence."""


def tracked_runs(
    places: Sequence[PicturedPlace], table: PictureTable, names: Mapping[int, str], small: Small
) -> list[TrackedRun]:
    """What a tracker gets of these pictures: a run for each of ours, by `names` of their ids."""
    groups: dict[Value, list[tuple[PicturedPlace, Row]]] = {}
    for place, row in zip(places, table.rows, strict=True):
        groups.setdefault(row["run"], []).append((place, row))
    runs = []
    for number, group in sorted(groups.items(), key=lambda item: str(item[0]).rjust(20)):
        rows = [row for _, row in group]
        # Some trackers make a folder of this name.
        name = _key(printable(names.get(number, ""), _NAME_LENGTH)) if isinstance(number, int) else "results"
        metrics = _metrics(rows, table.measures)
        runs.append(TrackedRun(name, _params(rows, table), metrics, rows, [each for each, _ in group], small))
    return runs


def find_tracker(name: str) -> Tracker:
    """What logs to the tracker of this name.

    Raises:
        UsageError: there is no such tracker, or its package is not installed.
    """
    if not isinstance(name, str) or name not in _TRACKERS:
        hint = did_you_mean(name, _TRACKERS) if isinstance(name, str) else ""
        message = f"{short_repr(name)} is no tracker; it takes {listing(_TRACKERS)}{hint}"
        raise UsageError([Mistake("log_to", message)])
    try:
        package = import_module(name)
    except ImportError:
        raise UsageError(
            f"Logging to {name} needs its package, which is not installed here: pip install 'rivya-nb[{name}]'."
        ) from None
    log = _TRACKERS[name]
    return lambda project, runs: log(package, project, runs)


def _params(rows: Sequence[Row], table: PictureTable) -> dict[str, str]:
    """What was asked for, by column: the value, or the values, or how many there are."""
    told = {}
    for column in (*table.settings, "service", "run"):
        values = list(dict.fromkeys(str(row[column]) for row in rows if row[column] is not None))
        words = ", ".join(values) if len(values) <= _MOST_VALUES else count(len(values), "value")
        if values:
            told[_key(column)] = printable(words, _VALUE_LENGTH)
    return {**told, "rivya_nb": __version__}


def _metrics(rows: Sequence[Row], measures: Sequence[str]) -> dict[str, float]:
    """The number of results, their price, and the mean of each measure over those that have it."""
    metrics = {"results": float(len(rows)), "credits": float(sum(_number(row["credits"]) for row in rows))}
    for column in measures:
        there = [_number(row[column]) for row in rows if row[column] is not None]
        if there:
            metrics[_key(column)] = fmean(there)
    return metrics


def _number(value: Value) -> float:
    return float(value or 0)


def _key(column: str) -> str:
    """A name that every tracker takes."""
    return re.sub(r"[^\w.\- ]", "_", column)


def _to_mlflow(package: Any, project: str, runs: Sequence[TrackedRun]) -> str:
    # The client alone: the run that a user may have open stays the active one.
    client = package.MlflowClient()
    experiment = client.get_experiment_by_name(project)
    where = experiment.experiment_id if experiment is not None else client.create_experiment(project)
    now = round(time.time() * 1000)
    entities = import_module("mlflow.entities")
    for run in runs:
        run_id = client.create_run(where, run_name=run.name).info.run_id
        status = "FAILED"
        try:
            metrics = [entities.Metric(name, value, now, 0) for name, value in run.metrics.items()]
            params = [entities.Param(name, value) for name, value in run.params.items()]
            client.log_batch(run_id, metrics=metrics, params=params)
            columns = {name: [row[name] for row in run.rows] for name in run.rows[0]}
            client.log_table(run_id, columns, "pictures.json")
            for name, image in run.pictures():
                client.log_image(run_id, image, f"pictures/{name}.png")
            status = "FINISHED"
        finally:
            client.set_terminated(run_id, status)
    # The text stays in the notebook, and some addresses have a password.
    uri = _PASSWORD.sub("//", package.get_tracking_uri())
    return f"{_logged(runs)} to the experiment {project} of mlflow at {uri}."


def _to_wandb(package: Any, project: str, runs: Sequence[TrackedRun]) -> str:
    # Neither cells nor what they print goes along, which may hold anything, nor paths and names of this machine.
    settings = package.Settings(
        console="off", disable_code=True, disable_git=True, x_disable_stats=True, x_disable_meta=True
    )
    mode = os.environ.get("WANDB_MODE") or "offline"
    folders = []
    for run in runs:
        config = dict(run.params)
        opened = package.init(
            project=project, name=run.name, config=config, mode=mode, reinit="create_new", settings=settings
        )
        folders.append(Path(opened.dir).parent)
        try:
            _log_table(package, opened, run)
        finally:
            opened.finish()
    way = "; `wandb sync` sends it" if mode == "offline" else ""
    return f"{_logged(runs)} to the project {project} of wandb ({mode}), in {listing(folders)}{way}."


def _to_trackio(package: Any, project: str, runs: Sequence[TrackedRun]) -> str:
    def log() -> None:
        for run in runs:
            opened = package.init(
                project=project,
                name=run.name,
                config=dict(run.params),
                embed=False,
                auto_log_cpu=False,
                auto_log_gpu=False,
            )
            try:
                _log_table(package, opened, run)
            finally:
                opened.finish()

    # In a context of its own: trackio would end the run that a user may have open.
    Context().run(log)
    return f"{_logged(runs)} to the project {project} of trackio."


def _log_table(package: Any, opened: Any, run: TrackedRun) -> None:
    """The numbers, and a table with the pictures, in the form that wandb has and trackio shares."""
    columns = list(run.rows[0])
    pictures = (package.Image(image, caption=name) for name, image in run.pictures())
    data = [[picture, *row.values()] for picture, row in zip(pictures, run.rows, strict=True)]
    opened.log({**run.metrics, "table": package.Table(columns=["image", *columns], data=data)})


def _logged(runs: Sequence[TrackedRun]) -> str:
    files = [place.picture for run in runs for place in run.places]
    return f"Logged {count(len(runs), 'run')} with {count(len(files), noun_of_files(files))}"


_TRACKERS: dict[str, Callable[[Any, str, Sequence[TrackedRun]], str]] = {
    "mlflow": _to_mlflow,
    "wandb": _to_wandb,
    "trackio": _to_trackio,
}
