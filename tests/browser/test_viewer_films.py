"""The viewer of videos in JupyterLab: they play together, one is heard, and what cannot be played has a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sandboxes import until

from browser.harness import Lab, write_notebook
from browser.viewing import COVERED, HOLD, SHORTENED, SLOWED, TIMES, Films

CONNECT = """import rivya_nb as rv
rv.connect(store="films")"""
ASK = """films = rv.generate(
    "A fox", model="happyhorse-1-0", seed=[1, 2], duration=[5, 10],
).wait()"""
SHOWN = 2


@pytest.fixture(scope="module")
def opened(lab: Lab) -> Iterator[Films]:
    cells = [CONNECT, ASK, "films.view()"]
    notebook = lab.open(write_notebook(lab.folder / "view-films.ipynb", cells), height=1000)
    notebook.run_all()
    films = Films(notebook, SHOWN)
    expect(films.cells).to_have_count(4)
    yield films
    notebook.close()


@pytest.fixture
def films(opened: Films) -> Films:
    """Four videos in two columns: the sandbox's have 20 and 28 frames."""
    opened.root.scroll_into_view_if_needed()
    opened.to_grid()
    expect(opened.videos).to_have_count(4)
    return opened


def test_videos_play_together_and_begin_again_at_the_end_of_the_longest(
    films: Films, screenshots: Path
) -> None:
    expect(films.cells.first.get_by_role("img")).to_have_accessible_name(re.compile("^video 0:02 · A fox"))
    films.press("k")
    films.wait_until_together()
    films.screenshot(screenshots / "viewer-playing.png")
    films.wait_until(f"root => Math.max(...({TIMES})(root)) > 2")
    films.wait_until(f"root => Math.max(...({TIMES})(root)) < 1")
    films.wait_until_together()
    films.press("k")
    expect(films.root.get_by_role("button", name="Play (k)")).to_be_visible()
    # They have stopped at one frame, not at nearly the same one.
    assert until(lambda: films.times() == pytest.approx(moments(films.frame()), abs=0.002))


def test_where_the_browser_cannot_play_an_original_its_small_copy_plays(
    films: Films, screenshots: Path
) -> None:
    films.kernel("films[3].path.write_bytes(bytes(300))")
    films.cells.nth(3).click()
    films.press("Enter")
    expect(films.root).to_contain_text("This browser cannot play video/mp4. A small copy plays.")
    expect(films.videos).to_have_count(1)
    films.screenshot(screenshots / "viewer-small-copy.png")
    films.to_grid()
    expect(films.videos).to_have_count(4)


def test_of_a_damaged_video_it_is_said_and_the_others_play(films: Films) -> None:
    data = Path(films.kernel("str(films[1].path)")).read_bytes()
    films.kernel(f"films[1].path.write_bytes(films[1].path.read_bytes()[:{data.index(b'mdat') + 100}])")
    films.cells.nth(1).click()
    films.press("Enter")
    expect(films.root).to_contain_text("It cannot be played: the file is damaged. A small copy plays.")
    films.to_grid()
    expect(films.videos).to_have_count(4)


def test_all_show_another_moment_at_once(films: Films) -> None:
    films.position.press("Home")
    films.cells.first.focus()
    films.press(".")
    assert until(lambda: films.times() == pytest.approx(moments(2), abs=0.002))
    # While a copy takes the place of an original, both are there.
    expect(films.videos).to_have_count(4)
    films.videos.last.evaluate(HOLD)
    films.position.press("End")
    films.wait_until(COVERED)
    films.videos.last.evaluate("video => video.goOn()")
    expect(films.root.locator(".player canvas")).to_have_count(0)
    assert until(lambda: films.times() == pytest.approx(moments(28), abs=0.002))


def test_all_wait_for_the_one_that_is_slow(films: Films) -> None:
    films.position.press("Home")
    films.press("k")
    films.wait_until_together()
    assert films.root.evaluate(SLOWED) < 3 / films.RATE
    films.press("k")


def moments(frame: int) -> list[float]:
    """Where the videos are at a frame, counted from 1: in its middle, or at their ends."""
    return [min(frames, frame - 0.5) / Films.RATE for frames in (20, 28)] * 2


def test_frames_are_stepped_through_in_all_videos(films: Films) -> None:
    films.position.press("Home")
    films.cells.first.focus()
    films.press(".", ".")
    expect(films.root).to_contain_text("0:00.20 / 0:02.33 · frame 3")
    assert until(lambda: films.times() == pytest.approx(moments(3), abs=0.002))
    films.press(",")
    assert until(lambda: films.times() == pytest.approx(moments(2), abs=0.002))
    # The shorter ones wait at their last frame.
    films.position.press("End")
    assert until(lambda: films.times() == pytest.approx(moments(28), abs=0.002))
    films.root.get_by_role("button", name="Slower (<)").click()
    films.press("<", "l")
    expect(films.root.get_by_role("group", name="Playing")).to_contain_text("0.25×")
    expect(films.root.get_by_role("button", name="Loop (l)")).to_have_attribute("aria-pressed", "false")
    films.press(",", ",", "k")
    expect(films.root.get_by_role("button", name="Play (k)")).to_be_visible()
    assert films.frame() == 28
    films.press("l", ">", ">")


def test_only_the_video_under_the_pointer_or_with_the_focus_is_heard(films: Films) -> None:
    films.page.mouse.move(0, 0)
    films.wait_for_sound_of(0)
    films.press("ArrowRight")
    films.wait_for_sound_of(1)
    films.cells.nth(2).hover()
    films.wait_for_sound_of(2)
    films.page.mouse.move(0, 0)
    films.wait_for_sound_of(1)
    films.page.evaluate("document.activeElement.blur()")
    films.wait_for_sound_of()


def test_two_videos_are_compared_at_one_frame(films: Films) -> None:
    films.press("p", "ArrowDown")
    films.root.get_by_role("button", name="Difference").click()
    films.position.press("Home")
    expect(films.videos).to_have_count(2)
    seen = []
    for _ in range(2):
        films.press(".")
        assert until(
            lambda: films.times() == pytest.approx([(films.frame() - 0.5) / Films.RATE] * 2, abs=0.002)
        )
        seen.append(films.root.locator(".layers").screenshot())
    assert seen[0] != seen[1]
    films.press("Escape", "ArrowUp", "p")


def test_only_videos_that_are_seen_are_loaded(films: Films) -> None:
    films.notebook.cell(0).scroll_into_view_if_needed()
    films.page.set_viewport_size({"width": 1200, "height": 300})
    expect(films.videos).to_have_count(0)
    films.page.set_viewport_size({"width": 1200, "height": 1000})
    films.root.scroll_into_view_if_needed()
    expect(films.videos).to_have_count(4)


def test_nobody_waits_for_the_end_of_a_video_that_cannot_be_played(films: Films) -> None:
    films.cells.first.focus()
    films.press(".")
    films.wait_until(SHORTENED)
    expect(films.videos).to_have_count(2)
    expect(films.root.locator(".frame").filter(has_text=re.compile("cannot (be )?play"))).to_have_count(2)
