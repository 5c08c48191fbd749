"""What JupyterLab leaves of an output: the ground that every view stands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.harness import Lab, as_received, write_notebook

PROBE = '''
from IPython.display import HTML
import base64, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\\0" + b"\\x30\\x80\\xc0" * 40 for _ in range(40))
png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0))
png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
uri = "data:image/png;base64," + base64.b64encode(png).decode()
HTML(f"""<style>.probe td {{ color: rgb(1, 2, 3) }}</style>
<table class="probe" id="probe-id" style="border-collapse: collapse; color: rgb(9, 8, 7); padding: 3px;
 background: var(--jp-layout-color1)"><tr>
<th scope="row" style="text-align: right; position: sticky">seed 1</th>
<td style="vertical-align: top"><img src="{uri}" width="120" height="120" alt="a blue square"
 style="object-fit: cover; aspect-ratio: 1"></td></tr></table>
<details><summary>more</summary>hidden words</details>
<svg width="10" height="10"><rect width="10" height="10"/></svg>""")
'''


@pytest.fixture
def probe(lab: Lab) -> Path:
    path = write_notebook(lab.folder / "probe.ipynb", [PROBE])
    notebook = lab.open(path)
    notebook.run_all()
    notebook.wait_for_output(0, "seed 1")
    notebook.save()
    notebook.close()
    return path


def test_a_trusted_output_is_shown_as_written(lab: Lab, probe: Path) -> None:
    notebook = lab.open(probe)
    assert notebook.is_trusted()
    output = notebook.output(0)
    assert output.locator("style").count() == 1
    assert output.locator("svg").count() == 1
    assert "sticky" in (output.locator("th").get_attribute("style") or "")
    notebook.close()


def test_an_untrusted_output_keeps_its_table_and_its_pictures(
    lab: Lab, probe: Path, screenshots: Path
) -> None:
    notebook = lab.open(as_received(probe, lab.folder / "received.ipynb"))
    assert not notebook.is_trusted()
    [picture] = notebook.pictures(0)
    assert picture == {"alt": "a blue square", "natural": [40, 40], "shown": [120, 120]}
    output = notebook.output(0)
    assert output.locator("style").count() == 0
    assert output.locator("svg").count() == 0
    notebook.screenshot(screenshots / "ground-untrusted.png")
    notebook.close()
