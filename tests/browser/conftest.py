"""One browser and one JupyterLab for all tests of this folder; kernels end with the file that began them."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from sandboxes import running_sandbox

from browser.harness import ANSWER_SECONDS, CHROMIUM_ARGUMENTS, Lab, find_chromium, jupyter_lab
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

NO_CHROMIUM = (
    "no Chromium found: install one (Debian and Ubuntu: `apt-get install chromium`; "
    "macOS: `brew install --cask chromium`) to run the browser tests"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    # Nothing here is about speed, and a machine may be busy.
    expect.set_options(timeout=ANSWER_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Its notebooks find one sandbox with small pictures, unless they ask for one of their own."""
    base = tmp_path_factory.mktemp("lab")
    # Done at the first question; whoever watches a run at work asks the sandbox for more time.
    with running_sandbox(SandboxConfig(latency=1, credits=10_000), shrink=4) as url:
        environment = {
            "RIVYA_BASE_URL": url,
            "RIVYA_API_KEY": DEFAULT_KEY,
            "RIVYA_STORE": str(base / "store"),
            "RIVYA_SANDBOX_LATENCY": "1",
        }
        with jupyter_lab(chromium, base, environment) as running:
            yield running


@pytest.fixture(scope="module", autouse=True)
def no_kernels_left(lab: Lab, screenshots: Path) -> Iterator[None]:
    yield
    lab.end_kernels()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what is on the pages when a test fails."""
    report = yield
    found = getattr(item, "funcargs", {})
    if report.failed and {"lab", "screenshots"} <= found.keys():
        found["lab"].screenshot_all(found["screenshots"], "failed-" + re.sub(r"[^\w-]+", "-", item.name))
    return report
