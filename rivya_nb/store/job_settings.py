"""The settings of jobs, kept once for all jobs that share them: the model, and the params but the seed.

A store of a million jobs has some hundred of them. So a filter by params is a short list of settings, and how
many jobs fit is a sum of a few `tallies`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, select

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store.columns import digest, insert_for
from rivya_nb.store.lookup import ids_by_content
from rivya_nb.store.questions import Asked
from rivya_nb.store.records import JobRecord
from rivya_nb.store.rows import fits, param_text, to_json
from rivya_nb.store.schema import setting_params, settings


def ids_of(connection: Connection, records: Sequence[JobRecord]) -> dict[str, int]:
    """By job id, the id of its settings; new settings are added."""
    contents = {record.id: _content(record) for record in records}
    wanted = list(dict.fromkeys(contents.values()))
    known = ids_by_content(connection, settings.c.content, wanted)
    new = {content: json.loads(content) for content in wanted if content not in known}
    if new:
        rows = [
            {"digest": digest(content), "model": model, "content": content}
            for content, (model, _) in sorted(new.items())
        ]
        connection.execute(insert_for(connection, settings).on_conflict_do_nothing(), rows)
        known |= ids_by_content(connection, settings.c.content, list(new))
        params = [
            {"settings_id": known[content], "key": key, "value": value}
            for content, (_, texts) in new.items()
            for key, value in texts.items()
        ]
        if params:
            connection.execute(insert_for(connection, setting_params).on_conflict_do_nothing(), params)
    return {job_id: known[content] for job_id, content in contents.items()}


def matching(
    connection: Connection, model: str | tuple[str, ...] | None, params: Mapping[str, Asked]
) -> Collection[int] | None:
    """The ids of the settings of this model, or of one of these, with all these params; None if nothing is asked
    for."""
    lists = [
        select(setting_params.c.settings_id).where(
            setting_params.c.key == key, fits(setting_params.c.value, value)
        )
        for key, value in params.items()
    ]
    if model is not None:
        lists.append(select(settings.c.id).where(fits(settings.c.model, model)))
    if not lists:
        return None
    return set.intersection(*(set(connection.execute(each).scalars()) for each in lists))


def values(connection: Connection, limit: int) -> list[tuple[str, str]]:
    """Params with a value that some jobs have, each once."""
    pairs = select(setting_params.c.key, setting_params.c.value).distinct()
    found = connection.execute(pairs.order_by(setting_params.c.key, setting_params.c.value).limit(limit))
    return [(key, value) for key, value in found]


def _content(record: JobRecord) -> str:
    """The settings as JSON. Documented defaults are among them; a seed only where the job has none of its own."""
    params = {**_defaults(record.model), **record.shared_params}
    if record.seed is not None:
        params.pop(SEED_KEY)
    texts = {key: param_text(value) for key, value in sorted(params.items()) if value is not None}
    return to_json([record.model, texts])


@lru_cache(maxsize=256)
def _defaults(model_id: str) -> Mapping[str, ParamValue | bool | None]:
    model = bundled().get(model_id)
    return {} if model is None else shared_names({each.key: each.default for each in model.params})
