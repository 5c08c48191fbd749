"""A list of models, and the page of one; HTML in a notebook, text elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import Catalogue, Model
from rivya_nb.contract.media import MEDIA
from rivya_nb.contract.text import count, did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, RivyaError, UsageError
from rivya_nb.session.showing.looks import Bundle
from rivya_nb.typed import typed
from rivya_nb.views.models import HEADINGS, PARAM_HEADINGS, model_page, model_row, text_table
from rivya_nb.views.words import joined, seconds

if TYPE_CHECKING:
    from rivya_nb.session.session import Session


class ModelList:
    """Some models of a service's catalogue: those that can be run first, and pictures before video and audio.

    `notice` is what went wrong on the way to it, if anything did.
    """

    def __init__(self, models: Sequence[Model], catalogue: Catalogue, service: str, notice: str = "") -> None:
        self._models = sorted(models, key=_rank)
        self._foot = joined([_counted(self._models), _age(catalogue, service), printable(notice)])

    def __len__(self) -> int:
        return len(self._models)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_html import environment

        rows = [model_row(model) for model in self._models]
        html = environment().get_template("models.html").render(headings=HEADINGS, rows=rows, foot=self._foot)
        return {"text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        rows = [model_row(model) for model in self._models]
        return "\n".join([*text_table(HEADINGS, rows), self._foot])


class ModelSheet:
    """One model: its params, its price, its reference rules, and what is not known."""

    def __init__(self, model: Model, catalogue: Catalogue, service: str, notice: str = "") -> None:
        self.model = model
        record = _age(catalogue, service) if model.live else "bundled with this package"
        self._page = model_page(model, joined([record, printable(notice)]))

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_html import environment

        template = environment().get_template("model.html")
        html = template.render(page=self._page, headings=PARAM_HEADINGS)
        return {"text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        page = self._page
        params = text_table(PARAM_HEADINGS, page.params) if page.params else ["no params"]
        remarks = [f"{head:<11} {text}" for head, text in page.remarks]
        return "\n".join([f"{page.title}  {page.name}", page.facts, *params, *remarks])


def find_models(
    session: Session, words: Sequence[str], category: str | None, *, refresh: bool, where: str = "category"
) -> ModelList | ModelSheet:
    """The models of this category with all words in their id or name, or the page of the model with this id.

    With `refresh`, the service's list is fetched first; where that fails, what there is is shown, with the reason.

    Raises:
        UsageError: no model matches; the message, at `where` if it is about the category, offers the nearest one.
    """
    notice = ""
    if refresh:
        try:
            session.refresh_models()
        except RivyaError as error:
            notice = f"the list could not be fetched: {error}"
    catalogue, category = session.catalogue, category and category.casefold()
    name = words[0] if len(words) == 1 else ""
    if name in catalogue and category in (None, catalogue[name].category):
        return ModelSheet(catalogue[name], catalogue, session.service, notice)
    return ModelList(_found(catalogue, words, category, where), catalogue, session.service, notice)


def _found(catalogue: Catalogue, words: Sequence[str], category: str | None, where: str) -> list[Model]:
    categories = list(dict.fromkeys(model.category for model in catalogue.values() if model.category))
    if category is not None and category not in categories:
        hint = did_you_mean(category, categories) or f"; there are {listing(categories)}"
        raise UsageError([Mistake(where, f"no model is of {short_repr(category)}{hint}")])
    found = [
        model for model in catalogue.values() if category in (None, model.category) and _fits(model, words)
    ]
    if not found:
        text = " ".join(words)
        hint = did_you_mean(text, catalogue) or f"; {typed('models', 'rv.models()')} lists all of them"
        raise UsageError([Mistake("models", f"none has {short_repr(text)} in its id or name{hint}")])
    return found


def _fits(model: Model, words: Sequence[str]) -> bool:
    text = f"{model.id} {model.display_name}".casefold()
    return all(word.casefold() in text for word in words)


def _rank(model: Model) -> tuple[bool, int]:
    media: Sequence[str] = MEDIA
    return not model.can_run, media.index(model.category) if model.category in media else len(media)


def _counted(models: Sequence[Model]) -> str:
    usable = sum(model.can_run for model in models)
    return f"{count(len(models), 'model')}, {usable} of which can be run"


def _age(catalogue: Catalogue, service: str) -> str:
    if catalogue.fetched_at is None:
        refresh = typed("models --refresh", "rv.models(refresh=True)")
        return f"bundled records; {refresh} fetches the service's own list"
    return f"the list of {printable(service)}, fetched {seconds(time.time() - catalogue.fetched_at)} ago"
