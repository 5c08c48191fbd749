"""Finds the numbers of the jobs that answer a question.

The conditions on other tables are lists of numbers, so that SQLite reads each of them once, and the index of
all listed jobs once; no combination of conditions makes it read every job's row.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Select, Subquery, func, intersect, select

from rivya_nb.store import prompt_index
from rivya_nb.store.records import Question
from rivya_nb.store.rows import param_text
from rivya_nb.store.schema import job_params, jobs, marks, run_jobs, tags

_Value = TypeVar("_Value")


def find(connection: Connection, question: Question, limit: int | None, offset: int) -> list[int]:
    return _page(connection, jobs.c.number, question, limit, offset)


def find_ids(connection: Connection, question: Question, limit: int | None, offset: int) -> list[str]:
    return _page(connection, jobs.c.id, question, limit, offset)


def count(connection: Connection, question: Question) -> int:
    listed = _listed(question)
    statement = select(func.count()).select_from(jobs if listed is None else listed)
    if listed is None:
        statement = statement.where(*_conditions(connection, question))
    return connection.execute(statement).scalar_one()


def _listed(question: Question) -> Subquery | None:
    """The jobs in the lists of other tables, without those that must not be listed; None if the jobs table is
    needed.

    Checking each job of a long list for pictures would take several times as long.
    """
    asked = (question.service, question.model, question.seed, question.prompt, question.since, question.until)
    lists = _lists(question)
    if not lists or question.run is not None or any(each is not None for each in asked):
        return None
    listed = (intersect(*lists) if len(lists) > 1 else lists[0]).subquery()
    left_out = select(jobs.c.number).where(~jobs.c.pictured)
    hidden = select(marks.c.job_number).where(marks.c.hidden)
    every = left_out if question.hidden else left_out.union_all(hidden)
    return select(listed.c.job_number).where(listed.c.job_number.not_in(every)).subquery()


def _page(
    connection: Connection, column: Column[_Value], question: Question, limit: int | None, offset: int
) -> list[_Value]:
    number = jobs.c.number.asc() if question.oldest_first else jobs.c.number.desc()
    statement = select(column).where(*_conditions(connection, question)).order_by(number)
    return list(connection.execute(statement.limit(limit).offset(offset)).scalars())


def _conditions(connection: Connection, question: Question) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [jobs.c.pictured]
    if question.service is not None:
        conditions.append(jobs.c.service == question.service)
    if question.model is not None:
        conditions.append(jobs.c.model == question.model)
    if question.seed is not None:
        conditions.append(jobs.c.seed == param_text(question.seed))
    if question.since is not None:
        conditions.append(jobs.c.created_at >= question.since)
    if question.until is not None:
        conditions.append(jobs.c.created_at <= question.until)
    if (prompts := prompt_index.containing(connection, question.prompt or "")) is not None:
        conditions.append(jobs.c.prompt_id.in_(prompts))
    if not question.hidden:
        conditions.append(jobs.c.number.not_in(select(marks.c.job_number).where(marks.c.hidden)))
    if lists := _lists(question):
        # As one list: SQLite would choose any one of several lists, perhaps the longest, and look up each of
        # its jobs.
        conditions.append(jobs.c.number.in_(intersect(*lists) if len(lists) > 1 else lists[0]))
    return conditions


def _lists(question: Question) -> list[Select[tuple[int]]]:
    """Numbers of jobs from the other tables, one list for each condition."""
    lists: list[Select[tuple[int]]] = []
    for key, value in question.params.items():
        same = (job_params.c.key == key) & (job_params.c.value == param_text(value))
        lists.append(select(job_params.c.job_number).where(same))
    if question.run is not None:
        lists.append(select(run_jobs.c.job_number).where(run_jobs.c.run_id == question.run))
    for tag in question.tags:
        lists.append(select(tags.c.job_number).where(tags.c.tag == tag))
    if question.rating:
        lists.append(select(marks.c.job_number).where(marks.c.rating >= question.rating))
    if question.starred:
        lists.append(select(marks.c.job_number).where(marks.c.starred))
    return lists
