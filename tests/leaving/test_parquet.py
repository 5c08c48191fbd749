"""Rows as a Parquet file."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

import rivya_nb as rv

from .conftest import PROMPTS, Study


def test_every_picture_is_a_row_with_types(study: Study, tmp_path: Path) -> None:
    run = study(({"category": "animals"}, {"category": "-1"}), created_at=1e9)
    run[0].exclude("hand cut off")
    written = run.to_parquet(tmp_path / "study.parquet")
    assert "1 excluded picture left out" in written._repr_mimebundle_()["text/plain"]
    table = parquet.read_table(written)
    assert table.num_rows == 3
    first = table.slice(1, 1).to_pylist()[0]
    assert (first["prompt"], first["seed"], first["category"]) == (PROMPTS[1], 1, "-1")
    assert first["created"] == datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)
    # Also where there is none, so that tables of several runs go together.
    assert table.schema.field("rating").type == pyarrow.int64()
    assert table.schema.field("duration").type == pyarrow.float64()
    assert table.schema.field("seed").type == pyarrow.int64()
    assert table.schema.field("favourite").type == pyarrow.bool_()


def test_a_grid_and_a_history_write_the_same(study: Study, tmp_path: Path) -> None:
    run = study()
    one = parquet.read_table(run.grid().to_parquet(tmp_path / "one"))
    other = parquet.read_table(rv.history().to_parquet(tmp_path / "other"))
    assert one["job"].to_pylist() == other["job"].to_pylist()[::-1] == run.job_ids


def test_without_pyarrow_it_says_what_to_install(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(rv.UsageError, match=r"pip install 'rivya-nb\[parquet\]'"):
        study().to_parquet(tmp_path / "study.parquet")
    assert not (tmp_path / "study.parquet").exists()


def test_a_path_that_can_be_no_file_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(rv.StoreError):
        study().to_parquet(tmp_path)
    with pytest.raises(rv.UsageError, match="no result to export"):
        rv.history(seed=99).to_parquet(tmp_path / "none.parquet")
