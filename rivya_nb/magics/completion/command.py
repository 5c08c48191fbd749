"""What fits at the cursor in a line of `%rivya`."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Catalogue, Param
from rivya_nb.contract.ideas import shared_name
from rivya_nb.contract.text import count, printable
from rivya_nb.errors import StoreError
from rivya_nb.magics import history
from rivya_nb.magics.commands import COMMANDS, READERS
from rivya_nb.magics.completion.cursor import Slot, find_slot
from rivya_nb.magics.completion.models import model_offers
from rivya_nb.magics.completion.offers import Offer, Offers, fitting, value_offer
from rivya_nb.magics.completion.words import param_note
from rivya_nb.planning.line_reader import PARAM, Flag, is_flag
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    from rivya_nb.session.session import Session
    from rivya_nb.store.store import Store

_MOST = 100
"""The most runs and tags that are offered."""

_AGO = (("30m", "30 minutes ago"), ("12h", "12 hours ago"), ("7d", "7 days ago"), ("2w", "2 weeks ago"))

_GROUP = re.compile(r"\[([^\]]*)\]|(\S+)")


class Usage(NamedTuple):
    """What the usage of a command says: its flags, those of which only one can be given, and what its words are:
    small letters are meant as they are, capitals say what stands there."""

    flags: tuple[Flag, ...]
    exclusive: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]


def read_usage(command: str) -> Usage:
    """The usage of a command, read from the text that the help shows."""
    groups = [group or word for group, word in _GROUP.findall(COMMANDS[command].usage)]
    parts = [tuple(part.strip() for part in group.split("|")) for group in groups]
    flags = tuple(_flag(part) for part in chain(*parts) if part.startswith("--"))
    return Usage(
        flags=history.FLAGS if command in READERS else flags,
        exclusive=tuple(part for part in parts if len(part) > 1),
        words=tuple(part for part in chain(*parts) if part and not part.startswith("--")),
    )


def _flag(part: str) -> Flag:
    name, _, value = part.partition(" ")
    return Flag(name, value or None)


class CommandLine:
    """The line of `%rivya` that is being written, with its cursor. Without a `session`, nothing of a store is
    offered."""

    def __init__(self, before: str, after: str, catalogue: Catalogue, session: Session | None) -> None:
        slot = find_slot(before, after, ())
        begun = before.split(maxsplit=1)
        is_first = not begun or (len(begun) == 1 and not before[-1].isspace())
        self.command = None if is_first else begun[0]
        self._catalogue = catalogue
        self._session = session
        self._usage = read_usage(begun[0]) if self.command in COMMANDS else Usage((), (), ())
        self.slot: Slot = (
            slot if is_first else find_slot(begun[1] if len(begun) > 1 else "", after, self._usage.flags)
        )

    def offers(self) -> Offers:
        """What fits at the cursor."""
        slot = self.slot
        if self.command is None:
            return fitting(
                slot.typed, slot.rest, [Offer(name, entry.help) for name, entry in COMMANDS.items()]
            )
        found: Iterator[Offer] = iter(())
        with suppress(StoreError):
            if slot.flag is not None:
                found = self._values(slot.flag)
            elif slot.key is not None:
                found = self._of_param(slot.key)
            else:
                found = chain(self._words(), self._flags(), self._params())
            rest = slot.rest if slot.key or slot.flag else slot.rest.partition("=")[0]
            return fitting(slot.typed, rest, found)
        return Offers(slot.typed)

    def _words(self) -> Iterator[Offer]:
        values = {flag.name for flag in self._usage.flags if flag.value_name is not None}
        before = ("", *self.slot.others)
        given = [
            word
            for last, word in zip(before, self.slot.others, strict=False)
            if not is_flag(word) and last not in values and not PARAM.fullmatch(word)
        ]
        for word in self._usage.words:
            if word == "WORDS" and self.command == "models":
                yield from model_offers(model for model in self._catalogue.values() if model.id not in given)
            elif word == "NAMES":
                yield from (offer for offer in self._measures() if offer.text not in given)
            elif word == "RUN" and not given:
                yield from self._runs(unfinished_first=True)
            elif not word.isupper() and word not in given:
                yield Offer(word, "word")

    def _flags(self) -> Iterator[Offer]:
        given = {word.partition("=")[0] for word in self.slot.others if is_flag(word)}
        shut = {name for group in self._usage.exclusive if given.intersection(group) for name in group}
        for flag in self._usage.flags:
            if flag.repeatable or flag.name not in given | shut:
                yield Offer(flag.name, flag.value_name or "switch")

    def _params(self) -> Iterator[Offer]:
        if "KEY=VALUE" not in self._usage.words:
            return
        given = {match[1] for word in self.slot.others if (match := PARAM.fullmatch(word))}
        for key, params in self._known_params().items():
            if key not in given:
                yield Offer(key if self.slot.rest else f"{key}=", param_note(params[0]))

    def _of_param(self, key: str) -> Iterator[Offer]:
        """The options of a param in any model: the history has pictures of all of them."""
        from rivya_nb.magics.completion.values import value_offers

        if key == "by" and self.command in READERS and self._session is not None:
            yield from (
                value_offer(user, self.slot.typed, "user")
                for user in self._session.store.users.names()[:_MOST]
            )
        for param in self._known_params().get(key, ()) if "KEY=VALUE" in self._usage.words else ():
            if param.options is not None:
                offers = value_offers(param, self.slot.typed)
                yield from (offer for offer in offers if (offer.plain or offer.text) in param.options)

    def _known_params(self) -> dict[str, list[Param]]:
        found: dict[str, list[Param]] = {}
        models = [model for model in self._catalogue.values() if model.can_run]
        for model in sorted(models, key=lambda model: model.id != DEFAULT_MODEL):
            for param in model.params:
                found.setdefault(shared_name(param.key), []).append(param)
        return found

    def _values(self, flag: Flag) -> Iterator[Offer]:
        """The values of a flag, by its name."""
        of = flag.name.lstrip("-")
        if of == "model":
            yield from model_offers(model for model in self._catalogue.values() if model.can_run)
        elif of == "category":
            sizes = Counter(model.category for model in self._catalogue.values() if model.category)
            yield from (Offer(category, count(size, "model")) for category, size in sizes.items())
        elif of == "sort":
            from rivya_nb.planning.question_words import SORTS

            yield from (Offer(order, "order") for order in SORTS)
            if self._session is not None:
                from rivya_nb.study.kept_measures import kept_names

                yield from (Offer(name, "measure") for name in kept_names(self._session.store))
        elif of == "run":
            yield from self._runs(unfinished_first=False)
        elif of in ("tag", "by", "fact") and self._session is not None:
            yield from self._of_store(of, self._session.store)
        elif of == "rating":
            from rivya_nb.store.records import HIGHEST_RATING

            for stars in range(HIGHEST_RATING, -1, -1):
                yield Offer(str(stars), "stars" if stars == HIGHEST_RATING else "stars or more")
        elif of in ("since", "until"):
            yield from (Offer(text, note) for text, note in _AGO)
            yield Offer(time.strftime("%Y-%m-%d"), "today")
        elif of in ("rows", "cols"):
            from rivya_nb.planning.ask import MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS

            axes = (MODEL_AXIS, PROMPT_AXIS, REFERENCES_AXIS, *self._known_params())
            yield from (Offer(axis, "axis") for axis in axes if axis not in self.slot.others)

    def _of_store(self, of: str, store: Store) -> Iterator[Offer]:
        """The tags, users or facts that the store has."""
        if of == "fact":
            for column, value in store.facts.known(_MOST):
                yield value_offer(f"{column}={value}", self.slot.typed, of)
            return
        known, note = (store.marks.known_tags(), of) if of == "tag" else (store.users.names(), "user")
        for each in known[:_MOST]:
            if each not in self.slot.others:
                yield value_offer(each, self.slot.typed, note)

    def _measures(self) -> Iterator[Offer]:
        from rivya_nb.measures.registry import known_measures

        yield from (Offer(each.name, each.about or each.kind) for each in known_measures().values())

    def _runs(self, *, unfinished_first: bool) -> Iterator[Offer]:
        if self._session is None:
            return
        runs = self._session.store.runs.summaries(_MOST)
        if unfinished_first:
            runs.sort(key=lambda run: not run.unfinished)
        for run in runs:
            if str(run.id) in self.slot.others:
                continue
            name = printable(run.name or time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created_at)), 40)
            state = (
                f"{run.unfinished:,} not finished" if run.unfinished else count(run.pictures, noun(run.makes))
            )
            yield Offer(str(run.id), f"{name}: {state}")
