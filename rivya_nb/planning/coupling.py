"""Coupling what an ask varies: values that belong together become one axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rivya_nb.contract.text import count, did_you_mean, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, Ask, Coupling, label
from rivya_nb.planning.table_roles import row_labels


def groups_of(given: object) -> tuple[tuple[str, ...], ...]:
    """The groups of names that the argument `coupled` means: one group, or several.

    Raises:
        UsageError: it holds something else than texts.
    """
    if isinstance(given, str):
        given = tuple(name.strip() for name in given.split(","))
    listed = list(given) if isinstance(given, Iterable) else [given]
    groups = [listed] if any(isinstance(each, str) for each in listed) else listed
    found: list[tuple[str, ...]] = []
    for group in groups:
        names = list(group) if isinstance(group, (list, tuple)) else [None]
        if not all(isinstance(name, str) for name in names):
            message = f'{short_repr(group)} names nothing to be coupled; give names: ("width", "height")'
            raise UsageError([Mistake("coupled", message)])
        found += [tuple(map(str, names))] if names else []
    return tuple(found)


def couple(ask: Ask, groups: Sequence[Sequence[str]]) -> Ask:
    """The ask with one axis for each of these groups of names.

    Raises:
        UsageError: a name has no values, is coupled already, or has another number of values than its group.
    """
    for group in groups:
        ask = replace(ask, coupled=(*ask.coupled, _coupling(ask, tuple(dict.fromkeys(group)))))
    return ask


def _coupling(ask: Ask, group: tuple[str, ...]) -> Coupling:
    values = _values(ask)
    mistakes = [
        Mistake("coupled", f"{short_repr(name)} is not given{did_you_mean(name, values)}")
        for name in group
        if name not in values
    ]
    mistakes += [
        Mistake("coupled", f"{name} belongs to the axis {ask.couplings[name].axis} already")
        for name in group
        if name in ask.couplings
    ]
    if len(group) < 2:
        mistakes.append(
            Mistake("coupled", f"{listing(group)} alone cannot be coupled; name what it belongs to")
        )
    if not mistakes and len({len(values[name]) for name in group}) > 1:
        sizes = listing(f"{name} has {count(len(values[name]), 'value')}" for name in group)
        mistakes.append(Mistake("coupled", f"{sizes}; what is coupled needs as many values each"))
    if not mistakes:
        together = Counter(zip(*(map(label, values[name]) for name in group), strict=True))
        mistakes = [
            Mistake("coupled", f"{listing(row)} stands there {times} times; leave it there once")
            for row, times in together.items()
            if times > 1
        ]
    if mistakes:
        raise UsageError(mistakes)
    if PROMPT_AXIS in group:
        others = {name: values[name] for name in group if name != PROMPT_AXIS}
        return Coupling(PROMPT_AXIS, group, row_labels(list(map(label, values[PROMPT_AXIS])), others))
    rows = zip(*(values[name] for name in group), strict=True)
    return Coupling(", ".join(group), group, tuple(listing(map(label, row)) for row in rows))


def _values(ask: Ask) -> Mapping[str, Sequence[object]]:
    """What an ask has values for, by name."""
    values: dict[str, Sequence[object]] = dict(ask.params)
    values |= {axis.name: axis.options for axis in ask.prompt.axes}
    if ask.models:
        values[MODEL_AXIS] = ask.models
    if ask.references:
        values[REFERENCES_AXIS] = tuple(ask.references)
    return values
