"""`move`: the whole store is at another place, or none is; and it goes on where it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from servers import PostgresqlServer

from rivya_nb.store.moving.move import Moved, move
from rivya_nb.store.places import StorePlace
from rivya_nb.store.records import Question
from rivya_nb.store.store import Store

from .filling import a_job, add, done, kept

KINDS = ("sqlite", "postgresql")
NewPlace = Callable[[str], StorePlace]


def silent(done: int, total: int, what: str) -> None:
    assert done <= total


@pytest.fixture
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> NewPlace:
    """Makes empty places, of either kind."""

    def make(kind: str) -> StorePlace:
        if kind == "sqlite":
            return tmp_path / f"store {len(list(tmp_path.iterdir()))}"
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return server.new_store()

    return make


@contextmanager
def opened(place: StorePlace) -> Iterator[Store]:
    with closing(Store.open(place)) as store:
        yield store


def fill(store: Store, runs: int = 3) -> None:
    for run in range(runs):
        some = [
            done(f"a cat {run}\0 \ufdd0 ภาพ", {"seed": at, "aspect_ratio": "16:9"},
                 pictures=(kept(store, b"%d %d" % (run, at)),), final_credits=at)
            for at in range(5)
        ]  # fmt: skip
        some.append(a_job(f"unsent {run}"))
        some.append(a_job(f"failed {run}", status="failed", error_message="x" * 5000, task_id="t"))
        add(store, *some, name=f"run {run}")
        ids = [job.id for job in some]
        store.marks.change(ids[:2], rating=4, favourite=True, note="good\0")
        store.marks.change(ids[2:3], hidden=True)
        store.marks.tag(ids[:3], ["keep", "ภาพ"])
    store.panel_states.put("main", {"prompt": "a cat"})


def seen(store: Store) -> list[object]:
    """What a user sees of a store."""
    everything = Question(hidden=True)
    found = store.history(everything)
    return [
        found,
        store.runs(),
        store.unfinished(),
        store.spent("sandbox"),
        store.history_ids(Question(prompt="cat 2")),
        store.history_ids(Question(rating=4, tags=("ภาพ",), params={"aspect_ratio": "16:9"})),
        store.count(Question()),
        store.marks.of([job.id for job in found]),
        store.panel_states.get("main"),
        [store.files.read(each.sha256, each.mime_type) for job in found for each in job.pictures],
    ]


@pytest.mark.parametrize("target_kind", KINDS)
@pytest.mark.parametrize("source_kind", KINDS)
def test_all_that_one_sees_is_at_the_new_place(
    source_kind: str, target_kind: str, new_place: NewPlace
) -> None:
    source = new_place(source_kind)
    with opened(source) as store:
        fill(store)
        before = seen(store)
    target = new_place(target_kind)
    assert move(source, target, silent) == Moved(runs=3, jobs=21, files=15, missing=0)
    with opened(target) as moved:
        assert seen(moved) == before
        # What is asked for next comes behind what was moved, and is counted.
        run = add(moved, done(pictures=(kept(moved, b"new"),), final_credits=7))
        assert run is not None
        assert run.id == 4
        assert moved.spent("sandbox").credits == before[3].credits + 7  # type: ignore[attr-defined]
        assert moved.count(Question()) == before[6] + 1  # type: ignore[operator]
    with opened(source) as store:
        assert seen(store) == before
