"""Judging blind in JupyterLab and on a page of its own: by keys and by mouse, with a restart between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from media.films import film_record
from media.samples import FOLDER
from playwright.sync_api import Browser, Locator, Page, expect
from store.filling import done

import rivya_nb as rv
import rivya_nb.widgets
from browser.harness import Lab, OpenNotebook, write_notebook
from rivya_nb.store.records import AxisRecord, CellRecord, PictureRecord
from rivya_nb.store.store import Store
from rivya_nb.widgets.modules import joined

CONNECT = """import rivya_nb as rv
rv.connect(base_url="sandbox", store="judged")"""
ASK = """run = rv.generate("A glass {thing=bottle|vase} on a soft background", seed=range(471101, 471105),
                  resolution="1K").wait()"""
RANK = 'ranking = run.rank(by="seed")\nranking'
RESULT = "ranking.strengths"
PAGE = 'run.rank(by="seed", rater="B").write_page("judge.html")'
IMPORT = 'print(rv.import_votes("votes.json"))\nranking.strengths'
CLIPS = 'rv.connect("key", "http://127.0.0.1:9", store="clips")\nrv.runs(1).rank(by="seed")'
SHOWN, RESULT_AT, PAGE_AT, IMPORT_AT, CLIPS_AT = 2, 3, 4, 5, 6
PAIRS = 12

# All of the page that could tell what is shown: attributes, texts, and what the widget's model holds.
EVERYTHING = """root => root.outerHTML + [...root.querySelectorAll('img')].map(image => image.src).join()"""
# A page that finds nothing kept the first time that it is loaded, as where the browser has not written it yet.
READS_NOTHING_ONCE = """if (!sessionStorage.once) {
    sessionStorage.once = "was";
    Storage.prototype.getItem = () => null;
}"""
SOURCES = "root => [...root.querySelectorAll('.side img')].map(image => image.src).join()"


class Judging:
    """A judge's face, in a cell or on a page."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root
        self.state = root.get_by_role("status")
        self.sides = root.get_by_role("button", name="picture is better").filter(has=page.locator("img"))

    def wait(self, judged: int) -> None:
        expect(self.state).to_contain_text(f"{judged} of about {PAIRS}")
        if judged < PAIRS:
            expect(self.sides).to_have_count(2)

    def sides_are_there(self) -> None:
        """Wait until a pair is shown that can be judged."""
        expect(self.root.locator('.pair[aria-busy="false"], .pair:not([aria-busy])')).to_have_count(1)

    def press(self, key: str, judged: int) -> None:
        before = self.root.evaluate(SOURCES)
        self.page.keyboard.press(key)
        self.wait(judged)
        if judged < PAIRS:
            self.page.wait_for_function(
                f"([root, before]) => ({SOURCES})(root) !== before", arg=[self.root.element_handle(), before]
            )


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[OpenNotebook]:
    cells = [CONNECT, ASK, RANK, RESULT, PAGE, IMPORT, CLIPS]
    opened = lab.open(write_notebook(lab.folder / "judge.ipynb", cells), height=1000)
    yield opened
    opened.close()


def run_cells(notebook: OpenNotebook, last: int, first: int = 0) -> None:
    for cell in range(first, last + 1):
        notebook.page.evaluate(
            """async at => {
                const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
                content.activeCellIndex = at;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            cell,
        )
        notebook.wait_until_done(cell)


def judging_in(notebook: OpenNotebook, cell: int = SHOWN) -> Judging:
    return Judging(notebook.page, notebook.cell(cell).get_by_role("application", name="Judging in pairs"))


def test_pairs_are_judged_by_keys_and_by_mouse_and_it_goes_on_after_a_restart(
    notebook: OpenNotebook, lab: Lab, screenshots: Path
) -> None:
    run_cells(notebook, SHOWN)
    judge = judging_in(notebook)
    judge.wait(0)
    expect(judge.root).to_contain_text("Which is the better picture of “A glass ")
    expect(judge.root).to_contain_text("rater A")
    assert [image.get_attribute("alt") for image in judge.root.locator("img").all()] == [
        "left picture",
        "right picture",
    ]
    everything = judge.root.evaluate(EVERYTHING)
    assert "47110" not in everything
    # A press that only wakes the widget is no vote.
    judge.sides.first.click()
    judge.wait(0)
    judge.press("ArrowLeft", 1)
    judge.press("ArrowRight", 2)
    judge.press("ArrowDown", 3)
    shown = judge.root.evaluate(SOURCES)
    judge.press("s", 3)
    judge.press("z", 3)
    assert judge.root.evaluate(SOURCES) == shown
    judge.press("z", 2)
    judge.sides.last.click()
    judge.wait(3)
    expect(judge.state).to_contain_text("the order of 0 of 4 seeds is settled")
    judge.page.keyboard.press("Space")
    expect(judge.root).to_have_class("rivya-judge zoomed")
    judge.page.keyboard.press("Space")
    for theme, width in (("Light", 1600), ("Dark", 900)):
        notebook.set_theme(f"JupyterLab {theme}")
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        judge.root.scroll_into_view_if_needed()
        notebook.screenshot(screenshots / f"judge-{theme.lower()}-{width}.png")
    notebook.set_theme("JupyterLab Light")
    question = judge.root.get_by_role("heading").inner_text()
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    notebook.wait_for_kernel()
    run_cells(notebook, SHOWN)
    judge = judging_in(notebook)
    judge.wait(3)
    assert judge.root.get_by_role("heading").inner_text() == question


def test_the_result_stays_current_and_shows_at_the_end(notebook: OpenNotebook, screenshots: Path) -> None:
    run_cells(notebook, RESULT_AT)
    judge = judging_in(notebook)
    judge.root.focus()
    for judged in range(4, PAIRS + 1):
        judge.press("ArrowRight", judged)
    expect(judge.root).to_contain_text("All pairs are judged")
    notebook.wait_for_output(RESULT_AT, "12 votes on 2 prompts by 1 rater")
    notebook.output(RESULT_AT).first.screenshot(path=screenshots / "ranking.png")
    judge.press("z", PAIRS - 1)
    judge.press("ArrowLeft", PAIRS)


def test_a_page_works_as_a_file_and_gives_its_votes_back(
    notebook: OpenNotebook, chromium: Browser, lab: Lab, screenshots: Path
) -> None:
    run_cells(notebook, PAGE_AT)
    context = chromium.new_context(offline=True, color_scheme="dark", viewport={"width": 900, "height": 800})
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto((lab.folder / "judge.html").as_uri())
    judge = Judging(page, page.get_by_role("application"))
    judge.wait(0)
    judge.press("ArrowLeft", 1)
    judge.press("ArrowDown", 2)
    page.screenshot(path=screenshots / "judge-page.png")
    page.add_init_script(READS_NOTHING_ONCE)
    page.reload()
    judge.wait(0)
    page.reload()
    judge.wait(2)
    for judged in range(3, PAIRS + 1):
        judge.press("ArrowRight", judged)
    expect(judge.root).to_contain_text("Now save the votes, and send the file to whoever asked you.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the votes").click()
    download.value.save_as(lab.folder / "votes.json")
    assert len(json.loads((lab.folder / "votes.json").read_text())["votes"]) == PAIRS
    assert troubles == []
    context.close()
    run_cells(notebook, IMPORT_AT)
    notebook.wait_for_output(IMPORT_AT, "<12 votes of rater 'B' on 12 pairs, 12 of them new>")
    notebook.wait_for_output(IMPORT_AT, "24 votes on 2 prompts by 2 raters")
    notebook.wait_for_output(IMPORT_AT, "Krippendorff's α")


# Three pairs of one picture, of which the second one is gone, and a vote that is kept when `kept` is called.
WITHOUT_KERNEL = f"""{joined(Path(rivya_nb.widgets.__path__[0]) / "judge.js")}
const src = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
new Judge(document.body, {{
    rater: "A", total: 3, judged: [], sure: () => "", end: () => null,
    question: (place) => `Which of pair ${{place}}?`,
    files: async (place) => {{
        if (place === 1) throw new Error("One is gone; S skips the pair.");
        return [{{ src, type: "image/gif" }}, {{ src, type: "image/gif" }}];
    }},
    vote: () => new Promise((kept) => {{ window.kept = kept; }}),
}});"""


def test_a_pair_that_cannot_be_shown_says_so_until_it_is_skipped(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("<body></body>")
    page.add_script_tag(type="module", content=WITHOUT_KERNEL)
    root = page.get_by_role("application")
    expect(root.locator("img")).to_have_count(2)
    root.press("ArrowLeft")
    expect(root.get_by_role("alert")).to_have_text("One is gone; S skips the pair.")
    # The vote before is kept only now.
    page.evaluate("async () => { kept(); await new Promise(requestAnimationFrame); }")
    expect(root.get_by_role("alert")).to_have_text("One is gone; S skips the pair.")
    expect(root.locator("img")).to_have_count(0)
    root.press("s")
    expect(root.get_by_role("heading")).to_have_text("Which of pair 2?")
    expect(root.locator("img")).to_have_count(2)
    expect(root.get_by_role("alert")).to_be_empty()
    page.close()


# Of both sides: where they are, whether they play and are silent, and whether anything is offered for it.
PLAYING = """root => [...root.querySelectorAll('.side video, .side audio')].map(
    each => [each.currentTime, !each.paused, each.muted, each.controls])"""
IN_STEP = """root => new Promise(done => {
    const [one, other] = root.querySelectorAll('.side video');
    const seen = [];
    let turns = 0, before = 0;
    const look = () => {
        if (one.currentTime < before) turns += 1;
        before = one.currentTime;
        if (turns && !one.paused && !other.paused) seen.push(Math.abs(one.currentTime - other.currentTime));
        turns < 3 ? requestAnimationFrame(look) : done(seen);
    };
    look();
})"""


@pytest.fixture(scope="module")
def clips(lab: Lab) -> Path:
    """A store beside the notebook with runs of three videos of different lengths, and of two sounds."""
    folder = lab.folder / "clips"
    with closing(rv.connect("key", "http://127.0.0.1:9", store=folder)) as session:
        greys = {471101: range(0, 250, 25), 471102: range(250, 0, -10), 471103: range(0, 240, 16)}
        films = {seed: film_record(session.store, each) for seed, each in greys.items()}
        add_clips(session, "A fox", films)
        tones = {seed: (FOLDER / name).read_bytes() for seed, name in ((1, "sound.wav"), (2, "wide.wav"))}
        add_clips(session, "Rain", {seed: sound(session.store, data) for seed, data in tones.items()})
    return folder


def sound(store: Store, data: bytes) -> PictureRecord:
    return PictureRecord(store.files.put(data, "audio/wav"), "audio/wav", 0, 0, len(data), 0.5)


def add_clips(session: rv.Session, prompt: str, files: dict[int, PictureRecord]) -> None:
    jobs = [done(prompt, {"seed": seed}, pictures=(each,)) for seed, each in files.items()]
    axes = [AxisRecord("seed", tuple(map(str, files)))]
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
    session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs)


@pytest.mark.usefixtures("clips")
def test_videos_play_in_step_and_muted_and_tell_nothing(notebook: OpenNotebook, screenshots: Path) -> None:
    run_cells(notebook, 0)
    run_cells(notebook, CLIPS_AT, CLIPS_AT)
    judge = judging_in(notebook, CLIPS_AT)
    expect(judge.root.locator(".side video")).to_have_count(2)
    expect(judge.root).to_contain_text("Which is the better video of “A fox”?")
    expect(judge.root.get_by_role("button", name="The left video is better")).to_have_count(2)
    apart = sorted(judge.root.evaluate(IN_STEP))
    assert apart[len(apart) // 2] < 0.05, "most frames are shown together"
    assert [each[2:] for each in judge.root.evaluate(PLAYING)] == [[True, False]] * 2
    everything = judge.root.evaluate("root => root.outerHTML")
    assert not [told for told in ("47110", "0:0", "webm") if told in everything]
    for theme, width in (("Light", 1600), ("Dark", 700)):
        notebook.set_theme(f"JupyterLab {theme}")
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        judge.root.scroll_into_view_if_needed()
        notebook.screenshot(screenshots / f"judge-videos-{theme.lower()}-{width}.png")
    judge.root.focus()
    shown = judge.root.locator(".side video").first.element_handle()
    assert shown is not None
    for judged, key in enumerate(("ArrowLeft", "ArrowRight", "ArrowDown"), 1):
        judge.sides_are_there()
        notebook.page.keyboard.press(key)
        expect(judge.state).to_contain_text(f"{judged} of about 3")
    expect(judge.root).to_contain_text("All pairs are judged")
    assert shown.evaluate("video => video.paused"), "what is not seen does not play"


def test_a_page_lets_hear_one_sound_at_a_time(
    clips: Path, chromium: Browser, lab: Lab, screenshots: Path
) -> None:
    with closing(rv.connect("key", "http://127.0.0.1:9", store=clips)) as session:
        written = session.run(2).rank(by="seed", rater="B").write_page(lab.folder / "sounds.html")
    context = chromium.new_context(offline=True, color_scheme="dark", viewport={"width": 700, "height": 800})
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(written.as_uri())
    root = page.get_by_role("application")
    expect(root).to_contain_text("Which is the better sound for “Rain”?")
    expect(root.locator(".side .sound")).to_have_count(2)
    expect(root.get_by_role("button", name="Zoom both, or show them whole again")).to_have_count(0)
    assert [each[1] for each in root.evaluate(PLAYING)] == [False, False], "nothing is heard by itself"
    # Sounds of half a second are heard again and again.
    root.evaluate("root => root.querySelectorAll('audio').forEach(audio => { audio.loop = true; })")
    for key, heard in (("1", [True, False]), ("2", [False, True]), ("2", [False, False])):
        page.keyboard.press(key)
        assert [each[1] for each in root.evaluate(PLAYING)] == heard
    root.get_by_role("button", name="Hear the right sound, or pause it").click()
    expect(root.locator(".side").last.locator(".playing")).to_have_count(1)
    page.screenshot(path=screenshots / "judge-sounds-dark-700.png")
    page.keyboard.press("ArrowRight")
    expect(root).to_contain_text("All pairs are judged")
    assert troubles == []
    context.close()
