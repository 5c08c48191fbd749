"""TAB and Shift+TAB in JupyterLab: the list that opens at the cursor, what it inserts, and the help beside it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from browser.harness import Lab, OpenNotebook, write_notebook


def typed(notebook: OpenNotebook, cell: int, text: str) -> None:
    """Write into an empty cell as a user does; nothing is executed."""
    notebook.cell(cell).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+A")
    notebook.page.keyboard.type(text)


def test_tab_shows_what_fits_and_puts_it_in(lab: Lab, screenshots: Path) -> None:
    notebook = lab.open(
        write_notebook(
            lab.folder / "completion.ipynb", ["%load_ext rivya_nb\nsubject, count = 'frosted', 3", ""]
        ),
        height=700,
    )
    notebook.run_all()
    notebook.wait_until_done(0)
    page, editor = notebook.page, notebook.cell(1).locator(".cm-content")
    listed = page.locator(".jp-Completer-item")

    typed(notebook, 1, "%%rivya --model flux-2")
    page.keyboard.press("Tab")
    expect(listed.first).to_contain_text("flux-2-flex")
    expect(listed.first).to_contain_text(re.compile(r"14\scredits\s·\sready"))
    page.keyboard.press("Enter")
    expect(editor).to_have_text("%%rivya --model flux-2-flex")

    typed(notebook, 1, "%%rivya seed=1 ")
    page.keyboard.press("Tab")
    expect(listed.first).to_contain_text("aspect_ratio=")
    names = [each.split("\n")[0] for each in page.locator(".jp-Completer-match").all_inner_texts()]
    assert {"resolution=", "--model", "--dry-run"} <= set(names)
    assert not {"and", "if", "seed=", "%%time", "subject"} & set(names)
    # Each note stands on its own line.
    heights = page.locator(".jp-Completer-typeExtended").evaluate_all(
        "notes => notes.map(note => Math.round(note.scrollHeight - note.parentElement.clientHeight))"
    )
    assert max(heights) <= 0
    notebook.screenshot(screenshots / "completion-light.png")
    page.keyboard.press("Escape")

    typed(notebook, 1, "%%rivya resol")
    page.keyboard.press("Tab")
    expect(listed.first).to_contain_text("resolution=")
    page.keyboard.press("Enter")
    expect(editor).to_have_text("%%rivya resolution=")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".jp-Tooltip")).to_contain_text("1K, 2K")
    notebook.screenshot(screenshots / "completion-help.png")
    page.keyboard.press("Escape")
    notebook.set_theme("JupyterLab Dark")
    typed(notebook, 1, "%%rivya --model ")
    page.keyboard.press("Tab")
    expect(listed.first).to_contain_text("wan-2-7-image-pro")
    notebook.screenshot(screenshots / "completion-dark.png")
    page.keyboard.press("Escape")
    notebook.set_theme("JupyterLab Light")
    notebook.close()
