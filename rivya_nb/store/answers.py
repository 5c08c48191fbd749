"""Answers questions to the history, whatever the database: which jobs fit, and how many.

How the jobs are found is written once for each database, in `search.py` and `postgresql/search.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store import job_settings
from rivya_nb.store.records import Counted, Question
from rivya_nb.store.schema import jobs, tags, tallies

_Value = TypeVar("_Value")


class Search(ABC):
    """Each method is part of a transaction.

    Where a number is only shown, at most `many` jobs are counted, and at most `candidates` jobs of a tag are
    looked at to count those that fit the rest.
    """

    many: int
    candidates: int

    def find(self, connection: Connection, question: Question, limit: int | None, offset: int) -> list[int]:
        """The numbers of the jobs that answer a question, or of a page of them, in the order of the question."""
        return self.page(connection, jobs.c.number, question, limit, offset)

    def find_ids(
        self, connection: Connection, question: Question, limit: int | None, offset: int
    ) -> list[str]:
        """Their ids."""
        return self.page(connection, jobs.c.id, question, limit, offset)

    def count(self, connection: Connection, question: Question) -> int:
        """How many there are."""
        return self.up_to(connection, question, None)

    def up_to(self, connection: Connection, question: Question, at_most: int | None) -> int:
        """How many there are, counted up to this number, but for what the tallies tell."""
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

    @abstractmethod
    def page(
        self,
        connection: Connection,
        column: Column[_Value],
        question: Question,
        limit: int | None,
        offset: int,
    ) -> list[_Value]:
        """This column of them, or of a page of them, in the order of the question."""

    @abstractmethod
    def _count(self, connection: Connection, question: Question, at_most: int | None) -> int: ...

    @abstractmethod
    def _among_newest(
        self, connection: Connection, question: Question, candidates: int
    ) -> Select[tuple[int]] | None:
        """Those that fit among the newest jobs of the first tag; None where all can be counted soon."""


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
