"""Paths that a user gives: what is not an ordinary file is told in one line, and nothing waits for it."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.contract.catalogue import bundled
from rivya_nb.jobs.intake import take_references
from rivya_nb.jobs.recall import recall
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")

Make = Callable[[Path], object]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "store")) as opened:
        yield opened


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def link_to_a_pipe(path: Path) -> Path:
    path.symlink_to(pipe(path.with_name("pipe")))
    return path


def socket_file(path: Path) -> str:
    # The name of a socket has 108 bytes at most.
    place = f"{tempfile.mkdtemp()}/s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
    return place


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def link_to_itself(path: Path) -> Path:
    path.symlink_to(path)
    return path


def below_a_file(path: Path) -> Path:
    path.write_bytes(b"x")
    return path / "cat.png"


def too_large(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(100_000_001)
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


class InBytes:
    def __fspath__(self) -> bytes:
        return b"cat.png"


READ: dict[str, tuple[Make, str]] = {
    "pipe": (pipe, "^[^:]*cat.png: this is a pipe, not an ordinary file"),
    "link to a pipe": (link_to_a_pipe, "a pipe, not an ordinary file"),
    "socket": (socket_file, "a socket, not an ordinary file"),
    "device": (lambda path: "/dev/zero", "a device, not an ordinary file"),
    "terminal": (lambda path: "/dev/tty", "a device, not an ordinary file|cannot be read"),
    "folder": (folder, "^[^:]*cat.png: this is a folder, not an ordinary file"),
    "of the system": (lambda path: "/proc/self/environ", "^/proc/self/environ: this is not an ordinary file"),
    "empty": (empty, "the file is empty"),
    "missing": (lambda path: path, "there is no such file"),
    "missing here": (lambda path: "missing-cat.png", "there is no such file in /"),
    "home of nobody": (lambda path: "~nobody-of-this-name/cat.png", "no such file or folder: the home folder ~"),
    "nul": (lambda path: "cat\0.png", "a path cannot hold a NUL"),
    "half a character": (lambda path: "cat\ud83d.png", "not a path: it holds half of a character"),
    "too long": (lambda path: "x" * 5000, "cannot be read"),
    "link to itself": (link_to_itself, "cannot be read"),
    "below a file": (below_a_file, "cannot be read"),
    "too large": (too_large, "over the limit of 100 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_picture_to_recall_is_an_ordinary_file(name: str, store: Store, tmp_path: Path) -> None:
    make, message = READ[name]
    with pytest.raises(rv.UsageError, match=message) as refused:
        recall(make(tmp_path / "cat.png"), store, bundled())  # type: ignore[arg-type]
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)
    str(refused.value).encode()


@pytest.mark.parametrize("name", READ)
def test_a_reference_is_an_ordinary_file(name: str, store: Store, tmp_path: Path) -> None:
    make, message = READ[name]
    model = bundled()["wan-2-7-image-pro"]
    with pytest.raises(rv.InvalidRequestError, match=message) as refused:
        take_references([make(tmp_path / "cat.png")], [model], store.files)
    str(refused.value).encode()


@pytest.mark.parametrize("given", [InBytes(), 7, 1.5, None, object()])
def test_what_is_no_path_is_not_recalled(given: object, store: Store) -> None:
    with pytest.raises(rv.UsageError, match="not a path; give the path as text"):
        recall(given, store, bundled())  # type: ignore[arg-type]


def test_a_path_is_not_looked_for_in_a_folder_that_is_gone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(rv.UsageError, match="the current folder is gone"):
        recall("cat.png", store, bundled())
    with pytest.raises(rv.InvalidRequestError, match="the current folder is gone"):
        take_references(["cat.png"], [bundled()["wan-2-7-image-pro"]], store.files)


def test_a_file_beside_a_picture_that_cannot_be_read_is_told(store: Store, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    Image.new("RGB", (8, 8)).save(picture)
    pipe(tmp_path / "cat.png.json")
    with pytest.raises(rv.UsageError, match=r"cat\.png\.json: this is a pipe, not an ordinary file"):
        recall(picture, store, bundled())


def test_the_longest_name_has_room_for_no_file_beside_it(store: Store, tmp_path: Path) -> None:
    picture = tmp_path / f"{'x' * 251}.png"
    Image.new("RGB", (8, 8)).save(picture)
    with pytest.raises(rv.UsageError, match="no request can be read from it"):
        recall(picture, store, bundled())


NAMES = {
    "home of nobody": "~nobody-of-this-name/x",
    "nul": "a\0b",
    "half a character": "a\ud83d",
    "in bytes": InBytes(),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_store_whose_folder_is_no_path_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = NAMES[name]
    with pytest.raises(rv.UsageError, match=r"home folder|a path"):
        rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=given)  # type: ignore[arg-type]
    if isinstance(given, str) and given.startswith("~"):
        monkeypatch.setenv("RIVYA_STORE", given)
        with pytest.raises(rv.UsageError, match="home folder"):
            rv.connect(DEFAULT_KEY, "http://127.0.0.1:9")


@pytest.mark.parametrize("make", [pipe, empty, lambda path: "/dev/null"])
def test_a_store_is_no_pipe_file_or_device(make: Make, tmp_path: Path) -> None:
    given = make(tmp_path / "x")
    with pytest.raises(rv.StoreError, match="a file where a folder should be"):
        rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=given)  # type: ignore[arg-type]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[rv.Run]:
    with (
        running_sandbox() as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")),
    ):
        yield rv.generate("A bottle", seed=1, resolution="1K").wait(60)


def test_what_is_saved_goes_to_a_path_and_never_in_place_of_a_device(run: rv.Run, tmp_path: Path) -> None:
    writers: list[tuple[str, Callable[..., object]]] = [
        ("", run.save),
        (".html", run.report),
        (".png", run.grid().save),
    ]
    for suffix, write in writers:
        for given in (f"~nobody-of-this-name/x{suffix}", f"a\0b{suffix}", f"a\ud83d{suffix}", InBytes(), 7):
            with pytest.raises(rv.UsageError, match=r"home folder|a path"):
                write(given)
    for suffix, write in writers[1:]:
        place = pipe(tmp_path / f"x{suffix}")
        with pytest.raises(rv.UsageError, match="this is a pipe, not an ordinary file; name another place"):
            write(place)
        assert stat.S_ISFIFO(place.stat().st_mode)
        with pytest.raises(rv.StoreError, match="there is a folder where a file should be"):
            write(folder(tmp_path / f"y{suffix}"))
    with pytest.raises(rv.StoreError, match="a file where a folder should be"):
        run.save(tmp_path / "x.png")
