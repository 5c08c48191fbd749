"""A service has one name, however its address is spelled."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from api.scripted import KEY

import rivya_nb as rv
from rivya_nb.api.address import service_origin
from rivya_nb.contract.request import Request
from rivya_nb.store.records import CellRecord, PictureRecord, planned_job
from rivya_nb.store.store import Store
from rivya_nb.store.uploads import UploadRecord

SAME = {
    "https://rivya.ai": [
        "https://rivya.ai:443",
        "HTTPS://RIVYA.AI/",
        "https://rivya.ai.",
        "https://rivya.ai.:0443",
        " https://rivya.ai:/ ",
        "https://rivya.ai?",
    ],
    "https://xn--bcher-kva.example": ["https://bücher.example", "https://BÜCHER.example:443"],
    "https://xn--r8jz45g.example": ["https://例え.example", "https://例え。example"],
    "http://127.0.0.1": ["http://127.0.0.1:80", "http://127.0.0.1/"],
    "http://[::1]:8000": ["http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000/"],
    "https://rivya.ai:8443": ["https://Rivya.ai:8443/"],
    "http://localhost:443": ["http://LOCALHOST:443"],
}
PAIRS = [(name, spelling) for name, spellings in SAME.items() for spelling in (name, *spellings)]


@pytest.mark.parametrize(("name", "spelling"), PAIRS)
def test_every_spelling_names_the_same_service(name: str, spelling: str) -> None:
    assert service_origin(spelling) == name


@pytest.mark.parametrize("old", ["https://rivya.ai:443", "https://rivya.ai."])
def test_what_a_store_has_under_another_spelling_is_found(old: str, tmp_path: Path) -> None:
    upload = {"model": "m", "sha256": "00" * 32, "url": "https://f.example/1", "created_at": 1.0}
    with closing(Store.open(tmp_path)) as store:
        jobs = [
            planned_job(Request("wan-2-7-image-pro", "a bottle", {"seed": seed}, (), 12), old, time.time())
            for seed in (1, 2)
        ]
        cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
        store.asking.add_run(name=None, service=old, axes=(), cells=cells, jobs=jobs)
        for job, status in zip(jobs, ("succeeded", "processing"), strict=True):
            path = store.files.incoming / "picture.part"
            path.write_bytes(b"\x89PNG")
            picture = PictureRecord(store.files.adopt(path, "image/png"), "image/png", 8, 8, 4)
            store.finish_job(job.id, [picture], status=status, task_id="t", reserved_credits=12)
        for service in (old, "https://rivya.ai"):
            store.uploads.add(UploadRecord(service=service, **upload))
    with closing(rv.connect(KEY, "https://rivya.ai", store=tmp_path)) as session:
        assert session.store.services() == [run.record.service for run in session.runs()] == [session.service]
        assert session.store.spent(session.service).credits == 24
        assert rv.plan("a bottle", seed=1).credits == 0
        assert session.store.uploads.get(session.service, "m", "00" * 32) is not None
        assert session.store.uploads.get(old, "m", "00" * 32) is None
        assert [job.id for job in session.store.unfinished(session.service)] == [jobs[1].id]
