"""Finds the numbers of the jobs that answer a question.

One index leads, chosen here by how many jobs it gives; what else is asked is then read from that index. The
conditions on other tables are lists of numbers, so that SQLite reads each of them once. No combination of
conditions makes it read every job's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    intersect,
    literal_column,
    or_,
    select,
)

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store import facts, job_settings, prompt_index
from rivya_nb.store.answers import Search, how_many, in_time, sides, tallied, within
from rivya_nb.store.measurements import find_kept, measured_number
from rivya_nb.store.questions import Asked, MeasureOrder, Question
from rivya_nb.store.rows import fits, seed_number
from rivya_nb.store.schema import jobs, marks, pictures, run_jobs, tags, tallies

_Value = TypeVar("_Value")

_FEW_JOBS = 10_000
"""Jobs that are sorted by number; of more, the newest are found sooner by going through the listed ones."""


class SqliteSearch(Search):
    many = 10_000
    candidates = 20_000

    def page(
        self,
        connection: Connection,
        column: Column[_Value],
        question: Question,
        limit: int | None,
        offset: int,
    ) -> list[_Value]:
        if question.order is not None:
            return _ordered(connection, column, question, limit, offset)
        listed, time = _listed(question), in_time(jobs.c.number, question)
        if listed is not None and limit is not None and len(_lists(question)) == 1:
            # The list has the order of the page, so that only the page's jobs are looked up.
            at = listed.selected_columns[0]
            some = listed.order_by(in_time(at, question)).limit(limit).offset(offset)
            statement: Select[Any] = select(column).where(jobs.c.number.in_(some))
            return list(connection.execute(statement.order_by(time)).scalars())
        if _is_walked(connection, question):
            place: ColumnElement[int] = literal_column("lead.job_number")
            walk = _walked(connection, column, question, None).order_by(in_time(place, question))
            return list(connection.execute(walk.limit(limit).offset(offset)).scalars())
        statement = _found(connection, column, question).order_by(time)
        return list(connection.execute(statement.limit(limit).offset(offset)).scalars())

    def _count(self, connection: Connection, question: Question, at_most: int | None) -> int:
        found = _listed(question)
        if found is None:
            found = _found(connection, jobs.c.number, question)
        return how_many(connection, found.limit(at_most))

    def _among_newest(
        self, connection: Connection, question: Question, candidates: int
    ) -> Select[tuple[int]] | None:
        if not _is_walked(connection, question):
            return None
        return _walked(connection, jobs.c.number, question, candidates)

    def _one_by_one(self, connection: Connection, statement: Select[Any], question: Question) -> Select[Any]:
        return _one_by_one(connection, statement, question, jobs.c.number)

    def _looked_up(self, column: Column[_Value]) -> ColumnElement[_Value]:
        return _unled(column)


SEARCH = SqliteSearch()


def _listed(question: Question) -> Select[tuple[int]] | None:
    """The jobs in the lists of other tables, without those that must not be listed; None if the jobs table is
    needed.

    Checking each job of a long list for pictures would take several times as long.
    """
    asked = (
        question.service,
        question.model,
        question.seed,
        question.prompt,
        question.since,
        question.until,
        question.width,
        question.height,
        question.asked_by,
    )
    lists = _lists(question)
    if not lists or question.runs or question.params or any(each is not None for each in asked):
        return None
    listed = (intersect(*lists) if len(lists) > 1 else lists[0]).subquery()
    left_out = select(jobs.c.number).where(~jobs.c.pictured)
    hidden = [] if question.hidden else [select(jobs.c.number).where(jobs.c.hidden)]
    excluded = [_EXCLUDED] if question.excluded is False else []
    every = left_out.union_all(*hidden, *excluded)
    return select(listed.c.job_number).where(listed.c.job_number.not_in(every))


def _ordered(
    connection: Connection, column: Column[_Value], question: Question, limit: int | None, offset: int
) -> list[_Value]:
    """A page by rating, seed or measure. Few jobs are sorted; of many, the index of the order is gone through."""
    if isinstance(question.order, MeasureOrder):
        return _by_measure(connection, column, question, question.order, limit, offset)
    if limit is None or _is_narrow(connection, question):
        statement = _found(connection, column, question)
    else:
        statement = _one_by_one(connection, select(column), question, jobs.c.number)
        # Where the order begins is known.
        if question.order == "rating" and question.rating:
            statement = statement.where(jobs.c.rating >= question.rating)
        elif question.order == "seed" and question.seed is not None:
            statement = statement.where(_seed_numbers(question.seed))
    time = in_time(jobs.c.number, question)
    by = jobs.c.rating.desc() if question.order == "rating" else jobs.c.seed_number.asc()
    return list(connection.execute(statement.order_by(by, time).limit(limit).offset(offset)).scalars())


def _by_measure(
    connection: Connection,
    column: Column[_Value],
    question: Question,
    order: MeasureOrder,
    limit: int | None,
    offset: int,
) -> list[_Value]:
    """A page by the number of each job's first picture; jobs without one come last, in the order of the time."""
    kept = find_kept(connection, order.name, order.version)
    if kept is None:
        return SEARCH.page(connection, column, replace(question, order=None), limit, offset)
    if limit is not None and not _is_narrow(connection, question):
        return SEARCH._walk_measured(connection, column, question, order, kept, limit, offset)
    number = measured_number(kept.id, order.part)
    by = number.asc() if order.lowest_first else number.desc()
    statement = _found(connection, column, question)
    statement = statement.order_by(by.nulls_last(), in_time(jobs.c.number, question))
    return list(connection.execute(statement.limit(limit).offset(offset)).scalars())


def _is_narrow(connection: Connection, question: Question) -> bool:
    """Whether one of the things that are asked for leaves few jobs by itself."""
    lists = [each.limit(_FEW_JOBS + 1) for each in _lists(question)]
    if any(how_many(connection, some) <= _FEW_JOBS for some in lists):
        return True
    alone = [
        Question(seed=question.seed),
        Question(model=question.model, params=question.params),
        Question(since=question.since, until=question.until),
        Question(width=question.width, height=question.height),
        Question(asked_by=question.asked_by),
    ]
    if isinstance(prompt_index.containing(connection, question.prompt or ""), Sequence):
        alone.append(Question(prompt=question.prompt))
    asked = (replace(each, hidden=True) for each in alone if each != Question())
    return any(SEARCH.count(connection, each, _FEW_JOBS + 1) <= _FEW_JOBS for each in asked)


def _found(connection: Connection, column: Column[Any], question: Question) -> Select[Any]:
    if _is_walked(connection, question):
        return _walked(connection, column, question, None)
    return select(column).where(*_conditions(connection, question))


def _is_walked(connection: Connection, question: Question) -> bool:
    """Whether a tag leads: something else is asked, too, and every list is long."""
    lists = _lists(question)
    if not question.tags or question.runs or (len(lists) == 1 and _listed(question) is not None):
        return False
    return all(how_many(connection, each.limit(_FEW_JOBS + 1)) > _FEW_JOBS for each in lists)


def _walked(
    connection: Connection, column: Column[Any], question: Question, at_most: int | None
) -> Select[Any]:
    """Goes through the newest `at_most` jobs of the first tag, and looks at each for everything else."""
    first, *others = question.tags
    newest = select(tags.c.job_number).where(tags.c.tag == first)
    if at_most is not None:
        newest = newest.order_by(tags.c.job_number.desc()).limit(at_most)
    lead = newest.subquery("lead")
    each: ColumnElement[int] = literal_column("+lead.job_number")
    statement = select(column).select_from(lead.join(jobs, jobs.c.number == each))
    return _one_by_one(connection, statement, replace(question, tags=tuple(others)), each)


def _one_by_one(
    connection: Connection, statement: Select[Any], question: Question, number: ColumnElement[int]
) -> Select[Any]:
    """With everything that is asked for, to be looked up for each job that is met."""
    for tag in question.tags:
        statement = statement.where(exists().where(tags.c.job_number == number, tags.c.tag == tag))
    if question.rating:
        statement = statement.where(
            exists().where(marks.c.job_number == number, marks.c.rating >= question.rating)
        )
    if question.favourite:
        statement = statement.where(exists().where(marks.c.job_number == number, marks.c.favourite))
    rest = replace(question, tags=(), rating=None, favourite=False)
    if question.excluded:
        statement = statement.where(exists().where(marks.c.job_number == number, _IS_EXCLUDED))
        rest = replace(rest, excluded=None)
    return statement.where(*_conditions(connection, rest, is_led=True))


def _conditions(
    connection: Connection, question: Question, *, is_led: bool = False
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [jobs.c.pictured]
    if question.service is not None:
        conditions.append(jobs.c.service == question.service)
    if not question.hidden:
        conditions.append(~jobs.c.hidden)
    if question.excluded is False:
        conditions.append(jobs.c.number.not_in(_EXCLUDED))
    if lists := _lists(question):
        # As one list: SQLite would choose any one of several lists, perhaps the longest, and look up each of
        # its jobs.
        conditions.append(jobs.c.number.in_(intersect(*lists) if len(lists) > 1 else lists[0]))
    prompts = prompt_index.containing(connection, question.prompt or "")
    sizes, has_few = _sizes(connection, question)
    conditions += sizes
    free = not lists and not is_led and not has_few
    leads = free and isinstance(prompts, Sequence)
    if prompts is not None:
        conditions.append(_column("prompt_id", leads).in_(prompts))
    if question.prompt:
        conditions += prompt_index.not_wanted(question.prompt, literal_column("jobs.prompt_id"))
    free = free and not leads
    if question.asked_by is not None:
        # The jobs of one user are in the order of the time in their index.
        others = (question.seed, question.model, question.since, question.until)
        alone = len(question.asked_by) == 1 and not question.params and all(each is None for each in others)
        conditions.append(_column("asked_by", free and alone).in_(question.asked_by))
    times = _times(connection, question, may_lead=free and question.seed is None and not question.params)
    return [*conditions, *times, *_params(connection, question, may_lead=free)]


def _sizes(connection: Connection, question: Question) -> tuple[list[ColumnElement[bool]], bool]:
    """The conditions on the size of a picture, and whether few jobs have one of it, which then lead."""
    asked = sides(question)
    if not asked:
        return [], False
    sized = select(pictures.c.job_number).where(*(fits(pictures.c[name], asked[name]) for name in asked))
    if how_many(connection, sized.limit(_FEW_JOBS + 1)) <= _FEW_JOBS:
        return [jobs.c.number.in_(sized)], True
    its = pictures.c.job_number == jobs.c.number
    unled = (fits(_unled(pictures.c[name]), side) for name, side in asked.items())
    return [exists().where(its, *unled)], False


def _times(connection: Connection, question: Question, *, may_lead: bool) -> list[ColumnElement[bool]]:
    """The conditions on the time."""
    times = within(question)
    leads = may_lead and bool(times) and _are_few(connection, times)
    return within(question, _column("created_at", leads))


def _params(connection: Connection, question: Question, *, may_lead: bool) -> list[ColumnElement[bool]]:
    """The conditions on model, params and seed."""
    params = dict(question.params)
    seeds = [each for each in (question.seed, params.pop(SEED_KEY, None)) if each is not None]
    conditions = [fits(_column("seed", leads=False), seed) for seed in seeds]
    numbers = list(map(_seed_numbers, seeds))
    may_lead = may_lead and (not seeds or _are_few(connection, numbers))
    if may_lead:
        conditions += numbers
    settings = job_settings.matching(connection, question.model, params)
    if settings is not None:
        led = may_lead and not seeds
        few = led and tallied(connection, question, tallies.c.settings_id.in_(settings)) <= _FEW_JOBS
        conditions.append(_column("settings_id", few).in_(settings))
    if question.seed is None and SEED_KEY in question.params:
        # A job without a seed of its own may have a documented one, among its settings.
        documented = job_settings.matching(connection, question.model, question.params)
        if documented:
            return [or_(_column("settings_id", may_lead).in_(documented), and_(*conditions))]
    return conditions


def _seed_numbers(seed: Asked) -> ColumnElement[bool]:
    """What the index of seeds knows of seeds that are asked for."""
    if isinstance(seed, range):
        return fits(jobs.c.seed_number, seed)
    return fits(jobs.c.seed_number, tuple(map(seed_number, seed if isinstance(seed, tuple) else (seed,))))


def _are_few(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> bool:
    """Whether so few listed jobs fit that they can be sorted."""
    some = select(jobs.c.number).where(jobs.c.pictured, *conditions).limit(_FEW_JOBS + 1)
    return how_many(connection, some) <= _FEW_JOBS


def _column(name: str, leads: bool) -> ColumnElement[Any]:
    """A column of `jobs`, with or without its index."""
    return jobs.c[name] if leads else _unled(jobs.c[name])


def _unled(column: Column[_Value]) -> ColumnElement[_Value]:
    """SQLite uses no index for a column with a plus before it."""
    return literal_column(f"+{column.table.name}.{column.name}", column.type)


_IS_EXCLUDED: ColumnElement[bool] = literal_column("marks.excluded != ''", Boolean)
"""As the index of the excluded ones says it: SQLite uses it for no other words."""

_EXCLUDED = select(marks.c.job_number).where(_IS_EXCLUDED)


def _lists(question: Question) -> list[Select[tuple[int]]]:
    """Numbers of jobs from the other tables, one list for each condition."""
    lists: list[Select[tuple[int]]] = []
    if question.facts:
        # In one of the runs, if any are named: a picture may have other facts in other runs.
        lists.append(facts.having(question.facts, question.runs))
    elif question.runs:
        lists.append(select(run_jobs.c.job_number).where(run_jobs.c.run_id.in_(question.runs)))
    for tag in question.tags:
        lists.append(select(tags.c.job_number).where(tags.c.tag == tag))
    if question.rating:
        lists.append(select(marks.c.job_number).where(marks.c.rating >= question.rating))
    if question.favourite:
        lists.append(select(marks.c.job_number).where(marks.c.favourite))
    if question.excluded:
        lists.append(_EXCLUDED)
    return lists
