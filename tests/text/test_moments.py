"""What a day is, where the clocks change at its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from rivya_nb.planning.moments import moment

CAIRO = "EET-2EEST,M4.5.5/0,M10.5.4/24"
NUUK = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system takes no zone from its environment")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "day", "first", "next_first"),
    [
        pytest.param(CAIRO, "2026-10-29", "2026-10-28T21:00Z", "2026-10-29T22:00Z", id="its last hour twice"),
        pytest.param(CAIRO, "2026-04-24", "2026-04-23T22:00Z", "2026-04-24T21:00Z", id="without its first hour"),
        pytest.param(NUUK, "2026-03-28", "2026-03-28T02:00Z", "2026-03-29T01:00Z", id="without its last hour"),
        pytest.param(BERLIN, "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z", id="an hour twice"),
    ],
    indirect=["zone"],
)  # fmt: skip
@pytest.mark.usefixtures("zone")
def test_a_day_is_whole_where_its_clocks_change(day: str, first: str, next_first: str) -> None:
    assert moment(day, now=0) == moment(first, now=0)
    assert moment(day, end=True, now=0) == pytest.approx(moment(next_first, now=0), abs=1e-5)
    assert datetime.fromtimestamp(moment(day, end=True, now=0)).date().isoformat() == day
