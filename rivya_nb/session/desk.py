"""Where results go with a wish of their own: the current session, which they do not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rivya_nb.errors import UsageError

if TYPE_CHECKING:
    from rivya_nb.contract.catalogue import Catalogue
    from rivya_nb.planning.prompt import PromptTemplate
    from rivya_nb.session.plan import Plan
    from rivya_nb.store.records import JobRecord, RunRecord
    from rivya_nb.store.store import Store


class Planner(Protocol):
    """A session, as far as it plans what is asked."""

    @property
    def catalogue(self) -> Catalogue: ...

    def plan(
        self,
        prompt: PromptTemplate,
        *,
        models: Sequence[str],
        params: Mapping[str, tuple[object, ...]],
        references: Mapping[str, Sequence[object]],
        repeat: int = 1,
        order: Sequence[str] = (),
        name: str | None = None,
        max_credits: int | None = None,
        fresh: bool = False,
    ) -> Plan:
        """The plan of what a prompt and its axes expand to."""

    def plan_requests(
        self, items: Iterable[object], *, name: str | None, max_credits: int | None, fresh: bool
    ) -> Plan:
        """The plan of requests that are taken as they are."""


class Desk(Protocol):
    """What a session does for the pictures that it has made."""

    @property
    def store(self) -> Store: ...

    @property
    def session(self) -> Planner:
        """What plans requests of their own."""

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
