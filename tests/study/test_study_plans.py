"""Plans from study files: what they cost, the references and tables that they name, and both other faces."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.errors import InvalidRequestError, UsageError
from rivya_nb.sandbox.keys import DEFAULT_KEY

EDITOR = "nano-banana"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[rv.Session]:
    """A service that nobody answers for: what is planned here sends nothing."""
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=tmp_path / "store")) as session:
        yield session


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
def live(tmp_path: Path, service: str) -> Iterator[rv.Session]:
    with closing(rv.connect(DEFAULT_KEY, service, store=tmp_path / "store")) as session:
        yield session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study").mkdir()
    return tmp_path / "study"


def cat(folder: Path, colour: tuple[int, int, int] = (200, 90, 10)) -> Path:
    Image.new("RGB", (64, 48), colour).save(folder / "cat.png")
    return folder / "cat.png"


def identities(plan: rv.Plan) -> list[str]:
    return [request.identity for request in plan.requests]


@pytest.mark.parametrize(
    "make",
    [
        lambda: rv.plan("A {light=dawn|dusk} sky", seed=range(3), aspect_ratio=["1:1", "16:9"], name="skies"),
        lambda: rv.plan("A sky", repeat=3),
        lambda: rv.plan("A sky", model=["wan-2-7-image-pro", "nano-banana"], repeat=2),
        lambda: rv.plan(["a fox", "an owl"], repeat=2, pair_seeds=False),
        lambda: rv.plan([{"prompt": "a fox", "seed": 3, "kind": "x"}, {"prompt": "an owl"}], replicates=2),
        lambda: rv.plan("A {prompt}", prompts=["fox", "owl", "hen"], seed=range(9), sample=5, sample_seed=2),
        lambda: rv.plan("A sky", seed=[1, 2], aspect_ratio=["1:1", "16:9"], coupled=("seed", "aspect_ratio")),
        lambda: rv.plan([rv.Request("wan-2-7-image-pro", "a {b|c}", {"seed": 1}), rv.Request("nano-banana", "d")]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("session")
def test_a_plan_comes_back_from_its_file(make: Callable[[], rv.Plan], folder: Path) -> None:
    plan = make()
    written = plan.to_toml(folder / "study.toml")
    again = rv.read_plan(written)
    assert identities(again) == identities(plan)
    assert again.record.axes == plan.record.axes
    assert (again.name, again.credits) == (plan.name, plan.credits)
    assert again.to_toml() == plan.to_toml().replace("  # drawn", "").replace(" # drawn", "")
    assert written.read_text(encoding="utf-8") == plan.to_toml()


@pytest.mark.usefixtures("session")
def test_a_study_file_holds_neither_key_nor_address_nor_limit(tmp_path: Path, folder: Path) -> None:
    plan = rv.plan("A fox", model=EDITOR, references=[cat(tmp_path)], max_credits=77, max_parallel=3)
    plan.to_toml(folder / "study.toml")
    text = (folder / "study.toml").read_text(encoding="utf-8")
    assert not [word for word in (DEFAULT_KEY, "127.0.0.1", "77", str(tmp_path)) if word in text]
    assert rv.read_plan(folder / "study.toml").max_credits is None


def test_an_edited_study_costs_only_what_is_new(live: rv.Session, folder: Path) -> None:
    study = folder / "study.toml"
    plan = rv.plan("A glass {light=dawn|dusk} bottle", repeat=2, resolution="1K")
    plan.to_toml(study)
    price = plan.credits
    plan.run().wait()
    assert rv.read_plan(study).credits == 0, "seeds that were drawn are written down"
    study.write_text(
        study.read_text(encoding="utf-8").replace("dawn|dusk", "dawn|dusk|noon"), encoding="utf-8"
    )
    edited = rv.read_plan(study)
    assert edited.credits == price // 2
    edited.run().wait()
    assert rv.read_plan(study).credits == 0
    assert rv.read_plan(study, fresh=True).credits == price * 3 // 2


@pytest.mark.parametrize("more", [{"pair_seeds": False}, {"model": ["wan-2-7-image-pro", "nano-banana"]}])
def test_seeds_that_stand_apart_are_written_down_too(
    live: rv.Session, folder: Path, more: dict[str, Any]
) -> None:
    plan = rv.plan(["a fox", "an owl"], repeat=2, **more)
    plan.to_toml(folder / "study.toml")
    run = plan.run().wait()
    again = rv.read_plan(folder / "study.toml")
    reused = {job.id for job in again.draft.reused}
    assert reused == {job.id for job in run.jobs if job.seed is not None}
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(text.replace("repeat = 2", "repeat = 3"), encoding="utf-8")
    assert {job.id for job in rv.read_plan(folder / "study.toml").draft.reused} == reused


@pytest.mark.usefixtures("session")
def test_a_reference_is_found_by_its_content_and_else_beside_the_file(tmp_path: Path, folder: Path) -> None:
    path = cat(folder)
    plan = rv.plan("A fox", model=EDITOR, references=[path])
    plan.to_toml(folder / "study.toml")
    assert 'file = "cat.png"' in plan.to_toml(folder / "study.toml").read_text(encoding="utf-8")
    path.rename(folder / "gone.png")
    assert identities(rv.read_plan(folder / "study.toml")) == identities(plan), "the store has it"
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=tmp_path / "another")):
        with pytest.raises(UsageError, match="no such file"):
            rv.read_plan(folder / "study.toml")
        (folder / "gone.png").rename(path)
        assert identities(rv.read_plan(folder / "study.toml")) == identities(plan)
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=tmp_path / "third")):
        cat(folder, (1, 2, 3))
        with pytest.raises(UsageError, match=r"references 1: cat\.png: this file has changed"):
            rv.read_plan(folder / "study.toml")


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    "file",
    ["../cat.png", "/etc/hostname", "a/../../cat.png", "C:\\cat.png", "..\\cat.png", "link.png", "", "a\0b"],
)
def test_only_files_below_the_study_are_read(tmp_path: Path, folder: Path, file: str) -> None:
    cat(tmp_path)
    (folder / "link.png").symlink_to(tmp_path / "cat.png")
    shown = file.replace("\\", "\\\\").replace("\0", "\\u0000")
    (folder / "study.toml").write_text(
        f'[study]\nversion = 1\nprompt = "x"\nmodel = "{EDITOR}"\n[[references]]\nfile = "{shown}"\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="only a file below the study's own folder"):
        rv.read_plan(folder / "study.toml")


@pytest.mark.usefixtures("session")
def test_a_table_stands_beside_the_study(folder: Path) -> None:
    (folder / "birds.csv").write_text("prompt,seed,kind\nan owl,3,night\na hen,,day\n", encoding="utf-8")
    text = '[study]\nversion = 1\nprompts = "birds.csv"\nprompt = "{prompt}, studio light"\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    plan = rv.read_plan(folder / "study.toml")
    assert [request.prompt for request in plan.requests] == ["an owl, studio light", "a hen, studio light"]
    assert plan.requests[0].seed == 3
    assert plan.record.axes[0].facts == ({"kind": "night"}, {"kind": "day"})
    again = folder / "again.toml"
    plan.to_toml(again)
    assert identities(rv.read_plan(again)) == identities(plan)
    (folder / "study.toml").write_text(f'{text}prompts_sha256 = "{"0" * 64}"\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"study\.prompts: birds\.csv: this table has changed"):
        rv.read_plan(folder / "study.toml")


@pytest.mark.usefixtures("session")
def test_a_file_that_is_no_study_is_told(folder: Path) -> None:
    study = folder / "study.toml"
    with pytest.raises(UsageError, match="no such file"):
        rv.read_plan(study)
    with pytest.raises(UsageError, match="this is a folder"):
        rv.read_plan(folder)
    for data, told in (
        (b"\x89PNG\r\n", "study.toml: this is not text in UTF-8"),
        ("[study]".encode("utf-16"), "this is not text in UTF-8"),
        (b"#" * 9_000_000, "9.0 MB is over the limit of 8 MB"),
        (b"a =", "study.toml: this is not TOML"),
    ):
        study.write_bytes(data)
        with pytest.raises(UsageError, match=told):
            rv.read_plan(study)
    study.write_text(
        '\ufeff[study]\nversion = 1\nprompt = "x"\nmodel = "wan-2-7-image-por"\n', encoding="utf-8"
    )
    with pytest.raises(InvalidRequestError, match="did you mean 'wan-2-7-image-pro'"):
        rv.read_plan(study)
    study.write_text('[study]\nversion = 1\nprompts = "gone.csv"\n')
    with pytest.raises(UsageError, match="there is no such file") as error:
        rv.read_plan(study)
    assert "study.prompt:" not in str(error.value), "the table has the prompts"


def command(folder: Path, service: str, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    environ |= {"RIVYA_BASE_URL": service, "RIVYA_API_KEY": DEFAULT_KEY, "RIVYA_STORE": str(folder / "store")}
    code = "from rivya_nb.cli import main; raise SystemExit(main())"
    line = [sys.executable, "-c", code, *words]
    return subprocess.run(line, env=environ, cwd=folder, capture_output=True, text=True, timeout=150)


def test_the_command_line_runs_a_study(folder: Path, service: str) -> None:
    study = '[study]\nversion = 1\nname = "foxes"\nprompt = "a {red|grey} fox"\n[params]\nseed = 7\n'
    (folder / "study.toml").write_text(study, encoding="utf-8")
    dry = command(folder, service, "run", "study.toml", "--dry-run")
    assert (dry.returncode, "2 pictures · 24 credits" in dry.stdout) == (0, True), dry.stderr
    low = command(folder, service, "run", "study.toml", "--max-credits", "12")
    assert (low.returncode, "max_credits=24" in low.stderr) == (1, True), low.stderr
    run = command(folder, service, "run", "study.toml")
    assert (run.returncode, "Run 1: " in run.stdout) == (0, True), run.stderr
    again = command(folder, service, "run", "study.toml")
    assert "0 credits" in again.stdout
    wrong = command(folder, service, "run", "another.toml")
    assert (wrong.returncode, "no such file" in wrong.stderr, "Traceback" in wrong.stderr) == (1, True, False)


# Two plans compare


@pytest.mark.usefixtures("session")
def test_two_plans_compare() -> None:
    before = rv.plan("A red fox at {light=dawn|dusk}", seed=[1, 2], resolution="1K")
    after = rv.plan("A grey fox at {light=dawn|dusk}", seed=[1, 2, 3], resolution="1K", aspect_ratio="16:9")
    found = before.diff(after)
    assert (found.added, found.removed, found.same, found.credits) == (6, 4, 0, 72)
    text = repr(found)
    assert "6 new requests for 72 credits · 4 no longer asked" in text
    assert "A [-red-]{+grey+} fox at {light}" in text
    assert "seed: + 3" in text
    assert "aspect_ratio: + 16:9" in text
    assert "resolution" not in text
    more = before.diff(rv.plan("A red fox at {light=dawn|dusk|noon}", seed=[1, 2], resolution="1K"))
    assert (more.added, more.removed, more.same, more.credits) == (2, 0, 4, 24)
    assert before.diff(before).summary == "no difference: the same 4 requests"


@pytest.mark.usefixtures("session")
def test_two_tables_compare_by_what_their_rows_give() -> None:
    rows = [{"prompt": "a fox", "seed": 1, "aspect_ratio": "1:1"}, {"prompt": "an owl", "seed": 2}]
    before = rv.plan(rows)
    found = before.diff(rv.plan([rows[0], {**rows[1], "seed": 3}, {"prompt": "a hen"}]))
    assert (found.added, found.removed, found.same) == (2, 1, 1)
    told = {each.what: (each.gone, each.new) for each in found.changes}
    assert told == {"prompt": ("", "a hen"), "seed of prompt": ("2", "3")}
    pairs = [
        rv.plan("A fox", seed=[1, 2], aspect_ratio=each, coupled=("seed", "aspect_ratio"))
        for each in (["1:1", "16:9"], ["1:1", "3:4"])
    ]
    assert "- 2, 16:9 + 2, 3:4" in repr(pairs[0].diff(pairs[1]))


def test_a_plan_that_grows_compares_with_what_stands_there(live: rv.Session) -> None:
    before = rv.plan("A fox", seed=[1, 2])
    run = before.run().wait()
    wider = run.extend(seed=[3])
    found = before.diff(wider)
    assert (found.added, found.removed, found.same, found.credits) == (1, 0, 2, 12)
    assert wider.diff(before).removed == 1
    assert before.diff(run.grid().fill()).summary == "no difference: the same 2 requests"


@pytest.mark.usefixtures("session")
def test_what_two_plans_differ_by_is_escaped() -> None:
    found = rv.plan("A fox", seed=1).diff(rv.plan("A <script>alert(1)</script> \x1b[31mfox", seed=1))
    bundle = found._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert "&lt;" in bundle["text/html"]
    assert "\x1b" not in bundle["text/plain"]


def test_the_price_of_a_difference_is_what_the_history_lacks(live: rv.Session) -> None:
    before = rv.plan("A fox", seed=1)
    after = rv.plan("A fox", seed=[1, 2, 3])
    rv.generate("A fox", seed=2).wait()
    assert before.diff(after).credits == 12
    with pytest.raises(UsageError, match="not a plan"):
        before.diff("study.toml")  # type: ignore[arg-type]
