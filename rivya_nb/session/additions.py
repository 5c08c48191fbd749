"""Plans that add to pictures: more values on the axes of a run, or what is missing in a grid."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.sources import reference_sets
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS
from rivya_nb.planning.values import as_axis
from rivya_nb.session.adding import Addition, Values, extend, fill, labelled
from rivya_nb.session.draft import as_on_disk, jobs_on_disk
from rivya_nb.session.plan import Plan

if TYPE_CHECKING:
    from rivya_nb.session.session import Session
    from rivya_nb.store.records import JobRecord, RunRecord


def plan_extension(
    session: Session,
    run: RunRecord,
    wanted: Mapping[str, object],
    *,
    repeat: int,
    max_credits: int | None,
) -> Plan:
    """A run of the same pictures and of those for more values on its axes; only these are new.

    Raises:
        InvalidRequestError, UsageError: with every mistake; nothing was sent.
    """
    known = session.spending.own_run(run.id)
    jobs = jobs_on_disk(session.store, [cell.job_id for cell in known.cells])
    values: dict[str, Values] = {}
    mistakes: list[Mistake] = []
    for name, value in wanted.items():
        try:
            values[name] = _wanted(session, name, value, [job.model for job in jobs.values()])
        except (InvalidRequestError, UsageError) as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidRequestError(mistakes)
    draw_seed = random.SystemRandom().randint
    addition = extend(known, jobs, session.catalogue, values, repeat, draw_seed)
    return _plan(session, addition, known.name, max_credits)


def plan_filling(
    session: Session, grid: RunRecord, jobs: Mapping[str, JobRecord], *, max_credits: int | None
) -> Plan:
    """What is missing in a grid: of a run, into that run; of other pictures (run 0), into a new run.

    Raises:
        UsageError: what is missing cannot be told.
    """
    run = session.spending.own_run(grid.id) if grid.id else None
    if run is None:
        jobs = as_on_disk(session.store, jobs)
    else:
        jobs = jobs_on_disk(session.store, [cell.job_id for cell in run.cells])
        grid = replace(run, cells=run.current(jobs))
    addition = fill(grid, jobs, session.catalogue, service=session.service.name, run=run)
    return _plan(session, addition, "filled grid" if run is None else run.name, max_credits)


def _wanted(session: Session, name: str, value: object, models: Iterable[str]) -> Values:
    """More values of an axis by their labels, checked as far as they can be by themselves."""
    if name == REFERENCES_AXIS:
        if not isinstance(value, Mapping):
            raise UsageError([Mistake(name, "more of them are given as a dict of labels to references")])
        known, _ = session.models_of(dict.fromkeys(models))
        taken, mistakes = session.take(reference_sets(value), known, shrink=False)
        if mistakes:
            raise InvalidRequestError(mistakes)
        return taken
    found = as_axis(value, name) or (value,)
    if name == MODEL_AXIS:
        chosen, mistakes = session.models_of(found)
        if mistakes:
            raise InvalidRequestError(mistakes)
        return {model.id: model.id for model in chosen}
    return labelled(found)


def _plan(session: Session, addition: Addition, name: str | None, max_credits: int | None) -> Plan:
    return Plan(
        session,
        addition.expansion,
        name=name,
        max_credits=max_credits,
        notes=addition.notes,
        kept=addition.kept,
        run_id=None if addition.run is None else addition.run.id,
    )
