"""The paragraph of a paper that says how pictures were made, from what the store knows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from urllib.parse import urlsplit

from rivya_nb._version import __version__
from rivya_nb.api.address import is_loopback_host
from rivya_nb.contract.catalogue import Catalogue
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.contract.service import SANDBOX
from rivya_nb.contract.text import count, printable
from rivya_nb.store.records import UNFINISHED, JobRecord
from rivya_nb.study.places import PicturedPlace

REPLICATE = "replicate"

_TOLD = ("prompt", "model", "references", "request", "repeat", "run", "", SEED_KEY, REPLICATE)
"""Axes that have a sentence of their own, or that say nothing about how a picture was made."""

_MOST_VALUES = 10
_MOST_CATEGORIES = 8
_VALUE_LENGTH = 80
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Studied:
    """What the paragraph is about: all `jobs` that were asked for, each once, and the `places` of all their
    pictures, the excluded ones among them.

    `runs` are ids, `reasons` say why a job is excluded, by its id, and `models` gives a service's catalogue.
    """

    runs: Sequence[int]
    jobs: Sequence[JobRecord]
    places: Sequence[PicturedPlace]
    reasons: Mapping[str, str]
    models: Callable[[str], Catalogue]


def methods_text(studied: Studied) -> str:
    """The paragraph, in one line of plain text."""
    sentences = (
        _opening(studied),
        _outcome(studied.jobs),
        _prompts(studied.places, studied.jobs),
        *_settings(studied),
        _exclusions(studied),
        _price(studied.jobs),
        _versions(studied),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _opening(studied: Studied) -> str:
    jobs = studied.jobs
    kinds = {job.model: job.service for job in jobs}
    names = _together([_model(studied.models(service), model) for model, service in kinds.items()])
    word = "model" if len(kinds) == 1 else "models"
    services = dict.fromkeys(_host(job.service) for job in jobs if job.service != SANDBOX)
    drawn = sum(job.service == SANDBOX for job in jobs)
    runs = f"; run{'s' if len(studied.runs) > 1 else ''} {_spans(studied.runs)}" if studied.runs else ""
    when = f"{_days(jobs)} (UTC{runs})"
    if drawn == len(jobs):
        return (
            f"The pictures are drawings of the sandbox of rivya_nb, made {when}: it stands in for the service "
            f"with the {word} {names}, no image model was asked, and nothing here says anything about one."
        )
    made = "generated with" if any(job.pictures for job in jobs) else "asked of"
    first = f"Pictures were {made} the {word} {names} through {_together(services)} {when}."
    if drawn:
        first += (
            f" Of the {len(jobs):,} requests, {drawn:,} went to the sandbox of rivya_nb instead, which draws "
            "pictures itself: no image model made these."
        )
    return first


def _model(catalogue: Catalogue, model: str) -> str:
    known = catalogue.get(model)
    name = known.display_name if known is not None else ""
    return f"{printable(name)} ({printable(model)})" if name and name != model else printable(model)


def _host(service: str) -> str:
    host = urlsplit(service).hostname or printable(service)
    return f"a service on the machine itself ({printable(service)})" if is_loopback_host(host) else host


def _days(jobs: Iterable[JobRecord]) -> str:
    """`on 28 November 2026`, or `from 27 to 28 November 2026`."""
    moments = [job.submitted_at or job.created_at for job in jobs]
    first, last = (datetime.fromtimestamp(each, timezone.utc).date() for each in (min(moments), max(moments)))
    if first == last:
        return f"on {_day(last)}"
    start = _day(first)
    if first.year == last.year:
        start = start.rsplit(" ", 1)[0] if first.month != last.month else str(first.day)
    return f"from {start} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _outcome(jobs: Sequence[JobRecord]) -> str:
    there = [job for job in jobs if job.pictures]
    pictures = sum(len(job.pictures) for job in there)
    asked, given = count(len(jobs), "request"), count(pictures, "picture")
    if len(there) == len(jobs):
        verb = "gave" if len(jobs) == pictures else "gave altogether"
        return f"{asked.capitalize()} {verb} {given}."
    ends = Counter(_end(job) for job in jobs if not job.pictures)
    others = [f"{number:,} {_was(number, words)}" for words, number in ends.items()]
    gave = f"{len(there):,} gave {given}" if there else "none gave a picture"
    return f"Of {asked}, {gave}; {_together(others)}."


_ENDS = {
    "failed": "failed and * not billed",
    "stopped": "* not sent",
    "unknown": "may have been billed, with an unknown end",
    "undelivered": "* billed, without a picture that could be fetched",
}


def _end(job: JobRecord) -> str:
    if job.deleted_at:
        return "had their pictures deleted"
    return "* not finished" if job.status in UNFINISHED else _ENDS.get(job.status, f"ended as {job.status}")


def _was(number: int, words: str) -> str:
    words = words.replace("*", "was" if number == 1 else "were")
    return words.replace("their pictures", "its pictures") if number == 1 else words


def _prompts(places: Sequence[PicturedPlace], jobs: Sequence[JobRecord]) -> str:
    prompts = list(dict.fromkeys(job.prompt for job in jobs))
    if len(prompts) == 1:
        return f"The prompt was “{printable(prompts[0])}”."
    facts: dict[str, dict[str, str]] = {}
    for place in places:
        for column, value in place.facts.items():
            facts.setdefault(column, {}).setdefault(place.job.prompt, value)
    groups = []
    for column, values in facts.items():
        numbers = Counter(values.values())
        if len(numbers) < len(values) and len(numbers) <= _MOST_CATEGORIES:
            told = ", ".join(f"{number} {_value(value)}" for value, number in numbers.items())
            groups.append(f"{printable(column)}: {told}")
    told = f" ({'; '.join(groups)})" if groups else ""
    return f"There were {count(len(prompts), 'prompt')}{told}."


def _settings(studied: Studied) -> list[str]:
    sentences = [_seeds(studied.jobs)]
    replicates = {job.replicate for job in studied.jobs}
    if len(replicates) > 1:
        times = "twice" if len(replicates) == 2 else f"{len(replicates)} times"
        sentences.append(f"The very same request was made {times} (replicates).")
    told: dict[str, list[str]] = {}
    keys = dict.fromkeys(key for job in studied.jobs for key in job.shared_params if key != SEED_KEY)
    for key in keys:
        values = (job.shared_params.get(key) for job in studied.jobs)
        told[key] = list(dict.fromkeys("not sent" if value is None else _value(value) for value in values))
    for place in studied.places:
        for axis, label in place.labels.items():
            if axis not in _TOLD and axis not in keys:
                told.setdefault(axis, [])
                told[axis] += [_value(label)] * (_value(label) not in told[axis])
    parts = [f"{printable(name)} was {_either(values)}" for name, values in told.items()]
    rest = "params were left at the service's defaults"
    sentences.append(f"{'; '.join([*parts, f'all other {rest}'])}." if parts else f"All other {rest}.")
    references = dict.fromkeys(_value(each.name) for job in studied.jobs for each in job.references)
    if references:
        were = "reference picture was" if len(references) == 1 else "reference pictures were"
        sentences.append(f"The {were} {_together(references)}.")
    return sentences


def _seeds(jobs: Sequence[JobRecord]) -> str:
    by_prompt: dict[str, set[ParamValue]] = {}
    for job in jobs:
        if (seed := job.seed) is not None:
            by_prompt.setdefault(job.prompt, set()).add(seed)
    if not by_prompt:
        return "No seed was sent."
    every = set().union(*by_prompt.values())
    prompts = {job.prompt for job in jobs}
    shared = len(prompts) > 1 and all(by_prompt.get(prompt) == every for prompt in prompts)
    same = ""
    if len(prompts) > 1:
        same = ", the same for every prompt" if shared else ", not the same for every prompt"
    without = sum(job.seed is None for job in jobs)
    less = f"; {count(without, 'request')} had none" if without else ""
    if len(every) == 1:
        return f"The seed was {_value(next(iter(every)))}{same if shared else ''}{less}."
    return f"There were {len(every):,} seeds{same} ({_seed_list(every)}){less}."


def _seed_list(seeds: Collection[ParamValue]) -> str:
    whole = [seed for seed in seeds if isinstance(seed, int)]
    if len(whole) == len(seeds):
        spans = _spans(sorted(whole))
        return spans if spans.count(",") < _MOST_VALUES else f"between {min(whole)} and {max(whole)}"
    return _some(sorted(map(_value, seeds)))


def _exclusions(studied: Studied) -> str:
    reasons: Counter[str] = Counter()
    for job in studied.jobs:
        if job.pictures and job.id in studied.reasons:
            reasons[studied.reasons[job.id]] += len(job.pictures)
    total = sum(reasons.values())
    if not total:
        return "No picture was excluded."
    why = [
        f"“{printable(reason)}”{f' ({number:,})' if len(reasons) > 1 else ''}"
        for reason, number in reasons.items()
    ]
    was, word = "was" if total == 1 else "were", "reason" if len(reasons) == 1 else "reasons"
    pictures = count(total, "picture")
    return f"From every figure {pictures} {was} excluded, for the {word} {_together(why)}."


def _price(jobs: Sequence[JobRecord]) -> str:
    asked = [job for job in jobs if job.service != SANDBOX]
    theirs = [job for job in asked if job.is_paid_elsewhere]
    paid = [job for job in asked if not job.is_paid_elsewhere]
    if not asked:
        counted = sum((job.price or 0) if job.is_paid_elsewhere else job.credits for job in jobs)
        return f"The sandbox counted {count(counted, 'credit')}; nothing was paid."
    told = []
    if paid:
        about = "" if all(job.credits_known for job in paid) else "about "
        each = {job.credits for job in paid if job.pictures}
        rate = f" ({each.pop():,} for each that gave a picture)" if len(each) == 1 and len(paid) > 1 else ""
        what = "The request" if len(paid) == 1 else "The requests"
        what += " of this store" if theirs else ""
        told.append(f"{what} cost {about}{count(sum(job.credits for job in paid), 'credit')}{rate}.")
    if theirs:
        told.append(_paid_elsewhere(theirs, len(jobs)))
    return " ".join(told)


def _paid_elsewhere(theirs: Sequence[JobRecord], every: int) -> str:
    """The sentence about what came from other stores; only the documented price is known of it."""
    was, it = ("was", "it") if len(theirs) == 1 else ("were", "them")
    what = f"{len(theirs):,} of the requests"
    if len(theirs) == every:
        what = "The request" if every == 1 else "All requests"
    prices = [job.price for job in theirs if job.price is not None]
    price = "at a price that is not known here"
    if len(prices) == len(theirs):
        price = f"at a documented price of {count(sum(prices), 'credit')}"
    return f"{what} {was} made with another store, which paid for {it}, {price}."


def _versions(studied: Studied) -> str:
    services = dict.fromkeys(job.service for job in studied.jobs)
    fetched = [studied.models(service).fetched_at for service in services]
    known = [moment for moment in fetched if moment is not None]
    listed = (
        f"the service's list of models of {_day(datetime.fromtimestamp(max(known), timezone.utc).date())}"
        if known
        else "the list of models that comes with it"
    )
    return f"Requests, pictures and marks were kept by rivya_nb {__version__}, with {listed}."


def _value(value: object) -> str:
    text = printable(str(value), _VALUE_LENGTH)
    return f"“{text}”" if " " in text or not text else text


def _either(values: Sequence[str]) -> str:
    if len(values) > _MOST_VALUES:
        return f"one of {len(values):,} values"
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _some(values: Sequence[str]) -> str:
    more = f" and {len(values) - _MOST_VALUES:,} more" if len(values) > _MOST_VALUES else ""
    return f"{', '.join(values[:_MOST_VALUES])}{more}"


def _together(values: Iterable[str]) -> str:
    *most, last = values
    return f"{', '.join(most)} and {last}" if most else last


def _spans(numbers: Sequence[int]) -> str:
    """`1 to 8, 12`: sorted whole numbers."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    told = []
    for span in spans:
        wide = span[-1] - span[0] > 1
        told += [f"{span[0]} to {span[-1]}"] if wide else [str(number) for number in dict.fromkeys(span)]
    return ", ".join(told)
