"""From records back to what was asked: the prompt with its axes, and the cell that asks for a run again."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, product
from pathlib import Path

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.references import Reference
from rivya_nb.contract.text import comparable
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.words import quoted
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, RunRecord
from rivya_nb.views.words import TURNING, common_params

Part = str | AxisRecord
"""A piece of a prompt: text, or an axis that stands in its place."""

_PLAIN_VALUE = re.compile(r"(?!none$)[\w:+/-]+(\.[\w:+/-]+)*", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"[\w./:\\+-]+")
_LINE_ENDS = ("Cc", "Zl", "Zp", "Cs")
_PLAIN_OPTION = re.compile(r"[^{}|=]+")
_MOST_GUESSES = 200


def prompt_parts(run: RunRecord, jobs: Mapping[str, JobRecord]) -> tuple[Part, ...] | None:
    """The prompt that all jobs came from, with its axes in their places; None where it cannot be told.

    Records keep the finished prompts. A template counts only when it yields every one of them.
    """
    if not run.cells:
        return None
    first = run.cells[0]
    prompt = jobs[first.job_id].prompt
    axes = _prompt_axes(run, jobs)
    occurrences = [
        [
            (match.start(), match.end(), axis)
            for match in re.finditer(re.escape(axis.labels[first.coordinates[index]]), prompt)
        ]
        for index, axis in axes
    ]
    for places in islice(product(*occurrences), _MOST_GUESSES):
        parts = _split(prompt, sorted(places, key=lambda place: place[0]))
        if parts is not None and all(
            _fill(parts, run, cell) == comparable(jobs[cell.job_id].prompt) for cell in run.cells
        ):
            return parts
    return None


def _prompt_axes(run: RunRecord, jobs: Mapping[str, JobRecord]) -> list[tuple[int, AxisRecord]]:
    """The axes that only the prompt can come from: not a param of any job, nor a way of asking."""
    keys = {key for cell in run.cells for key in jobs[cell.job_id].params}
    others = keys | {"model", "references", "repeat"}
    return [(index, axis) for index, axis in enumerate(run.axes) if axis.name not in others]


def _split(prompt: str, places: Sequence[tuple[int, int, AxisRecord]]) -> tuple[Part, ...] | None:
    parts: list[Part] = []
    at = 0
    for start, end, axis in places:
        if start < at:
            return None
        parts += [prompt[at:start], axis]
        at = end
    return tuple(part for part in (*parts, prompt[at:]) if part != "")


def _fill(parts: Sequence[Part], run: RunRecord, cell: CellRecord) -> str:
    values = {axis.name: axis.labels[index] for axis, index in zip(run.axes, cell.coordinates, strict=True)}
    return comparable("".join(part if isinstance(part, str) else values[part.name] for part in parts))


def cell_text(run: RunRecord, jobs: Mapping[str, JobRecord]) -> str | None:
    """The `%%rivya` cell that asks for the same requests; None where records cannot tell it exactly."""
    mine = [jobs[cell.job_id] for cell in run.cells]
    parts = prompt_parts(run, jobs)
    if parts is None or any(job.references for job in mine) or not _labels_are_values(run, jobs):
        return None
    words = _line_words(run, mine)
    body = _body(parts)
    # A cell that reads otherwise than it runs is a trap; the JSON shows such characters by number.
    if words is None or body is None or TURNING & set(body):
        return None
    return " ".join(["%%rivya", *words]) + "\n" + body


def _labels_are_values(run: RunRecord, jobs: Mapping[str, JobRecord]) -> bool:
    """Whether each job was asked for exactly what its place on the axes says."""
    for cell in run.cells:
        job = jobs[cell.job_id]
        for axis, index in zip(run.axes, cell.coordinates, strict=True):
            value = job.model if axis.name == "model" else job.params.get(axis.name)
            if value is not None and str(value) != axis.labels[index]:
                return False
    return True


def _line_words(run: RunRecord, jobs: Sequence[JobRecord]) -> list[str] | None:
    """The params as they would stand on the magic's line, axes first."""
    axes = {axis.name: axis for axis in run.axes}
    keys = {key for job in jobs for key in job.params}
    common = common_params(jobs)
    if keys - axes.keys() - common.keys():
        return None
    given = [(axis.name, axis.labels) for axis in run.axes if axis.name in keys]
    given += [(key, (str(value),)) for key, value in common.items() if key not in axes]
    if not all(_PLAIN_VALUE.fullmatch(value) for _, values in given for value in values):
        return None
    words = [f"{key}={_values(values)}" for key, values in given]
    models = axes["model"].labels if "model" in axes else (jobs[0].model,)
    if models != (DEFAULT_MODEL,):
        words.append(f"--model {','.join(models)}")
    if "repeat" in axes:
        words.append(f"--repeat {len(axes['repeat'].labels)}")
    return words


def _values(values: Sequence[str]) -> str:
    if len(values) > 2 and all(re.fullmatch(r"0|[1-9]\d{0,15}", value) for value in values):
        numbers = [int(value) for value in values]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return f"{numbers[0]}..{numbers[-1]}"
    return ",".join(values)


def _body(parts: Sequence[Part]) -> str | None:
    written = []
    for part in parts:
        if isinstance(part, str):
            written.append(_literal(part))
            continue
        if not all(_PLAIN_OPTION.fullmatch(label) for label in part.labels):
            return None
        options = "|".join(part.labels)
        if part.name == "prompt":
            written.append(f"{{{options}}}")
        elif part.name.isidentifier():
            written.append(f"{{{part.name}={options}}}")
        else:
            return None
    return "".join(written)


def job_cell(job: JobRecord, path_of: Callable[[Reference], Path]) -> str:
    """The cell that asks for a job's request again; `path_of` finds a reference's file in the store.

    A `%%rivya` cell wherever one can say it; Python for what no line holds (a param of several lines) and for
    text that would read otherwise than it runs.
    """
    body = _literal(job.prompt)
    shown = [ref.url or str(path_of(ref)) for ref in job.references]
    words = [f"{key}={_word(str(value), _PLAIN_VALUE)}" for key, value in job.params.items()]
    words += [f"--model {job.model}"] if job.model != DEFAULT_MODEL else []
    words += [f"--ref {_word(path, _PLAIN_PATH)}" for path in shown]
    cell = magic_cell(words, body)
    if cell is not None and _says(body, job.prompt):
        return cell
    given = [f"    {body!r}", f"    model={job.model!r}", f"    params={dict(job.params)!r}"]
    given += [f"    references={shown!r}"] if shown else []
    return "import rivya_nb as rv\n\nrv.generate(\n" + ",\n".join(given) + ",\n).wait()"


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _says(body: str, prompt: str) -> bool:
    template = parse_prompt(body, variables=True)
    return not template.axes and not template.variables and template.render({}) == prompt


def fits_a_line(text: str) -> bool:
    """Whether a text is one line, and reads as it runs."""
    return not TURNING & set(text) and not any(unicodedata.category(char) in _LINE_ENDS for char in text)


def magic_cell(words: Iterable[str], body: str) -> str | None:
    """The `%%rivya` cell of these words and this body; None where it would not run as it reads.

    What a line of text may well begin with, IPython takes for the prompt of a shell, and out of the cell.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    line = " ".join(words)
    cell = f"%%rivya {line}".rstrip() + f"\n{body}"
    sent = body if body.endswith("\n") else f"{body}\n"
    call = f"get_ipython().run_cell_magic('rivya', {line!r}, {sent!r})\n"
    fits = fits_a_line(line) and fits_a_line(body.replace("\n", " "))
    return cell if fits and TransformerManager().transform_cell(cell) == call else None


def _word(value: str, plain: re.Pattern[str]) -> str:
    return value if plain.fullmatch(value) else quoted(value)


def requests_json(run: RunRecord, jobs: Mapping[str, JobRecord]) -> str:
    """All requests of a run as JSON: model, prompt, params, and references by name and content."""
    mine = {cell.job_id: jobs[cell.job_id] for cell in run.cells}
    # One on a line: a hundred of them are still read, and printed on a few pages.
    lines = (json.dumps(told_request(job), ensure_ascii=False) for job in mine.values())
    text = "[\n" + ",\n".join(lines) + "\n]"
    return "".join(f"\\u{ord(char):04x}" if char in TURNING else char for char in text)


def told_request(job: JobRecord) -> dict[str, object]:
    """A job's request as plain data: model, prompt, params, and references by name and content."""
    told: dict[str, object] = {"model": job.model, "prompt": job.prompt, "params": dict(job.params)}
    if job.references:
        told["references"] = [{"name": ref.name, "sha256": ref.sha256} for ref in job.references]
    return told
