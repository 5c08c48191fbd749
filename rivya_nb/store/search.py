"""From a question to the numbers of the jobs that answer it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from rivya_nb.store.records import Question
from rivya_nb.store.rows import param_text, searchable
from rivya_nb.store.schema import job_params, jobs, marks, run_jobs, tags


def find(connection: Connection, question: Question, limit: int | None, offset: int) -> list[int]:
    """The numbers of the jobs, in the order of the question."""
    statement = _ordered(select(jobs.c.number), question).limit(limit).offset(offset)
    return list(connection.execute(statement).scalars())


def find_ids(connection: Connection, question: Question, limit: int | None, offset: int) -> list[str]:
    """Their ids instead."""
    statement = _ordered(select(jobs.c.id), question).limit(limit).offset(offset)
    return list(connection.execute(statement).scalars())


def count(connection: Connection, question: Question) -> int:
    """How many there are."""
    statement = select(func.count()).select_from(jobs).where(*_conditions(question))
    return connection.execute(statement).scalar_one()


def _ordered(statement: Select[Any], question: Question) -> Select[Any]:
    number = jobs.c.number.asc() if question.oldest_first else jobs.c.number.desc()
    return statement.where(*_conditions(question)).order_by(number)


def _conditions(question: Question) -> list[ColumnElement[bool]]:
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
    for word in searchable(question.prompt or "").split():
        conditions.append(jobs.c.prompt_words.contains(word, autoescape=True))
    for key, value in question.params.items():
        param = job_params.alias()
        same = (param.c.key == key) & (param.c.value == param_text(value))
        conditions.append(exists().where(param.c.job_number == jobs.c.number, same))
    if question.run is not None:
        conditions.append(
            exists().where(run_jobs.c.job_number == jobs.c.number, run_jobs.c.run_id == question.run)
        )
    return conditions + _marked(question)


def _marked(question: Question) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    own = marks.c.job_number == jobs.c.number
    if question.rating is not None and question.rating > 0:
        conditions.append(exists().where(own, marks.c.rating >= question.rating))
    if question.starred:
        conditions.append(exists().where(own, marks.c.starred))
    if not question.hidden:
        conditions.append(~exists().where(own, marks.c.hidden))
    for tag in question.tags:
        conditions.append(exists().where(tags.c.job_number == jobs.c.number, tags.c.tag == tag))
    return conditions
