"""Reference rules of the service's live list, in whichever of the plausible spellings they come."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_nb.contract.catalogue import MEGABYTE, ReferenceRule, ReferenceRules
from rivya_nb.contract.lenient import MISSING, any_of, number_of, text_of, texts_of, whole_of

_COUNTS = ("max_files", "maxFiles", "max_count", "maxCount", "max_items", "maxItems", "max")
_KINDS = ("kinds", "file_kinds", "fileKinds", "types", "media_types", "mediaTypes")
_PER_KIND = ("per_kind", "perKind", "by_kind", "byKind", "rules", "limits")
_MEGABYTES = ("max_size_mb", "maxSizeMb", "maxSizeMB", "max_file_size_mb", "maxFileSizeMb", "max_mb", "maxMb")
_BYTES = ("max_size_bytes", "maxSizeBytes", "max_bytes", "maxBytes", "max_file_size", "maxFileSize")
_MIME_TYPES = ("mime_types", "mimeTypes", "accepted_mime_types", "acceptedMimeTypes", "formats", "accept")
_MEDIA = ("image", "video", "audio")
_FAMILIAR = frozenset((*_COUNTS, *_KINDS, *_PER_KIND, *_MEGABYTES, *_BYTES, *_MIME_TYPES, *_MEDIA))

Notes = tuple[str, ...]


def read_references(
    entry: Mapping[object, object], known: ReferenceRules | None
) -> tuple[ReferenceRules | None, Notes]:
    """The reference rules of an entry, and notes on what could not be read.

    What the list does not tell comes from the bundled rules. Without any rules, an entry that names kinds of
    files takes some, of which nothing more is known.
    """
    value = any_of(entry, "reference_media", "referenceMedia")
    kinds = _kinds_of(any_of(entry, "file_kinds", "fileKinds"))
    if value is None or value is MISSING:
        if known is not None or not kinds:
            return known, ()
        return ReferenceRules(None, kinds, ()), ()
    rules = _read(value, kinds)
    if rules is None:
        instead = "; the bundled ones are used" if known is not None else ""
        return known, (f"its reference rules could not be read{instead}",)
    return _filled(rules, known), ()


def _read(value: object, kinds: tuple[str, ...]) -> ReferenceRules | None:
    if isinstance(value, list):
        # A list of rules, one for each kind.
        value = {"per_kind": value}
    if not isinstance(value, Mapping):
        return None
    per_kind = _per_kind(any_of(value, *_PER_KIND)) or _per_kind({kind: value.get(kind) for kind in _MEDIA})
    named = _kinds_of(any_of(value, *_KINDS)) or tuple(per_kind) or kinds
    count = whole_of(any_of(value, *_COUNTS), least=0)
    if count is None and per_kind:
        counts = [whole_of(any_of(rule, *_COUNTS), least=0) for rule in per_kind.values()]
        count = sum(filter(None, counts)) if None not in counts else None
    flat = _rule("", value)
    if not per_kind and flat != ReferenceRule("", None, None):
        per_kind = dict.fromkeys(named or ("image",), value)
    if count is None and not named and not per_kind and not _FAMILIAR.intersection(map(str, value)):
        return None
    rules = tuple(_rule(kind, rule) for kind, rule in per_kind.items())
    return ReferenceRules(count, named or None, rules)


def _per_kind(value: object) -> dict[str, Mapping[object, object]]:
    """Rules by kind, from an object of them or from a list whose items say their kind."""
    if isinstance(value, Mapping):
        pairs = [(text_of(kind), rule) for kind, rule in value.items()]
    elif isinstance(value, list):
        pairs = [(text_of(any_of(rule, "kind", "type")), rule) for rule in value if isinstance(rule, Mapping)]
    else:
        return {}
    return {kind.casefold(): rule for kind, rule in pairs if kind is not None and isinstance(rule, Mapping)}


def _kinds_of(value: object) -> tuple[str, ...]:
    return tuple(kind.casefold() for kind in texts_of(value) if kind.casefold() in _MEDIA)


def _rule(kind: str, record: Mapping[object, object]) -> ReferenceRule:
    megabytes = number_of(any_of(record, *_MEGABYTES))
    size = number_of(any_of(record, *_BYTES)) if megabytes is None else megabytes * MEGABYTE
    types = tuple(mime for mime in texts_of(any_of(record, *_MIME_TYPES)) if "/" in mime)
    return ReferenceRule(
        kind=kind,
        max_bytes=int(size) if size is not None and size > 0 else None,
        mime_types=types or None,
    )


def _filled(rules: ReferenceRules, known: ReferenceRules | None) -> ReferenceRules:
    """The rules, with the bundled ones' facts where they say nothing."""
    if known is None:
        return rules
    merged = []
    for kind in dict.fromkeys(rule.kind for rule in (*rules.rules, *known.rules)):
        ours, theirs = known.rule(kind), rules.rule(kind)
        merged.append(
            ReferenceRule(kind, theirs.max_bytes or ours.max_bytes, theirs.mime_types or ours.mime_types)
        )
    count = known.max_files if rules.max_files is None else rules.max_files
    return ReferenceRules(count, rules.kinds or known.kinds, tuple(merged))
