"""Pictures as arrays: one row for each, with its prompt and its value on each axis that varies within prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.errors import Mistake, UsageError

Codes = NDArray[np.intp]

CHANCE = frozenset({"seed", "repeat"})
"""Axes whose values are a sample of very many; the values of all others are just those that were asked."""

MOST_AXES = 8
"""The axes that are told apart at once."""


@dataclass(frozen=True)
class Observations:
    """Pictures by their prompt and their values on the axes; those that agree in everything are replicates.

    `codes` (pictures × axes) are indexes into each axis' `labels`, `prompts` (pictures) into `prompt_labels`.
    `axes` vary within prompts. `facts` are those of each picture. `notes` tell what was left out.
    """

    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    codes: Codes
    prompts: Codes
    prompt_labels: tuple[str, ...]
    facts: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def is_chance(self) -> tuple[bool, ...]:
        return tuple(axis in CHANCE for axis in self.axes)

    @property
    def replicates(self) -> int:
        """The most pictures that agree in everything."""
        cells = np.column_stack([self.prompts, self.codes])
        return int(np.unique(cells, axis=0, return_counts=True)[1].max())

    def only(self, which: NDArray[np.bool_], note: str = "") -> Observations:
        """These pictures alone."""
        kept = replace(
            self,
            codes=self.codes[which],
            prompts=self.prompts[which],
            facts=tuple(facts for facts, is_in in zip(self.facts, which, strict=True) if is_in),
            notes=(*self.notes, *([note] if note else [])),
        )
        return _compact(kept)

    def axis(self, name: str) -> int:
        """The place of an axis.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.axes:
            raise UsageError([Mistake("effects", f"{name!r} is no axis here; they are {listing(self.axes)}")])
        return self.axes.index(name)

    def value(self, axis: int, label: str) -> int:
        """The place of a value on an axis.

        Raises:
            UsageError: the axis has no such value.
        """
        labels = self.labels[axis]
        if label not in labels:
            told = f"{self.axes[axis]} has no value {label!r} here; it has {listing(labels)}"
            raise UsageError([Mistake("effects", told)])
        return labels.index(label)


def observe(
    columns: Mapping[str, Sequence[str]],
    prompts: Sequence[str],
    facts: Sequence[Mapping[str, str]] = (),
) -> Observations:
    """The pictures with these values on each axis; `prompts` are the blocks that a study samples.

    An axis that never varies within a prompt is left out, and axes that only vary together are taken as one; both
    is noted.

    Raises:
        UsageError: there are fewer than two pictures, or no axis has two values within a prompt.
    """
    if len(prompts) < 2:
        told = "there are no results" if not prompts else "there is only one result"
        raise UsageError(f"{told.capitalize()} here: effects compare results with different values.")
    labels, codes = _coded(columns, len(prompts))
    ((prompt_labels,), blocks) = _coded({"prompt": prompts}, len(prompts))
    whole = Observations(
        tuple(columns),
        labels,
        codes,
        blocks[:, 0],
        prompt_labels,
        tuple(facts) or ({},) * len(prompts),
    )
    return _joined(_varying(whole))


def _coded(columns: Mapping[str, Sequence[str]], rows: int) -> tuple[tuple[tuple[str, ...], ...], Codes]:
    """The values of each column in the order of their first appearance, and each row's index into them."""
    labels, codes = [], np.empty((rows, len(columns)), np.intp)
    for at, values in enumerate(columns.values()):
        places = {value: place for place, value in enumerate(dict.fromkeys(values))}
        labels.append(tuple(places))
        codes[:, at] = [places[value] for value in values]
    return tuple(labels), codes


def _compact(whole: Observations) -> Observations:
    """The same without the values that no picture has any more."""
    labels, codes = [], np.empty_like(whole.codes)
    for at, names in enumerate(whole.labels):
        used, codes[:, at] = np.unique(whole.codes[:, at], return_inverse=True)
        labels.append(tuple(names[place] for place in used))
    used, prompts = np.unique(whole.prompts, return_inverse=True)
    return replace(
        whole,
        labels=tuple(labels),
        codes=codes,
        prompts=prompts.astype(np.intp),
        prompt_labels=tuple(whole.prompt_labels[place] for place in used),
    )


def _varying(whole: Observations) -> Observations:
    """The same with those axes only that have several values within a prompt."""
    several = len(whole.prompt_labels) > 1
    kept, notes, lone = [], [], []
    for at, name in enumerate(whole.axes):
        if len(whole.labels[at]) < 2:
            lone.append(f"{name} has one value ({printable(next(iter(whole.labels[at])), 40)})")
        elif several and not _varies_within(whole.codes[:, at], whole.prompts):
            notes.append(f"{name} never varies within a prompt, so it cannot be told apart from the prompts")
        else:
            kept.append(at)
    if not kept:
        told = listing([*lone, *notes]) or "no value differs"
        raise UsageError(
            f"There is nothing to compare: {told}. Plan at least two values of an axis for the same prompts, "
            "such as seed=range(8), or several replicates with it."
        )
    if len(kept) > MOST_AXES:
        names = listing(whole.axes[at] for at in kept)
        raise UsageError(
            f"{count(len(kept), 'axis').replace('axiss', 'axes')} vary at once ({names}); {MOST_AXES} can be told "
            "apart. Narrow the results down, by rv.history(…) with some of these params."
        )
    return _taking(whole, [(at,) for at in kept], [*whole.notes, *notes])


def _varies_within(codes: Codes, prompts: Codes) -> bool:
    pairs = np.unique(np.stack([prompts, codes], 1), axis=0)
    return len(pairs) > len(np.unique(prompts))


def _joined(whole: Observations) -> Observations:
    """The same with axes that only vary together as one axis, whose labels name all their values."""
    groups: list[tuple[int, ...]] = []
    for at in range(len(whole.axes)):
        for place, group in enumerate(groups):
            if _always_together(whole.codes[:, group[0]], whole.codes[:, at]):
                groups[place] = (*group, at)
                break
        else:
            groups.append((at,))
    notes = [
        f"{listing(whole.axes[at] for at in group)} only vary together: their shares cannot be told apart"
        for group in groups
        if len(group) > 1
    ]
    return _taking(whole, groups, [*whole.notes, *notes])


def _always_together(one: Codes, other: Codes) -> bool:
    both = len(np.unique(np.stack([one, other], 1), axis=0))
    return both == len(np.unique(one)) == len(np.unique(other))


def _taking(whole: Observations, groups: Sequence[tuple[int, ...]], notes: Sequence[str]) -> Observations:
    """The same with these groups of axes as its axes."""
    labels = []
    for group in groups:
        first = group[0]
        rows = [int(np.argmax(whole.codes[:, first] == code)) for code in range(len(whole.labels[first]))]
        labels.append(
            tuple(" · ".join(whole.labels[at][whole.codes[row, at]] for at in group) for row in rows)
        )
    return replace(
        whole,
        axes=tuple(" + ".join(whole.axes[at] for at in group) for group in groups),
        labels=tuple(labels),
        codes=whole.codes[:, [group[0] for group in groups]],
        notes=tuple(notes),
    )
