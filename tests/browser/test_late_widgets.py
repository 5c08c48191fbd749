"""Front ends that come by message, on pages of other makers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import rivya_nb.widgets.late as late

MESSAGE = {
    "kind": "rivya-front-end",
    "name": "Tried",
    "module": "export default { render({ el }) { el.append('drawn'); } };",
    "sheet": ".rivya-alive { color: rgb(1, 2, 3); }",
}
PAGE = """<!doctype html><div id="plain"></div><div id="host"></div><script type="module">
{module}
const heard = [];
const model = {{ on: (_, take) => heard.push(take), off() {{}}, send() {{}} }};
const shadow = document.getElementById("host").attachShadow({{ mode: "open" }});
const inside = shadow.appendChild(document.createElement("p"));
const widget = front();
widget.initialize({{ model }});
heard.forEach((take) => take({message}));
for (const el of [document.getElementById("plain"), inside]) await widget.render({{ model, el }});
</script>"""


@pytest.fixture(scope="module", autouse=True)
def no_kernels_left() -> None:
    """No kernel is needed."""


def test_a_widget_has_its_style_in_the_page_and_in_a_shadow_of_it(chromium: Browser, tmp_path: Path) -> None:
    module = Path(late.__file__).with_name("late.js").read_text(encoding="utf-8")
    path = tmp_path / "page.html"
    module = module.replace("export default", "const front =")
    path.write_text(PAGE.format(module=module, message=json.dumps(MESSAGE)), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    for place in (page.locator("#plain"), page.locator("#host p")):
        expect(place).to_have_text("drawn")
        expect(place).to_have_css("color", "rgb(1, 2, 3)")
    assert page.locator("style").count() == 2
    page.close()
