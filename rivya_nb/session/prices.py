"""Prices of what was not sent yet: the service's list may have changed since it was planned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.errors import CreditLimitError
from rivya_nb.views.models import price_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rivya_nb.contract.catalogue import Catalogue
    from rivya_nb.store.records import JobRecord


def priced(job: JobRecord, catalogue: Catalogue) -> JobRecord:
    """An unsent job with the price that its model has now."""
    model = catalogue.get(job.model)
    if model is None or (model.base_credits, model.price_is_least) == (job.price, job.price_is_least):
        return job
    return replace(job, price=model.base_credits, price_is_least=model.price_is_least)


def check_prices(wanted: Iterable[JobRecord], shown: Iterable[JobRecord], catalogue: Catalogue) -> None:
    """Check whether the jobs that are wanted cost what was `shown` of their models.

    Raises:
        CreditLimitError: a model costs more by now, or its price is less certain.
    """
    models = {job.model for job in wanted}
    seen = {(job.model, job.price, job.price_is_least): job for job in shown if job.model in models}
    for job in seen.values():
        now = priced(job, catalogue)
        is_dearer = job.price is not None and (now.price is None or now.price > job.price)
        if is_dearer or (now.price_is_least and not job.has_open_price):
            raise CreditLimitError(
                f"{job.model} costs more by now than this plan says: {price_words(catalogue[job.model])} a "
                f"request, not {job.price:,}. Nothing was sent; make the plan again to see what it costs."
            )
