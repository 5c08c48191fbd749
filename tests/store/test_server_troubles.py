"""A store on a server that may only be read, or whose server refuses in the middle of the work, says so."""

from __future__ import annotations

import os
import pwd
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from disks import may_mount, small_disk
from servers import PostgresqlServer, postgresql_server
from sqlalchemy import text

import rivya_nb as rv
from rivya_nb.errors import DatabaseUnreachableError, StoreError
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store import persisting
from rivya_nb.store.places import ServerAddress, read_place
from rivya_nb.store.postgresql.trouble import grants
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import a_job, add, done
from .processes import Start, told
from .test_server_refusals import new_role


def as_role(address: ServerAddress, role: str, settings: str = "") -> ServerAddress:
    found = read_place(
        f"postgresql://{role}@/{address.database}?host={address.host}&port={address.port}{settings}"
    )
    assert isinstance(found, ServerAddress)
    return found


@contextmanager
def only_reading(server: PostgresqlServer, address: ServerAddress) -> Iterator[Store]:
    """A store with a job, opened as a user who may only read."""
    with closing(Store.open(address)) as store:
        add(store, done())
    role = new_role(server)
    with server.connect(address.database) as admin:
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    with closing(Store.open(as_role(address, role))) as store:
        yield store


def test_a_user_who_may_only_read_reads_and_is_told_so(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with only_reading(postgresql, address) as store:
        assert store.is_read_only
        assert "(may only be read), pictures in " in store.describe()
        assert [job.request.prompt for job in store.history(Question())] == ["a cat"]
        for write in (lambda: add(store, a_job()), store.make_ready):
            with pytest.raises(
                StoreError, match=r"may only be read \(.*no right to write.*To write, open another"
            ):
                write()
    postgresql.drop(address)


@pytest.mark.parametrize("setting", ["default_transaction_read_only = on"])
def test_a_database_that_is_set_to_be_read_only_is_read(postgresql: PostgresqlServer, setting: str) -> None:
    address = postgresql.new_store()
    with postgresql.connect(address.database) as admin:
        admin.execute(f"ALTER DATABASE {address.database} SET {setting}")
    with closing(Store.open(address)) as store:
        assert store.runs.newest() == []
        with pytest.raises(StoreError, match=r"only read.*default_transaction_read_only is on"):
            add(store, a_job())
    empty = postgresql.new_database()
    with postgresql.connect(empty.database) as admin:
        admin.execute(f"ALTER DATABASE {empty.database} SET {setting}")
    with pytest.raises(
        StoreError, match=r"there is no store yet, and none can be made .the server lets this user only"
    ):
        Store.open(empty)


def test_a_standby_is_read(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with closing(Store.open(address)) as store:
        add(store, done())
    with postgresql_server(postgresql) as standby:
        with closing(Store.open(standby.address(address.database))) as store:
            assert [job.request.prompt for job in store.history(Question())] == ["a cat"]
            with pytest.raises(StoreError, match=r"may only be read .the server is a standby"):
                add(store, a_job())
            # It has its own locks, and does not know who works at the server that it follows.
            with store.database.reading() as connection:
                assert store.owner.living(connection, ["ab" * 16]) == {"ab" * 16}
        with pytest.raises(
            StoreError, match=r"there is no store yet, and none can be made .the server is a standby"
        ):
            Store.open(standby.address("postgres"))


def test_a_right_that_is_taken_away_later_is_named(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    role = new_role(postgresql)
    with postgresql.connect(address.database) as admin:
        admin.execute(grants("public", role))
        with closing(Store.open(as_role(address, role))) as store:
            add(store, a_job())
            admin.execute(f"REVOKE INSERT ON runs FROM {role}")
            with pytest.raises(StoreError, match=r"lacks a right .permission denied for table runs"):
                add(store, a_job())
            assert len(store.runs.newest()) == 1


def ask_for_too_long(store: Store) -> None:
    with store.database.reading() as connection:
        # A limit for this statement only: others may take as long on a busy machine.
        connection.execute(text("SET LOCAL statement_timeout = 200"))
        connection.execute(text("SELECT pg_sleep(60)"))


def test_limits_that_an_administrator_has_set_are_named(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisting, "PATIENCE", 0.1)
    address = postgresql.new_store()
    with closing(Store.open(as_role(address, "postgres"))) as store:
        # Whoever can wait tries again: the server may be less busy then.
        with pytest.raises(DatabaseUnreachableError, match=r"longer than it allows .*statement_timeout"):
            ask_for_too_long(store)
        assert store.runs.newest() == []
    with (
        closing(Store.open(as_role(address, "postgres", "&options=-clock_timeout=200"))) as store,
        postgresql.connect(address.database) as admin,
        admin.transaction(),
    ):
        admin.execute("LOCK TABLE runs")
        with pytest.raises(DatabaseUnreachableError, match="another program has locked what is needed"):
            add(store, a_job())
    postgresql.drop(address)


def test_a_transaction_may_wait_for_files_however_long_the_server_lets_others_wait(
    postgresql: PostgresqlServer,
) -> None:
    address = postgresql.new_store()
    limited = as_role(address, "postgres", "&options=-cidle_in_transaction_session_timeout=100")
    with (
        closing(Store.open(limited)) as store,
        postgresql.connect() as admin,
        store.database.reading() as connection,
    ):
        # The server ends what is idle for too long, which `pg_sleep` there waits for.
        connection.execute(text("SELECT 1"))
        admin.execute("SELECT pg_sleep(0.4)")
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    postgresql.drop(address)


def test_words_of_another_language_do_not_end_the_waiting_for_a_server() -> None:
    said = "das Datenbanksystem startet gerade"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_refuse, args=(listener, said)).start()
        address = read_place(f"postgresql://127.0.0.1:{listener.getsockname()[1]}/rivya?sslmode=disable")
        with pytest.raises(DatabaseUnreachableError, match=said):
            Store.open(address)


def _refuse(listener: socket.socket, said: str) -> None:
    """Speak PostgreSQL's protocol as far as a refusal."""
    with listener.accept()[0] as connection:
        connection.recv(4096)
        fields = b"SFATAL\0VFATAL\0C57P03\0M" + said.encode() + b"\0\0"
        connection.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)


def test_an_error_of_a_statement_repeats_nothing_of_what_was_written(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with (
        closing(Store.open(address)) as store,
        pytest.raises(StoreError) as caught,
        store.database.writing() as connection,
    ):
        connection.execute(
            text("SELECT CAST(:prompt AS int), now() + :prompt"), {"prompt": "a private prompt"}
        )
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert str(caught.value).startswith(str(address))


def test_characters_that_the_environments_encoding_lacks_are_kept(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    # As many digits of a time as it has, too.
    monkeypatch.setenv("PGOPTIONS", "-cextra_float_digits=0")
    address = postgresql.new_store()
    with closing(Store.open(address)) as store:
        add(store, done("a cat in 棚外", finished_at=1795918126.2485213))
        (job,) = store.history(Question())
        assert (job.request.prompt, job.finished_at) == ("a cat in 棚外", 1795918126.2485213)


@pytest.mark.skipif(not may_mount(), reason="a small disk needs root, and Linux")
def test_a_full_disk_of_the_server_is_named_and_loses_nothing(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with small_disk(postgresql.folder / "small") as disk, closing(Store.open(address)) as store:
        os.chown(disk.folder, pwd.getpwnam("postgres").pw_uid, -1)
        with postgresql.connect(address.database) as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
            admin.execute("ALTER TABLE prompts SET TABLESPACE small")
        add(store, a_job())
        disk.fill()
        with pytest.raises(
            StoreError, match=r"the server's disk is full .*No space left.*stored before is safe"
        ):
            add(store, *[a_job(f"{number} prompts " * 100) for number in range(100)])
        assert len(store.runs.newest()) == 1
        disk.free()
        add(store, *[a_job(f"{number} prompts " * 100) for number in range(100)])
        store.close()
        postgresql.drop(address)
        with postgresql.connect() as admin:
            admin.execute("DROP TABLESPACE small")


def open_when_told(place: ServerAddress, pipe: Connection[Any, Any]) -> None:
    """In a process of its own: open the store, and tell what came of it."""
    pipe.send("ready")
    pictures = pipe.recv()
    try:
        with closing(Store.open(place, pictures)) as store:
            add(store, a_job())
            pipe.send("opened")
    except StoreError as error:
        pipe.send(str(error))


def open_at_once(
    server: PostgresqlServer, start: Start, pictures: list[Path]
) -> tuple[ServerAddress, list[str]]:
    """Open an empty database in several processes, each naming a place for the pictures; what comes of it."""
    address = server.new_database()
    pipes = [start(open_when_told, address)[1] for _ in pictures]
    assert [told(pipe) for pipe in pipes] == ["ready"] * len(pictures)
    for pipe, place in zip(pipes, pictures, strict=True):
        pipe.send(place.as_uri())
    return address, [told(pipe) for pipe in pipes]


def test_kernels_that_open_an_empty_database_at_the_same_moment_make_one_store(
    postgresql: PostgresqlServer, start: Start, tmp_path: Path
) -> None:
    address, said = open_at_once(postgresql, start, [tmp_path] * 3)
    assert said == ["opened"] * 3
    with closing(Store.open(address)) as store:
        assert len(store.runs.newest()) == 3


def test_of_kernels_that_name_different_places_at_the_same_moment_one_has_its_way(
    postgresql: PostgresqlServer, start: Start, tmp_path: Path
) -> None:
    _, said = open_at_once(postgresql, start, [tmp_path / "one", tmp_path / "two", tmp_path / "three"])
    assert said.count("opened") == 1
    assert sum("keeps its pictures in" in each for each in said) == 2, said


@pytest.mark.parametrize(
    ("made_with", "said"),
    [
        ("LOCALE 'C'", "words that are not ASCII are searched for without an index.*the ctype C"),
        ("LOCALE 'C.UTF-8'", "without an index.*CREATE EXTENSION pg_trgm"),
    ],
)
def test_a_database_that_finds_words_slowly_says_so_when_it_is_opened(
    postgresql: PostgresqlServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    made_with: str,
    said: str,
) -> None:
    role = new_role(postgresql)
    with postgresql.connect() as admin:
        admin.execute(f"CREATE DATABASE {role} ENCODING 'UTF8' {made_with} TEMPLATE template0")
    with postgresql.connect(role) as admin:
        if made_with == "LOCALE 'C'":
            admin.execute("CREATE EXTENSION pg_trgm")
        admin.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
        admin.execute(f"REVOKE CREATE ON DATABASE {role} FROM PUBLIC")
    address = as_role(postgresql.address(role), role)
    monkeypatch.setenv("RIVYA_PICTURES", tmp_path.as_uri())
    for _ in range(2):
        rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=str(address))
    told = re.findall(f"rivya_nb: {re.escape(str(address))}: .*", capsys.readouterr().err)
    assert len(told) == 1, "once, though it is connected to twice"
    assert re.search(said, told[0])
