"""References from a call to the service, over a real socket."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from sandboxes import running_sandbox, until

import rivya_nb as rv
from rivya_nb.magics.cell import plan_cell
from rivya_nb.planning.line import parse_line
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60
FILES_LIVE = 4
"""Seconds that an uploaded file lives where a test wants the service to forget it."""


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[str], rv.Session]]:
    """`connect(url)`: sessions on one store, closed with the test."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")))


@pytest.fixture
def session(connect: Callable[[str], rv.Session]) -> Iterator[rv.Session]:
    with running_sandbox() as url:
        yield connect(url)


@pytest.fixture
def forgetful(connect: Callable[[str], rv.Session]) -> Iterator[rv.Session]:
    with running_sandbox(SandboxConfig(latency=0, file_seconds=FILES_LIVE)) as url:
        yield connect(url)


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.new("RGB", (64, 64), "orange").save(path)
    return path


def small(prompt: str = "A bottle", **more: object) -> rv.Run:
    return rv.generate(prompt, resolution="1K", **more).wait(TIMEOUT)  # type: ignore[arg-type]


def sent_urls(job: rv.Job) -> list[str]:
    items = json.loads(job.record.body or "")["params"]["referenceMediaItems"]
    return [item["url"] for item in items]


def wait_until_forgotten(session: rv.Session, job: rv.Job) -> None:
    [reference] = job.request.references
    label = session.connection.label
    upload = session.store.uploads.get(session.service, job.model, reference.sha256, label)
    assert upload is not None

    def is_gone() -> bool:
        call = session.connection.client.files.retrieve(upload.file_id or "")
        try:
            session.work_loop.wait(session.work_loop.start(call))
        except rv.NotFoundError:
            return True
        return False

    assert until(is_gone)


def test_an_upload_that_the_service_forgot_is_made_again_for_a_new_job(
    forgetful: rv.Session, cat: Path
) -> None:
    first = small(references=cat, seed=1)
    wait_until_forgotten(forgetful, first[0])
    second = rv.generate("A bottle", resolution="1K", references=cat, seed=[2, 3])
    planned = {job.id for job in second}
    second.wait(TIMEOUT)
    assert [job.status for job in second] == ["succeeded", "succeeded"]
    assert [job.seed for job in second] == [2, 3]
    assert not planned & {job.id for job in second}
    assert len({*sent_urls(first[0]), *sent_urls(second[0]), *sent_urls(second[1])}) == 2
    assert second.credits == 24
    assert forgetful.balance() == 10_000 - 36
    refused = forgetful.store.jobs(planned).values()
    assert {(job.status, job.error_code, job.final_credits) for job in refused} == {
        ("failed", "validation_failed", 0)
    }


def test_a_job_whose_new_upload_is_refused_too_is_not_tried_for_ever(
    connect: Callable[[str], rv.Session], cat: Path
) -> None:
    with running_sandbox(SandboxConfig(latency=0, file_seconds=0)) as url:
        session = connect(url)
        run = rv.generate("A bottle", resolution="1K", references=cat, seed=1)
        with pytest.raises(rv.RunFailedError, match="validation_failed"):
            run.wait(TIMEOUT)
        assert len(run.jobs) == 1
        assert session.balance() == 10_000
        assert len(session.store.jobs([run[0].id])) == 1


def test_an_address_is_handed_on_to_a_model_that_takes_it_and_known_by_itself(
    connect: Callable[[str], rv.Session],
) -> None:
    address = "https://example.org/cats/cat.png?size=1"
    with running_sandbox(SandboxConfig(latency=0, url_input=True)) as url:
        session = connect(url)
        with pytest.raises(
            rv.InvalidRequestError, match="wan-2-7-image-pro is not known to take web addresses"
        ):
            rv.plan("A bottle", references=address)
        session.refresh_models()
        run = small(references=address, seed=1)
        assert json.loads(run[0].record.body or "")["params"]["referenceMediaItems"] == [
            {"url": address, "kind": "image"}
        ]
        assert small(references=address, seed=1).credits == 0
        assert small(references=f"{address}2", seed=1).credits == 12
        with pytest.raises(rv.InvalidRequestError, match="only https addresses are accepted"):
            rv.plan("A bottle", references="http://example.org/cat.png")


def test_several_sources_go_along_in_their_order(session: rv.Session, cat: Path) -> None:
    first = small(seed=[1, 2])
    image = Image.new("RGB", (64, 64), "teal")
    run = small("All of them", references=[cat, image, first], seed=1)
    sent = [reference.sha256 for reference in run[0].request.references]
    assert sent[2:] == [job.record.pictures[0].sha256 for job in first]
    assert len(set(sent_urls(run[0]))) == 4


def test_one_picture_is_one_reference_in_whichever_way_it_is_given(session: rv.Session, cat: Path) -> None:
    stream = io.BytesIO(cat.read_bytes())
    stream.seek(0, io.SEEK_END)
    url = f"data:image/png;base64,{base64.b64encode(cat.read_bytes()).decode()}"
    assert url.endswith("=")
    first = small(references=cat, seed=1)
    plans = [rv.plan("A bottle", resolution="1K", seed=1, references=given) for given in (stream, url)]
    for words in ("--ref {stream}", "--ref {url}", f"--ref {url}", f'--ref="{url}"'):
        line = parse_line(f"seed=1 resolution=1K {words}")
        plans.append(plan_cell(session, line, "A bottle", {"stream": stream, "url": url}))
    assert [plan.credits for plan in plans] == [0] * 6
    assert {plan.run()[0].id for plan in plans} == {first[0].id}


def test_a_column_of_paths_is_several_references(session: rv.Session, cat: Path) -> None:
    paths = [str(cat), cat]
    alike = rv.plan("A fox", seed=1, references=paths)
    texts = [str(cat)] * 2
    for column in (np.array(paths, dtype=object), np.array(texts), pd.Series(paths), pa.array(texts)):
        assert rv.plan("A fox", seed=1, references=column).requests == alike.requests


def test_a_dict_of_references_is_an_axis_and_none_is_none(session: rv.Session, cat: Path) -> None:
    run = small(references={"without": None, "cat": cat, "twice": [cat, str(cat)]}, seed=1)
    assert [len(job.request.references) for job in run] == [0, 1, 2]
    assert run.record.axes[0].labels == ("without", "cat", "twice")
    assert len({job.path.read_bytes() for job in run if job.path}) == 3
    with pytest.raises(rv.UsageError, match="are the same as text"):
        rv.plan("A bottle", references={1: cat, "1": cat})


def test_the_run_and_its_plan_tell_what_was_changed(session: rv.Session, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (13.0, 45.0, 0.0)
    path = tmp_path / "<i>cat.jpg"
    Image.new("RGB", (64, 32), "orange").save(path, exif=exif)
    told = "<i>cat.jpg: turned upright, as JPEG, without the place where it was taken"
    plan = rv.plan("A bottle", references=path, seed=1, resolution="1K")
    assert told in plan._repr_mimebundle_()["text/plain"]
    run = plan.run().wait(TIMEOUT)
    assert told in run.text()
    html = run.grid()._repr_mimebundle_()["text/html"]
    assert "&lt;i&gt;cat.jpg: turned upright" in html
    assert "<i>" not in html
    assert told in rv.runs(run.id).text()


def test_a_picture_over_the_limit_is_sent_smaller_when_that_is_asked(
    session: rv.Session, tmp_path: Path
) -> None:
    path = tmp_path / "cat.bmp"
    Image.new("RGB", (64, 64), "orange").save(path)
    with pytest.raises(rv.InvalidRequestError, match="--shrink-refs"):
        rv.plan("A bottle", references=path)
    run = small(references=path, shrink_references=True, seed=1)
    assert "cat.bmp: converted to PNG" in run.text()
    assert run[0].status == "succeeded"


def test_nothing_of_a_refused_reference_is_kept_or_sent(
    session: rv.Session, cat: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(cat.read_bytes()[:60])
    with pytest.raises(rv.InvalidRequestError, match=r"cut\.png"):
        rv.generate("A bottle", references=cut)
    assert rv.runs() == []
    assert not any(path.is_file() for path in (session.store.folder / "pictures").rglob("*"))
    assert not any((session.store.folder / "incoming").iterdir())
