"""What moves the pictures, and how sure that is; shows itself as static HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.session.showing.effect_words import (
    BELOW,
    NOT_ABOVE,
    contrast_words,
    effect_bar,
    few_words,
    short_words,
)
from rivya_nb.session.showing.tables import table
from rivya_nb.views.effects import EffectBar, EffectsView, effects_html, effects_text, percent_words
from rivya_nb.views.words import joined

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.measures.definition import Measure
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.study.effects.contrasts import Contrast
    from rivya_nb.study.effects.numbers import Numbers
    from rivya_nb.study.effects.reading import Seen
    from rivya_nb.study.effects.shares import Share, Shares
    from rivya_nb.study.effects.votes import Votes

Of: TypeAlias = "str | Measure | Callable[..., object]"

_TOO_MUCH = 1.03
"""A sum of shares from which on it is told why they add up to more than 1."""

_FOOT = (
    "Shares are of what differs within a prompt; intervals say what other prompts would give, with these values. "
    "They say nothing of quality, and nothing of other models, seeds or services."
)

_SIZE = (
    "The noise floor is compared with the size of a row: one that is not clearly above it may move one {noun} no "
    "more than asking the same again does. It is there all the same: p, its interval or paired differences tell."
)

_NEXT = "plan.power(pilot=…, {call}, difference=…) says how large a study shows a difference."

VARIANCE = "share of the variance within a prompt"
SQUARES = "share of the squared distances within a prompt, as in PERMANOVA"
DEVIANCE = "share of the deviance of the votes within a prompt"
_WHY_NEGATIVE = {SQUARES: " or since distances are not always sums of what the axes do"}


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
            foot=_FOOT + (f" {_NEXT.format(call=self._call)}" if self.statistic != DEVIANCE else ""),
            notes=list(self._notes()),
        )

    @property
    def _limit(self) -> float | None:
        """The upper end of the noise floor."""
        floor = self.floor
        return None if floor is None else (floor.interval.high if floor.interval else floor.share)

    def _bars(self) -> list[EffectBar]:
        return [effect_bar(share, self.floor, self._limit) for share in self.rows]

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
                grouped[head] = [contrast_words(each)]
            elif whole is not None:
                grouped[head].append(f"{printable(each.group, 40)} {short_words(each)}")
        for head, words in grouped.items():
            yield head, f"{words[0]}{f' · by {self._by}: ' if words[1:] else ''}{' · '.join(words[1:])}"

    def _notes(self) -> Iterator[str]:
        from rivya_nb.study.effects.intervals import ENOUGH

        yield from self._seen.arrays.notes
        yield from (note for note in self._numbers.seen.notes if note not in self._seen.arrays.notes)
        if not self._found.has_floor:
            yield self._rest_words()
        if any(bar.words.endswith((NOT_ABOVE, BELOW)) for bar in self._bars()):
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
            yield few_words(fewest, any(row.interval for row in self.rows if row.prompts == fewest))
        if self._by is not None and not self.differences and self.statistic != DEVIANCE:
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
        if self.statistic == DEVIANCE:
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
