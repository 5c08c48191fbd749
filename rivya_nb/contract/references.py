"""References: input files, known by their content, and the check whether a model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rivya_nb.contract.catalogue import MEGABYTE, Model, ReferenceRules
from rivya_nb.contract.text import listing
from rivya_nb.errors import Mistake

SNIFF_BYTES = 12
"""The number of bytes from a file's start that `sniff` needs."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An input picture, known by the SHA-256 of its bytes in hex; `size` is in bytes.

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
    for reference in references:
        mistakes += _check_one(model.references, reference)
        if reference.url and not model.takes_urls:
            hint = f"{model.id} is not known to take web addresses; download the picture and give the file"
            mistakes.append(Mistake(reference.url, hint))
    return mistakes


def _check_one(rules: ReferenceRules, reference: Reference) -> list[Mistake]:
    if rules.kinds is not None and reference.kind not in rules.kinds:
        return [
            Mistake(
                reference.name,
                f"a reference of kind {reference.kind} is not accepted; accepted: {listing(rules.kinds)}",
            )
        ]
    if reference.url:
        return []
    rule = rules.rule(reference.kind)
    mistakes = []
    if rule.mime_types is not None and reference.mime_type not in rule.mime_types:
        accepted = listing(mime.partition("/")[2] for mime in rule.mime_types)
        mistakes.append(
            Mistake(reference.name, f"its bytes are {reference.mime_type}; accepted are {accepted}")
        )
    if rule.max_bytes is not None and reference.size > rule.max_bytes:
        size, limit = reference.size / MEGABYTE, rule.max_bytes / MEGABYTE
        mistakes.append(Mistake(reference.name, f"{size:.1f} MB is over the limit of {limit:g} MB"))
    return mistakes
