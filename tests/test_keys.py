"""Where a key comes from, and what a keyring that is missing, locked or silent does to that: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import keyring
import pytest
from kernel import keyring_backends
from keyring.backend import KeyringBackend
from keyring.backends import fail

import rivya_nb as rv
from rivya_nb.api import keychain
from rivya_nb.magics.commands import COMMANDS, say_state

ORIGIN = "https://rivya.ai"
KEY = "rvya_sk_" + "of-a-test-only"
OTHER = "rvya_sk_" + "of-another-test"

Connect = Callable[..., rv.Session]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RIVYA_API_KEY", "RIVYA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RIVYA_STORE", str(tmp_path / "store"))
    monkeypatch.setenv(keyring_backends.FILE, str(tmp_path / "keyring.json"))


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(closing(rv.connect(*args, **more)))


@pytest.fixture
def use_keyring() -> Iterator[Callable[[KeyringBackend], None]]:
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


@pytest.fixture
def working(use_keyring: Callable[[KeyringBackend], None]) -> KeyringBackend:
    use_keyring(backend := keyring_backends.Working())
    return backend


def state(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    say_state()
    return capsys.readouterr().out


def test_a_given_key_comes_before_the_environments_and_that_before_the_keyrings(
    connect: Connect,
    working: KeyringBackend,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not connect().has_key
    assert "Key       none given" in state(capsys)
    working.set_password(keychain.SERVICE_NAME, ORIGIN, KEY)
    assert connect().key_source == "from the keyring"
    assert "Key       from the keyring" in state(capsys)
    monkeypatch.setenv("RIVYA_API_KEY", OTHER)
    assert connect().key_source == "from the environment"
    assert connect(KEY).key_source == "given"
    assert KEY[8:] not in state(capsys)


def test_a_key_is_kept_for_its_own_service_only(connect: Connect, working: KeyringBackend) -> None:
    session = connect(KEY, "https://rivya.ai/")
    session.remember_key()
    assert connect().has_key
    assert not connect(base_url="https://elsewhere.example").has_key
    assert session.forget_key()
    assert not session.forget_key()
    assert not connect().has_key


def test_the_keyring_is_not_even_loaded_where_a_key_is_known(tmp_path: Path) -> None:
    code = "import sys, rivya_nb as rv; rv.connect(); print(*sys.modules)"
    environment = {**os.environ, "RIVYA_API_KEY": KEY}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=150)
    assert "rivya_nb.api.client" in done.stdout.split()
    assert "keyring" not in done.stdout.split()


@pytest.mark.parametrize(
    ("backend", "patience", "said"),
    [(keyring_backends.Locked, 60.0, "locked"), (keyring_backends.Hanging, 0.3, "no answer in")],
    ids=["locked", "hanging"],
)
def test_a_keyring_that_does_not_answer_keeps_nobody_from_connecting(
    connect: Connect,
    use_keyring: Callable[[KeyringBackend], None],
    backend: type[KeyringBackend],
    patience: float,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(keychain, "PATIENCE", patience)
    use_keyring(backend())
    session = connect()
    assert not session.has_key
    assert said in state(capsys)
    with pytest.raises(rv.NotConnectedError, match=said):
        rv.generate("A bottle", seed=1)


def test_a_system_without_a_keyring_is_said_to_have_none(
    connect: Connect, use_keyring: Callable[[KeyringBackend], None], capsys: pytest.CaptureFixture[str]
) -> None:
    use_keyring(fail.Keyring())
    connect()
    assert "Key       none given, none in the environment; this system has no keyring\n" in state(capsys)
    with pytest.raises(rv.KeyringError, match="This system has no keyring; set RIVYA_API_KEY"):
        connect(KEY).remember_key()


def test_an_entry_that_is_no_key_is_told_and_can_be_taken_out(
    connect: Connect, working: KeyringBackend
) -> None:
    working.set_password(keychain.SERVICE_NAME, ORIGIN, f"{KEY}\n{KEY}")
    session = connect()
    assert "not an API key" in session.key_source
    assert session.forget_key()


def test_a_backend_that_fails_while_it_holds_the_key_shows_it_nowhere(
    connect: Connect, use_keyring: Callable[[KeyringBackend], None]
) -> None:
    use_keyring(keyring_backends.Locked())
    session = connect(KEY)
    with pytest.raises(rv.KeyringError, match="cannot store") as caught:
        session.remember_key()
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert KEY[8:] not in told
    assert "keyring_backends" not in told
    assert session.has_key


def test_without_the_package_the_message_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['keyring'] = None\n"
        "import rivya_nb as rv\n"
        "assert not rv.connect().has_key\n"
        f"rv.connect({KEY!r}).remember_key()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=150)
    assert (
        'KeyringError: The keyring package is not installed: pip install "rivya-nb[keyring]"' in done.stderr
    )


def test_remembering_and_forgetting_at_once_is_refused(connect: Connect) -> None:
    with pytest.raises(rv.UsageError, match="cannot both"):
        COMMANDS["connect"].act(("--remember", "--forget"))


def test_the_sandbox_needs_no_keyring(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIVYA_BASE_URL", "sandbox")
    COMMANDS["connect"].act(())
    assert "Key       the sandbox's own" in capsys.readouterr().out
    with pytest.raises(rv.UsageError, match="public key of its own"):
        COMMANDS["connect"].act(("--remember",))


def test_where_nobody_sits_nobody_is_asked(working: KeyringBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(rv.NotConnectedError, match="nobody to ask"):
            COMMANDS["connect"].act(())


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        (KEY, {"base_url": "ftp://nowhere"}),
        (KEY, {"base_url": "http://rivya.ai"}),
        (KEY, {"store": __file__}),
        (f"{KEY}\n{KEY}", {}),
    ],
    ids=["no address", "unencrypted", "no store", "no key"],
)
def test_an_error_while_connecting_shows_no_key(key: str, arguments: dict[str, str]) -> None:
    with pytest.raises(rv.RivyaError) as caught:
        rv.connect(key, **arguments)  # type: ignore[arg-type]
    assert KEY[8:] not in str(caught.value)
    # This test's own frame holds the key as an argument; those of the package must not.
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inner = [frame for frame in told.stack if "rivya_nb" in frame.filename]
    assert inner
    assert all(KEY[8:] not in repr(frame.locals) for frame in inner)
