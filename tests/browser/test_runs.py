"""A run as it looks in JupyterLab: while it works, when it is done, and when somebody opens it again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sandboxes import running_sandbox

import rivya_nb as rv
from browser.harness import Lab, OpenNotebook, as_received, write_notebook
from rivya_nb.jobs import pacing
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.showing.run_looks import run_bundle

CONNECT = """%load_ext rivya_nb
%env RIVYA_SANDBOX_LATENCY=3
import rivya_nb as rv
rv.connect(base_url='sandbox')"""
ASK = """%%rivya seed=1..3 aspect_ratio=1:1,16:9 resolution=1K --out bottles
A glass bottle on a soft studio background, แสงเช้า, sandbox:fail(seed=2, aspect_ratio=16:9)"""
TURN = "bottles.grid(rows='aspect_ratio', cols='seed')"
FIND = "bottles[0].favourite().rate(4).tag('keep')\nrv.history(prompt='bottle')"
RUN, TURNED, FOUND = 1, 2, 3

LABELS = ("1:1", "16:9", "seed: 1", "seed: 2", "seed: 3")

# The lowest contrast (WCAG 2) of any visible text with what is behind it, opacity included, and that text.
LOWEST_CONTRAST = """output => {
    const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
    const light = rgb => rgb.map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    let lowest = [99, ''];
    const visit = (element, under, opacity) => {
        const style = getComputedStyle(element);
        const behind = over(parse(style.backgroundColor), under);
        const [r, g, b, a = 1] = parse(style.color);
        const strength = opacity * Number(style.opacity);
        for (const child of element.childNodes) {
            if (child.nodeType === 1 && child.tagName !== 'STYLE') visit(child, behind, strength);
            if (child.nodeType !== 3 || !child.textContent.trim()) continue;
            const [x, y] = [light(over([r, g, b, a * strength], behind)), light(behind)];
            const contrast = (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
            if (contrast < lowest[0]) lowest = [contrast, child.textContent.trim()];
        }
    };
    visit(output, parse(getComputedStyle(document.querySelector('.jp-NotebookPanel')).backgroundColor), 1);
    return lowest;
}"""
READABLE = 3.0
HIGH = 5000
"""Pixels of a page on which all cells are in view; JupyterLab draws no others."""


@dataclass(frozen=True)
class Executed:
    """A notebook that was run and saved, and what its run's cell showed on the way."""

    path: Path
    while_working: str
    pictures_before_any: int
    bytes_before: int


@pytest.fixture(scope="module")
def executed(lab: Lab, screenshots: Path) -> Executed:
    path = write_notebook(lab.folder / "run.ipynb", [CONNECT, ASK, TURN, FIND])
    bytes_before = path.stat().st_size
    notebook = lab.open(path)
    notebook.run_all()
    notebook.wait_for_output(RUN, "0 of 6 done")
    while_working = notebook.output(RUN).first.inner_text()
    pictures = notebook.output(RUN).locator("img").count()
    notebook.wait_for_output(RUN, "processing")
    notebook.screenshot(screenshots / "run-live.png")
    notebook.wait_until_done(FOUND)
    notebook.screenshot(screenshots / "run-done.png")
    notebook.save()
    notebook.close()
    lab.end_kernels()
    return Executed(path, while_working, pictures, bytes_before)


def check_run(notebook: OpenNotebook) -> None:
    """The run's cell shows five labelled pictures in two shapes, and why the sixth is missing."""
    pictures = notebook.pictures(RUN)
    assert len(pictures) == 5
    shapes = {round(w / h, 1) for w, h in (picture["shown"] for picture in pictures)}
    assert shapes == {1.0, 1.8}
    assert all(min(picture["shown"]) >= 80 and picture["alt"] for picture in pictures)
    text = notebook.output(RUN).first.inner_text()
    for label in (*LABELS, "generation_failed", "60 credits"):
        assert label in text
    assert notebook.output(RUN).count() == 1


def check_turned(notebook: OpenNotebook) -> None:
    pictures = notebook.pictures(TURNED)
    assert len(pictures) == 5
    rows = notebook.output(TURNED).locator("tbody tr")
    assert [row.locator("img").count() for row in rows.all()] == [3, 2]


def check_found(notebook: OpenNotebook) -> None:
    """The history's gallery: five pictures, each above its words, and what was said of one of them."""
    assert len(notebook.pictures(FOUND)) == 5
    text = notebook.output(FOUND).first.inner_text()
    for words in ("1–5 of 5", "[4] seed: 1", "★★★★☆ 4/5", "♥ favourite", "#keep"):
        assert words in text
    cards = notebook.output(FOUND).locator("table table")
    for card in cards.all():
        picture, words = card.locator("img").bounding_box(), card.locator("tr").last.bounding_box()
        assert picture is not None
        assert words is not None
        assert words["y"] >= picture["y"] + picture["height"]


def check_contrast(notebook: OpenNotebook) -> None:
    for cell in (RUN, TURNED, FOUND):
        contrast, text = notebook.output(cell).first.evaluate(LOWEST_CONTRAST)
        assert contrast >= READABLE, f"{text!r} is hard to read in cell {cell}"


# Of an output: its right edge, those of its pictures, their heights, and what scrolls within it.
FITS = """output => {
    const right = element => Math.round(element.getBoundingClientRect().right);
    const images = [...output.querySelectorAll('img')];
    const scrolls = [...output.querySelectorAll('div')].filter(each =>
        each.scrollWidth > each.clientWidth + 1
        || (each.scrollHeight > each.clientHeight + 1 && getComputedStyle(each).overflowY !== 'visible'));
    return {
        edge: right(output),
        edges: images.map(right),
        heights: images.map(image => Math.round(image.getBoundingClientRect().height)),
        scrolls: scrolls.length,
    };
}"""


def test_grids_fit_a_narrow_page_and_grow_on_a_wide_one(
    lab: Lab, executed: Executed, screenshots: Path
) -> None:
    path = as_received(executed.path, lab.folder / "received-wide.ipynb")
    notebook = lab.open(path, width=900, height=HIGH)
    assert not notebook.is_trusted()
    highest = []
    for width in (900, 1600):
        notebook.page.set_viewport_size({"width": width, "height": HIGH})
        notebook.page.wait_for_function("width => window.innerWidth === width", arg=width)
        tallest = []
        for cell in (RUN, TURNED, FOUND):
            notebook.pictures(cell)
            fit = notebook.output(cell).first.evaluate(FITS)
            assert max(fit["edges"]) <= fit["edge"], f"a picture is cut at {width} pixels"
            assert fit["scrolls"] == 0
            tallest.append(max(fit["heights"]))
        highest.append(tallest)
        notebook.screenshot(screenshots / f"run-{width}-untrusted.png")
    for narrow, wide in zip(*highest, strict=True):
        assert narrow >= 120
        assert wide > 1.3 * narrow
    notebook.close()


def test_a_run_shows_its_final_shape_before_its_first_picture(executed: Executed) -> None:
    assert executed.pictures_before_any == 0
    for label in (*LABELS, "72 credits"):
        assert label in executed.while_working


def test_the_saved_notebook_stays_small(executed: Executed) -> None:
    assert executed.path.stat().st_size - executed.bytes_before < 400_000


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("origin", ["own", "received"])
def test_a_reopened_notebook_shows_the_run(
    lab: Lab, executed: Executed, theme: str, origin: str, screenshots: Path
) -> None:
    path = executed.path
    if origin == "received":
        path = as_received(path, lab.folder / f"received-{theme.split()[-1]}.ipynb")
    notebook = lab.open(path, height=HIGH)
    notebook.set_theme(theme)
    assert notebook.is_trusted() is (origin == "own")
    check_run(notebook)
    check_turned(notebook)
    check_found(notebook)
    notebook.screenshot(screenshots / f"run-{origin}-{theme.split()[-1].lower()}.png")
    check_contrast(notebook)
    notebook.close()


SHOW = "from IPython.display import HTML\nHTML(open('{}.html').read())"
FILMS, PAIR = 0, 1
PLAYS = "video => !video.paused && video.currentTime > 0"


@pytest.fixture(scope="module")
def films(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that shows a run of eight videos in two rows, and one of two that has no axis but its seed."""
    store = tmp_path_factory.mktemp("films")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FIRST", "SECOND", "LONGEST"):
            patch.setattr(pacing, name, 0.1)
        with (
            running_sandbox(SandboxConfig(latency=0)) as url,
            closing(rv.connect(DEFAULT_KEY, url, store=store)),
        ):
            asked = {"enableTranslation": [True, False], "seed": range(10001, 10005)}
            for name, params in {"films": asked, "pair": {"seed": [10001, 10002]}}.items():
                run = rv.plan("A fox", model="veo3-1-lite", params=params).run()
                run.wait(60)
                (lab.folder / f"{name}.html").write_text(run_bundle(run)["text/html"])
    return write_notebook(lab.folder / "films.ipynb", [SHOW.format("films"), SHOW.format("pair")])


def test_videos_stand_close_and_play_in_their_place_at_a_click(
    lab: Lab, films: Path, screenshots: Path
) -> None:
    notebook = lab.open(films, width=700)
    notebook.run_all()
    notebook.wait_until_done(PAIR)
    assert len(notebook.pictures(FILMS)) == 8
    boxes = [image.bounding_box() for image in notebook.output(FILMS).locator("img").all()]
    above, below = boxes[0], boxes[4]
    assert above is not None
    assert below is not None
    assert below["y"] - above["y"] - above["height"] < 10, "rows are as high as what stands in them"
    tops = [image.bounding_box() for image in notebook.output(PAIR).locator("img").all()]
    assert len({box["y"] for box in tops if box}) == 1, "two stand in one line"
    notebook.output(FILMS).locator("summary").first.click()
    video = notebook.output(FILMS).locator("video").first
    notebook.page.wait_for_function(PLAYS, arg=video.element_handle())
    assert video.bounding_box() == above
    notebook.screenshot(screenshots / "videos.png")
    # By keyboard it is closed again, and what is not seen does not play.
    notebook.output(FILMS).locator("summary").first.press("Enter")
    expect(video).to_be_hidden()
    notebook.page.wait_for_function("video => video.paused", arg=video.element_handle())
    notebook.save()
    notebook.close()


def test_in_a_notebook_of_somebody_else_a_second_click_plays_it(lab: Lab, films: Path) -> None:
    notebook = lab.open(as_received(films, lab.folder / "films-received.ipynb"), width=700)
    assert not notebook.is_trusted()
    video = notebook.output(0).locator("video").first
    expect(video).to_be_hidden()
    notebook.output(0).locator("summary").first.click()
    video.click()
    notebook.page.wait_for_function(PLAYS, arg=video.element_handle())
    notebook.close()
