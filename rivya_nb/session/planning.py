"""What plans are made of: params, requests and sources of references, as they were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.ideas import shared_name, shared_names
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import check_whole
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.sources import LOST, FromVariable, is_there
from rivya_nb.planning.expansion import Expansion
from rivya_nb.session.job import Job
from rivya_nb.session.pictures import Pictures
from rivya_nb.session.plan import Plan
from rivya_nb.views.models import not_known_words

if TYPE_CHECKING:
    from rivya_nb.session.session import Session
    from rivya_nb.store.files import ContentFiles


def shared_params(params: Mapping[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    """Params by the names that every model shares.

    Raises:
        UsageError: one of them is given under two names.
    """
    named: dict[str, str] = {}
    for key in params:
        if (other := named.setdefault(shared_name(key), key)) != key:
            raise UsageError([Mistake(key, f"it is given as {other!r} too; leave one of them out")])
    return shared_names(params)


def request_of(item: object, files: ContentFiles) -> Request:
    """The request that an item is or stands for.

    Raises:
        InvalidRequestError: the store has lost a reference.
    """
    request = item.request if isinstance(item, Job) else item
    if isinstance(item, (str, Mapping)):
        raise UsageError("Several prompts are a table; give a list of them, or a list with a dict for each.")
    if not isinstance(request, Request):
        raise UsageError(f"A {type(item).__name__} is neither a prompt nor a request nor a job.")
    lost = [Mistake(each.name, LOST) for each in request.references if not is_there(each, files)]
    if lost:
        raise InvalidRequestError(lost)
    return request


def opened(sources: Iterable[object]) -> Iterator[object]:
    """The sources of references; a job stands for its pictures, a run or a history for its jobs.

    Raises:
        UsageError: a job has no picture yet.
    """
    for source in sources:
        if isinstance(source, FromVariable) and isinstance(source.source, (Pictures, Job)):
            yield from opened([source.source])
        elif isinstance(source, Pictures):
            yield from opened(source.jobs)
        elif not isinstance(source, Job):
            yield source
        elif source.record.pictures:
            yield from source.record.pictures
        else:
            why = source.status if source.record.deleted_at is None else "it was deleted"
            raise UsageError([Mistake("references", f"job {source.id[:8]} has no {source.noun} ({why})")])


def planned(
    session: Session,
    expansion: Expansion,
    *,
    name: str | None,
    max_credits: int | None,
    max_parallel: int | None,
    fresh: bool,
    notes: Sequence[str] = (),
) -> Plan:
    """The plan of an expansion, with all that its requests and models have to tell."""
    check_whole("name", name)
    asked = dict.fromkeys(item.request.model for item in expansion.requests)
    models = [session.catalogue[model_id] for model_id in asked if model_id in session.catalogue]
    return Plan(
        session,
        expansion,
        name=name,
        max_credits=max_credits,
        max_parallel=max_parallel,
        fresh=fresh,
        notes=[
            *notes,
            *dict.fromkeys(note for item in expansion.requests for note in item.request.notes),
            *(note for model in models for note in not_known_words(model)),
        ],
    )
