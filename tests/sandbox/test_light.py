"""What a study is tested with: noise between tasks of one request, a known effect, and a service that changes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageStat
from sandboxes import INSTANT, MODEL, sandbox_client, submit

from rivya_nb import sandbox
from rivya_nb.errors import NotConnectedError
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.light import Effect, Light, parse_effects
from sandbox.test_limits import read

PROMPT = "A grey bottle on a grey wall, dusk"


def with_light(light: Light) -> SandboxConfig:
    return replace(INSTANT, light=light, credits=10**6)


def data_of(client: httpx.Client, task: dict[str, object]) -> bytes:
    done = client.get(f"/api/v1/generations/{task['id']}").json()
    return httpx.get(done["result"]["primary_url"], timeout=60).content


def drawn(client: httpx.Client, seed: int = 1, **params: object) -> bytes:
    return data_of(client, submit(client, PROMPT, seed=seed, **params).json())


def brightness(data: bytes) -> float:
    """The mean of all channels, from 0 to 1."""
    return mean(ImageStat.Stat(Image.open(io.BytesIO(data)).convert("RGB")).mean) / 255


def bright(found: Iterable[bytes]) -> list[float]:
    return [brightness(data) for data in found]


def test_without_noise_the_very_same_request_gives_the_very_same_picture() -> None:
    with sandbox_client(with_light(Light())) as client:
        assert len({drawn(client) for _ in range(3)}) == 1
    with sandbox_client(with_light(Light(noise=0.001))) as client:
        assert len({drawn(client) for _ in range(8)}) == 8


def test_replicates_differ_by_the_noise_that_was_asked_for_and_by_nothing_else() -> None:
    with sandbox_client(with_light(Light(noise=0.03)), shrink=8) as client:
        seen = bright(drawn(client) for _ in range(24))
    with sandbox_client(with_light(Light()), shrink=8) as client:
        without = brightness(drawn(client))
    assert stdev(seen) == pytest.approx(0.03, rel=0.3)
    assert mean(seen) == pytest.approx(without, abs=0.015)


def test_a_task_keeps_its_picture_also_when_the_service_changes_before_it_is_fetched(tmp_path: Path) -> None:
    with sandbox_client(with_light(Light(noise=0.05)), tmp_path) as client:
        task, later = submit(client, PROMPT, seed=1).json(), submit(client, PROMPT, seed=1).json()
        first = data_of(client, task)
        assert data_of(client, task) == first
    with sandbox_client(with_light(Light(noise=0.05, drift=0.2)), tmp_path) as client:
        assert data_of(client, task) == first
        assert abs(brightness(data_of(client, later)) - brightness(first)) < 0.15


def test_another_sandbox_gives_the_same_pictures_in_the_same_order() -> None:
    seen = []
    for _ in range(2):
        with sandbox_client(with_light(Light(noise=0.05))) as client:
            seen.append([drawn(client) for _ in range(3)])
    assert seen[0] == seen[1]


def test_an_effect_is_as_large_as_it_says_and_on_its_own_value_only() -> None:
    effects = (Effect("seed", "2", 0.06), Effect("aspect_ratio", "16:9", -0.05))
    params = [
        {"seed": 1},
        {"seed": 2},
        {"seed": 3, "aspect_ratio": "16:9"},
        {"seed": 2, "aspect_ratio": "16:9"},
    ]
    with sandbox_client(with_light(Light())) as client:
        without = bright(drawn(client, **each) for each in params)  # type: ignore[arg-type]
    with sandbox_client(with_light(Light(effects=effects))) as client:
        seen = bright(drawn(client, **each) for each in params)  # type: ignore[arg-type]
    moved = [one - other for one, other in zip(seen, without, strict=True)]
    assert moved == pytest.approx([0, 0.06, -0.05, 0.01], abs=0.001)


def test_an_effect_counts_for_a_default_that_was_not_sent() -> None:
    with sandbox_client(with_light(Light())) as client:
        without = brightness(drawn(client))
    with sandbox_client(with_light(Light(effects=(Effect("aspect_ratio", "1:1", 0.06),)))) as client:
        assert brightness(drawn(client)) - without == pytest.approx(0.06, abs=0.006)


def test_a_drift_changes_every_picture_that_is_asked_for_after_it(tmp_path: Path) -> None:
    seen = []
    for drift in (0.0, 0.08, 0.0):
        with sandbox_client(with_light(Light(drift=drift)), tmp_path) as client:
            seen.append(bright(drawn(client, seed) for seed in (1, 2)))
    assert seen[0] == seen[2]
    assert [one - other for one, other in zip(seen[1], seen[0], strict=True)] == pytest.approx(
        [0.08] * 2, abs=0.006
    )


def test_light_that_would_leave_the_scale_is_cut_off_and_the_mark_stays() -> None:
    for drift in (-1.0, 1.0):
        with sandbox_client(with_light(Light(drift=drift)), shrink=1) as client:
            image = Image.open(io.BytesIO(drawn(client, aspect_ratio="1:1", resolution="1K"))).convert("L")
        assert image.crop((0, 0, 800, 800)).getextrema() == ((0, 0) if drift < 0 else (255, 255))
        darkest, lightest = image.crop((840, 970, 1010, 1010)).getextrema()
        assert lightest - darkest > 100  # type: ignore[operator]


def test_flags_and_variables_of_the_light_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read().light == Light()
    wanted = Light(0.02, (Effect("seed", "7", 0.1), Effect("aspect_ratio", "16:9", -0.05)), -0.25)
    words = {"noise": "0.02", "effect": "seed=7:0.1, aspect_ratio=16:9:-0.05", "drift": "-0.25"}
    assert read(*(f"--{name}={value}" for name, value in words.items())).light == wanted
    for name, value in words.items():
        monkeypatch.setenv(f"RIVYA_SANDBOX_{name.upper()}", value)
    assert read().light == wanted


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("noise", "-0.1", "'-0.1' is not a number from 0 to 1"),
        ("noise", "nan", "'nan' is not a number from 0 to 1"),
        ("noise", "a lot", "'a lot' is not a number from 0 to 1"),
        ("drift", "1.5", "'1.5' is not a number from -1 to 1"),
        ("effect", "seed=7", "'seed=7' is no effect such as seed=7:0.1"),
        ("effect", "0.1", "'0.1' is no effect such as seed=7:0.1"),
        ("effect", "seed=7:lighter", "'lighter' is not a number from -1 to 1"),
        ("effect", "sed=7:0.1", "the param 'sed', which no model has"),
    ],
)
def test_a_wrong_light_is_told_in_words(
    name: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read(f"--{name}={value}")
    assert told in capsys.readouterr().err


def test_a_joined_sandbox_takes_its_light_from_the_environment_and_tells_a_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVYA_SANDBOX_NOISE", "2")
    with pytest.raises(NotConnectedError, match="'2' is not a number from 0 to 1"):
        sandbox.join(tmp_path, latency=0)
    monkeypatch.setenv("RIVYA_SANDBOX_NOISE", "0.05")
    lease = sandbox.join(tmp_path, latency=0)
    headers = {"Authorization": f"Bearer {sandbox.DEFAULT_KEY}"}
    with httpx.Client(base_url=lease.url, headers=headers, timeout=60) as client:
        body = {"model": MODEL, "prompt": PROMPT, "params": {"seed": 1}}
        tasks = [client.post("/api/v1/generations", json=body).json() for _ in range(2)]
        assert len({data_of(client, task) for task in tasks}) == 2
    lease.close()


@given(
    st.dictionaries(st.sampled_from(["seed", "aspect_ratio", "negative_prompt"]), st.integers(), max_size=3)
)
def test_effects_are_read_as_they_are_written(values: dict[str, int]) -> None:
    effects = tuple(Effect(key, str(value), 0.25) for key, value in values.items())
    assert parse_effects(",".join(map(str, effects))) == effects
