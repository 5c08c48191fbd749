"""The dropdown of models: searchable, and each entry says its category, its price and whether it can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets

from rivya_nb.contract.catalogue import AVAILABLE, Model
from rivya_nb.contract.media import MEDIA
from rivya_nb.contract.text import count
from rivya_nb.widgets.late import LateWidget
from rivya_nb.widgets.modules import joined


class ModelPicker(LateWidget):
    """`values` are the ids of the chosen models, several of them only where `several` says that they are an axis;
    `models` is what is known of each, those that can be asked first."""

    module = joined(Path(__file__).with_name("model_picker.js"))
    values: traitlets.List[str] = traitlets.List().tag(sync=True)
    several = traitlets.Bool(False).tag(sync=True)
    models: traitlets.List[Mapping[str, Any]] = traitlets.List().tag(sync=True)

    def put(self, models: Sequence[str]) -> None:
        """Show these models, as an axis if there are several."""
        self.several = len(models) > 1
        self.values = list(models)


def entries(models: Iterable[Model]) -> list[dict[str, Any]]:
    """What the picker shows of each model; `why` is why it cannot be asked, empty where it can."""
    ranked = sorted(models, key=lambda model: (not model.can_run, _rank(model.category), model.id))
    return [
        {
            "id": model.id,
            "name": model.display_name,
            "detail": " · ".join(_facts(model)),
            "why": _why_not(model),
        }
        for model in ranked
    ]


def price_words(models: Sequence[Model]) -> str:
    """What one request costs, as far as that is documented: the cheapest and the dearest where they differ."""
    known = sorted({model.base_credits for model in models if model.base_credits is not None})
    if not known:
        return "price not known"
    price = count(known[0], "credit") if len(known) == 1 else f"{known[0]:,} to {count(known[-1], 'credit')}"
    fixed = all(model.has_fixed_price for model in models)
    return f"{price} each" if fixed else f"from {price}"


def _facts(model: Model) -> list[str]:
    return [model.category or "category not known", _why_not(model) or price_words([model])]


def _rank(category: str) -> tuple[int, str]:
    media: Sequence[str] = MEDIA
    return media.index(category) if category in media else len(media), category


def _why_not(model: Model) -> str:
    if model.can_run:
        return ""
    if not model.category:
        return "nobody says what it makes"
    if model.category not in MEDIA:
        return "it makes neither pictures nor video nor audio"
    if model.api_status == AVAILABLE:
        return "its record is not complete"
    known = {
        "coming_soon": "it is only announced",
        "studio_only": "it works in the service's own studio only",
    }
    return known.get(model.api_status, f"the service calls it {model.api_status.replace('_', ' ')}")
