"""What every face talks to: the session, and the runs, jobs, plans, grids and histories that it gives."""

from rivya_nb.session.session import Session

__all__ = ["Session"]
