"""Another model's word for a setting is met with the model's own, and never sent in its place."""

from __future__ import annotations

import pytest

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.ideas import IDEAS, same_idea, same_shape, takes_time
from rivya_nb.contract.request import build_request
from rivya_nb.errors import InvalidRequestError

IMAGE_MODELS = [model for model in bundled().values() if model.category == "image"]


@pytest.mark.parametrize(
    ("model_id", "written", "own"),
    [
        ("wan-2-7-image-pro", "aspectRatio", "aspect_ratio"),
        ("wan-2-7-image-pro", "size", "aspect_ratio"),
        ("flux-2-pro", "aspect_ratio", "aspectRatio"),
        ("nano-banana", "aspect_ratio", "imageSize"),
        ("4o-image", "image_size", "size"),
        ("seedream-4-0", "resolution", "image_resolution"),
        ("seedream-4-0", "n", "max_images"),
        ("seedream-3-0", "cfg_scale", "guidance_scale"),
        ("flux-kontext-pro", "output_format", "outputFormat"),
    ],
)
def test_another_models_word_is_met_with_the_models_own(model_id: str, written: str, own: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{model_id} calls it '{own}'; it takes"):
        build_request(bundled()[model_id], "A bottle", {written: "1:1"})


def test_what_no_model_means_is_no_idea() -> None:
    assert same_idea("sparkle", ("aspect_ratio", "seed")) is None
    assert same_idea("aspect_ratio", ("seed",)) is None


@pytest.mark.parametrize("model", IMAGE_MODELS, ids=lambda model: model.id)
def test_no_model_has_two_params_of_one_idea(model: object) -> None:
    for idea in IDEAS:
        assert len(set(idea).intersection(model.param_keys)) <= 1  # type: ignore[attr-defined]


def test_every_shape_key_of_the_catalogue_is_known_as_one() -> None:
    shapes = {param.key for model in IMAGE_MODELS for param in model.params if "1:1" in (param.options or ())}
    assert shapes <= set(IDEAS[0])


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("16:9", "landscape_16_9"),
        ("9:16", "portrait_16_9"),
        ("1:1", "square_hd"),
        ("1024x768", "landscape_4_3"),
    ],
)
def test_a_shape_written_another_way_is_met_with_the_models_option(written: str, option: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"did you mean '{option}'"):
        build_request(bundled()["ideogram-v3"], "A bottle", {"image_size": written})


def test_what_is_no_shape_has_no_likeness() -> None:
    assert same_shape("auto", ("1:1", "16:9")) is None
    assert same_shape("0:0", ("1:1", "auto")) is None
    assert same_shape("landscape_16_9", ("1:1", "16:9")) == "16:9"
    assert same_shape("9:16", ("landscape", "portrait")) == "portrait"


def test_what_makes_a_task_longer_is_known_under_each_models_name() -> None:
    assert all(
        map(takes_time, ["resolution", "image_resolution", "quality", "speed", "max_images", "num_images"])
    )
    assert not any(map(takes_time, ["seed", "aspect_ratio", "image_size", "output_format", "watermark"]))
