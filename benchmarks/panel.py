"""The control panel in JupyterLab: how soon it reacts, how long it takes to open, and what it keeps in memory.

    python benchmarks/panel.py [PICTURES]

Fills a store with 10,000 finished jobs (or PICTURES), opens a panel on it in a browser, and measures

- from pointerdown to the first frame in which something looks different, with an idle kernel and with one that
  sleeps in a cell (aim: 100 ms);
- the kernel's time for the first `rv.panel()` and its display (aim: 300 ms);
- the page's JavaScript heap after 100 pages of the gallery, beside that after 5 (aim: 1.2 times);
- how many plans a dragged slider makes (aim: one in 150 ms at most).

It needs a Chromium, as the browser tests do. Beside each figure stands the worst one.
"""

from __future__ import annotations

import compileall
import io
import json
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import CDPSession, Locator, Page, expect, sync_playwright

import rivya_nb
from rivya_nb.contract.request import Request
from rivya_nb.store.records import CellRecord, PictureRecord, planned_job
from rivya_nb.store.store import Store

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser.harness import (
    CHROMIUM_ARGUMENTS,
    OpenNotebook,
    find_chromium,
    jupyter_lab,
    write_notebook,
)

PICTURES = 10_000
FILES = 48
"""Different files; the jobs share them, as one is decoded like another."""

RUN = 500
ROUNDS = 5
PRESS = 80  # milliseconds that a finger stays down
FEW_PAGES, MANY_PAGES = 5, 100
DRAG_STEPS = 200

CONNECT = "import time\nimport rivya_nb as rv\nrv.connect()"
OPEN = """clock, cpu = time.perf_counter(), time.process_time()
panel = rv.panel()
display(panel)
print(f"rendered in {1000 * (time.perf_counter() - clock):.0f} and {1000 * (time.process_time() - cpu):.0f}")"""
BUSY = "time.sleep(30)"
CONNECTED, OPENED = 0, 1

# From the press on, looks at each frame whether the panel, or what is pressed, differs from what it was before.
WATCH = """pressed => {
    const styles = ['backgroundColor', 'boxShadow', 'opacity', 'filter', 'color', 'borderColor', 'outlineStyle'];
    const root = document.querySelector('.rivya-panel');
    const look = () => root.innerHTML + styles.map(name => getComputedStyle(pressed)[name]).join();
    const before = look();
    window.firstChange = null;
    document.addEventListener('pointerdown', () => {
        const began = performance.now();
        const frame = () => {
            if (look() !== before) window.firstChange = performance.now() - began;
            else requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
    }, { capture: true, once: true });
}"""

EVALUATE = """async expression => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const asked = kernel.requestExecute({ code: 'import json', user_expressions: { it: expression } });
    return (await asked.done).content.user_expressions.it.data['text/plain'];
}"""

NOTE_PLANS = """[
    setattr(panel, 'began', []),
    setattr(panel, 'make', panel._planner._make),
    setattr(panel._planner, '_make', lambda: (panel.began.append(time.monotonic()), panel.make())[1]),
]"""


def fill(folder: Path, count: int) -> None:
    """Finished jobs in runs of 500, whose pictures are a few files."""
    store = Store.open(folder)
    pictures = []
    for number in range(FILES):
        buffer = io.BytesIO()
        Image.effect_noise((768, 768), 40 + number).convert("RGB").save(buffer, "JPEG", quality=80)
        data = buffer.getvalue()
        sha256 = store.files.put(data, "image/jpeg")
        pictures.append(PictureRecord(sha256, "image/jpeg", 768, 768, len(data)))
    for first in range(0, count, RUN):
        jobs = []
        for number in range(first, min(first + RUN, count)):
            request = Request(
                "wan-2-7-image-pro", f"A glass bottle, number {number}", {"seed": number}, (), 12
            )
            made = planned_job(request, "sandbox", 1_700_000_000.0 + number)
            pictured = (pictures[number % FILES],)
            jobs.append(replace(made, status="succeeded", final_credits=12, pictures=pictured))
        cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
        store.asking.add_run(name=None, service="sandbox", axes=(), cells=cells, jobs=jobs)
    store.close()


def row(what: str, figure: str, worst: float, aim: float) -> None:
    print(f"{what:<52} {figure:>26}   aim {aim:g}: {'met' if worst <= aim else 'MISSED'}", flush=True)


def run_next(notebook: OpenNotebook) -> None:
    """Start the cell that is next; returns at once."""
    notebook.page.evaluate(
        "() => void window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
    )


def open_panel(notebook: OpenNotebook) -> Locator:
    for cell in (CONNECTED, OPENED):
        run_next(notebook)
        notebook.wait_until_done(cell)
    said = notebook.output(OPENED).filter(has_text="rendered in").inner_text()
    clock, cpu = map(float, re.findall(r"rendered in (\d+) and (\d+)", said)[0])
    row("first render, kernel time (processor's)", f"{clock:.0f} ms ({cpu:.0f} ms)", clock, 300)
    return notebook.page.locator(".rivya-panel")


def heap(devtools: CDPSession) -> list[float]:
    """Megabytes in use after a garbage collection: of JavaScript, of the DOM, of buffers outside of both."""
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    usage = devtools.send("Runtime.getHeapUsage")
    return [usage[name] / 1e6 for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize")]


def turn_pages(root: Locator, first: int, last: int, total: int) -> None:
    """Turn from one page of the gallery to another, each once it is there."""
    for page in range(first, last):
        root.get_by_role("button", name="Next page").click()
        expect(root.get_by_text(f"{page * 24 + 1}–{min(page * 24 + 24, total)} of {total:,}")).to_be_visible()


def measure_heap(notebook: OpenNotebook, root: Locator, total: int) -> None:
    devtools = notebook.page.context.new_cdp_session(notebook.page)
    expect(root.get_by_text(f"1–24 of {total:,}")).to_be_visible()
    turn_pages(root, 1, FEW_PAGES, total)
    few = heap(devtools)
    turn_pages(root, FEW_PAGES, MANY_PAGES, total)
    many = heap(devtools)
    for what, before, after in zip(("JavaScript heap", "DOM heap", "buffers"), few, many, strict=True):
        ratio = after / max(before, 0.001)
        figure = f"{before:.1f} -> {after:.1f} MB, {ratio:.2f}"
        row(f"{what}, {FEW_PAGES} -> {MANY_PAGES} pages", figure, ratio, 1.2)


def measure_slider(notebook: OpenNotebook, root: Locator) -> None:
    page = notebook.page
    root.get_by_label("Prompt", exact=True).fill("A glass bottle")
    root.get_by_label("Model", exact=True).fill("seedream-3-0")
    page.keyboard.press("Enter")
    slider = root.locator(".noUi-target")
    expect(slider).to_be_visible()
    expect(root.get_by_role("button", name="Generate", exact=True)).to_be_enabled()
    page.wait_for_timeout(1000)
    page.evaluate(EVALUATE, NOTE_PLANS)
    began = time.monotonic()
    drag(page, slider)
    took = time.monotonic() - began
    page.wait_for_timeout(1000)
    starts = json.loads(page.evaluate(EVALUATE, "panel.began"))
    least = min(later - earlier for earlier, later in pairwise(starts))
    figure = f"{len(starts)} in {took:.1f} s, {1000 * least:.0f} ms at least"
    row("plans while a slider is dragged, in 150 ms", figure, 0.15 / least, 1)


def drag(page: Page, slider: Locator) -> None:
    """There and back along a slider."""
    slider.scroll_into_view_if_needed()
    track, handle = slider.bounding_box(), slider.locator(".noUi-handle").bounding_box()
    assert track is not None
    assert handle is not None
    middle = track["y"] + track["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, middle)
    page.mouse.down()
    for step in range(DRAG_STEPS):
        share = abs((step % 100) - 50) / 50
        page.mouse.move(track["x"] + track["width"] * share, middle)
        page.wait_for_timeout(8)
    page.mouse.up()


def measure_reactions(notebook: OpenNotebook, root: Locator) -> None:
    page = notebook.page
    root.get_by_label("Model", exact=True).fill("wan-2-7-image-pro")
    page.keyboard.press("Enter")
    controls = {
        "the die": root.get_by_role("button", name="Roll the die"),
        "axis": root.get_by_role("button", name="Several values of Resolution"),
        "next page": root.get_by_role("button", name="Next page"),
        "a picture": root.locator(".rivya-main").nth(1),
        "Generate": root.get_by_role("button", name="Generate", exact=True),
    }
    for kernel in ("idle", "busy"):
        if kernel == "busy":
            run_next(notebook)
            page.wait_for_timeout(500)
        for name, control in controls.items():
            if (name, kernel) != ("Generate", "idle"):
                measure_reaction(page, name, control, kernel)


def measure_reaction(page: Page, name: str, control: Locator, kernel: str) -> None:
    taken = []
    for _ in range(ROUNDS):
        control.hover()
        page.wait_for_timeout(700)
        page.evaluate(WATCH, control.element_handle())
        page.mouse.down()
        page.wait_for_timeout(PRESS)
        page.mouse.up()
        page.wait_for_function("() => window.firstChange !== null")
        taken.append(page.evaluate("window.firstChange"))
    figure = f"{statistics.median(taken):.0f} ms, worst {max(taken):.0f} ms"
    row(f"first change after pressing {name}, {kernel} kernel", figure, max(taken), 100)


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    # As pip does: a kernel is not to compile what it imports.
    compileall.compile_dir(str(Path(rivya_nb.__file__).parent), quiet=1)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        base = Path(folder)
        fill(base / "store", total)
        expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_ARGUMENTS))
        environment = {"RIVYA_BASE_URL": "sandbox", "RIVYA_STORE": str(base / "store")}
        with jupyter_lab(browser, base, environment) as lab:
            notebook = lab.open(write_notebook(lab.folder / "panel.ipynb", [CONNECT, OPEN, BUSY]))
            notebook.page.set_viewport_size({"width": 1600, "height": 1200})
            root = open_panel(notebook)
            measure_heap(notebook, root, total)
            measure_slider(notebook, root)
            measure_reactions(notebook, root)
        browser.close()
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
