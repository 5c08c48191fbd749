"""The next steps that messages name can be typed where they are read."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY

PLACES = """
from IPython.core.interactiveshell import InteractiveShell
from rivya_nb.views.run_view import commands

print(commands(41).send)
shell = InteractiveShell.instance()
print(commands(41).send)
shell.run_line_magic("load_ext", "rivya_nb")
print(commands(41).send)
"""


def test_a_magic_is_named_only_where_it_is_loaded(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLACES], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=150
    )
    python = "rv.resume(41, unsent=True)"
    assert done.stdout.splitlines() == [python, python, "%rivya resume 41 --unsent"]


def test_what_a_script_is_told_works_in_it(tmp_path: Path) -> None:
    with running_sandbox() as url, closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")):
        run = rv.generate("A lemon sandbox:fail", seed=1, resolution="1K")
        with pytest.raises(rv.RunFailedError) as caught:
            run.wait(60)
        assert str(caught.value).endswith(f"It cost 0 credits; rv.retry({run.id}) tries again.")
        assert rv.retry(run.id) is run
        with pytest.raises(rv.RunFailedError):
            run.wait(60)


def test_a_script_without_a_key_is_told_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIVYA_API_KEY", raising=False)
    with closing(rv.connect(None, "https://rivya.invalid", store=tmp_path / "store")):
        with pytest.raises(rv.NotConnectedError, match=r'rv\.connect\(base_url="sandbox"\)') as caught:
            rv.generate("A lemon")
        assert "%" not in str(caught.value)
