"""What the sandbox finds in a prompt to draw."""

from __future__ import annotations

import pytest

from rivya_nb.errors import UsageError
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.sandbox.prompt_reading import Reading, read
from rivya_nb.sandbox.words import COLOURS, OTHER_WORDS, SUBJECTS, listed, vocabulary

RED, BLUE, ORANGE = (COLOURS[name][0] for name in ("red", "blue", "orange"))


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("A red fox in fresh snow", "fox"),
        ("A red fox in deep snow", "fox"),
        ("A CAT", "cat"),
        ("kittens", "cat"),
        ("some cherries", "fruit"),
        ("a glass bottle", "bottle"),
        ("a glass vase", "vase"),
        ("a coffee cup", "cup"),
        ("a cat drinking coffee", "cat"),
        ("an apple tree", "tree"),
        ("an orange", "fruit"),
        ("an orange cat", "cat"),
        ("an orange fluffy cat", "cat"),
        ("a fox and a cat", "fox"),
        ("a fox under the moon", "fox"),
        ("a table without flowers", None),
        ("a lighthouse", "lighthouse"),
        ("a catalogue of cupboards and foxgloves", None),
        ("a portrait of a woman", None),
        ("", None),
        ("雪地里的红狐狸", "fox"),
        ("花瓶", "vase"),
        ("熊猫", None),
        ("แจกันดอกไม้", "vase"),
        ("แมวน้ำ", None),
    ],
)
def test_the_first_thing_that_is_known_is_drawn(prompt: str, thing: str | None) -> None:
    assert read(prompt).subject == thing


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("a fox", 1),
        ("foxes", 3),
        ("two foxes", 2),
        ("4 red foxes", 4),
        ("a pair of foxes", 2),
        ("twenty foxes", 3),
        ("99 foxes", 9),
        ("a fox from 1950", 1),
        ("a fox with two tails", 1),
        ("两只狐狸", 2),
        ("แมวสามตัว", 3),
    ],
)
def test_a_number_or_a_plural_says_how_many(prompt: str, count: int) -> None:
    assert read(prompt).count == count


@pytest.mark.parametrize(
    ("prompt", "body", "accent", "backdrop"),
    [
        ("a red ball", RED, None, None),
        ("a ball, red", RED, None, None),
        ("the ball is red", RED, None, None),
        ("ลูกบอลสีแดง", RED, None, None),
        ("a ball on a red table", None, None, RED),
        ("a bottle with a red cap", None, RED, None),
        ("an orange cat on a blue wall", ORANGE, None, BLUE),
        ("a red robot", RED, None, None),
        ("ขวดสีน้ำเงิน", BLUE, None, None),
    ],
)
def test_a_colour_is_that_of_its_phrase(prompt: str, body: object, accent: object, backdrop: object) -> None:
    reading = read(prompt)
    assert (reading.body, reading.accent, reading.backdrop) == (body, accent, backdrop)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A bottle, morning light", {"light": "dawn"}),
        ("A bottle, candle light", {"light": "candle light"}),
        ("A bottle at the golden hour", {"light": "dusk"}),
        ("A bottle in the dark", {"light": "night"}),
        ("A dark red bottle", {"light": None}),
        ("A bright red bottle", {"light": None}),
        ("A bottle on a beach in the rain", {"setting": "sand", "weather": "rain"}),
        ("a black-and-white bottle", {"mood": "monochrome", "body": None}),
    ],
)
def test_light_setting_weather_and_mood(prompt: str, expected: dict[str, object]) -> None:
    reading = read(prompt)
    assert {name: getattr(reading, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "other"),
    [("morning", "evening"), ("in snow", "in a forest"), ("in rain", "in fog"), ("", "one")],
)
def test_a_word_changes_one_thing(words: str, other: str) -> None:
    one, two = read(f"a red fox {words}"), read(f"a red fox {other}")
    assert sum(getattr(one, name) != getattr(two, name) for name in Reading.__slots__) == (
        0 if not words else 1
    )


def test_every_word_that_is_listed_is_read_as_what_it_is() -> None:
    for subject, words in SUBJECTS.items():
        assert {word: read(word).subject for word in listed(words)} == dict.fromkeys(listed(words), subject)
    for word in listed(OTHER_WORDS):
        assert read(word) == Reading()
    for words in (words for entries in vocabulary().values() for words in entries):
        assert all(read(f"{word} fox") != Reading() for word in listed(words))


def test_the_magic_lists_the_words_without_a_session(capsys: pytest.CaptureFixture[str]) -> None:
    COMMANDS["sandbox"].act(("words",))
    told = capsys.readouterr().out
    assert "lighthouse" in told
    assert "candle light" in told
    with pytest.raises(UsageError, match="unknown word 'wrods'; %rivya sandbox words lists"):
        COMMANDS["sandbox"].act(("wrods",))
