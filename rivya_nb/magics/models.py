"""`%rivya models`: the list of models, or the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rivya_nb.calls import current_session
from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.text import did_you_mean, listing
from rivya_nb.errors import Mistake, RivyaError, UsageError
from rivya_nb.session.showing.models import ModelList, ModelSheet

USAGE = "[WORDS] [--category C] [--refresh]"
_FLAGS = ("--category", "--refresh")


@dataclass(frozen=True)
class _Arguments:
    words: tuple[str, ...]
    category: str | None
    refresh: bool


def show_models(arguments: Sequence[str]) -> ModelList | ModelSheet:
    """All models, the models with all words in their id or name, or the page of the model with this id.

    Raises:
        UsageError: a flag is wrong, or no model matches; the message offers the nearest choice.
    """
    asked = _read(arguments)
    session = current_session()
    notice = ""
    if asked.refresh:
        try:
            session.refresh_models()
        except RivyaError as error:
            notice = f"the list could not be fetched: {error}"
    catalogue = session.catalogue
    name = asked.words[0] if len(asked.words) == 1 else ""
    if name in catalogue and asked.category in (None, catalogue[name].category):
        return ModelSheet(catalogue[name], catalogue, session.service, notice)
    return ModelList(_found(catalogue, asked), catalogue, session.service, notice)


def _read(arguments: Sequence[str]) -> _Arguments:
    words: list[str] = []
    category: str | None = None
    refresh = False
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        flag, _, value = word.partition("=")
        if flag == "--category":
            value = value or (rest.pop(0) if rest else "")
            if not value or value.startswith("--"):
                raise UsageError([Mistake(flag, "it needs a category, such as image or video")])
            category = value.casefold()
        elif word == "--refresh":
            refresh = True
        elif word.startswith("--"):
            raise UsageError([Mistake("models", f"{word} is not a flag{did_you_mean(word, _FLAGS)}")])
        else:
            words.append(word)
    return _Arguments(tuple(words), category, refresh)


def _found(catalogue: Catalogue, asked: _Arguments) -> list[Model]:
    categories = list(dict.fromkeys(model.category for model in catalogue.values() if model.category))
    if asked.category is not None and asked.category not in categories:
        hint = did_you_mean(asked.category, categories) or f"; there are {listing(categories)}"
        raise UsageError([Mistake("--category", f"no model is of {asked.category!r}{hint}")])
    found = [
        model
        for model in catalogue.values()
        if asked.category in (None, model.category) and _fits(model, asked.words)
    ]
    if not found:
        text = " ".join(asked.words)
        hint = did_you_mean(text, catalogue) or "; %rivya models lists all of them"
        raise UsageError([Mistake("models", f"none has {text!r} in its id or name{hint}")])
    return found


def _fits(model: Model, words: Sequence[str]) -> bool:
    text = f"{model.id} {model.display_name}".casefold()
    return all(word.casefold() in text for word in words)
