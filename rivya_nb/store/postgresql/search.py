"""Finds the numbers of the jobs that answer a question, on PostgreSQL.

Its planner knows how often a value is there, so that nothing has to be chosen for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store import facts, job_settings
from rivya_nb.store.measurements import find_kept, measured_number
from rivya_nb.store.prompt_words import Sought, read_sought
from rivya_nb.store.records import Counted, MeasureOrder, Question
from rivya_nb.store.rows import fits, searchable
from rivya_nb.store.schema import jobs, marks, pictures, prompts, run_jobs, tags

MANY = 10_000
"""Jobs that are counted where their number is only shown."""


def find(connection: Connection, question: Question, limit: int | None, offset: int) -> list[int]:
    page = _ordered(connection, select(jobs.c.number), question).limit(limit).offset(offset)
    return list(connection.execute(page).scalars())


def find_ids(connection: Connection, question: Question, limit: int | None, offset: int) -> list[str]:
    page = _ordered(connection, select(jobs.c.id), question).limit(limit).offset(offset)
    return list(connection.execute(page).scalars())


def count(connection: Connection, question: Question) -> int:
    return _count(connection, question, None)


def counted(connection: Connection, question: Question) -> Counted:
    """The number, for a text; counting stops after `MANY`."""
    number = _count(connection, question, MANY + 1)
    return Counted(min(number, MANY), is_exact=number <= MANY)


def _count(connection: Connection, question: Question, at_most: int | None) -> int:
    some = select(jobs.c.number).where(*_conditions(connection, question)).limit(at_most).subquery()
    number: int = connection.execute(select(func.count()).select_from(some)).scalar_one()
    return number


def _ordered(connection: Connection, statement: Select[Any], question: Question) -> Select[Any]:
    by: list[ColumnElement[Any]] = []
    if isinstance(question.order, MeasureOrder):
        if kept := find_kept(connection, question.order.name, question.order.version):
            number = measured_number(kept.id, question.order.part)
            by = [(number.asc() if question.order.lowest_first else number.desc()).nulls_last()]
    elif question.order is not None:
        by = [jobs.c.rating.desc() if question.order == "rating" else jobs.c.seed_number.asc()]
    time = jobs.c.number.asc() if question.oldest_first else jobs.c.number.desc()
    return statement.where(*_conditions(connection, question)).order_by(*by, time)


def _conditions(connection: Connection, question: Question) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [jobs.c.pictured]
    marked = exists().where(marks.c.job_number == jobs.c.number)
    if question.service is not None:
        conditions.append(jobs.c.service == question.service)
    if not question.hidden:
        conditions.append(~jobs.c.hidden)
    if question.excluded is not None:
        excluded = marked.where(marks.c.excluded != "")
        conditions.append(excluded if question.excluded else ~excluded)
    if question.facts:
        conditions.append(jobs.c.number.in_(facts.having(question.facts, question.runs)))
    elif question.runs:
        its = run_jobs.c.job_number == jobs.c.number
        conditions.append(exists().where(its, run_jobs.c.run_id.in_(question.runs)))
    for tag in question.tags:
        conditions.append(exists().where(tags.c.job_number == jobs.c.number, tags.c.tag == tag))
    if question.rating:
        conditions.append(jobs.c.rating >= question.rating)
    if question.favourite:
        conditions.append(marked.where(marks.c.favourite))
    if question.asked_by is not None:
        conditions.append(jobs.c.asked_by.in_(question.asked_by))
    if question.since is not None:
        conditions.append(jobs.c.created_at >= question.since)
    if question.until is not None:
        conditions.append(jobs.c.created_at <= question.until)
    sides = {name: side for name in ("width", "height") if (side := getattr(question, name)) is not None}
    if sides:
        sized = [fits(pictures.c[name], side) for name, side in sides.items()]
        conditions.append(exists().where(pictures.c.job_number == jobs.c.number, *sized))
    return [*conditions, *_words(question.prompt or ""), *_params(connection, question)]


def _params(connection: Connection, question: Question) -> list[ColumnElement[bool]]:
    """The conditions on model, params and seed."""
    params = dict(question.params)
    seeds = [each for each in (question.seed, params.pop(SEED_KEY, None)) if each is not None]
    conditions = [fits(jobs.c.seed, seed) for seed in seeds]
    settings = job_settings.matching(connection, question.model, params)
    if settings is not None:
        conditions.append(jobs.c.settings_id.in_(settings))
    if question.seed is None and SEED_KEY in question.params:
        # A job without a seed of its own may have a documented one, among its settings.
        documented = job_settings.matching(connection, question.model, question.params)
        if documented:
            written = conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]
            return [or_(jobs.c.settings_id.in_(documented), written)]
    return conditions


def _words(asked: str) -> list[ColumnElement[bool]]:
    """The conditions on the words of a prompt."""

    def fits_one(sought: Sought) -> ColumnElement[bool]:
        is_there = prompts.c.words.contains(searchable(sought.text), autoescape=True)
        return ~is_there if sought.without else is_there

    return [
        jobs.c.prompt_id.in_(select(prompts.c.id).where(or_(*map(fits_one, any_of))))
        for any_of in read_sought(asked)
    ]
