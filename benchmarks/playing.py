"""Eight videos of 5 s at 720p in the viewer: how soon it is open, and whether they play together.

    python benchmarks/playing.py [FOLDER]

Makes eight videos with ffmpeg (H.264 with sound, 24 frames a second), puts them into a store as a grid of 4 × 2,
opens the viewer on it in a browser, and measures

- from running the cell to the frame in which all posters are there (aim: 1 s), and until all can play;
- how far the videos are from each other, by the numbers in the frames that are shown, at each frame of the page
  while they play several times through, the beginning anew included: as small copies in the grid, and two
  originals side by side. The aim is one frame.

Screenshots go to FOLDER, if one is given. It needs a Chromium and an ffmpeg, as the browser tests do.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from rivya_nb.contract.request import Request
from rivya_nb.media.ffmpeg import find_ffmpeg
from rivya_nb.store.records import AxisRecord, CellRecord, PictureRecord, planned_job
from rivya_nb.store.store import Store

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser.harness import CHROMIUM_ARGUMENTS, find_chromium, jupyter_lab, write_notebook

ROWS, COLUMNS = 2, 4
SECONDS, RATE = 5, 24
WATCHED = 16  # seconds: three times through
CELLS = ["import rivya_nb as rv\nrv.connect()\nrun = rv.runs(1)", "run", "run.view()"]
SHOWN = 2
DIGIT = "if(mod(floor(N/pow(2,floor(X/40))),2),235,16)"

# Notes when all posters of the viewer are decoded, and when all its videos have a frame.
OPENING = """() => {
    const began = performance.now();
    window.opening = {};
    const look = () => {
        const viewer = document.querySelector('.rivya-viewer');
        const images = [...viewer?.querySelectorAll('.frame img') ?? []];
        const ready = [...viewer?.querySelectorAll('video') ?? []].filter(video => video.readyState > 1);
        const is = name => window.opening[name] ??= performance.now() - began;
        if (images.length === COUNT && images.every(image => image.naturalWidth)) is('posters');
        if (ready.length === COUNT) is('ready');
        else requestAnimationFrame(look);
    };
    look();
}"""
# At each frame of the page, the number of the frame that each tile shows, as it is drawn in the tile: of its
# element on top, whatever the viewer has put there.
WATCH = """seconds => new Promise(resolve => {
    const pen = new OffscreenCanvas(8, 1).getContext('2d', { willReadFrequently: true });
    pen.imageSmoothingEnabled = false;
    const seen = each => each.checkVisibility();
    const top = player => [...player.querySelectorAll('video, canvas')].filter(seen).at(-1);
    const tops = () => [...document.querySelectorAll('.rivya-viewer .player')].map(top).filter(Boolean);
    const number = shown => {
        const width = shown.videoWidth || shown.width, height = shown.videoHeight || shown.height;
        pen.drawImage(shown, 0, 0, width / 4, height / 12, 0, 0, 8, 1);
        const { data } = pen.getImageData(0, 0, 8, 1);
        return [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, bit) => sum + (data[4 * bit] > 127 ? 1 << bit : 0), 0);
    };
    const began = performance.now(), samples = [];
    let loops = 0, frames = 0, before = 0, changed = began, still = 0;
    const look = () => {
        const now = performance.now(), all = tops(), numbers = all.map(number);
        const first = Math.min(...numbers);
        if (first < before - 24) loops++;
        if (first !== before) {
            frames++;
            still = Math.max(still, now - changed);
            changed = now;
        }
        before = first;
        samples.push(Math.max(...numbers) - first);
        if (now - began < seconds * 1000) requestAnimationFrame(look);
        else resolve({ samples, loops, frames, still, sizes: all.map(each => each.videoWidth || each.width) });
    };
    look();
})"""


def make(folder: Path, number: int) -> Path:
    """A clip in which everything moves; squares at its top tell the number of each frame."""
    program = find_ffmpeg()
    assert program is not None
    path = folder / f"{number}.mp4"
    film = f"testsrc2=size=1280x720:rate={RATE}:duration={SECONDS},hue=h={40 * number}"
    sound = f"sine=frequency={200 * (number + 1)}:duration={SECONDS}"
    film_coded = ["-c:v", "libx264", "-preset", "fast", "-b:v", "5M", "-pix_fmt", "yuv420p"]
    coded = [*film_coded, "-c:a", "aac", "-movflags", "+faststart"]
    digits = f"color=black:size=320x60:rate={RATE}:duration={SECONDS},geq=lum='{DIGIT}':cb=128:cr=128"
    inputs = [part for source in (film, digits, sound) for part in ("-f", "lavfi", "-i", source)]
    joined = ["-filter_complex", "[0:v][1:v]overlay", "-map", "2:a"]
    subprocess.run([program, "-v", "error", *inputs, *joined, *coded, path], check=True)
    return path


def fill(folder: Path, clips: list[Path]) -> None:
    store = Store.open(folder)
    jobs = []
    for number, clip in enumerate(clips):
        sha256 = store.files.put(clip.read_bytes(), "video/mp4")
        record = PictureRecord(sha256, "video/mp4", 1280, 720, clip.stat().st_size, float(SECONDS))
        store.files.thumbnails.prepare(store.files.path(sha256, "video/mp4"))
        light, seed = ("dawn", "dusk")[number // COLUMNS], number % COLUMNS + 1
        request = Request("wan-2-7-video", f"A fox in {light} light", {"seed": seed}, (), 12)
        jobs.append(replace(planned_job(request, "sandbox", 1000.0), status="succeeded", pictures=(record,)))
    axes = (AxisRecord("light", ("dawn", "dusk")), AxisRecord("seed", tuple("1234")))
    cells = [CellRecord(job.id, divmod(place, COLUMNS)) for place, job in enumerate(jobs)]
    store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
    store.close()


def watch(page: Page, what: str, rate: int) -> None:
    found = page.evaluate(WATCH, WATCHED)
    samples = sorted(found["samples"])
    # Two frames of a small copy that follow each other are up to this many of the original.
    frame = math.ceil(RATE / rate)
    together = sum(each <= frame for each in samples) / len(samples)
    print(
        f"{what}, {found['sizes'][0]} pixels wide: {together:.1%} of {len(samples)} moments within a frame of "
        f"{1000 / rate:.0f} ms; median {1000 * samples[len(samples) // 2] / RATE:.0f} ms, worst "
        f"{1000 * samples[-1] / RATE:.0f} ms; {found['loops']} times from the beginning again, "
        f"{found['frames'] / WATCHED:.1f} frames a second, {found['still']:.0f} ms the longest without a new one",
        flush=True,
    )


def wait_for_size(viewer: Locator, width: int, count: int) -> None:
    viewer.page.wait_for_function(
        "([root, width, count]) => [...root.querySelectorAll('video')]"
        ".filter(video => video.videoWidth === width).length === count",
        arg=[viewer.element_handle(), width, count],
    )


def main(screenshots: Path | None) -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        base = Path(folder)
        fill(base / "store", [make(base, number) for number in range(ROWS * COLUMNS)])
        expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_ARGUMENTS))
        environment = {"RIVYA_BASE_URL": "sandbox", "RIVYA_STORE": str(base / "store")}
        with jupyter_lab(browser, base, environment) as lab:
            notebook = lab.open(write_notebook(lab.folder / "play.ipynb", CELLS), width=1600, height=1200)
            page = notebook.page
            for cell in range(SHOWN + 1):
                if cell == SHOWN:
                    page.evaluate(OPENING.replace("COUNT", str(ROWS * COLUMNS)))
                notebook.command("notebook:run-cell-and-select-next")
                notebook.wait_until_done(cell)
            page.wait_for_function("() => window.opening.ready")
            opening = page.evaluate("window.opening")
            print(f"posters after {opening['posters']:.0f} ms, all can play after {opening['ready']:.0f} ms")
            viewer = page.get_by_role("application", name="Picture viewer")
            viewer.get_by_role("gridcell").first.click()
            page.keyboard.press("k")
            watch(page, "small copies", 15)
            if screenshots:
                viewer.screenshot(path=screenshots / "playing.png")
            viewer.get_by_role("button", name="Side by side").click()
            wait_for_size(viewer, 1280, 2)
            watch(page, "two originals", RATE)
            if screenshots:
                viewer.screenshot(path=screenshots / "playing-two.png")
            page.keyboard.press("Escape")
            page.keyboard.press("+")
            page.wait_for_timeout(5000)
            watch(page, "the zoomed grid, as this machine can", 15)
        browser.close()
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
