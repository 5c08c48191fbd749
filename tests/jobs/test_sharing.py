"""Kernels with one store and one key share what the service allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.api.key import Key
from rivya_nb.api.retry import RetryPolicy
from rivya_nb.jobs.governor import Governor
from rivya_nb.jobs.limits import Limits
from rivya_nb.jobs.sharing import Sharing, fair_share
from rivya_nb.session.service import reach
from rivya_nb.store import limits as limit_book
from rivya_nb.store.pace import Demand, FoundLimits
from rivya_nb.store.store import Store

HERE = "https://example.com"


@given(st.floats(1, 500), st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_shares_are_fair(places: float, wanted: list[int]) -> None:
    shares = [fair_share(places, each, wanted[:i] + wanted[i + 1 :]) for i, each in enumerate(wanted)]
    for share, each in zip(shares, wanted, strict=True):
        # One at least, and no more than is wanted.
        assert 1 <= share <= max(1, each)
        if share < each - 1e-6:
            # It gets less than it wants: then no other gets more.
            assert all(other <= share + 1e-6 for other in shares)
    if all(each >= 1 for each in wanted) and places >= len(wanted):
        assert sum(shares) == pytest.approx(min(places, sum(wanted)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "store")) as opened:
        yield opened


class Member:
    """A kernel's part, with its governor."""

    def __init__(self, store: Store, label: str = "given") -> None:
        self.governor = Governor(RetryPolicy(), Limits())
        self._sharing = Sharing(HERE, label, store, self.governor)

    @property
    def limits(self) -> Limits:
        return self.governor.limits

    def agree(self, wanted: int) -> None:
        asyncio.run(self._sharing.agree(wanted))

    def leave(self) -> None:
        asyncio.run(self._sharing.leave())


def test_two_kernels_share_what_one_found_until_one_leaves(store: Store) -> None:
    first, second = Member(store), Member(store)
    first.limits.set_places(20, time.monotonic())
    first.agree(100)
    second.agree(4)
    first.agree(100)
    assert (first.governor.places, second.governor.places) == (16, 4)
    assert (first.limits.kernels, second.limits.kernels) == (2, 2)
    second.agree(100)
    first.agree(100)
    assert (first.governor.places, second.governor.places) == (10, 10)
    first.leave()
    second.agree(100)
    assert second.governor.places == 20
    assert second.limits.kernels == 1


def test_a_newer_finding_replaces_an_older_one_and_not_the_other_way_round(store: Store) -> None:
    first, second = Member(store), Member(store)
    first.limits.set_places(20, time.monotonic() - 10)
    second.limits.set_places(5, time.monotonic() - 5)
    for member in (second, first, second):
        member.agree(10)
    assert (first.limits.places, second.limits.places) == (5, 5)


def test_the_next_session_begins_with_what_was_found(store: Store) -> None:
    first = Member(store)
    first.limits.set_places(7, time.monotonic())
    first.agree(10)
    first.leave()
    again = Member(store)
    again.agree(10)
    assert again.limits.places == 7


def test_another_keys_limits_are_a_beginning_and_no_more(store: Store) -> None:
    first, other = Member(store), Member(store, "keyring")
    other.limits.set_places(9, time.monotonic())
    other.agree(10)
    first.agree(10)
    assert first.limits.places == 9
    assert first.limits.kernels == 1
    # What is found for this key counts, even if the other one's limits change all the time.
    first.limits.set_places(30, time.monotonic())
    other.limits.set_places(8, time.monotonic())
    other.agree(10)
    first.agree(10)
    other.agree(10)
    assert (first.limits.places, other.limits.places) == (30, 8)


def test_a_kernel_that_died_does_not_count_for_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, first = Member(store), Member(store)
    dead.agree(10)
    first.agree(10)
    assert first.limits.kernels == 2
    monkeypatch.setattr(limit_book, "GONE_AFTER", 0.0)
    first.agree(10)
    assert first.limits.kernels == 1


def test_a_clock_that_was_set_back_does_not_make_the_past_the_newest(store: Store) -> None:
    tomorrow = time.time() + 86_400
    with store.database.writing() as connection:
        row = {"service": HERE, "label": "given"}
        connection.execute(
            limit_book.limit_members.insert().values(
                **row, member="dead", in_flight=3, wanted=10, seen_at=tomorrow
            )
        )
        connection.execute(
            limit_book.limits.insert().values(**row, rate=None, places=100.0, found_at=tomorrow)
        )
    first = Member(store)
    first.limits.set_places(5, time.monotonic())
    for _ in range(2):
        first.agree(10)
    assert (first.limits.places, first.limits.kernels) == (5, 1)
    assert store.limits.share(HERE, "given", "another", Demand(0, 1), FoundLimits())[0].places == 5


def test_a_pace_is_one_keys_wherever_the_key_is_from_and_the_label_does_not_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = "rvya_sk_" + "a1" * 16, "rvya_sk_" + "b2" * 16
    given = reach(Key(mine), HERE, tmp_path).label
    monkeypatch.setenv("RIVYA_API_KEY", mine)
    monkeypatch.setenv("RIVYA_BASE_URL", HERE)
    assert reach(Key(None), None, tmp_path).label == given
    assert reach(Key(other), HERE, tmp_path).label != given
    assert reach(Key(mine), "https://other.example.com", tmp_path).label != given
    assert len(given) == 8
    assert given not in mine
