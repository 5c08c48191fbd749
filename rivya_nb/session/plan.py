"""The plan that a user works with: the requests and their price. Nothing is sent before `run()`."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.contract.text import count
from rivya_nb.errors import CreditLimitError, Mistake, UsageError
from rivya_nb.planning.expansion import Expansion, drawing_notes
from rivya_nb.session.ceiling import checked_ceiling
from rivya_nb.session.draft import Draft, draft, draft_addition
from rivya_nb.session.showing.plan_looks import plan_bundle
from rivya_nb.store.persisting import persist
from rivya_nb.store.records import UNFINISHED, CellRecord, JobRecord, RunRecord
from rivya_nb.views.layout import Layout, arrange, sides
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.pictures import Pictures
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.session.showing.effects import Of
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.session.showing.power import Power
    from rivya_nb.session.showing.written import WrittenFile
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.study.plan_diff import PlanDiff


class Plan:
    """Requests with their place in the grid and their price. Nothing is sent until `run()`.

    `max_credits` limits what it may cost, in credits; where it is None and the session has no limit either, that
    is 500. `max_parallel` limits how many of its jobs are worked on at a time; None sets no limit. `kept` are the
    cells of earlier pictures that the requests are added to, and `run_id` the run that the requests go into;
    without it, the plan makes a new run. `fills` is the grid that shows the new pictures too.
    """

    def __init__(
        self,
        session: Session,
        expansion: Expansion,
        *,
        name: str | None,
        max_credits: int | None,
        max_parallel: int | None = None,
        fresh: bool = False,
        notes: Sequence[str] = (),
        kept: Sequence[CellRecord] = (),
        run_id: int | None = None,
    ) -> None:
        self._session = session
        self._kept = tuple(kept)
        self._run_id = run_id
        self.expansion = expansion
        self.name = name
        self.max_credits = max_credits
        self.max_parallel = checked_ceiling(max_parallel)
        self.fresh = fresh
        self.notes = (*notes, *drawing_notes(expansion))
        self.draft = self.drafted()
        self.fills: Grid | None = None
        self._rows: str | None = None
        self._cols: str | None = None

    def drafted(self) -> Draft:
        """A job for each request, as the store is now."""
        return persist(lambda *, is_again: self._drafted())  # noqa: ARG005

    def _drafted(self) -> Draft:
        session, service = self._session, self._session.service
        expansion = self.expansion.asked_anew() if self.fresh else self.expansion
        if self._kept or self._run_id is not None:
            return draft_addition(session.live_records, service, expansion, self._kept, self._run_id)
        return draft(session.live_records, service, expansion)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests in grid order; equal ones are repeated."""
        return tuple(item.request for item in self.expansion.requests)

    @property
    def credits(self) -> int:
        """What `run()` would cost now, in credits; what the history has costs nothing."""
        return self.draft.price

    def arranged(self, rows: str | None, cols: str | None) -> Plan:
        """The plan itself, shown with these axes as rows and columns. UsageError if it has no such axis."""
        sides(self.draft.axes, rows, cols)
        self._rows, self._cols = rows, cols
        return self

    def check(self) -> None:
        """Raise what `run()` would raise; nothing is sent."""
        self._session.spending.check(self)

    @property
    def over_limit(self) -> str:
        """Why a credit limit of the store does not allow `run()` now; empty where none forbids it."""
        store = self._session.store
        try:
            store.credit_limits.check(store.users.me, self.draft.costing)
        except CreditLimitError as error:
            return str(error)
        return ""

    def run(self) -> Run:
        """Send exactly these requests.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """
        return self._arranged(self._session.start(self))

    def defer(self) -> Run:
        """Keep exactly these requests in the store, for `rivya-nb work` to send them; nothing is sent now.

        Raises:
            CreditLimitError, NotConnectedError: like `run()`.
        """
        return self._arranged(self._session.defer(self))

    def _arranged(self, run: Run) -> Run:
        if self._rows or self._cols:
            run.arrange(rows=self._rows, cols=self._cols)
        if self.fills is not None:
            self.fills.join(run, {item.coordinates for item in self.expansion.requests})
        return run

    @overload
    def to_toml(self, path: None = None) -> str: ...
    @overload
    def to_toml(self, path: str | os.PathLike[str]) -> WrittenFile: ...
    def to_toml(self, path: str | os.PathLike[str] | None = None) -> str | WrittenFile:
        """Write the study file: everything that is asked, as TOML to read, edit and plan again (`rv.read_plan`).

        It has the prompt as a cell has it, every axis, and the drawn seeds, so that the study is the same when it
        is read again, and costs only what the history does not have. References are named by their file below the
        folder of `path`, and by their content. There is no key, address or limit in it. Without a path, this gives
        the text.

        Raises:
            UsageError: `path` can be no file's.
            StoreError: the file cannot be written; what was there before stays.
        """
        from rivya_nb.session.study_files import text_of_plan, write_plan

        return text_of_plan(self, Path.cwd()) if path is None else write_plan(self, path)

    def power(
        self,
        pilot: Pictures | Grid,
        of: Of,
        difference: float,
        *,
        axis: str | None = None,
        at: float | None = None,
        frames: int | None = None,
    ) -> Power:
        """How many prompts and seeds would show a difference of this size in 8 of 10 studies, and at which price.

        `pilot` is a smaller run of the kind that is planned: from it come the variances between prompts, between
        seeds, and of the very same request. `of`, `at` and `frames` are as in `effects`, but not votes, and
        `difference` is in the units of the measure (for distances: beyond the noise). It lies between two values
        of `axis`, which is not needed where the pilot varies only one beside prompts and seeds. The price is that
        of this plan's requests.

        The test is that of paired differences over prompts (two-sided, 5 %). It assumes that the new prompts are
        like the pilot's, and the pilot's variances are uncertain themselves.

        Raises:
            UsageError: there is no such measure or axis, or the pilot is too small.
        """
        from rivya_nb.media.frames import read_choice
        from rivya_nb.session.showing.power import find_power

        return find_power(
            pilot._study(read_choice(at, frames)), of, difference, axis, self.expansion, self.noun
        )

    def diff(self, other: Plan) -> PlanDiff:
        """What changes from this plan to another: axes and values, the wording word by word, settings, how many
        requests are new, gone or the same, and what the new ones cost.

        Raises:
            UsageError: `other` is not a plan.
        """
        from rivya_nb.study.plan_diff import compare_plans

        if not isinstance(other, Plan):
            message = f"a {type(other).__name__} is not a plan; rv.read_plan(…) gives that of a study file"
            raise UsageError([Mistake("diff", message)])
        asked = [each._identities() for each in (self, other)]
        return compare_plans(self.expansion, other.expansion, asked, other.drafted().costing)

    def _identities(self) -> Counter[str]:
        """What is asked at all places, with those that stand there already."""
        jobs = self.jobs
        return Counter(jobs[cell.job_id].identity for cell in self.record.cells)

    def __len__(self) -> int:
        return len(self.expansion.requests)

    @property
    def summary(self) -> str:
        """The number of pictures, videos or audio files and their price, as text."""
        parts = [count(len(self), self.noun), self.price_words]
        if self.draft.idle:
            parts.append(f"{len(self.draft.idle):,} that an earlier run planned and never sent")
        doubtful = sum(job.status == "unknown" for job in self.draft.reused)
        going = sum(job.status in UNFINISHED for job in self.draft.reused)
        if known := len(self.draft.reused) - doubtful - going:
            parts.append(f"{known:,} from the history at no cost")
        if going:
            parts.append(f"{going:,} already asked for, at no more cost")
        if doubtful:
            parts.append(f"{doubtful:,} that may be paid for already, collected at no more cost")
        if there := sum(job.is_there for job in self.draft.kept_jobs):
            parts.append(f"beside {there:,} that {'is' if there == 1 else 'are'} there already")
        if self.draft.unpriced:
            parts.append(f"{self.draft.unpriced:,} without a documented price")
        return " · ".join(parts)

    @property
    def price_words(self) -> str:
        """The price, and what of it nothing in the history will ever stand for."""
        keys = {item.key for item in self.expansion.requests}
        anew = {item.key for item in self.expansion.requests if item.is_anonymous}
        # What fills a run is planned only as long as it is missing.
        if not anew or self._run_id is not None:
            return self.draft.price_words
        which = "no seed" if anew == keys else f"{len(anew):,} of {len(keys):,} without a seed"
        return f"{self.draft.price_words} · {which}: paid anew each time this is run"

    @property
    def noun(self) -> str:
        """What one of its results is called: `picture`, `video`, …"""
        return noun({request.makes for request in self.requests})

    @property
    def record(self) -> RunRecord:
        """The run as it would be; its id is 0."""
        cells = (*self.draft.kept, *self.draft.cells)
        ask = self.expansion.ask.to_json()
        record = RunRecord(0, self.name, "", time.time(), self.draft.axes, cells, ask)
        return replace(record, cells=record.current(self.jobs))

    @property
    def jobs(self) -> dict[str, JobRecord]:
        """The jobs of its requests by id, those that are there already included."""
        return {job.id: job for job in (*self.draft.costing, *self.draft.reused, *self.draft.kept_jobs)}

    def layout(self) -> Layout:
        """How the run would be laid out."""
        return arrange(self.record, self.jobs, rows=self._rows, cols=self._cols)

    @property
    def sides(self) -> dict[str, str]:
        """What each axis makes of the grid, in a word, by the axis' name."""
        return sides(self.draft.axes, self._rows, self._cols)

    @property
    def files(self) -> ContentFiles:
        """The files of the store."""
        return self._session.store.files

    @property
    def seeds_to_keep(self) -> tuple[ParamValue, ...]:
        """The drawn seeds of a plan that adds to nothing, where every request takes one."""
        ask = self.expansion.ask
        seeded = not self._kept and all(request.seed is not None for request in self.requests)
        # What each prompt has for itself cannot be written down as one axis.
        return ask.drawn if seeded and SEED_KEY not in ask.couplings else ()

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return plan_bundle(self)

    def __repr__(self) -> str:
        return f"<Plan: {self.summary}>"
