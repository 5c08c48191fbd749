"""Shares what a service allows between the kernels that have one store and one key."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rivya_nb.errors import StoreError
from rivya_nb.store.pace import Demand, FoundLimits
from rivya_nb.store.persisting import once

if TYPE_CHECKING:
    from rivya_nb.jobs.governor import Governor
    from rivya_nb.store.store import Store

INTERVAL = 1.0
"""Seconds between two looks at what the others want and found."""


class Sharing:
    """One session's part of the limits of its service. Every coroutine runs on the session's loop.

    `label` stands for the key: kernels with the same label share the limits.
    """

    def __init__(self, service: str, label: str, store: Store, governor: Governor) -> None:
        self._service = service
        self._label = label
        self._store = store
        self._governor = governor
        self._member = uuid.uuid4().hex
        self._agreed = FoundLimits()

    async def agree(self, wanted: int) -> None:
        """Tell the others what this session found and wants (`wanted` jobs), and take its share."""
        limits, in_flight = self._governor.limits, self._governor.in_flight
        found = FoundLimits()
        if (changed := limits.changed) is not None:
            found = FoundLimits(
                limits.rate, limits.places, self._store.database.now() - (time.monotonic() - changed)
            )
        mine = Demand(len(in_flight), wanted)
        try:
            newest, others = await asyncio.to_thread(
                once,
                self._store.limits.share,
                self._service,
                self._label,
                self._member,
                mine,
                found,
                self._agreed,
            )
        except StoreError:
            # The jobs meet the same error, and tell it.
            return
        if limits.changed == changed and newest.found_at > found.found_at:
            limits.adopt(newest, time.monotonic())
            self._agreed = newest
        elif newest is found:
            self._agreed = found
        limits.kernels = 1 + sum(each.wanted > 0 for each in others)
        self._governor.others = sum(each.in_flight for each in others)
        self._governor.share = None
        if others and limits.places is not None:
            self._governor.share = fair_share(limits.places, wanted, [each.wanted for each in others])

    async def leave(self) -> None:
        with suppress(StoreError):
            await asyncio.to_thread(once, self._store.limits.leave, self._member)


def fair_share(places: float, mine: int, others: Sequence[int]) -> float:
    """The part of the places that one kernel may use: as many as every other that wants so many, and what the
    others do not want."""
    left, waiting = places, len(others) + 1
    for wanted in sorted(others):
        if wanted >= left / waiting:
            break
        left -= wanted
        waiting -= 1
    return max(1.0, min(left / waiting, float(max(1, mine))))
