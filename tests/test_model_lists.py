"""The catalogue of a session: bundled, then merged with what the service lists, wherever it was fetched."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sandboxes import running_sandbox, until

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.model_lists import DAY, ModelLists

Connect = Callable[[str], rv.Session]

NEW = {
    "id": "brand-new",
    "display_name": "Brand New",
    "category": "image",
    "base_credits": 2,
    "params": [{"key": "mood", "type": "select", "options": ["calm", "wild"], "default": "calm"}],
}


@contextmanager
def listing(*models: object, body: bytes | None = None) -> Iterator[str]:
    """The url of a service that lists these models, or answers with this body, and refuses all else."""
    content = json.dumps({"object": "list", "data": models}).encode() if body is None else body

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/api/v1/models"
            assert "Authorization" not in self.headers, "the list is public"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(content if found else b"")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")))


def test_a_new_model_can_be_asked_once_the_list_was_fetched(connect: Connect) -> None:
    with listing(NEW) as url:
        session = connect(url)
        with pytest.raises(rv.InvalidRequestError, match="'brand-new' is not in the catalogue"):
            rv.plan("A bottle", model="brand-new")
        before = time.time()
        assert "brand-new" in session.refresh_models()
        fetched_at = session.catalogue.fetched_at
        assert fetched_at is not None
        assert before <= fetched_at <= time.time()
        assert rv.plan("A bottle", model="brand-new", mood=["calm", "wild"]).credits == 4


def test_the_list_is_kept_for_the_next_session_and_for_when_there_is_no_network(connect: Connect) -> None:
    with listing(NEW) as url:
        connect(url).refresh_models()
    offline = connect(url)
    assert offline.catalogue["brand-new"].base_credits == 2
    with pytest.raises(rv.TransportError):
        offline.refresh_models()
    assert "brand-new" in offline.catalogue


def test_services_have_lists_of_their_own(connect: Connect) -> None:
    with listing(NEW) as one, listing({**NEW, "id": "other"}) as two:
        connect(one).refresh_models()
        assert "brand-new" not in connect(two).refresh_models()
        assert "brand-new" in connect(one).catalogue


def test_a_page_that_is_no_list_is_told_and_changes_nothing(connect: Connect) -> None:
    with listing(body=b"<html>") as url:
        session = connect(url)
        with pytest.raises(rv.TransportError, match=r"models\.list: .* a page of HTML"):
            session.refresh_models()
        assert session.catalogue is bundled()


def test_an_empty_list_changes_nothing(connect: Connect) -> None:
    with listing() as url:
        assert connect(url).refresh_models() is bundled()


def test_a_run_has_the_list_fetched_beside_it(connect: Connect) -> None:
    with running_sandbox() as url:
        session = connect(url)
        assert session.catalogue.fetched_at is None
        run = rv.generate("A bottle", seed=1, resolution="1K")
        assert until(lambda: session.catalogue.fetched_at is not None)
        assert session.catalogue["hailuo-pro"].api_status == "coming_soon"
        run.wait(60)


def test_a_list_is_old_after_a_day_or_when_the_clock_jumped(tmp_path: Path) -> None:
    lists = ModelLists(tmp_path / "models")
    assert lists.is_old("sandbox", 1000.0)
    lists.keep("sandbox", [NEW], 1000.0)
    assert not lists.is_old("sandbox", 1000.0 + DAY)
    assert lists.is_old("sandbox", 1001.0 + DAY)
    assert lists.is_old("sandbox", 999.0)
    assert lists.is_old("https://rivya.ai", 1000.0)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"service": "sandbox"}', '{"service": "other"}'])
def test_a_damaged_list_is_no_list(tmp_path: Path, text: str) -> None:
    lists = ModelLists(tmp_path)
    (tmp_path / "sandbox.json").write_text(text)
    assert lists.catalogue("sandbox") is bundled()
    lists.keep("sandbox", [NEW], 1000.0)
    assert "brand-new" in lists.catalogue("sandbox")


def test_a_list_that_was_kept_is_not_read_again(tmp_path: Path) -> None:
    lists = ModelLists(tmp_path)
    lists.keep("sandbox", [NEW], 1000.0)
    file, about = tmp_path / "sandbox.json", (tmp_path / "sandbox.json").stat()
    file.write_bytes(b"?" * about.st_size)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert "brand-new" in lists.catalogue("sandbox")


def test_a_list_that_another_process_fetched_is_seen(tmp_path: Path) -> None:
    here, there = ModelLists(tmp_path), ModelLists(tmp_path)
    assert "brand-new" not in here.catalogue("sandbox")
    there.keep("sandbox", [NEW], 1000.0)
    assert "brand-new" in here.catalogue("sandbox")


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where a folder should be")
    with pytest.raises(rv.StoreError, match="there is a file where a folder should be"):
        ModelLists(tmp_path / "models").keep("sandbox", [NEW], 1000.0)


def test_the_defaults_of_a_job_are_those_of_its_services_catalogue(connect: Connect) -> None:
    with running_sandbox() as url:
        session = connect(url)
        assert session.catalogue[DEFAULT_MODEL].param("resolution").default == "2K"  # type: ignore[union-attr]
        changed = {"id": DEFAULT_MODEL, "params": [{"key": "resolution", "default": "1K"}, {"key": "seed"}]}
        session.store.models.keep(session.service, [changed], time.time())
        job = rv.generate("A bottle", seed=1).wait(60)[0]
        assert job.params == {"resolution": "1K", "seed": 1}
