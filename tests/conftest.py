"""The option `--no-skips`, for machines on which every test has to run; and real kernels, for any test."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from kernels import kernel, kernel_newest, start_kernel

__all__ = ["kernel", "kernel_newest", "start_kernel"]


TOGETHER = ("browser", "test_cli")
"""Tests that share something costly: each of these stays in one process."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in TOGETHER:
            if name in item.path.parts or item.path.stem == name:
                item.add_marker(pytest.mark.xdist_group(name))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that skips has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, which --no-skips does not allow: {reason}"
