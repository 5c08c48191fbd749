"""Runs that can be ranked, and raters who judge as the widget does."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from store.filling import done

import rivya_nb as rv
from rivya_nb.store.records import AxisRecord, CellRecord, PictureRecord

Study = Callable[..., rv.Run]

SECRET = "seed 4711 by the model"


@pytest.fixture
def study(session: rv.Session) -> Study:
    """`study(prompts, seeds)`: a run with a picture for each, whose file tells what it is."""

    def study(prompts: list[str], seeds: list[int], **more: Any) -> rv.Run:
        jobs = [
            done(prompt, {"seed": seed}, pictures=(telling(session, at, seed),), **more)
            for at, prompt in enumerate(prompts)
            for seed in seeds
        ]
        axes = [AxisRecord("prompt", tuple(prompts)), AxisRecord("seed", tuple(map(str, seeds)))]
        cells = [CellRecord(job.id, divmod(place, len(seeds))) for place, job in enumerate(jobs)]
        record = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
        return session.run(record.id)

    return study


@pytest.fixture
def lights(session: rv.Session) -> Callable[[], rv.Run]:
    """`lights()`: a run with each prompt in the light of dawn and of dusk."""

    def lights() -> rv.Run:
        values = ("dawn", "dusk")
        jobs = [
            done(f"{prompt} at {light}", {"seed": 5}, pictures=(telling(session, at, place),))
            for at, prompt in enumerate(PROMPTS)
            for place, light in enumerate(values)
        ]
        axes = [AxisRecord("prompt", tuple(PROMPTS)), AxisRecord("light", values)]
        cells = [CellRecord(job.id, divmod(place, 2)) for place, job in enumerate(jobs)]
        record = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
        return session.run(record.id)

    return lights


def telling(session: rv.Session, prompt: int, seed: int) -> PictureRecord:
    """A picture with its seed in a text, in EXIF and in a comment."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", SECRET)
    exif = Image.Exif()
    exif[0x010E] = SECRET
    buffer = io.BytesIO()
    picture = Image.new("RGB", (40, 30), (seed % 256, 20 * prompt, 99))
    picture.save(buffer, "PNG", pnginfo=texts, exif=exif)
    data = buffer.getvalue()
    return PictureRecord(session.store.files.put(data, "image/png"), "image/png", 40, 30, len(data))


def judge_all(ranking: rv.Ranking, better: Callable[[int, int], str], most: int = 1000) -> None:
    """Judge as the widget does; `better` is asked about the seeds at the left and at the right."""
    box = ranking.judge()._box
    seeds = {each.job: int(each.value[0]) for each in ranking._contenders.values()}
    for place, shown in enumerate(box._shown[:most]):
        box.vote(place, better(seeds[shown.left], seeds[shown.right]), 1.5)


def higher(left: int, right: int) -> str:
    return "left" if left > right else "right"


def page_data(html: str) -> Any:
    """What a page for judging holds."""
    found = re.search(r'<script type="application/json" id="judged">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


PROMPTS = ["a cat", "a dog", "an owl", "a fox"]
