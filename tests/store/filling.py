"""Jobs, runs and pictures for the store's tests, and what other processes do in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import Request
from rivya_nb.errors import StoreError
from rivya_nb.store.questions import Question
from rivya_nb.store.records import CellRecord, JobRecord, PictureRecord, RunRecord, planned_job
from rivya_nb.store.store import Store

MODEL = "wan-2-7-image-pro"
PICTURE = PictureRecord("ab" * 32, "image/png", 1024, 768, 12345)


def a_job(
    prompt: str = "a cat",
    params: Mapping[str, ParamValue] | None = None,
    *,
    service: str = "sandbox",
    model: str = MODEL,
    **fields: Any,
) -> JobRecord:
    request = Request(model, prompt, {"seed": 1} if params is None else params, (), 12)
    return replace(planned_job(request, service, 1000.0), **fields)


def done(prompt: str = "a cat", params: Mapping[str, ParamValue] | None = None, **fields: Any) -> JobRecord:
    return a_job(prompt, params, **{"status": "succeeded", "pictures": (PICTURE,), **fields})


def add(store: Store, *jobs: JobRecord, name: str | None = None) -> RunRecord:
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
    return store.asking.add_run(name=name, service=jobs[0].service, axes=(), cells=cells, jobs=jobs)


def kept(store: Store, data: bytes, **fields: Any) -> PictureRecord:
    """The record of a picture, or of what the fields say, whose file is in the store."""
    record = replace(PICTURE, **fields)
    return replace(record, sha256=store.files.put(data, record.mime_type), size=len(data))


CLIP: dict[str, Any] = {"mime_type": "video/mp4", "duration": 5.04}
"""What a video says that a picture does not."""


def ids(jobs: Sequence[JobRecord]) -> list[str]:
    return [job.id for job in jobs]


def own_and_hang(folder: Path, pipe: Connection) -> None:
    """In a process of its own: plan two jobs, tell their ids and the owner, and stay until killed."""
    store = Store.open(folder)
    jobs = [a_job(params={"seed": seed}) for seed in (1, 2)]
    add(store, *jobs)
    pipe.send((ids(jobs), store.owner.id))
    pipe.recv()


def fork_and_hang(folder: Path, pipe: Connection) -> None:
    """In a process of its own: own a job, fork a child that outlives it, and stay until killed."""
    store = Store.open(folder)
    job = a_job()
    add(store, job)
    child = os.fork()
    if child == 0:
        try:
            store.unfinished()
        except Exception as error:
            pipe.send(str(error))
        pipe.recv()
        os._exit(0)
    pipe.send((job.id, store.owner.id, child))
    os.waitpid(child, 0)


def write_much(folder: Path, pipe: Connection) -> None:
    """In a process of its own: open the store together with others, and write a hundred times."""
    pipe.send("ready")
    pipe.recv()
    store = Store.open(folder)
    job = a_job()
    add(store, job)
    for count in range(99):
        store.update_job(job.id, reserved_credits=count)
    store.close()
    pipe.send(job.id)


def deliver_what_was_deleted(folder: Path, pipe: Connection) -> None:
    """In a process of its own: put a picture in place, and write it down only when told to."""
    store = Store.open(folder)
    job = a_job(status="downloading")
    add(store, job)
    picture = kept(store, b"the same picture")
    pipe.send("in place")
    pipe.recv()
    first = store.finish_job(job.id, [picture], status="succeeded")
    again = kept(store, b"the same picture")
    pipe.send((job.id, first, store.finish_job(job.id, [again], status="succeeded")))
    store.close()


def rate_and_tell(folder: Path, pipe: Connection) -> None:
    """In a process of its own: rate a job 5 and tell its marks, then undo and tell what that was."""
    store = Store.open(folder)
    job_id = pipe.recv()
    store.marks.change([job_id], rating=5)
    pipe.send(store.marks.of([job_id])[job_id])
    pipe.recv()
    pipe.send(store.marks.undo())
    store.close()


def become_nobody() -> None:
    """Give up root's rights, which no permission binds."""
    if os.geteuid() == 0:
        os.setuid(65534)


def open_without_rights(folder: Path, pipe: Connection) -> None:
    """In a process of its own, and as nobody where this one is root: open the store, and tell what that says."""
    become_nobody()
    try:
        Store.open(folder).close()
    except StoreError as error:
        pipe.send(str(error))
    else:
        pipe.send("opened")


def read_without_rights(folder: Path, pipe: Connection) -> None:
    """In a process of its own, and as nobody where this one is root: tell what a store has, whenever asked, and
    what it says where it is written."""
    become_nobody()
    store = Store.open(folder)
    try:
        while pipe.recv() == "go on":
            found = [(job.id, [store.files.read(each.sha256, each.mime_type) for each in job.pictures])
                     for job in store.history(Question())]  # fmt: skip
            pipe.send((found, [run.name for run in store.runs.newest()], refusals(store)))
    finally:
        store.close()


def refusals(store: Store) -> list[str]:
    """What a store says to everything that writes."""
    job = a_job()
    known = next(iter(store.history(Question())))
    writes: list[Callable[[], object]] = [
        lambda: add(store, job),
        store.make_ready,
        lambda: store.claims.claim([known.id]),
        lambda: store.update_job(known.id, reserved_credits=1),
        lambda: store.marks.change([known.id], rating=5),
        store.marks.undo,
        lambda: store.panel_states.put("main", {}),
        lambda: store.files.put(b"another picture", "image/png"),
        lambda: store.delete_pictures([known.id]),
    ]
    said = []
    for write in writes:
        try:
            write()
        except StoreError as error:
            said.append(str(error))
        else:
            said.append("written")
    return said
