"""What a job costs, in SQL: the rules of `JobRecord`, for a row by any name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rivya_nb.store.records import FINAL, NOT_BILLED

AMOUNTS = ("credits", "certain_credits", "costs_about", "perhaps_billed")
"""The fields of `Spent`; `costs_about` is the number of jobs that it is true of."""

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


def amount(name: str, row: str) -> str:
    """The SQL of one of `AMOUNTS`, or of `committed`, for a row of `jobs`, for example `NEW` in a trigger."""
    return _RULES[name].format(row=row)


@dataclass(frozen=True)
class Sum:
    """A table of sums over jobs, which triggers keep: `rules` has the SQL of what a job adds to each column.

    They are kept for each value of the jobs' column `of`, and each `period` of so many `seconds` since the epoch:
    that of a job is the one of its `moment`, in SQL.
    """

    table: str
    of: str
    period: str
    seconds: int
    moment: str
    rules: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are sums."""
        return tuple(self.rules)

    def parts(self, row: str) -> list[str]:
        """The SQL of what a row of `jobs` adds to each of them."""
        return [rule.format(row=row) for rule in self.rules.values()]

    def keys(self, row: str, dialect: str) -> tuple[str, str]:
        """The SQL of where it is added: of whom, and in which period.

        That is divided as an integer: a float just below a full hour could become that hour.
        """
        moment = self.moment.format(row=row)
        # A cast rounds on PostgreSQL, and cuts off on SQLite, which may lack `trunc`.
        whole = f"CAST({moment} AS INTEGER)" if dialect == "sqlite" else f"CAST(trunc({moment}) AS BIGINT)"
        return f"{row}.{self.of}", f"{whole} / {self.seconds}"


LEDGER = Sum(
    table="ledger",
    of="service",
    period="hour",
    seconds=HOUR_SECONDS,
    moment="coalesce({row}.submitted_at, {row}.created_at)",
    rules={"jobs": "1", **{name: _RULES[name] for name in AMOUNTS}},
)
"""What jobs have cost, by when they were submitted, or else asked for."""

COMMITMENTS = Sum(
    table="commitments",
    of="asked_by",
    period="day",
    seconds=DAY,
    moment="{row}.counted_at",
    rules={
        "credits": f"CASE WHEN {_IS_OURS} THEN {_COMMITTED} ELSE 0 END",
        "unpriced": f"CAST({_HAS_NO_PRICE} AS INTEGER)",
    },
)
"""What counts against credit limits: what jobs cost, will or may have cost, and how many have no certain price."""
