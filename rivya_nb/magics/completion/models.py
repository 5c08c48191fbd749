"""Models, as values of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model
from rivya_nb.magics.completion.offers import Offer


def model_offers(models: Iterable[Model]) -> Iterator[Offer]:
    """Models with what they make, their price and whether they can be called, the default one first."""
    # Only these notes need the words of the views.
    from rivya_nb.views.models import makes_words, price_words, state_words
    from rivya_nb.views.words import joined

    for model in sorted(models, key=lambda model: model.id != DEFAULT_MODEL):
        yield Offer(model.id, joined([makes_words(model), price_words(model), state_words(model)]))
