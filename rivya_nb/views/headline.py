"""The first line of a run: the prompt, and what all its jobs have in common."""

from __future__ import annotations

from dataclasses import dataclass

from rivya_nb.contract.text import as_sent, count, listing, printable
from rivya_nb.planning.ask import read_ask
from rivya_nb.planning.prompt import PromptAxis
from rivya_nb.views.run_view import RunView, tally
from rivya_nb.views.words import common_params, joined, param_words

PROMPT_LENGTH = 160
_NAME_LENGTH = 40


@dataclass(frozen=True)
class Headline:
    """`prompt` is shortened, `full_prompt` is not; `facts` are the model, the common params and the run."""

    prompt: str
    full_prompt: str
    facts: str


def headline(view: RunView) -> Headline:
    """The first line of a run. While the run works, it has the price of all its jobs, later the run's name.

    Pictures of several runs (from the history) have the run id 0, which is not shown.
    """
    jobs = list({cell.job_id: view.jobs[cell.job_id] for cell in view.run.cells}.values())
    prompt = prompt_text(view)
    sums = tally(view)
    names = [f"run {view.run.id}" if view.run.id else "", printable(view.run.name or "", _NAME_LENGTH)]
    price = [count(sums.total, "picture"), count(sums.price, "credit")] if view.live else []
    models = listing(dict.fromkeys(job.model for job in jobs))
    facts = joined([models, *common_words(view), *price, ", ".join(name for name in names if name)])
    return Headline(printable(prompt, PROMPT_LENGTH), printable(prompt), facts)


def prompt_text(view: RunView) -> str:
    """The prompt as it was written, its axes in braces: `A bottle at {dawn|dusk}`."""
    ask = read_ask(view.run.ask)
    if ask is not None and ask.models:
        parts = [part if isinstance(part, str) else _options(part) for part in ask.prompt.parts]
        text = as_sent("".join(parts))
        # Whole prompts side by side are no template; where they fill the line, one of them says more.
        if len(parts) > 1 or len(text) <= PROMPT_LENGTH:
            return text
    prompts = list(dict.fromkeys(view.jobs[cell.job_id].prompt for cell in view.run.cells))
    if len(prompts) > 1:
        return f"{prompts[0]} (and {count(len(prompts) - 1, 'more prompt')})"
    return prompts[0] if prompts else ""


def _options(axis: PromptAxis) -> str:
    return axis.options[0] if len(axis.options) == 1 else f"{{{'|'.join(axis.options)}}}"


def common_words(view: RunView) -> list[str]:
    """The params that no axis varies, as words: `resolution 1K`."""
    axes = {axis.name for axis in view.run.axes}
    common = common_params(view.jobs[cell.job_id] for cell in view.run.cells)
    return param_words({key: value for key, value in common.items() if key not in axes})
