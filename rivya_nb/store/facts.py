"""The facts of a run's places: what a table says of its rows beside the params, in a form that can be searched.

What many places share is there once, like settings: a row of a table is a set of facts, and each of its places
names that set. So a filter by facts is a short list of sets, whatever the number of pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import (
    Column,
    CompoundSelect,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    intersect,
    select,
)

from rivya_nb.store.columns import Name, Number, Words, digest, insert_for
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import ids_by_content
from rivya_nb.store.questions import Asked
from rivya_nb.store.records import AxisRecord, facts_at
from rivya_nb.store.rows import fits, portions, to_json
from rivya_nb.store.schema import jobs, metadata, run_jobs

fact_sets = Table(
    "fact_sets",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # The facts by their column, as JSON.
    Column("content", Words, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
)

set_facts = Table(
    "set_facts",
    metadata,
    Column("set_id", ForeignKey("fact_sets.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("value", Words, nullable=False),
    Index("set_facts_by_value", "name", "value").ddl_if(dialect="sqlite"),
)


class FactBook:
    """The facts that pictures have in their runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, limit: int) -> list[tuple[str, str]]:
        """Facts that some place has, as columns with a value, each once; at most so many."""
        pairs = select(set_facts.c.name, set_facts.c.value).distinct()
        with self._database.reading() as connection:
            found = connection.execute(pairs.order_by(set_facts.c.name, set_facts.c.value).limit(limit))
            return [(name, value) for name, value in found]

    def of(self, job_ids: Iterable[str], runs: Sequence[int] = ()) -> dict[str, Mapping[str, str]]:
        """By job id, the facts that it has in its newest run with some, one of these runs where any are named.

        Of several places with different values there, all are listed. Jobs without facts are left out.
        """
        found: dict[str, tuple[int, dict[str, dict[str, None]]]] = {}
        with self._database.reading() as connection:
            for some in portions(list(job_ids)):
                having = (
                    select(jobs.c.id, run_jobs.c.run_id, fact_sets.c.content)
                    .join(run_jobs, run_jobs.c.job_number == jobs.c.number)
                    .join(fact_sets, fact_sets.c.id == run_jobs.c.facts_id)
                    .where(jobs.c.id.in_(some))
                    .order_by(run_jobs.c.run_id, run_jobs.c.position)
                )
                if runs:
                    having = having.where(run_jobs.c.run_id.in_(runs))
                for job_id, run_id, content in connection.execute(having):
                    if found.get(job_id, (0, {}))[0] != run_id:
                        found[job_id] = run_id, {}
                    for name, value in json.loads(content).items():
                        found[job_id][1].setdefault(name, {})[value] = None
        return {
            job_id: {name: ", ".join(values) for name, values in facts.items()}
            for job_id, (_, facts) in found.items()
        }


def ids_of(
    connection: Connection, axes: Sequence[AxisRecord], places: Iterable[tuple[int, ...]]
) -> dict[tuple[int, ...], int]:
    """By place, the id of its facts; new facts are added, and places without any are left out."""
    if not any(axis.facts for axis in axes):
        return {}
    contents = {place: to_json(facts) for place in places if (facts := facts_at(axes, place))}
    wanted = list(dict.fromkeys(contents.values()))
    known = ids_by_content(connection, fact_sets.c.content, wanted)
    if new := [content for content in wanted if content not in known]:
        rows = [{"digest": digest(content), "content": content} for content in sorted(new)]
        connection.execute(insert_for(connection, fact_sets).on_conflict_do_nothing(), rows)
        known |= ids_by_content(connection, fact_sets.c.content, new)
        pairs = [
            {"set_id": known[content], "name": name, "value": value}
            for content in new
            for name, value in json.loads(content).items()
        ]
        connection.execute(insert_for(connection, set_facts).on_conflict_do_nothing(), pairs)
    return {place: known[content] for place, content in contents.items()}


def sets_with(facts: Mapping[str, Asked]) -> Select[tuple[int]] | CompoundSelect[tuple[int]]:
    """The ids of the sets with all these facts."""
    sets = [
        select(set_facts.c.set_id).where(set_facts.c.name == name, fits(set_facts.c.value, value))
        for name, value in facts.items()
    ]
    return intersect(*sets) if len(sets) > 1 else sets[0]


def having(facts: Mapping[str, Asked], runs: Sequence[int]) -> Select[tuple[int]]:
    """The numbers of the jobs at a place that has all these facts, each once; in one of the `runs`, if any."""
    found = select(run_jobs.c.job_number).where(run_jobs.c.facts_id.in_(sets_with(facts)))
    return (found.where(run_jobs.c.run_id.in_(runs)) if runs else found).distinct()
