"""Statements that a user can interrupt whatever the server does, and whose long waits are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import waiting

from rivya_nb.store import persisting
from rivya_nb.store.persisting import Interrupted, Watch

if TYPE_CHECKING:
    from psycopg.abc import PQGen

R = TypeVar("R")

_MOMENT = 1.0
"""Seconds in which a server that answers has heard that a statement is not wanted any more."""


class InterruptibleConnection(psycopg.Connection[Any]):
    """A connection that is closed where a wait of the user's call is interrupted.

    The driver's own waits for the server to end the statement, which takes long if it does not answer.
    `watch` gives what watches a wait; None if nobody waits.
    """

    watch: Callable[[], Watch | None]

    def wait(self, gen: PQGen[R], *args: Any, **kwargs: Any) -> R:
        watching = self.watch()
        if watching is None:
            return super().wait(gen, *args, **kwargs)
        try:
            with watching:
                return waiting.wait(_watched(gen, watching), self.pgconn.socket, interval=persisting.TICK)
        except KeyboardInterrupt:
            cancelling = threading.Thread(target=_cancel, args=[self], name="rivya-cancel", daemon=True)
            cancelling.start()
            cancelling.join(_MOMENT)
            self.close()
            raise Interrupted from None


def _watched(gen: PQGen[R], watching: Watch) -> PQGen[R]:
    """The same steps, with a look now and then while there is nothing to do."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready:
                watching.look()
            wanted = gen.send(ready)
    except StopIteration as end:
        result: R = end.value
        return result


def _cancel(connection: psycopg.Connection[Any]) -> None:
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=_MOMENT)
