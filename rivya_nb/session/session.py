"""A session: one service, one store, and limits of what may be spent. The public functions use the current one."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.ideas import seed_named, shared_name
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import check_whole, short_repr
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.intake import take_references
from rivya_nb.jobs.model_listing import ModelListing
from rivya_nb.jobs.recall import Source, recall
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.coupling import couple
from rivya_nb.planning.expansion import distinct, expand, expand_places
from rivya_nb.planning.places import check_repeat
from rivya_nb.planning.question import Filters, history_question
from rivya_nb.session.history import History, Selection
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.plan import Plan
from rivya_nb.session.planning import opened, planned, request_of, shared_params
from rivya_nb.session.resuming import Resuming
from rivya_nb.session.run import Run
from rivya_nb.session.runs import Runs
from rivya_nb.session.spending import Spending
from rivya_nb.session.tabled import with_table
from rivya_nb.study.kept_measures import check_part, measure_orders

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rivya_nb.contract.references import Reference
    from rivya_nb.planning.prompt import PromptTemplate
    from rivya_nb.planning.prompt_tables import PromptTable
    from rivya_nb.session.run import Run
    from rivya_nb.session.service import Service


MANY = 1000
"""Requests of a plan that is made, and of a run that is written, aside, so that jobs go on meanwhile."""


class Session:
    """One service, and the store that keeps what was asked and what came of it.

    `service` is the service's name, `sandbox` or its origin, and `address` where it is reached. `has_key` tells
    whether there is a key for it; `key_source` says where the key came from or why there is none, and `key_advice`
    how to give one, if need be. `max_credits` limits what all plans of the session may cost together, in credits;
    None sets no such limit. At most `max_parallel` jobs are worked on at a time; None stands for the default.
    """

    def __init__(
        self,
        service: Service,
        live_records: LiveRecords,
        *,
        max_credits: int | None = None,
        max_parallel: int | None = None,
    ) -> None:
        self.connection = service
        self.service = service.name
        self.address = service.address
        self.has_key = service.has_key
        self.key_source = service.key_source
        self.key_advice = service.key_advice
        self.live_records = live_records
        self.store = live_records.store
        self.work_loop = live_records.work_loop
        self._listing = ModelListing(service.name, service.client, self.store.models, self.work_loop)
        self.spending = Spending(service, live_records, max_credits, max_parallel)
        self._resuming = Resuming(service, live_records, self.spending)

    def remember_key(self) -> None:
        """Keep the key in the operating system's keyring, for later sessions with the same service.

        Raises:
            KeyringError: there is no keyring, or it did not take the key.
            NotConnectedError, UsageError: there is no key, or none is needed.
        """
        self.connection.remember_key()

    def forget_key(self) -> bool:
        """Take the service's key out of the keyring; False where there was none. This session goes on using it.

        Raises:
            KeyringError: there is no keyring, or it did not give the key up.
            UsageError: the service needs no key.
        """
        return self.connection.forget_key()

    @property
    def catalogue(self) -> Catalogue:
        """The bundled models merged with the service's list of models, as it was last fetched."""
        return self.store.models.catalogue(self.service)

    def __repr__(self) -> str:
        return f"<Session with {self.service}, store {self.store}>"

    def close(self) -> None:
        """Close the connections, and leave the sandbox. Unfinished runs go on only when they are resumed."""
        self.work_loop.wait(self.work_loop.start(self.aclose()))

    async def aclose(self) -> None:
        """The same as a coroutine, for the session's own loop."""
        self._listing.stop()
        await self.spending.aclose()
        await self.connection.aclose()

    # Planning

    def plan(
        self,
        prompt: PromptTemplate,
        *,
        models: Sequence[str],
        params: Mapping[str, tuple[object, ...]],
        references: Mapping[str, Sequence[object]],
        repeat: int = 1,
        replicates: int = 1,
        sample: int | None = None,
        sample_seed: int | None = None,
        pair_seeds: bool = True,
        order: Sequence[str] = (),
        table: PromptTable | None = None,
        coupled: Sequence[Sequence[str]] = (),
        name: str | None = None,
        max_credits: int | None = None,
        max_parallel: int | None = None,
        fresh: bool = False,
        shrink_references: bool = False,
    ) -> Plan:
        """The plan of a prompt and its axes. The bytes of the references are copied into the store.

        `table` is the one that the prompt has its axis `prompt` from; its columns are coupled to it. `coupled` are
        further groups of names whose values belong together.

        Raises:
            InvalidRequestError, UsageError: with every mistake that was found; nothing was sent.
        """
        check_repeat(repeat)
        check_repeat(replicates, "replicates")
        known, mistakes = self.models_of(models)
        taken, wrong = self.take(references, known, shrink_references)
        if sample_seed is not None and sample is None:
            mistakes.append(
                Mistake("sample_seed", "it draws a sample, and none is asked for; add sample=COUNT")
            )
        ask = Ask(
            prompt,
            tuple(model.id for model in known),
            shared_params(params),
            taken,
            repeat,
            tuple(dict.fromkeys(map(seed_named, order))),
            replicates=replicates,
            sample=sample or 0,
            sample_seed=sample_seed or 0,
            pair_seeds=pair_seeds,
        )
        notes: list[str] = []
        if table is not None and known:
            ask, notes, more = with_table(self, ask, table, shrink_references)
            wrong += more
        ask = couple(ask, [tuple(map(seed_named, group)) for group in coupled])
        rows = None if table is None else table.rows

        def made() -> Plan:
            try:
                # Params are checked by the rules of a model.
                draw_seed = random.SystemRandom().randint
                expansion = expand(ask, self.catalogue, draw_seed, rows) if known else None
            except InvalidRequestError as error:
                raise InvalidRequestError([*mistakes, *error.mistakes, *wrong]) from None
            if expansion is None or mistakes or wrong:
                raise InvalidRequestError([*mistakes, *wrong])
            return planned(
                self,
                expansion,
                name=name,
                max_credits=max_credits,
                max_parallel=max_parallel,
                fresh=fresh,
                notes=notes,
            )

        # Ten thousand requests take a second.
        return self.work_loop.aside(made) if prod(map(len, ask.axes())) > MANY else made()

    def plan_requests(
        self,
        items: Iterable[object],
        *,
        replicates: int = 1,
        name: str | None,
        max_credits: int | None,
        max_parallel: int | None = None,
        fresh: bool,
    ) -> Plan:
        """The plan of requests, which are not changed; a job stands for its request.

        Raises:
            InvalidRequestError, UsageError: an item is neither, there is none, or the store has lost a reference.
        """
        requests = [request_of(item, self.store.files) for item in items]
        if not requests:
            raise UsageError("There is no request in an empty list.")
        check_repeat(replicates, "replicates")
        ask = replace(Ask.of(requests), replicates=replicates)
        expansion, wrong = expand_places(ask, self.catalogue)
        if wrong:
            raise InvalidRequestError(distinct(wrong))
        noted = tuple(
            replace(item, request=replace(item.request, notes=requests[at // replicates].notes))
            for at, item in enumerate(expansion.requests)
        )
        return planned(
            self,
            replace(expansion, requests=noted),
            name=name,
            max_credits=max_credits,
            max_parallel=max_parallel,
            fresh=fresh,
        )

    def models_of(self, names: Iterable[object]) -> tuple[tuple[Model, ...], list[Mistake]]:
        """The models with these ids, and a mistake for each that cannot be run."""
        known: list[Model] = []
        mistakes: list[Mistake] = []
        for name in names:
            try:
                known.append(self.catalogue.runnable(name))
            except InvalidRequestError as error:
                mistakes += error.mistakes
        return tuple(known), mistakes

    def take(
        self, references: Mapping[str, Sequence[object]], models: Sequence[Model], shrink: bool
    ) -> tuple[dict[str, tuple[Reference, ...]], list[Mistake]]:
        """Copy sets of references into the store; gives them and all mistakes in them."""
        check_whole(
            "references", *references, *(source for sources in references.values() for source in sources)
        )
        taken: dict[str, tuple[Reference, ...]] = {}
        mistakes: dict[Mistake, None] = {}
        for label, sources in references.items():
            try:
                taken[label] = take_references(opened(sources), models, self.store.files, shrink=shrink)
            except InvalidRequestError as error:
                mistakes.update(dict.fromkeys(error.mistakes))
                taken[label] = ()
        return taken, list(mistakes)

    # Running

    def prepare(self) -> None:
        """Import and create what the first run needs. It takes half a second, so call it off an event loop."""
        from rivya_nb.views import run_html

        run_html.prepare()
        self.spending.runner  # noqa: B018 - made when it is first asked for

    def start(self, plan: Plan) -> Run:
        """Start the run of a plan; see `Plan.run`.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """

        def started() -> Run:
            return self.spending.start(plan)

        run = self.work_loop.aside(started) if len(plan) > MANY else started()
        self._listing.refresh_if_old()
        return run

    def defer(self, plan: Plan) -> Run:
        """Leave the run of a plan to `rivya-nb work`; see `Plan.defer`.

        Raises:
            CreditLimitError, NotConnectedError: like `start`.
        """
        return self.spending.defer(plan)

    def resume(
        self, run: Run | int | str | None = None, *, unsent: bool = False, max_credits: int | None = None
    ) -> Run:
        """Collect what was, or may have been, submitted, by a run or by all; with `unsent`, send what never was.

        Raises:
            UsageError: there is no such run, or nothing is unfinished.
            CreditLimitError: sending the rest costs more than is allowed.
        """
        run_id = None if run is None else self.run(run).id
        return self._resuming.resume(run_id, unsent=unsent, max_credits=max_credits)

    def retry(self, run: Run | int | str, *, max_credits: int | None = None) -> Run:
        """Fetch paid results that did not arrive, and ask anew for what failed, within the same run.

        `run` may also be a run's id or name.

        Raises:
            UsageError: there is no such run.
            CreditLimitError: submitting again costs more than is allowed.
        """
        return self._resuming.retry(self.run(run).id, max_credits=max_credits)

    # Looking back

    def working(self) -> list[Run]:
        """The runs that this process is working on, newest first; also runs of an earlier session."""
        return self.live_records.working()

    def touched(self) -> list[Run]:
        """The runs that this process started or went on with, oldest first."""
        return self.live_records.touched()

    def refresh_models(self) -> Catalogue:
        """Fetch the service's list of models, which needs no key, and wait for it.

        Raises:
            ApiError, TransportError, StoreError: it cannot be fetched, or not be kept; the catalogue stays.
        """
        self.work_loop.wait(self.work_loop.start(self._listing.refresh()))
        return self.catalogue

    def balance(self) -> int:
        """The credits that the service says are left. Waits for its answer.

        Raises:
            ApiError, TransportError: the service refused, or did not answer.
        """
        return self.work_loop.wait(self.work_loop.start(self.abalance()))

    async def abalance(self, *, waits: bool = True) -> int:
        """The same as a coroutine, for the session's own loop. With `waits=False`, a rate limit is an error."""
        self.connection.require_key()
        client = self.connection.client
        retries = replace(client.retries, ends_at_limit=not waits)
        return (await client.credits.retrieve(retries=retries)).current_credits

    def recall(self, source: Source) -> Request:
        """The request that a picture was made from; the picture is a path, bytes, or the hash of an original.

        Raises:
            UsageError: there is no such file, it cannot be read, or it has no request in it.
        """
        return recall(source, self.store, self.catalogue)

    def run(self, run: Run | int | str) -> Run:
        """One run of the store by its id, or the newest one of a name; of any service. A run is itself.

        Raises:
            UsageError: there is none.
        """
        if isinstance(run, str):
            return self.live_records.run(self.store.runs.named(run))
        try:
            if isinstance(run, bool):
                raise TypeError
            number = run.id if isinstance(run, Run) else operator.index(run)
        except TypeError:
            message = f"{short_repr(run)} is neither the id nor the name of a run, as in rv.runs(41)."
            raise UsageError(message) from None
        return self.live_records.run(self.store.runs.get(number))

    def runs(self) -> Runs:
        """All runs of the store, newest first; they are read when they are used."""
        return Runs(self.live_records)

    def history(self, *, from_line: bool = False, **filters: Unpack[Filters]) -> History:
        """Jobs with pictures that match all filters, newest first; of every service.

        With `from_line`, the history names its other pages as lines of the magic.

        Raises:
            UsageError: with every mistake.
        """
        models = self.catalogue.values()
        orders = measure_orders(self.store) if filters.get("sort") else None
        known = {shared_name(key) for model in models for key in model.param_keys}
        asked = history_question(filters, known, orders, lambda name: self.store.runs.named(name).id)
        check_part(self.store, asked.question.order)
        return History(self.live_records, asked, from_line=from_line)

    def pictures(self, job_ids: Sequence[str], title: str = "chosen results") -> Selection:
        """The jobs with these ids, in this order; ids that the store does not have are left out."""
        return Selection(self.live_records, job_ids, title)

    def undo(self) -> str:
        """Take back this user's last favourite, rating, tag, note, hiding or exclusion, and say which it was."""
        undone = self.store.marks.undo()
        return "There is nothing to undo." if undone is None else f"Undone: {undone}."
