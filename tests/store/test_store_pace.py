"""What a service allows, shared by kernels that write at the same time."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from servers import PostgresqlServer
from sqlalchemy import insert

from rivya_nb.store.limits import limit_members
from rivya_nb.store.pace import Demand, FoundLimits
from rivya_nb.store.store import Store
from rivya_nb.store.writing import take_turns

HERE = "https://example.com"


def test_kernels_that_share_at_the_same_time_neither_wait_for_ever_nor_forget_a_refusal(store: Store) -> None:
    now = store.database.now()
    with store.database.writing() as connection:
        dead = {"service": HERE, "wanted": 1, "in_flight": 1, "seen_at": now - 100}
        rows = [{**dead, "label": f"key {at % 3}", "member": f"dead {at}"} for at in range(40)]
        connection.execute(insert(limit_members), rows)
    stores = [Store.open(store.place) for _ in range(8)]
    ready, wrong = threading.Barrier(len(stores)), list[BaseException]()

    def share(at: int, mine: Store) -> None:
        label, agreed = f"key {at % 2}", FoundLimits(100.0, None, now)
        ready.wait(60)
        try:
            for _ in range(12):
                # Each is refused once in every turn, and halves the rate.
                found_at = max(mine.database.now(), math.nextafter(agreed.found_at, math.inf))
                found = FoundLimits((agreed.rate or 0) / 2, None, found_at)
                agreed, _ = mine.limits.share(HERE, label, f"member {at}", Demand(1, 2), found, agreed)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=share, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    kept, others = store.limits.share(HERE, "key 0", "another", Demand(0, 0), FoundLimits())
    assert kept.rate == pytest.approx(100.0 / 2**48, abs=0)
    assert sorted(others, key=str) == [Demand(1, 2)] * 4
    for each in stores:
        each.close()


def test_a_kernel_that_found_nothing_new_waits_for_nobody(postgresql: PostgresqlServer) -> None:
    place = postgresql.new_store()
    with closing(Store.open(place)) as one, closing(Store.open(place)) as other:
        found = FoundLimits(5.0, None, one.database.now())
        one.limits.share(HERE, "key", "one", Demand(1, 2), found)
        with ThreadPoolExecutor(1) as threads, one.database.writing() as connection:
            # What whoever has found something holds, or a large run.
            take_turns(connection, HERE, ["key"])
            shared = threads.submit(
                other.limits.share, HERE, "key", "other", Demand(0, 3), FoundLimits()
            ).result(60)
    assert shared == (found, [Demand(1, 2)])
