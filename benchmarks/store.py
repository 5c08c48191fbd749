"""A store of 100,000 pictures: opening it, finding in it, marking.

    python benchmarks/store.py [jobs] [jobs that share a prompt]

The store is filled as a session fills it, in runs of 500, with prompts of some 20 words in three scripts; by
default five jobs share a prompt, and 1 makes every prompt another. Figures are medians of eleven rounds in
milliseconds, by the clock and of the processor, which alone counts where the machine is busy with other things;
`open` is a new `Store.open` each time. The aim is 50 ms for finding and 100 ms for opening.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from rivya_nb.contract.request import Request
from rivya_nb.store.records import CellRecord, JobRecord, PictureRecord, Question, planned_job
from rivya_nb.store.store import Store

ROUNDS = 11
RUN = 500
PAGE = 24
START = 1_700_000_000.0
MODELS = ("wan-2-7-image-pro", "seedream-4", "imagen-4", "qwen-image")
RATIOS = ("1:1", "16:9", "3:4")
THAI = ("ภาพถ่าย", "แมว", "สุนัข", "ดอกไม้", "ทะเล", "กลางคืน", "แสง", "เงา", "สตูดิโอ", "พื้นหลังสีขาว")
CHINESE = "山水猫狗花鸟夜色城市光影人物风景摄影白色背景红色蓝天云海"


def prompts(rng: random.Random) -> Iterator[str]:
    """Prompts without end: half of them with "studio photo", one in ten Chinese, one in ten Thai."""
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(3000)]
    number = 0
    while True:
        number += 1
        if number % 10 == 3:
            yield "".join(rng.choices(CHINESE, k=40))
        elif number % 10 == 7:
            yield "".join(rng.choices(THAI, k=14))
        else:
            words = [vocabulary[int(rng.random() ** 2 * 3000)] for _ in range(20)]
            yield " ".join(["studio photo", *words] if number % 2 else words)


def jobs(count: int, sharing: int) -> Iterator[JobRecord]:
    """Finished jobs, a minute apart, each with a picture of its own."""
    rng = random.Random(4)
    stream = prompts(rng)
    prompt = ""
    for number in range(count):
        if number % sharing == 0:
            prompt = next(stream)
        if number // sharing == count // sharing // 3:
            prompt = "a xylophonist, 棚 of red"
        params = {"seed": number % 9973, "aspect_ratio": rng.choice(RATIOS), "resolution": "2K"}
        request = Request(rng.choice(MODELS), prompt, params, (), 12)
        picture = PictureRecord(f"{number:064x}", "image/png", 2048, 2048, 5_000_000)
        yield replace(
            planned_job(request, "sandbox", START + 60 * number),
            status="succeeded",
            final_credits=12,
            body="x" * 300,
            pictures=(picture,),
        )


def fill(store: Store, count: int, sharing: int) -> list[str]:
    """Fill the store; the ids of its jobs."""
    ids: list[str] = []
    waiting: list[JobRecord] = []
    for job in jobs(count, sharing):
        waiting.append(job)
        ids.append(job.id)
        if len(waiting) == RUN:
            cells = [CellRecord(each.id, (place,)) for place, each in enumerate(waiting)]
            store.add_run(name=None, service="sandbox", axes=(), cells=cells, jobs=waiting)
            waiting.clear()
    for start in range(0, len(ids), 1000):
        some = ids[start : start + 1000]
        store.marks.change(some[::4], rating=start // 1000 % 5 + 1)
        store.marks.change(some[1::50], starred=True)
        store.marks.change(some[2::40], hidden=True)
        store.marks.tag(some[::3], ["keep"])
    store.marks.tag(ids[100:110], ["rare"])
    return ids


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """The medians of the rounds by the clock and of the processor, in milliseconds."""
    took: list[float] = []
    worked: list[float] = []
    for _ in range(ROUNDS):
        started, worked_before = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - worked_before) * 1000)
    return statistics.median(took), statistics.median(worked)


QUESTIONS = {
    "everything": Question(),
    "model": Question(model=MODELS[1]),
    "seed": Question(seed=77),
    "a frequent param": Question(params={"aspect_ratio": "16:9"}),
    "two params": Question(params={"aspect_ratio": "16:9", "seed": 77}),
    "rating of 4": Question(rating=4),
    "starred": Question(starred=True),
    "a frequent tag": Question(tags=("keep",)),
    "a rare tag": Question(tags=("rare",)),
    "a run": Question(run=7),
    "two days long ago": Question(since=START + 86_400, until=START + 3 * 86_400),
    "a rare word": Question(prompt="xylophonist"),
    "a frequent word": Question(prompt="studio"),
    "two frequent words": Question(prompt="photo studio"),
    "no such word": Question(prompt="zzyzx"),
    "Thai": Question(prompt="กลางคืน"),
    "Chinese, 3 characters": Question(prompt="山水猫"),
    "Chinese, 2 characters": Question(prompt="山水"),
    "Chinese, 1 rare character": Question(prompt="棚"),
    "2 letters that never meet": Question(prompt="棚棚"),
    "words, model, tag and rating": Question(prompt="studio", model=MODELS[0], tags=("keep",), rating=3),
    "hidden ones too": Question(hidden=True),
}


def table(store: Store, ids: list[str]) -> Iterator[tuple[str, tuple[float, float], str]]:
    """Rows of the table: what was measured, its figures, and a remark."""
    for name, question in QUESTIONS.items():
        found = store.count(question)
        yield f"first page: {name}", measured(lambda q=question: store.history(q, limit=PAGE)), f"{found:,}"
        yield f"count: {name}", measured(lambda q=question: store.count(q)), ""
    yield "page 2,000", measured(lambda: store.history(Question(), limit=PAGE, offset=PAGE * 2000)), ""
    yield "ids of everything", measured(lambda: store.history_ids(Question())), ""
    yield "30 runs", measured(lambda: store.runs(limit=30)), f"{len(store.runs()):,} runs"
    flip = iter(range(10**6))
    yield "rate 1 picture", measured(lambda: store.marks.change(ids[:1], rating=next(flip) % 5 + 1)), ""
    yield "rate 64 pictures", measured(lambda: store.marks.change(ids[:64], rating=next(flip) % 5 + 1)), ""
    yield "undo", measured(store.marks.undo), ""
    yield "marks of 64 pictures", measured(lambda: store.marks.of(ids[:64])), ""
    yield "known tags", measured(store.marks.known_tags), ""
    doomed = iter(range(5000, 5000 + ROUNDS * 24, 24))

    def delete() -> None:
        start = next(doomed)
        store.delete_pictures(ids[start : start + 24])

    yield "delete 24 pictures", measured(delete), ""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    sharing = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "store"
        store = Store.open(folder)
        started = time.perf_counter()
        ids = fill(store, count, sharing)
        took = time.perf_counter() - started
        store.close()
        size = (folder / "rivya.db").stat().st_size / 1e6
        print(f"{count:,} jobs, {sharing} to a prompt: filled in {took:.0f} s, {size:.0f} MB")
        print(f"{'':38}{'clock':>8}{'processor':>10}  found")
        clock, processor = measured(lambda: Store.open(folder).close())
        print(f"{'open':38}{clock:8.1f}{processor:10.1f}")
        store = Store.open(folder)
        for name, (clock, processor), remark in table(store, ids):
            print(f"{name:38}{clock:8.1f}{processor:10.1f}  {remark}")
        store.close()


if __name__ == "__main__":
    main()
