"""The first line of a run: the prompt, and what all its jobs have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import as_sent, count, listing, printable
from rivya_nb.planning.ask import read_ask
from rivya_nb.planning.prompt import PromptAxis
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.run_view import RunView, tally
from rivya_nb.views.tally import Tally
from rivya_nb.views.words import by_words, common_params, joined, param_words

PROMPT_LENGTH = 160
_NAME_LENGTH = 40
_MOST_OPTIONS = 12
"""Options of an axis that the shortened prompt has."""


@dataclass(frozen=True)
class Headline:
    """`prompt` is shortened, `full_prompt` is not; `facts` are the model, the common params and the run."""

    prompt: str
    full_prompt: str
    facts: str


@dataclass(frozen=True)
class Subject:
    """What a run is about, which does not change while it goes on: the prompt as it was written, shortened and
    whole, and the models and the params that all its jobs have in common, in words."""

    prompt: str
    full_prompt: str
    common: str


def headline(view: RunView) -> Headline:
    """The first line of a run. While the run works, it has the price of all its jobs, later the run's name.

    Pictures of several runs (from the history) have the run id 0, which is not shown.
    """
    going = tally(view) if view.live else None
    return headline_of(view.run, subject_of(view.run, view.jobs), going, names_users=view.names_users)


def headline_of(
    run: RunRecord, subject: Subject, going: Tally | None, *, names_users: bool = False
) -> Headline:
    """The same; `going` has the sums of a run that works."""
    names = [f"run {run.id}" if run.id else "", printable(run.name or "", _NAME_LENGTH)]
    price = [] if going is None else [count(going.total, going.noun), count(going.price, "credit")]
    by = by_words(run.asked_by) if names_users else ""
    facts = joined([subject.common, *price, ", ".join(name for name in names if name), by])
    return Headline(subject.prompt, subject.full_prompt, facts)


def subject_of(run: RunRecord, jobs: Mapping[str, JobRecord]) -> Subject:
    """What a run of these jobs is about. This looks at each of them."""
    mine = [jobs[job_id] for job_id in dict.fromkeys(cell.job_id for cell in run.cells)]
    axes = {axis.name for axis in run.axes}
    common = {key: value for key, value in common_params(mine).items() if key not in axes}
    models = listing(dict.fromkeys(job.model for job in mine))
    facts = joined([models, *param_words(common)])
    prompts = list(dict.fromkeys(job.prompt for job in mine))
    prompt = written_prompt(run.ask, prompts)
    return Subject(printable(prompt, PROMPT_LENGTH), printable(written_prompt(run.ask, prompts, None)), facts)


def written_prompt(ask: str | None, prompts: Sequence[str], most: int | None = _MOST_OPTIONS) -> str:
    """The prompt as it was written in a run's stored ask, its axes in braces with `most` of their options:
    `A bottle at {dawn|dusk}`. Where that says little, the first of the `prompts`."""
    asked = read_ask(ask)
    if asked is not None and asked.models:
        parts = [part if isinstance(part, str) else _options(part, most) for part in asked.prompt.parts]
        text = as_sent("".join(parts))
        # Whole prompts side by side are no template; where they fill the line, one of them says more.
        if len(parts) > 1 or len(text) <= PROMPT_LENGTH:
            return text
    if len(prompts) > 1:
        return f"{prompts[0]} (and {count(len(prompts) - 1, 'more prompt')})"
    return prompts[0] if prompts else ""


def _options(axis: PromptAxis, most: int | None) -> str:
    options = axis.options
    if most is not None and len(options) > most:
        options = (*options[: most - 2], "…", options[-1])
    return options[0] if len(options) == 1 else f"{{{'|'.join(options)}}}"
