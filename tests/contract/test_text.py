"""Texts that look the same are sent as one, and are one request."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.request import Request, build_request
from rivya_nb.contract.text import as_sent, printable
from rivya_nb.errors import InvalidRequestError

WAN = bundled()["wan-2-7-image-pro"]
IMAGEN = bundled()["google-imagen4"]

SHOWN = st.text(st.sampled_from("ab é\t\r\n\v\f\x1c\x85\u2028\u2029\u00a0\u3000\u200b\ufeff猫\u0301"))
LINE_ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("a cat\r\nat dawn", "a cat\nat dawn"),
        ("a cat\rat dawn", "a cat\nat dawn"),
        ("a cat\r\r\nat dawn", "a cat\n\nat dawn"),
        ("a cat\u2028at\u2029dawn\x85by\vthe\fsea", "a cat\nat\ndawn\nby\nthe\nsea"),
        ("\ufeffa cat", "a cat"),
        (" \ufeff\ufeff a cat \ufeff", "a cat"),
        ("a cat\n\ufeffat dawn", "a cat\nat dawn"),
        ("a cat\r\ufeff\nat dawn", "a cat\nat dawn"),
        ("a cat \t\u00a0\u3000\u200b\n at dawn\u2003", "a cat\n at dawn"),
        ("\n \n a cat\n \nat dawn\n\n", "a cat\n\nat dawn"),
        ("a  cat\n\tat dawn", "a  cat\n\tat dawn"),
        ("cafe\u0301 \uf900", "cafe\u0301 \uf900"),
        (" \r\n\ufeff\u200b", ""),
    ],
)
def test_line_ends_blanks_and_byte_order_marks_are_sent_one_way(written: str, sent: str) -> None:
    assert as_sent(written) == sent


def test_what_python_calls_a_blank_or_a_line_end_is_one() -> None:
    blanks = [char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace()]
    assert [char for char in blanks if as_sent(f"{char}a{char}\nb{char}") not in ("a\nb", "a\n\nb")] == []
    ends = [char for char in blanks if len(f"a{char}b".splitlines()) == 2]
    assert [char for char in ends if as_sent(f"a{char}b") != "a\nb"] == []


@given(SHOWN)
def test_what_is_sent_is_in_no_need_of_it_again(text: str) -> None:
    sent = as_sent(text)
    assert as_sent(sent) == sent == sent.strip()
    assert all(line == line.rstrip() for line in sent.split("\n"))
    assert not set(sent) & set(LINE_ENDS[1:] + "\ufeff")
    assert set(sent) <= {*text, "\n"}


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("a cat\nat dawn", "\ufeff a cat \r\nat dawn\r"),
        ("un caf\u00e9", "un cafe\u0301"),
        ("\uf900", "\u8c48"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\u2126 and \u212b", "\u03a9 and \u00c5"),
    ],
)
def test_prompts_that_look_the_same_are_one_request(one: str, same: str) -> None:
    first, second = (build_request(IMAGEN, text, {"negative_prompt": text}) for text in (one, same))
    assert first.identity == second.identity
    assert first == second
    assert len({first, second}) == 1


@pytest.mark.parametrize(
    "other", ["a cat\n at dawn", "a cat\n\nat dawn", "a  cat\nat dawn", "A cat\nat dawn"]
)
def test_prompts_that_look_different_are_not(other: str) -> None:
    assert Request(WAN.id, "a cat\nat dawn").identity != Request(WAN.id, other).identity


def test_what_a_request_holds_is_what_is_posted() -> None:
    request = build_request(IMAGEN, "e\u0301\r\n ", {"negative_prompt": "\ufeffdogs \r\ncats", "seed": " 7"})
    sent = request.body((), "id")
    assert (sent["prompt"], sent["params"]) == ("e\u0301", {"negative_prompt": "dogs\ncats", "seed": "7"})
    assert (request.prompt, dict(request.params), request.seed) == (sent["prompt"], sent["params"], "7")


def test_the_length_of_a_prompt_is_that_of_what_is_sent() -> None:
    assert len(build_request(WAN, "ab\r\n" * 1666 + "a \ufeff\n", {}).prompt) == 4999
    with pytest.raises(InvalidRequestError, match="5,001 characters are too many"):
        build_request(WAN, "\r\n".join(["a"] * 2501), {})


def test_half_of_a_character_is_no_text() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        build_request(IMAGEN, "a \ud83c cat", {"negative_prompt": "\udf76 dogs", "seed": "\ud800"})
    half = "it holds half of a character (a lone surrogate), which can be neither sent nor stored"
    assert list(map(str, refused.value.mistakes)) == [
        f"prompt: {half}",
        rf"negative_prompt: '\udf76 dogs': {half}",
        rf"seed: '\ud800': {half}",
    ]


@pytest.mark.parametrize("prompt", ["\ufeff", "\u200b \r\n", "\u3000\u2028"])
def test_a_prompt_that_shows_nothing_is_empty(prompt: str) -> None:
    with pytest.raises(InvalidRequestError, match="prompt: it is empty"):
        build_request(WAN, prompt, {})


def test_the_identity_of_a_request_stays_what_it_was() -> None:
    """Stores keep it: a change makes them forget what they have."""
    request = Request(WAN.id, "a cat\nat dawn", {"seed": 7, "resolution": "1K"})
    assert request.identity == "ba01c9ca9f3e3a32463f249da038f8d7cffcd15f056429b566051882a0d3c62a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgen_failed: \x1b[1;31mRED\x1b[0m", "gen_failed: RED"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b(Ba\x1bcb\x1b7", "a b"),
        ("\x9b31mred", "red"),
        ("\x1b]0;without an end", "0;without an end"),
        ("\x1b", ""),
        ("a [2J b", "a [2J b"),
        ("a\x9bHello", "a Hello"),
        ("ключ\x1b[m 鍵", "ключ 鍵"),
    ],
)
def test_what_a_terminal_obeys_is_left_out_whole(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text, 80) == shown


def test_a_key_is_not_put_together_again_by_what_is_left_out() -> None:
    assert printable("rvya_\x1b[0msk_abc") == "rvya_ sk_abc"


def test_a_text_that_was_shortened_is_shortened_again_with_one_ellipsis() -> None:
    for limit in range(8, 14):
        assert printable("seed 2 · …vase… · 1:1", limit).count("……") == 0
        assert printable("A clay pot… · 16:9", limit).endswith("…")
