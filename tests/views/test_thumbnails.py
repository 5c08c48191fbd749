"""Small pictures within a budget."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from rivya_nb.errors import PictureError
from rivya_nb.store.records import PictureRecord
from rivya_nb.views.layout import Layout, arrange
from rivya_nb.views.thumbnails import BUDGET, LARGEST, Thumbnail, allot, collect, thumbnail
from views.making import gradient, make_job, make_run, noise


def opened(small: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(small.data))


def test_a_thumbnail_keeps_the_ratio_within_its_box(tmp_path: Path) -> None:
    small = thumbnail(gradient(tmp_path / "a.png", (1600, 900)), box=(320, 320), max_bytes=20_000)
    assert (small.width, small.height) == (320, 180) == opened(small).size
    assert small.mime == "image/webp"
    assert opened(small).format == "WEBP"


def test_a_small_picture_is_never_enlarged(tmp_path: Path) -> None:
    small = thumbnail(gradient(tmp_path / "a.png", (40, 30)), box=(320, 320), max_bytes=20_000)
    assert (small.width, small.height) == (40, 30)


@pytest.mark.parametrize("limit", [12_000, 3_000, 600, 60])
def test_quality_and_size_give_way_to_the_limit(tmp_path: Path, limit: int) -> None:
    small = thumbnail(noise(tmp_path / "a.png", (600, 600)), box=(300, 300), max_bytes=limit)
    assert len(small.data) <= limit
    assert small.width == small.height <= 300


def test_a_limit_below_one_pixel_is_told(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="does not fit into 5 bytes"):
        thumbnail(gradient(tmp_path / "a.png", (60, 60)), box=(30, 30), max_bytes=5)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photograph_stands_upright(tmp_path: Path, orientation: int) -> None:
    upright = Image.new("RGB", (400, 200), "white")
    upright.paste("red", (0, 0, 400, 40))
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    upright.transpose(turns[orientation]).save(path, exif=exif)
    small = thumbnail(path, box=(100, 100), max_bytes=20_000)
    assert (small.width, small.height) == (100, 50)
    red, _, blue = opened(small).convert("RGB").getpixel((50, 3))  # type: ignore[misc]
    assert red > 200 > 100 > blue


def test_transparency_and_palettes_survive(tmp_path: Path) -> None:
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(clear)
    assert opened(thumbnail(clear, box=(50, 50), max_bytes=5_000)).convert("RGBA").getpixel((9, 9))[3] == 0  # type: ignore[index]
    palette = tmp_path / "palette.png"
    Image.new("RGB", (300, 300), (10, 200, 30)).quantize(8).save(palette)
    assert thumbnail(palette, box=(50, 50), max_bytes=5_000).width == 50


def test_a_replaced_file_gives_a_new_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    first = thumbnail(gradient(path, (100, 100), seed=1), box=(50, 50), max_bytes=5_000)
    assert thumbnail(path, box=(50, 50), max_bytes=5_000) is first
    path.unlink()
    assert thumbnail(gradient(path, (100, 100), seed=2), box=(50, 50), max_bytes=5_000).data != first.data


@pytest.mark.parametrize("content", [None, b"", b"no picture at all", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_cannot_be_read_is_said_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "lost.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=r"lost\.png cannot be read"):
        thumbnail(path, box=(50, 50), max_bytes=5_000)


def test_the_budget_is_shared_and_never_below_what_shows_something() -> None:
    assert allot(1).max_bytes == LARGEST // 4 * 3
    assert allot(16).shown == 16
    assert allot(16).max_bytes * 4 // 3 * 16 <= BUDGET
    assert allot(64).max_bytes * 4 // 3 * 64 <= 2 * BUDGET
    many = allot(500)
    assert many.shown == 256
    assert many.max_bytes == 1_500


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    # Eight different originals are as good as sixty-four, and sooner drawn.
    folder = tmp_path_factory.mktemp("noise")
    return [noise(folder / f"{seed}.png", (2048, 2048), seed) for seed in range(8)]


def noisy_grid(files: list[Path], count: int) -> tuple[Layout, dict[str, Path]]:
    jobs = [make_job(f"j{index}", size=(2048, 2048)) for index in range(count)]
    columns = {16: 4, 20: 5, 64: 8}[count]
    axes = {"seed": [str(row) for row in range(count // columns)], "y": [str(c) for c in range(columns)]}
    paths = {job.pictures[0].sha256: files[index % len(files)] for index, job in enumerate(jobs)}
    return arrange(*make_run(axes, jobs)), paths


@pytest.mark.slow
@pytest.mark.parametrize("count", [16, 20, 64])
def test_a_whole_output_keeps_its_budget_with_the_worst_pictures(noisy: list[Path], count: int) -> None:
    layout, paths = noisy_grid(noisy, count)
    thumbnails = collect(layout, lambda picture: paths[picture.sha256])
    made = [small for small in thumbnails.values() if small is not None]
    assert len(made) == count
    assert sum(len(small.uri) for small in made) <= BUDGET * (1 if count < 64 else 2) + 40 * count
    assert min(small.width for small in made) >= 60


def test_pictures_that_would_show_nothing_are_left_out_and_known(tmp_path: Path) -> None:
    original = gradient(tmp_path / "a.png", (64, 64))
    jobs = [make_job(f"j{index}") for index in range(270)]
    layout = arrange(*make_run({"seed": [str(index) for index in range(270)]}, jobs))
    thumbnails = collect(layout, lambda picture: original)
    assert [thumbnails[job.id] is None for job in jobs] == [index >= 256 for index in range(270)]


def test_an_unreadable_picture_costs_only_its_own_place(tmp_path: Path) -> None:
    original = gradient(tmp_path / "a.png", (64, 64))
    layout = arrange(*make_run({"seed": "12"}, [make_job("good"), make_job("lost")]))

    def path_of(picture: PictureRecord) -> Path:
        return original if picture.sha256 == "good-0" else tmp_path / "absent.png"

    thumbnails = collect(layout, path_of)
    assert thumbnails["good"] is not None
    assert thumbnails["lost"] is None


def test_a_running_grid_asks_for_nothing_that_is_not_there(tmp_path: Path) -> None:
    original = gradient(tmp_path / "a.png", (64, 64))
    jobs = [make_job("done"), make_job("queued", "queued")]
    thumbnails = collect(arrange(*make_run({"seed": "12"}, jobs)), lambda picture: original)
    assert list(thumbnails) == ["done"]
