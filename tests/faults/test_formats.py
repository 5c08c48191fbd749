"""A paid picture is kept as it came, whatever its format; it is shown where that can be done, and else told of."""

from __future__ import annotations

import base64
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from imaging.samples import BOMBS, FILM, GREYS, HEIC, WHOLE, grey16, steps, with_chunks
from PIL import Image

import rivya_nb as rv
from rivya_nb.control_panel.panel import Panel

from .place import PRICE, SMALL, Place, check, check_money, finish
from .proxy import PICTURE, POLL, Fault, answers, changed

KEPT = {
    ".avif": WHOLE["AVIF"],
    ".gif": WHOLE["animated GIF"],
    ".tif": WHOLE["LZW TIFF"],
    ".png": with_chunks(BOMBS["zTXt"]),
    ".jpg": WHOLE["JPEG"] + FILM,
}


def delivered(place: Place, data: bytes) -> rv.Run:
    place.proxy.inject(Fault(PICTURE, answers(200, data)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    return run


def bundle_of(shown: Any) -> dict[str, str]:
    bundle: dict[str, str] = shown._repr_mimebundle_()
    return bundle


@pytest.mark.parametrize("suffix", sorted(KEPT))
def test_a_picture_of_any_format_is_kept_shown_and_saved(suffix: str, place: Place, tmp_path: Path) -> None:
    data = KEPT[suffix]
    run = delivered(place, data)
    [job] = run
    assert (job.status, job.error, job.credits) == ("succeeded", None, PRICE)
    assert job.path is not None
    assert (job.path.suffix, job.path.read_bytes()) == (suffix, data)
    assert job.image is not None
    assert job.image.size == (40, 30)
    assert "data:image/webp;base64," in bundle_of(run.grid())["text/html"]
    assert run.grid().save(tmp_path / "sheet.png").is_file()
    assert "data:image/webp;base64," in run.report(tmp_path / "report.html").read_text(encoding="utf-8")
    (copy,) = run.save(tmp_path / "saved")
    assert copy.suffix == suffix
    assert rv.recall(copy).prompt == "A bottle"
    assert rv.plan("Again", references=job, shrink_references=True, seed=1).credits
    assert not any((place.folder / "incoming").iterdir())
    check_money(place, run)


def test_a_picture_that_nothing_decodes_here_is_kept_and_told_of(place: Place, tmp_path: Path) -> None:
    run = delivered(place, HEIC)
    [job] = run
    assert (job.status, job.credits) == ("succeeded", PRICE)
    assert job.path is not None
    assert job.path.read_bytes() == HEIC
    with pytest.raises(rv.StoreError, match="Pillow cannot decode it here; install the package pillow-heif"):
        _ = job.image
    for html in (bundle_of(run.grid())["text/html"], bundle_of(rv.history())["text/html"]):
        assert "HEIC, cannot be shown here" in html
        assert "to keep this page small" not in html
    assert (
        "1 picture (HEIC) cannot be shown here; the originals are in the store"
        in bundle_of(run.grid())["text/html"]
    )
    report = run.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "HEIC, cannot be shown here" in report
    assert run.grid().save(tmp_path / "sheet.png").is_file()
    [cell] = run.view()._scene["cells"]
    assert (cell["words"], cell["sign"]) == ("HEIC, cannot be shown here", "HEIC")
    with closing(Panel(place.session, "main")) as panel:
        ((page, _),) = [panel.gallery._page({}) or ({}, [])]
        assert [item["trouble"] for item in page["items"]] == ["HEIC, cannot be shown here"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Nothing has failed: no word of it is red.
        assert all(red < green + 50 for _, (red, green, _) in sheet.getcolors(1 << 20) or ())  # type: ignore[misc]
    with pytest.raises(rv.InvalidRequestError, match="install the package pillow-heif") as refused:
        rv.plan("Again", references=job, seed=1)
    assert "--shrink-refs" not in str(refused.value)
    (tmp_path / "a.heic").write_bytes(HEIC)
    with pytest.raises(rv.InvalidRequestError, match="install the package pillow-heif") as refused:
        rv.plan("Again", references=tmp_path / "a.heic", seed=1)
    assert "--shrink-refs" not in str(refused.value)
    assert ["picture", "0.0 MB HEIC"] in cell["asides"]
    (copy,) = run.save(tmp_path / "saved")
    assert copy.read_bytes() == HEIC
    told = json.loads(copy.with_name(f"{copy.name}.json").read_text(encoding="utf-8"))
    assert told["prompt"] == "A bottle"
    check_money(place, run)


def test_a_grey_of_16_bits_looks_alike_in_every_view(place: Place, tmp_path: Path) -> None:
    run = delivered(place, grey16(tmp_path / "grey.png").read_bytes())
    for html in (bundle_of(run.grid())["text/html"], run.report(tmp_path / "a.html").read_text("utf-8")):
        found = re.search(r"data:image/webp;base64,([^\"]+)", html)
        assert found is not None
        small = tmp_path / "small.webp"
        small.write_bytes(base64.b64decode(found[1]))
        with Image.open(small) as image:
            assert all(abs(one - other) < 8 for one, other in zip(steps(image), GREYS, strict=True))
    with Image.open(run.grid().save(tmp_path / "sheet.png", cell=32)) as sheet:
        colours = {colour[0] for _, colour in sheet.convert("RGB").getcolors(1 << 20) or ()}  # type: ignore[index]
    assert all(min(abs(grey - colour) for colour in colours) < 4 for grey in GREYS)


@pytest.mark.parametrize("kind", ["relative", "data"])
def test_an_address_may_be_relative_or_the_picture_itself(kind: str, place: Place) -> None:
    def moved(task: dict[str, Any]) -> dict[str, Any]:
        if not task["result"]:
            return task
        url = "/" + task["result"]["primary_url"].partition("//")[2].partition("/")[2]
        if kind == "data":
            url = "data:image/png;base64," + base64.b64encode(WHOLE["PNG"]).decode()
        return {**task, "result": {"primary_url": url, "urls": [url]}}

    place.proxy.inject(Fault(POLL, changed(moved)))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)]
    check(place, run)
    check_money(place, run)
