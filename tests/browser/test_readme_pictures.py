"""The pictures of the README and of the pages show what is said of them. They are taken here each time;

    pytest tests/browser/test_readme_pictures.py --readme-pictures

puts them into `docs/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Locator, expect
from sandboxes import running_sandbox

import rivya_nb as rv
from browser.harness import Lab, OpenNotebook, write_notebook
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.sandbox.light import Effect, Light

ROOT = Path(__file__).parent.parent.parent
README, *PAGES = [
    path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
]
SHARPNESS = 2
"""Pixels of a picture for one of the page's."""
MOST_BYTES = 150_000
"""What a picture may weigh, for the page to be there at once."""

SECONDS = 6
"""What a picture takes to come: long enough for a picture of that."""
CONNECT = """%load_ext rivya_nb
import rivya_nb as rv
rv.connect(base_url="sandbox", store="pictured")"""
ASK, OPEN = 1, 2

STUDY = """import rivya_nb as rv
from PIL import ImageStat
rv.connect({key!r}, base_url="{url}", store="studied")
@rv.measure
def lightness(picture):
    return ImageStat.Stat(picture.convert("L")).mean[0] / 255
study = rv.generate(prompts={prompts!r}, seed=[1, 4], replicates=2, model="seedream-3-0", max_credits=500)
study.wait();"""

ALONE = f".jp-Cell:not([data-windowed-list-index='{ASK}']) {{ visibility: hidden }}"
"""The chosen cell's frame reaches into the one before."""

Take = Callable[..., None]


def the_cell() -> str:
    """The README's cell that asks for pictures."""
    return re.findall(r"^```ipython\n(%%rivya [^`]+)\n```", README, re.MULTILINE)[0]


def said_of(name: str) -> str:
    """What is told those who do not see a picture, wherever it stands."""
    said = [
        each
        for page in (README, *PAGES)
        for each in re.findall(rf"!\[([^\]]+)\]\((?:docs/)?{name}\.webp\)", page)
    ]
    assert said
    assert len(set(said)) == 1
    return said[0]


@pytest.fixture(scope="module")
def take(request: pytest.FixtureRequest, screenshots: Path) -> Take:
    folders = [screenshots, *([ROOT / "docs"] if request.config.getoption("--readme-pictures") else [])]

    def taken(shown: Locator, name: str, style: str = "") -> None:
        shot = Image.open(BytesIO(shown.screenshot(animations="disabled", caret="hide", style=style)))
        # Where it ends between two pixels, a line of what is beside it is on the picture.
        picture = ImageOps.crop(shot, SHARPNESS)
        for folder in folders:
            path = folder / f"{name}.webp"
            picture.save(path, quality=80, method=4)
            assert path.stat().st_size < MOST_BYTES

    return taken


def make_some(store: Path, prompt: str) -> None:
    """Have six of the README's nine pictures in the history, and three others, one of them favourite."""
    with closing(rv.connect(base_url="sandbox", store=store)):
        others = "A {vase with flowers|cup|candle} on a wooden table, dawn light"
        rv.generate(others, seed=2, resolution="1K").wait(60)[0].favourite()
        rv.generate(prompt, seed=[1, 2, 3], aspect_ratio=["1:1", "16:9"], resolution="1K").wait(60)


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[OpenNotebook]:
    asked = the_cell()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RIVYA_SANDBOX_LATENCY", "0")
        patch.setenv("SHRINK_PICTURES", "1")
        make_some(lab.folder / "pictured", asked.splitlines()[-1])
    setting = f"import os; os.environ |= {{'RIVYA_SANDBOX_LATENCY': '{SECONDS}', 'SHRINK_PICTURES': '1'}}\n"
    path = write_notebook(lab.folder / "pictured.ipynb", [setting + CONNECT, asked, "rv.panel()"])
    opened = lab.open(path, width=900, sharpness=SHARPNESS)
    opened.run_all()
    yield opened
    opened.close()


# The tests of this file follow one another in one notebook.


def test_a_live_grid_has_six_pictures_and_three_on_their_way(notebook: OpenNotebook, take: Take) -> None:
    cell = notebook.cell(ASK)
    expect(cell.locator("td", has_text="processing")).to_have_count(3)
    assert len(notebook.pictures(ASK)) == 6
    take(cell, "run-live", ALONE)
    expect(cell).to_contain_text("6 of 9 done")
    assert "six pictures there, three on their way" in said_of("run-live")


def test_a_grid_that_is_done_has_nine(notebook: OpenNotebook) -> None:
    notebook.wait_until_done(ASK)
    assert len(notebook.pictures(ASK)) == 9


def test_a_panel_has_a_price_a_run_and_a_history(notebook: OpenNotebook, take: Take) -> None:
    notebook.page.set_viewport_size({"width": 1460, "height": 1300})
    root = notebook.output(OPEN).locator(".rivya-panel")

    def field(name: str) -> Locator:
        return root.get_by_label(name, exact=True).locator("visible=true")

    field("Prompt").fill("A glass bottle on a soft studio background, {dawn|dusk} light")
    field("Seed").fill("1..3")
    field("Resolution").select_option("1K")
    root.get_by_role("button", name="Several values of Aspect ratio").click()
    root.get_by_role("button", name="Aspect ratio 16:9").click()
    expect(root).to_contain_text("12 pictures · 3 × 2 × 2")
    root.get_by_role("button", name="Generate", exact=True).click()
    expect(root.locator(".rivya-run-row")).to_contain_text("144 credits ·")

    root.get_by_role("tab", name="Gallery").click()
    chosen = root.get_by_role(
        "checkbox", name=re.compile(r"^Choose A glass bottle .* dusk .* aspect_ratio 1:1")
    )
    expect(chosen).to_have_count(3)
    for each in chosen.all():
        each.check(force=True)
    field("Seed").fill("4..7")
    expect(root).to_contain_text("16 pictures · 4 × 2 × 2")
    expect(root).to_contain_text("192 credits")
    expect(root.locator(".rivya-tile img:visible")).to_have_count(24)
    notebook.page.mouse.move(0, 0)
    take(root, "panel")
    for words in ("16 pictures", "a finished run", "the history", "three pictures chosen"):
        assert words in said_of("panel")


def test_a_viewer_has_three_bottles_beside_each_other(notebook: OpenNotebook, take: Take) -> None:
    notebook.page.get_by_role("button", name="Compare the chosen results").click()
    viewer = notebook.page.get_by_role("application", name="Picture viewer")
    expect(viewer.get_by_role("gridcell")).to_have_count(3)
    expect(viewer).to_contain_text("A glass bottle on a soft studio background, dusk light")
    notebook.page.wait_for_function(
        "root => [...root.querySelectorAll('img')].every(each => each.complete && each.naturalWidth)",
        arg=viewer.element_handle(),
    )
    take(viewer, "viewer")
    assert "three bottles side by side" in said_of("viewer")


def test_effects_have_bars_with_intervals_above_the_noise(lab: Lab, take: Take) -> None:
    light = Light(noise=0.015, effects=(Effect("seed", "4", 0.06),))
    prompts = str(ROOT / "notebooks" / "05_prompts.csv")
    with running_sandbox(SandboxConfig(latency=0, light=light), shrink=8) as url:
        # The chosen cell has tools on it: it is another one.
        sources = [STUDY.format(key=DEFAULT_KEY, url=url, prompts=prompts), "study.effects(of=lightness)", ""]
        opened = lab.open(
            write_notebook(lab.folder / "studied.ipynb", sources), width=900, sharpness=SHARPNESS
        )
        opened.run_all()
        opened.wait_until_done(ASK)
    cell = opened.cell(ASK)
    expect(cell).to_contain_text("What moves lightness")
    cell.scroll_into_view_if_needed()
    expect(cell.locator("table")).to_be_visible()
    found = re.findall(r"(\d+) % \[\d+, \d+\]", str(cell.locator("table").text_content()))
    floor, seed = map(int, found)
    assert seed > 3 * floor
    take(cell, "effects", ALONE)
    opened.close()
    assert "lightness: the seed, far above the noise floor" in said_of("effects")
