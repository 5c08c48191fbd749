"""Where results go with a wish of their own: the current session, which they do not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from rivya_nb.errors import UsageError

if TYPE_CHECKING:
    from rivya_nb.results.plan import Plan
    from rivya_nb.store.records import JobRecord, RunRecord
    from rivya_nb.store.store import Store


class Desk(Protocol):
    """What a session does for the pictures that it has made."""

    @property
    def store(self) -> Store: ...

    def plan_extension(
        self, run: RunRecord, wanted: Mapping[str, object], *, repeat: int, max_credits: int | None
    ) -> Plan:
        """The plan of a run with more values on its axes."""

    def plan_filling(
        self, grid: RunRecord, jobs: Mapping[str, JobRecord], *, max_credits: int | None
    ) -> Plan:
        """The plan of what is missing in a grid; run 0 is none that the store knows."""


_find: Callable[[], Desk] | None = None


def open_desk(find: Callable[[], Desk]) -> None:
    """Say how the current session is found."""
    global _find
    _find = find


def desk_of(store: Store) -> Desk:
    """The current session, if it works with this store.

    Raises:
        UsageError: there is none, or it works with another one.
    """
    if _find is None:
        raise UsageError("Nothing is connected; rv.connect() comes first.")
    desk = _find()
    if desk.store is not store:
        raise UsageError(
            f"These pictures are in the store {store.folder}, and the session works with "
            f"{desk.store.folder}; rv.connect(store=…) changes that."
        )
    return desk
