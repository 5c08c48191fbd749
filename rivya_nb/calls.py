"""The public functions. Each one passes its arguments to the current session."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast, overload

from rivya_nb.arguments import (
    Prompt,
    body_and_table,
    check_asked,
    check_column,
    check_switch,
    check_table,
    check_whole_number,
    merged,
    template_of,
)
from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.params import listed, plain_value
from rivya_nb.contract.request import Request
from rivya_nb.contract.signature import shows_params
from rivya_nb.current import current_session
from rivya_nb.errors import UsageError
from rivya_nb.files import user_path
from rivya_nb.jobs.sources import reference_sets
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS
from rivya_nb.planning.coupling import groups_of
from rivya_nb.planning.values import as_axis
from rivya_nb.session.job import Job

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
    check_whole_number("repeat", repeat, 1)
    check_whole_number("replicates", replicates, 1)
    check_whole_number("sample", sample, 1, optional=True)
    check_whole_number("sample_seed", sample_seed, 0, optional=True)
    check_switch("pair_seeds", pair_seeds)
    check_switch("templates", templates, optional=True)
    check_column(prompt_column)
    check_whole_number("max_credits", max_credits, 0, optional=True)
    session = current_session()
    sets = reference_sets(references)
    body, prompts = body_and_table(prompt, prompts)
    check_table(prompts, prompt_column, templates)
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
    given = merged(params, more_params)
    groups = groups_of(coupled)
    together = {each for group in groups for each in group}
    template, table = template_of(body, prompts, prompt_column, templates)
    models = [model] if isinstance(model, str) else [plain_value(each) for each in listed(model) or model]
    return session.plan(
        template,
        models=cast("list[str]", models),
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

    check_whole_number("max_credits", max_credits, 0, optional=True)
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


def retry(run: Run | int | str, *, max_credits: int | None = None) -> Run:
    """Fetch paid results of a run that did not arrive, and ask anew for what failed.

    `run` may also be a run's id or name.

    Raises:
        UsageError: there is no such run.
        CreditLimitError: asking again costs more than is allowed.
    """
    return current_session().retry(run, max_credits=max_credits)


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
        params=merged(params, more_params),
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
    check_whole_number("max_credits", max_credits, 0, optional=True)
    return ask_canary(session, name, run, replicates=replicates, max_credits=max_credits).wait()


def undo() -> str:
    """Take back the last favourite, rating, tag, note, hiding or exclusion; gives a text that says what it was.

    Calling it again takes back the one before. Each user of a store takes back the own marks; a picture that
    another user has marked since stays as it is. A deletion cannot be taken back.
    """
    return current_session().undo()
