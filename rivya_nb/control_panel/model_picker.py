"""The dropdown of models: searchable, and each entry says its category, its price and whether it can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from rivya_nb.contract.catalogue import AVAILABLE, Model
from rivya_nb.views.words import count


class ModelPicker(anywidget.AnyWidget):
    """`value` is the id of the chosen model; `models` what is known of each, those that can be asked first."""

    _esm = Path(__file__).parent / "model_picker.js"
    value = traitlets.Unicode().tag(sync=True)
    models: traitlets.List[Mapping[str, Any]] = traitlets.List().tag(sync=True)


def entries(models: Iterable[Model]) -> list[dict[str, Any]]:
    """What the picker shows of each model."""
    ranked = sorted(models, key=lambda model: (not model.makes_pictures, model.category, model.id))
    return [
        {
            "id": model.id,
            "name": model.display_name,
            "detail": " · ".join(_facts(model)),
            "available": model.makes_pictures,
        }
        for model in ranked
    ]


def price_words(model: Model) -> str:
    """What one request costs, as far as that is documented."""
    if model.base_credits is None:
        return "price not known"
    price = count(model.base_credits, "credit")
    return f"{price} each" if model.has_fixed_price else f"from {price}"


def _facts(model: Model) -> list[str]:
    facts = [model.category or "category not known", price_words(model)]
    return facts if model.api_status == AVAILABLE else [*facts, model.api_status.replace("_", " ")]
