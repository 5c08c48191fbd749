"""A store of 100,000 pictures, or of a million: opening it, finding in it, writing, marking.

    python benchmarks/store.py [jobs] [jobs that share a prompt] [folder or postgresql://host/database]

The store has runs of 50, with prompts of some 20 words in three scripts; by default five jobs share a prompt, and
1 makes every prompt another. The first 12,000 jobs are written as a session writes them, and the rest are copies
of these, with ids, prompts and times of their own. A store that is there already is taken as it is, and one
that is filled there stays; on a server, RIVYA_PICTURES names a place for pictures, which has none. Figures are
medians of eleven rounds in milliseconds, by the clock and of this process' processor, which alone counts where
the machine is busy with other things (for SQLite: a server has processes of its own); `open` is a new `Store.open`
each time. What is counted is counted as a page tells it: "more than 10,000" of very many,
or 2,000 on a server.
The aim is 50 ms for finding and 100 ms for opening.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, text

from rivya_nb.contract.request import Request
from rivya_nb.store import prompt_index, writing
from rivya_nb.store.lookup import insert_one
from rivya_nb.store.places import read_place
from rivya_nb.store.questions import MeasureOrder, Question
from rivya_nb.store.records import CellRecord, JobChanges, JobRecord, PictureRecord, RunRecord, planned_job
from rivya_nb.store.schema import metadata, runs
from rivya_nb.store.store import Store
from rivya_nb.store.sums import sum_anew

ROUNDS = 11
RUN = 50
AT_ONCE = 1000
WRITTEN = 12_000
"""A whole number of hours, at a job a minute."""
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


def fill(store: Store, count: int, sharing: int) -> None:
    """Fill the store; `count` is rounded up to a multiple of `WRITTEN` where it is larger."""
    stream = jobs(min(count, WRITTEN), sharing)
    while some := list(islice(stream, AT_ONCE)):
        with store.database.writing() as connection:
            writing.insert_jobs(connection, store.owner.id, some)
            for start in range(0, len(some), RUN):
                run = {"service": "sandbox", "created_at": some[start].created_at, "axes": "[]"}
                cells = [CellRecord(job.id, (at,)) for at, job in enumerate(some[start : start + RUN])]
                writing.append_cells(connection, insert_one(connection, runs, run), (), cells)
        some_ids = [job.id for job in some]
        store.marks.change(some_ids[::4], rating=int(some[0].created_at - START) // 60 // AT_ONCE % 5 + 1)
        store.marks.change(some_ids[1::50], favourite=True)
        store.marks.change(some_ids[2::40], hidden=True)
        store.marks.tag(some_ids[::3], ["keep"])
    store.marks.tag(store.history_ids(Question(oldest_first=True), limit=10, offset=100), ["rare"])


TABLES = ("prompts", "jobs", "pictures", "marks", "tags", "runs", "run_jobs")


def multiply(store: Store, times: int) -> None:
    """Copy everything `times` - 1 times, in SQL; indexes are made anew afterwards, which is much faster."""
    with store.database.writing() as connection:
        made = drop_indexes(connection)
        run = connection.exec_driver_sql
        key = {table: "number" if table == "jobs" else "id" for table in ("prompts", "jobs", "runs")}
        size = {table: run(f"SELECT max({name}) FROM {table}").scalar_one() for table, name in key.items()}
        run("CREATE TEMPORARY TABLE copies (c INTEGER PRIMARY KEY)")
        run(f"INSERT INTO copies VALUES {', '.join(f'({each})' for each in range(1, times))}")
        changed = {
            "number": f"number + c * {size['jobs']}",
            "job_number": f"job_number + c * {size['jobs']}",
            "run_id": f"run_id + c * {size['runs']}",
            "prompt_id": f"prompt_id + c * {size['prompts']}",
            "words": "words || ' ' || c",
            **{name: f"{name} + c * {60 * WRITTEN}" for name in ("created_at", "counted_at")},
            **dict.fromkeys(("identity", "sha256", "digest"), a_hash(connection)),
        }
        for table in TABLES:
            own = {"id": a_hash(connection) if table == "jobs" else f"id + c * {size.get(table)}"}
            names = [column.name for column in metadata.tables[table].columns]
            values = ", ".join({**changed, **own}.get(name, f'"{name}"') for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            run(f"INSERT INTO {table} ({columns}) SELECT {values} FROM copies, {table} ORDER BY c")
        for statement in made:
            run(statement)
        sum_anew(connection)
        if connection.dialect.name == "sqlite":
            prompt_index.catch_up(connection)
        else:
            for table, name in key.items():
                run(f"SELECT setval(pg_get_serial_sequence('{table}', '{name}'), max({name})) FROM {table}")


def drop_indexes(connection: Connection) -> list[str]:
    """Drop indexes and triggers, and let the database check no key; gives the statements that make all of it
    again."""
    run = connection.exec_driver_sql
    if connection.dialect.name == "sqlite":
        run("PRAGMA defer_foreign_keys = ON")
        made = run(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND"
            " (type = 'trigger' OR (type = 'index' AND tbl_name IN (SELECT value FROM json_each(?))))",
            (json.dumps(TABLES),),
        ).all()
        for kind, name, _ in made:
            run(f"DROP {kind} {name}")
        return [sql for *_, sql in made]
    # Triggers of any kind are not called in such a session.
    run("SET LOCAL session_replication_role = replica")
    found = run(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema AND tablename = ANY(%s)"
        " AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
        (list(TABLES),),
    ).all()
    for name, _ in found:
        run(f"DROP INDEX {name}")
    return [sql for _, sql in found]


def a_hash(connection: Connection) -> str:
    """The SQL of a random text of 64 characters."""
    if connection.dialect.name == "sqlite":
        return "lower(hex(randomblob(32)))"
    return "md5(random()::text) || md5(random()::text)"


def measure(store: Store) -> None:
    """Keep a number of each picture but one in a hundred, as a measure gives it."""
    with store.database.writing() as connection:
        connection.execute(text("INSERT INTO measures (name, version, source) VALUES ('sharpness', '1', '')"))
        numbers = (
            "INSERT INTO measurements (measure_id, sha256, beside, frames, part, value)"
            " SELECT 1, sha256, '', '', '', job_number * 7919 % 100003 / 1000.0 FROM pictures"
            " WHERE job_number % 100 != 7"
        )
        connection.execute(text(numbers))
    if not isinstance(store.place, Path):
        with store.database.writing() as connection:
            connection.execute(text("ANALYZE"))


def measured(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """The medians of the rounds by the clock and of the processor, in milliseconds."""
    took: list[float] = []
    worked: list[float] = []
    for _ in range(rounds):
        started, worked_before = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - worked_before) * 1000)
    return statistics.median(took), statistics.median(worked)


SHARPNESS = MeasureOrder("sharpness")
QUESTIONS = {
    "everything": Question(),
    "model": Question(model=MODELS[1]),
    "seed": Question(seed=77),
    "a frequent param": Question(params={"aspect_ratio": "16:9"}),
    "two params": Question(params={"aspect_ratio": "16:9", "seed": 77}),
    "rating of 4": Question(rating=4),
    "favourite": Question(favourite=True),
    "a frequent tag": Question(tags=("keep",)),
    "a rare tag": Question(tags=("rare",)),
    "a run": Question(runs=(7,)),
    "two days long ago": Question(since=START + 86_400, until=START + 3 * 86_400),
    "a rare word": Question(prompt="xylophonist"),
    "two rare letters": Question(prompt="qz"),
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
    "several models": Question(model=MODELS[1:3]),
    "a range of seeds": Question(seed=range(1000, 9000)),
    "either word": Question(prompt="studio OR 山水猫"),
    "without a word": Question(prompt="-studio"),
    "one word without another": Question(prompt="photo -xylophonist"),
    "a size": Question(width=2048, height=range(1000, 3000)),
    "by rating": Question(order="rating"),
    "by seed": Question(order="seed"),
    "by rating: a frequent word": Question(order="rating", prompt="studio"),
    "by rating: a frequent tag": Question(order="rating", tags=("keep",)),
    "by seed: model and seeds": Question(order="seed", model=MODELS[2], seed=range(5000, 9000)),
    "by rating: a rare word": Question(order="rating", prompt="xylophonist"),
    "by a measure": Question(order=SHARPNESS),
    "by a measure: a frequent word": Question(order=SHARPNESS, prompt="studio"),
    "by a measure: a frequent tag": Question(order=SHARPNESS, tags=("keep",)),
    "by a measure: a rare word": Question(order=SHARPNESS, prompt="xylophonist"),
}


def table(store: Store, ids: list[str]) -> Iterator[tuple[str, tuple[float, float], str]]:
    """Rows of the table: what was measured, its figures, and a remark."""
    for name, question in QUESTIONS.items():
        found = store.count(question)
        yield f"first page: {name}", measured(lambda q=question: store.history(q, limit=PAGE)), f"{found:,}"
        yield f"count: {name}", measured(lambda q=question: store.counted(q)), store.counted(question).words
    yield "page 2,000", measured(lambda: store.history(Question(), limit=PAGE, offset=PAGE * 2000)), ""
    yield "ids of everything", measured(lambda: store.history_ids(Question())), ""
    yield "spent", measured(lambda: store.spent("sandbox")), f"{store.spent('sandbox').credits:,}"
    day = START + 60 * len(ids) - 86_400
    yield "spent in a day", measured(lambda: store.spent("sandbox", day)), ""
    yield "services", measured(store.services), ""
    yield "30 runs", measured(lambda: store.runs.newest(limit=30)), f"{store.runs.count():,} runs"
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


def add(store: Store, count: int) -> RunRecord:
    """A run of new jobs that share a prompt."""
    new = [
        planned_job(Request(MODELS[0], "a lighthouse", {"seed": seed}, (), 12), "sandbox", time.time())
        for seed in range(count)
    ]
    cells = [CellRecord(job.id, (at,)) for at, job in enumerate(new)]
    run = store.asking.add_run(name=None, service="sandbox", axes=(), cells=cells, jobs=new)
    assert run is not None
    return run


def large_run(store: Store) -> Iterator[tuple[str, tuple[float, float], str]]:
    """The rows of a run of 10,000 jobs, and of the steps of a job."""
    yield "add a run of 10,000", measured(lambda: add(store, 10_000), rounds=1), ""
    run = store.runs.newest(limit=1)[0]
    ids = [cell.job_id for cell in run.cells]
    yield "read its record", measured(lambda: store.runs.get(run.id), rounds=3), ""
    yield "read its jobs", measured(lambda: store.jobs(ids), rounds=3), ""
    steps = iter(ids)
    store.database.begin_work()
    yield "a job is submitted", measured(lambda: submit(store, next(steps)), rounds=200), ""
    polled = iter(ids)
    yield (
        "a job changes",
        measured(lambda: store.update_job(next(polled), status="processing"), rounds=200),
        "",
    )
    done = iter(ids)
    yield "a job is finished", measured(lambda: finish(store, next(done)), rounds=200), ""
    store.database.end_work()


def submit(store: Store, job_id: str) -> None:
    store.claims.begin_submit(job_id, body="x" * 300, submitted_at=time.time())


def finish(store: Store, job_id: str) -> None:
    # The picture has no file.
    picture = PictureRecord(job_id, "image/png", 2048, 2048, 5_000_000)
    changes: JobChanges = {"status": "succeeded", "final_credits": 12, "finished_at": time.time()}
    with store.database.writing() as connection:
        writing.finish(connection, store.owner.id, job_id, changes, [picture])


def size_of(store: Store) -> float:
    """The size of the database in megabytes."""
    if isinstance(store.place, Path):
        return (store.place / "rivya.db").stat().st_size / 1e6
    with store.database.reading() as connection:
        size: int = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return size / 1e6


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    sharing = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as temporary:
        place = read_place(sys.argv[3] if len(sys.argv) > 3 else temporary)
        if isinstance(place, Path):
            place /= "store"
            place.parent.mkdir(exist_ok=True)
        store = Store.open(place, os.environ.get("RIVYA_PICTURES"))
        if not store.runs.count():
            started = time.perf_counter()
            fill(store, count, sharing)
            if count > WRITTEN:
                multiply(store, -(-count // WRITTEN))
            measure(store)
            print(f"filled in {time.perf_counter() - started:.0f} s")
        ids = store.history_ids(Question(hidden=True, oldest_first=True))
        print(f"{len(ids):,} jobs, {size_of(store):.0f} MB")
        store.close()
        print(f"{'':38}{'clock':>8}{'processor':>10}  found")
        clock, processor = measured(lambda: Store.open(place).close())
        print(f"{'open':38}{clock:8.1f}{processor:10.1f}")
        store = Store.open(place, os.environ.get("RIVYA_PICTURES"))
        for rows in (table(store, ids), large_run(store)):
            for name, (clock, processor), remark in rows:
                print(f"{name:38}{clock:8.1f}{processor:10.1f}  {remark}", flush=True)
        store.close()


if __name__ == "__main__":
    main()
