"""What a picture, a list of runs and what was written show of themselves."""

from __future__ import annotations

import copy
import os
import pickle
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from store.filling import done
from views.reading import read

import rivya_nb as rv
from rivya_nb.contract.references import Reference
from rivya_nb.session.runs import PAGE
from rivya_nb.session.showing import written
from rivya_nb.store.records import AxisRecord, CellRecord

from .conftest import picture

if TYPE_CHECKING:
    from .conftest import Fill

HOSTILE = "<script>alert(1)</script>"
NOON = 1_795_000_000.0
WHEN = time.strftime("%Y-%m-%d %H:%M", time.localtime(NOON))


def html_of(shown: Any) -> str:
    return str(shown._repr_mimebundle_()["text/html"])


def text_of(shown: Any) -> str:
    return str(shown._repr_mimebundle_()["text/plain"])


def test_a_picture_shows_itself_with_what_it_was_made_with(fill: Fill, session: rv.Session) -> None:
    run = fill([7, 8], f"A fox {HOSTILE}", aspect_ratio="16:9", created_at=NOON)
    for job in (run[0], rv.history(seed=7)[0], run[0].favourite().rate(4).tag(HOSTILE)):
        html = html_of(job)
        assert html.count("data:image/") == 1
        assert "<script" not in html
        for words in (HOSTILE, "seed 7", "aspect_ratio 16:9", "12 credits", WHEN, "run 1", "32 × 24 PNG"):
            assert words in read(html).text
            assert words in text_of(job)
    assert "★★★★☆ 4/5" in read(html).text
    assert repr(job) == text_of(job).splitlines()[0]
    path = job.path
    assert path is not None
    path.unlink()
    assert "gone from the store" in read(html_of(job)).text
    two = fill([9], pictures=(picture(session, 1), picture(session, 2)))[0]
    assert html_of(two).count("data:image/") == 2


def test_runs_are_a_table_in_pages(fill: Fill, session: rv.Session) -> None:
    run = fill([1, 2, 3], f"A fox {HOSTILE}", created_at=NOON)
    row = read(html_of(rv.runs())).all("tr")[1]
    for words in (str(run.id), f"A fox {HOSTILE}", "seed: 1, 2, 3", "3 of 3 pictures", "36 credits"):
        assert words in row.text
    assert len(row.all("img")) == 1
    assert "<script" not in html_of(rv.runs())
    assert "A fox" in text_of(rv.runs())
    assert "3 seed" in text_of(rv.runs())
    for number in range(PAGE):
        fill([number])
    first = read(html_of(rv.runs()))
    assert (len(first.all("tr")), len(first.all("img"))) == (1 + PAGE, PAGE)
    assert "rv.runs().page(2) shows the next 1" in first.text
    last = read(html_of(rv.runs().page(2)))
    assert "A fox" in last.text
    assert "shows the next" not in last.text
    with pytest.raises(rv.UsageError, match="there are pages 1 to 2"):
        rv.runs().page(3)


def test_a_run_in_the_table_has_its_prompt_as_it_was_written(session: rv.Session) -> None:
    plan = rv.plan("A {red|blue} cup", seed=1)
    jobs = [done(f"A {colour} cup", {"seed": 1}) for colour in ("red", "blue")]
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
    axes, ask = [AxisRecord("prompt", ("red", "blue"))], plan.expansion.ask.to_json()
    session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs, ask=ask)
    for said in (text_of(rv.runs()), read(html_of(rv.runs())).text):
        assert "A {red|blue} cup" in said


def test_every_tile_says_when_and_in_which_run(fill: Fill) -> None:
    fill([1, 2], created_at=NOON)
    fill([3], created_at=NOON)
    for shown in (rv.history(), rv.history()[:2], rv.history().grid(rows="seed")):
        assert f"{WHEN} · run 2" in read(html_of(shown)).text
        assert f"{WHEN} · run 1" in read(html_of(shown)).text
    assert f"{WHEN} · run 1" in text_of(rv.history())
    cells = rv.history().view()._scene["cells"]
    assert ["asked for", f"{WHEN} · run 2"] in cells[0]["asides"]


def test_references_are_called_what_the_user_called_them(session: rv.Session) -> None:
    jobs = []
    for seed, sha in enumerate("ab", 1):
        reference = Reference(sha * 64, "image", "image/png", "IMG_0001.png", 9)
        job = done("A fox", {"seed": seed}, pictures=(picture(session, seed),))
        jobs.append(replace(job, references=(reference,)))
    axes = [AxisRecord("references", ("soft", "hard"))]
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
    session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
    text = read(html_of(rv.history().grid(rows="references"))).text
    assert "soft" in text
    assert "hard" in text
    assert "IMG_0001" not in text
    assert "hard" in read(html_of(rv.history())).text


def test_what_was_written_is_the_path_that_it_was_and_shows_itself(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = fill([1, 2])
    report = run.report("my report #1.html")
    assert isinstance(report, Path)
    assert report == tmp_path / "my report #1.html"
    assert os.fspath(report) == str(report) == str(tmp_path / "my report #1.html")
    assert "<html" in report.read_text()
    assert pickle.loads(pickle.dumps(report)) == copy.copy(report) == report
    assert {report: 1}[tmp_path / "my report #1.html"] == 1
    assert report.with_suffix(".txt").parent == tmp_path
    assert 'href="my%20report%20%231.html"' in html_of(report)
    assert text_of(report).startswith(f"{report} (")
    saved = run.save("pictures")
    assert [path.is_file() for path in saved] == [True, True]
    assert saved + saved == [*saved, *saved]
    html = html_of(saved)
    assert html.count("data:image/") == 2
    for name in (saved[0].name, "run-1.json", "run-1.csv"):
        assert f'href="pictures/{name}"' in html
    assert 'href="pictures"' not in html, "JupyterLab says that it is no file"
    assert "2 pictures" in text_of(saved)
    assert html_of(run.grid().save("grid.png")).count("data:image/") == 1
    assert html_of(run[0].save(tmp_path / "one")).count("data:image/") == 1
    report.unlink()
    assert "not there any more" in text_of(report)


def test_a_link_is_given_where_jupyter_serves_the_file(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = tmp_path / "root" / "work"
    notebook.mkdir(parents=True)
    run = fill([1])
    shell = InteractiveShell.instance()
    monkeypatch.setitem(shell.user_ns, "_dh", [notebook])
    monkeypatch.chdir(tmp_path)
    for place, link in {
        "root/work/r.html": "r.html",
        "root/work/a:b.html": "a%3Ab.html",
        "root/r.html": "",
        "r.html": "",
        "root/work/.hidden/r.html": "",
    }.items():
        report = run.report(place)
        assert written.link_to(report) == link
        assert ("href=" in html_of(report)) == bool(link)
        assert str(report) in read(html_of(report)).text
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "41")
    (tmp_path / "jpserver-41.json").write_text('{"root_dir": "%s"}' % (tmp_path / "root"))
    assert written.link_to(tmp_path / "root" / "r.html") == "../r.html"
    assert written.link_to(tmp_path / "r.html") == ""
    InteractiveShell.clear_instance()


def test_a_grid_of_nothing_is_empty(session: rv.Session) -> None:
    assert "0 pictures" in rv.history(seed=99).grid()._repr_mimebundle_()["text/plain"]
