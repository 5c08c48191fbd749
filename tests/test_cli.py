"""The commands, run as a newcomer runs them: in an empty folder, with what the machine happens to have."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

from rivya_nb.cli import main
from rivya_nb.store.store import Store

CALL = "from rivya_nb.cli import main; raise SystemExit(main())"
SECONDS = 120
REAL_LOOKING_KEY = "rvya_sk_" + "not_to_be_used"


def environment(home: Path, **more: str) -> dict[str, str]:
    """A machine with somebody else's kernel called python3, a key in the environment, and a quick sandbox."""
    kernel = home / "kernels" / "python3"
    kernel.mkdir(parents=True, exist_ok=True)
    broken = {
        "argv": [sys.executable, "-c", "raise SystemExit(3)"],
        "display_name": "x",
        "language": "python",
    }
    (kernel / "kernel.json").write_text(json.dumps(broken))
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("RIVYA_", "JUPYTER_"))
    }
    return {
        **inherited,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_PATH": str(home),
        "RIVYA_API_KEY": REAL_LOOKING_KEY,
        "RIVYA_SANDBOX_LATENCY": "0",
        **more,
    }


def rivya_nb(
    *arguments: str, cwd: Path, code: str = CALL, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=cwd, env=dict(environ), capture_output=True, text=True, timeout=SECONDS
    )


@dataclass(frozen=True)
class Demo:
    cwd: Path
    home: Path
    done: subprocess.CompletedProcess[str]

    @property
    def folder(self) -> Path:
        return self.cwd / "rivya-demo"

    def again(self) -> subprocess.CompletedProcess[str]:
        return rivya_nb("demo", cwd=self.cwd, environ=environment(self.home))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    cwd, home = tmp_path_factory.mktemp("cwd"), tmp_path_factory.mktemp("home")
    return Demo(cwd, home, rivya_nb("demo", cwd=cwd, environ=environment(home)))


def test_the_demo_tells_its_progress_and_its_result(demo: Demo) -> None:
    said = demo.done.stdout
    assert demo.done.returncode == 0, said + demo.done.stderr
    assert demo.done.stderr == ""
    steps = re.findall(r"^\d/7  (?!\d+ of)(.*)", said, re.MULTILINE)
    assert steps[0] == "start a kernel"
    assert steps[1].endswith('rv.connect(base_url="sandbox")')
    assert steps[2].startswith("%%rivya seed=1..4")
    assert steps[-1] == "end the kernel, and save the notebook"
    assert re.search(r"^2/\d  0 of 8 done", said, re.MULTILINE)
    assert "12 pictures, seeds 1, 2, 3, 4; 144 of the sandbox's credits spent." in said
    assert re.search(r"pictures +12 copies", said)
    assert "originals" not in said
    for made in ("01_first_seeds.ipynb", "report.html", "grid.png", "pictures"):
        assert str(demo.folder / made) in said
        assert (demo.folder / made).exists()


def test_the_demo_leaves_the_notebook_with_its_outputs(demo: Demo) -> None:
    notebook = json.loads((demo.folder / "01_first_seeds.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    assert not [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
    asked = next(cell for cell in cells if "".join(cell["source"]).startswith("%%rivya"))
    [shown] = asked["outputs"]
    assert "".join(shown["data"]["text/html"]).count("<img") == 8


def test_the_demo_leaves_pictures_grid_and_report(demo: Demo) -> None:
    copies = sorted((demo.folder / "pictures").rglob("*.png"))
    assert len(copies) == 12
    shapes = set()
    for path in copies:
        with Image.open(path) as image:
            shapes.add(image.width > image.height)
    assert shapes == {True, False}
    with Image.open(demo.folder / "grid.png") as image:
        assert image.width > image.height > 300
    report = (demo.folder / "report.html").read_text(encoding="utf-8")
    assert report.count("data:image/") >= 8
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)|url\((?!["']?data:)""", report)


def test_the_key_of_the_environment_is_nowhere_in_what_the_demo_leaves(demo: Demo) -> None:
    files = [path for path in demo.cwd.rglob("*") if path.is_file()]
    assert not [path for path in files if REAL_LOOKING_KEY.encode() in path.read_bytes()]


def test_a_second_demo_spends_nothing_and_leaves_an_edited_notebook_alone(demo: Demo) -> None:
    mine = demo.folder / "01_first_seeds.ipynb"
    notebook = json.loads(mine.read_text(encoding="utf-8"))
    notebook["cells"][0]["source"] = "# My own notes"
    mine.write_text(json.dumps(notebook), encoding="utf-8")
    again = demo.again()
    assert again.returncode == 0, again.stderr
    assert "12 pictures, seeds 1, 2, 3, 4; nothing was spent: every" in again.stdout
    assert json.loads(mine.read_text(encoding="utf-8"))["cells"][0]["source"] == "# My own notes"
    assert (demo.folder / "01_first_seeds-2.ipynb").exists()


def test_a_demo_that_fails_says_why_in_a_line(tmp_path: Path) -> None:
    done = rivya_nb("demo", cwd=tmp_path, environ=environment(tmp_path, RIVYA_SANDBOX_CREDITS="0"))
    assert done.returncode == 1
    assert "it would cost 96 credits, and 0 are left" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "rivya-demo" / "01_first_seeds.ipynb").exists()


def test_an_interrupted_demo_goes_on_where_it_was(tmp_path: Path) -> None:
    environ = environment(tmp_path, RIVYA_SANDBOX_LATENCY="600")
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, "demo"],
        cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while not re.search("8 (queued|processing)", process.stdout.readline()):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert complaints.startswith("rivya-nb: The notebook was interrupted")
    assert "Traceback" not in complaints
    [state] = tmp_path.rglob("sandbox.sqlite")
    # The tasks end now.
    with closing(sqlite3.connect(state, isolation_level=None)) as tasks:
        tasks.execute("UPDATE tasks SET finished_at = created_at")
    again = rivya_nb("demo", cwd=tmp_path, environ=environment(tmp_path))
    assert "12 pictures, seeds 1, 2, 3, 4; 48 of the sandbox's credits spent." in again.stdout, again.stderr


def test_a_kernel_that_does_not_start_is_a_message_and_what_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "ipykernel_launcher.py").write_text("raise SystemExit(3)")
    mine = tmp_path / "rivya-demo" / "01_first_seeds.ipynb"
    mine.parent.mkdir()
    mine.write_text("no notebook at all")
    modules = os.pathsep.join([str(tmp_path / "modules"), os.environ["PYTHONPATH"]])
    # A terminal that has no more than ASCII.
    environ = environment(tmp_path, PYTHONPATH=modules, PYTHONIOENCODING="ascii")
    done = rivya_nb("demo", cwd=tmp_path, environ=environ)
    assert done.returncode == 1
    assert done.stderr.startswith("rivya-nb: The kernel did not start (")
    assert done.stderr.endswith("`rivya-nb doctor` looks for the reason.\n")
    assert mine.read_text() == "no notebook at all"


@pytest.mark.parametrize("command", ["demo", "lab", "sandbox"])
def test_a_folder_that_cannot_be_made_or_written_is_a_message(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    # Nobody may write there, not even root.
    for folder, why in (("taken", "File exists"), ("/proc/self", "No such file or directory")):
        assert main([command, "--folder", folder]) == 1
        said = f"rivya-nb: The folder {folder} cannot be made or written: {why}. Name another one with"
        assert capsys.readouterr().err.startswith(said)


def test_lab_opens_copies_with_the_sandbox_configured(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    config = Path(environ["JUPYTER_CONFIG_DIR"])
    config.mkdir()
    seen = tmp_path / "seen.json"
    (config / "jupyter_lab_config.py").write_text(
        f"import json, os, pathlib\npathlib.Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))\n"
    )
    environ["RIVYA_PICTURES"] = "s3://the-lab/pictures"
    done = rivya_nb("lab", "--folder", "mine", "--", "--show-config", cwd=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    copied = [path.name for path in sorted((tmp_path / "mine").glob("*.ipynb"))]
    assert copied[:2] == ["01_first_seeds.ipynb", "02_references.ipynb"]
    passed = json.loads(seen.read_text())
    assert passed["RIVYA_BASE_URL"] == "sandbox"
    assert Path(passed["RIVYA_STORE"]).is_relative_to(tmp_path / "mine")
    assert not {"RIVYA_API_KEY", "RIVYA_PICTURES"} & passed.keys()


def test_lab_never_overwrites_a_notebook(tmp_path: Path) -> None:
    mine = tmp_path / "rivya-lab" / "01_first_seeds.ipynb"
    mine.parent.mkdir()
    mine.write_text("my own")
    done = rivya_nb("lab", "--", "--version", cwd=tmp_path, environ=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert mine.read_text() == "my own"
    assert (mine.parent / "05_prompts.csv").is_file(), "the table beside its notebook"


def test_the_sandbox_serves_any_client_until_it_is_interrupted(tmp_path: Path) -> None:
    arguments = ["sandbox", "--port", "0", "--folder", "state", "--latency", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, *arguments],
        cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said = ""
        assert process.stdout is not None
        while "openapi.json" not in said:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            said += line
        [url] = set(re.findall(r"http://127\.0\.0\.1:\d+", said))
        body = re.search(r"-d '(.*)'", said)
        key = re.search(r"Bearer (\S+)'", said)
        assert body
        assert key
        headers = {"Authorization": f"Bearer {key[1]}"}
        task = httpx.post(f"{url}/api/v1/generations", headers=headers, json=json.loads(body[1])).json()
        done = httpx.get(f"{url}/api/v1/generations/{task['id']}", headers=headers).json()
        assert done["status"] == "succeeded"
        port = url.rpartition(":")[2]
        second = rivya_nb("sandbox", "--port", port, cwd=tmp_path, environ=environment(tmp_path))
        assert second.returncode == 1
        assert f"cannot use port {port}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert complaints == ""


def test_a_backup_is_a_store_of_its_own(demo: Demo) -> None:
    store = demo.folder / "store"
    environ = environment(demo.home, RIVYA_STORE=str(store))
    done = rivya_nb("backup", "mine", cwd=demo.cwd, environ=environ)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert re.match(
        r"\d runs and 1\d files of pictures and references, \d+\.\d MB, are in .*/mine\.$", said[0]
    )
    assert (
        said[1]
        == f"rv.connect(store='{demo.cwd}/mine') opens it, and so does RIVYA_STORE in the environment."
    )
    look = "import rivya_nb as rv; print(len(rv.history()), rv.history()[0].image.size)"
    copied = rivya_nb(cwd=demo.cwd, code=look, environ={**environ, "RIVYA_STORE": "mine"})
    assert copied.stdout.split()[0] == "12", copied.stderr
    again = rivya_nb("backup", "mine", "--store", str(store), cwd=demo.cwd, environ=environ)
    assert (again.returncode, again.stdout) == (1, "")
    assert (
        again.stderr
        == f"rivya-nb: {demo.cwd}/mine already exists, and was left as it is; name a new folder.\n"
    )


def test_a_backup_needs_a_store(tmp_path: Path) -> None:
    done = rivya_nb("backup", "mine", "--store", "typo", cwd=tmp_path, environ=environment(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"rivya-nb: There is no store in {tmp_path}/typo: it has no rivya.db.")
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [("demo", "nbclient", "lab"), ("lab", "jupyterlab", "lab"), ("sandbox", "fastapi", "sandbox")],
)
def test_a_missing_extra_is_named_with_its_pip_command(
    command: str, missing: str, extra: str, tmp_path: Path
) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; {CALL}"
    done = rivya_nb(command, cwd=tmp_path, code=code, environ=environment(tmp_path))
    assert done.returncode == 1
    assert missing in done.stderr
    assert f"pip install 'rivya-nb[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_shows_which_there_are(tmp_path: Path) -> None:
    done = rivya_nb(cwd=tmp_path, environ=environment(tmp_path))
    assert done.returncode == 2
    assert "demo | lab | sandbox | run | work | drift | doctor | backup" in done.stderr


STUDY = '[study]\nversion = 1\nprompt = "a fox"\n[params]\nseed = 7\n'


@pytest.mark.parametrize("words", ["run study.toml --dry-run", "limits", "check", "sandbox --port 0"])
def test_a_command_ends_without_a_word_when_nobody_reads_what_it_says(tmp_path: Path, words: str) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    environ = environment(tmp_path, RIVYA_BASE_URL="sandbox", RIVYA_STORE=str(tmp_path / "store"))
    Store.open(tmp_path / "store").close()
    command = [sys.executable, "-c", CALL, *words.split()]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=SECONDS
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
