"""`%rivya models`: the list of models, or the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.text import did_you_mean, listing
from rivya_nb.errors import Mistake, RivyaError, UsageError
from rivya_nb.magics.command import take_flags
from rivya_nb.magics.current import current_session

if TYPE_CHECKING:
    from rivya_nb.session.showing.models import ModelList, ModelSheet

USAGE = "[WORDS] [--category C] [--refresh]"


def show_models(arguments: Sequence[str]) -> ModelList | ModelSheet:
    """All models, the models with all words in their id or name, or the page of the model with this id.

    Raises:
        UsageError: a flag is wrong, or no model matches; the message offers the nearest choice.
    """
    from rivya_nb.session.showing.models import ModelList, ModelSheet

    words, flags = take_flags("models", arguments, ["--refresh"], ["--category"])
    category = flags.get("--category")
    if category == "":
        raise UsageError([Mistake("--category", "it needs a category, such as image or video")])
    category = category and category.casefold()
    session = current_session()
    notice = ""
    if "--refresh" in flags:
        try:
            session.refresh_models()
        except RivyaError as error:
            notice = f"the list could not be fetched: {error}"
    catalogue = session.catalogue
    name = words[0] if len(words) == 1 else ""
    if name in catalogue and category in (None, catalogue[name].category):
        return ModelSheet(catalogue[name], catalogue, session.service, notice)
    return ModelList(_found(catalogue, words, category), catalogue, session.service, notice)


def _found(catalogue: Catalogue, words: Sequence[str], category: str | None) -> list[Model]:
    categories = list(dict.fromkeys(model.category for model in catalogue.values() if model.category))
    if category is not None and category not in categories:
        hint = did_you_mean(category, categories) or f"; there are {listing(categories)}"
        raise UsageError([Mistake("--category", f"no model is of {category!r}{hint}")])
    found = [
        model for model in catalogue.values() if category in (None, model.category) and _fits(model, words)
    ]
    if not found:
        text = " ".join(words)
        hint = did_you_mean(text, catalogue) or "; %rivya models lists all of them"
        raise UsageError([Mistake("models", f"none has {text!r} in its id or name{hint}")])
    return found


def _fits(model: Model, words: Sequence[str]) -> bool:
    text = f"{model.id} {model.display_name}".casefold()
    return all(word.casefold() in text for word in words)
