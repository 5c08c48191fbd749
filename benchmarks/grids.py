"""Grids and contact sheets of 2K originals: times, bytes and memory, beside a plain Pillow loop in the same run.

    python benchmarks/grids.py [--many]

Draws noisy pictures of 2048 × 2048 pixels (5 MB each as PNG) into a store of its own. The loop is what
`make_image_grid` of diffusers amounts to: open each original, resize it, paste it, save the sheet. `--many` also
measures (on Linux) the peak of memory for 16, 64 and 144 pictures and for more rows of eight, each in a process of
its own.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from rivya_nb.session.showing.looks import thumbnails
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, PictureRecord, RunRecord
from rivya_nb.views import thumbnails as views
from rivya_nb.views.contact_sheet import save_grid
from rivya_nb.views.layout import Layout, arrange
from rivya_nb.views.run_html import render_run
from rivya_nb.views.run_view import RunView
from rivya_nb.views.streaming import QUALITY

SIDE = 2048
CELL = 512
ROUNDS = 3


def draw(path: Path, number: int) -> None:
    """A picture with detail at every scale, as a photograph has it."""
    picture = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    for side, weight in ((4, 0.5), (32, 0.35), (256, 0.2), (SIDE, 0.06)):
        layers = [Image.effect_noise((side, side), 90 + number % 7) for _ in range(3)]
        layer = Image.merge("RGB", layers).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture = Image.blend(picture, layer, weight)
    picture.save(path, compress_level=1)


def fill(folder: Path, count: int) -> list[PictureRecord]:
    """Originals in a store; from the ninth on they repeat, with other bytes behind the picture's end."""
    files = ContentFiles(folder)
    drawn = [folder / f"{number}.png" for number in range(min(8, count))]
    for number, path in enumerate(drawn):
        if not path.exists():
            draw(path, number)
    pictures = []
    for number in range(count):
        data = drawn[number % len(drawn)].read_bytes() + number.to_bytes(4, "big")
        pictures.append(PictureRecord(files.put(data, "image/png"), "image/png", SIDE, SIDE, len(data)))
    return pictures


def lay_out(pictures: list[PictureRecord], columns: int) -> tuple[RunRecord, dict[str, JobRecord], Layout]:
    rows = len(pictures) // columns
    places = list(itertools.product(range(rows), range(columns)))
    jobs = {
        f"job{number}": JobRecord(
            id=f"job{number}", service="sandbox", model="wan-2-7-image-pro", prompt="A glass bottle", params={},
            references=(), identity=str(number), seed=None, price=12, status="succeeded", created_at=0.0,
            pictures=(picture,),
        )
        for number, picture in enumerate(pictures)
    }  # fmt: skip
    axes = tuple(
        AxisRecord(name, tuple(map(str, range(size)))) for name, size in (("a", rows), ("b", columns))
    )
    cells = tuple(CellRecord(job, place) for job, place in zip(jobs, places, strict=True))
    run = RunRecord(id=1, name=None, service="sandbox", created_at=0.0, axes=axes, cells=cells)
    return run, jobs, arrange(run, jobs)


class Took(NamedTuple):
    """Seconds of the clock, and of the processor for all threads together."""

    wall: float
    processor: float


def timed(label: str, work: Callable[[], object], *, rounds: int = 1) -> Took:
    """How long it takes; of several rounds the least, since other programs run on the same machine."""
    taken = []
    for _ in range(rounds):
        start, used = time.perf_counter(), time.process_time()
        work()
        taken.append(Took(time.perf_counter() - start, time.process_time() - used))
    took = Took(min(each.wall for each in taken), min(each.processor for each in taken))
    print(f"  {label:<58} {took.wall:8.2f} s {took.processor:8.2f} s", flush=True)
    return took


def loop(paths: list[Path], columns: int, out: Path) -> None:
    """The plain way: everything in memory, one original after the other; a JPEG of the same quality as ours."""
    sheet = Image.new("RGB", (columns * CELL, len(paths) // columns * CELL))
    for number, path in enumerate(paths):
        small = Image.open(path).convert("RGB").resize((CELL, CELL))
        sheet.paste(small, (number % columns * CELL, number // columns * CELL))
    sheet.save(out, **({"quality": QUALITY, "subsampling": 0} if out.suffix == ".jpg" else {}))


def compare(folder: Path) -> None:
    pictures = fill(folder, 64)
    files = ContentFiles(folder)
    run, jobs, layout = lay_out(pictures, 8)
    paths = [files.path(picture.sha256, picture.mime_type) for picture in pictures]

    def show() -> int:
        view = RunView(run, jobs, layout, now=0.0, live=False, thumbnails=thumbnails(layout, files))
        return len(render_run(view).encode())

    print(f"{'An 8 × 8 grid of 2K originals as HTML':<60} {'wall':>8}   {'processor':>9}")
    timed("nothing cached: every original is decoded", show)
    views._cached.cache_clear()
    for path in files.thumbnails.folder.rglob("*.*"):
        path.unlink()
    for path in paths:
        files.thumbnails.prepare(path)
    timed("a shape of grid that was never shown; delivered before", show)
    views._cached.cache_clear()
    timed("shown again by another kernel", show)
    timed("shown again by the same kernel", show)
    print(f"  {'bytes of HTML':<58} {show():8,}")
    print(f"The same as a contact sheet of {CELL}-pixel cells, the small pictures kept: the best of {ROUNDS}")
    for suffix in ("png", "jpg"):
        looped, out = folder / f"loop.{suffix}", folder / f"sheet.{suffix}"
        plain = timed(f"plain Pillow loop, {suffix}", lambda out=looped: loop(paths, 8, out), rounds=ROUNDS)
        ours = timed(
            f"save_grid, {suffix}",
            lambda out=out: save_grid(
                layout,
                lambda it: files.path(it.sha256, it.mime_type),
                out,
                load=files.thumbnails.load,
                cell=CELL,
            ),
            rounds=ROUNDS,
        )
        ratios = Took(plain.wall / ours.wall, plain.processor / ours.processor)
        print(f"  {'times faster':<58} {ratios.wall:8.1f}   {ratios.processor:8.1f}")
        sizes = [f"{path.stat().st_size / 1e6:.1f}" for path in (looped, out)]
        print(f"  {'megabytes, of the loop and of ours':<58} {sizes[0]:>8}   {sizes[1]:>8}")


def peak(folder: Path, kind: str, count: int, columns: int) -> None:
    """Print the peak of this process' memory in MB for one sheet."""
    files = ContentFiles(folder)
    originals = sorted(files.folder.rglob("*.png"))[:count]
    pictures = [PictureRecord(it.stem, "image/png", SIDE, SIDE, it.stat().st_size) for it in originals]
    if kind == "loop":
        loop([files.path(it.sha256, it.mime_type) for it in pictures], columns, folder / "loop.png")
    else:
        layout = lay_out(pictures, columns)[2]
        out = folder / f"sheet.{kind}"
        save_grid(
            layout, lambda it: files.path(it.sha256, it.mime_type), out, load=files.thumbnails.load, cell=CELL
        )
    # What getrusage says of a child begins with its parent's memory.
    (line,) = (it for it in Path("/proc/self/status").read_text().splitlines() if it.startswith("VmHWM"))
    print(int(line.split()[1]) // 1024)


def peaks(folder: Path) -> None:
    fill(folder, 256)
    files = ContentFiles(folder)
    for path in files.folder.rglob("*.png"):
        files.thumbnails.prepare(path)
    print("Peak of memory of the whole process, MB")
    print(f"  {'pictures':<20}{'loop':>8}{'png':>8}{'jpg':>8}{'webp':>8}{'pdf':>8}")
    for count, columns in ((16, 4), (64, 8), (144, 12), (144, 8), (256, 8)):
        found = []
        for kind in ("loop", "png", "jpg", "webp", "pdf"):
            asked = [sys.executable, __file__, "--peak", kind, str(count), str(columns), str(folder)]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            found.append(done.stdout.strip() if done.returncode == 0 else "-")
        print(
            f"  {f'{count} in rows of {columns}':<20}" + "".join(f"{each:>8}" for each in found), flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--many", action="store_true", help="measure memory, too")
    parser.add_argument("--peak", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak:
        kind, count, columns, folder = asked.peak
        peak(Path(folder), kind, int(count), int(columns))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare(folder)
        if asked.many:
            peaks(folder)


if __name__ == "__main__":
    main()
