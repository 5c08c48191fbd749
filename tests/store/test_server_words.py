"""The words of prompts on a server: found by an index where the server can have it, and found without it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from servers import PostgresqlServer
from sqlalchemy import select, text

from rivya_nb.store.places import ServerAddress
from rivya_nb.store.postgresql.words import contain, has_index, why_scanned
from rivya_nb.store.prompt_words import Sought
from rivya_nb.store.questions import Question
from rivya_nb.store.schema import prompts
from rivya_nb.store.store import Store

from .filling import add, done

CHINESE = Question(prompt="棚外架")


def said(store: Store) -> tuple[bool, str | None]:
    with store.database.reading() as connection:
        return has_index(connection), why_scanned(connection)


def made(server: PostgresqlServer, name: str, more: str = "") -> ServerAddress:
    with closing(server.connect()) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {more}")
    return server.address(name)


def test_a_rare_word_of_any_script_is_found_by_the_index(postgresql: PostgresqlServer) -> None:
    with closing(Store.open(postgresql.new_store())) as store:
        assert said(store) == (True, None)
        add(
            store,
            *(done(f"a cat {number} 山水 ภาพถ่าย") for number in range(200)),
            done("a xylophonist, 棚外架"),
        )
        with store.database.writing() as connection:
            connection.execute(text("ANALYZE"))
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            for word in ("xylophonist", "棚外架"):
                found = "EXPLAIN SELECT id FROM prompts WHERE words LIKE '%' || :word || '%'"
                plan = connection.execute(text(found), {"word": word}).scalars()
                assert "prompts_by_pieces" in "\n".join(plan)
        assert store.count(CHINESE) == store.count(Question(prompt="棚")) == 1


def test_words_of_one_or_two_characters_are_found_by_an_index(postgresql: PostgresqlServer) -> None:
    with closing(Store.open(postgresql.new_store())) as store:
        add(store, *(done(f"a cat {number} ภาพ {chr(0x4E00 + number)}") for number in range(200)))
        add(store, done("黑猫 on 山水"), done("a 猫, a 山"), done("山水 at night"), done("b d"))
        add(store, done('an "XQ\\7k" 100% {}, q'), done("q7"))
        with store.database.writing() as connection:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            for words in ("山水", "山", "xq", "7k", "z", "8"):
                found = select(prompts.c.id).where(contain((Sought(words),), by_index=True))
                plan = str(found.compile(connection, compile_kwargs={"literal_binds": True}))
                assert "prompts_by_rare_pieces" in "\n".join(
                    connection.execute(text(f"EXPLAIN {plan}")).scalars()
                )
        expected = {
            "山水": 2,
            "山": 3,
            "黑猫": 1,
            "猫": 2,
            "猫山": 0,
            "水 猫": 1,
            "山水 -猫": 1,
            "黑 OR 山水": 2,
        }
        expected |= {"b": 1, "d 猫": 0, "-山": 203, "黑 OR b": 2, "ภา": 200, "a": 203, "t猫": 0, "棚": 0}
        assert {words: store.count(Question(prompt=words)) for words in expected} == expected
        expected |= {
            "xq": 1,
            "7K": 1,
            "q": 2,
            "7": 40,
            '"k\\""': 0,
            '"': 1,
            "\\": 1,
            "%": 1,
            "{}": 1,
            "qx": 0,
            "z": 0,
        }
        pages = {words: len(store.history(Question(prompt=words), limit=500)) for words in expected}
        assert pages == expected


def test_without_the_extension_words_are_found_and_what_is_missing_is_said(
    postgresql: PostgresqlServer,
) -> None:
    address = postgresql.new_store()
    with closing(postgresql.connect(address.database)) as connection:
        connection.execute("DROP EXTENSION pg_trgm CASCADE")
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA public TO guest")
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO guest")
        connection.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO guest")
    guest = postgresql.address(address.database, user="guest")
    with closing(Store.open(guest)) as store:
        add(store, done("a xylophonist, 棚外架"), done())
        assert store.count(CHINESE) == store.count(Question(prompt="phon")) == 1
        indexed, why = said(store)
        assert not indexed
        assert why is not None
        assert "CREATE EXTENSION pg_trgm" in why
    # The owner of the tables makes both, with the prompts that are there.
    with closing(Store.open(address)) as store:
        assert said(store) == (True, None)
        assert store.count(CHINESE) == 1


def test_a_database_of_ctype_c_says_that_it_indexes_no_chinese_and_finds_it(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = made(postgresql, "of_ctype_c", "LC_CTYPE 'C' LC_COLLATE 'C' ENCODING 'UTF8'")
    with closing(Store.open(address, pictures=(tmp_path / "pictures").as_uri())) as store:
        add(store, done("a xylophonist, 棚外架"), done())
        assert store.count(CHINESE) == store.count(Question(prompt="phon 外")) == 1
        indexed, why = said(store)
        assert indexed
        assert why is not None
        assert "ctype C" in why
    postgresql.drop(address)
