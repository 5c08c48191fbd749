"""The public functions. Each one passes its arguments to the current session."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from types import NoneType, TracebackType
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast, overload

from rivya_nb.api.key import Key
from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.params import listed, plain_value
from rivya_nb.contract.request import Request
from rivya_nb.contract.signature import shows_params
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, StoreError, UsageError, WaitInterruptedError
from rivya_nb.files import user_path
from rivya_nb.jobs.sources import reference_sets
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS
from rivya_nb.planning.coupling import groups_of
from rivya_nb.planning.names import notebook_variables
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.table_files import is_table_name
from rivya_nb.planning.tables import check_asked, is_table, prompt_table
from rivya_nb.planning.values import as_axis
from rivya_nb.session.ceiling import ceiling_of_environment, checked_ceiling
from rivya_nb.session.job import Job
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.service import canonical_name, reach
from rivya_nb.session.session import Session
from rivya_nb.session.showing.live import tell
from rivya_nb.session.showing.waiting import WaitLine
from rivya_nb.store.persisting import turn
from rivya_nb.store.picture_places import VARIABLE as PICTURES_VARIABLE
from rivya_nb.store.places import StorePlace, read_place
from rivya_nb.store.records import COLLECTABLE, SENT, UNSENT
from rivya_nb.store.store import Store

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rivya_nb.contract.param_types import ModelParams
    from rivya_nb.planning.moments import Moment
    from rivya_nb.planning.question import Choice
    from rivya_nb.session.bundles import Imported
    from rivya_nb.session.history import History
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.runs import Runs
    from rivya_nb.session.showing.drift import Canaries, Drift
    from rivya_nb.session.showing.models import ModelList, ModelSheet
    from rivya_nb.study.ranking.page import ImportedVotes

V = TypeVar("V")

Prompt: TypeAlias = "str | os.PathLike[str] | Request | Job | Iterable[object] | None"
"""What is asked for: a text, a request or a job as it is, or several of them; or a table of prompts."""

_lock = threading.RLock()
_current: Session | None = None
_live_records: dict[StorePlace, LiveRecords] = {}
_of_parent: list[LiveRecords] = []


def connect(
    api_key: str | Key | None = None,
    base_url: str | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    max_credits: int | None = None,
    max_parallel: int | None = None,
) -> Session:
    """Connect to a service and make that the current session.

    Arguments that are not given come from `RIVYA_API_KEY`, `RIVYA_BASE_URL`, `RIVYA_STORE` and
    `RIVYA_MAX_PARALLEL`, and the address of the pictures from `RIVYA_PICTURES`, such as `s3://bucket/prefix`; the
    key may also come from the keyring, if `%rivya connect --remember` stored one for the address.
    `base_url="sandbox"` starts or joins the embedded service. `store` is a folder, made if absent, or the address
    of a database without a password (`postgresql://db.lab/rivya`); by default it is one folder per user. If the
    store was moved or deleted while it was open, an empty one is made only if `store` names it. `max_credits`
    limits what the session's plans may cost together, in credits. `max_parallel` is how many jobs are worked on at
    a time at most (256 if not given): how many the service takes is found out.

    Raises:
        UsageError: `store` can be neither a path nor such an address, or has a password in it; or `max_parallel`
            is not a whole number from 1 on.
        NotConnectedError: the address is not usable, or the sandbox cannot be started.
        StoreError: the folder cannot be used, or its store was moved or deleted while it was open.
    """
    global _current
    key = api_key if isinstance(api_key, Key) else Key(api_key)
    del api_key  # a traceback that shows this frame's names must not show the key
    ceiling = ceiling_of_environment() if max_parallel is None else checked_ceiling(max_parallel)
    place = store_place(store)
    with _connecting():
        live_records = _open_live_records(place, begins_anew=bool(store))
        service = reach(key, base_url, live_records.store.workspace)
        with suppress(StoreError):  # what can only be read keeps its names
            live_records.store.rename_services(canonical_name)
        # The loop of any other session is gone, or belongs to the process that this one was forked from.
        if _current is not None and _current.work_loop is live_records.work_loop and not _current.working():
            _current.work_loop.start(_current.aclose())
        left = [] if _current is None else [_current.live_records]
        _current = Session(service, live_records, max_credits=max_credits, max_parallel=ceiling)
        for known in (*_live_records.values(), *left):
            known.session = _current
        return _current


def current_session() -> Session:
    """The current session; if there is none yet, this connects by the environment."""
    with _connecting():
        return _current or connect()


def _connecting() -> AbstractContextManager[None]:
    words = "Another call of this kernel is still connecting; this waits until that is done."
    return turn(_lock, words, WaitLine().show)


def open_session() -> Session | None:
    """The current session, if there is one yet."""
    return _current


def store_place(store: str | os.PathLike[str] | None) -> StorePlace:
    """Where the store is: the argument, else `RIVYA_STORE`, else the user's folder."""
    given = store or os.environ.get("RIVYA_STORE")
    if given:
        return read_place(given)
    from platformdirs import user_data_path

    return user_data_path("rivya_nb", appauthor=False)


def pictures_address(place: StorePlace) -> str | None:
    """What `RIVYA_PICTURES` says of a store; None if it says nothing of it.

    It is about the store that `RIVYA_STORE` names, and about any where that names none: the pictures of another
    store do not get into a laboratory's bucket, where a deletion would find them.
    """
    named = os.environ.get("RIVYA_STORE")
    if named and read_place(named) != place:
        return None
    return os.environ.get(PICTURES_VARIABLE) or None


def _open_live_records(place: StorePlace, *, begins_anew: bool) -> LiveRecords:
    """The live records of a place: one object for each place, until its loop is gone (a kernel has one loop
    for its life), or the store is no longer the one that was opened.

    An empty store in the place of a lost one would buy everything again: it is only made where it
    `begins_anew`; else this raises StoreError.
    """
    work_loop = WorkLoop.find()
    known = _live_records.get(place)
    if known is not None and not known.store.database.is_in_place():
        if not (begins_anew or Store.is_in(place)):
            known.store.database.check_in_place()
        known.store.close()
        known = None
    if known is None or known.work_loop is not work_loop:
        store = _open_store(place) if known is None else known.store
        known = _live_records[place] = LiveRecords(store, work_loop)
    return known


def _open_store(place: StorePlace) -> Store:
    store = Store.open(place, pictures_address(place), WaitLine().show)
    if store.database.note is not None:
        tell(f"{place}: {store.database.note}.")
    return store


def _begin_anew() -> None:
    """After a fork: leave everything that is open to the parent process, and neither use nor close it here."""
    global _lock
    _lock = threading.RLock()
    # Kept: SQLite forbids to close a connection anywhere but in the process that opened it.
    _of_parent.extend(_live_records.values())
    _live_records.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _say_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Where an interrupt ends a script, its line alone says what goes on, as it does in a cell."""
    if isinstance(error, WaitInterruptedError):
        print(f"{kind.__name__}: {error}", file=sys.stderr)
    else:
        _other_hook(kind, error, traceback)


_other_hook, sys.excepthook = sys.excepthook, _say_uncaught


@atexit.register
def _say_goodbye() -> None:
    """At exit: tell which runs are unfinished, so that nothing paid for is forgotten."""
    for live_records in _live_records.values():
        for run in live_records.touched():
            sent = sum(job.status in SENT for job in run.jobs)
            deferred = sum(job.record.is_deferred for job in run.jobs)
            unsent = sum(job.status in UNSENT for job in run.jobs) - deferred
            doubtful = sum(job.status in COLLECTABLE for job in run.jobs)
            if doubtful:
                tell(
                    f"run {run.id}: {doubtful} may be paid for without a {run.noun}; resume({run.id}) asks for it"
                )
            if sent:
                tell(f"run {run.id} is not finished; resume({run.id}) collects {sent} of its {run.noun}s")
            if unsent:
                tell(f"run {run.id}: {unsent} not sent; resume({run.id}, unsent=True) sends what is left")
            if deferred:
                tell(f"run {run.id}: {deferred} deferred; `rivya-nb work` sends them")
        live_records.store.close()


@shows_params
def plan(
    prompt: Prompt = None,
    *,
    prompts: object = None,
    prompt_column: str | None = None,
    templates: bool | None = None,
    coupled: object = (),
    model: str | Sequence[str] = DEFAULT_MODEL,
    references: object = (),
    repeat: int = 1,
    replicates: int = 1,
    sample: int | None = None,
    sample_seed: int | None = None,
    pair_seeds: bool = True,
    name: str | None = None,
    max_credits: int | None = None,
    max_parallel: int | None = None,
    fresh: bool = False,
    shrink_references: bool = False,
    params: Mapping[str, object] | None = None,
    **more_params: Unpack[ModelParams],
) -> Plan:
    """The requests that `generate` would send with the same arguments, and their price. Nothing is sent.

    Raises:
        InvalidRequestError, UsageError: with every mistake that was found.
    """
    _check_whole_number("repeat", repeat, 1)
    _check_whole_number("replicates", replicates, 1)
    if sample is not None:
        _check_whole_number("sample", sample, 1)
    if sample_seed is not None:
        _check_whole_number("sample_seed", sample_seed, 0)
    if not isinstance(pair_seeds, bool):
        raise UsageError([Mistake("pair_seeds", f"{short_repr(pair_seeds)} is neither True nor False")])
    if not isinstance(templates, (bool, NoneType)):
        raise UsageError([Mistake("templates", f"{short_repr(templates)} is neither True nor False")])
    if not isinstance(prompt_column, (str, NoneType)):
        raise UsageError(
            [Mistake("prompt_column", f"{short_repr(prompt_column)} is no name of a column, which is a text")]
        )
    if max_credits is not None:
        _check_whole_number("max_credits", max_credits, 0)
    session = current_session()
    sets = reference_sets(references)
    body, prompts = _body_and_table(prompt, prompts)
    if prompts is None and (prompt_column is not None or templates is not None):
        where = "templates" if prompt_column is None else "prompt_column"
        raise UsageError(
            [Mistake(where, "it is about a table of prompts, and there is none; give prompts=…")]
        )
    if prompts is None and not isinstance(body, str):
        check_asked(body)
        asked = (repeat, sample, sample_seed, pair_seeds, model)
        if more_params or params or sets or coupled or asked != (1, None, None, True, DEFAULT_MODEL):
            raise UsageError(
                "Requests and jobs are sent as they are; model, references, repeat, sample, pair_seeds and params "
                "cannot change them. replicates=… asks the very same several times. Several prompts go into a "
                "list."
            )
        items = [body] if isinstance(body, (Request, Job)) else list(() if body is None else body)
        return session.plan_requests(
            items,
            replicates=replicates,
            name=name,
            max_credits=max_credits,
            max_parallel=max_parallel,
            fresh=fresh,
        )
    given = _merged(params, more_params)
    groups = groups_of(coupled)
    together = {each for group in groups for each in group}
    names = notebook_variables().keys()
    table = None if prompts is None else prompt_table(prompts, prompt_column, templates, names)
    template = (
        table.template
        if table is not None and body is None
        else parse_prompt(str(body), variables=False, names=names, rows=None if table is None else table.axis)
    )
    return session.plan(
        template,
        models=[model]
        if isinstance(model, str)
        else cast("list[str]", list(map(plain_value, listed(model) or model))),
        params={
            key: as_axis(value, key, coupled=key in together) or (value,) for key, value in given.items()
        },
        references=sets,
        table=table,
        coupled=groups,
        repeat=repeat,
        replicates=replicates,
        sample=sample,
        sample_seed=sample_seed,
        pair_seeds=pair_seeds,
        order=[*(axis.name for axis in template.axes), MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, *given],
        name=name,
        max_credits=max_credits,
        max_parallel=max_parallel,
        fresh=fresh,
        shrink_references=shrink_references,
    )


def read_plan(
    path: str | os.PathLike[str],
    *,
    max_credits: int | None = None,
    max_parallel: int | None = None,
    fresh: bool = False,
) -> Plan:
    """The plan of a study file, as `Plan.to_toml` writes it and a person edits it. Nothing is evaluated or sent.

    Seeds that stand in the file count as written down, so that what the history has costs nothing. A reference is
    looked for in the store by its content, and else in the folder of the file.

    Raises:
        InvalidRequestError, UsageError: with every mistake, each with the key in the file that it stands at.
    """
    from rivya_nb.session import study_files

    if max_credits is not None:
        _check_whole_number("max_credits", max_credits, 0)
    return study_files.read_plan(
        current_session(), path, max_credits=max_credits, max_parallel=max_parallel, fresh=fresh
    )


def import_bundle(path: str | os.PathLike[str]) -> Imported:
    """Take a colleague's study into the store: what `run.export(path, format="bundle")` wrote, a folder or a zip.

    What is here already stays and nothing is there twice, so that importing again changes nothing. A run gets a
    number of this store. Imported results cost nothing here, and stand for identical requests to the same service
    as your own do; marks are taken where a picture has none. Everything is checked and nothing is executed, but
    that a picture came from the service is the bundle's word: import what comes from people you trust.

    Raises:
        UsageError: it is no bundle, is damaged, or has a job of this store with another request; nothing was
            imported.
        StoreError: the store cannot be written.
    """
    from rivya_nb.session import bundles

    return bundles.import_bundle(current_session(), path)


@shows_params
def generate(
    prompt: Prompt = None,
    *,
    prompts: object = None,
    prompt_column: str | None = None,
    templates: bool | None = None,
    coupled: object = (),
    model: str | Sequence[str] = DEFAULT_MODEL,
    references: object = (),
    repeat: int = 1,
    replicates: int = 1,
    sample: int | None = None,
    sample_seed: int | None = None,
    pair_seeds: bool = True,
    name: str | None = None,
    max_credits: int | None = None,
    max_parallel: int | None = None,
    fresh: bool = False,
    shrink_references: bool = False,
    params: Mapping[str, object] | None = None,
    **more_params: Unpack[ModelParams],
) -> Run:
    """Ask for pictures, videos or sounds. The run starts at once; `run.wait()` waits for it.

    A param given as a list, tuple, range or numpy array is an axis; so are `{dawn|dusk}` in the prompt, a
    list of models, and a dict of labels to references. None means *not sent*. `params={…}` is for keys that
    are also names of arguments here. `repeat` draws that many seeds, the same for every prompt, or
    anew for each where `pair_seeds` is False. `replicates` asks the very same that many times, its seed included:
    each has a number, and takes its own earlier picture at no cost. `sample` asks only so many places of the
    product, an even part for each prompt; the same `sample_seed` (0 if not given) draws the same ones, and every
    replicate of a place is asked. `fresh` also requests, and pays for, what is in the history already. At most
    `max_parallel` requests of this run are worked on at a time.

    `prompts` is a table of them: a list of texts or dicts, a DataFrame of pandas or polars, or the path of a CSV,
    TSV, JSONL or text file; all but the path as a text may also stand in the place of `prompt`. One row is one
    value of the axis `prompt`. The column `prompt_column` has the wordings (`prompt` if not given). Columns that
    are params of the model, `model` and `references` (paths below the table's folder) belong to their row; all
    others are facts that are not sent and stay with the results. An empty cell is *not given*. A `prompt` beside
    the table has `{prompt}` where a row's wording goes. A row with `{a|b}` is refused unless `templates` says
    whether it is expanded (True) or sent as it stands (False). `coupled` names params, `model`, `references` or
    axes of the prompt that take their values together, as one axis: `coupled=("width", "height")`.

    A reference is a path, bytes, a data URL, an open file, a Pillow image, a numpy array (H × W or H × W × 3 or
    4; uint8, uint16, or float from 0 to 1), a job or a run (its results); None is no reference.
    `shrink_references` re-encodes references that are too large.

    Raises:
        InvalidRequestError, UsageError: with every mistake that was found; nothing was sent.
        CreditLimitError: it would cost more than is allowed (500 credits if no limit was given).
        NotConnectedError: there is no key for the service.
    """
    return plan(
        prompt,
        prompts=prompts,
        prompt_column=prompt_column,
        templates=templates,
        coupled=coupled,
        model=model,
        references=references,
        repeat=repeat,
        replicates=replicates,
        sample=sample,
        sample_seed=sample_seed,
        pair_seeds=pair_seeds,
        name=name,
        max_credits=max_credits,
        max_parallel=max_parallel,
        fresh=fresh,
        shrink_references=shrink_references,
        params=params,
        **more_params,
    ).run()


def _body_and_table(
    prompt: Prompt, prompts: object
) -> tuple[str | Request | Job | Iterable[object] | None, object]:
    """The prompt as far as it is written in the call, and the table of prompts, if there is one."""
    if prompt is None and prompts is None:
        raise UsageError([Mistake("prompt", "there is none; give a text, or a table of them as prompts=…")])
    if isinstance(prompt, str):
        if prompts is None and is_table_name(prompt) and user_path(prompt.strip()).is_file():
            shown = short_repr(prompt.strip())
            message = (
                f"{shown} is the name of a file; prompts={shown} reads it, and prompts=[{shown}] asks for it"
            )
            raise UsageError([Mistake("prompt", message)])
        return prompt, prompts
    if not isinstance(prompt, os.PathLike) and not is_table(prompt):
        return prompt, prompts
    if prompts is not None:
        raise UsageError(
            [Mistake("prompts", "there are two tables; give the text with {prompt} as the prompt")]
        )
    return None, prompt


def _check_whole_number(name: str, value: object, least: int) -> None:
    """Raise UsageError if an argument is not a whole number, or is less than `least`."""
    value = plain_value(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError([Mistake(name, f"{short_repr(value)} is not a whole number from {least} on")])


def _merged(params: Mapping[str, V] | None, more: Mapping[str, V]) -> dict[str, V]:
    twice = sorted(set(params or {}) & set(more))
    if twice:
        raise UsageError([Mistake(key, "it is given twice, in params= and by itself") for key in twice])
    return {**(params or {}), **more}


def resume(
    run: Run | int | str | None = None, *, unsent: bool = False, max_credits: int | None = None
) -> Run:
    """Go on with a run, or with all unfinished runs: collect what was, or may have been, submitted.

    `run` may also be a run's id or name. With `unsent=True`, this also sends what was never sent.

    Raises:
        UsageError: there is no such run, or nothing is unfinished.
        CreditLimitError: sending the rest costs more than is allowed.
    """
    return current_session().resume(run, unsent=unsent, max_credits=max_credits)


def recall(picture: str | os.PathLike[str] | bytes) -> Request:
    """The request that a result came from, for `plan` and `generate`; its `notes` say what did not fit.

    A picture that this tool saved, or the JSON beside it, gives all of it; an original is known by its content,
    which may also be named by its SHA-256. Of what A1111 and its kin, ComfyUI, InvokeAI, SwarmUI, Fooocus, NovelAI
    and Draw Things write, it takes the prompt, the seed and the size, as far as they are told and the model takes
    them. The model is kept where the catalogue knows it, and is the default one else. A prompt is taken whole or
    not at all: where several were put together, or one was made by a program, the error shows what there is.

    Raises:
        UsageError: there is no such file, it cannot be read, or it tells of no request.
    """
    return current_session().recall(picture)


@overload
def runs(id: None = None) -> Runs: ...
@overload
def runs(id: int | str) -> Run: ...
def runs(id: int | str | None = None) -> Run | Runs:  # noqa: A002 - the public name
    """All runs of the store, newest first, read when they are used; or the run with this id, or the newest one
    with this name.

    Raises:
        UsageError: there is no such run.
    """
    session = current_session()
    return session.runs() if id is None else session.run(id)


def models(*words: str, category: str | None = None, refresh: bool = False) -> ModelList | ModelSheet:
    """The models with all these words in their id or name, or the page of the one with this id: what each makes,
    takes and costs, and whether it can be run. `category` is "image", "video" or "audio"; `refresh` fetches the
    service's own list first.

    Raises:
        UsageError: no model matches; the message offers the nearest choice.
    """
    from rivya_nb.session.showing.models import find_models

    return find_models(current_session(), words, category, refresh=refresh)


def history(
    *,
    prompt: str | None = None,
    model: str | Collection[str] | None = None,
    seed: Choice = None,
    rating: int | None = None,
    favourite: bool = False,
    tag: str | Collection[str] | None = None,
    run: Run | int | str | Collection[Run | int | str] | None = None,
    by: str | Collection[str] | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    picture_width: Choice = None,
    picture_height: Choice = None,
    hidden: bool = False,
    excluded: bool | None = None,
    facts: Mapping[str, Choice] | None = None,
    sort: str | None = None,
    params: Mapping[str, Choice] | None = None,
    **more_params: Choice,
) -> History:
    """All results of the store that match every given filter, newest first.

    `prompt` is words in any order: `fox OR wolf` is either, `-cartoon` none with it, `"red fox"` just that text.
    `rating` is at least that, several tags must all be there, `run` is a run, its id or its name (the newest one
    of that name is meant), or several of which it is one: the grid of `run=[9, 10]` has the axes of both. `by` is
    the user who asked, or several of whom one did. Params are compared with those that were sent. Of several
    models, or values of a param, any will do, and so will each whole number of a `range`. `picture_width` and
    `picture_height` are in pixels.
    `since` and `until` are "30m", "12h", "7d" or "2w" ago, a day, or a date with a time (local, where it names no
    zone); a day counts whole. What was hidden is left out unless `hidden`. `facts` are what a table of prompts
    says of a result beside the params, by the column: `facts={"category": "animals"}`; all of them are of one
    place in a run. `excluded=True` finds what is kept out of figures, False everything else. `sort` is "newest",
    "oldest", "rating" (the highest first) or "seed" (the lowest first). `params={…}` is for keys that are also
    names of arguments here.

    The store is read only when something is used: indexing, slicing and `page(n)` read what they give, and `len`
    only counts.

    Raises:
        UsageError: with every mistake.
    """
    return current_session().history(
        prompt=prompt,
        model=model,
        seed=seed,
        rating=rating,
        favourite=favourite,
        tag=tag,
        run=run,
        by=by,
        since=since,
        until=until,
        picture_width=picture_width,
        picture_height=picture_height,
        hidden=hidden,
        excluded=excluded,
        facts=facts,
        sort=sort,
        params=_merged(params, more_params),
    )


def import_votes(path: str | os.PathLike[str], *, rater: str | None = None) -> ImportedVotes:
    """Take in the votes of a file that a page for judging gave (`run.rank(by="seed").write_page("judge.html")`).

    They belong to the rater for whom the page was written, or to `rater`. Importing a file again changes nothing,
    and a newer file of the same page adds what is new.

    Raises:
        UsageError: this is no file with votes, the store did not write its page, or the rater's name belongs to
            somebody else. Nothing is imported then.
    """
    from rivya_nb.study.ranking.page import import_votes as take_in

    return take_in(current_session().store.votes, user_path(path), rater)


@overload
def drift(name: None = None) -> Canaries: ...
@overload
def drift(
    name: str,
    run: Run | int | str | None = None,
    *,
    replicates: int | None = None,
    max_credits: int | None = None,
) -> Drift: ...
def drift(
    name: str | None = None,
    run: Run | int | str | None = None,
    *,
    replicates: int | None = None,
    max_credits: int | None = None,
) -> Drift | Canaries:
    """Whether the service has changed: the requests of a run, asked again on several occasions.

    `drift("canary", run)` pins the requests of the run's results under a name, and buys `replicates` results of
    each: without them nobody knows what the very same request differs by. By default they are as few as a verdict
    needs: 5 of a single request, 3 each of two or three, 2 each of more. `drift("canary")`, in whatever kernel and
    at whatever time, buys as many anew, and compares them with the first ones. It waits for its results. Called
    once more with the run, it buys nothing and shows what is known. Without a name it lists all canaries.

    An occasion that was interrupted goes on when it is asked again within a day: what was sent is collected, and
    what was not is sent. `max_credits` limits what one occasion may cost; later ones have the limit of the first
    one, where none is given.

    Raises:
        UsageError: there is no such canary, its run is another one or has no picture, or scikit-image is missing
            (the extra `analysis`); nothing was sent.
        CreditLimitError: an occasion would cost more than is allowed; nothing was sent, and nothing pinned.
        NotConnectedError: there is no key for the service.
    """
    from rivya_nb.session.drifting import ask_canary, list_canaries

    session = current_session()
    if name is None:
        return list_canaries(session)
    if max_credits is not None:
        _check_whole_number("max_credits", max_credits, 0)
    return ask_canary(session, name, run, replicates=replicates, max_credits=max_credits).wait()


def undo() -> str:
    """Take back the last favourite, rating, tag, note, hiding or exclusion; gives a text that says what it was.

    Calling it again takes back the one before. Each user of a store takes back the own marks; a picture that
    another user has marked since stays as it is. A deletion cannot be taken back.
    """
    return current_session().undo()
