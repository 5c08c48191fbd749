"""The indexes of the words of prompts: `pg_trgm` with GIN, which finds a part of a word by its pieces of three
characters, and another one of one and two characters, but for those that most texts have: most Chinese words have
no more.

The server chooses: what no index can find (a frequent letter or two) is looked for in every prompt, each of which
is kept once for all jobs that share it. Without `pg_trgm`, every longer word is, too.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    ColumnElement,
    Connection,
    Text,
    event,
    func,
    literal,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from rivya_nb.store.prompt_words import Sought
from rivya_nb.store.rows import searchable
from rivya_nb.store.schema import APPLICATION_ID, prompts

INDEX = "prompts_by_pieces"

_SHORTEST = 3
"""The fewest characters of a word that the index can find."""

_PENDING = 1024
"""Kilobytes of new prompts that wait unsorted. A prompt has a piece for each of its characters: to sort in each by
itself costs much, but every search reads what waits."""

_EXTENSION = text(
    "SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_trgm'"
)
_MAY_EXTEND = text(
    "SELECT has_database_privilege(current_database(), 'CREATE')"
    " AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"
)
# `to_regclass` goes on to say what a transaction was told at first, while another kernel makes it.
_HAS_INDEX = text(
    "SELECT EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    " WHERE indrelid = to_regclass('prompts') AND relname = :name)"
)
_OWNS_PROMPTS = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('prompts')")
_CHINESE = "棚外"

_FOLLOWERS = {
    " ": "abcdefghijklmnopqrstuvwxyz",
    "a": " bcdfgiklmnprstuvy",
    "b": " aeijlorsuy",
    "c": " acehiklortu",
    "d": " adeilosu",
    "e": " abcdefghilmnpqrstvwxy",
    "f": " aefiortu",
    "g": " acehinorsu",
    "h": " aeiortu",
    "i": " abcdefgklmnoprstvxz",
    "j": " e",
    "k": " aeis",
    "l": " adeilostuy",
    "m": " abeilmopsu",
    "n": " acdefgiklnostuvy",
    "o": " abcdefgiklmnoprstuvw",
    "p": " aeiloprstuy",
    "q": " u",
    "r": " acdegiklmnorstuvy",
    "s": " acehiklnoprstuy",
    "t": " acdehiloprstuwy",
    "u": " abcdegilmnprst",
    "v": " aeiy",
    "w": " aehinors",
    "x": " acept",
    "y": " aoprst",
    "z": " e",
}
"""By a letter, those that come after it in two of a hundred English texts of fifteen words, or in more: they are
met soon where one prompt after the other is looked at. With them, the index would be many times as large."""

_FREQUENT = sorted(
    {*" abcdefghiklmnoprstuvwy", *(one + other for one, others in _FOLLOWERS.items() for other in others)}
)

# A function of the language SQL would be planned for each prompt that is written.
_RARE_PIECES = f"""
CREATE FUNCTION rare_pieces(words text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN RETURN (
    SELECT array_agg(DISTINCT piece) FROM (
        SELECT one, lag(one) OVER (ORDER BY at) AS before
        FROM unnest(string_to_array(words, NULL)) WITH ORDINALITY AS every (one, at)
    ) AS pairs, LATERAL (VALUES (one), (before || one)) AS pieces (piece)
    WHERE piece <> ALL (CAST('{{{",".join(f'"{piece}"' for piece in _FREQUENT)}}}' AS text[]))
); END $$
"""  # noqa: S608 - our own letters

for _statement in (
    _RARE_PIECES,
    "CREATE INDEX prompts_by_rare_pieces ON prompts USING gin (rare_pieces(words))"
    f" WITH (fastupdate = on, gin_pending_list_limit = {_PENDING})",
):
    _ddl = DDL(_statement).execute_if(dialect="postgresql")  # type: ignore[no-untyped-call]
    event.listen(prompts, "after_create", _ddl)


def prepare_index(connection: Connection) -> None:
    """Make the index, and the extension that it needs, where there is none and this role may."""
    if has_index(connection) or not connection.execute(_OWNS_PROMPTS).scalar_one():
        return
    # Another kernel may be making it at this moment.
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPLICATION_ID})
    if has_index(connection):
        return
    if _schema(connection) is None and connection.execute(_MAY_EXTEND).scalar_one():
        try:
            with connection.begin_nested():
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        except DBAPIError:
            # The admin may have left this to nobody else. `why_scanned` tells it.
            return
    if (schema := _schema(connection)) is not None:
        quoted = connection.dialect.identifier_preparer.quote(schema)
        connection.execute(
            text(
                f"CREATE INDEX {INDEX} ON prompts USING gin (words {quoted}.gin_trgm_ops)"
                f" WITH (fastupdate = on, gin_pending_list_limit = {_PENDING})"
            )
        )


def has_index(connection: Connection) -> bool:
    there: bool = connection.execute(_HAS_INDEX, {"name": INDEX}).scalar_one()
    return there


def why_scanned(connection: Connection) -> str | None:
    """Why words are not found by an index, or not those of every script, and what mends it; None where they
    are."""
    if not has_index(connection):
        return (
            "words in prompts are searched for without an index, which is slow in a large history: the database "
            "lacks the extension pg_trgm, or the tables belong to another role. Let an admin run CREATE EXTENSION "
            "pg_trgm in the database, and open the store once as the role that its tables belong to"
        )
    schema = connection.dialect.identifier_preparer.quote(_schema(connection) or "public")
    pieces = connection.execute(text(f"SELECT {schema}.show_trgm(:word)"), {"word": _CHINESE}).scalar_one()
    if not pieces:
        return (
            "Chinese, Thai and other words that are not ASCII are searched for without an index, which is slow in "
            "a large history: the database has the ctype C. A database that is made with LOCALE 'C.UTF-8' and "
            "TEMPLATE template0 has one for all scripts"
        )
    return None


def contain(any_of: tuple[Sought, ...], *, by_index: bool = False) -> ColumnElement[bool]:
    """Whether the words of a prompt have one of these texts, or lack one that is not wanted. `by_index` finds them
    sooner where the prompts that have them are looked for, and later where one prompt after the other is looked
    at."""

    def fits(sought: Sought) -> ColumnElement[bool]:
        text = searchable(sought.text)
        if len(text) >= _SHORTEST:
            is_there: ColumnElement[bool] = prompts.c.words.contains(text, autoescape=True)
        elif by_index and not sought.without and text not in _FREQUENT:
            is_there = func.rare_pieces(prompts.c.words, type_=ARRAY(Text)).contains(
                literal([text], ARRAY(Text))
            )
        else:
            # What no index finds is found twice as fast by this function.
            is_there = func.strpos(prompts.c.words, text) > 0
        return ~is_there if sought.without else is_there

    return or_(*map(fits, any_of))


def _schema(connection: Connection) -> str | None:
    """Where the extension is."""
    schema: str | None = connection.execute(_EXTENSION).scalar_one_or_none()
    return schema
