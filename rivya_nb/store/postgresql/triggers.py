"""PostgreSQL's triggers, which keep what is said twice, and the sums, as they should be.

Each runs once for a statement, however many rows that changes. A connection adds to rows of its own (`shard`), so
that no two transactions wait for each other at a sum, and none can block another for ever.
"""

from __future__ import annotations

from sqlalchemy import DDL, event

from rivya_nb.store.billing import AMOUNTS, BILLED_BY, COMMITTED, IS_FINAL, amount, counted, day, hour
from rivya_nb.store.schema import metadata

_SUMS = ("jobs", *AMOUNTS)


def _entries(table: str, row: str, sign: str, condition: str = "") -> str:
    """What jobs add to the ledger, or take away from it, a row for each."""
    parts = [f"{sign}1 AS jobs", *(f"{sign}({amount(name, row)}) AS {name}" for name in AMOUNTS)]
    of = f"{row}.service AS service, {hour(row, 'postgresql')} AS hour"
    return f"SELECT {of}, {', '.join(parts)} FROM {table}{condition}"  # noqa: S608 - our own names


def _enter(entries: str) -> str:
    """Adds entries to the ledger."""
    added = ", ".join(f"sum({name})" for name in _SUMS)
    summed = ", ".join(f"{name} = ledger.{name} + excluded.{name}" for name in _SUMS)
    return (
        f"INSERT INTO ledger (service, hour, shard, {', '.join(_SUMS)})"  # noqa: S608 - our own names
        f" SELECT service, hour, pg_backend_pid(), {added} FROM ({entries}) AS entries GROUP BY service, hour"
        f" ON CONFLICT (service, hour, shard) DO UPDATE SET {summed};"
    )


def _counts(table: str, row: str, sign: str, condition: str = "") -> str:
    """What jobs add to the commitments, or take away from them, a row for each."""
    parts = [f"{sign}({counted(name, row)}) AS {name}" for name in COMMITTED]
    of = f"{row}.asked_by AS asked_by, {day(row, 'postgresql')} AS day"
    return f"SELECT {of}, {', '.join(parts)} FROM {table}{condition}"  # noqa: S608 - our own names


def _count(entries: str) -> str:
    """Adds entries to the commitments."""
    added = ", ".join(f"sum({name})" for name in COMMITTED)
    summed = ", ".join(f"{name} = commitments.{name} + excluded.{name}" for name in COMMITTED)
    return (
        f"INSERT INTO commitments (asked_by, day, shard, {', '.join(COMMITTED)})"  # noqa: S608 - our own names
        f" SELECT asked_by, day, pg_backend_pid(), {added} FROM ({entries}) AS entries GROUP BY asked_by, day"
        f" ON CONFLICT (asked_by, day, shard) DO UPDATE SET {summed};"
    )


_ENDED = f"o.status != n.status AND ({IS_FINAL.format(row='o')} OR {IS_FINAL.format(row='n')})"
_BILLED = " OR ".join([*(f"o.{name} IS DISTINCT FROM n.{name}" for name in BILLED_BY), f"({_ENDED})"])
_COUNTED = " OR ".join(
    [
        *(f"o.{name} != n.{name}" for name in ("asked_by", "counted_at")),
        *(f"{counted(name, 'o')} != {counted(name, 'n')}" for name in COMMITTED),
    ]
)
_LISTED = (
    "(o.pictured OR n.pictured)"
    " AND (o.pictured, o.hidden, o.service) IS DISTINCT FROM (n.pictured, n.hidden, n.service)"
)
_BOTH = "was AS o JOIN became AS n USING (number)"

_TALLY = f"""
INSERT INTO tallies (service, settings_id, hidden, shard, jobs)
SELECT service, settings_id, hidden, pg_backend_pid(), sum(jobs) FROM (
    SELECT o.service, o.settings_id, o.hidden, -1 AS jobs FROM {_BOTH} WHERE o.pictured AND {_LISTED}
    UNION ALL
    SELECT n.service, n.settings_id, n.hidden, 1 FROM {_BOTH} WHERE n.pictured AND {_LISTED}
) AS entries GROUP BY service, settings_id, hidden
ON CONFLICT (service, settings_id, hidden, shard) DO UPDATE SET jobs = tallies.jobs + excluded.jobs;
"""  # noqa: S608 - our own names

_WHERE = f" WHERE {_BILLED}"
_WHERE_COUNTED = f" WHERE {_COUNTED}"
_CHANGED = f"""
SELECT bool_or({_BILLED}), bool_or({_COUNTED}), bool_or({_LISTED}) INTO billed, counted, listed FROM {_BOTH};
IF billed THEN
    {_enter(f"{_entries(_BOTH, 'o', '-', _WHERE)} UNION ALL {_entries(_BOTH, 'n', '', _WHERE)}")}
END IF;
IF counted THEN
    {_count(f"{_counts(_BOTH, 'o', '-', _WHERE_COUNTED)} UNION ALL {_counts(_BOTH, 'n', '', _WHERE_COUNTED)}")}
END IF;
IF listed THEN {_TALLY} END IF;
"""  # noqa: S608 - our own names

_FUNCTIONS = {
    "picture_came": (
        "AFTER INSERT ON pictures REFERENCING NEW TABLE AS came",
        "UPDATE jobs SET pictured = true WHERE number IN (SELECT job_number FROM came) AND NOT pictured;",
    ),
    "picture_went": (
        "AFTER DELETE ON pictures REFERENCING OLD TABLE AS went",
        "UPDATE jobs SET pictured = false WHERE number IN (SELECT job_number FROM went) AND pictured"
        " AND NOT EXISTS (SELECT FROM pictures WHERE job_number = number);",
    ),
    "mark_came": (
        "AFTER INSERT ON marks REFERENCING NEW TABLE AS came",
        "UPDATE jobs SET hidden = came.hidden, rating = came.rating FROM came WHERE number = job_number"
        " AND (jobs.hidden, jobs.rating) IS DISTINCT FROM (came.hidden, came.rating);",
    ),
    "mark_went": (
        "AFTER DELETE ON marks REFERENCING OLD TABLE AS went",
        "UPDATE jobs SET hidden = false, rating = 0 FROM went WHERE number = job_number"
        " AND (jobs.hidden OR jobs.rating != 0);",
    ),
    "job_came": (
        "AFTER INSERT ON jobs REFERENCING NEW TABLE AS came",
        _enter(_entries("came", "came", "")) + _count(_counts("came", "came", "")),
    ),
    "job_changed": (
        "AFTER UPDATE ON jobs REFERENCING OLD TABLE AS was NEW TABLE AS became",
        _CHANGED,
    ),
}
"""By name, when each is called and what it does. No job is ever deleted."""

for _name, (_when, _body) in _FUNCTIONS.items():
    # Of a statement that changes many jobs, the planner would compare each with each.
    _set = " SET enable_nestloop = off" if _name == "job_changed" else ""
    for _statement in (
        f"CREATE FUNCTION {_name}() RETURNS trigger LANGUAGE plpgsql{_set}"
        f" AS $$ DECLARE billed boolean; counted boolean; listed boolean;"
        f" BEGIN {_body} RETURN NULL; END $$",
        f"CREATE TRIGGER {_name} {_when} FOR EACH STATEMENT EXECUTE FUNCTION {_name}()",
    ):
        _ddl = DDL(_statement).execute_if(dialect="postgresql")  # type: ignore[no-untyped-call]
        event.listen(metadata, "after_create", _ddl)
