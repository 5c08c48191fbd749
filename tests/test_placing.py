"""Grids of jobs from different runs: which values make the axes, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from views.making import STARTED, make_job

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.errors import UsageError
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.session.job import Job
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.placing import Placement, place, placing_notes
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.store.store import Store
from rivya_nb.views.layout import arrange


def jobs_of(records: Sequence[JobRecord], folder: Path) -> list[Job]:
    with closing(Store.open(folder)) as store:
        live_records = LiveRecords(store, WorkLoop.find())
        return [live_records.job(record) for record in records]


def placed(folder: Path, records: Sequence[JobRecord], *names: str) -> Placement:
    return place(jobs_of(records, folder), names, lambda service: bundled())


def shapes(*ratios: str | None) -> list[JobRecord]:
    return [
        make_job(f"job{at}", params={"seed": 30 - at, **({"aspect_ratio": ratio} if ratio else {})})
        for at, ratio in enumerate(ratios)
    ]


def labels(made: Placement) -> list[tuple[str, ...]]:
    return [axis.labels for axis in made.axes]


def test_values_stand_as_the_models_record_lists_them_and_defaults_count(tmp_path: Path) -> None:
    made = placed(tmp_path, shapes("16:9", "3:4", None, "1:1"), "aspect_ratio")
    assert labels(made) == [("1:1", "16:9", "3:4")]
    assert {cell.job_id: cell.coordinates for cell in made.cells} == {
        "job0": (1,),
        "job1": (2,),
        "job2": (0,),
        "job3": (0,),
    }


def test_of_pictures_of_one_run_at_one_place_the_newest_is_shown(tmp_path: Path) -> None:
    newest_first = [make_job(name, prompt=name) for name in ("noon", "dusk", "dawn")]
    made = placed(tmp_path, newest_first, "aspect_ratio")
    layout = arrange(
        RunRecord(0, None, "", STARTED, made.axes, made.cells), {job.id: job for job in newest_first}
    )
    assert [cell.job.prompt for cell in layout.cells] == ["noon"]


def test_numbers_stand_by_their_size_also_where_a_model_takes_them_as_text(tmp_path: Path) -> None:
    jobs = [make_job(str(seed), params={"seed": seed}) for seed in ("9", 10, 2.0)]
    jobs.append(make_job("without", model="nano-banana"))
    assert labels(placed(tmp_path, jobs, "seed")) == [("2", "9", "10", "none")]


def test_prompts_and_models_stand_in_the_order_in_which_they_were_first_asked(tmp_path: Path) -> None:
    newest_first = [
        make_job("c", prompt="noon", model="nano-banana"),
        make_job("b", prompt="noon", created_at=STARTED - 1),
        make_job("a", prompt="dawn", created_at=STARTED - 2),
    ]
    made = placed(tmp_path, newest_first, "prompt", "model")
    assert labels(made) == [("dawn", "noon"), (DEFAULT_MODEL, "nano-banana")]


def test_without_an_axis_each_picture_says_what_tells_it_from_the_others(tmp_path: Path) -> None:
    assert labels(placed(tmp_path, shapes("16:9", "1:1"))) == [("seed: 30 · 16:9", "seed: 29 · 1:1")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sead", "sead: no job here has it; they have model, .*did you mean 'seed'"),
        (["seed"], r"\['seed'\] is not an axis; give the name of an axis as text"),
        ({"seed": 1}, "is not an axis; give the name of an axis as text"),
    ],
)
def test_what_is_no_axis_is_told(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        placed(tmp_path, shapes("1:1"), name)


def test_a_model_without_the_axis_is_told_with_its_own_word_for_it(tmp_path: Path) -> None:
    jobs = jobs_of([*shapes("1:1"), make_job("other", model="nano-banana")], tmp_path)
    notes = placing_notes(jobs, ["aspect_ratio", "seed", "prompt"], lambda service: bundled())
    assert notes == ("nano-banana has no aspect_ratio; it calls this imageSize", "nano-banana has no seed")
