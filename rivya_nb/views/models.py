"""Models in words: what each takes and costs, and whether it can be called; as a table or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rivya_nb.contract.catalogue import AVAILABLE, FIXED, MEGABYTE, Model, Param, ReferenceRule
from rivya_nb.contract.live_models import NOT_LISTED
from rivya_nb.contract.media import MEDIA
from rivya_nb.contract.params import range_words
from rivya_nb.contract.references import duration_limits, format_words, mixes_words
from rivya_nb.contract.text import aligned, count, listing, printable
from rivya_nb.views.words import joined

NOT_KNOWN = "not known"

_BILLING = {"METERED": "metered", "TOKEN_BASED": "by tokens"}
_STATES = {"coming_soon": "coming soon", "studio_only": "studio only"}

Row = tuple[str, ...]


@dataclass(frozen=True)
class ModelPage:
    """One model: a title, a line of facts, its params as rows, and remarks as pairs of a heading and a text."""

    title: str
    name: str
    facts: str
    params: tuple[Row, ...]
    remarks: tuple[tuple[str, str], ...]


HEADINGS = ("model", "makes", "name", "price", "prompt limit", "references", "state")
PARAM_HEADINGS = ("param", "type", "default", "takes")


def model_row(model: Model) -> Row:
    """The row of a model under `HEADINGS`."""
    limit = model.max_prompt_length
    return (
        printable(model.id),
        makes_words(model),
        printable(model.display_name),
        price_words(model),
        NOT_KNOWN if limit is None else f"{limit:,}",
        _count_words(model),
        state_words(model),
    )


def model_page(model: Model, record: str) -> ModelPage:
    """Everything that is known of a model; `record` says where its record comes from."""
    limit = model.max_prompt_length
    return ModelPage(
        title=printable(model.id),
        name=printable(model.display_name),
        facts=joined(
            [
                f"makes {makes_words(model)}",
                state_words(model),
                price_words(model) + (" a request" if model.has_fixed_price else ""),
                "" if limit is None else f"prompts up to {limit:,} characters",
            ]
        ),
        params=tuple(_param_row(param) for param in model.params),
        remarks=(
            ("references", _reference_words(model)),
            *((("not known", f"{listing(model.unknown)}; the service decides"),) if model.unknown else ()),
            ("record", joined([record, *map(printable, model.notes)])),
        ),
    )


def price_words(model: Model) -> str:
    """`12 credits`, `from 3 credits, metered`, `price not known`."""
    how = _BILLING.get(model.billing_type or "", (model.billing_type or "").lower().replace("_", " "))
    if model.has_fixed_price:
        return count(model.base_credits or 0, "credit")
    if model.base_credits is None:
        return f"price {NOT_KNOWN}" if model.billing_type in (FIXED, None) else f"not fixed, {printable(how)}"
    return f"from {count(model.base_credits, 'credit')}, {printable(how)}"


def makes_words(model: Model) -> str:
    """What a model makes, in the service's word for it: `video`."""
    return printable(model.category) or NOT_KNOWN


def state_words(model: Model) -> str:
    """The state of a model: ready, or why it cannot be run."""
    status = (
        "" if model.api_status == AVAILABLE else _STATES.get(model.api_status, printable(model.api_status))
    )
    unlisted = "not listed" if NOT_LISTED in model.notes else ""
    known = "" if model.complete else "partly known"
    if model.category not in MEDIA:
        return joined(["not for this tool", status])
    return joined([status or ("ready" if model.can_run else ""), unlisted, known])


def not_known_words(model: Model) -> list[str]:
    """The lines of a plan about a model whose record is not complete, or could not be read as a whole."""
    lines = [f"{printable(model.id)}: {note}" for note in model.notes]
    if not model.complete and model.unknown:
        lines.append(f"not known of {printable(model.id)}: {listing(model.unknown)}; the service decides")
    if not model.has_fixed_price:
        lines.append(f"the price of {printable(model.id)} is not fixed: what is said here is the least")
    return lines


def text_table(headings: Row, rows: Sequence[Row]) -> list[str]:
    """The rows in aligned columns, under their headings."""
    return aligned([headings, *rows])


def _count_words(model: Model) -> str:
    rules = model.references
    if rules is None:
        return "none"
    if rules.max_files is None and not rules.kinds:
        return "taken, rules not known"
    if rules.mixes:
        return mixes_words(rules)
    ending = "" if rules.max_files == 1 else "s"
    kinds = " or ".join(f"{printable(kind)}{ending}" for kind in rules.kinds or ("file",))
    return f"{kinds}, number {NOT_KNOWN}" if rules.max_files is None else f"{rules.max_files} {kinds}"


def _reference_words(model: Model) -> str:
    rules = model.references
    if rules is None:
        return "none"
    kinds = rules.kinds or tuple(rule.kind for rule in rules.rules)
    return joined([_count_words(model), *(_rule_words(rules.rule(kind), len(kinds) > 1) for kind in kinds)])


def _rule_words(rule: ReferenceRule, named: bool) -> str:
    size = "" if rule.max_bytes is None else f"at most {rule.max_bytes / MEGABYTE:g} MB each"
    types = "" if rule.mime_types is None else listing(map(format_words, rule.mime_types))
    limits = rule.min_duration is not None or rule.max_duration is not None
    duration = duration_limits(rule.min_duration, rule.max_duration) + " long" if limits else ""
    words = ", ".join(part for part in (size, duration, printable(types)) if part)
    return f"{printable(rule.kind)}: {words}" if named and words else words


def _param_row(param: Param) -> Row:
    if param.options is not None:
        takes = printable(listing(param.options))
    else:
        takes = range_words(param) if param.type == "number" else "text"
    default = "needed" if param.required and param.default is None else ""
    if param.default is not None:
        default = printable(str(param.default))
    return (printable(param.key), printable(param.type), default, takes)
