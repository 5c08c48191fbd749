"""What the environment says about certificates, proxies and the key, where that is wrong."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import rivya_nb as rv
from api.scripted import KEY, answer, client_of, closed_port, scripted
from rivya_nb.api import environment, http
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.key import Key
from rivya_nb.api.retry import RetryPolicy
from rivya_nb.errors import NotConnectedError, NotDeliveredError
from rivya_nb.magics.commands import say_state

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NO_PROXY", "no_proxy")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
HASHED = "0a1b2c3d.0"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*VARIABLES, *PROXIES, "RIVYA_API_KEY", "RIVYA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RIVYA_STORE", str(tmp_path / "store"))
    monkeypatch.setitem(sys.modules, "socksio", None)
    http._certificates.cache_clear()
    (tmp_path / "empty").mkdir()
    (tmp_path / "garbage.pem").write_text("no certificate")


WRONG = {
    "no such file": ("SSL_CERT_FILE", "{folder}/gone.pem"),
    "a folder as a file": ("SSL_CERT_FILE", "{folder}"),
    "a file without certificates": ("SSL_CERT_FILE", "{folder}/garbage.pem"),
    "a control character": ("SSL_CERT_FILE", "/gone\x1b[31m.pem"),
    "no such folder": ("SSL_CERT_DIR", "{folder}/gone"),
    "a folder without certificates": ("SSL_CERT_DIR", "{folder}/empty"),
    "a file as a folder": ("SSL_CERT_DIR", "{folder}/garbage.pem"),
    "a log that cannot be written": ("SSLKEYLOGFILE", "{folder}/gone/keys.log"),
    "socks": ("ALL_PROXY", "socks5://me:hidden@127.0.0.1:1080"),
    "socks in lower case": ("https_proxy", "socks5h://127.0.0.1:1080"),
    "another scheme": ("HTTPS_PROXY", "ftp://me:hidden@127.0.0.1"),
    "a port that is none": ("https_proxy", "http://127.0.0.1:port"),
    "no address at all": ("ALL_PROXY", "http://[::1"),
    "a name that cannot be read": ("NO_PROXY", "[::1"),
}


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_variable_is_named_in_one_line_and_no_run_is_written(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value.format(folder=tmp_path))
    if name == "NO_PROXY":
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with closing(rv.connect(KEY, "https://rivya.invalid")) as session:
        for ask in (lambda: rv.generate("A bottle", seed=1), session.balance, session.refresh_models):
            with pytest.raises(NotConnectedError, match=rf"\b{name}\b") as caught:
                ask()
            assert str(caught.value).isprintable()
            assert "hidden" not in str(caught.value)
            assert caught.value.__cause__ is caught.value.__context__ is None
        assert session.runs() == []


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG.keys())
def test_it_does_not_concern_a_service_on_this_machine(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value.format(folder=tmp_path))

    async def main() -> int:
        async with scripted(answer(200, {"current_credits": 5})) as service, client_of(service) as client:
            client.check()
            return (await client.credits.retrieve()).current_credits

    assert asyncio.run(main()) == 5


def test_plain_http_loads_no_certificates() -> None:
    async def main() -> None:
        async with scripted(answer(200, {"current_credits": 5})) as service, client_of(service) as client:
            await client.credits.retrieve()

    asyncio.run(main())
    assert http._certificates.cache_info().misses == 0


def test_what_is_right_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hashed").mkdir()
    (tmp_path / "hashed" / HASHED).touch()
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'gone'}{os.pathsep}{tmp_path / 'hashed'}")
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.example.com")
    RivyaClient(KEY, "https://rivya.ai").check()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "https_proxy",
            "socks4://127.0.0.1:1",
            "https_proxy .* names a SOCKS4 proxy, which is not supported",
        ),
        ("ALL_PROXY", "SOCKS4a://me:hidden@127.0.0.1:1", r"ALL_PROXY .* SOCKS4 .* use http:// or socks5://"),
        (
            "SSL_CERT_FILE",
            "/nonexistent",
            "names '/nonexistent', which is not a readable file of certificates",
        ),
        ("SSL_CERT_DIR", "/nonexistent", "names '/nonexistent', which is not a folder with certificates"),
    ],
)
def test_what_is_wrong_with_a_variable_is_true(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConnectedError, match=said) as caught:
        RivyaClient(KEY, "https://rivya.invalid").check()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_cannot_be_reached_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"http://me:hidden@127.0.0.1:{closed_port()}")

    async def reach() -> str:
        client = RivyaClient(KEY, "https://203.0.113.7", retries=RetryPolicy(attempts=1))
        with pytest.raises(NotDeliveredError) as caught:
            async with client:
                await client.credits.retrieve()
        return str(caught.value)

    said = asyncio.run(reach())
    assert f"https://203.0.113.7 cannot be reached through the proxy that {name} names: " in said
    assert "hidden" not in said


def test_a_proxy_that_is_not_in_the_way_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.proxy_hint("https://rivya.invalid") == ""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "rivya.invalid")
    for address in ("https://rivya.invalid", "rivya.invalid", "https://127.0.0.1:8", "http://a.example"):
        assert environment.proxy_hint(address) == ""


@pytest.mark.slow
def test_the_sandbox_runs_whatever_the_environment_says(tmp_path: Path) -> None:
    wrong = {
        "SSL_CERT_FILE": str(tmp_path / "gone.pem"),
        "ALL_PROXY": "socks5://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:port",
        "RIVYA_STORE": str(tmp_path / "store"),
        "RIVYA_SANDBOX_LATENCY": "0",
    }
    code = (
        "import rivya_nb as rv; rv.connect(base_url='sandbox');"
        "print(rv.generate('A bottle', seed=1, model='ideogram-v3').wait(60)[0].status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout.split() == ["succeeded"], done.stderr
    assert "Traceback" not in done.stderr


WRAPPED = {
    "double quotes": '"{}"',
    "single quotes": "'{}'",
    "typographic quotes": "“{}”",
    "one quote": '{}"',
    "a name": "RIVYA_API_KEY={}",
    "export": "export MY_KEY={}",
    "export with quotes": "export RIVYA_API_KEY='{}'",
    "another name": "key = {}",
    "yaml": "api_key: {}",
    "bearer": "Bearer {}",
    "a header": "Authorization: Bearer {}",
    "brackets": "<{}>",
}

WRAPPINGS = (
    "(stands in quotation marks|stands in brackets|has a word such as Bearer.*|has the name of.*"
    "|contains a.*)"
)


@pytest.mark.parametrize("form", WRAPPED.values(), ids=WRAPPED.keys())
@pytest.mark.parametrize("connect", [RivyaClient, rv.connect])
def test_what_stands_around_a_key_is_told_without_showing_it(
    form: str, connect: Callable[[str], object]
) -> None:
    with pytest.raises(NotConnectedError, match=f"^The API key {WRAPPINGS}; only the key") as caught:
        connect(form.format(KEY))
    assert KEY[:12] not in str(caught.value)


@pytest.mark.parametrize("form", [*WRAPPED.values(), "{0}\n{0}"], ids=[*WRAPPED, "two lines"])
def test_what_stands_around_the_environments_key_is_told_where_a_key_is_needed(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", form.format(KEY))
    said = rf"RIVYA_API_KEY in the environment {WRAPPINGS}\. Set it to the key alone, and restart the kernel"
    with pytest.raises(NotConnectedError, match=rf"^{said}\.$") as refused:
        RivyaClient()
    with closing(rv.connect()) as session:
        say_state()
        shown = capsys.readouterr().out
        assert re.search(f"^Key       {said}$", shown, re.MULTILINE)
        assert "Set RIVYA_API_KEY" not in shown
        assert session.runs() == []
        with pytest.raises(NotConnectedError, match=said) as needed:
            rv.generate("A bottle", seed=1)
    for text in (shown, str(refused.value), str(needed.value)):
        assert KEY[:12] not in text


@pytest.mark.parametrize("key", [KEY, "rvya_sk_a=", "token-abcdefgh", "bearer_abcdefgh"])
def test_a_key_is_taken_as_one(key: str) -> None:
    assert Key(key).mistake is None


def test_a_key_that_is_for_another_address_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", KEY)
    with (
        closing(rv.connect(base_url="https://other.example")) as session,
        pytest.raises(NotConnectedError) as caught,
    ):
        session.balance()
    said = str(caught.value)
    assert re.search(r"RIVYA_API_KEY is set.* for https://rivya\.ai", said)
    assert "https://other.example" in said
    assert "Set RIVYA_API_KEY" not in said
    assert KEY not in said


@pytest.mark.parametrize(
    "same", ["https://rivya.ai:443", "https://RIVYA.AI", "https://rivya.ai.", "https://rivya.ai/", None]
)
def test_the_environments_key_is_for_its_address_however_that_is_spelled(
    same: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", KEY)
    with closing(rv.connect(base_url=same)) as session:
        assert (session.service, session.has_key) == ("https://rivya.ai", True)


def test_the_environments_key_goes_with_the_environments_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", KEY)
    monkeypatch.setenv("RIVYA_BASE_URL", "https://Staging.Example:443/")
    known: list[Any] = []
    for address in (None, "https://staging.example", "https://other.example"):
        with closing(rv.connect(base_url=address)) as session:
            known.append((session.service, session.has_key))
    assert known == [
        ("https://staging.example", True),
        ("https://staging.example", True),
        ("https://other.example", False),
    ]
