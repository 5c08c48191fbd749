"""Eight videos of 5 s at 720p in the viewer: how soon it is open, and whether they play together.

    python benchmarks/playing.py [FOLDER]

Makes eight videos with ffmpeg (H.264 with sound, 24 frames a second), puts them into a store as a grid of 4 × 2,
opens the viewer on it in a browser, and measures

- from running the cell to the frame in which all posters are there (aim: 1 s), and until all can play;
- how far the videos are from each other, by the frames that the browser really shows (requestVideoFrameCallback),
  while they play several times through: as small copies in the grid, and two originals side by side. The aim is
  one frame.

Screenshots go to FOLDER, if one is given. It needs a Chromium and an ffmpeg, as the browser tests do.
"""

from __future__ import annotations

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
# At each frame of the page: how many seconds are between the first and the last of what the videos show.
WATCH = """seconds => new Promise(resolve => {
    const shown = new Map(), samples = [], began = performance.now();
    const videos = () => [...document.querySelectorAll('.rivya-viewer video')];
    const watch = video => video.requestVideoFrameCallback((_, { mediaTime }) => {
        shown.set(video, mediaTime);
        watch(video);
    });
    let loops = 0, frames = 0, before = 0;
    const look = () => {
        const all = videos();
        for (const video of all) if (!shown.has(video)) { shown.set(video, video.currentTime); watch(video); }
        const times = all.map(video => shown.get(video));
        const first = Math.min(...times);
        if (first < before - 1) loops++;
        if (first !== before) frames++;
        before = first;
        samples.push(Math.max(...times) - first);
        if (performance.now() - began < seconds * 1000) requestAnimationFrame(look);
        else resolve({ samples, loops, frames, sizes: all.map(video => video.videoWidth),
            lost: all.map(video => video.getVideoPlaybackQuality().droppedVideoFrames) });
    };
    look();
})"""


def make(folder: Path, number: int) -> Path:
    """A clip in which everything moves, with a number that counts its frames."""
    program = find_ffmpeg()
    assert program is not None
    path = folder / f"{number}.mp4"
    film = f"testsrc2=size=1280x720:rate={RATE}:duration={SECONDS},hue=h={40 * number}"
    sound = f"sine=frequency={200 * (number + 1)}:duration={SECONDS}"
    film_coded = ["-c:v", "libx264", "-preset", "fast", "-b:v", "5M", "-pix_fmt", "yuv420p"]
    coded = [*film_coded, "-c:a", "aac", "-movflags", "+faststart"]
    inputs = ["-f", "lavfi", "-i", film, "-f", "lavfi", "-i", sound]
    subprocess.run([program, "-v", "error", *inputs, *coded, path], check=True)
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
    store.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)
    store.close()


def watch(page: Page, what: str, rate: int) -> None:
    found = page.evaluate(WATCH, WATCHED)
    samples = sorted(found["samples"])
    # A time of a film has parts of a millisecond.
    together = sum(each * rate < 1.05 for each in samples) / len(samples)
    print(
        f"{what}, {found['sizes'][0]} pixels wide: {together:.1%} of {len(samples)} moments within a frame of "
        f"{1000 / rate:.0f} ms; median {1000 * samples[len(samples) // 2]:.0f} ms, worst "
        f"{1000 * samples[-1]:.0f} ms; {found['loops']} times from the beginning again, "
        f"{found['frames'] / WATCHED:.1f} frames a second, lost {max(found['lost'])} at most",
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
