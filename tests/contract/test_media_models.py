"""Video and audio models: which can be run, what they call the seed, numbers with a step, limits of durations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy
import pytest

from rivya_nb.contract.catalogue import Model, bundled, common_params
from rivya_nb.contract.ideas import shared_name
from rivya_nb.contract.live_models import merge
from rivya_nb.contract.references import Reference, check_references
from rivya_nb.contract.request import Request, build_request
from rivya_nb.errors import InvalidRequestError
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.validation import problems

MOVING = [model for model in bundled().values() if model.category != "image"]
FILM = Reference("aa", "video", "video/mp4", "clip.mp4", 1000, duration=5.0)


def wrong(model: str, /, **params: object) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        build_request(bundled()[model], "Rain", params)
    (mistake,) = caught.value.mistakes
    assert "\n" not in str(mistake)
    return str(mistake)


def live(**entry: object) -> Model:
    known = {"id": "new-clip", "category": "video", "base_credits": 9, "max_prompt_length": 500, "params": []}
    return merge(bundled(), [known | entry], 1.0)["new-clip"]


@pytest.mark.parametrize("model", MOVING, ids=lambda model: model.id)
def test_a_model_is_run_if_its_record_is_complete_and_else_the_reason_is_told(model: Model) -> None:
    if model.complete:
        assert bundled().runnable(model.id) is model
        request = build_request(model, "Rain on a tin roof", {})
        # What a model requires is sent with its documented default.
        assert request.params == {param.key: param.default for param in model.params if param.required}
        assert request.base_credits == model.base_credits
        assert request.price_is_least == (model.billing_type == "METERED")
        return
    with pytest.raises(InvalidRequestError, match=rf"'{model.id}' is not complete.*not known: \w+.*refresh"):
        bundled().runnable(model.id)


def test_a_model_that_the_service_describes_as_a_whole_can_be_run_and_another_category_cannot() -> None:
    assert live().can_run
    assert not live(params=[{"key": "x", "type": "select"}]).can_run, "its options are not known"
    assert not live(api_status="coming_soon").can_run
    assert not live(category="chat").can_run
    catalogue = merge(bundled(), [{"id": "gpt", "category": "chat"}], 1.0)
    with pytest.raises(InvalidRequestError, match="'gpt' makes chat, and this tool asks for pictures, video"):
        catalogue.runnable("gpt")


@pytest.mark.parametrize("name", ["seed", "seeds", "Seeds"])
def test_the_seed_is_one_thing_whatever_a_model_calls_it(name: str) -> None:
    sent = {
        "wan-2-7-image-pro": {"seed": 20001},
        "veo3-1-fast": {"seeds": 20001},
        "google-imagen4": {"seed": "20001"},
    }
    for model, params in sent.items():
        request = build_request(bundled()[model], "Rain", {name: 20001})
        assert request.params == params
        assert str(request.seed) == "20001"
        assert request.body((), "id")["params"] == params


def test_a_mistake_in_a_seed_bears_the_name_that_was_written() -> None:
    assert wrong("veo3-1-fast", seed=7).startswith(
        "seed: 7 is below 10000; it takes a whole number from 10000"
    )
    assert wrong("veo3-1-fast", seeds=10_000.5).startswith("seeds: 10000.5 is not a whole number")
    assert "leave the seed out" in wrong("veo3-1-fast", seed=-1)
    assert "given as 'seed' too" in wrong("veo3-1-fast", seed=20001, seeds=20002)


def test_a_param_that_is_called_model_is_another_thing_than_the_model() -> None:
    suno = bundled()["suno-music"]
    for name in ("model", "params.model"):
        assert build_request(suno, "Rain", {name: "V5"}).body((), "id")["params"] == {"model": "V5"}
    assert shared_name("model") == "params.model"
    assert "'V9' is not an option" in wrong("suno-music", model="V9")


@pytest.mark.parametrize(
    ("value", "sent"),
    [(0.1 + 0.2, 0.3), (0.15000000000000002, 0.15), (numpy.float32(0.35), 0.35), (1, 1), (0.05 * 7, 0.35)],
)
def test_computed_numbers_are_sent_without_the_noise_of_computing(value: float, sent: float) -> None:
    request = build_request(bundled()["elevenlabs-sound-effect-v2"], "Rain", {"prompt_influence": value})
    assert repr(request.params["prompt_influence"]) == repr(sent)


def test_a_number_between_two_steps_is_still_refused() -> None:
    assert "0.07 is between two steps; it takes a number from 0 to 1 in steps of 0.05" in wrong(
        "elevenlabs-sound-effect-v2", prompt_influence=0.07
    )
    assert "above 22" in wrong("elevenlabs-sound-effect-v2", duration_seconds=22.5)


def test_a_whole_float_is_an_option_as_it_is_a_number() -> None:
    for value in (5, 5.0, "5"):
        assert build_request(bundled()["kling-3-0"], "Rain", {"duration": value}).params == {"duration": "5"}


def test_what_models_of_options_and_of_numbers_have_in_common_is_what_both_take() -> None:
    both = [bundled()["wan-2-6"], bundled()["grok-imagine-video"]]
    duration = next(param for param in common_params(both) if param.key == "duration")
    assert duration.options == ("10", "15")
    seeds = common_params([bundled()["wan-2-7-image-pro"], bundled()["veo3-1-fast"]])
    assert [(seed.key, seed.minimum, seed.maximum) for seed in seeds if "seed" in seed.key] == [
        ("seed", 10_000, 99_999)
    ]


@pytest.mark.parametrize(
    ("written", "own"),
    [("duration", "n_frames"), ("seconds", "n_frames"), ("aspectRatio", "aspect_ratio")],
)
def test_another_models_word_for_a_videos_setting_is_met_with_the_models_own(written: str, own: str) -> None:
    assert f"sora-2 calls it '{own}'; it takes" in wrong("sora-2", **{written: "10"})


@pytest.mark.parametrize(
    "limit",
    [
        {"max_duration_seconds": 4},
        {"maxDurationSeconds": 4.0},
        {"max_duration": "4"},
        {"max_seconds": 4, "something_else": {}},
        {"min_duration_seconds": "x", "max_duration_s": 4},
    ],
)
def test_a_limit_of_the_duration_is_read_under_any_likely_name(limit: Mapping[str, object]) -> None:
    media = {"max_files": 1, "kinds": ["video"], "per_kind": {"video": {"max_size_mb": 10, **limit}}}
    model = live(reference_media=media)
    (mistake,) = check_references(model, [FILM])
    assert str(mistake) == "clip.mp4: it is 5 s long, and has to be at most 4 s"


@pytest.mark.parametrize(
    "limit", [{}, {"max_duration_seconds": None}, {"max_duration_seconds": -1}, {"max": 1}]
)
def test_what_is_no_limit_of_the_duration_limits_nothing(limit: Mapping[str, object]) -> None:
    media = {"max_files": 1, "kinds": ["video"], "per_kind": {"video": {"max_size_mb": 10, **limit}}}
    assert not check_references(live(reference_media=media), [FILM])


PHOTO = Reference("bb", "image", "image/png", "photo.png", 1000)


@pytest.mark.parametrize(
    ("references", "told"),
    [
        ([PHOTO] * 9, ""),
        ([FILM, *[PHOTO] * 5], ""),
        ([FILM], ""),
        ([PHOTO] * 10, "10 images"),
        ([FILM, *[PHOTO] * 6], "1 video and 6 images"),
        ([FILM, FILM], "2 videos"),
    ],
)
def test_files_that_a_model_does_not_take_together_are_refused(
    references: list[Reference], told: str
) -> None:
    rule = "are too many; happyhorse-1-0 takes 9 images, or 1 video and 5 images"
    wanted = [f"references: {told} {rule}"] if told else []
    model, config = bundled()["happyhorse-1-0"], SandboxConfig()
    assert list(map(str, check_references(model, references))) == wanted
    items = [{"url": "https://example.com/file", "kind": each.kind} for each in references]
    assert bool(problems(model, "Rain", {"referenceMediaItems": items}, config)) == bool(wanted)
    # As the service lists it, the rule holds; where it lists another number of files, it is not known any more.
    media: dict[str, object] = {"max_files": 10, "kinds": ["video", "image"]}
    same, more = (
        merge(bundled(), [{"id": model.id, "reference_media": media | {"max_files": most}}], 1.0)[model.id]
        for most in (10, 12)
    )
    assert list(map(str, check_references(same, references))) == wanted
    assert not check_references(more, references)


def test_a_duration_is_compared_as_it_is_told() -> None:
    media = {"max_files": 1, "kinds": ["video"], "per_kind": {"video": {"min_seconds": 2, "max_seconds": 5}}}
    model = live(reference_media=media)

    def told(seconds: float | None) -> str:
        film = Reference("aa", "video", "video/mp4", "clip.mp4", 1000, duration=seconds)
        return "".join(map(str, check_references(model, [film])))

    assert told(5.0004) == told(2.0) == ""
    assert told(5.042) == "clip.mp4: it is 5.042 s long, and has to be from 2 s to 5 s"
    assert told(1.96) == "clip.mp4: it is 1.96 s long, and has to be from 2 s to 5 s"
    assert told(None) == "clip.mp4: its duration cannot be read, and has to be from 2 s to 5 s"


def test_what_is_required_is_refused_only_where_it_is_left_out_on_purpose() -> None:
    assert "requires it; it takes TX3L" in wrong("elevenlabs-turbo-2-5", voice=None)


def test_the_seed_of_a_request_is_found_under_any_name() -> None:
    assert Request("veo3-1-fast", "Rain", {"seeds": 20001}).seed == 20001
    assert Request("kling-3-0", "Rain", {"duration": "5"}).seed is None


def test_no_record_calls_two_params_by_the_same_shared_name() -> None:
    for model in bundled().values():
        names = [shared_name(key) for key in model.param_keys]
        assert len(names) == len(set(names))
        assert list(map(model.param, names)) == list(model.params)
