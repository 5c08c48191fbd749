"""The words of prompts, kept once for all jobs that share them, with a full-text index.

If SQLite supports it (as Python's own does), an index of three characters each finds a part of a word among a
hundred thousand prompts within milliseconds. A shorter word is looked up among the indexed pieces that begin with
it; so that every character begins one, two line feeds are indexed behind each prompt. Prompts are never changed
or removed, so the index has the first prompts up to some id. For a frequent short word, or if a SQLite without
such an index has written last, all prompts are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    column,
    exists,
    func,
    or_,
    select,
    table,
    text,
)

from rivya_nb.store.columns import digest, insert_for
from rivya_nb.store.lookup import ids_by_content
from rivya_nb.store.prompt_words import Sought, read_sought
from rivya_nb.store.rows import searchable
from rivya_nb.store.schema import prompts

_SHORTEST = 3
"""The fewest characters of a word that the index can find."""

FEW = 1000
"""Prompts that are looked up one by one; a word in more of them is a frequent one."""

_INDEX = table("prompt_index", column("rowid", Integer))
_PIECES = table("prompt_pieces", column("term", Text), column("doc", Integer))
"""Which prompts each indexed piece of three characters is in."""

_LAST_CHARACTER = "\U0010ffff"

_CREATE = (
    "CREATE VIRTUAL TABLE prompt_index USING fts5"
    "(words, content = 'prompts', content_rowid = 'id', tokenize = 'trigram case_sensitive 1')"
)
_CREATE_PIECES = "CREATE VIRTUAL TABLE prompt_pieces USING fts5vocab(prompt_index, instance)"
_CATCH_UP = (
    "INSERT INTO prompt_index (rowid, words) SELECT id, words || char(10, 10) FROM prompts"
    " WHERE id > (SELECT coalesce(max(id), 0) FROM prompt_index_docsize)"
)
_IS_COMPLETE = "SELECT (SELECT max(id) FROM prompts) IS (SELECT max(id) FROM prompt_index_docsize)"


def can_index(connection: Connection) -> bool:
    """True if this SQLite supports the index: FTS5, and its tokenizer of three characters (3.34)."""
    if connection.dialect.name != "sqlite":
        return False
    known = text("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")
    return sqlite3.sqlite_version_info >= (3, 34) and bool(connection.execute(known).scalar_one())


def has_index(connection: Connection) -> bool:
    there = text("SELECT count(*) FROM sqlite_master WHERE name = 'prompt_index'")
    return bool(connection.execute(there).scalar_one())


def prepare_index(connection: Connection) -> None:
    """Create the index with all prompts, if it is supported and does not exist."""
    if can_index(connection) and not has_index(connection):
        connection.exec_driver_sql(_CREATE)
        connection.exec_driver_sql(_CREATE_PIECES)
        catch_up(connection)


def catch_up(connection: Connection) -> None:
    """Add to the index, if there is one and it is supported, the prompts that it does not have."""
    if can_index(connection) and has_index(connection):
        connection.exec_driver_sql(_CATCH_UP)


def ids_of(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """By prompt, the id of its words; new words are added."""
    words = {prompt: searchable(prompt) for prompt in texts}
    wanted = list(dict.fromkeys(words.values()))
    known = ids_by_content(connection, prompts.c.words, wanted)
    # In one order: of two that add the same, one waits for the other, and never both.
    new = sorted(({"digest": digest(each), "words": each} for each in wanted if each not in known), key=str)
    if new:
        connection.execute(insert_for(connection, prompts).on_conflict_do_nothing(), new)
        catch_up(connection)
        known = ids_by_content(connection, prompts.c.words, wanted)
    return {prompt: known[each] for prompt, each in words.items()}


def containing(connection: Connection, asked: str) -> Sequence[int] | Select[tuple[int]] | None:
    """The ids of prompts that contain what `asked` (as `read_sought` reads it) wants in them: themselves where
    they are few, otherwise a statement that finds them; None if it wants nothing in them.

    What they must not contain is left out here as far as the index can tell; `not_wanted` tells all of it.
    """
    wanted, unwanted = _parted(asked)
    if not wanted:
        return None
    statement = _statement(connection, wanted, unwanted)
    found: list[Any] = list(connection.execute(statement.limit(FEW + 1)).scalars())
    return found if len(found) <= FEW else statement


def not_wanted(asked: str, prompt_id: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Conditions for a job with this prompt id: what `asked` wants no prompt to contain, or leaves to choose."""
    _, unwanted = _parted(asked)

    def fits(sought: Sought) -> ColumnElement[bool]:
        is_there = func.instr(prompts.c.words, searchable(sought.text)) > 0
        return ~is_there if sought.without else is_there

    return [exists().where(prompts.c.id == prompt_id, or_(*map(fits, any_of))) for any_of in unwanted]


def _parted(asked: str) -> tuple[list[tuple[str, ...]], list[tuple[Sought, ...]]]:
    """The words of which one each has to be there, and everything else that is asked for."""
    sought = read_sought(asked)
    wanted = [any_of for any_of in sought if not any(each.without for each in any_of)]
    rest = [any_of for any_of in sought if any_of not in wanted]
    return [tuple(searchable(each.text) for each in any_of) for any_of in wanted], rest


def _statement(
    connection: Connection, wanted: Sequence[Sequence[str]], unwanted: Sequence[Sequence[Sought]]
) -> Select[tuple[int]]:
    has_all = is_indexed(connection)
    long = [words for words in wanted if has_all and all(len(word) >= _SHORTEST for word in words)]
    statement = select(prompts.c.id)
    others = [words for words in wanted if words not in long]
    for words in others:
        statement = statement.where(or_(*(func.instr(prompts.c.words, word) > 0 for word in words)))
        few = _few_with(connection, words) if has_all else None
        if few is not None:
            statement = statement.where(prompts.c.id.in_(few))
    if not long:
        return statement
    phrases = " AND ".join(f"({' OR '.join(map(_phrase, words))})" for words in long)
    # What is too short for the index is looked for in each prompt.
    left_out = [searchable(each.text) for (each, *more) in unwanted if not more]
    for word in left_out:
        if len(word) >= _SHORTEST:
            phrases = f"({phrases}) NOT {_phrase(word)}"
    matched = select(_INDEX.c.rowid).where(text("prompt_index MATCH :phrases").bindparams(phrases=phrases))
    return statement.where(prompts.c.id.in_(matched)) if others else matched


def _phrase(word: str) -> str:
    return '"{}"'.format(word.replace('"', '""'))


def _few_with(connection: Connection, words: Sequence[str]) -> Sequence[int] | None:
    """The ids of prompts among which are those with one of these words; None where they are not few."""
    starts = (word[:_SHORTEST] for word in words)
    begins = or_(*(_PIECES.c.term.between(start, start + _LAST_CHARACTER) for start in starts))
    pieces = select(_PIECES.c.doc).distinct().where(begins)
    found = [number for (number,) in connection.execute(pieces.limit(FEW + 1))]
    return found if len(found) <= FEW else None


def is_indexed(connection: Connection) -> bool:
    """True if the index exists and has all prompts."""
    if not (can_index(connection) and has_index(connection)):
        return False
    return bool(connection.exec_driver_sql(_IS_COMPLETE).scalar_one())
