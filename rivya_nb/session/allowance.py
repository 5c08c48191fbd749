"""What a session may spend: the limits of its plans, and one for all that it asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.errors import CreditLimitError
from rivya_nb.session.prices import priced
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.store.records import JobRecord
    from rivya_nb.store.store import Store

DEFAULT_LIMIT = 500
"""Credits that the new requests of one plan may cost if no limit was given."""

MOST_UNPRICED = 20
"""How many new requests of one plan may have no known price if no limit was given."""


@dataclass
class _Budget:
    """What a run may still spend, `left` of its `limit` in credits; `prices` are those of what is not sent yet."""

    limit: int
    left: int
    prices: dict[str, int]

    def covers_rest(self, job_id: str, reserved: int, under_way: int) -> bool:
        """Count what the service reserved for a job; False if the rest would cost too much at that price, with so
        many submits under way."""
        if self.prices.pop(job_id, None) is None:
            return True
        self.left -= reserved
        return self.left >= reserved * (1 + under_way) or self.left >= sum(self.prices.values())


class Allowance:
    """What one session may spend.

    `max_credits` limits what all that it asks for may cost together, in credits; None sets no such limit.
    `committed` are the ids of the jobs that count against it, and `of_runs` the limits that were given with runs.
    """

    def __init__(self, store: Store, max_credits: int | None) -> None:
        self.max_credits = max_credits
        self.committed: set[str] = set()
        self.of_runs: dict[int, int | None] = {}
        self._budgets: dict[int, _Budget] = {}
        self._store = store

    def left(self, beside: Collection[str] = ()) -> int | None:
        """Credits that the session may still spend, if the jobs `beside` are not counted; None sets no limit."""
        if self.max_credits is None:
            return None
        committed = self._store.jobs(self.committed.difference(beside)).values()
        return self.max_credits - sum(job.committed for job in committed)

    def commit(self, jobs: Sequence[JobRecord], max_credits: int | None) -> None:
        """Check the limits, and count these jobs against them.

        Raises:
            CreditLimitError: they cost more than is allowed; none of them is counted.
        """
        self.check(jobs, max_credits)
        if jobs:
            self._store.make_ready()
        self.committed |= {job.id for job in jobs}

    def begin(self, run_id: int, jobs: Sequence[JobRecord], max_credits: int | None) -> None:
        """Note that these jobs of a run are sent now, within the limit that came with it and the session's."""
        self.of_runs[run_id] = max_credits
        limits = (self._limit(max_credits), self.left({job.id for job in jobs}))
        limit = min((each for each in limits if each is not None), default=None)
        if limit is not None and jobs:
            going = self._budgets.get(run_id, _Budget(0, 0, {}))
            prices = going.prices | {job.id: job.price or 0 for job in self._priced(jobs)}
            self._budgets[run_id] = _Budget(limit, going.left + limit, prices)

    def passed(self, job: LiveJob, under_way: Collection[LiveJob]) -> dict[int, str]:
        """By run, why the rest of it is not sent: what the service has reserved for this job leaves too little.

        `under_way` are the jobs whose submits are not answered yet.
        """
        reserved, reasons = job.record.reserved_credits, {}
        for run_id in tuple(job.wanted_by):
            budget = self._budgets.get(run_id)
            beside = sum(run_id in each.wanted_by for each in under_way)
            if reserved is None or budget is None or budget.covers_rest(job.id, reserved, beside):
                continue
            del self._budgets[run_id]
            reasons[run_id] = (
                f"not sent: a request to {job.record.model} took {count(reserved, 'credit')}, more than is "
                f"documented, and the rest would pass the limit of {budget.limit:,}"
            )
        return reasons

    def replace(self, old: str, new: str) -> None:
        """Count a job in the place of another one, which certainly was not accepted."""
        self.committed.add(new)
        for budget in self._budgets.values():
            if (price := budget.prices.pop(old, None)) is not None:
                budget.prices[new] = price

    def _limit(self, max_credits: int | None) -> int | None:
        """The limit of a plan: the one that was given, or the default where the session has none."""
        return DEFAULT_LIMIT if max_credits is None and self.max_credits is None else max_credits

    def _priced(self, jobs: Sequence[JobRecord]) -> list[JobRecord]:
        """The jobs at the prices of today."""
        if not jobs:
            return []
        catalogue = self._store.models.catalogue(jobs[0].service)
        return [priced(job, catalogue) for job in jobs]

    def check(self, jobs: Sequence[JobRecord], max_credits: int | None) -> None:
        """Check whether these jobs, at the prices of today, may be asked for, with the limit of their plan.

        Raises:
            CreditLimitError: they cost more than is allowed.
        """
        jobs = self._priced(jobs)
        price = sum(job.price or 0 for job in jobs)
        media = {job.makes for job in jobs}
        least = "at least " if any(job.price_is_least for job in jobs) else ""
        what = f"{count(len(jobs), f'new {noun(media)}')} would cost {least}{count(price, 'credit')}"
        limit = self._limit(max_credits)
        if limit is not None and price > limit:
            allowed = "" if media == {"image"} else f", which allows {_most(jobs, limit)} of them"
            raise CreditLimitError(
                f"{what}, and the limit is {limit:,}{allowed}. Nothing was sent. "
                f"max_credits={price} (--max-credits {price}) allows it.",
                enough=price,
            )
        if max_credits is None:
            _check_unpriced(jobs)
        left = self.left({job.id for job in jobs}) if jobs else None
        if left is not None and self.max_credits is not None and price > left:
            raise CreditLimitError(
                f"{what}; this session has committed {self.max_credits - left:,} of its {self.max_credits:,}. "
                "Nothing was sent. connect(max_credits=…) sets another limit."
            )
        self._store.credit_limits.check(self._store.users.me, jobs)


def _check_unpriced(jobs: Sequence[JobRecord]) -> None:
    unpriced = sum(job.has_open_price for job in jobs)
    if unpriced <= MOST_UNPRICED:
        return
    open_price, counted = "known", "which does not count them"
    if all(job.price is not None for job in jobs):
        open_price, counted = "fixed", "which counts the least that they cost"
    raise CreditLimitError(
        f"{count(unpriced, f'new {noun({job.makes for job in jobs})}')} are of models whose price is not "
        f"{open_price}, and the limit is {MOST_UNPRICED}. Nothing was sent. max_credits={DEFAULT_LIMIT} "
        f"(--max-credits {DEFAULT_LIMIT}), {counted}, allows it."
    )


def _most(jobs: Sequence[JobRecord], limit: int) -> int:
    """How many of these jobs a limit allows, in their order."""
    return sum(each <= limit for each in accumulate(job.price or 0 for job in jobs))
