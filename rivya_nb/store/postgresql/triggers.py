"""PostgreSQL's triggers, which keep what is said twice, and the sums, as they should be.

Each runs once for a statement, however many rows that changes. A connection adds to rows of its own (`shard`), so
that no two transactions wait for each other at a sum, and none can block another for ever.
"""

from __future__ import annotations

from sqlalchemy import DDL, event

from rivya_nb.store.billing import BILLED_BY, COMMITMENTS, IS_FINAL, LEDGER, Sum
from rivya_nb.store.schema import metadata


def _entries(to: Sum, table: str, row: str, sign: str = "", condition: str = "") -> str:
    """What jobs add to a sum, or take away from it (`sign` is "-"), a row for each."""
    of, period = to.keys(row, "postgresql")
    parts = (f"{sign}({part}) AS {name}" for name, part in zip(to.names, to.parts(row), strict=True))
    return f"SELECT {of} AS {to.of}, {period} AS {to.period}, {', '.join(parts)} FROM {table}{condition}"  # noqa: S608 - our own names


def _add(to: Sum, entries: str) -> str:
    """Adds entries to a sum."""
    keys, names = f"{to.of}, {to.period}", ", ".join(to.names)
    added = ", ".join(f"sum({name})" for name in to.names)
    summed = ", ".join(f"{name} = {to.table}.{name} + excluded.{name}" for name in to.names)
    return (
        f"INSERT INTO {to.table} ({keys}, shard, {names})"  # noqa: S608 - our own names
        f" SELECT {keys}, pg_backend_pid(), {added} FROM ({entries}) AS entries GROUP BY {keys}"
        f" ON CONFLICT ({keys}, shard) DO UPDATE SET {summed};"
    )


def _add_again(to: Sum, condition: str) -> str:
    """Takes away what changed jobs had added to a sum, and adds what they add now."""
    where = f" WHERE {condition}"
    was, became = _entries(to, _BOTH, "o", "-", where), _entries(to, _BOTH, "n", "", where)
    return _add(to, f"{was} UNION ALL {became}")


_ENDED = f"o.status != n.status AND ({IS_FINAL.format(row='o')} OR {IS_FINAL.format(row='n')})"
_BILLED = " OR ".join([*(f"o.{name} IS DISTINCT FROM n.{name}" for name in BILLED_BY), f"({_ENDED})"])
_COUNTED = " OR ".join(
    [
        *(f"o.{name} != n.{name}" for name in ("asked_by", "counted_at")),
        *(f"{o} != {n}" for o, n in zip(COMMITMENTS.parts("o"), COMMITMENTS.parts("n"), strict=True)),
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

_CHANGED = f"""
SELECT bool_or({_BILLED}), bool_or({_COUNTED}), bool_or({_LISTED}) INTO billed, counted, listed FROM {_BOTH};
IF billed THEN
    {_add_again(LEDGER, _BILLED)}
END IF;
IF counted THEN
    {_add_again(COMMITMENTS, _COUNTED)}
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
        "".join(_add(each, _entries(each, "came", "came")) for each in (LEDGER, COMMITMENTS)),
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
