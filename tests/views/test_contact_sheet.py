"""The grid as one picture file."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from rivya_nb.errors import UsageError
from rivya_nb.store.records import PictureRecord
from rivya_nb.views import contact_sheet, fonts
from rivya_nb.views.contact_sheet import save_grid
from rivya_nb.views.layout import Layout, arrange
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
    jobs = [make_job(f"job{index}", size=(1600, 900) if index % 2 else (1000, 1000)) for index in range(4)]
    layout = arrange(*make_run({"seed": "12", "aspect_ratio": ("1:1", "16:9")}, jobs))
    out = save_grid(layout, originals, tmp_path / "grid.png", cell=200, caption="cats", details="seed 1")
    with Image.open(out) as sheet:
        boxes = [area(sheet, colour) for colour in CORNERS]
    assert [(right - left, bottom - top) for left, top, right, bottom in boxes] == [
        (200, 200), (356, 200), (200, 200), (356, 200),
    ]  # fmt: skip
    assert boxes[0][0] == boxes[2][0] < boxes[1][0] == boxes[3][0]
    assert boxes[0][1] == boxes[1][1] < boxes[2][1] == boxes[3][1]


def test_the_caption_is_readable_in_the_file_whatever_fonts_there_are(
    tmp_path: Path, originals: Originals
) -> None:
    layout = arrange(*make_run({}, [make_job("j1")]))
    out = save_grid(layout, originals, tmp_path / "grid.png", cell=100, caption=HOSTILE, details="seed 1")
    with Image.open(out) as sheet:
        assert sheet.info["Title"] == HOSTILE
        assert sheet.info["Description"] == "seed 1"


@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.jpeg", "JPEG"), ("a.webp", "WEBP")]
)
def test_the_suffix_chooses_the_format(tmp_path: Path, originals: Originals, name: str, form: str) -> None:
    out = save_grid(arrange(*make_run({}, [make_job("j1")])), originals, tmp_path / name, cell=64)
    with Image.open(out) as sheet:
        assert sheet.format == form


def test_another_suffix_is_refused_and_nothing_is_written(tmp_path: Path, originals: Originals) -> None:
    with pytest.raises(UsageError, match=r"'\.pmg'.*did you mean '\.png'"):
        save_grid(arrange(*make_run({}, [make_job("j1")])), originals, tmp_path / "grid.pmg")
    assert not list(tmp_path.glob("grid*"))


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "grid.png"
    out.write_bytes(b"the old one")

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    layout = arrange(*make_run({}, [make_job("j1", "queued")]))
    with pytest.raises(OSError, match="no space"):
        save_grid(layout, originals, out)
    assert out.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["grid.png"]


def words_drawn(
    monkeypatch: pytest.MonkeyPatch, layout: Layout, originals: Originals, out: Path
) -> list[str]:
    """Everything that is written onto the sheet, in order."""
    written: list[str] = []
    really = fonts.draw_text

    def noting(
        canvas: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: fonts.Colour
    ) -> None:
        written.append(text)
        really(canvas, at, text, size, colour)

    monkeypatch.setattr(contact_sheet, "draw_text", noting)
    save_grid(layout, originals, out, cell=200, caption="A bottle", details="1K")
    return written


def test_labels_and_failures_are_written_out(
    tmp_path: Path, originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = arrange(*bottles(DONE_STATES))
    words = words_drawn(monkeypatch, layout, originals, tmp_path / "grid.png")
    assert words[:6] == ["A bottle", "1K", "1:1", "16:9", "3:4", "seed 1"]
    assert "generation_failed" in words
    assert "0 credits" in words


def test_a_ribbon_labels_each_picture_and_breaks_its_lines(
    tmp_path: Path, originals: Originals, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [make_job(f"j{index}") for index in range(9)]
    layout = arrange(*make_run({"seed": [str(index) for index in range(9)]}, jobs))
    words = words_drawn(monkeypatch, layout, originals, tmp_path / "grid.png")
    assert words == ["A bottle", "1K", *(f"seed {index}" for index in range(9))]
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.width < 5 * 220 + 100


def test_a_lost_picture_costs_only_its_own_place(tmp_path: Path, originals: Originals) -> None:
    layout = arrange(*make_run({"seed": "12"}, [make_job("job0"), make_job("job1")]))
    originals(layout.cells[0].job.pictures[0]).write_bytes(b"broken")
    with Image.open(save_grid(layout, originals, tmp_path / "grid.png", cell=100)) as sheet:
        assert area(sheet, CORNERS[1])


def test_a_huge_grid_gets_smaller_cells_and_not_a_huge_file(tmp_path: Path, originals: Originals) -> None:
    side = 24
    jobs = [make_job("job0", size=(64, 64))] * side * side
    names = [str(index) for index in range(side)]
    layout = arrange(*make_run({"x": names, "y": names}, jobs))
    with Image.open(save_grid(layout, originals, tmp_path / "grid.webp", cell=512)) as sheet:
        assert sheet.width * sheet.height <= contact_sheet.MOST_PIXELS * 1.02
        assert max(sheet.size) <= 16_383


@pytest.mark.parametrize("text", ["A bottle", "ÄÖÜ ß é", "Привет", "Ελληνικά"])
def test_common_scripts_are_drawn_as_they_are(text: str) -> None:
    if fonts._candidates("LATIN") == (None,):
        pytest.skip("no fonts are installed here: only the one that Pillow brings along")
    assert fonts.legible(text) == text


def test_what_no_font_has_becomes_a_visible_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_candidates", lambda script: (None,))
    assert fonts.legible("A bottle, แสง") == "A bottle, ???"
    assert fonts.legible("a\u200db") == "ab"


def test_every_character_that_is_drawn_is_one_that_its_font_has() -> None:
    text = HOSTILE + "แสงเช้า नमस्ते 日本語 한국어 العربية \U0001f3a8\U000e0041"
    for part, font in fonts._parts(text, 20):
        absent = font.getmask("\U0010ffff")
        for char in part.replace(" ", ""):
            mask = font.getmask(char)
            assert (mask.size, bytes(mask)) != (absent.size, bytes(absent)), f"{char!r} would be a box"


def test_lines_break_at_spaces_and_end_with_an_ellipsis() -> None:
    width = fonts.text_width("eight words that fill a", 16)
    lines = fonts.wrap_text("eight words that fill a little more than two lines of text", 16, width, 2)
    assert lines[0] == "eight words that fill a"
    assert lines[1].endswith("…")
    assert all(fonts.text_width(line, 16) <= width for line in lines)


def test_a_script_without_spaces_is_broken_too() -> None:
    lines = fonts.wrap_text("แสงเช้าสวยงาม" * 6, 16, 200, 3)
    assert len(lines) == 3
    assert all(fonts.text_width(line, 16) <= 200 for line in lines)


def test_stretches_give_the_text_back_in_order() -> None:
    text = "A glass bottle, แสงเช้า, and more"
    parts = "".join(itertools.chain.from_iterable(part for part, _ in fonts._parts(text, 16)))
    assert parts.replace("?", "") == parts
    assert parts == text
