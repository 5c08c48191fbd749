"""The words of prompts: kept once for all the jobs that share them, and found by any part of them.

Where SQLite has it (as those that come with Python do), a full-text index of three characters each finds a part
of a word among a hundred thousand prompts within milliseconds. Prompts are never changed or removed, so the index
holds the first of them, up to some number. A word that is too short for it, or a database where a SQLite without
such an index wrote last, is searched by reading all prompts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sqlalchemy import Connection, Integer, Select, column, func, insert, select, table, text

from rivya_nb.store.rows import portions, searchable
from rivya_nb.store.schema import prompts

_SHORTEST = 3
"""Characters that a word must have to be found by the index."""

_INDEX = table("prompt_index", column("rowid", Integer))

_CREATE = (
    "CREATE VIRTUAL TABLE prompt_index USING fts5"
    "(words, content = 'prompts', content_rowid = 'id', tokenize = 'trigram case_sensitive 1')"
)
_CATCH_UP = (
    "INSERT INTO prompt_index (rowid, words) SELECT id, words FROM prompts"
    " WHERE id > (SELECT coalesce(max(id), 0) FROM prompt_index_docsize)"
)
_IS_COMPLETE = "SELECT (SELECT max(id) FROM prompts) IS (SELECT max(id) FROM prompt_index_docsize)"


def can_index(connection: Connection) -> bool:
    """Whether this SQLite can have the index: it knows FTS5, and its tokenizer of three characters (3.34)."""
    known = text("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")
    return sqlite3.sqlite_version_info >= (3, 34) and bool(connection.execute(known).scalar_one())


def has_index(connection: Connection) -> bool:
    """Whether the database has the index."""
    there = text("SELECT count(*) FROM sqlite_master WHERE name = 'prompt_index'")
    return bool(connection.execute(there).scalar_one())


def prepare_index(connection: Connection) -> None:
    """Make the index where it can be and is not there, with all prompts."""
    if can_index(connection) and not has_index(connection):
        connection.exec_driver_sql(_CREATE)
        connection.exec_driver_sql(_CATCH_UP)


def ids_of(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """By prompt, the id of its words, which are added where they are new."""
    words = {prompt: searchable(prompt) for prompt in texts}
    wanted = list(dict.fromkeys(words.values()))
    known = _known(connection, wanted)
    new = [{"words": each} for each in wanted if each not in known]
    if new:
        connection.execute(insert(prompts), new)
        if can_index(connection) and has_index(connection):
            connection.exec_driver_sql(_CATCH_UP)
        known = _known(connection, wanted)
    return {prompt: known[each] for prompt, each in words.items()}


def containing(connection: Connection, asked: str) -> Select[tuple[int]] | None:
    """The ids of prompts in which all words of `asked` occur; None where it has none."""
    words = searchable(asked).split()
    if not words:
        return None
    long = [word for word in words if len(word) >= _SHORTEST] if _is_indexed(connection) else []
    statement = select(prompts.c.id)
    for word in words:
        if word not in long:
            statement = statement.where(func.instr(prompts.c.words, word) > 0)
    if not long:
        return statement
    phrases = " ".join('"{}"'.format(word.replace('"', '""')) for word in long)
    found = select(_INDEX.c.rowid).where(text("prompt_index MATCH :phrases").bindparams(phrases=phrases))
    return found if len(long) == len(words) else statement.where(prompts.c.id.in_(found))


def _known(connection: Connection, wanted: list[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for some in portions(wanted):
        found = connection.execute(select(prompts.c.words, prompts.c.id).where(prompts.c.words.in_(some)))
        known.update((words, number) for words, number in found)
    return known


def _is_indexed(connection: Connection) -> bool:
    """Whether the index is there and holds all prompts."""
    if not (can_index(connection) and has_index(connection)):
        return False
    return bool(connection.exec_driver_sql(_IS_COMPLETE).scalar_one())
