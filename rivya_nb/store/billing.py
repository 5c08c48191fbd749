"""What a job costs, in SQL: the rules of `JobRecord`, for a row by any name."""

from __future__ import annotations

from rivya_nb.store.records import FINAL, NOT_BILLED

AMOUNTS = ("credits", "certain_credits", "costs_about", "perhaps_billed")
"""The fields of `Spent`; `costs_about` is the number of jobs that it is true of."""

COMMITTED = ("credits", "unpriced")
"""What counts against credit limits: what jobs cost, will or may have cost, and how many have no certain price."""

BILLED_BY = (
    "service",
    "task_id",
    "price",
    "reserved_credits",
    "final_credits",
    "submitted_at",
    "created_at",
)
"""The columns of a job, beside its status, that what it costs and when depends on."""

HOUR_SECONDS = 3600

DAY = 24 * HOUR_SECONDS


def day(row: str, dialect: str = "sqlite") -> str:
    """The SQL of the day since the epoch in which a job counts against credit limits."""
    return f"{_whole(f'{row}.counted_at', dialect)} / {DAY}"


def hour(row: str, dialect: str = "sqlite") -> str:
    """The SQL of the hour since the epoch in which a job was submitted, or else asked for.

    It is divided as an integer: a float just below a full hour could become that hour.
    """
    return f"{_whole(f'coalesce({row}.submitted_at, {row}.created_at)', dialect)} / {HOUR_SECONDS}"


def _whole(seconds: str, dialect: str) -> str:
    # A cast rounds on PostgreSQL, and cuts off on SQLite, which may lack `trunc`.
    return f"CAST({seconds} AS INTEGER)" if dialect == "sqlite" else f"CAST(trunc({seconds}) AS BIGINT)"


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
# What came from somebody else's store was paid for there.
_IS_OURS = f"(NOT {_in(frozenset({'succeeded', 'undelivered'}))} OR {_IS_TAKEN})"
_IS_OPEN = "({row}.price IS NULL OR {row}.price_is_least)"
_HAS_NO_PRICE = f"NOT {_in(NOT_BILLED)} AND NOT {_IS_TOLD} AND {_IS_OPEN} AND {_IS_OURS}"
_RULES = {
    "committed": _COMMITTED,
    "credits": _CREDITS,
    "certain_credits": f"CASE WHEN {_IS_UNKNOWN} THEN 0 ELSE {_CREDITS} END",
    "costs_about": f"CAST({_IS_ABOUT} AS INTEGER)",
    "perhaps_billed": f"CASE WHEN {_IS_UNKNOWN} THEN {_COMMITTED} ELSE 0 END",
}

_COUNTED = {
    "credits": f"CASE WHEN {_IS_OURS} THEN {_COMMITTED} ELSE 0 END",
    "unpriced": f"CAST({_HAS_NO_PRICE} AS INTEGER)",
}


def counted(name: str, row: str) -> str:
    """The SQL of one of `COMMITTED`, for a row of `jobs`."""
    return _COUNTED[name].format(row=row)


def amount(name: str, row: str) -> str:
    """The SQL of one of `AMOUNTS`, or of `committed`, for a row of `jobs`, for example `NEW` in a trigger."""
    return _RULES[name].format(row=row)
