"""A store on a server whose numbers have outgrown four bytes."""

from __future__ import annotations

from contextlib import closing

import pytest
from servers import PostgresqlServer

from rivya_nb.contract.request import Request
from rivya_nb.store.measurements import Subject
from rivya_nb.store.pace import TaskDuration
from rivya_nb.store.places import ServerAddress
from rivya_nb.store.questions import Question
from rivya_nb.store.records import AxisRecord, CellRecord, Deferral
from rivya_nb.store.store import Store
from rivya_nb.store.vote_records import RankingPair, RankingRecord, VoteRecord

from .filling import a_job, done

HIGH = 2**40


@pytest.fixture
def address(postgresql: PostgresqlServer) -> ServerAddress:
    address = postgresql.new_store()
    with closing(postgresql.connect(address.database)) as connection:
        names = connection.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
        ).fetchall()
        assert len(names) >= 8
        for (name,) in names:
            connection.execute(f"ALTER SEQUENCE {name} RESTART WITH {HIGH}")
    return address


def test_numbers_beyond_four_bytes_are_written_and_found(address: ServerAddress) -> None:
    one, other, waiting = done(), done("a dog"), a_job("a bird")
    axes = (AxisRecord("row", ("1", "2", "3"), tuple({"place": name} for name in "ABC")),)
    jobs = [one, other, waiting]
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate(jobs)]
    with closing(Store.open(address)) as store:
        run = store.asking.add_run(
            name="far",
            service="sandbox",
            axes=axes,
            cells=cells,
            jobs=[one, other, waiting],
            deferral=Deferral(100),
        )
        assert run is not None
        assert run.id >= HIGH
        assert store.runs.get(run.id).cells == run.cells
        assert store.runs.summaries(5)[0].name == "far"
        assert [job.id for job in store.history(Question(runs=(run.id,)))] == [other.id, one.id]
        assert store.history_ids(Question(facts={"place": "A"}, prompt="cat", params={"seed": 1})) == [one.id]
        store.marks.change([one.id], rating=5)
        store.marks.tag([one.id, other.id], ["keep"])
        assert store.marks.undo() is not None
        assert store.history_ids(Question(rating=5)) == [one.id]
        store.measurements.keep("sharp", "1", "", [(Subject(one.pictures[0].sha256), {"": 1.0})])
        request = Request("model", "a cat", {}, (), 12)
        store.durations.remember("sandbox", request, [TaskDuration(1.0, 2.0, 3.0)])
        assert len(store.durations.known("sandbox", request)) == 1
        ids = (one.id, other.id)
        ranking = RankingRecord("first", ("seed",), 1000.0, ids, (RankingPair(*ids),))
        store.votes.ranking(("seed",), lambda known: True, lambda: ranking)
        store.votes.cast(VoteRecord("first", 0, *ids, "one", "A", 2000.0, 1.0, False))
        assert len(store.votes.among(ids)) == 1
        assert store.count(Question()) == 2
        assert store.delete_pictures([one.id]) == 0
        assert store.history_ids(Question()) == [other.id]
