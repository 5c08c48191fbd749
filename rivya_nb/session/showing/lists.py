"""The files beside saved pictures: a JSON file with everything about them, and a CSV table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb._version import __version__
from rivya_nb.files import user_path
from rivya_nb.session.showing.tables import fact_columns
from rivya_nb.spreadsheets import csv_bytes
from rivya_nb.store.files import write_whole
from rivya_nb.views.repeat import told_request

if TYPE_CHECKING:
    from rivya_nb.contract.params import ParamValue
    from rivya_nb.session.job import Job
    from rivya_nb.store.provenance import Stamped
    from rivya_nb.store.records import JobRecord, Marks, RunRecord


def write_lists(
    folder: str | os.PathLike[str],
    run: RunRecord,
    jobs: Sequence[Job],
    copies: Sequence[Stamped],
    marks: Mapping[str, Marks],
    facts: Mapping[str, Mapping[str, str]],
) -> tuple[Path, Path]:
    """Write `run-41.json` and `run-41.csv`, or `history.…`, beside the pictures; the two absolute paths.

    `copies` are the jobs' saved pictures in order, `facts` those of a table by the job's id. The JSON has all
    jobs, the CSV a row for each picture, in UTF-8 with the mark by which Excel knows it. A text that a
    spreadsheet would run begins with an apostrophe.

    Raises:
        StoreError: the folder cannot be written.
    """
    stem = user_path(folder) / (f"run-{run.id}" if run.id else "history")
    names = iter(copy.path.name for copy in copies)
    saved = [(job.record, [next(names) for _ in job.record.pictures]) for job in jobs]
    told = {
        "tool": "rivya_nb",
        "version": __version__,
        "run": {
            "id": run.id or None,
            "name": run.name,
            "axes": {axis.name: axis.labels for axis in run.axes},
        },
        "credits": sum(record.credits for record, _ in saved),
        "credits_known": all(record.credits_known for record, _ in saved),
        "jobs": [_told(record, files, marks[record.id], facts.get(record.id, {})) for record, files in saved],
    }
    paths = stem.with_suffix(".json"), stem.with_suffix(".csv")
    write_whole(paths[0], json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    write_whole(paths[1], _table(saved, marks, facts))
    return paths


def _told(
    record: JobRecord, files: Sequence[str], marks: Marks, facts: Mapping[str, str]
) -> dict[str, object]:
    return {
        "id": record.id,
        "service": record.service,
        "request": told_request(record),
        "seed": record.seed,
        "status": record.status,
        "error": record.error_code,
        "credits": record.credits,
        "credits_known": record.credits_known,
        "task_id": record.task_id,
        "created": _iso(record.created_at),
        "pictures": [
            {
                "file": name,
                "sha256": picture.sha256,
                "width": picture.width or None,
                "height": picture.height or None,
                **({} if picture.duration is None else {"duration": picture.duration}),
            }
            for name, picture in zip(files, record.pictures, strict=True)
        ],
        "marks": {
            "rating": marks.rating,
            "favourite": marks.favourite,
            "tags": marks.tags,
            "note": marks.note,
            "excluded": marks.excluded,
        },
        **({"facts": dict(facts)} if facts else {}),
    }


def _table(
    saved: Sequence[tuple[JobRecord, Sequence[str]]],
    marks: Mapping[str, Marks],
    facts: Mapping[str, Mapping[str, str]],
) -> bytes:
    keys = list(dict.fromkeys(key for record, _ in saved for key in record.shared_params))
    columns = [
        "file",
        "model",
        "prompt",
        *keys,
        "replicate",
        "credits",
        "credits_known",
        "picture_width",
        "picture_height",
        "picture_duration",
        "created",
        "rating",
        "favourite",
    ]
    columns += ["tags", "note", "excluded", "service", "task_id", "job", "sha256"]
    named = fact_columns((name for record, _ in saved for name in facts.get(record.id, ())), columns)
    columns += named.values()
    rows = []
    for record, files in saved:
        mine = marks[record.id]
        for number, (name, picture) in enumerate(zip(files, record.pictures, strict=True)):
            row: list[ParamValue | None] = [name, record.model, record.prompt]
            row += [*(record.shared_params.get(key) for key in keys), record.replicate]
            # A task of several pictures has one price: the column adds up.
            row += [0 if number else record.credits, "yes" if record.credits_known else "no"]
            row += [picture.width or None, picture.height or None, picture.duration]
            row += [_iso(record.created_at)]
            row += [mine.rating or None, "yes" if mine.favourite else None, ", ".join(mine.tags), mine.note]
            row += [mine.excluded]
            row += [record.service, record.task_id, record.id, picture.sha256]
            row += [facts.get(record.id, {}).get(name) for name in named]
            rows.append(row)
    return csv_bytes(columns, rows)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
