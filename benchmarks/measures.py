"""The bundled measures over many pictures of 1K, beside plainly decoding the same files in the same run.

    python benchmarks/measures.py [pictures] [rounds]

Draws pictures of 1024 × 1024 pixels with detail at every scale, as PNG and as JPEG, into a store of its own.
Decoding is what a thread pool with a thread for each processor does with `Image.open(path).convert("RGB")`. Each
measure is then computed alone, and all of them together, which decodes each picture once; and taken again from
the store. Figures are the best of the rounds in seconds, by the clock and of the processors, and how many times as
long as decoding that is. Where the machine is busy with other things, that of the processors counts.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PIL import Image

from rivya_nb.contract.request import Request
from rivya_nb.measures.bundled import BUNDLED
from rivya_nb.measures.definition import Measure
from rivya_nb.store.records import JobRecord, PictureRecord, planned_job
from rivya_nb.store.store import Store
from rivya_nb.study.measuring import measured_pairs, measured_together
from rivya_nb.study.places import PicturedPlace

SIDE = 1024
DRAWN = 8
WORKERS = os.cpu_count() or 1


def draw(number: int, kind: str) -> bytes:
    """A picture with detail at every scale, as a photograph has it."""
    picture = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    for side, weight in ((4, 0.5), (32, 0.35), (256, 0.2), (SIDE, 0.06)):
        layers = [Image.effect_noise((side, side), 90 + number) for _ in range(3)]
        layer = Image.merge("RGB", layers).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture = Image.blend(picture, layer, weight)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 92} if kind == "JPEG" else {"compress_level": 6}))
    return buffer.getvalue()


def fill(store: Store, count: int, kind: str) -> list[PicturedPlace]:
    """Pictures in a store; after the first few they repeat, with other bytes behind their end."""
    drawn, mime_type = [draw(number, kind) for number in range(DRAWN)], f"image/{kind.lower()}"
    places = []
    for number in range(count):
        data = drawn[number % DRAWN] + number.to_bytes(4, "big")
        picture = PictureRecord(store.files.put(data, mime_type), mime_type, SIDE, SIDE, len(data))
        job: JobRecord = planned_job(Request("wan", "a fox", {"seed": number}), "sandbox", 0.0)
        places.append(PicturedPlace(replace(job, pictures=(picture,)), picture, {"seed": str(number)}, {}))
    return places


def decode(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB")


def best(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The least seconds by the clock, and of the processors."""
    took, worked = [], []
    for _ in range(rounds):
        start, before = time.perf_counter(), time.process_time()
        work()
        took.append(time.perf_counter() - start)
        worked.append(time.process_time() - before)
    return min(took), min(worked)


def fresh(measures: Sequence[Measure]) -> list[Measure]:
    """The same measures in a version of which the store has nothing."""
    return [replace(measure, given_version=str(time.perf_counter())) for measure in measures]


def compare(kind: str, count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        places = fill(store, count, kind)
        paths = [store.files.path(each.picture.sha256, each.picture.mime_type) for each in places]
        pairs = [(one.picture, other.picture) for one, other in pairwise(places)]

        def plain() -> None:
            with ThreadPoolExecutor(WORKERS) as workers:
                list(workers.map(decode, paths))

        plain()
        decoding = best(plain, rounds)
        print(f"{kind}: {count:,} pictures of {SIDE} × {SIDE}, {WORKERS} processors")
        print(f"  {'decoding':28}{decoding[0]:7.2f} s {decoding[1]:7.2f} s of the processors")

        def show(name: str, work: Callable[[], object]) -> None:
            took = best(work, rounds)
            ratios = "  ".join(f"{one / other:5.2f} ×" for one, other in zip(took, decoding, strict=True))
            print(f"  {name:28}{took[0]:7.2f} s {took[1]:7.2f} s  {ratios}", flush=True)

        single = [each for each in BUNDLED.values() if each.kind == "picture"]
        for each in single:
            show(each.name, lambda it=each: measured_together(store, places, fresh([it])))
        show("all five together", lambda: measured_together(store, places, fresh(single)))
        for each in (each for each in BUNDLED.values() if each.kind == "pair"):
            show(
                f"{each.name}, {len(pairs):,} pairs",
                lambda it=each: measured_pairs(store, pairs, fresh([it])),
            )
        measured_together(store, places, single)
        show("all five, from the store", lambda: measured_together(store, places, single))
        store.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    for kind in ("PNG", "JPEG"):
        compare(kind, count, rounds)


if __name__ == "__main__":
    main()
