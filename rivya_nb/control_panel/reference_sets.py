"""Sets of references: one that every request takes, or several that are an axis, and what can be done to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from rivya_nb.contract.references import Reference

ReferenceSet = tuple[Reference, ...]


@dataclass(frozen=True)
class ReferenceSets:
    """What stands in the strip. Places count the references from 0 on, through all sets.

    None of `sets` is empty, and unless they are an axis (`several`) there is one at most. `without` is one more
    value of the axis: no reference at all.
    """

    sets: tuple[ReferenceSet, ...] = ()
    several: bool = False
    without: bool = False

    @classmethod
    def of(cls, value: Sequence[ReferenceSet]) -> ReferenceSets:
        """The sets whose `value` this is; more than one are an axis."""
        filled = tuple(filter(None, value))
        return cls(filled, several=len(value) > 1, without=len(filled) < len(value))

    @property
    def value(self) -> tuple[ReferenceSet, ...]:
        """The values of the axis, or the one set there is; none where there is no reference."""
        return (*self.sets, ()) if self.several and self.without and self.sets else self.sets

    @property
    def references(self) -> ReferenceSet:
        return tuple(chain.from_iterable(self.sets))

    @property
    def keys(self) -> tuple[str, ...]:
        """What each of them is called as long as it is here, wherever it is moved."""
        keys: list[str] = []
        for reference in self.references:
            alike = (f"{reference.sha256} {reference.name} {number}" for number in count())
            keys.append(next(key for key in alike if key not in keys))
        return tuple(keys)

    def as_axis(self, several: bool) -> ReferenceSets:
        """Each a set of its own, or all of them one set."""
        sets = tuple((reference,) for reference in self.references) if several else (self.references,)
        return replace(self, sets=tuple(filter(None, sets)), several=several)

    def added(self, references: Iterable[Reference], before: int | None = None) -> ReferenceSets:
        """With more of them, as sets of their own where they are an axis.

        They come last, or before the reference at the place `before`; of an axis, before its whole set.
        """
        if not self.several:
            at = len(self.references) if before is None else before
            return self._with([[*self.references[:at], *references, *self.references[at:]]])
        at = len(self.sets) if before is None else self._find(before)[0]
        return self._with([*self.sets[:at], *([reference] for reference in references), *self.sets[at:]])

    def removed(self, place: int) -> ReferenceSets:
        groups = self._groups()
        which, at = self._find(place)
        del groups[which][at]
        return self._with(groups)

    def exchanged(self, place: int, other: int) -> ReferenceSets:
        """With two of them in each other's place: there are as many sets as before."""
        groups = self._groups()
        (which, at), (other_which, other_at) = self._find(place), self._find(other)
        groups[which][at], groups[other_which][other_at] = groups[other_which][other_at], groups[which][at]
        return self._with(groups)

    def moved(self, place: int, to: int) -> ReferenceSets:
        """With one of them where another is: in its set if that has several, else as a set of its own."""
        groups = self._groups()
        (which, at), (target, into) = self._find(place), self._find(to)
        reference = groups[which].pop(at)
        behind = which < target
        if which == target or len(groups[target]) > 1:
            groups[target].insert(into + behind, reference)
        else:
            groups.insert(target + behind, [reference])
        return self._with(groups)

    def joined(self, place: int) -> ReferenceSets:
        """With one of them as the last of the set before its own."""
        which, at = self._find(place)
        if which == 0:
            return self
        groups = self._groups()
        groups[which - 1].append(groups[which].pop(at))
        return self._with(groups)

    def split(self, place: int) -> ReferenceSets:
        """With one of them as a set of its own: before the rest of its set if it was its first, else behind."""
        groups = self._groups()
        which, at = self._find(place)
        reference = groups[which].pop(at)
        groups.insert(which + (at > 0), [reference])
        return self._with(groups)

    def _find(self, place: int) -> tuple[int, int]:
        """Which set a place is in, and where in it. Raises IndexError where there is no such place."""
        left = place
        for which, references in enumerate(self.sets):
            if left < len(references):
                return which, left
            left -= len(references)
        raise IndexError(place)

    def _groups(self) -> list[list[Reference]]:
        return [list(references) for references in self.sets]

    def _with(self, groups: Iterable[Sequence[Reference]]) -> ReferenceSets:
        return replace(self, sets=tuple(tuple(group) for group in groups if group))
