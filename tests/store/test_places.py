"""Where a store is: what is a folder, what a server's address, and what is refused without telling a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rivya_nb as rv
from rivya_nb.store.places import ServerAddress, read_place

SECRET = "hunter2"

WITH_PASSWORD = [
    "postgresql://ada:hunter2@db.lab/rivya",
    "postgres://ada:hunter2@db.lab:5432/rivya?sslmode=require",
    "POSTGRESQL://ada:hunter2@db.lab/rivya",
    "postgresql://:hunter2@db.lab/rivya",
    "postgresql://ada:x/hunter2@db.lab/rivya",
    "postgresql://ada:1?hunter2@db.lab/rivya",
    "postgresql://ada:1/hunter2@db.lab/rivya",
    "postgresql://ada:x#hunter2@db.lab/rivya",
    "postgresql://ada:x@hunter2@db.lab/rivya",
    "postgresql://ada%3Ahunter2@db.lab/rivya",
    "postgresql://ada:%68unter2hunter2@db.lab/rivya",
    "postgresql://db.lab/rivya?password=hunter2",
    "postgresql://db.lab/rivya?user=ada&%70assword=hunter2",
    "postgresql://db.lab/rivya?user=ada:hunter2",
    "postgresql://db.lab/rivya?PASSWORD=hunter2",
    "postgresql://db.lab/rivya?sslpassword=hunter2",
    "ada:hunter2@db.lab/rivya",
    "postgresql://db.lab/rivya?host=ada:hunter2@db.lab",
    "host=db.lab dbname=rivya user=ada password=hunter2",
    "password = hunter2 host=db.lab",
    "postgresql://db.lab/rivya;password=hunter2",
    "postgresql://db.lab/rivya&Password=hunter2",
    "postgresql://db.lab/rivya?sslmode=require;password=hunter2",
    "postgresql://db.lab/rivya?sslmode=require%26pwd=hunter2",
    "postgresql://db.lab/rivya?options=-cpassword%3Dhunter2",
    "postgresql://db.lab/rivya?dbname=postgresql://ada:hunter2@db.lab/rivya",
    "postgresql://db.lab/postgresql%3A%2F%2Fada%3Ahunter2%40db.lab",
    ":hunter2@db.lab/rivya",
    "~ada:hunter2@db.lab/rivya",
]
MISTYPED = [
    "postgresql://ada:hunter2",
    "postgresql://db.lab/rivya?pasword=hunter2",
    "postgresql://db.lab/rivya?hunter2",
    "postgresql://db.lab/rivya?pwd=hunter2",
    "postgresql+psycopg://ada:hunter2@db.lab/rivya",
    "postgresq://ada:hunter2@db.lab/rivya",
    "mysql://ada:hunter2@db.lab/rivya",
    "postgresql:/ada:hunter2@db.lab/rivya",
    "postgresql:ada:hunter2@db.lab/rivya",
    "postgres//ada:hunter2@db.lab/rivya",
    "file://ada:hunter2@db.lab/rivya",
    "postgresql://ada:hunter2@/",
    "postgresql://ada:hunter2 @db.lab/rivya",
    "postgresql://[ada:hunter2/rivya",
    '"postgresql://ada:hunter2@db.lab/rivya"',
    " postgresql://ada:hunter2@db.lab/rivya",
    "'ada:hunter2@db.lab/rivya'",
    "jdbc:postgresql://db.lab/rivya?user=ada&password=hunter2",
    "psql postgresql://ada@db.lab/hunter2",
    "RIVYA_STORE=postgresql://hunter2@db.lab/rivya",
    "(postgresql://hunter2@db.lab/rivya)",
]


@pytest.mark.parametrize("given", [*WITH_PASSWORD, *MISTYPED])
def test_a_secret_in_an_address_is_refused_and_never_shown(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIVYA_STORE", given)
    with pytest.raises(rv.UsageError) as refused:
        rv.connect("key", "http://127.0.0.1:9")
    error: BaseException | None = refused.value
    while error is not None:
        assert SECRET not in f"{error}{error!r}"
        error = error.__cause__
    if given in WITH_PASSWORD:
        assert "PGPASSFILE" in str(refused.value)
        assert "PGPASSWORD" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given", ["postgresql://ada:hunter2@db.lab/rivya", "postgresql:/ada:hunter2@db.lab/rivya"]
)
def test_a_pathlib_path_hides_no_address(given: str) -> None:
    with pytest.raises(rv.UsageError, match="mistyped"):
        read_place(Path(given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "s3://lab/store",
            "s3://: a bucket keeps the pictures of a store, as RIVYA_PICTURES.* or postgresql://",
        ),
        ("http://db.lab/rivya", "http://: a store is a folder"),
        ("sqlite:///rivya.db", "sqlite://: name the folder"),
        ("sqlite+pysqlite:///rivya.db", "name the folder"),
        ("postgresql+asyncpg://db.lab/rivya", "without a driver's name"),
        ("jdbc:postgresql://db.lab/rivya", "mistyped"),
        ("'postgresql://db.lab/rivya'", "quotation marks"),
        ("postgresql://db.lab/rivya\n", "between spaces"),
        ("host=db.lab dbname=rivya", "with keywords.*write it as postgresql://user@host/database"),
        ("postgresql://db.lab", "names no database"),
        ("postgresql://", "names no database"),
        ("postgresql://db.lab:54x/rivya", "port"),
        ("postgresql://db.lab:70000/rivya", "port"),
        ("postgresql://db.lab/rivya?sslmod=require", "did you mean 'sslmode'"),
        ("postgresql://a:1,b:2/rivya?port=1,2,3", "ports than hosts"),
        ("postgresql://db.lab/%FF", "no character"),
        ("postgresql://db.lab/rivya%00", "no character"),
        ("postgresql://db.lab/riv\nya", "invisible"),
        ("postgresql://[::1/rivya", "brackets"),
        ("postgresql://ada@::1:5432/rivya", "brackets"),
        ("file://server/share", "three slashes"),
        ("file:///data/run#3", "write # and . in it as %23 and %3F"),
        ("file:///data/store?mode=ro", "write # and . in it as %23 and %3F"),
        ("RIVYA_STORE=postgresql://db.lab/rivya", "more than an address"),
        ("<postgresql://db.lab/rivya>", "more than an address"),
        ('"/data/store"', "quotation marks"),
        ("'store'", "quotation marks"),
        (" ", "is empty"),
    ],
)
def test_an_address_that_is_none_says_what_is_right(given: str, said: str) -> None:
    with pytest.raises(rv.UsageError, match=said):
        read_place(given)


@pytest.mark.parametrize(
    ("given", "shown", "parameters"),
    [
        ("postgresql://db.lab/rivya", "postgresql://db.lab/rivya", {"host": "db.lab", "dbname": "rivya"}),
        (
            "POSTGRES://ada%40lab@DB.lab:5433/rivya/?sslmode=require&connect_timeout=5",
            "postgresql://ada%40lab@db.lab:5433/rivya?connect_timeout=5&sslmode=require",
            {
                **{"host": "db.lab", "port": "5433", "dbname": "rivya", "user": "ada@lab"},
                **{"connect_timeout": "5", "sslmode": "require"},
            },
        ),
        ("postgresql:///rivya", "postgresql:///rivya", {"dbname": "rivya"}),
        ("postgresql://:5433/rivya", "postgresql://:5433/rivya", {"port": "5433", "dbname": "rivya"}),
        (
            "postgresql:///rivya?host=/var/Run/pg&port=5433&user=ada",
            "postgresql://ada@%2Fvar%2FRun%2Fpg:5433/rivya",
            {"host": "/var/Run/pg", "port": "5433", "dbname": "rivya", "user": "ada"},
        ),
        (
            "postgresql://a.lab:1,b.lab/rivya",
            "postgresql://a.lab:1,b.lab/rivya",
            {"host": "a.lab,b.lab", "port": "1,", "dbname": "rivya"},
        ),
        (
            "postgresql://[::1]:5433/a%20%C3%A9",
            "postgresql://[::1]:5433/a%20%C3%A9",
            {"host": "::1", "port": "5433", "dbname": "a é"},
        ),
        (
            "postgresql://db.lab/rivya?options=-c%20search_path%3Dlab",
            "postgresql://db.lab/rivya?options=-c%20search_path%3Dlab",
            {"host": "db.lab", "dbname": "rivya", "options": "-c search_path=lab"},
        ),
    ],
)
def test_a_server_s_address_is_read_as_its_library_reads_it(
    given: str, shown: str, parameters: dict[str, str]
) -> None:
    place = read_place(given)
    assert isinstance(place, ServerAddress)
    assert place.parameters == parameters
    assert str(place) == shown
    assert repr(place) == f"ServerAddress({shown!r})"
    # Equal addresses are one store, also after the address went through a message.
    assert {read_place(shown), place} == {place}


@pytest.mark.parametrize(
    "given",
    [
        *(
            "store",
            "./postgresql:x",
            "./ada:x@lab",
            "/data/10:30@lab",
            "~/ada:x@lab",
            "postgres",
            "10:30",
            "a@b",
        ),
        *("C:/Users/ada@lab", r"C:\Users\ada@lab", "D:store"),
    ],
)
def test_everything_else_is_a_folder(given: str) -> None:
    assert read_place(given) == Path(given).expanduser().absolute()
    assert read_place(Path(given).expanduser().absolute()) == Path(given).expanduser().absolute()


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_the_address_of_a_folder_is_that_folder() -> None:
    for given in ("file:///data/a%20store", "file://localhost/data/a%20store", "FILE:///data/a%20store"):
        assert read_place(given) == Path("/data/a store")


def test_reading_an_address_imports_no_database() -> None:
    code = (
        "import sys; from rivya_nb.store.places import read_place; read_place('postgresql://db.lab/rivya');"
        "sys.exit(' '.join({'sqlalchemy', 'psycopg', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=150)
    assert (done.returncode, done.stderr) == (1, "\n"), done.stderr
