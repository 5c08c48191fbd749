"""Finds the numbers of the jobs that answer a question, on PostgreSQL.

Its planner does not know which values stand together, or only long ago: it goes through the newest jobs for a page
of what none of them has. So a page is looked for in three ways, the first of which succeeds:

1. The newest jobs are looked at one by one. What is frequent fills a page there.
2. One of the things that are asked for leaves few jobs. These are looked at and sorted.
3. An index that has the order of the page is gone through until the page is full.

What is counted or listed as a whole is left to the planner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    any_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store import facts, job_settings
from rivya_nb.store.answers import Search, how_many, in_time, sides, within
from rivya_nb.store.measurements import KeptMeasure, find_kept, measured_number
from rivya_nb.store.postgresql.words import contain
from rivya_nb.store.prompt_words import read_sought, unwanted, wanted
from rivya_nb.store.questions import Asked, MeasureOrder, Question
from rivya_nb.store.rows import fits, seed_number
from rivya_nb.store.schema import jobs, marks, pictures, prompts, run_jobs, tags

_Value = TypeVar("_Value")

_NEWEST = 2000
"""Jobs that are looked at before anything else is found out."""

_FEW_JOBS = 5000
"""Jobs that are looked at and sorted; of more, the newest are found sooner by going through an index."""

_FEW_PROMPTS = 1000


class PostgresqlSearch(Search):
    # Fewer than on SQLite: the server looks up the row of each.
    many = 2000
    candidates = 10_000

    def page(
        self,
        connection: Connection,
        column: Column[_Value],
        question: Question,
        limit: int | None,
        offset: int,
    ) -> list[_Value]:
        def read(statement: Select[Any]) -> list[_Value]:
            return list(connection.execute(statement.limit(limit).offset(offset)).scalars())

        kept = _kept(connection, question)
        order = _order(question, kept)
        if limit is None:
            return read(_all(connection, column, question).order_by(*order))
        is_by_time = len(order) == 1
        if is_by_time and limit + offset <= _NEWEST:
            found = read(_among_newest(connection, column, question))
            if len(found) == limit:
                return found
        few = _few(connection, question)
        if few is not None:
            # No index has the order of a sum, so that none is gone through instead.
            return read(_of(connection, column, *few).order_by(*_order(question, kept, 0)))
        if is_by_time:
            return read(_walk(connection, column, question, limit + offset))
        if kept is not None and isinstance(question.order, MeasureOrder):
            return self._walk_measured(connection, column, question, question.order, kept, limit, offset)
        return read(_one_by_one(connection, select(column), question).order_by(*order))

    def _count(self, connection: Connection, question: Question, at_most: int | None) -> int:
        few, number = _few(connection, question), jobs.c.number
        found = _all(connection, number, question) if few is None else _of(connection, number, *few)
        return how_many(connection, found.limit(at_most))

    def _among_newest(
        self, connection: Connection, question: Question, candidates: int
    ) -> Select[tuple[int]] | None:
        if not question.tags or question.runs:
            return None
        first, *others = question.tags
        rest = replace(question, tags=tuple(others))
        alone = Question(hidden=question.hidden, order=question.order, oldest_first=question.oldest_first)
        if rest in (alone, replace(alone, excluded=False)) or _few(connection, question) is not None:
            return None
        newest = select(tags.c.job_number).where(tags.c.tag == first).order_by(tags.c.job_number.desc())
        lead = newest.limit(candidates).subquery("lead")
        some = select(jobs.c.number).select_from(lead.join(jobs, jobs.c.number == lead.c.job_number))
        return _one_by_one(connection, some, rest)

    def _one_by_one(self, connection: Connection, statement: Select[Any], question: Question) -> Select[Any]:
        return _one_by_one(connection, statement, question)

    def _is_one_of(self, column: ColumnElement[int], numbers: Collection[int]) -> ColumnElement[bool]:
        return _is_one_of(column, numbers)


SEARCH = PostgresqlSearch()


def _kept(connection: Connection, question: Question) -> KeptMeasure | None:
    """The measure by which the page is ordered, if any, and if there are numbers of it."""
    if not isinstance(question.order, MeasureOrder):
        return None
    return find_kept(connection, question.order.name, question.order.version)


def _order(question: Question, kept: KeptMeasure | None, more: int | None = None) -> list[ColumnElement[Any]]:
    """The order of the page, by numbers to which `more` is added."""

    def number(column: ColumnElement[int]) -> ColumnElement[int]:
        return column if more is None else column + more

    time = in_time(number(jobs.c.number), question)
    if question.order is None:
        return [time]
    if not isinstance(question.order, MeasureOrder):
        by_rating = number(jobs.c.rating).desc()
        return [by_rating if question.order == "rating" else number(jobs.c.seed_number).asc(), time]
    if kept is None:
        return [time]
    measured = measured_number(kept.id, question.order.part)
    return [(measured.asc() if question.order.lowest_first else measured.desc()).nulls_last(), time]


def _among_newest(connection: Connection, column: Column[Any], question: Question) -> Select[Any]:
    """Those that fit among the newest jobs, or the oldest."""
    listed = select(jobs.c.number).where(jobs.c.pictured)
    lead = listed.order_by(in_time(jobs.c.number, question)).limit(_NEWEST).subquery("newest")
    some = select(column).select_from(lead.join(jobs, jobs.c.number == lead.c.number))
    return _one_by_one(connection, some, question).order_by(in_time(lead.c.number, question))


def _of(
    connection: Connection, column: Column[Any], few: Select[tuple[int]], question: Question
) -> Select[Any]:
    """Those that fit among few jobs."""
    lead = few.limit(_FEW_JOBS).subquery("few")
    some = select(column).select_from(lead.join(jobs, jobs.c.number == lead.c[0]))
    return _one_by_one(connection, some, question)


def _walk(connection: Connection, column: Column[Any], question: Question, at_most: int) -> Select[Any]:
    """Goes through an index that has the order of the time; `at_most` jobs are wanted of it."""
    if question.tags:
        first, *others = question.tags
        lead = select(tags.c.job_number).where(tags.c.tag == first).subquery("lead")
        statement = select(column).select_from(lead.join(jobs, jobs.c.number == lead.c.job_number))
        begun = statement.where(*_begin(question, lead.c.job_number))
        led = _one_by_one(connection, begun, replace(question, tags=tuple(others)))
        return led.order_by(in_time(lead.c.job_number, question))
    parts = _parts(connection, question)
    if parts is None:
        begun = select(column).where(*_begin(question, jobs.c.number))
        return _one_by_one(connection, begun, question).order_by(in_time(jobs.c.number, question))
    # Each value has the order by itself, so that this many of each are enough.
    leading, each = parts
    listed = func.unnest(literal(list(each), ARRAY(leading.type))).table_valued("value")
    values = listed.render_derived(name="wanted")
    begun = select(jobs.c.number, jobs.c.id).where(
        leading == values.c.value, *_begin(question, jobs.c.number)
    )
    its = _one_by_one(connection, begun, question)
    some = its.order_by(in_time(jobs.c.number, question)).limit(at_most).lateral("some")
    joined = select(some.c[column.name]).select_from(values.join(some, true()))
    return joined.order_by(in_time(some.c.number, question))


def _begin(question: Question, number: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """Where the jobs of a time that is asked for begin: all that came later need not be gone through."""
    if (question.since if question.oldest_first else question.until) is None:
        return []
    then = jobs.alias("within")
    # Of a sum, the planner does not look for the extreme one by going through all jobs, either.
    numbers = then.c.number + 0
    extreme = func.min(numbers) if question.oldest_first else func.max(numbers)
    found = select(extreme).where(then.c.pictured, *within(question, then.c.created_at))
    first = found.scalar_subquery()
    return [number >= first if question.oldest_first else number <= first]


def _parts(connection: Connection, question: Question) -> tuple[Column[Any], Collection[Any]] | None:
    """A column with an index in the order of the time, and which values of it fit."""
    if question.seed is not None and not isinstance(question.seed, range):
        return jobs.c.seed_number, _seed_numbers(question.seed)
    if question.asked_by is not None:
        return jobs.c.asked_by, set(question.asked_by)
    if SEED_KEY in question.params:
        return None
    settings = job_settings.matching(connection, question.model, question.params)
    return None if settings is None else (jobs.c.settings_id, settings)


def _few(connection: Connection, question: Question) -> tuple[Select[tuple[int]], Question] | None:
    """The shortest list of jobs that fit one of the things that are asked for, and what these have to fit; None
    where all are long."""
    lists = [(each, question) for each in _lists(connection, question)]
    if (by_words := _with_words(connection, question)) is not None:
        # Looking at the words of each job again would take longer than finding the prompts did.
        lists.append((by_words, replace(question, prompt=unwanted(question.prompt or ""))))
    if not lists:
        return None
    some = [each.limit(_FEW_JOBS + 1).subquery() for each, _ in lists]
    numbers = [select(func.count()).select_from(each).scalar_subquery() for each in some]
    found = connection.execute(select(*numbers)).one()
    at = min(range(len(lists)), key=found.__getitem__)
    return lists[at] if found[at] <= _FEW_JOBS else None


def _lists(connection: Connection, question: Question) -> list[Select[tuple[int]]]:
    """The numbers of the jobs that fit each of the things that are asked for, each once, from its index."""
    lists: list[Select[tuple[int]]] = []
    if question.facts:
        lists.append(facts.having(question.facts, question.runs))
    elif question.runs:
        lists.append(select(run_jobs.c.job_number).where(run_jobs.c.run_id.in_(question.runs)).distinct())
    lists += [select(tags.c.job_number).where(tags.c.tag == tag) for tag in question.tags]
    if question.favourite:
        lists.append(select(marks.c.job_number).where(marks.c.favourite))
    if question.excluded:
        lists.append(select(marks.c.job_number).where(_IS_EXCLUDED))
    if sides := _sides(question):
        lists.append(select(pictures.c.job_number).where(*sides).distinct())
    listed = select(jobs.c.number).where(jobs.c.pictured)
    if question.rating:
        lists.append(listed.where(jobs.c.rating >= question.rating))
    if question.asked_by is not None:
        lists.append(listed.where(jobs.c.asked_by.in_(question.asked_by)))
    if times := within(question):
        lists.append(listed.where(*times))
    if question.seed is not None:
        lists.append(listed.where(_is_seed(question.seed)))
    params = {key: value for key, value in question.params.items() if key != SEED_KEY}
    settings = job_settings.matching(connection, question.model, params)
    if settings is not None and SEED_KEY not in question.params:
        lists.append(listed.where(_is_one_of(jobs.c.settings_id, settings)))
    return lists


def _with_words(connection: Connection, question: Question) -> Select[tuple[int]] | None:
    """The numbers of the jobs with the words that are wanted; None where very many prompts have them."""
    if not (those := wanted(question.prompt or "")):
        return None
    conditions = (contain(any_of, by_index=True) for any_of in those)
    few = select(prompts.c.id).where(*conditions).limit(_FEW_PROMPTS + 1)
    found = connection.execute(few).scalars().all()
    if len(found) > _FEW_PROMPTS:
        return None
    return select(jobs.c.number).where(jobs.c.pictured, _is_one_of(jobs.c.prompt_id, found))


def _all(connection: Connection, column: Column[Any], question: Question) -> Select[Any]:
    """All that fit, as the planner likes it."""

    def is_there(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(*conditions)

    return select(column).where(*_conditions(connection, question, is_there))


def _one_by_one(connection: Connection, statement: Select[Any], question: Question) -> Select[Any]:
    """With everything that is asked for, to be looked up for each job that is met."""

    def looked_up(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        # Of a value, other than of EXISTS, the planner makes no join.
        return select(true()).where(*conditions).limit(1).scalar_subquery()

    return statement.where(*_conditions(connection, question, looked_up))


def _conditions(
    connection: Connection, question: Question, is_there: Callable[..., ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """What fits; `is_there` asks whether another table has a row."""
    conditions: list[ColumnElement[bool]] = [jobs.c.pictured]
    marked = marks.c.job_number == jobs.c.number
    if question.service is not None:
        conditions.append(jobs.c.service == question.service)
    if not question.hidden:
        conditions.append(~jobs.c.hidden)
    if question.excluded is not None:
        excluded = is_there(marked, _IS_EXCLUDED)
        conditions.append(excluded if question.excluded else func.coalesce(~excluded, true()))
    its = run_jobs.c.job_number == jobs.c.number
    in_runs = [run_jobs.c.run_id.in_(question.runs)] if question.runs else []
    if question.facts:
        conditions.append(is_there(its, run_jobs.c.facts_id.in_(facts.sets_with(question.facts)), *in_runs))
    elif question.runs:
        conditions.append(is_there(its, *in_runs))
    conditions += [is_there(tags.c.job_number == jobs.c.number, tags.c.tag == tag) for tag in question.tags]
    if question.rating:
        conditions.append(jobs.c.rating >= question.rating)
    if question.favourite:
        conditions.append(is_there(marked, marks.c.favourite))
    if question.asked_by is not None:
        conditions.append(jobs.c.asked_by.in_(question.asked_by))
    conditions += within(question)
    if sides := _sides(question):
        conditions.append(is_there(pictures.c.job_number == jobs.c.number, *sides))
    for any_of in read_sought(question.prompt or ""):
        conditions.append(is_there(prompts.c.id == jobs.c.prompt_id, contain(any_of)))
    return [*conditions, *_params(connection, question)]


def _sides(question: Question) -> list[ColumnElement[bool]]:
    return [fits(pictures.c[name], side) for name, side in sides(question).items()]


def _params(connection: Connection, question: Question) -> list[ColumnElement[bool]]:
    """The conditions on model, params and seed."""
    params = dict(question.params)
    seeds = [each for each in (question.seed, params.pop(SEED_KEY, None)) if each is not None]
    conditions = list(map(_is_seed, seeds))
    settings = job_settings.matching(connection, question.model, params)
    if settings is not None:
        conditions.append(_is_one_of(jobs.c.settings_id, settings))
    if question.seed is None and SEED_KEY in question.params:
        # A job without a seed of its own may have a documented one, among its settings.
        documented = job_settings.matching(connection, question.model, question.params)
        if documented:
            return [or_(_is_one_of(jobs.c.settings_id, documented), and_(*conditions))]
    return conditions


def _is_seed(seed: Asked) -> ColumnElement[bool]:
    """Whether a job has a seed that is asked for; the index has the seeds as numbers."""
    number = jobs.c.seed_number
    if isinstance(seed, range):
        return and_(fits(number, seed), jobs.c.seed == cast(number, Text))
    return and_(_is_one_of(number, _seed_numbers(seed)), fits(jobs.c.seed, seed))


def _seed_numbers(seed: Asked) -> set[int]:
    several = seed if isinstance(seed, tuple) else (seed,)
    return {seed_number(each) for each in several if not isinstance(each, range)}


def _is_one_of(column: ColumnElement[int], numbers: Collection[int]) -> ColumnElement[bool]:
    """As `in_`, for more numbers than a statement may have values."""
    return column == any_(literal(sorted(numbers), ARRAY(BigInteger)))


_IS_EXCLUDED = marks.c.excluded != ""
