"""The sandbox as a process of its own: who starts it, who shares it, and when it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sandboxes import bearer, submit, until

from rivya_nb import sandbox
from rivya_nb.errors import NotConnectedError

CLIENT = """
import sys
from pathlib import Path
from rivya_nb import sandbox
lease = sandbox.join(Path(sys.argv[1]), latency=0)
print(lease.url, flush=True)
sys.stdin.read()
"""


def start_client(folder: Path) -> subprocess.Popen[str]:
    """Another process that joins, prints the url, and stays until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def url_of(client: subprocess.Popen[str]) -> str:
    assert client.stdout is not None
    return client.stdout.readline().strip()


def end(client: subprocess.Popen[str]) -> None:
    client.kill()
    client.communicate()


def answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        try:
            connection.request("GET", "/api/v1/models")
            return connection.getresponse().read() != b""
        except OSError:
            return False


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_joining_starts_a_service_and_closing_ends_it(tmp_path: Path) -> None:
    lease = sandbox.join(tmp_path / "new" / "folder", latency=0)
    with httpx.Client(base_url=lease.url, headers=bearer(sandbox.DEFAULT_KEY)) as client:
        assert submit(client).json()["status"] == "succeeded"
    lease.close()
    lease.close()
    assert until(lambda: not answers(lease.url))


def test_leases_of_one_process_share_a_server_until_the_last(tmp_path: Path) -> None:
    first, second = sandbox.join(tmp_path), sandbox.join(tmp_path)
    assert first.url == second.url
    first.close()
    first.close()
    assert not until(lambda: not answers(second.url), seconds=2.5)
    second.close()
    assert until(lambda: not answers(second.url))


def test_processes_that_join_at_once_get_the_same_server(tmp_path: Path) -> None:
    clients = [start_client(tmp_path) for _ in range(3)]
    try:
        urls = {url_of(client) for client in clients}
        assert len(urls) == 1
        assert answers(urls.pop())
    finally:
        for client in clients:
            end(client)


def test_the_server_outlives_a_killed_client_only_while_another_needs_it(tmp_path: Path) -> None:
    lease = sandbox.join(tmp_path)
    client = start_client(tmp_path)
    assert url_of(client) == lease.url
    lease.close()
    assert not until(lambda: not answers(lease.url), seconds=2.5)
    end(client)
    assert until(lambda: not answers(lease.url))


def test_a_restarting_kernel_finds_its_server_again(tmp_path: Path) -> None:
    first = start_client(tmp_path)
    url = url_of(first)
    server = json.loads((tmp_path / "server.json").read_text())["pid"]
    # It learns of the end once the next kernel has begun to join, however long a busy machine takes for that.
    os.kill(server, signal.SIGSTOP)
    end(first)
    with ThreadPoolExecutor(1) as pool:
        joining = pool.submit(sandbox.join, tmp_path)
        os.kill(server, signal.SIGCONT)
        lease = joining.result()
    assert lease.url == url
    assert not until(lambda: not answers(url), seconds=2.5)
    lease.close()


def test_a_killed_server_is_replaced_and_remembers(tmp_path: Path) -> None:
    lease = sandbox.join(tmp_path, latency=0)
    key = bearer(sandbox.DEFAULT_KEY)
    with httpx.Client(base_url=lease.url, headers=key) as client:
        task = submit(client).json()["id"]
    os.kill(json.loads((tmp_path / "server.json").read_text())["pid"], signal.SIGKILL)
    assert until(lambda: not answers(lease.url))
    again = sandbox.join(tmp_path, latency=0)
    assert httpx.get(f"{again.url}/api/v1/generations/{task}", headers=key).json()["status"] == "succeeded"
    lease.close()
    assert answers(again.url)
    again.close()


def test_a_folder_that_was_deleted_gets_a_server_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    with contextlib.closing(sandbox.join(folder, latency=0)) as before:
        shutil.rmtree(folder)
        with contextlib.closing(sandbox.join(folder, latency=0)) as lease:
            assert lease.url != before.url
            assert answers(lease.url)
        assert answers(before.url)


def test_an_announcement_that_leads_to_a_stranger_is_not_believed(tmp_path: Path) -> None:
    first = sandbox.join(tmp_path)
    announced = json.loads((tmp_path / "server.json").read_text())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "server.json").write_text(json.dumps(announced | {"id": "0123456789abcdef"}))
    second = sandbox.join(tmp_path / "other")
    assert second.url != first.url
    first.close()
    second.close()


def test_an_interrupt_of_the_kernel_does_not_reach_the_server(tmp_path: Path) -> None:
    lease = sandbox.join(tmp_path)
    pid = json.loads((tmp_path / "server.json").read_text())["pid"]
    assert os.getsid(pid) != os.getsid(0)
    lease.close()


def test_latency_can_be_set_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_SANDBOX_LATENCY", "60")
    lease = sandbox.join(tmp_path)
    with httpx.Client(base_url=lease.url, headers=bearer(sandbox.DEFAULT_KEY)) as client:
        assert submit(client).json()["status"] == "queued"
    lease.close()


def test_a_file_of_the_users_that_is_named_as_a_module_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    lease = sandbox.join(tmp_path / "state")
    assert answers(lease.url)
    lease.close()


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path) -> None:
    # A name that stands for nothing in sys.modules is how Python itself marks what cannot be imported.
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from pathlib import Path; from rivya_nb import sandbox, errors\n"
        "try: sandbox.join(Path(sys.argv[1]))\n"
        "except errors.NotConnectedError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert 'pip install "rivya-nb[sandbox]"' in said.stdout


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite").write_text("no database, but a text that is long enough to be read as one")
    with pytest.raises(NotConnectedError, match="not a database"):
        sandbox.join(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotConnectedError, match="cannot be used"):
        sandbox.join(tmp_path / "file" / "folder")


def test_joining_needs_no_server_library_to_be_imported() -> None:
    code = (
        "import sys, rivya_nb.sandbox; print([m for m in ('fastapi', 'uvicorn', 'PIL') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert said.stdout.strip() == "[]"


def test_the_module_alone_serves_any_client_until_interrupted(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "rivya_nb.sandbox", "--folder", str(tmp_path), "--latency", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert answers(url)
    server.send_signal(signal.SIGINT)
    _, complaints = server.communicate(timeout=60)
    assert server.returncode == 0
    assert complaints == ""


def test_pictures_that_nobody_fetched_do_not_keep_the_server(tmp_path: Path) -> None:
    lease = sandbox.join(tmp_path, latency=60)
    with httpx.Client(base_url=lease.url, headers=bearer(sandbox.DEFAULT_KEY)) as client:
        assert {submit(client, seed=seed).status_code for seed in range(80)} == {200}
    pid = json.loads((tmp_path / "server.json").read_text())["pid"]
    lease.close()
    # Some time before the first of them would be done.
    assert until(lambda: not is_running(pid), seconds=40)
