"""A whole run, with everything turned on that tells of it; then the key is looked for in all that is left."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kernels import NEWEST, Kernel, Request
from PIL import Image
from sandboxes import running_sandbox

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import KEYS, KeyGrant
from rivya_nb.sandbox.process import join

SECRET = "zq7x-Kk2v9w-4Lb6yHm3-cT8nR5jd"
KEY = f"rvya_sk_{SECRET}"
FRAGMENT = 8
"""Characters of the key's secret part that are too many to be seen in one piece."""

START = """
import logging, traceback
from pathlib import Path
import rivya_nb as rv
logging.basicConfig(filename="debug.log", level=logging.DEBUG)
%load_ext rivya_nb
%xmode Verbose

class Odd(str):
    "Lets the user's own mistake happen deep inside: the traceback then shows the names of every frame."
    def fail(self, *_):
        raise ZeroDivisionError
    __str__ = __fspath__ = strip = split = replace = fail
"""
WORK = [
    "%rivya",
    "from rivya_nb.current import current_session\nsession = current_session()",
    "%%rivya seed=1..2 resolution=1K --ref reference.png --out bottles\nA glass bottle",
    "%%rivya seed=1..2 resolution=1K --out some\nA bottle, sandbox:fail(seed=2)",
    "bottles",
    "%rivya models\n%rivya credits",
    "%rivya runs",
    "%rivya history bottle",
    "bottles.report('report.html'); bottles.save('pictures'); bottles.grid().save('grid.png')",
    "bottles.to_pandas().to_csv('table.csv')",
]
TROUBLE = [
    "%%rivya sed=1\nA bottle",
    "%%rivya seed=3 resolution=1K\nA bottle, sandbox:fail",
    "rv.generate(1 / 0 for _ in 'A')",
    "rv.connect(store='reference.png')",
    "rv.connect(base_url='ftp://nowhere')",
    "rv.connect(store=Odd('store'))",
    "rv.connect(base_url=Odd('https://rivya.ai'))",
    "%rivya resume 999",
    "%rivya connect --remember",
]
TELL = """
def told(act):
    try:
        act()
    except BaseException as error:
        story = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(story.format())

acts = [lambda: rv.generate("A", seed=[{}]), lambda: rv.runs(999), lambda: rv.generate(1 / 0 for _ in "A"),
        lambda: rv.connect(base_url=Odd("https://rivya.ai")), lambda: rv.connect(store="reference.png")]
stories = [told(act) for act in acts]
assert all(stories)
Path("stories.txt").write_text("\\n".join(map(str, stories)))
"""
LOOK = """
from looking import look
import rivya_nb.current
assert session.has_key
things = [session, rv.RivyaClient(), bottles, bottles.jobs, bottles.grid(), rv.history(), rv.runs(),
          rv.plan("A", seed=9), vars(rivya_nb.current), get_ipython().user_ns]
texts, own = look(*things)
assert "<key: set>" in texts
Path("seen.txt").write_text("\\n".join(texts), errors="replace")
assert own > 100, own
get_ipython().history_manager.writeout_cache()
"""


def traces(folder: Path) -> list[str]:
    """Every file below `folder` with a piece of the key; what a picture holds may be packed."""
    pieces = {SECRET[at : at + FRAGMENT] for at in range(len(SECRET) - FRAGMENT + 1)}
    pattern = re.compile("|".join(map(re.escape, pieces)).encode())
    found = []
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.suffix in (".png", ".jpg", ".webp"):
            with Image.open(path) as picture:
                data += repr(picture.info).encode()
        if pattern.search(data) or pattern.search(str(path).encode()):
            found.append(str(path.relative_to(folder)))
    return found


def execute(kernel: Kernel, typed: str | None) -> list[Request]:
    """The cells, as somebody sitting there would run them, whatever comes of each."""
    done = [
        kernel.ok(START),
        kernel.type_in("%rivya connect", typed) if typed else kernel.run("%rivya connect"),
    ]
    assert done[-1].status == "ok", done[-1].error
    assert f"Key       {'given' if typed else 'from the environment'}" in done[-1].stdout
    done += [kernel.ok(cell) for cell in WORK]
    failed = [kernel.run(cell) for cell in TROUBLE]
    assert [cell.status for cell in failed] == ["error"] * len(TROUBLE)
    return [*done, *failed, kernel.ok(TELL), kernel.ok(LOOK)]


@pytest.mark.parametrize("way", ["typed", "environment"])
def test_no_piece_of_the_key_is_left_anywhere(
    start_kernel: Callable[..., Kernel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setitem(KEYS, KEY, KeyGrant())
    Image.new("RGB", (300, 300), "teal").save(tmp_path / "reference.png")
    with running_sandbox(SandboxConfig(latency=0), tmp_path / "service") as url:
        environment = {
            "RIVYA_STORE": "store",
            "RIVYA_BASE_URL": url,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        if way == "environment":
            environment["RIVYA_API_KEY"] = KEY
        kernel = start_kernel(NEWEST, environment)
        done = execute(kernel, KEY if way == "typed" else None)
        told = [[cell.reply, cell.prompts, cell.outputs] for cell in done]
        (tmp_path / "messages.json").write_text(json.dumps(told, default=str))
        assert (tmp_path / "store" / "rivya.db-wal").exists()
        assert traces(tmp_path) == []

    if way == "typed":
        assert done[1].prompts[0]["password"] is True
    # All this was looked through, and the search finds what is there.
    (history,) = tmp_path.rglob("history.sqlite")
    with sqlite3.connect(history) as database:
        inputs = [row[0] for row in database.execute("SELECT source_raw FROM history")]
    assert "%rivya connect" in inputs
    log = (tmp_path / "debug.log").read_text()
    for word in (
        "rivya_nb.api:POST /api/v1/generations",
        "httpcore.http11:send_request_headers",
        "httpx:HTTP",
    ):
        assert word in log
    assert "in connect\n" in (tmp_path / "stories.txt").read_text()
    (tmp_path / "planted.txt").write_text(f"…{SECRET[5:13]}…")
    assert traces(tmp_path) == ["planted.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows another process' environment")
def test_the_environments_secrets_do_not_reach_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RIVYA_API_KEY", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    lease = join(tmp_path)
    try:
        process = json.loads((tmp_path / "server.json").read_text())["pid"]
        for name in ("environ", "cmdline"):
            content = Path(f"/proc/{process}/{name}").read_bytes()
            assert content
            assert SECRET.encode() not in content
    finally:
        lease.close()
    assert traces(tmp_path) == []
    assert os.environ["RIVYA_API_KEY"] == KEY
