"""What was asked as the cell that asks for it again, in the magic's own language."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Param, bundled, shared_param
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, replicates_before
from rivya_nb.errors import UsageError
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    REPEAT_AXIS,
    REPLICATE_AXIS,
    Ask,
    Coupling,
    TableSource,
    label,
    read_ask,
)
from rivya_nb.planning.braces import escaped
from rivya_nb.planning.prompt import PromptAxis, PromptTemplate, parse_prompt
from rivya_nb.planning.values import parse_values
from rivya_nb.planning.words import Text, as_word, quoted
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.words import TURNING

_PLAIN_VALUE = re.compile(r"(?!none$)[\w:+/-]+(\.[\w:+/-]+)*", re.IGNORECASE)
_NUMBER = re.compile(r"0|[1-9]\d{0,15}")
_MOST_ROWS = 20
"""Values that belong together of which a line still tells."""

_LINE_ENDS = ("Cc", "Zl", "Zp", "Cs")

Name = Callable[[Reference], "str | None"]
"""What a cell calls a reference; None where it cannot name it."""


def cell_text(run: RunRecord, jobs: Mapping[str, JobRecord]) -> str | None:
    """The `%%rivya` cell that asks for what a run asked, or for the only job; None where no cell can say that.

    References are named where they are addresses: a file of the store is of no use to somebody else.
    """
    only = {cell.job_id for cell in run.cells}
    ask = read_ask(run.ask) or (_single(jobs[only.pop()]) if len(only) == 1 else None)
    return None if ask is None else ask_cell(ask, lambda reference: reference.url or None)


def job_cell(job: JobRecord, path_of: Callable[[Reference], Path]) -> str:
    """The cell that asks for a job's request again, with the replicates before it; `path_of` finds a reference's
    file in the store.

    A `%%rivya` cell wherever one can say it; Python for what no line holds (a param of several lines) and for
    text that would read otherwise than it runs.
    """

    def name(reference: Reference) -> str:
        return reference.url or str(path_of(reference))

    cell = ask_cell(_single(job), name)
    if cell is not None:
        return cell
    given = [f"    {escaped(job.prompt)!r}", f"    model={job.model!r}", f"    params={dict(job.params)!r}"]
    if job.references:
        given.append(f"    references={list(map(name, job.references))!r}")
    if (count := replicates_before(job.replicate)) > 1:
        given.append(f"    replicates={count}")
    return "import rivya_nb as rv\n\nrv.generate(\n" + ",\n".join(given) + ",\n).wait()"


def _single(job: JobRecord) -> Ask:
    """What a cell asks for a job: its number is the last of the replicates that it names."""
    return replace(Ask.single(replace(job, replicate=1)), replicates=replicates_before(job.replicate))


def ask_cell(ask: Ask, name: Name) -> str | None:
    """The cell that asks the same, an axis of the prompt in its place; None where no cell can say it.

    What came from a file is asked for by that file.
    """
    seeds_by_repeat = ask.draws and (SEED_KEY not in ask.params or SEED_KEY in ask.couplings)
    of_python = any(each.facts or len(each.labels) > _MOST_ROWS for each in _groups(ask))
    ask = _without_columns(ask)
    if ask.requests or ask.left_out or len(ask.references) > 1 or seeds_by_repeat or of_python:
        return None
    words = dict(_words(ask, name))
    body = _body(ask.prompt, by_file=ask.table is not None)
    if body is None or None in words.values():
        return None
    rank = {each: place for place, each in enumerate(ask.order)}
    ordered = sorted(words, key=lambda each: rank.get(each, len(rank)))
    given = [word for each in ordered if (word := words[each])]
    return magic_line(given) if ask.table and body == f"{{{PROMPT_AXIS}}}" else magic_cell(given, body)


def _groups(ask: Ask) -> list[Coupling]:
    """What is coupled without a file that says so."""
    return [each for each in ask.coupled if ask.table is None or each.axis != PROMPT_AXIS]


def _without_columns(ask: Ask) -> Ask:
    """The ask without what the file of its prompts says too."""
    groups = _groups(ask)
    columns = {name for each in ask.coupled if each not in groups for name in each.members}
    return replace(
        ask,
        models=(DEFAULT_MODEL,) if MODEL_AXIS in columns else ask.models,
        params={key: values for key, values in ask.params.items() if key not in columns},
        references={} if REFERENCES_AXIS in columns else ask.references,
        coupled=tuple(groups),
    )


def _words(ask: Ask, name: Name) -> Iterator[tuple[str, str | None]]:
    """By param or flag, what stands on the line for it: nothing where it is left out, None where nothing can."""
    if ask.table is not None:
        yield PROMPT_AXIS, _table_words(ask.table)
    for key, values in ask.params.items():
        yield key, _param(key, values, ask.models, coupled=key in ask.couplings)
    yield MODEL_AXIS, "" if ask.models == (DEFAULT_MODEL,) else f"--model {','.join(ask.models)}"
    names = [name(reference) for references in ask.references.values() for reference in references]
    refs = [f"--ref {as_word(each)}" for each in names if each is not None]
    yield REFERENCES_AXIS, " ".join(refs) if len(refs) == len(names) else None
    yield REPEAT_AXIS, f"--repeat {ask.repeat}" if ask.repeat > 1 else ""
    yield "--coupled", " ".join(f"--coupled {','.join(each.members)}" for each in ask.coupled)
    yield REPLICATE_AXIS, f"--replicates {ask.replicates}" if ask.replicates > 1 else ""
    if ask.sample:
        yield "--sample", f"--sample {ask.sample} --sample-seed {ask.sample_seed}"


def _table_words(table: TableSource) -> str:
    column = "" if table.column == PROMPT_AXIS else f" --prompt-column {as_word(table.column)}"
    templates = "" if table.templates is None else f" --templates {'on' if table.templates else 'off'}"
    return f"--prompts {as_word(table.file)}{column}{templates}"


def _param(key: str, values: Sequence[object], models: Sequence[str], *, coupled: bool = False) -> str | None:
    if values == (None,) and key != SEED_KEY:
        return ""
    param = shared_param(key, [bundled()[model] for model in models if model in bundled()])
    if param is not None and param.type != "number":
        # 7.0 is sent as "7.0" here, and not as the number 7.
        values = [str(value) if isinstance(value, float) else value for value in values]
    for word, text in _spellings(values):
        # What a model that is not bundled takes is not known here.
        if param is None or _reads(text, param, coupled) == _marks(values):
            return f"{key}={word}"
    return None


def _spellings(values: Sequence[object]) -> Iterator[tuple[str, Text]]:
    """How values may be written, each as the word and as the line reads it: as a range, one by one, in quotes."""
    texts = [value if isinstance(value, str) else label(value) for value in values]
    if len(texts) > 2 and all(_NUMBER.fullmatch(text) for text in texts):
        numbers = range(first := int(texts[0]), first + len(texts))
        if texts == list(map(str, numbers)):
            yield (word := f"{first}..{numbers[-1]}"), Text(word)
    if all(value is None or _PLAIN_VALUE.fullmatch(text) for value, text in zip(values, texts, strict=True)):
        yield (word := ",".join(texts)), Text(word)
    if len(texts) == 1 and values[0] is not None:
        yield quoted(texts[0]), Text(texts[0], quoted=True)


def _reads(text: Text, param: Param, coupled: bool) -> list[str | None]:
    try:
        return _marks(parse_values(text.text, param, quoted=text.quoted, coupled=coupled))
    except UsageError:
        return []


def _marks(values: Iterable[object]) -> list[str | None]:
    return [None if value is None else label(value) for value in values]


def _body(prompt: PromptTemplate, *, by_file: bool = False) -> str | None:
    """The prompt as it is written where braces mean something; None where that would read otherwise. `by_file`,
    the wordings of its axis `prompt` are in a file."""
    # An axis that begins with its name may have options that look like something else without it.
    rows = next((axis for axis in prompt.axes if axis.name == PROMPT_AXIS), None) if by_file else None
    bodies = (_written(prompt, rows, named=named) for named in (False, True))
    return next(filter(None, bodies), None)


def _written(prompt: PromptTemplate, rows: PromptAxis | None, *, named: bool) -> str | None:
    parts = _joined(prompt.parts)
    times = Counter(part.name for part in parts if isinstance(part, PromptAxis))
    seen: set[str] = set() if rows is None else {rows.name}
    written = []
    for part in parts:
        if isinstance(part, str):
            written.append(escaped(part))
        elif part.name in seen:
            written.append(f"{{{part.name}}}")
        else:
            seen.add(part.name)
            is_unnamed = not named and part.name == PROMPT_AXIS and times[part.name] == 1
            name = "" if is_unnamed else f"{part.name}="
            written.append(f"{{{name}{'|'.join(map(escaped, part.options))}}}")
    body = "".join(written)
    try:
        read = parse_prompt(body, variables=True, rows=rows)
    except UsageError:
        return None
    return body if not read.variables and _joined(read.parts) == parts else None


def _joined(parts: Sequence[str | PromptAxis]) -> list[str | PromptAxis]:
    """The parts without those that say nothing: an axis of one text is that text, and blanks at the ends go."""
    joined: list[str | PromptAxis] = [""]
    for part in parts:
        text = part if isinstance(part, str) else part.options[0] if len(part.options) == 1 else None
        last = joined[-1]
        if text is None:
            joined += [part, ""]
        elif isinstance(last, str):
            joined[-1] = last + text
    joined[0], joined[-1] = str(joined[0]).lstrip(), str(joined[-1]).rstrip()
    return joined


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


def magic_line(words: Iterable[str]) -> str | None:
    """The line that asks for the prompts of a file; None where it would not run as it reads."""
    from IPython.core.inputtransformer2 import TransformerManager

    line = " ".join(["generate", *words])
    call = f"get_ipython().run_line_magic('rivya', {line!r})\n"
    cell = f"%rivya {line}"
    return cell if fits_a_line(line) and TransformerManager().transform_cell(cell) == call else None


def requests_json(run: RunRecord, jobs: Mapping[str, JobRecord]) -> str:
    """All requests of a run as JSON: model, prompt, params, and references by name and content."""
    mine = {cell.job_id: jobs[cell.job_id] for cell in run.cells}
    # One on a line: a hundred of them are still read, and printed on a few pages.
    lines = (json.dumps(told_request(job), ensure_ascii=False) for job in mine.values())
    text = "[\n" + ",\n".join(lines) + "\n]"
    return "".join(f"\\u{ord(char):04x}" if char in TURNING else char for char in text)


def told_request(job: JobRecord) -> dict[str, object]:
    """A job's request as plain data: model, prompt, params, its number where it is a replicate, and references by
    name and content."""
    told: dict[str, object] = {"model": job.model, "prompt": job.prompt, "params": dict(job.params)}
    if job.replicate > 1:
        told["replicate"] = job.replicate
    if job.references:
        told["references"] = [{"name": ref.name, "sha256": ref.sha256} for ref in job.references]
    return told
