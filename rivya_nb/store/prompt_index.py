"""The words of prompts, kept once for all jobs that share them, with a full-text index.

If SQLite supports it (as Python's own does), an index of three characters each finds a part of a word among a
hundred thousand prompts within milliseconds. Prompts are never changed or removed, so the index has the first
prompts up to some id. For a shorter word, or if a SQLite without such an index has written last, all prompts
are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sqlalchemy import Connection, Integer, Select, column, func, insert, select, table, text

from rivya_nb.store.rows import portions, searchable
from rivya_nb.store.schema import prompts

_SHORTEST = 3
"""The fewest characters of a word that the index can find."""

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
    """True if this SQLite supports the index: FTS5, and its tokenizer of three characters (3.34)."""
    known = text("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")
    return sqlite3.sqlite_version_info >= (3, 34) and bool(connection.execute(known).scalar_one())


def has_index(connection: Connection) -> bool:
    there = text("SELECT count(*) FROM sqlite_master WHERE name = 'prompt_index'")
    return bool(connection.execute(there).scalar_one())


def prepare_index(connection: Connection) -> None:
    """Create the index with all prompts, if it is supported and does not exist."""
    if can_index(connection) and not has_index(connection):
        connection.exec_driver_sql(_CREATE)
        connection.exec_driver_sql(_CATCH_UP)


def ids_of(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """By prompt, the id of its words; new words are added."""
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
    """The ids of prompts that contain all words of `asked`; None if it has no words."""
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
    """True if the index exists and has all prompts."""
    if not (can_index(connection) and has_index(connection)):
        return False
    return bool(connection.exec_driver_sql(_IS_COMPLETE).scalar_one())
