"""What moves the pictures, and how sure that is; shows itself as static HTML."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.errors import UsageError
from rivya_nb.measures.numbers import WHOLE
from rivya_nb.media.frames import MIDDLE, Frames
from rivya_nb.session.showing.moving import SOUNDS
from rivya_nb.session.showing.progress import with_progress
from rivya_nb.session.showing.tables import table
from rivya_nb.study.kept_measures import column_name
from rivya_nb.views.effects import EffectBar, EffectsView, effects_html, effects_text, percent_words
from rivya_nb.views.words import joined, noun_of_files

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.measures.definition import Measure
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.records import JobRecord
    from rivya_nb.store.store import Store
    from rivya_nb.study.computing import Progress
    from rivya_nb.study.effects.contrasts import Contrast
    from rivya_nb.study.effects.numbers import Numbers
    from rivya_nb.study.effects.reading import Seen
    from rivya_nb.study.effects.shares import Share, Shares
    from rivya_nb.study.effects.votes import Votes
    from rivya_nb.study.places import PicturedPlace

Of: TypeAlias = "str | Measure | Callable[..., object]"

_TOO_MUCH = 1.03
"""A sum of shares from which on it is told why they add up to more than 1."""

_FOOT = (
    "Shares are of what differs within a prompt; intervals say what other prompts would give, with these values. "
    "They say nothing of quality, and nothing of other models, seeds or services."
)

ALPHA = 0.05
"""A p-value up to this is taken for more than chance."""

_UNTESTED = "not tested"
_CHANCE = "may be chance"
_NOT_ABOVE = "size not clearly above the noise floor"
_BELOW = "size below the noise floor"
_SIZE = (
    "The noise floor is compared with the size of a row: one that is not clearly above it may move one {noun} no "
    "more than asking the same again does. It is there all the same: p, its interval or paired differences tell."
)

_NEXT = "plan.power(pilot=…, {call}, difference=…) says how large a study shows a difference."


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


class Effects:
    """Each axis' share of what moves the pictures, with 95 % intervals, and differences between its values.

    `rows` are the shares, of which the first is the noise floor, *the very same request* (or *the rest* where
    there are no replicates). `between` is the part of the whole variance that lies between prompts. `differences`
    are paired: the same prompt and seed, with two values of one axis. It rests on `pictures` of `prompts`.
    """

    def __init__(
        self,
        of: str,
        call: str,
        statistic: str,
        seen: Seen,
        numbers: Numbers | Votes,
        found: Shares,
        by: str | None,
    ) -> None:
        from rivya_nb.study.effects.contrasts import contrasts

        self.of, self.statistic, self._call = of, statistic, call
        self.rows: tuple[Share, ...] = found.rows
        self.between: Share | None = found.between
        self.pictures, self.prompts = len(seen.places), len(seen.arrays.prompt_labels)
        self._seen, self._numbers, self._found, self._by = seen, numbers, found, by
        self.differences: tuple[Contrast, ...] = contrasts(numbers, None if by is None else seen.facts(by))

    @property
    def floor(self) -> Share | None:
        """The noise floor: the share of *the very same request*; None without replicates."""
        return self.rows[0] if self._found.has_floor else None

    def difference(self, axis: str, one: str, other: str, *, by: str | None = None) -> tuple[Contrast, ...]:
        """`other` − `one`, paired over all else that is the same, with interval, d and p; with `by` also for each
        value of a fact. Its p-values are corrected among themselves only.

        Raises:
            UsageError: there is no such axis, value or fact.
        """
        from rivya_nb.study.effects.contrasts import contrast

        groups = None if by is None else self._seen.facts(by)
        return contrast(self._numbers, axis, str(one), str(other), groups)

    def to_pandas(self) -> DataFrame:
        """One row for each share and each difference, as `kind` says, with the ends of its interval and its p.

        Raises:
            UsageError: pandas is not installed.
        """
        return table([*self._share_rows(), *self._difference_rows()])

    def _share_rows(self) -> Iterator[dict[str, Any]]:
        for share in (*self.rows, *([self.between] if self.between else [])):
            low, high = share.interval or (None, None)
            yield {
                "kind": "share" if share is not self.between else "share of the whole variance",
                "name": share.name,
                "group": "",
                "value": share.share,
                "low": low,
                "high": high,
                "p": share.chance,
                "same_in_every_prompt": share.common,
                "d": None,
                "pairs": None,
                "pictures": self.pictures,
                "prompts": self.prompts,
                "of": self.of,
                "statistic": self.statistic,
            }

    def _difference_rows(self) -> Iterator[dict[str, Any]]:
        for each in self.differences:
            low, high = each.interval or (None, None)
            yield {
                "kind": "difference",
                "name": f"{each.axis}: {each.other} − {each.one}",
                "group": each.group,
                "value": each.difference,
                "low": low,
                "high": high,
                "p": each.chance,
                "same_in_every_prompt": None,
                "d": each.d,
                "pairs": each.pairs,
                "pictures": self.pictures,
                "prompts": each.prompts,
                "of": self.of,
                "statistic": "mean difference",
            }

    @property
    def view(self) -> EffectsView:
        """How it is shown."""
        bars = self._bars()
        return EffectsView(
            of=self.of,
            subject=self._subject,
            statistic=self.statistic,
            bars=bars,
            floor=self._limit,
            lines=list(self._lines()),
            summary=f"What moves {self.of}: {', '.join(f'{bar.name} {bar.words}' for bar in bars)}.",
            foot=_FOOT + (f" {_NEXT.format(call=self._call)}" if self.statistic != _DEVIANCE else ""),
            notes=list(self._notes()),
        )

    @property
    def _limit(self) -> float | None:
        """The upper end of the noise floor."""
        floor = self.floor
        return None if floor is None else (floor.interval.high if floor.interval else floor.share)

    def _bars(self) -> list[EffectBar]:
        return [_bar(share, self.floor, self._limit) for share in self.rows]

    @property
    def _subject(self) -> str:
        seen = self._seen.arrays
        prompts = count(self.prompts, "prompt")
        if self._by is not None:
            prompts += f" in {count(len(set(self._seen.facts(self._by))), 'group')} by {self._by}"
        axes = [count(len(labels), name) for name, labels in zip(seen.axes, seen.labels, strict=True)]
        axes += [count(seen.replicates, "replicate")] if self._found.has_floor else []
        sure = "95 % interval by bootstrap over prompts" if any(row.interval for row in self.rows) else ""
        parts = [count(self.pictures, self._seen.noun), prompts, *axes, self.statistic, sure]
        return joined(parts)

    def _lines(self) -> Iterator[tuple[str, str]]:
        if self.between is not None:
            share = percent_words(self.between.share, *(self.between.interval or ()))
            yield (
                "prompt",
                f"{share} of the whole variance lies between prompts; the rows are of the rest, within them",
            )
        common = [
            f"{percent_words(row.common)} of the {percent_words(row.share)} of {row.name}"
            for row in self.rows
            if row.common is not None
        ]
        if common:
            yield (
                "the same in every prompt",
                f"{' · '.join(common)}; the rest depends on the prompt, as with a value that suits only some",
            )
        whole: Contrast | None = None
        grouped: dict[str, list[str]] = {}
        for each in self.differences:
            head = f"{each.axis}: {each.other} − {each.one}"
            if not each.group:
                whole = each
                grouped[head] = [_contrast_words(each)]
            elif whole is not None:
                grouped[head].append(f"{printable(each.group, 40)} {_short_words(each)}")
        for head, words in grouped.items():
            yield head, f"{words[0]}{f' · by {self._by}: ' if words[1:] else ''}{' · '.join(words[1:])}"

    def _notes(self) -> Iterator[str]:
        from rivya_nb.study.effects.intervals import ENOUGH

        yield from self._seen.arrays.notes
        yield from (note for note in self._numbers.seen.notes if note not in self._seen.arrays.notes)
        if not self._found.has_floor:
            yield self._rest_words()
        if any(bar.words.endswith((_NOT_ABOVE, _BELOW)) for bar in self._bars()):
            yield _SIZE.format(noun=self._seen.noun)
        if (total := sum(row.share for row in self.rows)) > _TOO_MUCH:
            why = _WHY_NEGATIVE.get(self.statistic, "")
            yield (
                f"The rows add up to {percent_words(total)}: a share that came out below 0, by chance{why}, is "
                "shown as 0, and the others are not made smaller for it."
            )
        for prompts in sorted({row.prompts for row in self.rows if row.prompts < self.prompts}):
            names = listing(row.name for row in self.rows if row.prompts == prompts)
            yield (
                f"Of {count(self.prompts, 'prompt')}, only {prompts} tell something of {names}: the others lack "
                "what it rests on, such as replicates."
            )
        if (fewest := min(row.prompts for row in self.rows)) < ENOUGH:
            yield _few_words(fewest, any(row.interval for row in self.rows if row.prompts == fewest))
        if self._by is not None and not self.differences and self.statistic != _DEVIANCE:
            seen = self._seen.arrays
            axis, (one, other, *_) = next(zip(seen.axes, seen.labels, strict=True))
            yield (
                f"by={self._by!r} divides differences between two values that you chose, and {axis} is taken as a "
                f"sample of many: .difference({axis!r}, {one!r}, {other!r}, by={self._by!r}) gives one of its."
            )
        compared = [each for each in self.differences if each.chance is not None]
        if len(compared) > 1:
            yield f"The p-values of the {len(compared)} differences are corrected for each other (Holm)."

    def _rest_words(self) -> str:
        if self.statistic == _DEVIANCE:
            return "The rest is what no axis explains: chance, the raters, and what depends on the prompt."
        part = "what depends on the prompt" if self._found.is_common else "what depends on all axes at once"
        return (
            f"There are no replicates, so the noise floor is not known: the rest is chance and {part}. "
            "replicates=2 would tell them apart."
        )

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {"text/html": effects_html(self.view), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return effects_text(self.view)


_VARIANCE = "share of the variance within a prompt"
_SQUARES = "share of the squared distances within a prompt, as in PERMANOVA"
_DEVIANCE = "share of the deviance of the votes within a prompt"
_WHY_NEGATIVE = {_SQUARES: " or since distances are not always sums of what the axes do"}


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
            return Effects(*called, _DEVIANCE, seen, numbers, shares_of_votes(numbers), self.by)
        statistic = _VARIANCE if hasattr(numbers, "values") else _SQUARES
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


def _bar(share: Share, floor: Share | None, limit: float | None) -> EffectBar:
    low, high = share.interval or (None, None)
    is_noise = not share.axes
    words = percent_words(share.share, low, high)
    if share.chance is not None:
        words += f" {_chance_words(share.chance)}"
    if is_noise and floor is not None:
        words += " noise floor"
    verdict = "" if is_noise else _verdict(share, floor, limit)
    return EffectBar(
        share.name,
        share.share,
        low,
        high,
        f"{words}, {verdict}" if verdict else words,
        "floor" if is_noise else "unclear" if verdict else "clear",
    )


def _verdict(share: Share, floor: Share | None, limit: float | None) -> str:
    """Whether chance alone may give a row, and else whether it is smaller than the noise floor: two questions."""
    if share.interval is None and share.chance is None:
        return _UNTESTED
    # Where both are there, the test is the one that holds for few prompts.
    reaches_zero = share.interval is not None and share.interval.low <= 0
    if reaches_zero if share.chance is None else share.chance > ALPHA:
        return _CHANCE
    if floor is None or limit is None:
        return ""
    low, high = share.interval or (share.share, share.share)
    if floor.interval is not None and share.interval is not None and high < floor.interval.low:
        return _BELOW
    return _NOT_ABOVE if low <= limit else ""


def _chance_words(chance: float) -> str:
    return "p < 0.001" if chance < 0.001 else f"p = {chance:.3f}".rstrip("0") if chance < 1 else "p = 1"


def _short_words(each: Contrast) -> str:
    """`+0.14 [0.08, 0.21]`, with as many digits as its size asks for."""
    ends = each.interval or ()
    form = _form([each.difference, *ends])
    words = f"{each.difference:+{form}}".replace("-", "−")
    return f"{words} [{', '.join(f'{end:{form}}'.replace('-', '−') for end in ends)}]" if ends else words


def _form(numbers: Sequence[float]) -> str:
    """How numbers are written that stand together; those of unusual size with a power of ten."""
    largest = max(map(abs, numbers))
    if largest == 0 or not 0.001 <= largest < 1e6:
        return ".2g"
    return f".{next((digits for digits, size in ((0, 100), (1, 10), (2, 0.1), (3, 0.01)) if largest >= size), 4)}f"


def size_words(number: float) -> str:
    return f"{number:{_form([number])}}"


def _contrast_words(each: Contrast) -> str:
    parts = [_short_words(each)]
    if each.d is not None:
        parts.append(f"d = {each.d:.1f}".replace("-", "−"))
    if each.chance is not None:
        parts.append(_chance_words(each.chance))
    return ", ".join([*parts, f"paired over {each.pairs:,}"])


def _few_words(prompts: int, has_interval: bool) -> str:
    from rivya_nb.study.effects.intervals import ENOUGH

    given = (
        "an interval may be a little too narrow, so a permutation test (p, corrected by Holm) stands beside it"
        if has_interval
        else "an interval would be too narrow, so there is a permutation test instead (p, corrected by Holm; of "
        "single axes only)"
    )
    few = "One prompt is" if prompts == 1 else f"{prompts} prompts are"
    return f"{few} fewer than {ENOUGH}: {given}."
