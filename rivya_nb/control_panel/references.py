"""Reference pictures of the panel: dropped, chosen or pasted, as thumbnails that can be ordered, put together as
sets, and removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from rivya_nb.contract.catalogue import MEGABYTE
from rivya_nb.contract.references import Reference
from rivya_nb.contract.text import printable
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.arrivals import KINDS, Arrival, Arrivals
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.control_panel.reference_sets import ReferenceSet, ReferenceSets
from rivya_nb.errors import InvalidRequestError, PictureError, RivyaError, UsageError
from rivya_nb.jobs.intake import SHRINK_OFFER, take_references
from rivya_nb.jobs.sources import LARGEST
from rivya_nb.store.records import PictureRecord
from rivya_nb.views.thumbnails import thumbnail
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.contract.catalogue import Model
    from rivya_nb.contract.request import Request
    from rivya_nb.session.session import Session

BOX = (144, 144)
MOST_BYTES = 6_000
"""A thumbnail in the strip: pixels at most, and bytes before base64."""

NAME = 24
"""Characters of a prompt in the name of a picture that was made of it."""

Rules = dict[str, Any]
Item = dict[str, Any]


class ReferenceStrip(anywidget.AnyWidget):
    """The row of thumbnails, and the place to drop files.

    `items` are shown in their order, each with the number of its set, from 0 on; `several` says that the sets are
    an axis, `values` how many it has, `without` that one of them is no reference at all. `rules` is what is
    checked before a file is sent, and said of the model; `shrink` that what is too large is encoded anew.
    """

    _esm = joined(Path(__file__).with_name("reference_strip.js"))
    items: traitlets.List[Item] = traitlets.List().tag(sync=True)
    several = traitlets.Bool(False).tag(sync=True)
    values = traitlets.Int(0).tag(sync=True)
    without = traitlets.Bool(False).tag(sync=True)
    rules: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    shrink = traitlets.Bool(False).tag(sync=True)


class References:
    """The references of the next requests, in their order: one set, or several as an axis.

    `changed` is called when the user has changed them, `arrives` when more or less is on its way, `recall` with
    the request that a dropped picture came from, when the user wants its settings back. Messages are handled on
    the session's loop, whichever thread they come on; files are read and checked in worker threads.
    """

    def __init__(
        self,
        session: Session,
        changed: Callable[[], None],
        arrives: Callable[[], None],
        recall: Callable[[Request], None],
    ) -> None:
        self._session = session
        self._changed = changed
        self._arrives = arrives
        self._handed = 0
        self._watching: Future[None] | None = None
        self._recall = recall
        self._models: Sequence[Model] = ()
        self._arrivals = Arrivals(self._arrived, lambda answer: self._strip.send(answer))
        self._numbers: dict[Reference, int] = {}
        self._requests: dict[str, Request] = {}
        self._thumbnails: dict[str, str] = {}
        self._background = Background(session.work_loop, lambda text: self.show([text]))
        self._sets = ReferenceSets()
        self._strip = make(ReferenceStrip, rules=_rules(()))
        self._strip.on_msg(self._receive)
        self._mistakes = markup.empty()
        self.widget = make(ipywidgets.VBox, [self._strip, self._mistakes], classes="rivya-control")

    @property
    def value(self) -> tuple[ReferenceSet, ...]:
        """No set, the one that every request takes, or the values of an axis, of which the last may be empty."""
        return self._sets.value

    @property
    def names(self) -> set[str]:
        """What mistakes call them: a file by its name, an address by itself."""
        return {reference.url or reference.name for reference in self._sets.references}

    @property
    def arriving(self) -> str:
        """What is on its way and will be one of them, in words; empty where nothing is. Asked on any thread."""
        return self._arrivals.words or ("the references" if self._handed else "")

    @property
    def shrinks(self) -> bool:
        """Whether what is too large is to be encoded anew."""
        return bool(self._strip.shrink)

    def put(self, sets: Sequence[ReferenceSet]) -> None:
        """Show these sets, as an axis if there are several; the references' files are in the store."""
        self._sets = ReferenceSets.of(sets)
        self._background.start(self._show())

    def add(self, sources: Sequence[object]) -> None:
        """Take more of what `take_references` takes, pictures of the store among them."""
        self._handed += 1
        self._background.start(self._add(sources))

    def set_models(self, models: Sequence[Model]) -> None:
        """The models whose rules hold from now on."""
        self._models = models
        self._strip.rules = _rules(models)

    def show(self, mistakes: Sequence[str]) -> None:
        """Show what a plan says is wrong with them."""
        self._mistakes.value = markup.mistakes_html(mistakes)

    def close(self) -> None:
        """Give the widgets up."""
        self._background.close()
        give_up(self.widget)

    # Messages of the strip

    def _receive(self, _widget: object, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        if content.get("kind") == "begin":
            # A cell may be running, and a click follow before its end: it waits for the file.
            self._arrivals.announce(content)
        self._session.work_loop.loop.call_soon_threadsafe(self._handle, content, buffers)

    def _handle(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        kind = content.get("kind")
        if kind in KINDS:
            self._arrivals.handle(content, buffers)
            self._arrives()
            if self._watching is None or self._watching.done():
                self._watching = self._background.start(self._arrivals.watch(self._gave_up))
        elif kind == "axis":
            self._change(self._sets.as_axis(content.get("on") is True))
        elif kind == "without":
            self._change(replace(self._sets, without=content.get("on") is True))
        else:
            self._handle_card(content)

    def _handle_card(self, content: Mapping[str, Any]) -> None:
        """Do what was asked of one reference; what is asked of one that there is not, is not done.

        It is named by its key: its place may be another by now, if the button was pressed twice.
        """
        places = {key: place for place, key in enumerate(self._sets.keys)}
        kind, place = content.get("kind"), places.get(str(content.get("card")))
        if place is None:
            return
        if kind == "recall":
            request = self._requests.get(self._sets.references[place].sha256)
            if request is not None:
                self._recall(request)
        elif kind == "remove":
            self._change(self._sets.removed(place))
        elif kind == "join":
            self._change(self._sets.joined(place))
        elif kind == "split":
            self._change(self._sets.split(place))
        elif kind == "step":
            other = place + (1 if content.get("forward") is True else -1)
            if 0 <= other < len(places):
                self._change(self._sets.exchanged(place, other))
        elif kind == "move" and (to := places.get(str(content.get("to")))) is not None:
            self._change(self._sets.moved(place, to))

    def _change(self, sets: ReferenceSets) -> None:
        self._sets = sets
        self._background.start(self._show())
        self._changed()

    def _gave_up(self, arrival: Arrival) -> None:
        why = "it stopped coming; add it once more"
        self._strip.send({"kind": "refused", "file": arrival.number, "name": arrival.name, "why": why})
        self._arrives()

    def _arrived(self, arrival: Arrival) -> None:
        self._background.start(self._accept(arrival))

    async def _accept(self, arrival: Arrival) -> None:
        """A file is here as a whole: take it, or say why not."""
        about = {"file": arrival.number, "name": arrival.name}
        try:
            await self._keep(arrival)
        except RivyaError as error:
            self._strip.send({"kind": "refused", **about, "why": _why(error)})
        except Exception:
            # What was wrong is told by whoever runs this; the file's card would wait for ever.
            self._strip.send({"kind": "dropped", **about})
            raise
        else:
            self._strip.send({"kind": "taken", **about})
            self._changed()
        finally:
            self._arrivals.taken(arrival.number)
            self._arrives()

    async def _keep(self, arrival: Arrival) -> None:
        data = bytes(arrival.data)
        (reference,) = await asyncio.to_thread(self._take, [data])
        self._insert(replace(reference, name=arrival.name), arrival.number)
        request = await asyncio.to_thread(self._request_of, data)
        if request is not None:
            self._requests[reference.sha256] = request
        await self._show()

    def _insert(self, reference: Reference, number: int) -> None:
        """Put it behind the files that were sent before it, whose numbers are lower: a small file overtakes a
        large one on the way."""
        self._numbers[reference] = number
        there = enumerate(self._sets.references)
        later = (at for at, other in there if self._numbers.get(other, -1) > number)
        self._sets = self._sets.added([reference], before=next(later, None))

    async def _add(self, sources: Sequence[object]) -> None:
        self._arrives()
        try:
            taken = await asyncio.to_thread(lambda: self._take([self._named(source) for source in sources]))
            self._sets = self._sets.added(taken)
            await self._show()
            self._changed()
        except RivyaError as error:
            self.show([_why(error)])
        finally:
            self._handed -= 1
            self._arrives()

    def _named(self, source: object) -> object:
        """A picture of the store as a reference that is called after what was asked for, in place of a number."""
        if not isinstance(source, PictureRecord):
            return source
        job = self._session.store.pictured(source.sha256)
        if job is None:
            return source
        name = printable(job.prompt, NAME) + ("" if job.seed is None else f", seed {job.seed}")
        return Reference(source.sha256, "image", source.mime_type, name, source.size)

    def _take(self, sources: Sequence[object]) -> tuple[Reference, ...]:
        return take_references(sources, self._models, self._session.store.files, shrink=self.shrinks)

    def _request_of(self, data: bytes) -> Request | None:
        """The request that a picture of this tool came from; None for any other picture."""
        try:
            return self._session.recall(data)
        except UsageError:
            return None

    async def _show(self) -> None:
        """Show the references as they are now; thumbnails are made in a worker thread."""
        await asyncio.to_thread(self._make_thumbnails, self._sets.references)
        sets = self._sets
        with self._strip.hold_sync():
            self._strip.several, self._strip.without = sets.several, sets.without
            self._strip.values = len(sets.value)
            numbers = [number for number, references in enumerate(sets.sets) for _ in references]
            self._strip.items = [
                {
                    "key": key,
                    "set": number,
                    "name": reference.name,
                    "about": _about(reference),
                    "thumbnail": self._thumbnails.get(reference.sha256, ""),
                    "recallable": reference.sha256 in self._requests,
                }
                for key, number, reference in zip(sets.keys, numbers, sets.references, strict=True)
            ]

    def _make_thumbnails(self, references: Sequence[Reference]) -> None:
        for reference in references:
            if reference.sha256 not in self._thumbnails and not reference.url:
                path = self._session.store.files.path(reference.sha256, reference.mime_type)
                try:
                    small = thumbnail(path, box=BOX, max_bytes=MOST_BYTES)
                except PictureError:
                    continue
                self._thumbnails[reference.sha256] = small.uri


def _rules(models: Sequence[Model]) -> Rules:
    """What the strip checks by itself, and says of the models; `{n}` stands for how many there are."""
    known = [model.references for model in models if model.references is not None]
    taken = bool(known) and len(known) == len(models)
    most = min((rules.max_files for rules in known if rules.max_files is not None), default=None)
    sizes = [size for rules in known if (size := rules.rule("image").max_bytes) is not None]
    words = ["{n}" if most is None else f"{{n}} of {most}"]
    if sizes:
        words.append(f"≤ {min(sizes) / MEGABYTE:g} MB each")
    refusal = "this model takes none" if len(models) < 2 else "not all of these models take any"
    return {
        "taken": taken,
        "max_files": most,
        "max_bytes": min(sizes, default=None),
        "largest": LARGEST,
        "words": " · ".join(words) if taken else refusal,
    }


def _about(reference: Reference) -> str:
    if reference.url:
        return "a web address"
    size = (
        f"{reference.size / MEGABYTE:.1f} MB"
        if reference.size >= MEGABYTE / 10
        else f"{reference.size:,} bytes"
    )
    return f"{size} · {reference.note}" if reference.note else size


def _why(error: RivyaError) -> str:
    """Why a file was refused; where encoding it anew would help, as the strip offers that."""
    if not isinstance(error, InvalidRequestError):
        return str(error)
    text = "; ".join(mistake.message for mistake in error.mistakes)
    return text.replace(SHRINK_OFFER, "“shrink what is too large” sends it encoded anew")
