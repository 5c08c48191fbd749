"""Finds what moves the pictures of a study: they are measured, with the progress shown, and compared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count
from rivya_nb.errors import UsageError
from rivya_nb.measures.numbers import WHOLE
from rivya_nb.media.frames import MIDDLE, Frames
from rivya_nb.session.showing.effects import DEVIANCE, SQUARES, VARIANCE, Effects, Of
from rivya_nb.session.showing.moving import SOUNDS
from rivya_nb.session.showing.progress import with_progress
from rivya_nb.study.kept_measures import column_name
from rivya_nb.views.words import noun_of_files

if TYPE_CHECKING:
    from rivya_nb.store.records import JobRecord
    from rivya_nb.store.store import Store
    from rivya_nb.study.computing import Progress
    from rivya_nb.study.effects.numbers import Numbers
    from rivya_nb.study.effects.reading import Seen
    from rivya_nb.study.effects.votes import Votes
    from rivya_nb.study.places import PicturedPlace


@dataclass(frozen=True)
class Study:
    """The pictures whose effects are asked, with the store that knows more of them; `is_history` if they are of
    any runs. Of videos, these `frames` are measured."""

    places: Sequence[PicturedPlace]
    store: Store
    is_history: bool
    note: str = ""
    frames: Frames = MIDDLE

    @property
    def noun(self) -> str:
        """The word for one of its pictures or videos."""
        return noun_of_files(place.picture for place in self.places)

    @property
    def of_pictures(self) -> Study:
        """The same without the sounds, which no measure looks at.

        Raises:
            UsageError: there is nothing else.
        """
        places = [place for place in self.places if place.picture.medium != "audio"]
        if len(places) == len(self.places):
            return self
        if not places:
            raise UsageError(f"There is nothing to compare: {SOUNDS}.")
        left_out = f"{count(len(self.places) - len(places), 'sound')} left out"
        return replace(self, places=places, note="; ".join(filter(None, (self.note, left_out))))


def find_effects(study: Study, of: Of, *, prompts: str | None, by: str | None) -> Effects:
    """Compute them off the loop, with the progress of what has to be measured.

    Raises:
        UsageError: as `Studying.effects`.
        WaitInterruptedError: the kernel was interrupted; what was measured by then is kept.
    """
    work = _Work(study, of, prompts=prompts, by=by)
    return with_progress(work.title, work.named[1], work.effects)


def find_numbers(
    study: Study, of: Of
) -> tuple[str, str, Callable[[Progress, threading.Event], tuple[Seen, Numbers | Votes]]]:
    """What the measure is called, what is measured, and how its numbers are got.

    Raises:
        UsageError: there is no such measure.
    """
    work = _Work(study, of)
    return work.title, work.named[1], work.numbers


@dataclass(frozen=True)
class _Work:
    study: Study
    of: Of
    prompts: str | None = None
    by: str | None = None

    @property
    def named(self) -> tuple[str, str]:
        """What the measure is called, and what is measured."""
        from rivya_nb.measures.registry import find_part
        from rivya_nb.study.effects.reading import DISTANCES, VOTES

        if isinstance(self.of, str) and self.of in (*DISTANCES, VOTES):
            return self.of, "pair"
        measure, part = find_part(self.of)
        name = column_name(measure.name, part or WHOLE)
        return name, "pair" if measure.kind == "pair" else self.study.noun

    @property
    def frames(self) -> Frames:
        """The frames of videos that are measured; the usual ones where there is none."""
        is_moving = any(place.picture.medium == "video" for place in self.study.places)
        return self.study.frames if is_moving and not self.is_of_votes else MIDDLE

    @property
    def is_of_votes(self) -> bool:
        from rivya_nb.study.effects.reading import VOTES

        return self.of == VOTES

    @property
    def title(self) -> str:
        """What is measured in words, as `sharpness of 8 frames`."""
        return f"{self.named[0]} {self.frames.words}".rstrip()

    def effects(self, progress: Progress, stop: threading.Event) -> Effects:
        from rivya_nb.study.effects.shares import shares
        from rivya_nb.study.effects.votes import Votes, shares_of_votes

        seen, numbers = self.numbers(progress, stop)
        asked = f", {self.frames.key}" if self.frames != MIDDLE else ""
        called = self.title, f'of="{self.named[0]}"{asked}'
        if isinstance(numbers, Votes):
            return Effects(*called, DEVIANCE, seen, numbers, shares_of_votes(numbers), self.by)
        statistic = VARIANCE if hasattr(numbers, "values") else SQUARES
        return Effects(*called, statistic, seen, numbers, shares(numbers), self.by)

    def numbers(self, progress: Progress, stop: threading.Event) -> tuple[Seen, Numbers | Votes]:
        """What is known of the pictures, and where they stand."""
        from rivya_nb.measures.registry import find_measure, find_part
        from rivya_nb.study.effects.reading import DISTANCES, distances_of, see, values_of, votes_of

        study = self.study if self.is_of_votes else self.study.of_pictures
        store = study.store
        seen = see(study.places, _params_of(store), by_params=study.is_history, prompts=self.prompts)
        if self.by is not None:
            # A wrong name is told before anything is measured.
            seen.facts(self.by)
        if study.note:
            seen = replace(seen, arrays=replace(seen.arrays, notes=(*seen.arrays.notes, study.note)))
        if self.is_of_votes:
            ids = {place.job.id for place in seen.places}
            return seen, votes_of(seen, store.votes.among(ids))
        if isinstance(self.of, str) and self.of in DISTANCES:
            measure, part = find_measure(DISTANCES[self.of]), None
        else:
            measure, part = find_part(self.of)
        measure = measure.of(study.frames)
        if measure.kind == "pair":
            return seen, distances_of(seen, store, measure, progress, stop)
        return values_of(seen, store, measure, part, progress, stop)


def _params_of(store: Store) -> Callable[[JobRecord], Mapping[str, Any]]:
    from rivya_nb.session.job import python_params

    catalogue_of = cache(store.models.catalogue)
    return lambda job: python_params(catalogue_of(job.service).get(job.model), job.params)
