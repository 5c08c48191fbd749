"""A grid as a figure of a paper."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from history.conftest import Fill, add_run, picture
from PIL import Image
from store.filling import a_job, done

import rivya_nb as rv
from rivya_nb.store.records import AxisRecord, CellRecord

from .conftest import PROMPTS, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

LONG = "A red fox in deep snow under a $sky^2$ of stars, " * 6 + "an-unbreakable-word" * 9


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.axes[0].texts if text.get_text()]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]


def inside(figure: Figure) -> bool:
    """Whether all texts lie within the figure."""
    figure.canvas.draw()
    page = figure.bbox.padded(1)
    boxes = [text.get_window_extent() for text in texts(figure)]
    wide = all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    return wide and all(page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)


def test_both_axes_have_their_names_and_values_at_the_size_of_a_paper(study: Study) -> None:
    figure = study().grid().figure(width=3.3)
    assert figure.get_size_inches()[0] == 3.3
    told = [text.replace("\n", " ") for text in words(figure)]
    assert told == ["seed", "1", "2", "prompt", PROMPTS[0], PROMPTS[1]]
    assert {text.get_text(): text.get_fontsize() for text in texts(figure)}["seed"] == 8
    assert len(figure.axes[0].images) == 4
    assert inside(figure)
    assert study().grid().figure(font="serif", font_size=10).get_size_inches()[0] == 7


def test_it_can_be_saved_and_shows_itself_without_pyplot(study: Study, tmp_path: Path) -> None:
    figure = study().grid().figure()
    figure.savefig(tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    data, about = figure._repr_png_()  # type: ignore[attr-defined]
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == 2 * about["width"] == 2 * 7 * 96


def test_excluded_pictures_leave_their_place_empty_with_a_sign(study: Study) -> None:
    run = study()
    run[3].exclude("hand cut off")
    figure = run.grid().figure()
    assert words(figure)[-1] == "⊘ excluded"
    assert len(figure.axes[0].images) == 3
    assert run[0].path is not None
    run[0].path.unlink()
    assert "file gone" in words(run.grid().figure())


def test_what_failed_or_was_stopped_is_not_called_excluded(session: rv.Session) -> None:
    jobs = [
        done(params={"seed": 1}, pictures=(picture(session, 1),)),
        a_job(params={"seed": 2}, status="failed"),
        a_job(params={"seed": 3}, status="stopped"),
    ]
    run = session.run(add_run(session, [1, 2, 3], jobs))
    assert words(run.grid().figure()) == ["seed", "1", "failed", "2", "stopped", "3"]


def test_a_contact_sheet_leaves_them_out_too(study: Study, tmp_path: Path) -> None:
    run, sheet = study(), tmp_path / "sheet.png"
    # From the second time on, it is drawn from small pictures.
    _, whole = (run.grid().save(sheet).read_bytes() for _ in range(2))
    run[0].exclude("hand cut off")
    less = run.grid().save(sheet).read_bytes()
    run[0].exclude(None)
    assert less != whole == run.grid().save(sheet).read_bytes()


def test_a_long_prompt_is_wrapped_and_a_dollar_begins_no_formula(fill: Fill, session: rv.Session) -> None:
    fill([1], LONG)
    fill([1], "ภาพ " + LONG[::-1])
    figure = rv.history().grid(rows="prompt", cols="seed").figure(width=3.3)
    assert inside(figure)
    told = next(text for text in words(figure) if text.startswith("A red fox"))
    assert told.count("\n") >= 2
    assert told.endswith("…")
    assert not any(text.get_parse_math() for text in texts(figure))


def test_a_row_that_wraps_has_its_values_below(fill: Fill) -> None:
    figure = fill([5, 3, 8, 9, 11]).grid().figure(width=3)
    assert words(figure) == ["seed", "5", "3", "8", "9", "11"]
    tops = [text.get_position()[1] for text in texts(figure)[1:]]
    assert len(set(tops)) == 2
    assert inside(figure)


def three_axes(session: rv.Session, run: rv.Run) -> rv.Run:
    axes = [AxisRecord(name, ("a", "b")) for name in ("light", "hour", "place")]
    cells = [CellRecord(job, (at // 2, at % 2, at % 2)) for at, job in enumerate(run.job_ids)]
    added = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=[])
    return session.run(added.id)


def test_of_several_pages_one_is_chosen(study: Study, session: rv.Session) -> None:
    grid = three_axes(session, study()).grid()
    with pytest.raises(rv.UsageError, match=r"has 2 pages.*1 \(place: a\), 2 \(place: b\).*figure\(page=1\)"):
        grid.figure()
    assert "place: b" in words(grid.figure(page=2))
    with pytest.raises(rv.UsageError, match="3 is no page; it takes 1 to 2"):
        grid.figure(page=3)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"width": "wide"}, "width: 'wide' is no number of inches from 1 to 60"),
        ({"width": float("nan")}, "nan is no number of inches"),
        ({"font_size": 0}, "font_size: 0 is no number of points from 4 to 24"),
        ({"font": "Helvtica Nue"}, "font: 'Helvtica Nue' is no family of fonts that is installed here"),
        ({"page": 0}, "0 is no page; there is one page, 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(study: Study, wrong: dict[str, object], told: str) -> None:
    with pytest.raises(rv.UsageError, match=told):
        study().grid().figure(**wrong)  # type: ignore[arg-type]


def test_pictures_too_small_to_be_seen_are_refused(session: rv.Session, fill: Fill) -> None:
    run = fill(range(40))
    axes = [AxisRecord("light", ("a", "b")), AxisRecord("seed", tuple(map(str, range(40))))]
    cells = [CellRecord(job, (0, at)) for at, job in enumerate(run.job_ids)]
    added = session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=[])
    with pytest.raises(
        rv.UsageError, match=r"40 columns on 3.3 inches leave .* give a width of at least 1[12]\."
    ):
        session.run(added.id).grid().figure(width=3.3)


def test_without_matplotlib_it_says_what_to_install(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "rivya_nb.views.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(rv.UsageError, match=r"pip install 'rivya-nb\[figure\]'"):
        study().grid().figure()


def test_nothing_of_pyplot_is_touched() -> None:
    code = "import sys, rivya_nb.views.figure; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=150
    )
    assert done.stdout.strip() == "False"
