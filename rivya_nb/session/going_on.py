"""A plan of a job's request with changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue
from rivya_nb.contract.ideas import SEED_KEY, is_seed, shared_names
from rivya_nb.contract.text import listing
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.jobs.sources import reference_sets
from rivya_nb.planning.ask import MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, REPEAT_AXIS
from rivya_nb.planning.names import notebook_variables
from rivya_nb.planning.prompt import PromptTemplate, parse_prompt
from rivya_nb.planning.values import as_axis

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.session import Session
    from rivya_nb.store.records import JobRecord

KEPT = object()
"""Means *as the job has it*, where None means something else."""


def plan_variation(
    session: Session,
    job: JobRecord,
    *,
    prompt: str | Sequence[str] | None,
    model: str | Sequence[str] | None,
    references: object,
    repeat: int,
    replicates: int,
    name: str | None,
    max_credits: int | None,
    fresh: bool,
    params: Mapping[str, object],
) -> Plan:
    """The plan of a job's request with changes; see `Job.vary`."""
    models = [job.model] if model is None else [model] if isinstance(model, str) else list(model)
    kept, lost = _kept(job, models, session.catalogue)
    if repeat > 1 and not any(map(is_seed, params)):
        kept.pop(SEED_KEY, None)
    given = {**kept, **shared_names(params)}
    template = _prompt(job.prompt if prompt is None else prompt, literal=prompt is None)
    plan = session.plan(
        template,
        models=models,
        params={key: as_axis(value, key) or (value,) for key, value in given.items()},
        references=reference_sets(list(job.references) if references is KEPT else references),
        repeat=repeat,
        replicates=replicates,
        order=[*(axis.name for axis in template.axes), MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, *given],
        name=name,
        max_credits=max_credits,
        fresh=fresh,
    )
    if lost:
        plan.notes = (*plan.notes, f"left out, since {listing(models)} has no such param: {listing(lost)}")
    return plan


def _kept(job: JobRecord, models: Sequence[str], catalogue: Catalogue) -> tuple[dict[str, object], list[str]]:
    """The job's params that all models have, and the names of the others."""
    known = [catalogue[model] for model in models if model in catalogue]
    params = job.shared_params
    lost = [key for key in params if any(model.param(key) is None for model in known)]
    return {key: value for key, value in params.items() if key not in lost}, lost


def _prompt(given: str | Sequence[str], *, literal: bool) -> PromptTemplate:
    """The prompt: a text has its axes in braces; a list of texts is an axis. The texts of a list and the job's
    own prompt are taken literally."""
    if isinstance(given, str) and not literal:
        return parse_prompt(given, variables=False, names=notebook_variables().keys())
    if not isinstance(given, (str, Sequence)):
        raise UsageError(
            [
                Mistake(
                    "prompt",
                    f"an object of type {type(given).__name__} is neither a text nor a list of texts",
                )
            ]
        )
    return parse_prompt(f"{{{PROMPT_AXIS}}}", variables=True).bind({PROMPT_AXIS: given})
