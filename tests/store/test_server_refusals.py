"""A server that cannot be used is told in one sentence, before anything is written to it, and without a secret."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers import PostgresqlServer, postgresql_server, programs, unused_port

from rivya_nb.errors import StoreError
from rivya_nb.store.places import ServerAddress, read_place
from rivya_nb.store.postgresql.trouble import grants
from rivya_nb.store.store import Store

from .filling import a_job, add

PICTURES = "file:///no/such/folder"
"""Nothing gets so far."""

SECRET = "tres-secret-42"

_RULES = """
local all all trust
host all ada,limited 127.0.0.1/32 scram-sha-256
host all guest,asleep,nobody 127.0.0.1/32 trust
host all ident 127.0.0.1/32 ident
"""


@pytest.fixture(scope="module")
def guarded() -> Iterator[PostgresqlServer]:
    """A server that listens on a port, and has rules who may come in."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgresql_server(port=unused_port(), listen="127.0.0.1") as server:
        with server.connect() as admin:
            admin.execute(f"CREATE ROLE ada LOGIN PASSWORD '{SECRET}'")
            admin.execute(f"CREATE ROLE limited LOGIN PASSWORD '{SECRET}' CONNECTION LIMIT 0")
            admin.execute("CREATE ROLE guest LOGIN; CREATE ROLE asleep; CREATE ROLE ident LOGIN")
            admin.execute("CREATE DATABASE rivya OWNER ada ENCODING 'UTF8' TEMPLATE template0")
            admin.execute("CREATE DATABASE closed ENCODING 'UTF8' TEMPLATE template0")
            admin.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
            (server.folder / "data" / "pg_hba.conf").write_text(_RULES)
            admin.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def refusal(address: str) -> str:
    """What is said when a store is opened at this address; neither the message nor the trace has a secret."""
    with pytest.raises(StoreError) as caught:
        Store.open(read_place(address), PICTURES).close()
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert SECRET not in "".join(trace.format())
    assert "\n" not in str(error)
    assert str(error).startswith("postgresql://")
    return str(error)


@pytest.mark.parametrize(
    ("user", "rest", "password", "said"),
    [
        ("ada", "/rivya", "wrong", 'does not take the password.*user "ada".*PGPASSFILE.*PGPASSWORD'),
        ("ada", "/rivya", None, r"asks for a password, and there is none.*~/\.pgpass.*PGPASSWORD"),
        ("ada", "/history", SECRET, 'no such database.*CREATE DATABASE history .* LOCALE .C.UTF-8. TEMPLATE'),
        ("ada", "/Ada's%20store", SECRET, 'CREATE DATABASE "Ada\'s store" ENCODING'),
        ("ada", "/identity", SECRET, 'no such database .*"identity"'),
        ("ada", "/certificates", SECRET, 'no such database .*"certificates"'),
        ("ada", "/closed", SECRET, "may not connect to the database.*GRANT CONNECT ON DATABASE"),
        ("limited", "/rivya", SECRET, 'no connection to spare.*role "limited".*shut down kernels'),
        ("nobody", "/rivya", None, 'no such user .role "nobody" does not exist.; name another'),
        ("asleep", "/rivya", None, "not log in .*ALTER ROLE … LOGIN"),
        ("ident", "/rivya", None, "only from a login of the same name"),
        ("eve", "/rivya", None, r"rules do not let this user in.*\?sslmode=require.*pg_hba\.conf"),
        ("ada", "/rivya?sslmode=require", SECRET, r"encryption is asked for.*ssl = on"),
        ("guest", "/rivya?sslmode=verify-full&sslrootcert=/no/such", None, "encryption is asked for|no encrypted"),
        ("ada", "/rivya?options=-csearch_pth=x", SECRET, "option behind the address is wrong.*search_pth"),
        ("ada", "/rivya?connect_timeout=soon", SECRET, "option behind the address is wrong.*connect_timeout"),
        ("ada", "/rivya?options=bogus", SECRET, "option behind the address is wrong.*bogus"),
        ("guest", "/rivya?require_auth=scram-sha-256", None, "option behind the address is wrong.*scram-sha-256"),
        ("ada", "/rivya?options=-csearch_path=lab", SECRET, "names no schema .*search_path=public"),
        ("ada", "/rivya?service=lab", SECRET, "service .*not known here .*lab.*; correct it, or the file"),
    ],
)  # fmt: skip
def test_a_login_that_the_server_refuses_says_what_would_be_right(
    guarded: PostgresqlServer,
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    rest: str,
    password: str | None,
    said: str,
) -> None:
    if password:
        monkeypatch.setenv("PGPASSWORD", password)
    assert re.search(said, refusal(f"postgresql://{user}@127.0.0.1:{guarded.port}{rest}"))


def test_a_password_from_a_file_opens_it_unless_others_may_read_that_file(
    guarded: PostgresqlServer, tmp_path: Path
) -> None:
    address = f"postgresql://ada@127.0.0.1:{guarded.port}/rivya"
    file = tmp_path / ".pgpass"
    file.write_text(f"127.0.0.1:*:rivya:ada:{SECRET}\n")
    file.chmod(0o644)
    assert f"{file} is ignored since others may read it: chmod 600 {file}" in refusal(address)
    file.chmod(0o600)
    Store.open(read_place(address), tmp_path.as_uri()).close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_encryption_that_is_missing_or_by_nobody_known_says_what_would_be_right(
    guarded: PostgresqlServer, tmp_path: Path
) -> None:
    data = guarded.folder / "data"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=another -keyout server.key -out server.crt"
    subprocess.run(make.split(), check=True, capture_output=True, cwd=data)
    for file in (data / "server.key", data / "server.crt"):
        shutil.chown(file, data.owner())
        file.chmod(0o600)
    with guarded.connect() as admin:
        admin.execute("ALTER SYSTEM SET ssl = on")
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("hostssl all eve 127.0.0.1/32 trust\n")
        admin.execute("CREATE ROLE eve LOGIN")
        admin.execute("SELECT pg_reload_conf()")
    address = f"postgresql://eve@127.0.0.1:{guarded.port}/rivya?sslmode="
    assert "if its rules ask for encryption, write ?sslmode=require" in refusal(f"{address}disable")
    (tmp_path / "root.crt").write_bytes((data / "server.crt").read_bytes())
    for wrong in ("verify-full", f"verify-full&sslrootcert={tmp_path / 'root.crt'}"):
        assert re.search("no encrypted connection was made .*sslrootcert=", refusal(address + wrong))
    # It gets in, and no further.
    assert re.search("the user eve may (make no tables|not read)", refusal(f"{address}require"))
    with guarded.connect() as admin:
        admin.execute("ALTER SYSTEM RESET ssl")
        admin.execute("SELECT pg_reload_conf()")


def test_what_is_no_server_is_named(tmp_path: Path) -> None:
    port = unused_port()
    assert "no server listens there" in refusal(f"postgresql://127.0.0.1:{port}/rivya")
    assert "no server listens there" in refusal(f"postgresql:///rivya?host={tmp_path}")
    assert "no machine of that name" in refusal("postgresql://nobody.invalid/rivya")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/rivya?connect_timeout=2"
        assert "no answer came in time" in refusal(address)
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=_speak_http, args=(other,)).start()
        said = refusal(f"postgresql://127.0.0.1:{other.getsockname()[1]}/rivya")
        assert "no PostgreSQL server; correct the address" in said


def _speak_http(server: socket.socket) -> None:
    with server.accept()[0] as connection:
        connection.recv(8)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_missing_package_is_named_with_what_installs_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "import rivya_nb as rv\n"
        "try: rv.connect(base_url='sandbox', store='postgresql://db.lab/rivya')\n"
        "except rv.StoreError as error: print(error, error.__context__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert not done.stderr, done.stderr
    assert re.search(r'pip install "rivya-nb\[server\]".*\. None$', done.stdout.strip())


def test_a_database_that_keeps_no_unicode_is_refused(postgresql: PostgresqlServer) -> None:
    with postgresql.connect() as admin:
        admin.execute("DROP DATABASE IF EXISTS latin")
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert re.search(
        "encoding is LATIN1.*needs UTF8.*CREATE DATABASE", refusal(str(postgresql.address("latin")))
    )


def test_a_server_that_is_too_old_is_refused(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rivya_nb.store.postgresql import examination

    monkeypatch.setattr(examination, "OLDEST", 990000)
    address = postgresql.new_database()
    assert re.search(
        r"the server is PostgreSQL \d+\.\d+, and a store needs 99 or newer", refusal(str(address))
    )
    assert tables(postgresql, address.database) == set()


def tables(server: PostgresqlServer, database: str) -> set[str]:
    with server.connect(database) as admin:
        found = admin.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^pg_|^inf'"
        )
        return {name for (name,) in found}


def test_the_tables_of_something_else_are_left_alone_and_a_schema_of_its_own_is_a_way_out(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_database()
    with postgresql.connect(address.database) as other:
        other.execute("CREATE TABLE recipes (name text)")
        other.execute("CREATE SCHEMA rivya")
    assert re.search(
        "schema public has tables of something else .recipes.*csearch_path=rivya", refusal(str(address))
    )
    assert tables(postgresql, address.database) == {"public.recipes"}
    for _ in range(2):
        with closing(
            Store.open(read_place(f"{address}?options=-csearch_path=rivya"), tmp_path.as_uri())
        ) as store:
            assert store.runs.newest() == []
    assert "rivya.jobs" in tables(postgresql, address.database)
    assert "public.jobs" not in tables(postgresql, address.database)


def test_tables_of_others_before_the_stores_own_are_never_written(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    with postgresql.connect(address.database) as admin:
        admin.execute("CREATE SCHEMA queue")
        admin.execute("CREATE TABLE queue.jobs (id text, status text)")
    said = refusal(as_path(address, "queue,public"))
    assert "the search path (queue,public) has queue.jobs before the tables of the store" in said
    assert "?options=-csearch_path=public behind the address" in said
    Store.open(read_place(as_path(address, "public,queue"))).close()
    postgresql.drop(address)


def as_path(address: ServerAddress, path: str) -> str:
    return f"{address}?options=-csearch_path={path}"


def test_what_came_with_an_extension_is_nobodys_data(postgresql: PostgresqlServer, tmp_path: Path) -> None:
    address = postgresql.new_database()
    with postgresql.connect(address.database) as admin:
        admin.execute("CREATE EXTENSION pg_buffercache")
    Store.open(address, tmp_path.as_uri()).close()


def test_a_missing_right_to_make_or_to_read_tables_is_named(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_database()
    role = new_role(postgresql)
    as_role = str(postgresql.address(address.database, role))
    with postgresql.connect(address.database) as admin:
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        assert f"GRANT USAGE, CREATE ON SCHEMA public TO {role}." in refusal(as_role)
        admin.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        assert re.search(f"{role} may make no tables.*GRANT CREATE, USAGE ON SCHEMA public", refusal(as_role))
        Store.open(address, tmp_path.as_uri()).close()
        assert re.search(
            f"{role} may not read.*GRANT SELECT, INSERT, UPDATE, DELETE ON ALL", refusal(as_role)
        )
        # What the message says is enough.
        admin.execute(refusal(as_role).partition("allow it: ")[2].rstrip("."))
    with closing(Store.open(read_place(as_role))) as store:
        assert not store.is_read_only


def test_of_a_user_who_may_write_in_part_the_missing_rights_are_named(postgresql: PostgresqlServer) -> None:
    address = postgresql.new_store()
    role = new_role(postgresql)
    with postgresql.connect(address.database) as admin:
        admin.execute(grants("public", role))
        for taken, missing in (
            ("DELETE ON votes", "votes"),
            ("USAGE ON SEQUENCE runs_id_seq", "runs_id_seq"),
        ):
            admin.execute(f"REVOKE {taken} FROM {role}")
            with closing(Store.open(postgresql.address(address.database, role))) as store:
                with pytest.raises(
                    StoreError, match=f"may not write {missing}; its owner allows it with"
                ) as told:
                    add(store, a_job())
                # What the message says is enough.
                admin.execute(str(told.value).partition("allows it with ")[2].partition(")")[0])
            with closing(Store.open(postgresql.address(address.database, role))) as store:
                add(store, a_job())
    postgresql.drop(address)


@pytest.mark.parametrize("damage", ["DELETE FROM store_settings WHERE name = 'version'",
                                    "UPDATE store_settings SET value = 'x' WHERE name = 'version'"])  # fmt: skip
def test_tables_without_their_version_are_told(postgresql: PostgresqlServer, damage: str) -> None:
    address = postgresql.new_store()
    with postgresql.connect(address.database) as admin:
        admin.execute(damage)
    assert re.search(
        "unreleased development state .*, or is a dump that was restored in part", refusal(str(address))
    )
    postgresql.drop(address)


def new_role(server: PostgresqlServer) -> str:
    role = f"user_{os.urandom(4).hex()}"
    with server.connect() as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")
    return role
