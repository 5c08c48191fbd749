"""Tables of pandas, which is only imported where somebody wants one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import UsageError

if TYPE_CHECKING:
    from pandas import DataFrame


def fact_columns(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """The columns of facts by their names: one that is taken by something else begins with `fact_`."""
    columns: dict[str, str] = {}
    for name in dict.fromkeys(names):
        column = name
        while column in taken or column in columns.values():
            column = f"fact_{column}"
        columns[name] = column
    return columns


def table(rows: Sequence[dict[str, Any]]) -> DataFrame:
    """One row for each dict, a column for each key.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise UsageError(
            "A table needs pandas, which is not installed here: pip install pandas. "
            "save() writes a .csv and a .json beside the pictures without it."
        ) from None
    return pandas.DataFrame(rows)


def free_name(name: str, taken: Collection[str]) -> str:
    """The name of a new column; `name_2` and so on where others have it already."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
