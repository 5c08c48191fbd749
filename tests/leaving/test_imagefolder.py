"""A folder of pictures that `datasets` loads, with what is known of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from history.conftest import add_run, picture
from media.films import film_record
from store.filling import done

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.files import write_whole
from rivya_nb.store.measurements import Subject
from rivya_nb.store.records import PictureRecord

from .conftest import PROMPTS, Study

FACTS = (
    {"category": "animals", "job": "7", "image": "a", "source_file_name": "x.png", "when": "2024-01-01"},
    {"category": "birds", "job": "8", "image": "b", "source_file_name": "y.png", "when": "later"},
)

LOAD = """
import json, sys
from datasets import Video, load_dataset
loaded = load_dataset("imagefolder", data_dir=sys.argv[1], split="train")
rows = [{**row, "image": [row["image"].size, row["image"].getpixel((0, 0))]} for row in loaded]
print(json.dumps(rows, default=str))
films = load_dataset("videofolder", data_dir=sys.argv[2], filters=[("medium", "=", "video")], split="train")
films = films.cast_column("video", Video(decode=False))
print(json.dumps([[row["video"]["path"], row["duration"], row["prompt"]] for row in films]))
"""


def rows_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metadata.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def loaded(folder: Path, mixed: Path, home: Path) -> tuple[list[dict[str, Any]], list[Any]]:
    """A folder of pictures, and the videos of another one, as Hugging Face's `datasets` loads them, without a
    network."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(home)}
    command = [sys.executable, "-c", LOAD, str(folder), str(mixed)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **offline}, timeout=120)
    assert done.returncode == 0, done.stderr
    rows, films = map(json.loads, done.stdout.splitlines()[-2:])
    return rows, films


def add_mixed(session: rv.Session) -> rv.Run:
    """A run of a video, a sound and a picture."""
    sound = PictureRecord(session.store.files.put(b"RIFF", "audio/wav"), "audio/wav", 0, 0, 4, 1.5)
    files = (film_record(session.store, range(20)), sound, picture(session, 3))
    jobs = [done("a mix", {"seed": seed}, pictures=(each,)) for seed, each in enumerate(files)]
    return session.run(add_run(session, range(3), jobs))


@pytest.mark.slow
def test_datasets_loads_it_whatever_the_names(study: Study, session: rv.Session, tmp_path: Path) -> None:
    # Names with *test*, *train* or *dev* would be taken for splits.
    run = study(FACTS, model="flux-dev")
    run[3].exclude("the beak is cut off")
    saved = run.export(tmp_path / "train" / "val_test")
    mixed = add_mixed(session).export(tmp_path / "mixed")
    rows, films = loaded(tmp_path / "train" / "val_test", tmp_path / "mixed", tmp_path)
    assert films == [[str(mixed[0]), 2.0, "a mix"]]
    assert len(rows) == len(saved) == 3
    assert [row["image"] for row in rows] == [[[32, 24], [seed, 0, 99]] for seed in (1, 2, 101)]
    assert [(row["prompt"], row["seed"], row["category"], row["replicate"]) for row in rows] == [
        (PROMPTS[0], 1, "animals", 1),
        (PROMPTS[0], 2, "animals", 1),
        (PROMPTS[1], 1, "birds", 1),
    ]
    assert [row["fact_job"] for row in rows] == ["7", "7", "8"]
    assert [row["fact_image"] for row in rows] == ["a", "a", "b"]
    assert [row["source_file_name_"] for row in rows] == ["x.png", "x.png", "y.png"]
    assert {row["run"] for row in rows} == {run.id}
    assert [row["job"] for row in rows] == run.job_ids[:3]
    assert sum(row["credits"] for row in rows) == 36


def test_the_files_are_the_originals_and_the_key_stays(study: Study, tmp_path: Path) -> None:
    run = study(FACTS)
    saved = run.export(tmp_path)
    assert [path.read_bytes() for path in saved] == [job.path.read_bytes() for job in run if job.path]
    assert all(DEFAULT_KEY not in path.read_text("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    assert [tmp_path / row["file_name"] for row in rows_of(tmp_path)] == saved


def test_videos_and_sounds_have_their_durations_and_folders(session: rv.Session, tmp_path: Path) -> None:
    run = add_mixed(session)
    saved = run.export(tmp_path / "out")
    assert "3 results" in saved._repr_mimebundle_()["text/plain"]
    rows = rows_of(tmp_path / "out")
    assert [(row["file_name"].partition("/")[0], row["medium"], row["duration"]) for row in rows] == [
        ("videos", "video", 2.0),
        ("sounds", "audio", 1.5),
        ("pictures", "image", None),
    ]
    # An export of fewer takes away what was there.
    run[1:].export(tmp_path / "out")
    assert [path.is_file() for path in saved] == [False, True, True]
    assert run.to_pandas()["picture_duration"].tolist()[:2] == [2.0, 1.5]
    run.save(tmp_path / "saved")
    table = (tmp_path / "saved" / f"run-{run.id}.csv").read_text("utf-8-sig").splitlines()
    at = table[0].split(",").index("picture_duration")
    assert [line.split(",")[at] for line in table[1:]] == ["2.0", "1.5", ""]


def test_excluded_pictures_stay_behind_also_from_an_earlier_export(study: Study, tmp_path: Path) -> None:
    run = study()
    (tmp_path / "README.md").write_text("about")
    first = run.export(tmp_path)
    run[0].exclude("hand cut off")
    again = run.export(tmp_path)
    assert not first[0].exists()
    assert again == first[1:]
    assert again.note == "1 excluded picture left out"
    assert "3 pictures; 1 excluded picture left out" in again._repr_mimebundle_()["text/plain"]
    assert (tmp_path / "README.md").read_text() == "about"
    run.exclude("all wrong")
    with pytest.raises(rv.UsageError, match="no result to export: 4 excluded pictures left out"):
        run.export(tmp_path)
    assert len(rows_of(tmp_path)) == 3


def test_an_export_is_replaced_whatever_ends_lines_in_its_texts(study: Study, tmp_path: Path) -> None:
    run = study(({"source": "one\u2028two\x85three\x0bfour"}, {}))
    run.export(tmp_path)
    assert len(run.export(tmp_path)) == 4
    assert rows_of(tmp_path)[0]["source"] == "one\u2028two\x85three\x0bfour"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.jsonl", '{"file_name": "a.png"}\n'),
        ("metadata.jsonl", '{"file_name": "pictures/../../a.png"}\n'),
        ("metadata.jsonl", "[]\n"),
        ("metadata.csv", "file_name\n"),
    ],
)
def test_metadata_of_another_origin_is_not_overwritten(
    study: Study, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(rv.UsageError, match=f"has a {name} that is not of an earlier export"):
        study().export(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != "store"] == [name]


def test_a_history_gives_each_picture_once_with_the_facts_of_its_runs(study: Study, tmp_path: Path) -> None:
    first = study(FACTS)
    other = study(({"category": "plants"}, {"category": "stones"}), model="seedream-4-0")
    rv.history().export(tmp_path)
    rows = rows_of(tmp_path)
    assert [(row["run"], row["category"]) for row in rows] == [
        (other.id, "stones"),
        (other.id, "stones"),
        (other.id, "plants"),
        (other.id, "plants"),
        (first.id, "birds"),
        (first.id, "birds"),
        (first.id, "animals"),
        (first.id, "animals"),
    ]
    # Equal pictures are one file.
    assert len({row["file_name"] for row in rows}) == 4
    assert rows[0]["fact_job"] is None
    rv.history(model="seedream-4-0").grid(rows="seed").export(tmp_path)
    assert {row["job"] for row in rows_of(tmp_path)} == set(other.job_ids)


def test_kept_measures_are_columns(study: Study, session: rv.Session, tmp_path: Path) -> None:
    run = study(({"mine": "low"}, {"mine": "high"}))
    first, second = (job.record.pictures[0].sha256 for job in run[:2])
    keep = session.store.measurements.keep
    keep("mine", "1", "", [(Subject(first), {"": 1.0})])
    keep("mine", "2", "", [(Subject(first), {"": 0.25}), (Subject(second), {"": float("inf")})])
    keep("fit", "1", "", [(Subject(first, run[0].record.identity), {"hue": 0.5})])
    run.export(tmp_path)
    rows = rows_of(tmp_path)
    assert [row["measure_mine"] for row in rows] == [0.25, None, None, None]
    assert [row["fit.hue"] for row in rows] == [0.5, None, None, None]
    assert rows[0]["mine"] == "low"


def test_values_of_several_types_become_text(fill: Any, tmp_path: Path) -> None:
    fill([1])[0].tag("b", "a").rate(2)
    fill([3], prompt="a cup", seed="2026-seed", huge=2**70, guidance_scale=2.5)
    fill([4], prompt="a jar", guidance_scale=3, note="x")
    rv.history().export(tmp_path)
    rows = rows_of(tmp_path)
    assert [row["seed"] for row in rows] == ["4", "2026-seed", "1"]
    assert [row["huge"] for row in rows] == [None, str(2**70), None]
    assert [row["guidance_scale"] for row in rows] == [3.0, 2.5, None]
    assert [row["param_note"] for row in rows] == ["x", None, None]
    assert (rows[2]["tags"], rows[2]["rating"]) == ("a, b", 2)


def test_an_original_that_is_gone_is_named_and_the_others_are_there(study: Study, tmp_path: Path) -> None:
    run = study()
    assert run[0].path is not None
    run[0].path.unlink()
    with pytest.raises(rv.StoreError, match=r"1 picture's file is gone .*; the others are in"):
        run.export(tmp_path)
    assert len(rows_of(tmp_path)) == 3


def test_an_interrupted_export_goes_on_where_it_was(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, copied = study(), []

    def interrupted(original: Path, copy: Path) -> None:
        copied.append(copy)
        if len(copied) == 2:
            raise KeyboardInterrupt
        write_whole(copy, original)

    monkeypatch.setattr("rivya_nb.study.imagefolder._copy", interrupted)
    with pytest.raises(rv.WaitInterruptedError, match=r"1 of 4 pictures are done and kept"):
        run.export(tmp_path)
    assert not (tmp_path / "metadata.jsonl").exists()
    monkeypatch.undo()
    before = copied[0].stat().st_ino
    assert len(run.export(tmp_path)) == 4
    assert copied[0].stat().st_ino == before


def test_an_unknown_format_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(rv.UsageError, match="did you mean 'imagefolder'"):
        study().export(tmp_path / "new", format="imagefoldr")
    assert not (tmp_path / "new").exists()
