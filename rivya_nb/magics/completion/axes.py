"""The axes of a cell that is being written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from rivya_nb.contract.catalogue import Model
from rivya_nb.errors import UsageError
from rivya_nb.magics.cell import CellReader
from rivya_nb.magics.completion.body import read_prompt
from rivya_nb.magics.completion.variables import Namespace
from rivya_nb.planning.ask import Ask, Axis
from rivya_nb.planning.line import Line
from rivya_nb.planning.seeds import with_seeds


def axes_so_far(
    line: Line, body: str, models: Sequence[Model], reader: CellReader, namespace: Namespace
) -> tuple[Axis[object], ...]:
    """The axes of the line and of the body; what cannot be read yet has none."""
    prompt = read_prompt(body, namespace)
    if line.prompts is not None:
        prompt = reader.prompt(body, reader.table(line.prompts, line.prompt_column, line.templates))
    ids = [model.id for model in models]
    ask = Ask(
        prompt=prompt,
        models=tuple(ids),
        params={key: reader.values(key, value, ids) for key, value in line.params},
        references=dict.fromkeys(reader.references(line.refs), ()),
        # Two are an axis as well as any number.
        repeat=min(line.repeat, 2),
        replicates=min(line.replicates, 2),
        order=tuple(dict.fromkeys([*line.order, *(axis.name for axis in prompt.axes)])),
    )
    if line.pair_seeds:
        seeds = count()
        with suppress(UsageError):
            ask = with_seeds(ask, models, lambda low, _: low + next(seeds))
    return ask.axes()
