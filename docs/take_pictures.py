"""Take the README's pictures of the panel and of the viewer, in JupyterLab against the sandbox.

    python docs/take_pictures.py

It writes `panel.webp` and `viewer.webp` beside itself, and needs a Chromium, as the browser tests do.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

DOCS = Path(__file__).parent
sys.path.append(str(DOCS.parent / "tests"))

from browser.harness import CHROMIUM_ARGUMENTS, find_chromium, jupyter_lab, write_notebook  # noqa: E402

CONNECT = """import rivya_nb as rv
rv.connect()
rv.generate("A {vase with flowers|cup} on a wooden table, dawn light", seed=range(1, 6), resolution="1K").wait()
rv.history(seed=2).star()"""
PANEL = "rv.panel()"
SIZE = {"width": 1400, "height": 1300}


def save(root: Locator, name: str) -> None:
    """A picture of one output, in a size that a page loads at once."""
    picture = Image.open(io.BytesIO(root.screenshot()))
    picture.save(DOCS / f"{name}.webp", quality=80, method=6)


def take(page: Page, root: Locator) -> None:
    def button(name: str) -> Locator:
        return root.get_by_role("button", name=name, exact=True)

    root.get_by_label("Prompt", exact=True).fill(
        "A glass bottle on a soft studio background, {dawn|dusk} light"
    )
    root.get_by_label("Seed", exact=True).fill("1..3")
    root.get_by_label("Resolution", exact=True).locator("visible=true").select_option("1K")
    button("Several values of Aspect ratio").click()
    root.get_by_role("textbox", name="Aspect ratio").fill("1:1, 16:9")
    expect(root.get_by_text("12 pictures")).to_be_visible()
    button("Generate").click()
    run = root.locator(".rivya-run-row")
    expect(run).to_contain_text("144 credits ·", timeout=60_000)

    root.get_by_role("tab", name="Gallery").click()
    expect(root.get_by_text("1–22 of 22")).to_be_visible()
    for number in (2, 6, 10):
        root.get_by_role("checkbox", name="Choose ").nth(number).check(force=True)
    root.get_by_label("Seed", exact=True).fill("4..7")
    expect(root.get_by_text("16 pictures")).to_be_visible()
    page.mouse.move(0, 0)
    save(root, "panel")

    button("Compare the chosen pictures").click()
    viewer = root.get_by_role("application", name="Picture viewer")
    expect(viewer).to_be_visible()
    page.wait_for_timeout(3000)
    save(viewer, "viewer")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        base = Path(folder)
        expect.set_options(timeout=30_000)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_ARGUMENTS))
        environment = {"RIVYA_BASE_URL": "sandbox", "RIVYA_STORE": str(base / "store")}
        with jupyter_lab(browser, base, environment) as lab:
            notebook = lab.open(write_notebook(lab.folder / "panel.ipynb", [CONNECT, PANEL]))
            notebook.page.set_viewport_size(SIZE)
            notebook.run_all()
            root = notebook.page.locator(".rivya-panel")
            expect(root.get_by_text("1–10 of 10")).to_be_visible()
            take(notebook.page, root)
        browser.close()


if __name__ == "__main__":
    main()
