"""Runs and pictures made up for the tests of views."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.params import ParamValue
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, PictureRecord, RunRecord
from rivya_nb.views.layout import arrange
from rivya_nb.views.run_view import Hint, RunView
from rivya_nb.views.thumbnails import Thumbnail

STARTED = 1_800_000_000.0
BOTTLE = "A glass bottle on a soft studio background, แสงเช้า"
HOSTILE = '<script>alert("x")</script> \'"><img src=x onerror=alert(1)> & שלום \u202eevil 🎨'


def make_job(
    name: str,
    status: str = "succeeded",
    *,
    prompt: str = BOTTLE,
    params: Mapping[str, ParamValue] | None = None,
    pictures: int | None = None,
    size: tuple[int, int] = (1024, 1024),
    **changes: object,
) -> JobRecord:
    """A job in a state, with what that state brings along."""
    sent = dict(params or {})
    ended = status in ("succeeded", "failed", "undelivered")
    reserved = None if status in ("planned", "uploading", "submitting", "stopped") else 12
    count = (1 if status == "succeeded" else 0) if pictures is None else pictures
    values: dict[str, object] = {
        "id": name,
        "service": "sandbox",
        "model": "wan-2-7-image-pro",
        "prompt": prompt,
        "params": sent,
        "references": (),
        "identity": name,
        "seed": sent.get("seed"),
        "price": 12,
        "status": status,
        "created_at": STARTED,
        "reserved_credits": reserved,
        "final_credits": (0 if status == "failed" else 12) if ended else None,
        "submitted_at": None if reserved is None else STARTED + 1,
        "finished_at": STARTED + 9 if ended else None,
        "pictures": tuple(
            PictureRecord(f"{name}-{index}", "image/png", *size, size=1000) for index in range(count)
        ),
    }
    if status == "failed":
        values |= {"error_code": "generation_failed", "error_message": "The model refused this one."}
    return JobRecord(**{**values, **changes})  # type: ignore[arg-type]


def make_run(
    axes: Mapping[str, Sequence[str]],
    jobs: Sequence[JobRecord],
    places: Sequence[tuple[int, ...]] | None = None,
    **changes: object,
) -> tuple[RunRecord, dict[str, JobRecord]]:
    """A run of these jobs, in grid order unless their places are given."""
    given = tuple(AxisRecord(name, tuple(labels)) for name, labels in axes.items())
    if places is None:
        places = list(itertools.product(*(range(len(axis.labels)) for axis in given)))
    cells = tuple(CellRecord(job.id, place) for job, place in zip(jobs, places, strict=True))
    values: dict[str, object] = {
        "id": 41,
        "name": None,
        "service": "sandbox",
        "created_at": STARTED,
        "axes": given,
        "cells": cells,
    }
    return RunRecord(**{**values, **changes}), {job.id: job for job in jobs}  # type: ignore[arg-type]


def asked(prompt: str = BOTTLE, *, models: Sequence[str] = (DEFAULT_MODEL,), **parts: Any) -> dict[str, str]:
    """What a run asked, for `make_run(…, **asked(…))`: params, or other parts of an ask by their names."""
    known = {name: parts.pop(name) for name in [field.name for field in fields(Ask)] if name in parts}
    params = {key: tuple(each) if isinstance(each, (list, range)) else (each,) for key, each in parts.items()}
    template = parse_prompt(prompt, variables=False)
    return {"ask": Ask(template, tuple(models), params, **known).to_json()}


RATIOS = {"1:1": (1024, 1024), "16:9": (1024, 576), "3:4": (768, 1024)}

LIVE_STATES = ("succeeded",) * 5 + ("failed", "succeeded", "processing", "processing") + ("queued",) * 3
DONE_STATES = ("succeeded",) * 5 + ("failed",) + ("succeeded",) * 6


def bottles(states: Sequence[str], prompt: str = BOTTLE) -> tuple[RunRecord, dict[str, JobRecord]]:
    """Four seeds in three ratios, in these states."""
    seeds = ("1", "2", "3", "4")
    jobs = [
        make_job(
            f"job{index}",
            state,
            prompt=prompt,
            params={"seed": int(seed), "aspect_ratio": ratio, "resolution": "1K"},
            size=RATIOS[ratio],
        )
        for index, (state, (seed, ratio)) in enumerate(
            zip(states, itertools.product(seeds, RATIOS), strict=True)
        )
    ]
    axes = {"seed": seeds, "aspect_ratio": tuple(RATIOS)}
    ask = asked(prompt, seed=range(1, 5), aspect_ratio=list(RATIOS), resolution="1K", order=tuple(axes))
    return make_run(axes, jobs, name="bottles", **ask)


def live_bottles() -> tuple[RunRecord, dict[str, JobRecord]]:
    """The bottles while they are being made; the slowest of them came a moment before the look of `make_view`."""
    run, jobs = bottles(LIVE_STATES)
    return run, jobs | {"job0": replace(jobs["job0"], finished_at=STARTED + 30)}


def make_view(
    run: RunRecord,
    jobs: Mapping[str, JobRecord],
    *,
    live: bool = False,
    thumbnails: Mapping[str, Thumbnail | None] | None = None,
    notice: str = "",
    hints: tuple[Hint, ...] = (),
    rows: str | None = None,
    cols: str | None = None,
) -> RunView:
    """The run as its views see it, half a minute after its start."""
    return RunView(
        run=run,
        jobs=jobs,
        layout=arrange(run, jobs, rows=rows, cols=cols),
        now=STARTED + 31,
        live=live,
        thumbnails=thumbnails or {},
        notice=notice,
        hints=hints,
    )


def noise(path: Path, size: tuple[int, int], seed: int = 0) -> Path:
    """A picture that compresses as badly as one can, at every scale."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(1, size[1] // 8), max(1, size[0] // 8), 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST).save(path, compress_level=1)
    return path


def gradient(path: Path, size: tuple[int, int], seed: int = 0) -> Path:
    """A picture as smooth as a studio background."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    Image.fromarray(corners).resize(size, Image.Resampling.BICUBIC).save(path, compress_level=1)
    return path
