"""The line of `%rivya`: a command for the session, and its arguments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import did_you_mean, listing, short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.words import (
    OPENING_QUOTES,
    ObjectName,
    WordError,
    read_value,
    refuse_keys,
    split_words,
)

MOST_DIGITS = 15
"""The most digits that a run's id has; no store has so many runs."""


@dataclass(frozen=True)
class Command:
    """A command's name, None where the line is empty, and its arguments without their quotes.

    Where a command reads its own words, its arguments are these, as they were written."""

    name: str | None
    arguments: tuple[str, ...] = ()


def parse_command(text: str, commands: Collection[str], readers: Collection[str] = ()) -> Command:
    """Which of `commands` the line gives; `readers` are those that read their own words.

    Raises:
        UsageError: it is none of them, or an argument cannot be read; nothing of a key is repeated.
    """
    words = split_words(text)
    refuse_keys(words)
    if not words:
        return Command(None)
    name, *rest = words
    if name not in commands:
        is_prose = len(words) > 2 and not did_you_mean(name, commands)
        hint = "; a prompt goes below a line with %%rivya" if is_prose else ""
        raise UsageError([Mistake("%rivya", f"{_unknown(name, commands)}{hint}")])
    if name in readers:
        return Command(name, tuple(rest))
    arguments: list[str] = []
    mistakes: list[Mistake] = []
    for word in rest:
        try:
            value = read_value(word)
        except WordError as error:
            mistakes.append(Mistake(name, str(error)))
            continue
        if isinstance(value, ObjectName):
            mistakes.append(Mistake(name, f"{shortened(word)} is a variable, and a command takes plain text"))
        else:
            arguments.append(value.text)
    if mistakes:
        raise UsageError(mistakes)
    return Command(name, tuple(arguments))


def take_flags(
    command: str, arguments: Sequence[str], switches: Collection[str], valued: Collection[str] = ()
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The arguments without their flags, and the values of these by name: `--name value` and `--name=value`.

    The value of a switch is empty, and so is one that is not given.

    Raises:
        UsageError: an argument is another flag.
    """
    words: list[str] = []
    flags: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in valued:
            is_next = not equals and rest and not rest[0].startswith("--")
            flags[name] = rest.pop(0) if is_next else value
        elif word in switches:
            flags[word] = ""
        elif word.startswith("--"):
            raise UsageError(
                [
                    Mistake(
                        command, f"{shortened(word)} is not a flag{did_you_mean(word, [*switches, *valued])}"
                    )
                ]
            )
        else:
            words.append(word)
    return tuple(words), flags


def run_meant(text: str) -> int | str:
    """The run that a word of a line means: its id where it is a whole number, else its name."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else text


def _unknown(name: str, commands: Collection[str]) -> str:
    if "=" in name:
        return "this is for the session; params belong to a %%rivya cell, above its prompt"
    if name[0] in "\"'" + OPENING_QUOTES or name[0] == "{":
        return f"{short_repr(name)} is no command; a prompt goes below a line with %%rivya, with two percent signs"
    hint = did_you_mean(name, commands) or f"; it has {listing(commands)}"
    return f"{short_repr(name)} is no command{hint}"
