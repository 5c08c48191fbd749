"""SQLite's triggers, which keep what is said twice, and the sums, as they should be."""

from __future__ import annotations

from sqlalchemy import DDL, event

from rivya_nb.store.billing import BILLED_BY, COMMITMENTS, IS_FINAL, LEDGER, Sum
from rivya_nb.store.schema import metadata


def _add(to: Sum, row: str, sign: str = "+") -> str:
    """Adds a job to a sum, or takes it away again (`sign` is "-")."""
    names, keys = ", ".join(to.names), f"{to.of}, {to.period}, shard"
    values = ", ".join([*to.keys(row, "sqlite"), "0", *to.parts(row)])
    sums = ", ".join(f"{name} = {name} {sign} excluded.{name}" for name in to.names)
    return (
        f"INSERT INTO {to.table} ({keys}, {names}) VALUES ({values})"  # noqa: S608 - our own names
        f" ON CONFLICT ({keys}) DO UPDATE SET {sums};"
    )


def _counts_differently() -> str:
    """Whether a change of a job may change the commitments."""
    plain = [f"OLD.{name} IS NOT NEW.{name}" for name in ("asked_by", "counted_at")]
    parts = zip(COMMITMENTS.parts("OLD"), COMMITMENTS.parts("NEW"), strict=True)
    return " OR ".join([*plain, *(f"{old} != {new}" for old, new in parts)])


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
    f"CREATE TRIGGER job_came AFTER INSERT ON jobs BEGIN {_add(LEDGER, 'NEW')} {_add(COMMITMENTS, 'NEW')} END",
    f"""CREATE TRIGGER job_changed AFTER UPDATE OF
        service, status, task_id, price, reserved_credits, final_credits, submitted_at, created_at ON jobs
    WHEN {_differs()} BEGIN {_add(LEDGER, "OLD", "-")} {_add(LEDGER, "NEW")} END""",
    f"""CREATE TRIGGER job_counted AFTER UPDATE OF
        status, task_id, price, reserved_credits, final_credits, asked_by, counted_at ON jobs
    WHEN {_counts_differently()} BEGIN {_add(COMMITMENTS, "OLD", "-")} {_add(COMMITMENTS, "NEW")} END""",
)
"""They keep `pictured`, `hidden`, `rating` and the sums as they should be. No job is ever deleted."""

for _trigger in TRIGGERS:
    _ddl = DDL(_trigger).execute_if(dialect="sqlite")  # type: ignore[no-untyped-call]
    event.listen(metadata, "after_create", _ddl)
