"""How long tasks took is kept for each kind of task, by all kernels together."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import Request
from rivya_nb.store.pace import DURATIONS_KEPT, TaskDuration
from rivya_nb.store.store import Store

from .filling import MODEL, add, done, ids
from .processes import Start, told

SERVICE = "sandbox"


def request(model: str = MODEL, **params: ParamValue) -> Request:
    return Request(model, "a cat", params)


def lasting(*seconds: float, submitted_at: float = 1000.0) -> list[TaskDuration]:
    return [TaskDuration(submitted_at, each, each) for each in seconds]


def seconds_known(store: Store, asked: Request, service: str = SERVICE) -> list[float]:
    return sorted(duration.least for duration in store.durations.known(service, asked))


def test_durations_are_known_for_their_service_model_and_kind_alone(store: Store) -> None:
    small, large = request(resolution="1K", seed=1), request(resolution="2K", seed=2)
    store.durations.remember(SERVICE, small, lasting(3, 4, 5, 6, 7))
    store.durations.remember(SERVICE, large, lasting(30, 40, 50, 60, 70))
    assert seconds_known(store, request(resolution="1K", seed=9, aspect_ratio="16:9")) == [3, 4, 5, 6, 7]
    assert seconds_known(store, large) == [30, 40, 50, 60, 70]
    assert seconds_known(store, request("seedream-4-0", resolution="1K")) == []
    assert seconds_known(store, small, "https://rivya.ai") == []


def test_a_kind_of_which_little_is_known_has_what_is_known_of_its_model(store: Store) -> None:
    store.durations.remember(SERVICE, request(resolution="1K"), lasting(3, 4, 5, 6))
    store.durations.remember(SERVICE, request(resolution="2K"), lasting(30))
    assert seconds_known(store, request(resolution="1K")) == [3, 4, 5, 6, 30]
    assert seconds_known(store, request()) == [3, 4, 5, 6, 30]


def test_only_the_latest_are_kept_of_each_kind(store: Store) -> None:
    other = request(resolution="2K")
    store.durations.remember(SERVICE, other, lasting(30, 40, 50, 60, 70))
    for first in range(0, DURATIONS_KEPT + 60, 20):
        store.durations.remember(SERVICE, request(), lasting(*range(first, first + 20)))
    assert seconds_known(store, request()) == list(range(60, DURATIONS_KEPT + 60))
    assert seconds_known(store, other) == [30, 40, 50, 60, 70]


def test_what_was_seen_by_a_clock_of_the_future_counts_as_of_now(store: Store) -> None:
    before = time.time()
    store.durations.remember(SERVICE, request(), lasting(1, 2, 3, 4, 5, submitted_at=before + 1e9))
    known = store.durations.known(SERVICE, request())
    assert all(before <= duration.submitted_at <= time.time() for duration in known)


def test_durations_stay_when_the_history_is_deleted_and_the_store_is_opened_again(store: Store) -> None:
    job = done()
    add(store, job)
    store.durations.remember(SERVICE, job.request, lasting(3, 4, 5, 6, 7))
    store.delete_pictures(ids([job]))
    store.close()
    again = Store.open(store.place)
    assert seconds_known(again, job.request) == [3, 4, 5, 6, 7]
    again.close()


def remember_many(folder: Path, pipe: Connection) -> None:
    """In a process of its own: add durations one by one, from the number that it is told."""
    store = Store.open(folder)
    first = pipe.recv()
    for number in range(first, first + 20):
        store.durations.remember(SERVICE, request(), lasting(number))
    store.close()
    pipe.send("done")


@pytest.mark.slow
def test_several_kernels_lose_none_of_each_others_durations(store: Store, start: Start) -> None:
    pipes = [start(remember_many, store.place)[1] for _ in range(3)]
    for number, pipe in enumerate(pipes):
        pipe.send(100 * number)
    assert [told(pipe) for pipe in pipes] == ["done"] * 3
    expected = [100 * number + each for number in range(3) for each in range(20)]
    assert seconds_known(store, request()) == expected
