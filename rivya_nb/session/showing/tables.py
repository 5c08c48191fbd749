"""Tables of pandas, which is only imported where somebody wants one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import UsageError

if TYPE_CHECKING:
    from pandas import DataFrame


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
