"""A session: one connection, with its service, its store and its limits. Every face talks to this."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.request import Request
from rivya_nb.errors import CreditLimitError, InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.axes import Ask, Axis
from rivya_nb.jobs.intake import take_references
from rivya_nb.jobs.listing import ModelListing
from rivya_nb.jobs.plan import Expansion, PlannedRequest, expand
from rivya_nb.results.history import History
from rivya_nb.results.job import Job
from rivya_nb.results.library import Library
from rivya_nb.results.pictures import Pictures
from rivya_nb.results.plan import Draft, Plan, draft
from rivya_nb.store.records import SENT, UNSENT, AxisRecord, CellRecord, JobRecord, RunRecord, planned_job

if TYPE_CHECKING:
    from rivya_nb.contract.params import ParamValue
    from rivya_nb.contract.references import Reference
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.prompt import PromptTemplate
    from rivya_nb.jobs.runner import Runner
    from rivya_nb.results.run import Run
    from rivya_nb.service import Service

DEFAULT_LIMIT = 500
"""Credits that the new requests of one plan may cost where nothing else was said."""

REQUEST_AXIS = "request"
"""The axis of requests that were given as they are."""

_COLLECTABLE = {"unknown": "submitting", "undelivered": "downloading"}
"""Ended without a picture, though one may be paid for: the step from which each is taken up again."""


class Session:
    """One connection to a service, and the store that remembers what came of it.

    `max_credits` limits what all plans of the session may cost together, in credits; None sets no such limit.
    """

    def __init__(self, service: Service, library: Library, *, max_credits: int | None = None) -> None:
        self._service = service
        self._library = library
        self.store = library.store
        self.home = library.home
        self.max_credits = max_credits
        self._listing = ModelListing(self.service, service.client, self.store.models, self.home)
        self._committed = 0
        self._touched: dict[int, None] = {}
        self._starting = threading.RLock()

    @property
    def service(self) -> str:
        """The service's name: `sandbox`, or the origin of its address."""
        return self._service.name

    @property
    def address(self) -> str:
        """Where the service is reached."""
        return self._service.client.origin

    @property
    def has_key(self) -> bool:
        """Whether there is a key for the service."""
        return self._service.client.has_key

    @property
    def key_source(self) -> str:
        """Where the key came from, or why there is none, in words."""
        return self._service.key_source

    def remember_key(self) -> None:
        """Keep the key in the operating system's keyring, for later sessions with the same service.

        Raises:
            KeyringError: there is no keyring, or it did not take the key.
            NotConnectedError, UsageError: there is no key, or none is needed.
        """
        self._service.remember_key()

    def forget_key(self) -> bool:
        """Take the service's key out of the keyring; False where there was none.

        Raises:
            KeyringError: there is no keyring, or it did not give the key up.
            UsageError: the service needs no key.
        """
        return self._service.forget_key()

    @property
    def catalogue(self) -> Catalogue:
        """The bundled models merged with the service's own list, as it was last fetched."""
        return self.store.models.catalogue(self.service)

    def close(self) -> None:
        """Close the connections, and give the sandbox up. What is running goes on only if it is resumed."""
        self.home.wait(self.home.start(self.aclose()))

    async def aclose(self) -> None:
        """The same for those who can await it, on the session's own loop."""
        self._listing.stop()
        await self._service.aclose()

    @cached_property
    def _runner(self) -> Runner:
        from rivya_nb.jobs.runner import Runner

        return Runner(
            service=self.service,
            client=self._service.client,
            fetcher=self._service.fetcher,
            store=self.store,
            home=self.home,
            replace_job=self._replaced,
        )

    def _replaced(self, job: JobRecord) -> LiveJob:
        """A new job of the same request, in the old one's place in every run."""
        new = planned_job(job.request, self.service, time.time())
        for record in self.store.replace_job(job.id, new):
            self._library.run(record)
        return self._library.job(new).live

    # Planning

    def plan(
        self,
        prompt: PromptTemplate,
        *,
        models: Sequence[str],
        params: Mapping[str, tuple[object, ...]],
        references: Mapping[str, Sequence[object]],
        repeat: int = 1,
        order: Sequence[str] = (),
        name: str | None = None,
        max_credits: int | None = None,
        fresh: bool = False,
        shrink_references: bool = False,
    ) -> Plan:
        """What a prompt and its axes expand to. The references' bytes are copied into the store.

        Raises:
            InvalidRequestError, UsageError: with every mistake that was found; nothing was sent.
        """
        known = tuple(self.catalogue.image_model(model) for model in models)
        taken, mistakes = self._take(references, known, shrink_references)
        ask = Ask(prompt, known, params, taken, repeat, tuple(order))
        try:
            expansion = expand(ask, random.SystemRandom().randint)
        except InvalidRequestError as error:
            raise InvalidRequestError([*error.mistakes, *mistakes]) from None
        if mistakes:
            raise InvalidRequestError(mistakes)
        return self._plan(expansion, name=name, max_credits=max_credits, fresh=fresh)

    def plan_requests(
        self, items: Iterable[Request | Job], *, name: str | None, max_credits: int | None, fresh: bool
    ) -> Plan:
        """The plan of requests, or jobs whose requests are meant, taken as they are."""
        requests = [item if isinstance(item, Request) else item.request for item in items]
        planned = tuple(
            PlannedRequest(request, (place,) if len(requests) > 1 else (), reusable=request.seed is not None)
            for place, request in enumerate(requests)
        )
        expansion = Expansion(_numbered(len(requests)), planned)
        return self._plan(expansion, name=name, max_credits=max_credits, fresh=fresh)

    def _plan(self, expansion: Expansion, *, name: str | None, max_credits: int | None, fresh: bool) -> Plan:
        current = self._draft(expansion, fresh)
        return Plan(expansion, current, name=name, max_credits=max_credits, fresh=fresh, start=self._start)

    def _take(
        self, references: Mapping[str, Sequence[object]], models: Sequence[Model], shrink: bool
    ) -> tuple[dict[str, tuple[Reference, ...]], list[Mistake]]:
        taken: dict[str, tuple[Reference, ...]] = {}
        mistakes: dict[Mistake, None] = {}
        for label, sources in references.items():
            try:
                taken[label] = take_references(_opened(sources), models, self.store.files, shrink=shrink)
            except InvalidRequestError as error:
                mistakes.update(dict.fromkeys(error.mistakes))
                taken[label] = ()
        return taken, list(mistakes)

    def _draft(self, expansion: Expansion, fresh: bool) -> Draft:
        def find(identities: Sequence[str]) -> dict[str, JobRecord]:
            return {} if fresh else self.store.find_reusable(self.service, identities)

        return draft(expansion, self.service, find)

    # Running

    def _start(self, plan: Plan) -> Run:
        """Write the run and all its jobs down, then let them go."""
        self._service.require_key()
        with self._starting:
            # What the history has may have changed since the plan was made; what is asked has not.
            current = self._draft(plan.expansion, plan.fresh)
            unsent = [
                job for job in current.reused if job.status in UNSENT and not self._library.is_working(job.id)
            ]
            price = current.price + sum(job.price or 0 for job in unsent)
            self._check_limit(price, len(current.costing) + len(unsent), plan.max_credits)
            record = self.store.add_run(
                name=plan.name,
                service=self.service,
                axes=current.axes,
                cells=current.cells,
                jobs=current.costing,
            )
            self._committed += price
            run = self._library.run(record)
            run.drawn_seeds = plan.expansion.drawn_seeds
            for job in run.jobs:
                if not job.is_final:
                    self._runner.launch(job.live)
            self._touched[run.id] = None
        self._listing.refresh_if_old()
        return run

    def _check_limit(self, price: int, count: int, max_credits: int | None) -> None:
        limit = DEFAULT_LIMIT if max_credits is None and self.max_credits is None else max_credits
        if limit is not None and price > limit:
            raise CreditLimitError(
                f"{count} new pictures would cost {price:,} credits, and the limit is {limit:,}. Nothing was "
                f"sent. max_credits={price} (--max-credits {price} in a cell) allows it."
            )
        if self.max_credits is not None and self._committed + price > self.max_credits:
            raise CreditLimitError(
                f"{count} new pictures would cost {price:,} credits; this session has committed "
                f"{self._committed:,} of its {self.max_credits:,}. Nothing was sent. "
                f"connect(max_credits=…) sets another limit."
            )

    def touched(self) -> list[Run]:
        """The runs that this session started or went on with, oldest first."""
        return [self.run(run_id) for run_id in self._touched]

    # Going on

    def resume(
        self, run_id: int | None = None, *, unsent: bool = False, max_credits: int | None = None
    ) -> Run:
        """Collect what was, or may have been, submitted; with `unsent`, send what never was.

        Raises:
            UsageError: there is no such run, or nothing is unfinished.
            CreditLimitError: sending the rest costs more than is allowed.
        """
        self._service.require_key()
        run = self._all_unfinished(unsent) if run_id is None else self._library.run(self._own_run(run_id))
        rest = [job for job in run.jobs if job.status in UNSENT and not job.live.is_working]
        if unsent:
            price = sum(job.record.price or 0 for job in rest)
            self._check_limit(price, len(rest), max_credits)
            self._committed += price
        for job in run.jobs:
            if job.live.is_working and unsent:
                job.live.held = False
            elif job.status in SENT or (unsent and job.status in UNSENT):
                self._runner.launch(job.live)
            elif job.status in _COLLECTABLE:
                self._go_on(job, _COLLECTABLE[job.status])
        self._touched[run.id] = None
        return run

    def retry(self, run_id: int, *, max_credits: int | None = None) -> Run:
        """Fetch paid pictures that did not arrive, and submit what failed anew, as jobs of the same run.

        Raises:
            UsageError: there is no such run.
            CreditLimitError: submitting again costs more than is allowed.
        """
        self._service.require_key()
        record = self._own_run(run_id)
        jobs = self.store.jobs([cell.job_id for cell in record.cells])
        served = {cell.coordinates for cell in record.cells if jobs[cell.job_id].status != "failed"}
        again = {
            cell.coordinates: planned_job(jobs[cell.job_id].request, self.service, time.time())
            for cell in record.cells
            if cell.coordinates not in served
        }
        price = sum(job.price or 0 for job in again.values())
        self._check_limit(price, len(again), max_credits)
        if again:
            cells = [CellRecord(job.id, coordinates) for coordinates, job in again.items()]
            record = self.store.extend_run(record.id, cells=cells, jobs=list(again.values()))
        self._committed += price
        run = self._library.run(record)
        for job in run.jobs:
            if job.status == "undelivered":
                self._go_on(job, "downloading")
            elif job.id in {new.id for new in again.values()}:
                self._runner.launch(job.live)
        self._touched[run.id] = None
        return run

    def _own_run(self, run_id: int) -> RunRecord:
        """A run of this session's service: nothing of one service is ever sent to another."""
        record = self.store.run(run_id)
        if record.service != self.service:
            raise UsageError(
                f"Run {run_id} belongs to {record.service}, and this session is connected to {self.service}."
            )
        return record

    def _go_on(self, job: Job, status: str) -> None:
        """Take up a job that had ended without its picture, from the step that `status` names."""
        self.store.update_job(job.id, status=status)
        job.live.changed(replace(job.record, status=status))
        self._runner.launch(job.live)

    def _all_unfinished(self, unsent: bool) -> Run:
        wanted = SENT | UNSENT if unsent else SENT
        jobs = [job for job in self.store.unfinished(self.service) if job.status in wanted]
        if not jobs:
            left = len(self.store.unfinished(self.service))
            hint = f"; {left} jobs were never sent, and unsent=True (--unsent) sends them" if left else ""
            raise UsageError(f"Nothing that was sent to {self.service} is unfinished{hint}.")
        runs = self.store.runs_of([job.id for job in jobs])
        if len(runs) == 1:
            return self._library.run(runs[0])
        cells = [CellRecord(job.id, (place,), reused=True) for place, job in enumerate(jobs)]
        axes = [AxisRecord(axis.name, axis.labels) for axis in _numbered(len(jobs))]
        if not axes:
            cells = [CellRecord(jobs[0].id, (), reused=True)]
        record = self.store.add_run(name="resumed", service=self.service, axes=axes, cells=cells, jobs=[])
        return self._library.run(record)

    # Looking back

    def working(self) -> list[Run]:
        """The runs that this session is working on, newest first."""
        ids = [job.id for job in self._runner.working]
        return [self._library.run(record) for record in self.store.runs_of(ids)]

    def refresh_models(self) -> Catalogue:
        """Fetch the service's list of models, which needs no key, and wait for it.

        Raises:
            ApiError, TransportError, StoreError: it cannot be fetched, or not be kept; the catalogue stays.
        """
        self.home.wait(self.home.start(self._listing.refresh()))
        return self.catalogue

    def balance(self) -> int:
        """The credits that the service says are left. Waits for its answer.

        Raises:
            ApiError, TransportError: the service refused, or did not answer.
        """
        self._service.require_key()
        return self.home.wait(self.home.start(self._service.client.credits.retrieve())).current_credits

    def run(self, run_id: int) -> Run:
        """One run of the store, whatever its service. UsageError where there is none of that id."""
        return self._library.run(self.store.run(run_id))

    def runs(self) -> list[Run]:
        """All runs of the store, newest first."""
        return [self._library.run(record) for record in self.store.runs()]

    def history(
        self,
        *,
        prompt: str | None = None,
        model: str | None = None,
        seed: ParamValue | None = None,
        params: Mapping[str, ParamValue] | None = None,
    ) -> History:
        """Jobs with pictures that fit everything given, newest first; of every service."""
        asked = {"prompt": prompt, "model": model, "seed": seed, **(params or {})}
        question = " · ".join(f"{key} {value}" for key, value in asked.items() if value is not None)

        def find() -> list[Job]:
            found = self.store.history(prompt=prompt, model=model, seed=seed, params=params)
            return [self._library.job(record) for record in found]

        return History(self.store, find, question)


def _opened(sources: Iterable[object]) -> Iterator[object]:
    """References as they are taken in; a job stands for its pictures, a run or a history for its jobs.

    Raises:
        UsageError: a job has no picture yet.
    """
    for source in sources:
        if isinstance(source, Pictures):
            yield from _opened(source.jobs)
        elif not isinstance(source, Job):
            yield source
        elif source.record.pictures:
            yield from source.record.pictures
        else:
            raise UsageError([Mistake("references", f"job {source.id[:8]} has no picture ({source.status})")])


def _numbered(count: int) -> tuple[Axis[object], ...]:
    """The axis of requests that were given one by one; none for a single one."""
    if count < 2:
        return ()
    places = range(1, count + 1)
    return (Axis(REQUEST_AXIS, tuple(places), tuple(map(str, places))),)
