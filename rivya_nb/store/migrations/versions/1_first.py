"""The tables of release 0.1.0. A new store gets its tables from `schema.py`, so that there is nothing to do."""

revision = "1"
down_revision = None


def upgrade() -> None:
    """Do nothing: there is no earlier version."""
