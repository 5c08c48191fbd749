"""What Windows refuses, by stand-ins that refuse the same here."""

from __future__ import annotations

import _socket
import io
import json
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from rivya_nb.cli import main
from rivya_nb.control_panel.kept_tables import keep_table
from rivya_nb.files import open_file
from rivya_nb.sandbox.process import _connect
from rivya_nb.store.files import write_whole

IN_USE = 32
"""Windows' number for a file that another process has open."""


def test_a_lease_is_greeted_without_a_flag_that_windows_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(self: socket.socket, size: int, flags: int = 0) -> bytes:
        if flags:
            raise OSError(10045, "The attempted operation is not supported")
        return _socket.socket.recv(self, min(size, 3))

    with socket.create_server(("127.0.0.1", 0)) as server:
        announced = {"url": "http://here", "lease_port": server.getsockname()[1], "id": "a1b2c3d4"}
        (tmp_path / "server.json").write_text(json.dumps(announced), encoding="utf-8")

        def greet() -> None:
            with server.accept()[0] as accepted:
                accepted.sendall(b"a1b2c3d4\n")

        greeting = threading.Thread(target=greet)
        greeting.start()
        monkeypatch.setattr(socket.socket, "recv", refusing, raising=False)
        connection = _connect(tmp_path)
        greeting.join()
    assert connection is not None
    connection.socket.close()


def test_a_file_that_somebody_reads_is_replaced_once_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, refusals = os.replace, [1, 2, 3]

    def refusing(part: Path, target: Path) -> None:
        if refusals:
            refusals.pop()
            error = PermissionError(13, "Access is denied")
            error.winerror = IN_USE  # type: ignore[attr-defined]
            raise error
        replace(part, target)

    monkeypatch.setattr(os, "replace", refusing)
    target = tmp_path / "read.json"
    target.write_bytes(b"old")
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["read.json"]


def test_an_empty_file_is_read_where_paths_do_not_know_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(self: Path) -> bool:
        raise NotImplementedError("Path.is_mount() is unsupported on this system")

    monkeypatch.setattr(Path, "is_mount", refusing)
    (tmp_path / "empty.csv").write_bytes(b"")
    file, size = open_file(tmp_path / "empty.csv")
    file.close()
    assert size == 0


@pytest.mark.parametrize("name", ["CON.csv", "nul.csv", "com1.csv"])
def test_a_dropped_table_has_no_name_of_a_device(name: str, tmp_path: Path) -> None:
    kept = Path(keep_table(tmp_path, name, b"prompt\na fox\n"))
    assert kept.name == name.replace(".", "_.")
    assert keep_table(tmp_path, "console.csv", b"prompt\na fox\n").endswith("console.csv")


def test_the_command_line_speaks_where_its_signs_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, encoding="cp1252", write_through=True))
    assert main(["backup", str(tmp_path / "copy"), "--store", str(tmp_path / "แสงเช้า")]) == 1
    assert b"There is no store in" in written.getvalue()
