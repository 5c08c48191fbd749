"""What a canary says about a service, in one sentence, as a table of its occasions, and as HTML."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import count, printable
from rivya_nb.study.canary import Finding
from rivya_nb.study.drift import ALPHA, KINDS, Shift
from rivya_nb.views.models import text_table
from rivya_nb.views.words import moment_words

_NAME_LENGTH = 40

HEADINGS = ("asked", *KINDS, "p", "against the first")
LIST_HEADINGS = ("canary", "run", "cells", "asked", "last", "it says")

FOOT = (
    "Each number is a mean over cells: what two results of one occasion differ by (the noise floor) → what "
    "one of then and one of now do. p is the part of all ways to deal a cell's pictures to the two occasions "
    "that give as large a difference, corrected by Holm for both kinds. Each occasion is tested by itself: of "
    "twenty without a change, about one is called a difference. structure is 1 − SSIM of the lightness, "
    "colour the mean CIEDE2000; neither knows what is shown, or how good it is."
)


@dataclass(frozen=True)
class DriftView:
    """A canary of `cells` requests, each asked `replicates` times on an occasion, with what its occasions say, the
    oldest first; `enough` is how many replicates a verdict needs."""

    name: str
    cells: int
    replicates: int
    enough: int
    findings: Sequence[Finding]

    @property
    def title(self) -> str:
        return f"Canary {printable(self.name, _NAME_LENGTH)}"

    @property
    def asked(self) -> str:
        return f"{count(self.cells, 'cell')}, each {self.replicates} times on an occasion"

    @property
    def sentence(self) -> str:
        """What the newest occasion says, in one sentence or two."""
        return (
            f"{self.title}: {self._says(self.findings[-1])}."
            if self.findings
            else f"{self.title}: no result yet."
        )

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The occasions for a table, the newest first."""
        moments = moments_words([finding.at for finding in self.findings])
        return [_row(*each) for each in reversed(list(zip(self.findings, moments, strict=True)))]

    def _says(self, finding: Finding) -> str:
        compared, since = finding.comparison, moment_words(finding.then)
        if finding.is_first:
            pinned = f"pinned {since}; two results of one request differ by {_amounts(finding.floor)}"
            return f"{pinned}, the noise floor{self._too_few}"
        if compared is None:
            return f"nothing can be said, because no cell has two results both of {since} and of now"
        if compared.differs is None:
            why = self._too_few or self._lacking(compared.least_p)
            return f"nothing can be said about a change since {since}{why}"
        rests = f"{count(compared.cells, 'cell')}, {compared.pictures} pictures"
        if compared.differs:
            beyond = " and ".join(
                f"{kind} by {_number(shift.excess)} beyond a noise floor of {_number(shift.floor)} ({_p(shift.p)})"
                for kind, shift in compared.shifts.items()
                if shift.p <= ALPHA
            )
            return f"the service differs from {since}: {beyond}; {rests}"
        visible = {kind: s.visible for kind, s in compared.shifts.items() if s.visible is not None}
        if not visible:
            return f"no difference at all since {since}; {rests}"
        return f"no difference seen since {since} that is larger than {_amounts(visible)}; {rests}"

    @property
    def _too_few(self) -> str:
        if self.replicates >= self.enough:
            return ""
        return (
            f". {count(self.cells, 'cell')} of {self.replicates} results cannot tell a change from chance; "
            f"replicates={self.enough} can, under another name"
        )

    def _lacking(self, least: float) -> str:
        return f", because too many results are missing: chance alone gives p = {_number(least)} at least"


def drift_html(view: DriftView) -> str:
    """The verdict and the occasions as static HTML; the pictures stand below it."""
    from rivya_nb.views.run_html import environment

    notes = view.findings[-1].notes if view.findings else ()
    return environment().get_template("drift.html").render(
        view=view, headings=HEADINGS, notes=notes, foot=FOOT
    )  # fmt: skip


def drift_text(view: DriftView) -> str:
    """The same as plain text."""
    notes = view.findings[-1].notes if view.findings else ()
    return "\n".join([view.sentence, *text_table(HEADINGS, view.rows), *notes, FOOT])


def moments_words(moments: Sequence[int]) -> list[str]:
    """When occasions were, with seconds where a minute has several of them."""
    words = [moment_words(moment) for moment in moments]
    if len(set(words)) < len(words):
        words = [time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment)) for moment in moments]
    return words


def _row(finding: Finding, asked: str) -> tuple[str, ...]:
    compared = finding.comparison
    if compared is None:
        found = "the first" if finding.is_first else "too little to compare"
        return (asked, *(_number(finding.floor[kind]) if finding.floor else "–" for kind in KINDS), "", found)
    verdict = {True: "differs", False: "no difference seen", None: "cannot be said"}[compared.differs]
    smallest = min(shift.p for shift in compared.shifts.values())
    return (
        asked,
        *(_from_to(compared.shifts[kind]) for kind in KINDS),
        _p(smallest).removeprefix("p = "),
        verdict,
    )


def _from_to(shift: Shift) -> str:
    return f"{_number(shift.floor)} → {_number(shift.between)}"


def _amounts(by_kind: Mapping[str, float]) -> str:
    return " and ".join(f"{_number(each)} in {kind}" for kind, each in by_kind.items())


def _number(value: float) -> str:
    """`0.0031`, `14`: two digits that count."""
    return f"{value:.2g}"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {_number(value)}"
