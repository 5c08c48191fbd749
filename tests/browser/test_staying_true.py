"""What stays on the page: true while the kernel lives, and worth something when it is gone."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from browser.harness import Lab, OpenNotebook, as_received, write_notebook

CONNECT = """import rivya_nb as rv
rv.connect(store="staying")
run = rv.generate("A glass bottle", seed=[1, 2, 3], resolution="1K").wait()"""
PANEL, VIEWER, GRID = 1, 2, 3
SAVE_STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"

WORKING = """%load_ext rivya_nb
%env RIVYA_SANDBOX_LATENCY=8
import rivya_nb as rv
rv.connect(base_url="sandbox", store="reloaded")"""
ASK = "%%rivya seed=1..10 aspect_ratio=1:1,16:9 resolution=1K\nA glass bottle"
ASKED, AGAIN = 1, 2


def check_left_behind(notebook: OpenNotebook) -> None:
    """Without a kernel of theirs, the widgets' cells show pictures, and no error."""
    for cell in (PANEL, VIEWER):
        expect(notebook.cell(cell).locator(".rivya-kept")).to_be_visible()
        assert len(notebook.pictures(cell)) == 3
        expect(notebook.cell(cell).get_by_text("model not found").locator("visible=true")).to_have_count(0)
    expect(notebook.cell(PANEL).locator(".rivya-kept")).to_contain_text("rv.panel()")


def test_widgets_leave_pictures_behind_which_stay_true(lab: Lab, screenshots: Path) -> None:
    path = write_notebook(lab.folder / "staying.ipynb", [CONNECT, "rv.panel()", "run.view()", "run.grid()"])
    notebook = lab.open(path, height=1900)
    notebook.run_all()
    notebook.wait_until_done(GRID)
    generate = notebook.cell(PANEL).get_by_role("button", name="Generate")
    viewer = notebook.cell(VIEWER).get_by_role("application", name="Picture viewer")
    kept = notebook.page.locator(".rivya-kept")
    expect(generate).to_be_visible()
    expect(viewer).to_be_visible()
    expect(kept).to_have_count(2)
    expect(kept.locator("visible=true")).to_have_count(0)

    # A rating in the viewer reaches the grid in another cell, and what the viewer will leave behind.
    shown = notebook.output(GRID).first
    before, left_before = shown.inner_text(), kept.nth(1).text_content()
    viewer.get_by_role("gridcell").first.click()
    notebook.page.keyboard.press("4")
    expect(shown).not_to_have_text(before)
    expect(kept.nth(1)).not_to_have_text(left_before or "")
    notebook.screenshot(screenshots / "staying-live.png")

    notebook.command(SAVE_STATE)
    widgets = notebook.save().metadata.get("widgets", {})
    notebook.command(SAVE_STATE)
    assert len(json.dumps(widgets)) < 50_000

    notebook.page.reload()
    notebook.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(generate).to_be_visible()
    expect(viewer).to_be_visible()
    expect(kept.locator("visible=true")).to_have_count(0)
    notebook.close()
    lab.end_kernels()

    notebook = lab.open(path, height=1900)
    check_left_behind(notebook)
    notebook.screenshot(screenshots / "staying-reopened.png")
    notebook.close()
    notebook = lab.open(as_received(path, lab.folder / "staying-received.ipynb"), height=1900)
    assert not notebook.is_trusted()
    check_left_behind(notebook)
    notebook.screenshot(screenshots / "staying-received.png")
    notebook.close()


def test_a_long_run_is_in_sight_and_can_be_found_after_a_reload(lab: Lab, screenshots: Path) -> None:
    path = write_notebook(lab.folder / "reloaded.ipynb", [WORKING, ASK, "rv.runs(1)"])
    notebook = lab.open(path, height=700)
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1")
    notebook.command("notebook:run-all-above")
    notebook.wait_until_done(0)
    notebook.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
    notebook.wait_for_output(ASKED, "of 20 done")
    progress = notebook.output(ASKED).get_by_text("of 20 done").locator("visible=true")
    expect(progress).to_have_count(1)
    notebook.page.locator(".jp-WindowedPanel-outer").first.evaluate("outer => outer.scrollTop = 500")
    expect(progress).to_be_in_viewport()
    notebook.screenshot(screenshots / "staying-progress.png")
    notebook.save()

    # JupyterLab forgets which output had which display id: what was saved says where to look.
    notebook.page.reload()
    notebook.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    notebook.wait_for_output(ASKED, "rv.runs(1)")
    notebook.wait_for_kernel()
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2")
    notebook.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
    notebook.wait_for_output(AGAIN, "20 pictures")
    assert len(notebook.pictures(AGAIN)) == 20
    notebook.close()
