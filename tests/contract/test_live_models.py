"""The service's own list, merged into the bundled catalogue: read leniently, whatever it holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Catalogue, Model, Param, ReferenceRule, bundled
from rivya_nb.contract.live_models import NEEDS_FILES, NOT_LISTED, merge
from rivya_nb.contract.request import build_request
from rivya_nb.errors import InvalidRequestError
from rivya_nb.sandbox.model_list import model_list
from rivya_nb.views.models import not_known_words

WAN = bundled()[DEFAULT_MODEL]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

ENTRY_KEYS = (
    "display_name",
    "category",
    "base_credits",
    "billing_type",
    "max_prompt_length",
    "reference_media",
    "params",
    "api_status",
    "supported_api_inputs",
    "file_kinds",
)
PARAM_KEYS = (
    "key",
    "type",
    "required",
    "default",
    "options",
    "range",
    "min",
    "max",
    "step",
    "value",
    "label",
)
MEDIA_KEYS = ("max_files", "kinds", "per_kind", "image", "kind", "max_size_mb", "mime_types")


def shaped(keys: tuple[str, ...], inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """JSON that looks more or less like what one expects under these keys."""
    return st.dictionaries(st.sampled_from(keys), inner, max_size=6)


PARAMS = st.lists(shaped(PARAM_KEYS, JSON | st.lists(shaped(PARAM_KEYS, JSON), max_size=3)), max_size=3)
MEDIA = shaped(MEDIA_KEYS, JSON | shaped(MEDIA_KEYS, JSON | shaped(MEDIA_KEYS, JSON)))
ENTRIES = st.builds(
    lambda model_id, entry: {**entry, "id": model_id},
    st.sampled_from([DEFAULT_MODEL, "brand-new", "sora-2"]) | JSON,
    st.fixed_dictionaries({}, optional={"params": PARAMS | JSON, "reference_media": MEDIA | JSON})
    | st.dictionaries(st.sampled_from(ENTRY_KEYS), JSON, max_size=6),
)


def live(model_id: str = DEFAULT_MODEL, /, **entry: Any) -> Model:
    """The model as it is after a list with this one entry."""
    return merge(bundled(), [{"id": model_id, "category": "image", **entry}], 1.0)[model_id]


def new(*params: Any, **entry: Any) -> Model:
    """A model that is not bundled."""
    return live("brand-new", params=list(params), **entry)


@given(st.lists(ENTRIES | JSON, max_size=4))
@example([{"id": "brand-new", "params": [{"key": "seed", "min": 5, "max": 1}]}])
def test_no_json_whatsoever_does_any_harm(entries: list[object]) -> None:
    merged = merge(bundled(), entries, 1.0)
    assert set(bundled()) <= set(merged)
    for model in merged.values():
        assert all(isinstance(text, str) and text for text in (model.id, model.display_name, *model.notes))
        try:
            build_request(model, "A bottle", {param.key: param.default for param in model.params})
        except InvalidRequestError:
            continue


def test_the_sandboxs_own_list_says_what_the_bundled_records_say() -> None:
    entries = model_list(bundled()).model_dump()["data"]
    for model_id, model in merge(bundled(), entries, 1.0).items():
        known = bundled()[model_id]
        assert model.live
        assert model.notes == ()
        assert (model.params, model.references) == (known.params, known.references)
        assert (model.base_credits, model.max_prompt_length) == (known.base_credits, known.max_prompt_length)
        assert model.complete == known.complete


def test_the_list_overrules_what_is_bundled() -> None:
    model = live(base_credits=20, max_prompt_length=100, display_name="Wan Pro", api_status="coming_soon")
    assert (model.base_credits, model.max_prompt_length, model.display_name) == (20, 100, "Wan Pro")
    assert not model.can_run
    assert model.params == WAN.params


def test_a_catalogue_knows_when_its_list_came_and_keeps_what_is_not_listed() -> None:
    merged = merge(bundled(), [{"id": "brand-new"}], 17.0)
    assert merged.fetched_at == 17.0
    assert merged["brand-new"].live
    assert merged[DEFAULT_MODEL].notes == (NOT_LISTED,)
    assert merged.runnable(DEFAULT_MODEL)


@pytest.mark.parametrize("entries", [[], [None, 3, {}, {"id": 5}, {"id": " "}]])
def test_a_list_of_nothing_changes_nothing(entries: list[object]) -> None:
    assert merge(bundled(), entries, 1.0) is bundled()


@pytest.mark.parametrize(
    "record",
    [
        {"key": "tone", "type": "select", "options": ["1", "warm", "true"], "default": "warm"},
        {"key": "tone", "name": "Tone", "options": [1, "warm", True], "default": "warm"},
        {"name": "tone", "type": "enum", "choices": [1, "warm", True], "default_value": "warm"},
    ],
)
def test_options_are_read_under_their_documented_name_or_an_alias(record: dict[str, object]) -> None:
    assert new(record).params == (Param("tone", "select", False, "warm", ("1", "warm", "true")),)


@pytest.mark.parametrize(
    "record",
    [
        {"key": "scale", "type": "number", "min": 1, "max": 10, "step": 0.5, "default": 2},
        {"key": "scale", "type": "Number", "range": {"min": 1, "max": 10, "step": 0.5}, "default": "2"},
        {"name": "scale", "type": "float", "range": {"minimum": "1", "maximum": "10"}, "step": 0.5}
        | {"default": 2.0},
    ],
)
def test_ranges_are_read_flat_and_within(record: dict[str, object]) -> None:
    assert new(record).params == (Param("scale", "number", False, 2, None, 1, 10, 0.5),)


def test_a_switch_is_sent_as_the_two_strings() -> None:
    model = new({"key": "upscale", "type": "boolean", "default": False})
    assert model.params[0].default == "false"
    assert build_request(model, "A bottle", {"upscale": True}).params == {"upscale": "true"}


def test_a_type_that_nobody_knows_takes_any_text() -> None:
    model = new({"key": "palette", "type": "colour-wheel"})
    assert build_request(model, "A bottle", {"palette": "#ff8800"}).params == {"palette": "#ff8800"}
    assert not model.complete


def test_what_the_list_leaves_out_of_a_param_comes_from_the_bundled_record() -> None:
    model = live(params=[{"key": "seed"}, {"key": "resolution", "type": "select", "options": ["1K", "8K"]}])
    assert model.param("seed") == WAN.param("seed")
    resolution = model.param("resolution")
    assert resolution is not None
    assert resolution.options == ("1K", "8K")
    assert resolution.default == "2K"
    assert model.notes == ()


@pytest.mark.parametrize("params", ["none", 7, [{"type": "select"}], [[]], ["seed"], {"seed": {}}])
def test_params_that_cannot_be_read_are_the_bundled_ones_and_said_to_be(params: object) -> None:
    model = live(params=params)
    assert model.params == WAN.params
    assert model.notes == ("its params could not be read; the bundled ones are used",)


def test_an_empty_list_of_params_tells_nothing() -> None:
    assert live(params=[]).params == WAN.params
    assert live("brand-new", params=[]).params == ()


@pytest.mark.parametrize("kinds", [["image"], "image", None])
def test_reference_rules_are_read_as_the_bundled_records_have_them(kinds: object) -> None:
    per_kind = {"image": {"max_size_mb": "7", "mime_types": ["image/png"], "max_pixels": 9}}
    media = {"max_files": 3, "kinds": kinds, "per_kind": per_kind}
    rules = live("brand-new", reference_media=media).references
    assert rules is not None
    assert (rules.max_files, rules.kinds) == (3, ("image",))
    assert rules.rule("image") == ReferenceRule("image", 7_000_000, ("image/png",))


@pytest.mark.parametrize("media", ["nine pictures", [], {}, {"maxFiles": 3}, {"image": {"max_files": 3}}])
def test_reference_rules_that_cannot_be_read_are_the_bundled_ones_and_said_to_be(media: object) -> None:
    model = live(reference_media=media, params=[])
    assert model.references == WAN.references
    assert "its reference rules could not be read; the bundled ones are used" in model.notes
    assert live(reference_media={"max_files": 2}).references.rules == WAN.references.rules  # type: ignore[union-attr]


def test_prices_are_what_they_are() -> None:
    assert live(base_credits=None).base_credits is None
    assert "its price" in live(base_credits=None).unknown
    assert live(base_credits="a few").base_credits == 12
    assert live(base_credits="a few").notes[0] == "its price could not be read; the bundled one is used"
    assert live(base_credits=12.5).base_credits == 13
    assert not live(billing_type="TOKEN_BASED").has_fixed_price
    assert live(billing_type="FIXED").has_fixed_price


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"category": "video"}, "the record of 'brand-new' is not complete"),
        ({"category": "chat", "billing_type": "TOKEN_BASED"}, "makes chat"),
        ({"category": None}, "what 'brand-new' makes is not known"),
        ({"api_status": "coming_soon"}, "cannot be called yet"),
        ({"api_status": "studio_only"}, "own studio only"),
        ({"api_status": "retired"}, "the service says 'retired' of it"),
    ],
)
def test_what_cannot_be_run_says_what_it_is(entry: dict[str, object], words: str) -> None:
    catalogue = merge(bundled(), [{"id": "brand-new", "category": "image", **entry}], 1.0)
    with pytest.raises(InvalidRequestError, match=words) as refused:
        catalogue.runnable("brand-new")
    assert "the nearest that can be run is" in str(refused.value)
    assert "Nothing was sent" in str(refused.value)


def test_the_nearest_model_that_can_be_asked_is_offered() -> None:
    with pytest.raises(InvalidRequestError, match="the nearest that can be run is 'seedance-1-5-pro'"):
        bundled().runnable("seedance-1-0-pro")
    only = Catalogue([bundled()["wan-2-7-video"]])
    with pytest.raises(InvalidRequestError, match=r"is not complete.* asks the service for it\n"):
        only.runnable("wan-2-7-video")


def test_an_incomplete_record_says_what_is_not_known_and_a_live_one_fills_it() -> None:
    known = bundled()["seedream-4-5"]
    assert known.unknown == (
        "how many references it takes",
        "how large a reference may be",
        "in which formats references come",
    )
    rule = {"max_size_mb": 10, "mime_types": ["image/png"]}
    media = {"max_files": 4, "kinds": ["image"], "per_kind": {"image": rule}}
    filled = live("seedream-4-5", reference_media=media, params=[{"key": "quality"}])
    assert filled.unknown == ()
    assert filled.complete


@pytest.mark.parametrize(
    "status", ["available_text", "partial_requires_files", "requires_files_api", None, []]
)
def test_a_model_that_needs_a_file_says_so_in_its_plans(status: object) -> None:
    told = f"brand-new: {NEEDS_FILES}" in not_known_words(new(api_input_status=status))
    assert told == (status == "requires_files_api")
