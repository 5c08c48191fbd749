"""What a job costs, in SQL: the rules of `JobRecord`, for a row by any name."""

from __future__ import annotations

from rivya_nb.store.records import FINAL, NOT_BILLED

AMOUNTS = ("credits", "certain_credits", "costs_about", "perhaps_billed")
"""The fields of `Spent`; `costs_about` is the number of jobs that it is true of."""

HOUR_SECONDS = 3600


def hour(row: str, dialect: str = "sqlite") -> str:
    """The SQL of the hour since the epoch in which a job was submitted, or else asked for.

    It is divided as an integer: a float just below a full hour could become that hour.
    """
    when = f"coalesce({row}.submitted_at, {row}.created_at)"
    # A cast rounds on PostgreSQL, and cuts off on SQLite, which may lack `trunc`.
    whole = f"CAST({when} AS INTEGER)" if dialect == "sqlite" else f"CAST(trunc({when}) AS BIGINT)"
    return f"{whole} / {HOUR_SECONDS}"


def _in(statuses: frozenset[str]) -> str:
    return "{row}.status IN (" + ", ".join(f"'{status}'" for status in sorted(statuses)) + ")"


IS_FINAL = _in(FINAL)

_FINAL = f"CASE WHEN {IS_FINAL} THEN {{row}}.final_credits END"
_IS_UNKNOWN = "{row}.status = 'unknown'"
_IS_TOLD = f"({{row}}.reserved_credits IS NOT NULL OR {_FINAL} IS NOT NULL)"
_IS_TAKEN = f"({{row}}.task_id IS NOT NULL OR {_IS_TOLD})"
_IS_ABOUT = f"{_IS_TAKEN} AND NOT {_IS_TOLD} AND NOT {_in(NOT_BILLED)} AND NOT {_IS_UNKNOWN}"
_COMMITTED = (
    f"CASE WHEN {_in(NOT_BILLED)} THEN 0"
    f" ELSE coalesce({_FINAL}, {{row}}.reserved_credits, {{row}}.price, 0) END"
)
_CREDITS = f"CASE WHEN {_IS_TAKEN} THEN {_COMMITTED} ELSE 0 END"
_RULES = {
    "committed": _COMMITTED,
    "credits": _CREDITS,
    "certain_credits": f"CASE WHEN {_IS_UNKNOWN} THEN 0 ELSE {_CREDITS} END",
    "costs_about": f"CAST({_IS_ABOUT} AS INTEGER)",
    "perhaps_billed": f"CASE WHEN {_IS_UNKNOWN} THEN {_COMMITTED} ELSE 0 END",
}


def amount(name: str, row: str) -> str:
    """The SQL of one of `AMOUNTS`, or of `committed`, for a row of `jobs`, for example `NEW` in a trigger."""
    return _RULES[name].format(row=row)
