"""What changes from one plan to another: their axes, values, wording and settings, and what the change costs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.planning.ask import MODEL_AXIS, NONE, REFERENCES_AXIS, Ask, Axis, label
from rivya_nb.planning.expansion import Expansion
from rivya_nb.store.records import JobRecord
from rivya_nb.study.study_file import member_values
from rivya_nb.study.wording import written_prompt
from rivya_nb.views.run_html import environment
from rivya_nb.views.words import joined

SAME, GONE, NEW = "same", "gone", "new"

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_COUNTS = ("repeat", "replicates", "sample", "sample_seed", "pair_seeds")
_MOST_VALUES = 12
_VALUE_LENGTH = 60
_MOST_WORDS = 4000


@dataclass(frozen=True)
class Change:
    """One thing that is different: values that are gone and those that are new, as text."""

    what: str
    gone: str
    new: str


@dataclass(frozen=True)
class PlanDiff:
    """What changes from one plan to another.

    `added`, `removed` and `same` count requests; equal ones count as often as they are asked. `credits` is what
    the added ones cost now, in credits, less what the history has; `unpriced` of them have no documented price.
    `wording` is the prompt in pieces, each with whether it is the `same`, `gone` or `new`; it is empty where the
    prompt did not change. A notebook shows it as a table.
    """

    changes: tuple[Change, ...]
    wording: tuple[tuple[str, str], ...]
    added: int
    removed: int
    same: int
    credits: int
    unpriced: int = 0

    @property
    def summary(self) -> str:
        """The counts and the price, as text."""
        if not (self.added or self.removed or self.changes or self.wording):
            return f"no difference: the same {count(self.same, 'request')}"
        unpriced = f", {self.unpriced:,} without a documented price" if self.unpriced else ""
        price = f"{count(self.added, 'new request')} for {count(self.credits, 'credit')}{unpriced}"
        return joined([price, f"{self.removed:,} no longer asked", f"{self.same:,} the same"])

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        rows = [(each.what, each.gone, each.new) for each in self.changes]
        template = environment().get_template("plan_diff.html")
        return {"text/html": template.render(diff=self, rows=rows), "text/plain": repr(self)}

    def __repr__(self) -> str:
        lines = [self.summary]
        if self.wording:
            signs = {SAME: "{}", GONE: "[-{}-]", NEW: "{{+{}+}}"}
            words = "".join(signs[kind].format(text) for kind, text in self.wording)
            lines.append(f"  prompt: {printable(words, 20 * _VALUE_LENGTH)}")
        for each in self.changes:
            parts = [f"- {each.gone}" if each.gone else "", f"+ {each.new}" if each.new else ""]
            lines.append(f"  {each.what}: {' '.join(filter(None, parts))}")
        return "\n".join(lines)


def compare_plans(
    before: Expansion, after: Expansion, asked: Sequence[Counter[str]], costing: Sequence[JobRecord]
) -> PlanDiff:
    """What changes from one expansion to another.

    `asked` are the identities of all places of both, with those that stand there already, and `costing` the jobs
    that the second one would send.
    """
    added, removed = asked[1] - asked[0], asked[0] - asked[1]
    prices = [job.price for job in costing if job.identity in added]
    return PlanDiff(
        changes=tuple(_changes(before, after)),
        wording=_wording(before.ask, after.ask),
        added=added.total(),
        removed=removed.total(),
        same=(asked[0] & asked[1]).total(),
        credits=sum(price or 0 for price in prices),
        unpriced=sum(price is None for price in prices),
    )


def _changes(before: Expansion, after: Expansion) -> Iterator[Change]:
    axes: list[Mapping[str, Axis[object]]] = [
        {axis.name: axis for axis in each.axes} for each in (before, after)
    ]
    settings = [_settings(each.ask) for each in (before, after)]
    for name in dict.fromkeys([*axes[0], *axes[1], *settings[0], *settings[1]]):
        # A setting of one value may have become an axis.
        old, new = (
            own[name].labels if name in own else single.get(name, ())
            for own, single in zip(axes, settings, strict=True)
        )
        gone, came = _without(old, new), _without(new, old)
        if gone or came:
            yield Change(printable(name, _VALUE_LENGTH), _told(gone), _told(came))
        elif old != new:
            yield Change(f"order of {printable(name, _VALUE_LENGTH)}", _told(old), _told(new))
        elif name in axes[0] and name in axes[1] and axes[0][name].facts != axes[1][name].facts:
            yield Change(f"facts of {printable(name, _VALUE_LENGTH)}", "", "others")
        if name in axes[0] and name in axes[1]:
            rows = [_by_row(each.ask, own[name]) for each, own in zip((before, after), axes, strict=True)]
            yield from _in_rows(name, *rows)
    order = [tuple(name for name in own if name in axes[0] and name in axes[1]) for own in axes]
    if order[0] != order[1]:
        yield Change("order of axes", listing(order[0]), listing(order[1]))


def _in_rows(
    axis: str, before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    """What the rows that both have give otherwise."""
    rows = [(before[text], after[text]) for text in after if text in before]
    for name in dict.fromkeys(name for pair in rows for row in pair for name in row):
        values = [(old.get(name, NONE), new.get(name, NONE)) for old, new in rows]
        if differing := [pair for pair in values if pair[0] != pair[1]]:
            gone, came = (_told(list(dict.fromkeys(each))) for each in zip(*differing, strict=True))
            yield Change(printable(f"{name} of {axis}", _VALUE_LENGTH), gone, came)


def _by_row(ask: Ask, axis: Axis[object]) -> dict[str, dict[str, str]]:
    """What each value of an axis takes with it, by its label and by name."""
    coupling = next((each for each in ask.coupled if each.axis == axis.name), None)
    if coupling is None:
        return {text: {} for text in axis.labels}
    members = member_values(ask, [name for name in coupling.members if name != axis.name], ask.params)
    if REFERENCES_AXIS in members:
        members[REFERENCES_AXIS] = [listing(each.name for each in one) for one in ask.references.values()]
    return {
        text: {name: label(values[at]) for name, values in members.items()}
        for at, text in enumerate(axis.labels)
    }


def _settings(ask: Ask) -> dict[str, tuple[str, ...]]:
    """What all pictures share, by name."""
    single: dict[str, tuple[str, ...]] = {
        key: (label(values[0]),) for key, values in ask.params.items() if len(values) == 1
    }
    if len(ask.models) == 1:
        single[MODEL_AXIS] = ask.models
    if len(ask.references) == 1:
        single[REFERENCES_AXIS] = tuple(each.name for each in next(iter(ask.references.values())))
    return single | {
        name: (label(value),) for name in _COUNTS if (value := getattr(ask, name)) != getattr(Ask(), name)
    }


def _without(labels: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [each for each in labels if each not in known]


def _told(labels: Sequence[str]) -> str:
    shown = [printable(each, _VALUE_LENGTH) for each in labels[:_MOST_VALUES]]
    rest = len(labels) - len(shown)
    return listing(shown) + (f" and {rest:,} more" if rest else "")


def _wording(before: Ask, after: Ask) -> tuple[tuple[str, str], ...]:
    """The prompt word by word; its axes stand as their names."""
    texts = [_prompt_text(each) for each in (before, after)]
    if texts[0] == texts[1]:
        return ()
    old, new = (_WORD.findall(text)[:_MOST_WORDS] for text in texts)
    pieces: list[tuple[str, str]] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, old, new, False).get_opcodes():
        if kind == "equal":
            pieces.append((SAME, "".join(old[start:end])))
            continue
        pieces += [(GONE, "".join(old[start:end]))] if end > start else []
        pieces += [(NEW, "".join(new[other_start:other_end]))] if other_end > other_start else []
    return tuple(pieces)


def _prompt_text(ask: Ask) -> str:
    text, _ = written_prompt(ask.prompt.parts, {axis.name for axis in ask.prompt.axes})
    if isinstance(text, str):
        return text
    return "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in text)
