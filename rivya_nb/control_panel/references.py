"""The references of a panel: files that arrive or are handed over, put in order and together as sets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import traitlets

from rivya_nb.contract.catalogue import MEGABYTE
from rivya_nb.contract.references import Reference, exact_seconds, shared_kinds
from rivya_nb.contract.text import count, printable
from rivya_nb.control_panel.arrivals import KINDS, Arrival, Arrivals
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.kept_tables import keep_table
from rivya_nb.control_panel.reference_sets import ReferenceSet, ReferenceSets
from rivya_nb.errors import InvalidRequestError, PictureError, RivyaError, StoreError, UsageError
from rivya_nb.jobs.intake import SHRINK_OFFER, take_references
from rivya_nb.jobs.sources import LARGEST
from rivya_nb.media.words import length_words
from rivya_nb.planning.table_files import is_table_name
from rivya_nb.views.thumbnails import thumbnail
from rivya_nb.views.words import joined

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from rivya_nb.contract.catalogue import Model
    from rivya_nb.contract.request import Request
    from rivya_nb.session.session import Session
    from rivya_nb.store.records import JobRecord

TICK = 1.0
"""Seconds between two looks at files of which nothing comes any more."""

BOX = (144, 144)
MOST_BYTES = 6_000
"""A thumbnail in the strip: pixels at most, and bytes before base64."""

NAME = 24
"""Characters of a prompt in the name of a picture that was made of it."""

Rules = dict[str, Any]


class References(Background):
    """The references of the next requests, in their order: one set, or several as an axis.

    `value` holds the sets. `arriving` says what is on its way, and `trouble` what went wrong. `cards` is what a
    strip of thumbnails shows, `rules` what its front end checks before it sends a file, `answer` the last message
    to it, and `recall` the request whose settings the user has asked for. `table` is the path of the last table of
    prompts that came: it is no reference, and the panel's form takes it.
    """

    value = traitlets.Tuple()
    arriving = traitlets.Unicode()
    trouble: traitlets.List[str] = traitlets.List()
    cards: traitlets.Dict[str, Any] = traitlets.Dict()
    rules: traitlets.Dict[str, Any] = traitlets.Dict()
    shrink = traitlets.Bool(False)
    answer: traitlets.Dict[str, Any] = traitlets.Dict()
    table = traitlets.Unicode()
    recall: Any = traitlets.Any(None)

    def __init__(self, session: Session) -> None:
        super().__init__(session.work_loop)
        self._session = session
        self._handed: set[object] = set()
        self._watching: Future[None] | None = None
        self._models: Sequence[Model] = ()
        self._arrivals = Arrivals()
        self._numbers: dict[Reference, int] = {}
        self._requests: dict[str, Request] = {}
        self._thumbnails: dict[str, str] = {}
        self._sets = ReferenceSets()
        self.rules = _rules(())

    @property
    def names(self) -> set[str]:
        """What mistakes call them: a file by its name, an address by itself."""
        return {reference.url or reference.name for reference in self._sets.references}

    def put(self, sets: Sequence[ReferenceSet]) -> None:
        """Take these sets, as an axis if there are several; the references' files are in the store."""
        self._change(ReferenceSets.of(sets))

    def add_pictures(self, job_ids: Sequence[str]) -> None:
        """Add the pictures of these jobs. Called on any thread."""
        # Another thread may hand some over meanwhile.
        token = object()
        self._handed.add(token)
        self._tell_arriving()
        self.start(self._add(job_ids, token))

    def set_models(self, models: Sequence[Model]) -> None:
        """The models whose rules hold from now on."""
        self._models = models
        self.rules = _rules(models)

    def complain(self, text: str) -> None:
        self.trouble = [text]

    def receive(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        """Take a message of the front end; it may come on any thread."""
        if content.get("kind") == "begin":
            # If a cell is running, a click may follow before the message is handled: it waits for the file.
            self._arrivals.announce(content)
            self._tell_arriving()
        if content.get("kind") == "pictures":
            self.add_pictures([str(job_id) for job_id in content.get("jobs", [])])
        else:
            self.on_loop(self._handle, content, buffers)

    def _handle(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        kind = content.get("kind")
        if kind in KINDS:
            self._handle_file(content, buffers)
        elif kind == "axis":
            self._change(self._sets.as_axis(content.get("on") is True))
        elif kind == "without":
            self._change(replace(self._sets, without=content.get("on") is True))
        else:
            self._handle_card(content)

    def _handle_file(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        arrival = self._arrivals.handle(content, buffers)
        if arrival is not None:
            self.answer = {"kind": "got", "file": arrival.number, "bytes": arrival.received}
            if arrival.is_whole:
                self.start(self._accept(arrival))
        self._tell_arriving()
        if self._watching is None or self._watching.done():
            self._watching = self.start(self._watch())

    def _handle_card(self, content: Mapping[str, Any]) -> None:
        """Do what a card's button says. A card that is gone by now is left alone.

        The card is named by its key, not by its place: after a first press its place may have changed.
        """
        places = {key: place for place, key in enumerate(self._sets.keys)}
        kind, place = content.get("kind"), places.get(str(content.get("card")))
        if place is None:
            return
        if kind == "recall":
            self.recall = None
            self.recall = self._requests.get(self._sets.references[place].sha256)
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
        self.value = sets.value
        self.start(self._show())

    def _tell_arriving(self) -> None:
        self.arriving = self._arrivals.words or ("the references" if self._handed else "")

    async def _watch(self) -> None:
        """Give up files of which nothing comes any more, so that nobody waits for them for ever."""
        while self._arrivals:
            await asyncio.sleep(TICK)
            for arrival in self._arrivals.give_up():
                self._refuse(arrival, "it stopped coming; add it once more")
                self._tell_arriving()

    def _refuse(self, arrival: Arrival, why: str) -> None:
        self.answer = {"kind": "refused", "file": arrival.number, "name": arrival.name, "why": why}

    async def _accept(self, arrival: Arrival) -> None:
        """Make a whole file a reference, or say why not."""
        about = {"file": arrival.number, "name": arrival.name}
        table = ""
        try:
            if is_table_name(arrival.name.replace(" ", "_")):
                table = await self._keep_table(arrival)
            else:
                await self._keep(arrival)
        except RivyaError as error:
            self._refuse(arrival, _why(error))
        except Exception:
            # `start` tells what was wrong; without an answer the file's card would wait for ever.
            self.answer = {"kind": "dropped", **about}
            raise
        else:
            self.answer = {"kind": "taken", **about}
            self.value = self._sets.value
        finally:
            self._arrivals.end(arrival.number)
            self._tell_arriving()
        if table:
            # The same one may come again.
            self.table = ""
            self.table = table

    async def _keep_table(self, arrival: Arrival) -> str:
        folder = self._session.store.folder
        return await asyncio.to_thread(keep_table, folder, arrival.name, bytes(arrival.data))

    async def _keep(self, arrival: Arrival) -> None:
        data = bytes(arrival.data)
        (reference,) = await asyncio.to_thread(self.take, [data])
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

    async def _add(self, job_ids: Sequence[str], token: object) -> None:
        try:
            taken = await asyncio.to_thread(lambda: self.take(self._pictures_of(job_ids)))
            self._sets = self._sets.added(taken)
            await self._show()
            self.value = self._sets.value
        except RivyaError as error:
            self.complain(_why(error))
        finally:
            self._handed.discard(token)
            self._tell_arriving()

    def _pictures_of(self, job_ids: Sequence[str]) -> list[Reference]:
        """The first pictures of jobs as references, each named after its prompt.

        Raises:
            StoreError: one of them is not in the store any more.
        """
        records = self._session.store.jobs(job_ids)
        pictured = [record for record in records.values() if record.pictures]
        if missing := len(job_ids) - len(pictured):
            raise StoreError(
                f"{count(missing, 'picture')} of those that were handed over {_IS_GONE[missing > 1]}."
            )
        return [_as_reference(record) for record in pictured]

    def take(self, sources: Sequence[object]) -> tuple[Reference, ...]:
        """Check sources by the models' rules and copy them into the store.

        Raises:
            InvalidRequestError, UsageError: one of them is refused.
        """
        return take_references(sources, self._models, self._session.store.files, shrink=self.shrink)

    def _request_of(self, data: bytes) -> Request | None:
        """The request that a picture of this tool came from; None for any other picture."""
        try:
            return self._session.recall(data)
        except UsageError:
            return None

    async def _show(self) -> None:
        """Bring the cards up to date; thumbnails are made in a worker thread."""
        await asyncio.to_thread(self._make_thumbnails, self._sets.references)
        sets = self._sets
        numbers = [number for number, references in enumerate(sets.sets) for _ in references]
        self.cards = {
            "several": sets.several,
            "without": sets.without,
            "values": len(sets.value),
            "items": [
                {
                    "key": key,
                    "set": number,
                    "name": reference.name,
                    "about": _about(reference),
                    "length": length_words(reference.duration),
                    "thumbnail": self._thumbnails.get(reference.sha256, ""),
                    "recallable": reference.sha256 in self._requests,
                }
                for key, number, reference in zip(sets.keys, numbers, sets.references, strict=True)
            ],
        }

    def _make_thumbnails(self, references: Sequence[Reference]) -> None:
        files = self._session.store.files
        for reference in references:
            if reference.sha256 not in self._thumbnails and not reference.url:
                try:
                    path = files.local(reference.sha256, reference.mime_type)
                    load = files.thumbnails.load if reference.kind == "image" else _plain_poster
                    small = thumbnail(path, box=BOX, max_bytes=MOST_BYTES, load=load)
                except (PictureError, StoreError):
                    continue
                self._thumbnails[reference.sha256] = small.uri


def _plain_poster(path: Path, box: tuple[int, int]) -> Image.Image:
    """A poster without a play sign, which is too small to be read in the strip: that has one of its own."""
    from rivya_nb.media.posters import make_poster

    return make_poster(path, box, sign=False).image


_IS_GONE = ("is not in the store any more", "are not in the store any more")


def _as_reference(job: JobRecord) -> Reference:
    """A picture of the store as a reference: its prompt is its name."""
    picture = job.pictures[0]
    name = printable(job.prompt, NAME) + ("" if job.seed is None else f", seed {job.seed}")
    return picture.as_reference(name)


def _rules(models: Sequence[Model]) -> Rules:
    """What the strip checks by itself, and says of the models; `{n}` stands for how many there are."""
    known = [model.references for model in models if model.references is not None]
    taken = bool(known) and len(known) == len(models)
    most = min((rules.max_files for rules in known if rules.max_files is not None), default=None)
    kinds = shared_kinds(known)
    sizes = {kind: [rules.rule(kind).max_bytes for rules in known] for kind in kinds}
    limits = {kind: min(size for size in each if size) for kind, each in sizes.items() if any(each)}
    words = ["{n}" if most is None else f"{{n}} of {most}"]
    told = {kind: f" ≤ {size / MEGABYTE:g} MB" for kind, size in limits.items()}
    if len({*told.values()}) > 1:
        words.append(", ".join(_CALLED[kind] + told.get(kind, "") for kind in kinds))
    else:
        words.append("" if kinds in ((), ("image",)) else " or ".join(_CALLED[kind] for kind in kinds))
        words += [f"{each.strip()} each" for each in {*told.values()}]
    refusal = "this model takes none" if len(models) < 2 else "not all of these models take any"
    return {
        "taken": taken,
        "max_files": most,
        "limits": limits,
        "largest": LARGEST,
        "accept": ",".join(f"{kind}/*" for kind in kinds or ("image",)),
        "words": joined(words) if taken else refusal,
    }


_CALLED = {"image": "pictures", "video": "video", "audio": "audio"}


def _about(reference: Reference) -> str:
    if reference.url:
        return "a web address" if reference.kind == "image" else f"a web address of {reference.kind}"
    size = (
        f"{reference.size / MEGABYTE:.1f} MB"
        if reference.size >= MEGABYTE / 10
        else f"{reference.size:,} bytes"
    )
    length = "" if reference.duration is None else exact_seconds(reference.duration)
    kind = "" if reference.kind == "image" else reference.kind
    return joined([kind, length, size, reference.note])


def _why(error: RivyaError) -> str:
    """Why a file was refused; where encoding it anew would help, as the strip offers that."""
    if not isinstance(error, InvalidRequestError):
        return str(error)
    text = "; ".join(mistake.message for mistake in error.mistakes)
    return text.replace(SHRINK_OFFER, "“shrink what is too large” sends it encoded anew")
