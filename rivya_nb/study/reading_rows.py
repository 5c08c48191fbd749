"""Reads the rows of a study file whose values belong together, as one axis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import short_repr
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, Coupling
from rivya_nb.planning.tables import fact_text
from rivya_nb.planning.values import MAX_VALUES
from rivya_nb.study.reading_parts import PartsReader, told
from rivya_nb.study.study_file import FACTS, LABEL, derived_labels


@dataclass(frozen=True)
class CoupledRows:
    """A coupled axis, and the values of its members: one for each row, None where it is not given."""

    where: str
    coupling: Coupling
    members: Mapping[str, tuple[object, ...]]

    def check_prompts(self, reader: PartsReader, axes: Collection[str]) -> None:
        """Note rows without a text for an axis of the prompt, a model or a set of references."""
        for name in self.members.keys() & {*axes, MODEL_AXIS, REFERENCES_AXIS}:
            for number, value in enumerate(self.members[name], 1):
                if not isinstance(value, str):
                    what = "has none" if value is None else f"has {told(value)}, which is not text"
                    reader.wrong(f"{self.where}.{name}", f"row {number} {what}; every row needs one")


def read_coupled(reader: PartsReader, given: object) -> list[CoupledRows]:
    """The coupled axes of a study file. Mistakes are noted in `reader`."""
    found: list[CoupledRows] = []
    for where, each in reader.tables("coupled", given):
        reader.check_keys(where, each, ("axis", "rows"))
        rows = reader.tables(f"{where}.rows", each.get("rows", []))
        if not rows:
            reader.wrong(f"{where}.rows", "an empty list leaves nothing to ask")
            continue
        if len(rows) > MAX_VALUES:
            reader.wrong(f"{where}.rows", f"more than {MAX_VALUES:,} are too many for an axis")
            continue
        coupled = _coupled(reader, where, reader.text(f"{where}.axis", each.get("axis", "")), rows)
        for other in found:
            for name in coupled.members.keys() & other.members.keys():
                reader.wrong(f"{where}.{name}", f"it stands in {other.where}, too; take one of both out")
        found.append(coupled)
    names = [each.coupling.axis for each in found]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        reader.wrong("coupled", f"two axes are called {short_repr(name)}; rename one")
    return found


def _coupled(
    reader: PartsReader, where: str, axis: str, rows: Sequence[tuple[str, Mapping[str, object]]]
) -> CoupledRows:
    names = dict.fromkeys(key for _, row in rows for key in row if key not in (FACTS, LABEL))
    members = {
        name: tuple(reader.value(f"{at}.{name}", row[name]) if name in row else None for at, row in rows)
        for name in names
    }
    if not names:
        reader.wrong(f"{where}.rows", "they have no value; write {prompt = …, seed = …}")
        members = {axis: ("",) * len(rows)}
    facts = [_facts(reader, f"{at}.{FACTS}", row.get(FACTS, {})) for at, row in rows]
    kept = tuple(facts) if any(FACTS in row for _, row in rows) else ()
    derived = derived_labels(members, kept)
    labels = tuple(
        reader.text(f"{at}.{LABEL}", row.get(LABEL, text))
        for (at, row), text in zip(rows, derived, strict=True)
    )
    return CoupledRows(where, Coupling(axis or ", ".join(names), tuple(members), labels, kept), members)


def _facts(reader: PartsReader, where: str, given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        reader.wrong(where, f'{told(given)} is not a table, as in {{category = "animals"}}')
        return {}
    facts = {}
    for name, value in given.items():
        if isinstance(value, (str, int, float)):
            facts[name] = fact_text(value)
        else:
            reader.wrong(f"{where}.{name}", f"{told(value)} is not text; put it in quotes")
    return facts
