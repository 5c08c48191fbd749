"""The documentation site as a reader has it: links, pictures, names, search, and its looks in the dark."""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import Page

import rivya_nb
from rivya_nb.cli import main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# A site that is not given is built first.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
_SEARCHES = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))
QUESTIONS = {each["words"]: each["page"] for each in _SEARCHES["question"]} | _SEARCHES["words"]

IMAGES = (".png", ".webp", ".svg", ".jpg")

TESTED_ELSEWHERE = {"laboratory.md": "test_laboratory_page.py"}
"""Pages whose blocks a test runs, since they need a server and a bucket."""

BLOCK = r"^(F{3,})([^\n`]*)\n(.*?)^\1$"
"""Of a page, with the sign that fences are made of in the place of F."""

READABLE = 4.5
"""The contrast that WCAG 2 wants of text, at level AA."""

CONTRASTS = (HERE / "contrasts.js").read_text(encoding="utf-8")


class _Reader(HTMLParser):
    """Takes out of a page what can be wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.without_alt: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids |= {each for name in ("id", "name") if (each := found.get(name))}
        self.targets += [each for name in ("href", "src", "poster") if (each := found.get(name))]
        # An empty one is that of a sign beside its word; the name of the file stands there if a page gave none. A
        # cell that lists the files it has saved names each beside its picture.
        source = found.get("src") or ""
        if tag == "img" and (
            (alt := found.get("alt")) is None or (alt.endswith(IMAGES) and not source.startswith("data:"))
        ):
            self.without_alt.append(source[:80])


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pages = (path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
        # The theme leaves a part of its templates there.
        self.paths = sorted(page for page in pages if not page.startswith("_static/"))

    @cached_property
    def pages(self) -> dict[str, _Reader]:
        return {path: self._read(path) for path in self.paths}

    def _read(self, path: str) -> _Reader:
        reader = _Reader()
        reader.feed((self.folder / path).read_text(encoding="utf-8"))
        return reader

    def broken(self, page: str, target: str) -> bool:
        """True if a link of a page leads nowhere within the site."""
        if urlsplit(target).scheme or target.startswith("//"):
            return False
        found = urlsplit(urljoin(f"/{page}", target))
        path, anchor = unquote(found.path).lstrip("/"), unquote(found.fragment)
        if not (self.folder / path).is_file():
            return True
        return bool(anchor) and path in self.pages and anchor not in self.pages[path].ids


@pytest.fixture(scope="module")
def read(site: Path) -> Site:
    return Site(site)


@dataclass
class Visit:
    """What a browser met on all pages, by the page."""

    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    poor: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(read: Site, page: Page, address: str) -> Visit:
    visit = Visit()
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("pageerror", lambda error: visit.failures.append(f"{page.url}: {error}"))
    page.on("response", lambda answer: visit.failures.append(answer.url) if answer.status >= 400 else None)
    for path in read.paths:
        page.goto(f"{address}/{path}")
        visit.poor += [f"{path}: {each}" for each in page.evaluate(CONTRASTS, READABLE)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            visit.wide.append(path)
    return visit


def test_links_lead_somewhere(read: Site) -> None:
    broken = {
        (page, link)
        for page, found in read.pages.items()
        for link in found.targets
        if read.broken(page, link)
    }
    assert not broken


def test_every_picture_is_described(read: Site) -> None:
    assert not {page: found.without_alt for page, found in read.pages.items() if found.without_alt}


def test_no_page_names_a_folder_of_the_machine_that_built_it(read: Site) -> None:
    folders = re.compile(r"/tmp/[\w-]+|" + "|".join(map(re.escape, {str(DOCS.parent), str(Path.home())})))
    found = {
        page: set(folders.findall((read.folder / page).read_text(encoding="utf-8"))) for page in read.paths
    }
    assert not {page: names for page, names in found.items() if names}


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    # It takes long to import.
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    described = {name for kind in inventory.data.values() for name in kind}
    wanted = set()
    for name in rivya_nb.__all__:
        wanted.add(f"rivya_nb.{name}")
        if inspect.isclass(found := getattr(rivya_nb, name)) and not issubclass(found, BaseException):
            wanted |= {f"rivya_nb.{name}.{each}" for each in dir(found) if not each.startswith("_")}
    assert not wanted - described


def test_what_is_shown_was_run_or_says_that_it_was_not() -> None:
    """A block is executed, or marked, or a test of its page runs it."""
    typed: list[str] = []
    for page in DOCS.glob("*.md"):
        if page.name in TESTED_ELSEWHERE:
            assert (HERE.parent / TESTED_ELSEWHERE[page.name]).is_file()
            continue
        text = page.read_text(encoding="utf-8")
        blocks = [each for fence in "`:" for each in re.findall(BLOCK.replace("F", fence), text, re.M | re.S)]
        for _, kind, text in blocks:
            # A drawing is in no language.
            is_code = not kind.startswith("{") or kind.startswith(("{code-block}", "{code}"))
            if is_code and not kind.endswith(" none") and ":class: not-run" not in text:
                typed.append(f"{page.name}: {kind} {text[:50]!r}")
    assert not typed


@pytest.mark.parametrize("words", QUESTIONS)
def test_search_finds_the_page_that_answers(page: Page, address: str, words: str) -> None:
    page.goto(f"{address}/search.html?q={quote(words)}")
    # It fills in one by one, the best first, and says at the end how many there are.
    page.get_by_text(re.compile("found .* page|Search finished")).first.wait_for()
    first = page.locator("#search-results li a").first.get_attribute("href") or ""
    assert urlsplit(first).path.removesuffix(".html") == QUESTIONS[words]


def test_nothing_is_asked_of_the_network(visit: Visit, address: str) -> None:
    assert visit.requests
    assert not {url for url in visit.requests if not url.startswith((address, "data:", "blob:"))}


def test_pages_work(visit: Visit) -> None:
    assert not visit.failures


def test_text_is_readable_in_the_dark(visit: Visit) -> None:
    assert not visit.poor


def test_narrow_pages_do_not_scroll_sideways(visit: Visit) -> None:
    assert not visit.wide


def test_every_command_is_in_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = (
        capsys.readouterr().out.partition("--version]")[2].partition("...")[0].replace("|", " ").split()
    )
    page = (DOCS / "reference_commands.md").read_text(encoding="utf-8")
    assert commands
    assert {f"## rivya-nb {command}" for command in commands} <= set(page.splitlines())
