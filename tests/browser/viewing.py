"""The viewer in a notebook, as somebody without a mouse finds things in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from browser.harness import OpenNotebook

# The transform as it was asked for, in shares of a frame: cells of different sizes then show the same part.
TRANSFORMS = """frames => frames.map(frame => {
    const image = frame.querySelector('img');
    const { a: zoom, e, f } = new DOMMatrix(getComputedStyle(image).transform);
    return [zoom, e / frame.clientWidth, f / frame.clientHeight].map(share => share.toFixed(2)).join(' ');
})"""
ASK_KERNEL = """async expression => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const asked = kernel.requestExecute({ code: 'import json', user_expressions: { it: expression } });
    return (await asked.done).content.user_expressions.it.data['text/plain'];
}"""
# Of each video that plays, how far it is, in seconds.
TIMES = "root => [...root.querySelectorAll('.frame video')].map(video => video.currentTime)"
# The places of the frames whose video is to be heard.
HEARD = """root => [...root.querySelectorAll('.frame')].flatMap((frame, place) =>
    [...frame.querySelectorAll('video')].some(video => !video.muted) ? [place] : [])"""
# Whether those that are not at their end have played for a while and are at one moment.
TOGETHER = """([root, count, within]) => {
    const videos = [...root.querySelectorAll('.frame video')];
    const times = videos.filter(video => !video.ended).map(video => video.currentTime);
    return videos.length === count && times.length > 1 && Math.min(...times) > 0.3 &&
        Math.max(...times) - Math.min(...times) < within;
}"""
# Lets the video wait where it is, as on a slow machine, when it is to go elsewhere; `goOn` ends that.
HOLD = """video => {
    let to = null;
    Object.defineProperty(video, 'currentTime', { configurable: true, set: time => { to = time; } });
    video.goOn = () => { delete video.currentTime; video.currentTime = to; };
}"""
# Whether the others are at another moment, and a frame lies over each video and over what it shows.
COVERED = """root => [...root.querySelectorAll('.frame .player')].every((player, place, all) => {
    const [video, still] = player.children;
    const isThere = place === all.length - 1 || (!video.seeking && video.currentTime > 1);
    const pen = still?.getContext?.('2d');
    return isThere && pen?.getImageData(still.width / 2, still.height / 2, 1, 1).data[3] === 255;
})"""
# Whether the clock is as short as the shorter videos, once the longer ones cannot be played.
SHORTENED = """root => {
    for (const video of root.querySelectorAll('.frame video'))
        if (video.duration > 2) video.dispatchEvent(new Event('error'));
    return root.querySelector('input[aria-label="Position"]').max < 2;
}"""
# The most seconds in a while between the longest videos, of which one can play at a quarter of its speed alone.
SLOWED = """root => new Promise(resolve => {
    const videos = [...root.querySelectorAll('.frame video')].filter(video => video.duration > 2);
    const rate = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'playbackRate');
    const slow = { configurable: true, get: () => 1, set() { rate.set.call(this, 0.25); } };
    Object.defineProperty(videos.at(-1), 'playbackRate', slow);
    videos.at(-1).playbackRate = 1;
    const began = performance.now();
    let most = 0;
    const look = () => {
        const times = videos.filter(video => !video.seeking).map(video => video.currentTime);
        most = Math.max(most, Math.max(...times) - Math.min(...times));
        if (performance.now() - began < 1500) return requestAnimationFrame(look);
        delete videos.at(-1).playbackRate;
        resolve(most);
    };
    look();
})"""


class View:
    """The viewer that a cell of the notebook shows."""

    def __init__(self, notebook: OpenNotebook, cell: int) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self.root = notebook.cell(cell).get_by_role("application", name="Picture viewer")
        self.status = self.root.get_by_role("status")

    @property
    def cells(self) -> Locator:
        return self.root.get_by_role("gridcell")

    @property
    def pictures(self) -> Locator:
        """What is on the stage; the pictures of the filmstrip have no text of their own."""
        return self.root.locator("img:not([alt=''])")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def to_grid(self) -> None:
        """The grid as it was at first, with its first picture chosen."""
        self.root.get_by_role("button", name="Grid", exact=True).click()
        self.press("[")
        self.root.get_by_role("option").first.click()
        self.press("z")
        expect(self.cells.first).to_be_focused()

    def transforms(self) -> list[str]:
        found: list[str] = self.cells.evaluate_all(TRANSFORMS)
        return found

    def kernel(self, expression: str) -> Any:
        """What an expression has for a value in the kernel, as JSON."""
        text = self.page.evaluate(ASK_KERNEL, f"json.dumps({expression})")
        return json.loads(text[1:-1])

    def wait_for_kernel(self, expression: str, expected: Any) -> None:
        """Wait until an expression has a value in the kernel."""
        self.page.wait_for_function(
            f"([expression, expected]) => ({ASK_KERNEL})(expression).then(text => text === expected)",
            arg=[f"json.dumps({expression})", repr(json.dumps(expected))],
        )

    def wait_for_width(self, width: int) -> None:
        """Wait until the only picture on the stage has that width, in its own pixels."""
        self.page.wait_for_function(
            "([root, width]) => root.querySelector('img:not([alt=\"\"])').naturalWidth === width",
            arg=[self.root.element_handle(), width],
        )

    def screenshot(self, path: Path) -> None:
        self.root.scroll_into_view_if_needed()
        self.root.screenshot(path=path)


class Films(View):
    """The viewer of videos of the sandbox."""

    RATE = 12

    @property
    def videos(self) -> Locator:
        return self.root.locator(".frame video")

    @property
    def position(self) -> Locator:
        return self.root.get_by_role("slider", name="Position")

    def frame(self) -> int:
        """The number of the frame that the bar tells, from 1."""
        told = self.position.get_attribute("aria-valuetext") or ""
        return int(told.rpartition("frame ")[2])

    def times(self) -> list[float]:
        """How far each video is, in seconds."""
        found: list[float] = self.root.evaluate(TIMES)
        return found

    def wait_until(self, condition: str, *given: object) -> None:
        """Wait until a function of the viewer's element, or of it and what is given, is true in the page."""
        element = self.root.element_handle()
        self.page.wait_for_function(condition, arg=[element, *given] if given else element)

    def wait_until_together(self) -> None:
        """Wait until all play and are less than a frame from each other."""
        self.wait_until(TOGETHER, self.cells.count(), 1 / self.RATE)

    def wait_for_sound_of(self, *places: int) -> None:
        """Wait until these are heard, by their places, and no others."""
        self.wait_until(
            f"([root, expected]) => ({HEARD})(root).join() === expected", ",".join(map(str, places))
        )
