"""Pictures whose settings are JSON: InvokeAI's, SwarmUI's, Fooocus', NovelAI's and Draw Things'.

The forms are those of files that these programs wrote, and of their sources; the texts are our own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.carrying import png, with_exif
from rivya_nb.contract.catalogue import bundled
from rivya_nb.errors import UsageError
from rivya_nb.jobs.recall import recall
from rivya_nb.store.store import Store

Told = dict[str, Any]

INVOKE = {"positive_prompt": "a barn", "negative_prompt": "fog", "seed": 5, "width": 1024, "height": 1024}
SD_METADATA = {
    "model": "stable diffusion",
    "app_id": "invoke-ai/InvokeAI",
    "image": {"prompt": [{"prompt": "a barn [fog, rain]", "weight": 1.0}], "seed": 5, "width": 512, "height": 512},
}  # fmt: skip
SWARM = {"prompt": "a barn", "negativeprompt": "fog", "seed": 5, "width": 1024, "height": 1024, "steps": 20}
FOOOCUS = {
    "prompt": "a barn",
    "base_model": "jugger",
    "seed": "5",
    "resolution": "(1024, 1024)",
    "styles": "['x']",
}
NOVEL = {"prompt": "a barn", "uc": "fog", "seed": 5, "width": 1024, "height": 1024, "steps": 28}
DRAW = {"c": "a barn", "uc": "fog", "seed": 5, "size": "1024x1024", "model": "flux", "v2": {"seed": 5}}


def xmp(comment: str) -> bytes:
    escaped = comment.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    alternatives = f'<rdf:Alt><rdf:li xml:lang="x-default">{escaped}</rdf:li></rdf:Alt>'
    return png(**{"XML:com.adobe.xmp": f"<x><exif:UserComment>{alternatives}</exif:UserComment></x>"})


ONE = {
    "invoke": png(invokeai_metadata=json.dumps(INVOKE)),
    "invoke, its style alike": png(invokeai_metadata=json.dumps({**INVOKE, "positive_style_prompt": "a barn"})),
    "invoke, no style": png(invokeai_metadata=json.dumps({**INVOKE, "positive_style_prompt": ""})),
    "invoke 2": png(**{"sd-metadata": json.dumps(SD_METADATA)}),
    "invoke 1": png(Dream='"a barn [fog]" -s 50 -S 5 -W 512 -H 512 -C 7.5 -A k_lms -U 4 0.95'),
    "swarm": png(parameters=json.dumps({"sui_image_params": SWARM, "sui_extra_data": {"date": "2025-01-25"}})),
    "swarm jpeg": with_exif(
        "JPEG", {}, b"UNICODE\0" + json.dumps({"sui_image_params": SWARM}, indent=2).encode("utf-16-be")
    ),
    "fooocus": png(parameters=json.dumps(FOOOCUS), fooocus_scheme="fooocus"),
    "fooocus jpeg": with_exif("JPEG", {0x9286: json.dumps(FOOOCUS), 0x0131: "Fooocus v2.5.5"}),
    "novel": png(Software="NovelAI", Comment=json.dumps(NOVEL), Description="a barn"),
    "novel 4": png(
        Comment=json.dumps({**NOVEL, "v4_prompt": {"caption": {"base_caption": "a barn", "char_captions": []}}})
    ),
    "novel, earlier": png(
        Software="NovelAI",
        Description="a barn",
        Comment=json.dumps({key: value for key, value in NOVEL.items() if key != "prompt"}),
    ),
    "novel webp": with_exif("WEBP", {}, b"ASCII\0\0\0" + json.dumps(NOVEL).encode()),
    "draw things": xmp(json.dumps(DRAW)),
    "draw things jpeg": with_exif("JPEG", {}, b"ASCII\0\0\0" + json.dumps(DRAW).encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_one_prompt_is_read_with_its_seed_and_shape(name: str, empty_store: Store) -> None:
    told = recall(ONE[name], empty_store, bundled())
    assert (told.prompt, dict(told.params)) == ("a barn", {"seed": 5, "aspect_ratio": "1:1"})
    if "fooocus" not in name:
        assert any(note.startswith("negative_prompt: ") and "fog" in note for note in told.notes)


def test_what_else_was_told_is_named(empty_store: Store) -> None:
    told = recall(
        png(invokeai_metadata=json.dumps({**INVOKE, "loras": [{"weight": 1}], "vae": None})),
        empty_store,
        bundled(),
    )
    assert "InvokeAI wrote settings that mean nothing here; left out: loras" in told.notes


NONE = {
    "a region": (
        {**INVOKE, "canvas_v2_metadata": {"regionalGuidance": [{"positivePrompt": "a cow"}, {"x": None}]}},
        "2 prompts",
    ),
    "a style": ({**INVOKE, "positive_style_prompt": "a cow"}, "2 prompts"),
    "weighted": (
        {**SD_METADATA, "image": {"prompt": [{"prompt": "a barn", "weight": 2}, {"prompt": "a cow"}]}},
        "2 prompts",
    ),
    "characters": (
        {**NOVEL, "v4_prompt": {"caption": {"char_captions": [{"char_caption": "a cow", "centers": []}]}}},
        "2 prompts",
    ),
    "negative only": ({**SD_METADATA, "image": {"prompt": "[fog]", "seed": 5}}, "no prompt"),
    "swarm's wildcards": ({"sui_image_params": {"prompt": "a <random:barn|cow>"}}, "wildcards"),
    "no prompt": ({"sui_image_params": {"seed": 5}}, "no prompt"),
    "another's JSON": ({"title": "a barn", "artist": "me"}, "no prompt"),
    "other shapes": ({"prompt": {"text": "a barn"}}, "no prompt"),
}  # fmt: skip


@pytest.mark.parametrize("key", ["parameters", "invokeai_metadata"])
@pytest.mark.parametrize("name", NONE)
def test_half_of_what_was_told_is_never_the_prompt(name: str, key: str, empty_store: Store) -> None:
    told, reason = NONE[name]
    with pytest.raises(UsageError, match="no request can be read from it") as refused:
        recall(png(**{key: json.dumps(told)}), empty_store, bundled())
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": json.dumps(SWARM)[:-9]},
        {"prompt": "a barn"},
        {"Dream": "a barn"},
        {"Dream": '"a barn -S 5'},
        {"Comment": json.dumps([1])},
        {"Comment": "Created with GIMP", "Description": "a barn"},
    ],
)
def test_broken_or_unknown_texts_are_no_prompt(texts: dict[str, str], empty_store: Store) -> None:
    with pytest.raises(UsageError, match="no request can be read from it"):
        recall(png(**texts), empty_store, bundled())


def test_a_text_that_is_understood_counts_before_one_that_is_not(empty_store: Store) -> None:
    data = png(invokeai_metadata='{"seed": 1}', parameters="Screenshot", Comment=json.dumps(NOVEL))
    assert recall(data, empty_store, bundled()).prompt == "a barn"
