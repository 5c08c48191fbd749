"""A study in a store of its own: two prompts with facts, two seeds, and pictures of known bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from history.conftest import fill, picture, session
from store.filling import done

import rivya_nb as rv
from rivya_nb.store.records import AxisRecord, CellRecord

__all__ = ["fill", "session"]

Params = Mapping[str, Any]
NO_PARAMS: Params = {}
Study = Callable[..., rv.Run]

PROMPTS = ("=a fox", "an owl, “dusk”")


@pytest.fixture
def study(session: rv.Session) -> Study:
    """`study(facts=…, model=…)`: a run of two prompts and the seeds 1 and 2, with facts for each prompt."""

    def make(facts: tuple[dict[str, str], ...] = (), params: Params = NO_PARAMS, **fields: Any) -> rv.Run:
        seeds = ("1", "2")
        jobs = [
            done(
                prompt,
                {"seed": int(seed), "aspect_ratio": "1:1", **params},
                pictures=(picture(session, int(seed) + 100 * at),),
                final_credits=12,
                **fields,
            )
            for at, prompt in enumerate(PROMPTS)
            for seed in seeds
        ]
        cells = [CellRecord(job.id, (at // 2, at % 2)) for at, job in enumerate(jobs)]
        axes = [AxisRecord("prompt", PROMPTS, facts), AxisRecord("seed", seeds)]
        added = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
        return session.run(added.id)

    return make
