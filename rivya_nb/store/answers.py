"""Answers questions to the history, whatever the database: which jobs fit, and how many.

How the jobs are found is written once for each database, in `search.py` and `postgresql/search.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, func, select

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store import job_settings
from rivya_nb.store.measurements import (
    KeptMeasure,
    first_pictures,
    is_measured,
    measured_number,
    measurements,
)
from rivya_nb.store.questions import Asked, Counted, MeasureOrder, Question
from rivya_nb.store.schema import jobs, tags, tallies

_Value = TypeVar("_Value")


class Search(ABC):
    """Each method is part of a transaction.

    Where a number is only shown, at most `many` jobs are counted, and at most `candidates` jobs of a tag are
    looked at to count those that fit the rest.
    """

    many: int
    candidates: int

    def count(self, connection: Connection, question: Question, at_most: int | None = None) -> int:
        """How many jobs answer a question, counted up to `at_most`, but for what the tallies tell."""
        told = self._tallied(connection, question)
        return self._count(connection, question, at_most) if told is None else told

    def counted(self, connection: Connection, question: Question) -> Counted:
        """How many there are, for a text; counting stops after `many`, but for what the tallies tell."""
        told = self._tallied(connection, question)
        return self._counted(connection, question) if told is None else Counted(told)

    def _counted(self, connection: Connection, question: Question) -> Counted:
        among_newest = self._among_newest(connection, question, self.candidates)
        if among_newest is not None:
            found = how_many(connection, among_newest.limit(self.many + 1))
            if found:
                tagged = select(tags.c.job_number).where(tags.c.tag == question.tags[0])
                are_all = how_many(connection, tagged.limit(self.candidates + 1)) <= self.candidates
                return Counted(min(found, self.many), is_exact=found <= self.many and are_all)
        found = self._count(connection, question, self.many + 1)
        return Counted(min(found, self.many), is_exact=found <= self.many)

    def _tallied(self, connection: Connection, question: Question) -> int | None:
        """The number where nothing is asked for but what the tallies tell."""
        told = Question(
            service=question.service, model=question.model, params=question.params, hidden=question.hidden
        )
        if replace(question, order=None, oldest_first=False) != told or SEED_KEY in question.params:
            return None
        settings = job_settings.matching(connection, question.model, question.params)
        if settings is None:
            return tallied(connection, question)
        return tallied(connection, question, self._is_one_of(tallies.c.settings_id, settings))

    def _is_one_of(self, column: ColumnElement[int], numbers: Collection[int]) -> ColumnElement[bool]:
        return column.in_(numbers)

    def _walk_measured(
        self,
        connection: Connection,
        column: Column[_Value],
        question: Question,
        order: MeasureOrder,
        kept: KeptMeasure,
        limit: int,
        offset: int,
    ) -> list[_Value]:
        """A page by the number of each job's first picture, found by going through the index of the numbers; jobs
        without one come last, in the order of the time."""
        time, its = in_time(jobs.c.number, question), self._looked_up
        first = and_(first_pictures.c.sha256 == its(measurements.c.sha256), first_pictures.c.position == 0)
        lead = measurements.join(first_pictures, first)
        walk = select(column).select_from(lead.join(jobs, jobs.c.number == its(first_pictures.c.job_number)))
        led = self._one_by_one(connection, walk.where(is_measured(kept.id, order.part)), question)
        value = measurements.c.value.asc() if order.lowest_first else measurements.c.value.desc()
        found = list(connection.execute(led.order_by(value, time).limit(limit).offset(offset)).scalars())
        if len(found) == limit:
            return found
        before = 0 if found else offset
        if before:
            before -= how_many(connection, led)
        has_none = measured_number(kept.id, order.part).is_(None)
        rest = self._one_by_one(connection, select(column), question).where(has_none)
        left = rest.order_by(time).limit(limit - len(found)).offset(before)
        return [*found, *connection.execute(left).scalars()]

    def _looked_up(self, column: Column[_Value]) -> ColumnElement[_Value]:
        """A column whose values are looked up in another table, one by one, and never the other way round."""
        return column

    @abstractmethod
    def _one_by_one(self, connection: Connection, statement: Select[Any], question: Question) -> Select[Any]:
        """With everything that is asked for, to be looked up for each job that is met."""

    @abstractmethod
    def page(
        self,
        connection: Connection,
        column: Column[_Value],
        question: Question,
        limit: int | None,
        offset: int,
    ) -> list[_Value]:
        """This column of the jobs that answer a question, or of a page of them, in the order of the question."""

    @abstractmethod
    def _count(self, connection: Connection, question: Question, at_most: int | None) -> int: ...

    @abstractmethod
    def _among_newest(
        self, connection: Connection, question: Question, candidates: int
    ) -> Select[tuple[int]] | None:
        """Those that fit among the newest jobs of the first tag; None where all can be counted soon."""


def in_time(number: ColumnElement[int], question: Question) -> ColumnElement[int]:
    """The order of the time that is asked for."""
    return number.asc() if question.oldest_first else number.desc()


def within(
    question: Question, created_at: ColumnElement[float] = jobs.c.created_at
) -> list[ColumnElement[bool]]:
    """The conditions on the time when a job was asked for."""
    since, until = question.since, question.until
    first = [] if since is None else [created_at >= since]
    return first if until is None else [*first, created_at <= until]


def sides(question: Question) -> dict[str, Asked]:
    """The sides of a picture that are asked for, by their names."""
    both = {"width": question.width, "height": question.height}
    return {name: side for name, side in both.items() if side is not None}


def how_many(connection: Connection, rows: Select[Any]) -> int:
    """The number of rows that a statement gives."""
    found: int = connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one()
    return found


def tallied(connection: Connection, question: Question, *conditions: ColumnElement[bool]) -> int:
    """The number of jobs of the question's service, as the tallies tell it under these conditions."""
    statement = select(func.coalesce(func.sum(tallies.c.jobs), 0)).where(*conditions)
    if question.service is not None:
        statement = statement.where(tallies.c.service == question.service)
    if not question.hidden:
        statement = statement.where(~tallies.c.hidden)
    return int(connection.execute(statement).scalar_one())
