"""Plans that add to a run: its ask, larger or the same, less what stands there."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue
from rivya_nb.contract.text import count
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.sources import reference_sets
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, REPLICATE_AXIS, Ask, read_ask
from rivya_nb.planning.expansion import Expansion, distinct, expand_places
from rivya_nb.planning.growth import Growth, Values, free_again, labelled
from rivya_nb.planning.places import Place, check_repeat
from rivya_nb.planning.seeds import DrawSeed
from rivya_nb.planning.values import as_axis
from rivya_nb.session.draft import jobs_on_disk
from rivya_nb.session.plan import Plan
from rivya_nb.store.records import COLLECTABLE, CellRecord, JobRecord, RunRecord

if TYPE_CHECKING:
    from rivya_nb.session.session import Session

_MOST_REASONS = 3
_OUTDATED = "the models no longer take what was asked then"


def plan_extension(
    session: Session,
    run: RunRecord,
    wanted: Mapping[str, object],
    *,
    repeat: int,
    replicates: int,
    max_credits: int | None,
) -> Plan:
    """The plan of a new run that has a run's pictures and those for more values on its axes.

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
    addition = extend(known, jobs, session.catalogue, values, repeat, draw_seed, replicates=replicates)
    return _plan(session, addition, known.name, max_credits)


def plan_filling(
    session: Session, grid: RunRecord, job_ids: Collection[str], *, max_credits: int | None
) -> Plan:
    """The plan of what is missing in the run that a grid shows; in a grid of other pictures (its run is 0), in
    the run that all of them come from.

    Raises:
        UsageError: there is no such run, or its models no longer take what is missing.
    """
    run = session.spending.own_run(grid.id or _common_run(session, job_ids))
    jobs = jobs_on_disk(session.store, [cell.job_id for cell in run.cells])
    return _plan(session, fill(run, jobs, session.catalogue), run.name, max_credits)


def _common_run(session: Session, job_ids: Collection[str]) -> int:
    """The first run that has all of these jobs."""
    whole = [
        run.id
        for run in session.store.runs.of(job_ids)
        if set(job_ids) <= {cell.job_id for cell in run.cells}
    ]
    if not whole:
        raise UsageError(
            "These results do not come from one run, so nobody has asked for them as one grid, and what is "
            "missing in it is not known. Plan the whole grid with rv.plan(…): what the history has costs nothing."
        )
    return min(whole)


@dataclass(frozen=True)
class Addition:
    """New requests, and the cells of what is there already.

    `run` is the run that they are added to; None where they make a new one.
    """

    expansion: Expansion
    kept: tuple[CellRecord, ...]
    run: RunRecord | None = None
    notes: tuple[str, ...] = ()


def extend(
    run: RunRecord,
    jobs: Mapping[str, JobRecord],
    catalogue: Catalogue,
    wanted: Mapping[str, Values],
    repeat: int,
    draw_seed: DrawSeed,
    *,
    replicates: int = 0,
) -> Addition:
    """The run's cells, and requests for every combination that has one of the `wanted` values.

    `wanted` has the values by axis, each by its label; a param, `model`, `references` or `prompt` that all
    pictures share becomes an axis. `repeat` asks for that many more seeds, or requests of a model without;
    `replicates` for each request that many more times.

    Raises:
        InvalidRequestError, UsageError: with every mistake.
    """
    check_repeat(repeat)
    check_repeat(replicates, "replicates")
    ask = ask_of(run)
    growth = Growth(ask, {axis.name: axis.labels for axis in run.axes}, catalogue, run.id)
    mistakes: list[Mistake] = []
    for name, values in wanted.items():
        try:
            growth.add(name, values)
        except UsageError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UsageError(mistakes)
    if repeat:
        growth.repeat(repeat, draw_seed)
    growth.draw(draw_seed)
    if ask.sample and _sizes(growth.ask) != _sizes(ask):
        raise UsageError(
            f"Run {run.id} is a sample of {ask.sample:,} places, and takes more replicates only: of other values, "
            f"nobody said which places are wanted. Plan a wider sample anew: {free_again(ask)}."
        )
    if replicates:
        growth.replicate(replicates)
    zeros = (0,) * (len(growth.ask.axes()) - len(run.axes))
    standing = {cell.coordinates + zeros for cell in run.cells}
    expansion, mistaken = expand_places(growth.ask, catalogue)
    if wrong := {place: mistakes for place, mistakes in mistaken.items() if place not in standing}:
        _, outdated = expand_places(ask_of(run), catalogue)
        raise InvalidRequestError([*([Mistake("", _OUTDATED)] if outdated else []), *distinct(wrong)])
    kept = [replace(cell, coordinates=cell.coordinates + zeros, reused=True) for cell in run.current(jobs)]
    gone = len({cell.job_id for cell in kept if not jobs[cell.job_id].is_there})
    notes = [f"{gone} of run {run.id} stay missing; grid().fill() asks for them"] if gone else []
    there = {cell.coordinates: cell.job_id for cell in kept if jobs[cell.job_id].is_there}
    twins = _twins(expansion, standing, there)
    new = expansion.without(standing | {cell.coordinates for cell in twins})
    return Addition(
        new.written_down().labelled(growth.labels), (*kept, *twins), None, (*notes, *growth.notes)
    )


def _sizes(ask: Ask) -> list[int]:
    return [len(axis) for axis in ask.axes() if axis.name != REPLICATE_AXIS]


def _twins(expansion: Expansion, standing: Collection[Place], there: Mapping[Place, str]) -> list[CellRecord]:
    """Cells of new requests that ask the same as one whose picture is there; `there` has the jobs by place.

    With a seed, the history has that job; without one, nothing but the run knows that both are one.
    """
    jobs = {item.key: there[item.coordinates] for item in expansion.requests if item.coordinates in there}
    return [
        CellRecord(jobs[item.key], item.coordinates, reused=True)
        for item in expansion.requests
        if item.request.seed is None and item.coordinates not in standing and item.key in jobs
    ]


def fill(run: RunRecord, jobs: Mapping[str, JobRecord], catalogue: Catalogue) -> Addition:
    """What is missing in a run: places whose request failed or was stopped, or whose picture is deleted.

    Raises:
        UsageError: something is missing, and its models no longer take any of it.
    """
    kept = run.current(jobs)
    standing = {cell.coordinates for cell in kept if jobs[cell.job_id].is_there}
    expansion, wrong = expand_places(ask_of(run), catalogue, standing)
    reasons = Counter("; ".join(map(str, mistakes)) for mistakes in wrong.values())
    told = _told(reasons)
    if wrong and not expansion.requests:
        raise UsageError(f"Nothing can be filled; {_OUTDATED}: {told}.")
    # What one job stood for stays one.
    stood = {cell.coordinates: cell.job_id for cell in kept}
    numbers = {job_id: number for number, job_id in enumerate(dict.fromkeys(stood.values()))}
    requests = tuple(
        item if item.reusable else replace(item, copy=numbers[stood[item.coordinates]])
        for item in expansion.written_down().requests
    )
    notes = [f"{count(len(wrong), 'place')} not filled; {_OUTDATED}: {told}"] if wrong else []
    expansion = replace(expansion, requests=requests).labelled({axis.name: axis.labels for axis in run.axes})
    return Addition(expansion, kept, run, (*notes, *_waiting(kept, jobs)))


def ask_of(run: RunRecord) -> Ask:
    """What a run asked. UsageError where that is not known, or is not what the run's places are of."""
    ask = read_ask(run.ask)
    sizes = [(axis.name, len(axis.labels)) for axis in run.axes]
    if ask is None or [(axis.name, len(axis)) for axis in ask.axes()] != sizes:
        raise UsageError(
            f"What run {run.id} asked cannot be read here; plan it anew: what the history has costs nothing."
        )
    return ask


def _told(reasons: Counter[str]) -> str:
    told = [reason for reason, _ in reasons.most_common(_MOST_REASONS)]
    rest = len(reasons) - len(told)
    return "; ".join(told) + (f"; and {rest} other reasons" if rest else "")


def _waiting(kept: Sequence[CellRecord], jobs: Mapping[str, JobRecord]) -> list[str]:
    paid = {cell.job_id for cell in kept if jobs[cell.job_id].status in COLLECTABLE}
    return [f"{len(paid)} that may be paid for already are collected at no cost"] if paid else []


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
