"""What may be sent: params, prompts and references against a model's record."""

from __future__ import annotations

import copy
import dataclasses
import json
import operator
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Param, bundled
from rivya_nb.contract.references import Reference, sniff
from rivya_nb.contract.request import Request, build_request
from rivya_nb.contract.text import prompt_length
from rivya_nb.errors import InvalidRequestError

WAN = bundled()[DEFAULT_MODEL]
IMAGEN = bundled()["google-imagen4"]


def mistakes(prompt: str = "A bottle", **params: object) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        build_request(WAN, prompt, params)
    return str(refused.value)


@given(st.integers(min_value=0, max_value=2**31 - 1))
def test_every_seed_of_the_documented_range_is_sent_as_it_is(seed: int) -> None:
    assert build_request(WAN, "A bottle", {"seed": seed}).params == {"seed": seed}


@given(st.one_of(st.integers(max_value=-1), st.integers(min_value=2**31)))
def test_every_seed_beyond_the_documented_range_is_refused_with_the_range(seed: int) -> None:
    assert "from 0 to 2147483647" in mistakes(seed=seed)


@pytest.mark.parametrize("seed", [1.5, "7", True, float("nan"), float("inf"), [1], "x" * 5000])
def test_what_is_no_whole_number_is_no_seed(seed: object) -> None:
    message = mistakes(seed=seed)
    assert "it takes a whole number from 0 to 2147483647" in message
    assert len(message) < 250


@pytest.mark.parametrize("seed", [2**53 + 1, 10**400, -(10**400), 1e300])
def test_a_number_that_would_not_arrive_as_it_is_is_no_number(seed: float) -> None:
    unbounded = replace(WAN, params=(Param("seed", "number", step=1),))
    with pytest.raises(InvalidRequestError, match="too large to be sent exactly"):
        build_request(unbounded, "A bottle", {"seed": seed})


def test_numbers_of_numpy_are_numbers() -> None:
    request = build_request(WAN, "A bottle", {"seed": numpy.int64(7)})
    assert json.dumps(dict(request.params)) == '{"seed": 7}'


def test_a_switch_is_sent_as_the_string_that_the_service_demands() -> None:
    for switched_on in (True, "True", "true"):
        assert build_request(WAN, "A bottle", {"watermark": switched_on}).params == {"watermark": "true"}


def test_a_text_seed_takes_a_whole_number_and_sends_text() -> None:
    assert build_request(IMAGEN, "A bottle", {"seed": 7}).params == {"seed": "7"}


def test_none_is_not_sent_and_defaults_are_left_to_the_service() -> None:
    assert build_request(WAN, "A bottle", {"seed": None}).params == {}


def test_all_mistakes_are_told_at_once_with_the_nearest_choice() -> None:
    message = mistakes(prompt=" ", aspect_ration="1:1", aspect_ratio="16x9", resolution="4K", seed=-1)
    for words in (
        "5 mistakes",
        "did you mean 'aspect_ratio'?",
        "did you mean '16:9'?",
        "it takes 1K, 2K",
        "-1 is below 0",
        "prompt: it is empty",
        "Nothing was sent",
    ):
        assert words in message


def test_a_prompt_is_counted_in_utf_16_units() -> None:
    assert prompt_length("🍶") == 2
    build_request(WAN, "🍶" * 2500, {})
    assert "5,002 characters are too many; wan-2-7-image-pro takes 5,000" in mistakes(prompt="🍶" * 2501)


def test_requests_are_equal_when_what_would_be_sent_is() -> None:
    one = Reference("ab" * 32, "image", "image/png", "one.png", 10)
    same = Reference("ab" * 32, "image", "image/png", "other name.png", 10)
    first = Request(WAN.id, " A bottle\n", {"seed": 1, "resolution": "1K"}, (one,))
    second = Request(WAN.id, "A bottle", {"resolution": "1K", "seed": 1}, (same,))
    assert first.identity == second.identity
    assert first.identity != Request(WAN.id, "A bottle", {"seed": 2, "resolution": "1K"}, (one,)).identity


def test_a_request_cannot_be_changed() -> None:
    request = Request(WAN.id, "A bottle", {"seed": 1})
    with pytest.raises(TypeError):
        request.params["seed"] = 2  # type: ignore[index]
    assert hash(request) == hash(Request(WAN.id, "A bottle ", {"seed": 1}))


@pytest.mark.parametrize(
    "change",
    [
        lambda params: params.__delitem__("seed"),
        lambda params: operator.ior(params, {"seed": 2}),
        lambda params: params.update(seed=2),
        lambda params: params.setdefault("resolution", "1K"),
        lambda params: params.pop("seed"),
        lambda params: params.popitem(),
        lambda params: params.clear(),
    ],
    ids=["del", "or", "update", "setdefault", "pop", "popitem", "clear"],
)
def test_params_refuse_every_change_and_say_how_to_have_others(
    change: Callable[[Mapping[str, object]], object],
) -> None:
    given: dict[str, Any] = {"seed": 1}
    request = Request(WAN.id, "A bottle", given)
    with pytest.raises(TypeError, match=r"dataclasses\.replace\(request, params="):
        change(request.params)
    given["seed"] = 2
    assert (request.params, request.seed) == ({"seed": 1}, 1)
    other = dataclasses.replace(request, params={**request.params, "seed": 7})
    assert (other.seed, other == request) == (7, False)
    assert request.params | {"seed": 7} == other.params


def test_a_request_is_plain_data_to_json_copies_and_pickles() -> None:
    reference = Reference("ab" * 32, "image", "image/png", "one.png", 10, "a note")
    request = Request(WAN.id, "A bottle", {"seed": 1, "resolution": "1K"}, [reference], 12, ("changed",))  # type: ignore[arg-type]
    assert json.loads(json.dumps(request.params)) == {"seed": 1, "resolution": "1K"}
    told = json.loads(json.dumps(dataclasses.asdict(request)))
    assert (told["params"], told["references"][0]["name"]) == ({"seed": 1, "resolution": "1K"}, "one.png")
    pickled = [pickle.loads(pickle.dumps(request, number)) for number in range(pickle.HIGHEST_PROTOCOL + 1)]
    for same in (copy.copy(request), copy.deepcopy(request), *pickled):
        assert same == request
        assert (same.notes, same.base_credits, same.references) == (("changed",), 12, (reference,))
        with pytest.raises(TypeError, match="cannot be changed"):
            same.params["seed"] = 2


def test_a_requests_seed_is_the_one_among_its_params() -> None:
    for written, params in (
        ({"seed": None, "resolution": "1K"}, {"resolution": "1K"}),
        ({"seed": numpy.int64(7)}, {"seed": 7}),
        ({"seed": " 7\n"}, {"seed": "7"}),
        ({"seed": 0}, {"seed": 0}),
        ({}, {}),
    ):
        request = Request(WAN.id, "A bottle", written)  # type: ignore[arg-type]
        assert json.loads(json.dumps(request.params)) == params == request.body((), "id")["params"]
        assert request.seed == params.get("seed")
        assert request.identity == Request(WAN.id, "A bottle", params).identity  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"GIF89a", None),
        (b"hello", None),
        (b"", None),
    ],
)
def test_the_signature_says_what_a_file_is(header: bytes, mime: str | None) -> None:
    assert sniff(header) == mime


def test_references_are_checked_by_the_models_record() -> None:
    picture = Reference("", "image", "image/png", "a.png", 20_000_001)
    with pytest.raises(InvalidRequestError, match=r"a\.png: 20\.0 MB is over the limit of 20 MB"):
        build_request(WAN, "A bottle", {}, [picture])
    small = Reference("", "image", "image/png", "a.png", 10)
    build_request(WAN, "A bottle", {}, [small] * 9)
    with pytest.raises(InvalidRequestError, match=r"10 are too many; .* takes 9"):
        build_request(WAN, "A bottle", {}, [small] * 10)
    with pytest.raises(InvalidRequestError, match="takes none"):
        build_request(IMAGEN, "A bottle", {}, [small])


@pytest.mark.parametrize("model", [model for model in bundled().values() if model.category == "image"])
def test_the_documented_defaults_of_every_image_model_are_valid(model: object) -> None:
    defaults = {param.key: param.default for param in model.params}  # type: ignore[attr-defined]
    request = build_request(model, "A bottle", defaults)  # type: ignore[arg-type]
    assert dict(request.params) == {key: value for key, value in defaults.items() if value is not None}


def test_a_model_that_is_not_there_is_met_with_the_nearest() -> None:
    with pytest.raises(InvalidRequestError, match="did you mean 'wan-2-7-image-pro'"):
        bundled().runnable("wan-27-image-pro")


def test_a_number_between_two_steps_is_refused_and_one_on_a_step_is_not() -> None:
    model = bundled()["seedream-3-0"]
    assert build_request(model, "A bottle", {"guidance_scale": 2.3}).params == {"guidance_scale": 2.3}
    with pytest.raises(InvalidRequestError, match=r"from 1 to 10 in steps of 0\.1"):
        build_request(model, "A bottle", {"guidance_scale": 2.35})
