"""An ask with a table: its columns are put in, and the pictures that it names are copied into the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model
from rivya_nb.contract.ideas import SEED_KEY, seed_named
from rivya_nb.contract.references import Reference
from rivya_nb.errors import Mistake
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, Ask, TableSource
from rivya_nb.planning.prompt_tables import PromptTable
from rivya_nb.planning.table_roles import columns_note, coupling_of, roles_of

if TYPE_CHECKING:
    from rivya_nb.session.session import Session


def with_table(
    session: Session, ask: Ask, table: PromptTable, shrink: bool
) -> tuple[Ask, list[str], list[Mistake]]:
    """The ask with the columns of a table, what to tell about them, and every mistake that needs no request."""
    catalogue, columns = session.catalogue, table.columns
    if SEED_KEY not in columns:
        table = replace(table, columns={seed_named(name): cells for name, cells in columns.items()})
    given = {MODEL_AXIS: ask.models != (DEFAULT_MODEL,), REFERENCES_AXIS: bool(ask.references)}
    taken = {*ask.params, *(name for name, is_given in given.items() if is_given)}
    models = [catalogue[each] for each in ask.models]
    roles = roles_of(table, models, catalogue, taken)
    of_row = [[catalogue[each]] for each in roles.models] or [models] * len(table.wordings)
    references, mistakes = _references(session, table, roles.references, of_row, shrink)
    notes = [note for note in (columns_note(table, roles), *table.notes) if note]
    asked = replace(
        ask,
        models=roles.models or ask.models,
        params={**ask.params, **roles.params},
        references=references or ask.references,
        coupled=coupling_of(table, roles),
        table=TableSource(table.source, table.column, table.templates) if table.source else None,
    )
    return asked, notes, [*table.wrong, *roles.wrong, *mistakes]


def _references(
    session: Session,
    table: PromptTable,
    sources: Sequence[tuple[object, ...]],
    models: Sequence[Sequence[Model]],
    shrink: bool,
) -> tuple[dict[str, tuple[Reference, ...]], list[Mistake]]:
    """A set of references for each row, and the mistakes in them with their rows."""
    taken: dict[str, tuple[Reference, ...]] = {}
    known: dict[str, tuple[tuple[Reference, ...], list[Mistake]]] = {}
    having: dict[Mistake, dict[int, None]] = {}
    for at, (each, of_row) in enumerate(zip(sources, models, strict=False)):
        key = repr((each, [model.id for model in of_row]))
        if key not in known:
            sets, mistakes = session.take({"": each}, of_row, shrink)
            known[key] = sets[""], mistakes
        taken[str(at + 1)], mistakes = known[key]
        for mistake in mistakes:
            having.setdefault(mistake, {})[at] = None
    return taken, table.rows.mistakes(having)
