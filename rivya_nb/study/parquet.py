"""Rows as a Parquet file, written by Arrow, which is only imported where somebody wants one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import UsageError
from rivya_nb.store.files import write_whole
from rivya_nb.study.rows import CREATED, NUMBERS, Row

if TYPE_CHECKING:
    from pyarrow import DataType


def write_parquet(target: Path, rows: Sequence[Row]) -> None:
    """Write the rows, each column with the type of its values; where it has none, text in what others name.

    Raises:
        UsageError: pyarrow is not installed.
        StoreError: the file cannot be written; what was there before stays.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(
            "A Parquet file needs pyarrow, which is not installed here: pip install 'rivya-nb[parquet]'. "
            "export() writes the same as metadata.jsonl without it."
        ) from None
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    # A whole column has values of one type, or None.
    types: dict[type, DataType] = {
        bool: pyarrow.bool_(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        str: pyarrow.string(),
    }
    arrays = {
        name: pyarrow.array(
            values, types[next((type(each) for each in values if each is not None), NUMBERS.get(name, str))]
        )
        for name, values in columns.items()
    }
    moments: list[Any] = [datetime.fromisoformat(str(moment)) for moment in columns[CREATED]]
    arrays[CREATED] = pyarrow.array(moments, pyarrow.timestamp("s", tz="UTC"))
    data = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), data)
    write_whole(target, data.getvalue())
