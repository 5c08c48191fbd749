"""The grid as one picture file."""

from __future__ import annotations

import io
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import ref
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageChops
from store.limits import no_file_grows_beyond

from rivya_nb.errors import UsageError
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.thumbnails import decode
from rivya_nb.views import contact_sheet
from rivya_nb.views.contact_sheet import save_grid
from rivya_nb.views.layout import Layout, arrange
from rivya_nb.views.lettering import Colour, Lettering
from rivya_nb.views.sheet_plan import plan_sheet
from rivya_nb.views.streaming import write_strips
from views.making import DONE_STATES, HOSTILE, bottles, make_job, make_run

CORNERS = ((255, 0, 0), (0, 160, 0), (0, 0, 255), (200, 200, 0))


class Originals:
    """Plain coloured pictures in the size that their records promise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, picture: PictureRecord) -> Path:
        path = self.folder / f"{picture.sha256}.png"
        if not path.exists():
            number = int("".join(char for char in picture.sha256.partition("-")[0] if char.isdigit()) or 0)
            Image.new("RGB", (picture.width, picture.height), CORNERS[number % 4]).save(path)
        return path


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    folder = tmp_path / "originals"
    folder.mkdir()
    return Originals(folder)


def area(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The box that holds every pixel of a colour."""
    difference = ImageChops.difference(sheet.convert("RGB"), Image.new("RGB", sheet.size, colour))
    box = difference.convert("L").point(lambda value: 255 if value == 0 else 0).getbbox()
    assert box is not None, f"{colour} is nowhere on the sheet"
    return box


def test_pictures_stand_in_rows_and_columns_at_their_ratio(tmp_path: Path, originals: Originals) -> None:
    # Small ones are enlarged.
    sizes = [(1000, 1000), (1600, 900), (100, 100), (160, 90)]
    jobs = [make_job(f"job{index}", size=size) for index, size in enumerate(sizes)]
    layout = arrange(*make_run({"seed": "12", "aspect_ratio": ("1:1", "16:9")}, jobs))
    out = save_grid(layout, originals, tmp_path / "grid.png", cell=200, caption="cats", details="seed 1")
    with Image.open(out) as sheet:
        boxes = [area(sheet, colour) for colour in CORNERS]
    assert [(right - left, bottom - top) for left, top, right, bottom in boxes] == [
        (200, 200), (356, 200), (200, 200), (356, 200),
    ]  # fmt: skip
    assert boxes[0][0] == boxes[2][0] < boxes[1][0] == boxes[3][0]
    assert boxes[0][1] == boxes[1][1] < boxes[2][1] == boxes[3][1]


def test_a_cell_has_the_height_that_was_asked_for_however_many_stand_in_a_row(
    tmp_path: Path, originals: Originals
) -> None:
    jobs = [make_job("job1", size=(256, 256))] * 16
    columns = [str(number) for number in range(8)]
    layout = arrange(*make_run({"seed": "12", "light": columns}, jobs))
    sizes = []

    def load(path: Path, box: tuple[int, int]) -> Image.Image:
        sizes.append(box)
        return decode(path, box)

    save_grid(layout, originals, tmp_path / "grid.png", load=load, cell=200)
    # A picture that is kept in this size is pasted as it is: shrinking it by a pixel takes longer than decoding.
    assert set(sizes) == {(200, 200)}


@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.jpeg", "JPEG"), ("a.webp", "WEBP")]
)
def test_the_suffix_chooses_the_format_and_each_bears_the_caption(
    tmp_path: Path, originals: Originals, name: str, form: str
) -> None:
    layout = arrange(*make_run({}, [make_job("j1")]))
    out = save_grid(layout, originals, tmp_path / name, cell=64, caption=HOSTILE, details="seed 1 แสง")
    with Image.open(out) as sheet:
        assert sheet.format == form
        xmp = sheet.info["XML:com.adobe.xmp"].encode() if form == "PNG" else sheet.info["xmp"]
    texts = [element.text for element in ElementTree.fromstring(xmp).iter() if element.tag.endswith("}li")]
    assert texts == [HOSTILE, "seed 1 แสง"]


def test_another_suffix_is_refused_and_nothing_is_written(tmp_path: Path, originals: Originals) -> None:
    with pytest.raises(UsageError, match=r"'\.pmg'.*did you mean '\.png'"):
        save_grid(arrange(*make_run({}, [make_job("j1")])), originals, tmp_path / "grid.pmg")
    assert not list(tmp_path.glob("grid*"))


@pytest.mark.parametrize("name", ["grid.png", "grid.jpg", "grid.webp", "grid.pdf"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, originals: Originals, name: str) -> None:
    layout = arrange(*make_run({}, [make_job("j1")]))
    out = save_grid(layout, originals, tmp_path / name)
    out.write_bytes(b"the old one")
    with no_file_grows_beyond(500), pytest.raises(OSError, match=r"^\[Errno \d+\] File too large$"):
        save_grid(layout, originals, out)
    assert out.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]


def words_drawn(
    monkeypatch: pytest.MonkeyPatch, layout: Layout, originals: Originals, out: Path, **more: Any
) -> list[str]:
    """Everything that is written onto the sheet, in order."""
    written: list[str] = []
    really = contact_sheet.letter

    def noting(text: str, size: int, colour: Colour, **shape: Any) -> Lettering:
        written.append(text)
        return really(text, size, colour, **shape)

    monkeypatch.setattr(contact_sheet, "letter", noting)
    save_grid(layout, originals, out, cell=200, caption="A bottle", details="1K", **more)
    return written


def test_labels_and_failures_are_written_out(
    tmp_path: Path, originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = arrange(*bottles(DONE_STATES))
    words = words_drawn(monkeypatch, layout, originals, tmp_path / "grid.png")
    assert words[:6] == ["A bottle", "1K", "1:1", "16:9", "3:4", "seed: 1"]
    assert "generation_failed" in words
    assert "0 credits" in words


def test_the_reason_stands_in_the_place_of_an_excluded_picture(
    tmp_path: Path, originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = arrange(*make_run({"seed": "12"}, [make_job("job0"), make_job("job1")]))
    out, reasons = tmp_path / "grid.png", {"job0": "hand cut off"}
    words = words_drawn(monkeypatch, layout, originals, out, excluded=reasons)
    assert words[-2:] == ["⊘ excluded", "hand cut off"]
    with Image.open(out) as sheet:
        assert area(sheet, CORNERS[1])
        assert CORNERS[0] not in {colour for _, colour in sheet.getcolors(1 << 20) or ()}


def test_a_ribbon_labels_each_picture_and_breaks_its_lines(
    tmp_path: Path, originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [make_job(f"j{index}") for index in range(9)]
    layout = arrange(*make_run({"seed": [str(index) for index in range(9)]}, jobs))
    words = words_drawn(monkeypatch, layout, originals, tmp_path / "grid.png")
    assert words == ["A bottle", "1K", *(f"seed: {index}" for index in range(9))]
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.width < 5 * 220 + 100


def test_a_lost_picture_costs_only_its_own_place(tmp_path: Path, originals: Originals) -> None:
    layout = arrange(*make_run({"seed": "12"}, [make_job("job0"), make_job("job1")]))
    originals(layout.cells[0].job.pictures[0]).write_bytes(b"broken")
    with Image.open(save_grid(layout, originals, tmp_path / "grid.png", cell=100)) as sheet:
        assert area(sheet, CORNERS[1])


def wide(columns: int, rows: int = 1) -> Layout:
    jobs = [make_job("job0", size=(64, 64))] * columns * rows
    return arrange(
        *make_run({"x": [str(n) for n in range(rows)], "y": [str(n) for n in range(columns)]}, jobs)
    )


@pytest.mark.parametrize(("suffix", "ways"), [("webp", "png or .jpg or .pdf"), ("jpg", "png or .pdf")])
def test_a_sheet_that_a_format_cannot_hold_is_refused_with_a_way_out(
    tmp_path: Path, originals: Originals, suffix: str, ways: str
) -> None:
    layout, cell = wide(40), {"webp": 512, "jpg": 2048}[suffix]
    with pytest.raises(UsageError, match=rf"a \.{suffix} has at most .* pixels a side.*{ways}") as refused:
        save_grid(layout, originals, tmp_path / f"grid.{suffix}", cell=cell)
    assert not list(tmp_path.glob("*grid*"))
    fitting = re.search(r"cell=(\d+) fits", str(refused.value))
    assert fitting is not None
    assert cell * 0.7 < int(fitting[1]) < cell
    contact_sheet._check_size(plan_sheet(layout, int(fitting[1]), "", ""), f".{suffix}", int(fitting[1]))


def test_only_a_row_of_pictures_is_held_at_a_time(tmp_path: Path, originals: Originals) -> None:
    seen: list[ref[Image.Image]] = []
    most = 0

    def load(path: Path, box: tuple[int, int]) -> Image.Image:
        nonlocal most
        image = decode(path, box)
        seen.append(ref(image))
        most = max(most, sum(each() is not None for each in seen))
        return image

    save_grid(wide(3, rows=12), originals, tmp_path / "grid.png", load=load, cell=32)
    assert most <= 4


def test_a_pdf_has_a_page_for_each_grid_and_none_too_long(tmp_path: Path, originals: Originals) -> None:
    jobs = [make_job("job0", size=(64, 64))] * (2 * 9 * 3)
    axes = {"seed": [str(n) for n in range(9)], "light": ("dawn", "dusk", "night"), "style": ("oil", "ink")}
    layout = arrange(*make_run(axes, jobs))
    out = save_grid(layout, originals, tmp_path / "grid.pdf", cell=64, caption="A bottle", details="1K")
    data = out.read_bytes()
    boxes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", data)
    assert data.count(b"/DCTDecode") == 2 * 3
    ((width, height),) = {(float(width), float(height)) for width, height in boxes}
    assert width == pytest.approx(8.27 * 72, abs=1)
    assert 1.0 < height / width <= 1.45


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system sends no signal to a thread")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_an_interrupt_of_the_saving_is_not_lost(suffix: str) -> None:
    def strips() -> Iterator[Image.Image]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        yield Image.new("RGB", (100, 100))

    with pytest.raises(KeyboardInterrupt):
        write_strips(strips(), (100, 100), io.BytesIO(), suffix, title="", description="")
