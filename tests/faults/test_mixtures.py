"""Random mixtures of faults: nothing is billed twice, and nothing that is paid for is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mixing import fuzz
from .place import place_at

# Calls that are repeated sooner find the same service that refuses them, and are repeated the more.
pytestmark = pytest.mark.usefixtures("documented_times")


@pytest.mark.parametrize("seed", [20260511])
def test_a_random_mixture_of_faults_loses_and_doubles_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.jobs.collecting.DEADLINE", 3.0)
    with place_at(tmp_path) as place:
        mix, seen = fuzz(place, jobs=40, seed=seed, rate=0.4)
    print(f"seed {seed}: struck {dict(mix.struck)}, then {[dict(count) for count in seen]}")
    assert min(mix.struck[kind] for kind in ("submit", "poll", "picture")) > 5
