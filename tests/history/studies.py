"""A run as a study makes it: pictures of a known brightness at prompts × seeds × lights × replicates."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product

import numpy as np
from PIL import Image
from store.filling import done

import rivya_nb as rv
from rivya_nb.store.records import AxisRecord, CellRecord, PictureRecord

Brightness = Callable[[int, int, int, int], float]
"""The brightness (0 to 1) of a picture of a prompt, a seed, a light and a replicate, by their numbers."""

CATEGORIES = ("animals", "rooms", "still life")
LIGHTS = ("morning", "candle")


def plain_picture(session: rv.Session, brightness: float) -> PictureRecord:
    """A picture whose left half is as bright as is said, and whose right half is grey."""
    pixels = np.full((16, 16, 3), 128, np.uint8)
    pixels[:, :8] = round(255 * min(1.0, max(0.0, brightness)))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = buffer.getvalue()
    return PictureRecord(session.store.files.put(data, "image/png"), "image/png", 16, 16, len(data))


def add_study(
    session: rv.Session,
    brightness: Brightness,
    *,
    prompts: int = 12,
    seeds: int = 3,
    lights: tuple[str, ...] = LIGHTS,
    replicates: int = 2,
    missing: Callable[[int, int, int, int], bool] = lambda *_: False,
) -> rv.Run:
    axes = [
        AxisRecord(
            "prompt",
            tuple(f"thing {number}" for number in range(prompts)),
            tuple({"category": CATEGORIES[number % 3]} for number in range(prompts)),
        ),
        AxisRecord("seed", tuple(str(number) for number in range(1, seeds + 1))),
        AxisRecord("light", lights),
        AxisRecord("replicate", tuple(str(number) for number in range(1, replicates + 1))),
    ]
    jobs, cells = [], []
    for place in product(range(prompts), range(seeds), range(len(lights)), range(replicates)):
        if missing(*place):
            continue
        prompt, seed, light, replicate = place
        job = done(
            f"thing {prompt}, {lights[light]} light",
            {"seed": seed + 1},
            pictures=(plain_picture(session, brightness(*place)),),
            replicate=replicate + 1,
        )
        jobs.append(job)
        cells.append(CellRecord(job.id, place))
    record = session.store.asking.add_run(name="lights", service="sandbox", axes=axes, cells=cells, jobs=jobs)
    return session.run(record.id)


def noisy(prompts: int = 12, seeds: int = 3, steps: float = 0.15, noise: float = 0.02) -> Brightness:
    """Candles are darker by `steps`, seeds differ from prompt to prompt, and the very same request a little."""
    generator = np.random.default_rng(7)
    own = generator.standard_normal((prompts, seeds)) * 0.05
    chance = generator.standard_normal((prompts, seeds, 2, 5)) * noise
    return lambda prompt, seed, light, replicate: float(
        0.5 + own[prompt, seed] - steps * light + chance[prompt, seed, light, replicate]
    )
