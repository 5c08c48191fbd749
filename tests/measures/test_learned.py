"""The adapters of trained models, with stand-ins for packages whose weights are downloaded."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import rivya_nb as rv
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.measures import learned, registry


class Tensor:
    """As much of a tensor as the adapters use."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, float)

    def to(self, _place: object) -> Tensor:
        return self

    def float(self) -> Tensor:
        return self

    def permute(self, *axes: int) -> Tensor:
        return Tensor(self.values.transpose(axes))

    def clamp(self, *, min: float) -> Tensor:  # noqa: A002 - as torch has it
        return Tensor(np.maximum(self.values, min))

    def sum(self, *, dim: int) -> Tensor:
        return Tensor(self.values.sum(axis=dim))

    def tolist(self) -> Any:
        return self.values.tolist()

    def item(self) -> Any:
        return self.values.item()

    def __getitem__(self, key: Any) -> Tensor:
        return Tensor(self.values[key])

    def __mul__(self, other: Tensor) -> Tensor:
        return Tensor(self.values * other.values)

    def __truediv__(self, other: float) -> Tensor:
        return Tensor(self.values / other)


class Network:
    """Embeds a picture by its first pixel, and a prompt by its words of colours."""

    def eval(self) -> None:
        pass

    def encode_image(self, pixels: Tensor, *, normalize: bool) -> Tensor:
        assert normalize
        return Tensor(pixels.values / np.linalg.norm(pixels.values, axis=1, keepdims=True))

    def encode_text(self, tokens: Tensor, *, normalize: bool) -> Tensor:
        return self.encode_image(tokens, normalize=normalize)


@pytest.fixture(autouse=True)
def _packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def module(name: str, **names: Any) -> None:
        made = ModuleType(name)
        vars(made).update(names)
        monkeypatch.setitem(sys.modules, name, made)

    def create(model: str, *, pretrained: str, device: str) -> tuple[Any, None, Any]:
        if pretrained == "gone":
            raise OSError("no network")
        return Network(), None, lambda image: image.getpixel((0, 0))

    def tokens(prompts: list[str]) -> Tensor:
        return Tensor([[prompt.count(word) for word in ("red", "green", "blue")] for prompt in prompts])

    def metric(name: str, *, device: object) -> Any:
        if name == "lpips":
            return lambda one, other: Tensor(abs(one.values - other.values).mean())
        return lambda image: Tensor(image.values.mean())

    module(
        "torch",
        stack=Tensor,
        inference_mode=nullcontext,
        from_numpy=Tensor,
        device=str,
        cuda=SimpleNamespace(is_available=lambda: False),
    )
    module("open_clip", create_model_and_transforms=create, get_tokenizer=lambda _: tokens)
    configs = {
        "lpips": {"metric_mode": "FR", "lower_better": True},
        "musiq": {"metric_mode": "NR"},
        "ssim": {"metric_mode": "FR"},
        "fid": {"metric_mode": "FR"},
    }
    module("pyiqa", create_metric=metric)
    module("pyiqa.default_model_configs", DEFAULT_CONFIGS=configs)
    monkeypatch.setattr(learned.metadata, "version", lambda _: "0.1.16")
    monkeypatch.setattr(registry, "_defined", {})
    for cached in (learned._clip, learned._iqa):
        cached.cache_clear()


def plain(colour: str, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_clip_score_says_how_well_a_picture_fits_its_prompt() -> None:
    measure = rv.clip_score()
    assert registry.find_measure("clip_score") is measure
    assert (measure.kind, measure.takes_request, measure.higher_is) == ("batch", True, "better")
    requests = [Request("wan", prompt) for prompt in ("a red fox", "a blue fox", "red and blue")]
    assert measure([plain("red")] * 3, requests) == pytest.approx([2.5, 0, 2.5 / 2**0.5])


def test_other_weights_are_another_version(tmp_path: Any) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(b"one")
    first = rv.clip_score("ViT-B-32", str(file)).version
    file.write_bytes(b"two")
    versions = {
        first,
        rv.clip_score("ViT-B-32", str(file)).version,
        rv.clip_score().version,
        rv.clip_score("ViT-L-14").version,
    }
    assert len(versions) == 4


def test_weights_that_cannot_be_loaded_are_told_once_before_anything_is_measured() -> None:
    require = rv.clip_score("ViT-B-32", "gone").require
    assert require is not None
    with pytest.raises(UsageError, match=r"ViT-B-32, gone cannot be loaded \(OSError: no network\)"):
        require()


def test_a_metric_of_pyiqa_measures_pictures_or_pairs() -> None:
    musiq, lpips = rv.iqa("musiq"), rv.iqa("lpips")
    assert (musiq.kind, musiq.higher_is) == ("batch", "better")
    assert musiq([plain("white"), plain("black", (4, 9))]) == [1, 0]
    assert (lpips.kind, lpips.higher_is, lpips.version) == ("pair", "worse", "pyiqa 0.1.16")
    assert lpips(plain("white"), plain("black")) == 1
    with pytest.raises(ValueError, match=r"one size, and these have 8 × 8 and 4 × 9"):
        lpips(plain("white"), plain("white", (4, 9)))
    assert rv.iqa("ssim").name == "pyiqa_ssim"


def test_a_metric_that_there_is_not_is_told() -> None:
    with pytest.raises(UsageError, match=r"no metric of pictures 'lpip'.*did you mean 'lpips'\?"):
        rv.iqa("lpip")
    with pytest.raises(UsageError, match="no metric of pictures 'fid'"):
        rv.iqa("fid")


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open_clip", "pyiqa"):
        monkeypatch.setitem(sys.modules, name, None)
    require = rv.clip_score().require
    assert require is not None
    for use in (require, lambda: rv.iqa("lpips")):
        with pytest.raises(UsageError, match=r"pip install 'rivya-nb\[learned\]'"):
            use()
