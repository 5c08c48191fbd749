"""`rivya-nb doctor` on machines where something is wrong: each fault is real, and is named with its way out."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import trustme
from api.scripted import Action, closed_port, raw, scripted, silence
from disks import may_mount, read_only_disk, small_disk
from listening import listening
from sandboxes import running_sandbox

from rivya_nb.api import http
from rivya_nb.doctor import service
from rivya_nb.doctor.command import CHECKS
from rivya_nb.doctor.verdicts import WRONG, Check, Verdict, examined, note, ok
from rivya_nb.store.store import Store

CALL = "from rivya_nb.cli import main; raise SystemExit(main(['doctor']))"
REAL_LOOKING_KEY = "rvya_sk_" + "not_to_be_shown"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in os.environ:
        if name.startswith(("RIVYA_", "SSL")) or name.upper() in PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("RIVYA_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    http._certificates.cache_clear()
    yield
    http._certificates.cache_clear()


def look(subject: str) -> list[Verdict]:
    check = next(each for each in CHECKS if each.subject == subject)
    [(_, verdicts)] = examined([check])
    return verdicts


def complaint(subject: str) -> str:
    """The only thing that is wrong with a subject."""
    [words] = [verdict.words for verdict in look(subject) if verdict.mark == WRONG]
    return words


def doctor(code: str = CALL, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=150,
    )


def test_where_all_is_well_nothing_is_wrong_and_no_secret_is_shown(tmp_path: Path) -> None:
    done = doctor(RIVYA_BASE_URL="sandbox", RIVYA_API_KEY=REAL_LOOKING_KEY, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is wrong, after" in done.stdout
    for check in CHECKS:
        assert f"  {check.subject}  " in done.stdout.replace("   ", "  ")
    assert "it started within" in done.stdout
    assert REAL_LOOKING_KEY not in done.stdout + done.stderr
    assert done.stdout.replace("\n", "").isprintable()
    assert not (tmp_path / "store").exists()


HALF = ("httpx", "PIL", "sqlalchemy", "ipywidgets", "jupyter_client", "packaging", "tenacity", "platformdirs")


def test_it_works_where_half_of_the_packages_are_missing() -> None:
    missing = "".join(f"sys.modules[{name!r}] = None\n" for name in HALF)
    done = doctor(f"import sys\n{missing}{CALL}")
    assert done.returncode == 1
    assert done.stderr == ""
    for name in ("packaging", "jupyter_client", "tenacity"):
        assert f"{name} cannot be imported: pip install {name}" in done.stdout
    assert "ok     Python" in done.stdout


def test_a_sandbox_that_is_asked_for_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert [verdict.mark for verdict in look("Sandbox")] == ["note"]
    monkeypatch.setenv("RIVYA_BASE_URL", "sandbox")
    assert complaint("Sandbox").startswith("not installed here (uvicorn): pip install 'rivya-nb[sandbox]'")


def test_what_hangs_is_left_behind() -> None:
    def hang() -> list[Verdict]:
        threading.Event().wait()
        return []

    def stumble() -> list[Verdict]:
        raise ValueError("by surprise")

    checks = [Check("slow", hang, 0.02), Check("quick", lambda: [ok("done")]), Check("odd", stumble)]
    found = dict(examined(checks))
    assert found["slow"][0].words.startswith("no answer within 0.02 s")
    assert found["quick"] == [ok("done")]
    assert found["odd"][0].words == "it could not be looked at (ValueError: by surprise)"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("htp://rivya.ai", "is not an http(s) address; an origin such as https://rivya.ai is needed"),
        ("http://rivya.ai", "would send the key unencrypted; https is needed"),
        ("https://rivya.ai/api/v1", "has more than an origin"),
        ("https://me:hidden@rivya.ai", "contains a user name or a password"),
        ("https://xn--a.ai", "is not an http(s) address"),
        ("Sandbox ", "The sandbox is written 'sandbox', without capitals and spaces"),
    ],
)
def test_an_address_that_cannot_be_used(address: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_BASE_URL", address)
    assert said in complaint("Address")
    assert "hidden" not in complaint("Address")
    assert look("Service") == [note("not asked, since the address is wrong")]
    assert look("Key")[0].words == "not looked for, since the address is wrong"


def test_another_host_than_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_BASE_URL", "https://rivya.example")
    assert "the documented one is https://rivya.ai: unset RIVYA_BASE_URL" in look("Address")[0].words


def test_a_service_that_nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("RIVYA_API_KEY", REAL_LOOKING_KEY)
    assert "cannot be reached: ConnectError" in complaint("Service")
    assert "See whether this machine is online" in complaint("Service")
    monkeypatch.setenv("RIVYA_BASE_URL", "https://rivya.invalid")
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:hidden@127.0.0.1:{closed_port()}")
    assert "See whether that proxy is the right one" in complaint("Service")
    assert "hidden" not in complaint("Service")
    assert "whether it is taken is not known" in look("Key")[0].words


@pytest.mark.parametrize(
    ("key", "mark", "said"),
    [
        ("rvya_sk_sandbox", "ok", "from the environment; the service takes it, and 1,000 credits are left"),
        ("rvya_sk_sandbox_expired", "WRONG", "api_key_expired"),
        (REAL_LOOKING_KEY, "WRONG", "api_key_invalid"),
        (f"Bearer {REAL_LOOKING_KEY}", "WRONG", "has a word such as Bearer before it"),
        ("", "WRONG", "Set RIVYA_API_KEY before the kernel starts"),
    ],
)
def test_a_key(key: str, mark: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("RIVYA_API_KEY", key)
    with running_sandbox() as url:
        monkeypatch.setenv("RIVYA_BASE_URL", url)
        [verdict] = look("Key")
        [service] = look("Service")
    assert verdict.mark == mark
    assert said in verdict.words
    assert REAL_LOOKING_KEY not in verdict.words
    assert service.words.startswith(f"{url} answers within")


LOGIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
REFUSED = LOGIN.replace(b"200 OK", b"403 Forbidden")
ELSEWHERE = b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("action", "patience", "said"),
    [
        (raw(LOGIN), 20.0, "perhaps this network asks to log in"),
        (raw(REFUSED), 20.0, "answered 403 with a page of HTML. Open http://127.0.0.1:"),
        (raw(ELSEWHERE), 20.0, "is the base URL right? Open http://127.0.0.1:"),
        (silence(), 0.2, "See whether this machine is online"),
    ],
)
def test_a_service_that_does_not_answer_as_the_api_does(
    action: Action, patience: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE", patience)
    monkeypatch.setenv("RIVYA_API_KEY", REAL_LOOKING_KEY)

    async def looked() -> tuple[str, list[Verdict]]:
        async with scripted(action) as server:
            monkeypatch.setenv("RIVYA_BASE_URL", server.origin)
            return await asyncio.to_thread(lambda: (complaint("Service"), look("Key")))

    complained, [key] = asyncio.run(looked())
    assert said in complained
    assert (key.mark, "whether it is taken is not known" in key.words) == ("note", True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "wants a name and a password, as in http://NAME:",
        ),
        (ELSEWHERE, "Perhaps this network asks to log in: open any page in a browser"),
    ],
)
def test_a_proxy_that_does_not_let_through(answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def looked() -> str:
        async with scripted(raw(answer)) as server:
            monkeypatch.setenv("HTTPS_PROXY", server.origin.replace("://", "://me:hidden@"))
            return await asyncio.to_thread(complaint, "Service")

    complained = asyncio.run(looked())
    assert said in complained
    assert "hidden" not in complained


def serving(authority: trustme.CA, look: Callable[[], str], **lifetime: datetime) -> str:
    """What is said while a server with a certificate of this authority is the service."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", **lifetime).configure_cert(context)

    async def serve() -> str:
        async with listening(lambda _reader, writer: writer.close(), ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("RIVYA_BASE_URL", f"https://localhost:{port}")
                return await asyncio.to_thread(look)

    return asyncio.run(serve())


def test_a_network_that_opens_encrypted_connections() -> None:
    said = serving(trustme.CA(), lambda: complaint("Service"))
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert "let SSL_CERT_FILE name a file (PEM)" in said


def test_a_clock_that_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    ended = datetime.now(timezone.utc) - timedelta(days=1)
    said = serving(
        authority, lambda: complaint("Service"), not_before=ended - timedelta(days=1), not_after=ended
    )
    assert "This machine's clock says" in said


def test_certificates_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert "SSL_CERT_FILE in the environment names '/nowhere.pem'" in complaint("Certificates")


def test_certificates_that_only_other_tools_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/company.pem")
    assert [verdict.mark for verdict in look("Certificates")] == ["ok", "note"]
    assert "REQUESTS_CA_BUNDLE is not read here" in look("Certificates")[1].words


def test_proxies_and_what_goes_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [verdict.words for verdict in look("Proxies")] == ["none"]
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@127.0.0.1:3128")
    way, others = (verdict.words for verdict in look("Proxies"))
    assert way.startswith(
        "the service is reached through the proxy that HTTPS_PROXY names; the sandbox without"
    )
    assert "set NO_PROXY=localhost,127.0.0.1" in others
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,rivya.ai")
    assert [verdict.words.partition(";")[0] for verdict in look("Proxies")] == [
        "the service is reached without one"
    ]
    monkeypatch.setenv("HTTPS_PROXY", "ftp://me:hidden@127.0.0.1")
    assert "HTTPS_PROXY in the environment is not the address of a proxy" in complaint("Proxies")


def test_a_store_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    assert look("Store") == [ok(f"{tmp_path}/store (RIVYA_STORE), which is made when it is needed")]
    assert not (tmp_path / "store").exists()


def test_a_store_in_use_stays_as_it_is(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "store")):
        assert look("Store") == [ok(f"{tmp_path}/store (RIVYA_STORE) can be read and written")]


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk")
def test_a_store_on_a_disk_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(tmp_path / "store").close()
    with read_only_disk(tmp_path / "store", tmp_path / "mounted") as folder:
        monkeypatch.setenv("RIVYA_STORE", str(folder))
        assert "This store may only be read" in complaint("Store")
        monkeypatch.setenv("RIVYA_STORE", str(folder / "new" / "store"))
        assert "cannot be made" in complaint("Store")


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk")
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "small") as disk:
        monkeypatch.setenv("RIVYA_STORE", str(disk.folder / "store"))
        assert "MB left: make room on it" in complaint("Store")
        Store.open(disk.folder / "store").close()
        disk.fill()
        assert "has 0 MB left: make room on it" in complaint("Store")


def test_stores_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RIVYA_STORE", str(tmp_path / "file" / "store"))
    assert "is a file, where a folder should be" in complaint("Store")
    (tmp_path / "rivya.db").write_bytes(b"garbage" * 1000)
    monkeypatch.setenv("RIVYA_STORE", str(tmp_path))
    assert "it is damaged, or not a database" in complaint("Store")
    monkeypatch.setenv("RIVYA_STORE", f"postgresql://ada@127.0.0.1:{closed_port()}/rivya")
    assert "no server listens there" in complaint("Store")
    monkeypatch.setenv("RIVYA_STORE", "postgresql://ada:hidden@127.0.0.1/rivya")
    assert "has a password in it" in complaint("Store")
    assert "hidden" not in complaint("Store")


def test_places_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_PICTURES", "ftp://somewhere")
    assert "ftp://… is no address of pictures" in complaint("Pictures")
    monkeypatch.setenv("RIVYA_PICTURES", f"file://{tmp_path}/gone")
    assert "make it, or mount what should be there" in complaint("Pictures")
    monkeypatch.setenv("RIVYA_PICTURES", f"file://{tmp_path}")
    assert look("Pictures") == [ok(f"{tmp_path} can be written")]


def kernel_spec(folder: Path, text: str) -> None:
    place = folder / "jupyter" / "kernels" / "python3"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(text)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/nowhere/bin/python", "starts /nowhere/bin/python, which is not there"),
        ("/bin/sh", "starts /bin/sh, and no kernel starts this Python"),
    ],
)
def test_a_kernel_that_is_not_this_python(
    program: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel_spec(tmp_path, json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    assert said in complaint("Kernel")
    assert "-m ipykernel install --sys-prefix" in complaint("Kernel")


def test_a_kernel_that_cannot_be_read(tmp_path: Path) -> None:
    kernel_spec(tmp_path, "{broken")
    assert f"the kernel python3 in {tmp_path}" in complaint("Kernel")


def test_a_jupyter_of_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "other" / "bin"
    programs.mkdir(parents=True)
    (programs / "jupyter-lab").write_text("#!/bin/sh\n")
    (programs / "jupyter-lab").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "this" / "bin" / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "this"))
    said = complaint("Widgets")
    assert (
        f"at {programs / 'jupyter-lab'}, in another environment than this Python cannot show widgets" in said
    )
    assert f"{programs / 'python'} -m pip install anywidget ipywidgets" in said
