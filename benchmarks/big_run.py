"""A run of 10,000: planning it, writing it down, looking at it, and what it costs in memory.

    python benchmarks/big_run.py [JOBS]

No service is asked: the plan is made as a cell makes it, and what would be asked is written into the store as jobs
that are planned, and then as jobs that are done, each with a small picture (48 files, shared). Printed are

- the seconds of each step by the clock, and of the processor in parentheses;
- the bytes of each drawing, and the milliseconds of the first and of the next one;
- the memory of the process above that before the run, in MB;
- while the run "works" (its jobs change at CHANGES a second, and its cell follows): the longest stall of the loop
  by a ticker, and the bytes that the cell sends in a minute.
"""

from __future__ import annotations

import asyncio
import gc
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from PIL import Image

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.showing import live
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.store import Store

T = TypeVar("T")

FILES = 48
CHANGES = 300
FOLLOWED = 20.0
"""Seconds that the cell is followed while its jobs change."""
TICK = 0.001
AIM = "aims: 1 s for the plan, 100 ms and 1 MB a drawing, 2 s for jobs, to_pandas and grid, 150 MB, 20 ms"


def memory() -> float:
    """The memory of this process in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def told(what: str) -> Iterator[None]:
    clock, processor = time.perf_counter(), time.process_time()
    yield
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{what:34}{clock * 1000:9.0f} ms ({processor * 1000:.0f} of the processor)", flush=True)


def drawn(what: str, draw: Callable[[], dict[str, str]]) -> None:
    """Draw twice: the first time reads pictures, and the second is what a user waits for again and again."""
    for time_of in ("first", "again"):
        with told(f"{what}, {time_of}"):
            bundle = draw()
    sizes = ", ".join(f"{mime} {len(text.encode()) / 1000:.0f} kB" for mime, text in bundle.items())
    print(f"{'':34}{sizes}", flush=True)


def pictures(store: Store) -> list[PictureRecord]:
    """Small pictures in the store."""
    made = []
    for number in range(FILES):
        buffer = io.BytesIO()
        Image.radial_gradient("L").resize((256, 256)).convert("RGB").rotate(number).save(buffer, "PNG")
        data = buffer.getvalue()
        sha256 = store.files.put(data, "image/png")
        made.append(PictureRecord(sha256, "image/png", 256, 256, len(data)))
    return made


def finish(job: JobRecord, number: int, known: list[PictureRecord]) -> JobRecord:
    """The job as it ends: one in 50 fails."""
    ended = replace(
        job,
        task_id=f"task-{number}",
        reserved_credits=12,
        submitted_at=job.created_at + 1,
        finished_at=job.created_at + 1 + number % 12,
    )
    if number % 50 == 49:
        why = ("generation_failed", "content_rejected", "upstream_timeout")[number % 3]
        return replace(ended, status="failed", final_credits=0, error_code=why, error_message="No picture.")
    return replace(ended, status="succeeded", final_credits=12, pictures=(known[number % len(known)],))


def planned(count: int, thing: str) -> rv.Plan:
    sorts = "|".join(f"glass {number}" for number in range(100))
    prompt = f"A {thing} of {{sort={sorts}}} on a soft studio background"
    return rv.plan(prompt, seed=range(1, count // 100 + 1), resolution="1K")


def written(session: rv.Session, plan: rv.Plan, jobs: list[JobRecord]) -> rv.Run:
    draft, ask = plan.draft, plan.expansion.ask.to_json()
    record = session.store.asking.add_run(
        name=None, service=session.service, axes=draft.axes, cells=draft.cells, jobs=jobs, ask=ask
    )
    assert record is not None
    return session.live_records.run(record)


def follow(run: rv.Run, known: list[PictureRecord]) -> None:
    """Let the run's cell follow it while its jobs change; print stalls and bytes."""
    sent: list[tuple[float, int]] = []
    live.executing_cell = lambda: "benchmark"

    def publish(look: dict[str, str], *_: object, **__: object) -> None:
        sent.append((time.monotonic(), sum(len(text.encode()) for text in look.values())))

    live.publish = publish
    stalls: list[float] = []
    steps: list[float] = []
    collected = [0.0, 0.0]

    def collecting(phase: str, _: object) -> None:
        now = time.perf_counter()
        if phase == "start":
            collected[0] = now
        else:
            collected[1] = max(collected[1], now - collected[0])

    gc.callbacks.append(collecting)

    async def tick() -> None:
        while True:
            before, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            stalls.append(time.perf_counter() - before - TICK)
            steps.append(time.thread_time() - worked)

    async def work() -> None:
        ticker = asyncio.ensure_future(tick())
        began = time.monotonic()
        jobs = run.jobs
        for job in jobs:
            job.live.is_working = True
            job.live.wanted_by.add(run.id)
        await asyncio.sleep(0.1)
        stalls.clear()
        steps.clear()
        processor = time.process_time()
        done = 0
        while time.monotonic() - began < FOLLOWED:
            until = min(len(jobs), int((time.monotonic() - began) * CHANGES / 3))
            for number in range(done, until):
                job = jobs[number]
                job.live.changed(replace(job.record, status="queued", task_id="t", reserved_credits=12))
                job.live.changed(replace(job.record, status="downloading"))
                job.live.is_working = False
                job.live.changed(finish(job.record, number, known))
            done = until
            await asyncio.sleep(0.02)
        used = (time.process_time() - processor) / (time.monotonic() - began)
        for job in jobs:
            job.live.is_working = False
        ticker.cancel()
        gc.callbacks.remove(collecting)
        print(
            f"{'while it works':34}{max(stalls) * 1000:9.0f} ms longest stall of the loop, "
            f"{max(steps) * 1000:.0f} ms of the processor in its longest step, "
            f"{collected[1] * 1000:.0f} ms for the longest garbage collection, {used * 100:.0f} % of a processor"
        )

    for job in run.jobs:
        job.live.is_working = True
    with told("show it in its cell"):
        run.show(variable="bottles")
    began = time.monotonic()
    run.work_loop.start(work()).result()
    took = time.monotonic() - began
    each = [size for _, size in sent]
    print(
        f"{'':34}{sum(each) * 60 / took / 1e6:9.1f} MB a minute in {len(each) * 60 / took:.0f} messages, "
        f"the largest {max(each) / 1000:.0f} kB"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(AIM)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=Path(folder) / "store")) as session,
    ):
        session.prepare()
        known = pictures(session.store)
        planned(100, "cup")._repr_mimebundle_()
        start = memory()
        with told(f"plan {count:,}"):
            plan = planned(count, "bottle")
        drawn("the plan", plan._repr_mimebundle_)
        with told("write it down"):
            run = written(session, plan, list(plan.draft.new))
        print(f"{'memory of the planned run':34}{memory() - start:9.0f} MB")
        del plan
        print(f"{'memory of the run':34}{memory() - start:9.0f} MB")
        drawn("the run, nothing sent", run.look)
        follow(run, known)
        print(f"{'memory after that':34}{memory() - start:9.0f} MB")
        del run
        plan = planned(count, "vase")
        done = [finish(job, number, known) for number, job in enumerate(plan.draft.new)]
        finished = written(session, plan, done)
        del plan, done
        with told("read it"):
            finished = session.run(finished.id)
        drawn("the run, finished", finished.look)
        with told("jobs"):
            finished.jobs  # noqa: B018 - made when it is read
        with told("to_pandas"):
            finished.to_pandas()
        with told("grid"):
            grid = finished.grid(rows="seed")
        drawn("the grid", grid._repr_mimebundle_)
        with told("plan it again, from the history"):
            planned(count, "vase")


if __name__ == "__main__":
    main()
