"""References: input files, known by their content, and the check whether a model takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rivya_nb.contract.catalogue import MEGABYTE, Model, ReferenceRule, ReferenceRules
from rivya_nb.contract.media import MEDIA, Medium
from rivya_nb.contract.text import count, listing
from rivya_nb.errors import Mistake


@dataclass(frozen=True, slots=True)
class Reference:
    """An input file, known by the SHA-256 of its bytes in hex: a picture, a video or audio (`kind`).

    `size` is in bytes, `duration` in seconds; it is None for pictures, and where it could not be measured.

    `note` tells the user how the bytes were changed; it is empty if they were not. A reference with a `url`
    is a web address: its bytes are not known, and `sha256` is that of the address. `origin` is what the user wrote
    for it where that can be written again: a path, or a variable of the notebook as `{name}`.
    """

    sha256: str
    kind: str
    mime_type: str
    name: str
    size: int
    note: str = field(default="", compare=False)
    url: str = ""
    origin: str = field(default="", compare=False)
    duration: float | None = field(default=None, compare=False)


def sniff(header: bytes) -> str | None:
    """The MIME type that a file's first bytes show, if it is one that the contract names; else None.

    The service, too, looks at the signature and not at the file name.
    """
    if header.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if header.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if header.startswith(b"RIFF") and header[8:12] == b"WEBP":
        return "image/webp"
    return None


def shared_kinds(rules: Sequence[ReferenceRules]) -> tuple[Medium, ...]:
    """The kinds of files that are taken by all of these rules; pictures alone where none names any."""
    named = [kind for kind in MEDIA if any(kind in (each.kinds or ("image",)) for each in rules)]
    return tuple(kind for kind in named if all(each.takes(kind) for each in rules))


def check_references(model: Model, references: Sequence[Reference]) -> list[Mistake]:
    """Every mistake in the references of a request: their number, kinds, types and sizes."""
    if not references:
        return []
    if model.references is None:
        return [Mistake("references", f"{model.id} takes none")]
    mistakes = []
    limit = model.references.max_files
    if limit is not None and len(references) > limit:
        mistakes.append(Mistake("references", f"{len(references)} are too many; {model.id} takes {limit}"))
    elif not _fit(model.references, kinds := Counter(reference.kind for reference in references)):
        given = " and ".join(count(number, kind) for kind, number in kinds.items())
        told = f"{given} are too many; {model.id} takes {mixes_words(model.references)}"
        mistakes.append(Mistake("references", told))
    for reference in references:
        mistakes += _check_one(model.references, reference)
        if reference.url and not model.takes_urls:
            what = "picture" if reference.kind == "image" else reference.kind
            hint = f"{model.id} is not known to take web addresses; download the {what} and give the file"
            mistakes.append(Mistake(reference.url, hint))
    return mistakes


def _fit(rules: ReferenceRules, kinds: Mapping[str, int]) -> bool:
    """True if so many of these kinds are taken together; a kind that is never taken is another mistake."""
    taken = {kind: number for kind, number in kinds.items() if rules.takes(kind)}
    fits = (all(number <= dict(mix).get(kind, 0) for kind, number in taken.items()) for mix in rules.mixes)
    return not rules.mixes or any(fits)


def mixes_words(rules: ReferenceRules) -> str:
    """What goes together, where a record says it: `9 images, or 1 video and 5 images`."""
    return ", or ".join(" and ".join(count(most, kind) for kind, most in mix) for mix in rules.mixes)


def format_words(mime_type: str) -> str:
    """What a message calls the format of a MIME type: `png`, `matroska`."""
    return mime_type.partition("/")[2].removeprefix("x-")


def _check_one(rules: ReferenceRules, reference: Reference) -> list[Mistake]:
    if not rules.takes(reference.kind):
        return [
            Mistake(
                reference.name,
                f"a reference of kind {reference.kind} is not accepted; accepted: {listing(rules.kinds or ())}",
            )
        ]
    if reference.url:
        return []
    rule = rules.rule(reference.kind)
    mistakes = []
    if rule.mime_types is not None and reference.mime_type not in rule.mime_types:
        accepted = listing(map(format_words, rule.mime_types))
        way_out = "" if reference.kind == "image" else "; a program such as ffmpeg converts it"
        message = f"its bytes are {reference.mime_type}; accepted are {accepted}{way_out}"
        mistakes.append(Mistake(reference.name, message))
    if rule.max_bytes is not None and reference.size > rule.max_bytes:
        size, limit = reference.size / MEGABYTE, rule.max_bytes / MEGABYTE
        mistakes.append(Mistake(reference.name, f"{size:.1f} MB is over the limit of {limit:g} MB"))
    return mistakes + _check_duration(rule, reference)


def _check_duration(rule: ReferenceRule, reference: Reference) -> list[Mistake]:
    least, most = rule.min_duration, rule.max_duration
    if least is None and most is None:
        return []
    allowed = duration_limits(least, most)
    if reference.duration is None:
        return [Mistake(reference.name, f"its duration cannot be read, and has to be {allowed}")]
    # To the millisecond, as it is told.
    duration = round(reference.duration, 3)
    if (most is not None and duration > most) or (least is not None and duration < least):
        return [Mistake(reference.name, f"it is {exact_seconds(duration)} long, and has to be {allowed}")]
    return []


def duration_limits(least: float | None, most: float | None) -> str:
    """The limits of a duration in words: `at most 10 s`, `from 2 s to 10 s`."""
    if least is None or most is None:
        return f"at most {exact_seconds(most or 0)}" if least is None else f"at least {exact_seconds(least)}"
    return f"from {exact_seconds(least)} to {exact_seconds(most)}"


def exact_seconds(duration: float) -> str:
    """A duration to the millisecond, so that one frame too many is seen: `10.042 s`."""
    return f"{duration:.3f}".rstrip("0").rstrip(".") + " s"
