"""SQLite's triggers, which keep what is said twice, and the sums, as they should be."""

from __future__ import annotations

from sqlalchemy import DDL, event

from rivya_nb.store.billing import AMOUNTS, BILLED_BY, COMMITTED, IS_FINAL, amount, counted, day, hour
from rivya_nb.store.schema import metadata


def _entry(row: str, sign: str) -> str:
    """Adds a job to the ledger (`sign` is "+"), or takes it away again ("-")."""
    sums = ", ".join(f"{name} = {name} {sign} excluded.{name}" for name in ("jobs", *AMOUNTS))
    values = ", ".join(amount(name, row) for name in AMOUNTS)
    names = ", ".join(AMOUNTS)
    return (
        f"INSERT INTO ledger (service, hour, shard, jobs, {names})"  # noqa: S608 - our own names
        f" VALUES ({row}.service, {hour(row)}, 0, 1, {values})"
        f" ON CONFLICT (service, hour, shard) DO UPDATE SET {sums};"
    )


def _count(row: str, sign: str) -> str:
    """Adds a job to the commitments, or takes it away again."""
    names = ", ".join(COMMITTED)
    sums = ", ".join(f"{name} = {name} {sign} excluded.{name}" for name in COMMITTED)
    values = ", ".join(counted(name, row) for name in COMMITTED)
    return (
        f"INSERT INTO commitments (asked_by, day, shard, {names})"  # noqa: S608 - our own names
        f" VALUES ({row}.asked_by, {day(row)}, 0, {values})"
        f" ON CONFLICT (asked_by, day, shard) DO UPDATE SET {sums};"
    )


def _counts_differently() -> str:
    """Whether a change of a job may change the commitments."""
    plain = [f"OLD.{name} IS NOT NEW.{name}" for name in ("asked_by", "counted_at")]
    return " OR ".join([*plain, *(f"{counted(name, 'OLD')} != {counted(name, 'NEW')}" for name in COMMITTED)])


def _differs() -> str:
    """Whether a change of a job may change the ledger; most steps of a job do not, and it is quickly seen."""
    plain = [f"OLD.{name} IS NOT NEW.{name}" for name in BILLED_BY]
    # The rules ask of a status only whether it is final, and which final one it is.
    ended = f"OLD.status != NEW.status AND ({IS_FINAL.format(row='OLD')} OR {IS_FINAL.format(row='NEW')})"
    return " OR ".join([*plain, f"({ended})"])


TRIGGERS = (
    """CREATE TRIGGER picture_came AFTER INSERT ON pictures BEGIN
        UPDATE jobs SET pictured = 1 WHERE number = NEW.job_number AND pictured = 0;
    END""",
    """CREATE TRIGGER picture_went AFTER DELETE ON pictures BEGIN
        UPDATE jobs SET pictured = EXISTS (SELECT 1 FROM pictures WHERE job_number = OLD.job_number)
        WHERE number = OLD.job_number;
    END""",
    """CREATE TRIGGER mark_came AFTER INSERT ON marks BEGIN
        UPDATE jobs SET hidden = NEW.hidden WHERE number = NEW.job_number AND hidden != NEW.hidden;
        UPDATE jobs SET rating = NEW.rating WHERE number = NEW.job_number AND rating != NEW.rating;
    END""",
    """CREATE TRIGGER mark_went AFTER DELETE ON marks BEGIN
        UPDATE jobs SET hidden = 0 WHERE number = OLD.job_number AND hidden = 1;
        UPDATE jobs SET rating = 0 WHERE number = OLD.job_number AND rating != 0;
    END""",
    """CREATE TRIGGER job_listed AFTER UPDATE OF pictured, hidden, service ON jobs
    WHEN NEW.pictured OR OLD.pictured BEGIN
        UPDATE tallies SET jobs = jobs - 1 WHERE OLD.pictured AND service = OLD.service
            AND settings_id = OLD.settings_id AND hidden = OLD.hidden;
        INSERT INTO tallies (service, settings_id, hidden, shard, jobs)
            SELECT NEW.service, NEW.settings_id, NEW.hidden, 0, 1 WHERE NEW.pictured
            ON CONFLICT (service, settings_id, hidden, shard) DO UPDATE SET jobs = jobs + 1;
    END""",
    f"CREATE TRIGGER job_came AFTER INSERT ON jobs BEGIN {_entry('NEW', '+')} {_count('NEW', '+')} END",
    f"""CREATE TRIGGER job_changed AFTER UPDATE OF
        service, status, task_id, price, reserved_credits, final_credits, submitted_at, created_at ON jobs
    WHEN {_differs()} BEGIN {_entry("OLD", "-")} {_entry("NEW", "+")} END""",
    f"""CREATE TRIGGER job_counted AFTER UPDATE OF
        status, task_id, price, reserved_credits, final_credits, asked_by, counted_at ON jobs
    WHEN {_counts_differently()} BEGIN {_count("OLD", "-")} {_count("NEW", "+")} END""",
)
"""They keep `pictured`, `hidden`, `rating` and the sums as they should be. No job is ever deleted."""

for _trigger in TRIGGERS:
    _ddl = DDL(_trigger).execute_if(dialect="sqlite")  # type: ignore[no-untyped-call]
    event.listen(metadata, "after_create", _ddl)
