"""The web UIs' text: its prompt is read whole, or the user is told why not."""

from __future__ import annotations

import pytest

from jobs.carrying import png, with_exif
from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.jobs.recall import recall
from rivya_nb.store.store import Store

SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 768x1024, Model: dream"

# As the web UI wrote them, from the MIT-licensed repositories adieyal/sd-dynamic-prompts (a picture of its
# tutorial) and d3x-at/sd-parsers (a picture of its tests).
PLATINUM = (
    "A diamond ring set on a platinum band.\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 2602647927, Size: 512x512, Model hash: 9ca13f02\n"
    "Template:A diamond ring set on a {{rose|yellow|white} gold|platinum} band."
)
DUCK = (
    "photo of a duck\nNegative prompt: monochrome\n"
    "Steps: 15, Sampler: UniPC, CFG scale: 5, Seed: 235284042, Size: 512x400, Model hash: c0d1994c73, "
    "Model: realistic_realisticVisionV20_v20"
)


def read(text: str, empty_store: Store) -> Request:
    return recall(png(parameters=text), empty_store, bundled())


def test_a_template_behind_the_settings_is_no_part_of_the_prompt(empty_store: Store) -> None:
    told = read(PLATINUM, empty_store)
    assert told.prompt == "A diamond ring set on a platinum band."
    assert dict(told.params) == {"aspect_ratio": "1:1"}
    assert any(note.startswith("seed: ") and "2602647927" in note for note in told.notes)
    assert any(note.startswith("Template: ") and "rose|yellow|white" in note for note in told.notes)


@pytest.mark.parametrize(
    ("text", "prompt", "left_out"),
    [
        (f"a cat\n{SETTINGS}\nTemplate: a {{cat|dog}},\n__hat__\nNegative Template: fog", "a cat", "__hat__"),
        (f"a cat\n{SETTINGS}\nTemplate: a\n{SETTINGS}\nb", "a cat", "Steps: 20"),
        (f"a cat\n{SETTINGS}\nSource Identifier: a web UI", "a cat", "Source Identifier: a web UI"),
        (f"a cat\n\n{SETTINGS}\n\n", "a cat", ""),
        (f"a cat,\r\nblack\r\nNegative prompt: fog,\r\nrain\r\n{SETTINGS}\r\n", "a cat,\nblack", "fog,\\nrain"),
        (f"a cat\nNegative prompt:\n{SETTINGS}", "a cat", ""),
        (f"a cat BREAK a dog\nADDCOMM a cow AND a hen\n{SETTINGS}, RP Active: True, RP Divide mode: Matrix",
         "a cat BREAK a dog\nADDCOMM a cow AND a hen", "RP Divide mode"),
        (f"a board:\nSteps: 1. go 2. stop, Seed: of doubt\nSize: large\n{SETTINGS}",
         "a board:\nSteps: 1. go 2. stop, Seed: of doubt\nSize: large", ""),
        (f"a sign 'Negative prompt: none'\nNegative prompt: fog\n{SETTINGS}",
         "a sign 'Negative prompt: none'", "'fog'"),
        (f'a cat\n{SETTINGS}, Hires prompt: "a cat, asleep:\\nat night", Hires upscale: 2',
         "a cat", "Hires prompt: the web UI wrote this beside the prompt; 'a cat, asleep:\\nat night'"),
        (f'a cat\n{SETTINGS}, ADetailer prompt: "a face, Seed: 9", ADetailer prompt 2nd: hand',
         "a cat", "'a face, Seed: 9' is left out"),
        (f'a cat\n{SETTINGS}, Wildcard prompt: "a __pet__,\\n{{x|y}}", Pad conds (v0): True', "a cat", "__pet__"),
        (f'a cat\n{SETTINGS}, Wildcard prompt: "a __pet__,\nin a\n__room__"', "a cat", "in a\\n__room__"),
        (f'a cat\n{SETTINGS}, ControlNet 0: "Module: canny, Seed: 9, weight: 1", Note: 12" high', "a cat", "Note"),
        (f'a cat\n{SETTINGS}, Hashes: {{"model": "12, Seed: 9"}}, Civitai resources: [{{"id": 1}}, {{"id": 2}}]',
         "a cat", "Hashes, Civitai resources"),
        (f"a cat\nSteps: 20, Version: f2.0.1, Size: 768x1024, Note: {'x' * 70}: y, Seed: 5", "a cat", "Steps"),
    ],
    ids=["templates", "settings in a template", "unknown line", "blank lines", "crlf", "empty negative", "regions",
         "steps in the prompt", "negative in the prompt", "hires", "detailer", "wildcards",
         "wildcards on lines", "quotes", "json",
         "other order"],
)  # fmt: skip
def test_the_prompt_is_what_stands_before_the_settings(
    text: str, prompt: str, left_out: str, empty_store: Store
) -> None:
    told = read(text, empty_store)
    assert (told.prompt, dict(told.params)) == (prompt, {"seed": 5, "aspect_ratio": "3:4"})
    assert left_out in "\n".join(told.notes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a cat", "'a cat' has no line of settings"),
        ("Screenshot", "'Screenshot' has no line of settings"),
        ("Created with GIMP", "has no line of settings"),
        ("a cat, style: noir, light: dim, mood: sad, time: late", "has no line of settings"),
        ("a cat\nNegative prompt: fog", "has no line of settings"),
        ("a cat. Negative prompt: fog. Steps: 20, Sampler: Euler, Seed: 5", "has no line of settings"),
        ("a cat\nSteps: 20\nSampler: Euler\nSeed: 5", "has no line of settings"),
        (SETTINGS, "wrote down no prompt"),
        (f"Negative prompt: fog\n{SETTINGS}", "wrote down no prompt"),
        (f"a cat\n{SETTINGS}\n\na dog\n{SETTINGS}", "two lines of settings"),
        (f"a page\nNegative prompt: a heading\nNegative prompt: fog\n{SETTINGS}", "'Negative prompt:' twice"),
        (f"a c\x93t\n{SETTINGS}", "unknown encoding"),
        (f"a c\ufffdt\n{SETTINGS}", "unknown encoding"),
    ],
)
def test_a_text_that_is_not_understood_is_no_prompt(text: str, reason: str, empty_store: Store) -> None:
    with pytest.raises(UsageError, match="no request can be read from it") as refused:
        read(text, empty_store)
    assert reason in str(refused.value)


TEXT = f"ein café 猫\n{SETTINGS}"


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + TEXT.encode("utf-16-be"),
        b"UNICODE\0" + TEXT.encode("utf-16-le"),
        b"UNICODE\0\xfe\xff" + TEXT.encode("utf-16-be"),
        b"UNICODE\0\xff\xfe" + TEXT.encode("utf-16-le"),
        b"UNICODE\0" + TEXT.encode("utf-16-be") + bytes(3),
        b"UNICODE\0" + TEXT.encode("utf-16-le") + bytes(2),
        b"UNICODE\0" + TEXT.encode(),
        b"UNICODE\0" + TEXT.encode("utf-8-sig") + bytes(4),
        b"Unicode\0" + TEXT.encode("utf-16-le"),
        b"ASCII\0\0\0" + TEXT.encode(),
        b"UTF8\0\0\0\0" + TEXT.encode(),
        bytes(8) + TEXT.encode(),
        bytes(8) + TEXT.encode("utf-16-le"),
        TEXT.encode(),
    ],
    ids=["be", "le", "be mark", "le mark", "be padded", "le padded", "utf-8", "utf-8 mark", "lower case",
         "ascii", "utf-8 by name", "undefined", "undefined utf-16", "no code"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_comment_in_any_encoding_is_read_rightly(comment: bytes, kind: str, empty_store: Store) -> None:
    assert (
        recall(with_exif(kind, {0x0131: "a program"}, comment), empty_store, bundled()).prompt
        == "ein café 猫"
    )


def test_a_comment_in_japanese_encoding_is_read(empty_store: Store) -> None:
    comment = b"JIS\0\0\0\0\0" + f"黒い猫\n{SETTINGS}".encode("iso2022_jp")
    assert recall(with_exif("JPEG", {}, comment), empty_store, bundled()).prompt == "黒い猫"


@pytest.mark.parametrize(
    "comment",
    [
        b"ASCII\0\0\0" + TEXT.replace("猫", "").encode("latin-1"),
        b"UNICODE\0" + TEXT.encode("utf-16-be")[:12] + b"\xd8\x00" + TEXT.encode("utf-16-be")[12:],
        b"JIS\0\0\0\0\0" + TEXT.encode("shift_jis", "replace"),
        b"UNICODE\0" + "猫の写真".encode("utf-16-be"),
    ],
)
def test_a_comment_that_cannot_be_decoded_is_no_prompt(comment: bytes, empty_store: Store) -> None:
    with pytest.raises(UsageError, match="no request can be read from it"):
        recall(with_exif("JPEG", {}, comment), empty_store, bundled())


def test_a_photographed_file_of_the_web_ui_gives_its_settings(empty_store: Store) -> None:
    told = recall(with_exif("JPEG", {}, b"UNICODE\0" + DUCK.encode("utf-16-be")), empty_store, bundled())
    assert (told.prompt, told.params["seed"]) == ("photo of a duck", 235284042)
    assert "negative_prompt: wan-2-7-image-pro has no such param; 'monochrome' is left out" in told.notes
