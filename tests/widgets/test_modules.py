"""Files of a front end joined to one module: in the right order, each once, and refused where that is not safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from rivya_nb.widgets.modules import joined

ENTRY = """import { a } from "./a.js";
import { b, c } from "./parts/b.js";

export default { render: () => a + b + c };
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "entry.js").write_text(ENTRY)
    (tmp_path / "a.js").write_text('import { c } from "./parts/b.js";\nexport const a = c;\n')
    (tmp_path / "parts" / "b.js").write_text(
        "export class b {}\nexport async function c() {}\nconst own = 1;\n"
    )
    return tmp_path


def test_each_file_stands_once_and_behind_what_it_needs(folder: Path) -> None:
    text = joined(folder / "entry.js")
    assert [line for line in text.splitlines() if line] == [
        "class b {}",
        "async function c() {}",
        "const own = 1;",
        "const a = c;",
        "export default { render: () => a + b + c };",
    ]


@pytest.mark.parametrize(
    "line",
    [
        'import * as everything from "./parts/b.js";',
        'import { c as other } from "./parts/b.js";',
        'import { c } from "https://example.org/b.js";',
        'export { c } from "./parts/b.js";',
        "export let changing = 1;",
        "export const { one, another } = {};",
    ],
)
def test_what_would_not_survive_the_joining_is_refused(folder: Path, line: str) -> None:
    (folder / "a.js").write_text(f"{line}\nexport const a = 1;\n")
    with pytest.raises(ValueError, match=r"a\.js cannot be joined") as caught:
        joined(folder / "entry.js")
    assert line in str(caught.value)


def test_a_name_that_a_file_does_not_export_is_missed(folder: Path) -> None:
    (folder / "a.js").write_text('import { b, own } from "./parts/b.js";\nexport const a = b;\n')
    with pytest.raises(ValueError, match=r"a\.js imports own; \./parts/b\.js has no such export"):
        joined(folder / "entry.js")
