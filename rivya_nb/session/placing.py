"""Laying out jobs of any runs and models by axes: the params, prompts, models or references that they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.ideas import same_idea
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.contract.text import comparable, did_you_mean, listing, printable
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, NONE, PROMPT_AXIS, REFERENCES_AXIS, REPLICATE_AXIS, label
from rivya_nb.session.job import Job
from rivya_nb.store.records import AxisRecord, CellRecord, RunRecord, facts_at
from rivya_nb.views.layout import no_such_axis

_MOST_DIFFERENCES = 4
"""How many differences stand below a picture where no axis is named."""

_WORDING = 18
"""How many characters of a prompt stand there, so that a seed has room beside it."""

RUN_AXIS = "run"
"""The axis of pictures of several runs."""

_NO_PARAMS = (MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, RUN_AXIS)

_NUMBERS = (SEED_KEY, REPLICATE_AXIS)
"""What says nothing without its name."""

_NO_LABELS: Mapping[str, str] = {}
_NO_FACTS: Mapping[str, Mapping[str, str]] = {}

CatalogueOf = Callable[[str], Catalogue]
"""The models of a service by its name."""


class Placement(NamedTuple):
    """Axes, and each job's place on them."""

    axes: tuple[AxisRecord, ...]
    cells: tuple[CellRecord, ...]


def place(
    jobs: Sequence[Job],
    names: Sequence[str],
    catalogue_of: CatalogueOf,
    *,
    wordings: bool = True,
    references: Mapping[str, str] = _NO_LABELS,
    facts: Mapping[str, Mapping[str, str]] = _NO_FACTS,
) -> Placement:
    """Lay jobs (newest first) out by `names`: params with their documented defaults, `prompt`, `model` or
    `references`, or a fact. Without a name they stand in a row, each with what tells it from the others, the
    wording of its prompt included unless that is shown beside it (`wordings`). `references` are what the user
    calls them, and `facts` those of a table, by job id.

    Values of a param stand in the order of the model's record, numbers by their size, everything else in the
    order in which it was first asked for.

    Raises:
        UsageError: none of the jobs has anything of that name.
    """
    known = _told_apart([_asked(job, references.get(job.id)) for job in jobs])
    if not names:
        labels = _differences(known, wordings)
        cells = tuple(CellRecord(job.id, (at,)) for at, job in enumerate(jobs))
        its = tuple(facts.get(job.id, {}) for job in jobs)
        return Placement((AxisRecord("", labels, its if any(its) else ()),), cells)
    known = [{**facts.get(job.id, {}), **each} for job, each in zip(jobs, known, strict=True)]
    _check(names, dict.fromkeys(key for each in known for key in each))
    models = _models(jobs, catalogue_of)
    axes = [AxisRecord(name, _ordered(name, known, models)) for name in names]
    at = [{text: index for index, text in enumerate(axis.labels)} for axis in axes]
    placed = [
        CellRecord(job.id, tuple(index[each.get(name, NONE)] for name, index in zip(names, at, strict=True)))
        for job, each in zip(jobs, known, strict=True)
    ]
    # As in a run, the newest comes last: of jobs of one moment, which share a place, it is the one shown.
    return Placement(tuple(axes), tuple(reversed(placed)))


def place_wholly(
    jobs: Sequence[Job],
    names: Sequence[str],
    catalogue_of: CatalogueOf,
    *,
    references: Mapping[str, str] = _NO_LABELS,
    facts: Mapping[str, Mapping[str, str]] = _NO_FACTS,
) -> Placement:
    """Lay jobs out by `names`, and by everything else in which they differ.

    Raises:
        UsageError: none of the jobs has anything of one of the `names`.
    """
    known = [_asked(job, references.get(job.id)) for job in jobs]
    keys = dict.fromkeys([*names, *(key for each in known for key in each)])
    differing = [key for key in keys if key in names or len({each.get(key) for each in known}) > 1]
    return place(jobs, differing, catalogue_of, references=references, facts=facts)


def place_runs(
    runs: Sequence[RunRecord], jobs: Mapping[str, Job], names: Sequence[str], catalogue_of: CatalogueOf
) -> Placement:
    """Lay the `jobs` (by their ids) of several runs out as one grid, by the axes of all these runs and by `names`.

    Where that puts different pictures of several runs into one place, the one param by which the runs differ is an
    axis too, or else `run`.

    Raises:
        UsageError: none of the jobs has anything of one of the `names`.
    """
    cells = [(run, cell) for run in runs for cell in run.cells if cell.job_id in jobs]
    known = _told_apart(
        [
            {**facts_at(run.axes, cell.coordinates), **_asked(jobs[cell.job_id]), **_in_run(run, cell)}
            for run, cell in cells
        ]
    )
    ids = [cell.job_id for _, cell in cells]
    everything = dict.fromkeys(key for each in known for key in each)
    _check(names, everything)
    facts = _facts_of_labels(runs)
    told = {name for each in facts.values() for row in each.values() for name in row}
    chosen = dict.fromkeys(
        [*(axis.name for run in runs for axis in run.axes), *(name for name in names if name not in told)]
    )
    if _collide(ids, known, chosen):
        free = [key for key in everything if key not in (*chosen, PROMPT_AXIS, RUN_AXIS)]
        differing = [key for key in free if len({each.get(key) for each in known}) > 1]
        alone = len(differing) == 1 and not _collide(ids, known, [*chosen, *differing])
        chosen.setdefault(differing[0] if alone else RUN_AXIS)
    models = _models([jobs[job_id] for job_id in ids], catalogue_of)
    # Values without an order of their own stand in the order of the runs.
    labels = {name: _ordered(name, known[::-1], models) for name in chosen}
    axes = tuple(
        AxisRecord(name, each, tuple(facts[name].get(text, {}) for text in each) if name in facts else ())
        for name, each in labels.items()
    )
    places = ([axis.labels.index(each.get(axis.name, NONE)) for axis in axes] for each in known)
    return Placement(axes, tuple(map(CellRecord, ids, map(tuple, places))))


def _facts_of_labels(runs: Sequence[RunRecord]) -> dict[str, dict[str, dict[str, str]]]:
    """By axis and label, the facts that no two of these runs tell differently."""
    found: dict[str, dict[str, dict[str, set[str]]]] = {}
    for run in runs:
        for axis in run.axes:
            for text, row in zip(axis.labels, axis.facts, strict=False):
                for name, value in row.items():
                    found.setdefault(axis.name, {}).setdefault(text, {}).setdefault(name, set()).add(value)
    unsure = {
        name
        for labels in found.values()
        for row in labels.values()
        for name, values in row.items()
        if len(values) > 1
    }
    return {
        axis: {
            text: {name: next(iter(values)) for name, values in row.items() if name not in unsure}
            for text, row in labels.items()
        }
        for axis, labels in found.items()
    }


def _in_run(run: RunRecord, cell: CellRecord) -> dict[str, str]:
    """A cell's values on the axes of its run, and the run."""
    there = {axis.name: axis.labels[at] for axis, at in zip(run.axes, cell.coordinates, strict=True)}
    return {**there, RUN_AXIS: f"{run.id} {run.name or ''}".strip()}


def _collide(ids: Sequence[str], known: Sequence[Mapping[str, str]], names: Iterable[str]) -> bool:
    """Whether runs have different jobs in the same place on these axes."""
    keys = list(names)
    places: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for job_id, each in zip(ids, known, strict=True):
        runs = places.setdefault(tuple(each.get(key, NONE) for key in keys), {})
        runs.setdefault(each[RUN_AXIS], set()).add(job_id)
    return any(len(set(map(frozenset, runs.values()))) > 1 for runs in places.values())


def _asked(job: Job, called: str | None = None) -> dict[str, str]:
    """What a job was asked for, as labels; `called` is the user's word for its references."""
    references = called or listing(reference.name for reference in job.request.references)
    return {
        MODEL_AXIS: job.model,
        PROMPT_AXIS: comparable(job.prompt),
        **({REFERENCES_AXIS: references} if references else {}),
        **{key: label(value) for key, value in job.params.items()},
        REPLICATE_AXIS: str(job.replicate),
    }


def _told_apart(known: Sequence[dict[str, str]]) -> Sequence[Mapping[str, str]]:
    """The same, without the replicates' numbers where there is only the first of each."""
    if all(each[REPLICATE_AXIS] == "1" for each in known):
        for each in known:
            del each[REPLICATE_AXIS]
    return known


def _check(names: Sequence[object], known: Iterable[str]) -> None:
    choices = list(known)
    mistakes = []
    for name in names:
        if not isinstance(name, str):
            mistakes.append(Mistake("grid", no_such_axis(name, choices)))
        elif name not in choices:
            message = f"no job here has it; they have {listing(choices)}{did_you_mean(name, choices)}"
            mistakes.append(Mistake(name, message if choices else "there are no results"))
    if mistakes:
        raise UsageError(mistakes)


def _models(jobs: Sequence[Job], catalogue_of: CatalogueOf) -> dict[str, Model]:
    """The records of the jobs' models, by id; those that no catalogue has are left out."""
    services = {job.model: job.record.service for job in jobs}
    found = ((model_id, catalogue_of(service).get(model_id)) for model_id, service in services.items())
    return {model_id: model for model_id, model in found if model is not None}


def _ordered(name: str, known: Sequence[Mapping[str, str]], models: Mapping[str, Model]) -> tuple[str, ...]:
    """The values of one axis in the order in which a reader expects them."""
    first = dict.fromkeys(each.get(name, NONE) for each in reversed(known))
    if name in _NO_PARAMS:
        return tuple(first)
    params = [param for model in models.values() if (param := model.param(name)) is not None]
    options = dict.fromkeys(option for param in params for option in param.options or ())
    rank = {option: place for place, option in enumerate(options)}

    def key(text: str) -> tuple[int, float]:
        if text in rank:
            return 0, rank[text]
        number = _number(text)
        if number is not None:
            return 1, number
        return (3 if text == NONE else 2), 0

    return tuple(sorted(first, key=key))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def placing_notes(jobs: Sequence[Job], names: Sequence[str], catalogue_of: CatalogueOf) -> tuple[str, ...]:
    """Why some models stand under `none`: they have no param of that name, and others have."""
    notes = []
    models = _models(jobs, catalogue_of).values()
    for name in names:
        if name in _NO_PARAMS or all(model.param(name) is None for model in models):
            continue
        for model in models:
            if model.param(name) is None:
                own = same_idea(name, model.param_keys)
                calls = f"; it calls this {own}" if own else ""
                notes.append(f"{model.id} has no {name}{calls}")
    return tuple(notes)


def _differences(known: Sequence[Mapping[str, str]], wordings: bool) -> tuple[str, ...]:
    """A label for each job: what of its seed, prompt, model and params not all of them share, or else its seed."""
    short = _wordings([each[PROMPT_AXIS] for each in known])
    told = [{**each, PROMPT_AXIS: words} for each, words in zip(known, short, strict=True)]
    keys = dict.fromkeys(["seed", *(key for each in told for key in each)])
    keys.pop(PROMPT_AXIS, None)
    differing = [key for key in keys if len({each.get(key) for each in known}) > 1][:_MOST_DIFFERENCES]
    if wordings and len(set(short)) > 1:
        # The longest comes last: where a caption is cut, the others are still there.
        differing = [*differing[: _MOST_DIFFERENCES - 1], PROMPT_AXIS]
    return tuple(_difference(each, differing or ["seed"]) for each in told)


def _difference(each: Mapping[str, str], differing: Sequence[str]) -> str:
    named = [f"{key}: {each[key]}" if key in _NUMBERS else each[key] for key in differing if key in each]
    return " · ".join(named) or each[MODEL_AXIS]


def _wordings(prompts: Sequence[str]) -> list[str]:
    """The prompts, shortened, without the words that all of them have at their start and end."""
    words = {prompt: prompt.split() for prompt in prompts}
    head = _shared(words.values())
    tail = _shared([each[head:][::-1] for each in words.values()])
    short = {each: _wording(text[head : len(text) - tail], head, tail) for each, text in words.items()}
    alike: dict[str, list[str]] = {}
    for prompt, text in short.items():
        alike.setdefault(text, []).append(prompt)
    for some in alike.values():
        # What was cut to the same is told apart for itself, by what follows the words that only these share.
        if 1 < len(some) < len(short):
            short.update(zip(some, _wordings(some), strict=True))
    return [short[prompt] for prompt in prompts]


def _shared(texts: Iterable[Sequence[str]]) -> int:
    """How many words at the start are the same in all of these; at least one word of each is left."""
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*(text[:-1] for text in texts), strict=False))
    return sum(1 for _ in alike)


def _wording(words: Sequence[str], head: int, tail: int) -> str:
    text = printable(" ".join(words), _WORDING)
    return f"{'…' if head else ''}{text}{'…' if tail and not text.endswith('…') else ''}"
