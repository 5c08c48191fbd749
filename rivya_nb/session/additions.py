"""Plans that add to pictures: more values on the axes of a run, or what is missing in a grid."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.sources import reference_sets
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS
from rivya_nb.planning.growth import Values, labelled
from rivya_nb.planning.values import as_axis
from rivya_nb.session.adding import Addition, extend, fill
from rivya_nb.session.plan import Draft, Plan, draft_addition

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.store.records import JobRecord, RunRecord
    from rivya_nb.store.store import Store


class Additions:
    """Plans what is added to pictures that are there, for one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def store(self) -> Store:
        """The session's store."""
        return self._session.store

    @property
    def session(self) -> Session:
        """The session itself, which plans requests of their own."""
        return self._session

    def plan_extension(
        self, run: RunRecord, wanted: Mapping[str, object], *, repeat: int, max_credits: int | None
    ) -> Plan:
        """A run of the same pictures and of those for more values on its axes; only these are new.

        Raises:
            InvalidRequestError, UsageError: with every mistake; nothing was sent.
        """
        known = self._session.dispatcher.own_run(run.id)
        jobs = self._jobs_of(known)
        values: dict[str, Values] = {}
        mistakes: list[Mistake] = []
        for name, value in wanted.items():
            try:
                values[name] = self._wanted(name, value, [job.model for job in jobs.values()])
            except (InvalidRequestError, UsageError) as error:
                mistakes += error.mistakes
        if mistakes:
            raise InvalidRequestError(mistakes)
        draw_seed = random.SystemRandom().randint
        addition = extend(known, jobs, self._session.catalogue, values, repeat, draw_seed)
        return self._plan(addition, known.name, max_credits)

    def plan_filling(
        self, grid: RunRecord, jobs: Mapping[str, JobRecord], *, max_credits: int | None
    ) -> Plan:
        """What is missing in the run that a grid shows, or that all of its pictures come from (grid 0).

        Raises:
            UsageError: there is no such run, or its models do not take any more what is missing.
        """
        run = self._session.dispatcher.own_run(grid.id or self._common_run(jobs))
        addition = fill(run, self._jobs_of(run), self._session.catalogue)
        return self._plan(addition, run.name, max_credits)

    def _common_run(self, job_ids: Collection[str]) -> int:
        """The first run that has all of these jobs."""
        whole = [
            run.id
            for run in self.store.runs_of(job_ids)
            if set(job_ids) <= {cell.job_id for cell in run.cells}
        ]
        if not whole:
            raise UsageError(
                "These pictures do not come from one run, so nobody has asked for them as one grid, and what is "
                "missing in it is not known. Plan the whole grid with rv.plan(…): what the history has costs "
                "nothing."
            )
        return min(whole)

    def _wanted(self, name: str, value: object, models: Iterable[str]) -> Values:
        """More values of an axis by their labels, checked as far as they can be by themselves."""
        session = self._session
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

    def _plan(self, addition: Addition, name: str | None, max_credits: int | None) -> Plan:
        session = self._session

        def start(plan: Plan) -> Run:
            return session.start(plan, lambda: self._draft(addition))

        return Plan(
            addition.expansion,
            self._draft(addition),
            name=name,
            max_credits=max_credits,
            fresh=False,
            notes=addition.notes,
            files=session.store.files,
            start=start,
            check=session.dispatcher.check,
        )

    def _draft(self, addition: Addition) -> Draft:
        run, kept, expansion = addition.run, addition.kept, addition.expansion
        if run is not None:
            # Somebody may have filled a place since the plan was made.
            run = self.store.run(run.id)
            jobs = self._jobs_of(run)
            kept = run.current(jobs)
            expansion = expansion.without({cell.coordinates for cell in kept if jobs[cell.job_id].is_there})
        else:
            jobs = self._as_on_disk(self.store.jobs([cell.job_id for cell in kept]))
        new = self._session.draft(expansion, fresh=False)
        return draft_addition(new, kept, jobs, run, self._session.live_records.idle)

    def _jobs_of(self, run: RunRecord) -> dict[str, JobRecord]:
        return self._as_on_disk(self.store.jobs([cell.job_id for cell in run.cells]))

    def _as_on_disk(self, jobs: Mapping[str, JobRecord]) -> dict[str, JobRecord]:
        """The jobs; a picture whose file somebody took out of the store counts as deleted."""
        return {
            job_id: job if self.store.files.has_all(job.pictures) else replace(job, pictures=())
            for job_id, job in jobs.items()
        }
