"""The reference rules of a model in the service's live list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rivya_nb.contract.catalogue import MEGABYTE, ReferenceRule, ReferenceRules
from rivya_nb.contract.lenient import fields, number_of, texts_of, whole_of
from rivya_nb.contract.media import MEDIA

_NAMES = {"max_files", "kinds", "per_kind"}
_DURATIONS = ("duration_seconds", "duration", "seconds", "duration_s", "length_seconds")
"""What a limit of the duration may be called behind `min_` and `max_`; the contract does not say."""


def read_references(
    entry: Mapping[object, object], known: ReferenceRules | None
) -> tuple[ReferenceRules | None, tuple[str, ...]]:
    """The reference rules of an entry, and notes on what could not be read.

    The bundled rules, `known`, fill in what the entry leaves out. A new model without rules takes references if
    its entry has `file_kinds`; nothing more is known of them.
    """
    media, kinds = entry.get("reference_media"), _kinds_of(entry.get("file_kinds"))
    if media is None:
        return (ReferenceRules(None, kinds, ()) if known is None and kinds else known), ()
    if not isinstance(media, Mapping) or not _NAMES & media.keys():
        instead = "; the bundled ones are used" if known is not None else ""
        return known, (f"its reference rules could not be read{instead}",)
    listed = media.get("per_kind")
    per_kind = (
        {str(kind): fields(rule) for kind, rule in listed.items()} if isinstance(listed, Mapping) else {}
    )
    rules = ReferenceRules(
        max_files=whole_of(media.get("max_files"), least=0),
        kinds=_kinds_of(media.get("kinds")) or tuple(per_kind) or kinds or None,
        rules=tuple(_rule(kind, record) for kind, record in per_kind.items()),
    )
    return (rules if known is None else _filled(rules, known)), ()


def _kinds_of(value: object) -> tuple[str, ...]:
    return tuple(kind for kind in texts_of(value) if kind in MEDIA)


def _rule(kind: str, record: Mapping[object, object]) -> ReferenceRule:
    megabytes = number_of(record.get("max_size_mb"))
    return ReferenceRule(
        kind=kind,
        max_bytes=int(megabytes * MEGABYTE) if megabytes is not None and megabytes > 0 else None,
        mime_types=tuple(mime for mime in texts_of(record.get("mime_types")) if "/" in mime) or None,
        min_duration=_duration(record, "min"),
        max_duration=_duration(record, "max"),
    )


def _duration(record: Mapping[object, object], which: str) -> float | None:
    """A limit in seconds, under one of its possible names, in either spelling: `maxDurationSeconds`."""
    plain = {str(name).replace("_", "").casefold(): value for name, value in record.items()}
    found = (number_of(plain.get(f"{which}{name.replace('_', '')}")) for name in _DURATIONS)
    return next((seconds for seconds in found if seconds is not None and seconds > 0), None)


def _filled(rules: ReferenceRules, known: ReferenceRules) -> ReferenceRules:
    """The rules, with the bundled ones where they say nothing."""
    merged = []
    for kind in dict.fromkeys(rule.kind for rule in (*rules.rules, *known.rules)):
        live, bundled = rules.rule(kind), known.rule(kind)
        merged.append(
            ReferenceRule(
                kind,
                live.max_bytes or bundled.max_bytes,
                live.mime_types or bundled.mime_types,
                live.min_duration or bundled.min_duration,
                live.max_duration or bundled.max_duration,
            )
        )
    filled = ReferenceRules(
        known.max_files if rules.max_files is None else rules.max_files,
        rules.kinds or known.kinds,
        tuple(merged),
    )
    # What goes together holds for the numbers and kinds that it was documented with.
    is_same = filled.max_files == known.max_files and set(filled.kinds or ()) == set(known.kinds or ())
    return replace(filled, mixes=known.mixes) if is_same else filled
