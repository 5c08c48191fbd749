"""A store of an earlier version is upgraded when it is opened, and one of a later version is used as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from textwrap import dedent, indent

import pytest
from alembic.script import ScriptDirectory
from servers import PostgresqlServer
from sqlalchemy import Column, Connection, MetaData, Table, Text, create_engine, event, inspect, text

from rivya_nb.errors import StoreError
from rivya_nb.store import migrations, schema
from rivya_nb.store.places import StorePlace
from rivya_nb.store.postgresql.connecting import parameters
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from . import released
from .filling import add, done, ids

GROWS = dedent("""
    op.add_column("jobs", sa.Column("mood", sa.Text, nullable=False, server_default="calm"))
    op.create_table("moods", sa.Column("name", sa.Text, primary_key=True))
    op.create_index("jobs_by_mood", "jobs", ["mood"])
    op.execute("INSERT INTO moods SELECT DISTINCT mood FROM jobs")
""")

BREAKS: set[int] = set()
"""The versions whose kernels cannot go on in a later store: they are told so, and have to be upgraded."""

Script = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Iterator[StorePlace]:
    """Where a store of version 1 is, with one picture."""
    server: PostgresqlServer | None = None
    if request.param == "sqlite":
        place: StorePlace = request.getfixturevalue("folder")
    else:
        server = request.getfixturevalue("postgresql")
        place = server.new_store()
    with closing(Store.open(place)) as store:
        add(store, done("a cat"))
    yield place
    if server is not None:
        server.drop(place)  # type: ignore[arg-type]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Makes this version the second one, which does what is given."""

    def write(does: str) -> None:
        scripts = tmp_path / "migrations"
        shutil.copytree(migrations.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        head = 'import os\nimport sqlalchemy as sa\nfrom alembic import op\nrevision = "2"\ndown_revision = "1"\n'
        body = f"{head}def upgrade():\n{indent(dedent(does).strip(), '    ')}\n"
        (scripts / "versions" / "2_second.py").write_text(body)
        monkeypatch.setattr(migrations, "SCRIPTS", scripts)
        monkeypatch.setattr(schema, "VERSION", 2)

    return write


def moods(store: Store) -> list[str]:
    with store.database.reading() as connection:
        return list(connection.execute(text("SELECT name FROM moods")).scalars())


def columns(store: Store) -> set[str]:
    with store.database.reading() as connection:
        return {column["name"] for column in inspect(connection).get_columns("jobs")}


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_an_earlier_store_is_upgraded_once_and_goes_on(place: StorePlace, script: Script) -> None:
    script(GROWS)
    with closing(Store.open(place)) as store:
        assert moods(store) == ["calm"]
        assert [job.prompt for job in store.history(Question())] == ["a cat"]
        # The triggers are still there, and what does not know the new column can write.
        add(store, done("a dog", price=12, final_credits=12, task_id="t"))
        assert (store.count(Question()), store.spent("sandbox").credits) == (2, 12)
    with closing(Store.open(place)) as again:
        assert moods(again) == ["calm"]


def test_a_kernel_that_began_before_an_upgrade_goes_on(place: StorePlace, script: Script) -> None:
    with closing(Store.open(place)) as early:
        add(early, dog := done("a dog", price=12, final_credits=12, task_id="t"))
        script(GROWS)
        Store.open(place).close()
        early.marks.change([dog.id], favourite=True)
        add(early, done("a bird", price=12, final_credits=12, task_id="u"))
        assert "mood" in columns(early)
        assert [job.prompt for job in early.history(Question())] == ["a bird", "a dog", "a cat"]
        assert early.spent("sandbox").credits == 24


def test_two_kernels_that_open_it_at_once_upgrade_it_once(place: StorePlace, script: Script) -> None:
    script(GROWS)
    with ThreadPoolExecutor(4) as kernels:
        stores = list(kernels.map(Store.open, [place] * 4))
    assert [moods(store) for store in stores] == [["calm"]] * 4
    for store in stores:
        store.close()


def test_an_upgrade_that_fails_leaves_all_as_it_was(
    place: StorePlace, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(schema, "VERSION", 1)
        newer.setattr(migrations, "SCRIPTS", migrations.SCRIPTS)
        script(GROWS + 'op.execute("INSERT INTO nowhere VALUES (1)")')
        with pytest.raises(StoreError):
            Store.open(place)
    with closing(Store.open(place)) as store:
        assert "mood" not in columns(store)
        add(store, done("a dog"))
        assert store.count(Question()) == 2


def test_a_kernel_that_dies_while_it_upgrades_leaves_all_as_it_was(
    place: StorePlace, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GROWS + "os._exit(9)")
    code = dedent("""
        import sys
        from pathlib import Path
        from rivya_nb.store import migrations, schema
        from rivya_nb.store.places import read_place
        from rivya_nb.store.store import Store
        migrations.SCRIPTS, schema.VERSION = Path(sys.argv[1]), 2
        Store.open(read_place(sys.argv[2]))
    """)
    done_ = run(code, str(migrations.SCRIPTS), str(place))
    assert done_.returncode == 9, done_.stderr
    monkeypatch.undo()
    with closing(Store.open(place)) as store:
        assert "mood" not in columns(store)
        assert store.count(Question()) == 1


def test_a_later_store_is_used_where_all_is_there_that_is_needed(
    place: StorePlace, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GROWS)
    Store.open(place).close()
    monkeypatch.undo()
    with closing(Store.open(place)) as store:
        add(store, dog := done("a dog"))
        assert ids(store.history(Question(), limit=1)) == [dog.id]
        assert "mood" in columns(store)


def test_a_later_store_that_lacks_something_is_refused_and_left_as_it_is(
    place: StorePlace, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("pass")
    Store.open(place).close()
    with closing(Store.open(place)) as store, store.database.writing() as connection:
        connection.execute(text("ALTER TABLE runs RENAME COLUMN ask TO question"))
    monkeypatch.undo()
    with pytest.raises(
        StoreError, match=r"a newer rivya_nb \(version 2, known here is 1\).*Upgrade rivya-nb or"
    ):
        Store.open(place)


def test_a_user_who_does_not_own_the_tables_is_told_who_can_upgrade_them(
    postgresql: PostgresqlServer, script: Script
) -> None:
    place = postgresql.new_store()
    with postgresql.connect(place.database) as admin:
        admin.execute("CREATE ROLE visitor LOGIN")
        admin.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO visitor")
        admin.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO visitor")
    visitors = postgresql.address(place.database, user="visitor")
    Store.open(visitors).close()
    script('op.add_column("jobs", sa.Column("mood", sa.Text))')
    with pytest.raises(
        StoreError, match=r"an earlier rivya_nb .* only postgres, who owns .* Let postgres open it"
    ):
        Store.open(visitors)
    Store.open(place).close()
    with closing(Store.open(visitors)) as store:
        assert "mood" in columns(store)
    postgresql.drop(place)
    with postgresql.connect() as admin:
        admin.execute("DROP ROLE visitor")


@pytest.mark.sqlite
def test_an_earlier_store_that_may_only_be_read_says_what_to_do(
    store: Store, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GROWS)
    monkeypatch.setattr(schema, "expected", lambda: {("jobs", "mood")})
    monkeypatch.setattr("rivya_nb.store.sqlite_version.expected", lambda: {("jobs", "mood")})
    monkeypatch.setattr("rivya_nb.store.opening.why_read_only", lambda _: "the disk is read-only")
    with pytest.raises(StoreError, match=r"an earlier rivya_nb .* Open it once where it may be written"):
        Store.open(store.place)


@pytest.fixture
def empty_like(store: Store, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """An empty database of the same kind as the store, whose transaction is undone."""
    if isinstance(store.place, Path):
        engine = create_engine("sqlite://")
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        engine = create_engine("postgresql+psycopg://", connect_args=parameters(server.new_database()))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_store_of_each_release_becomes_what_a_new_one_is(store: Store, empty_like: Connection) -> None:
    dialect = empty_like.dialect.name
    assert ScriptDirectory(str(migrations.SCRIPTS)).get_current_head() == str(schema.VERSION)
    latest = released.kept(schema.VERSION, dialect) or released.statements(dialect)
    # Their order is that in which the modules were imported.
    assert set(latest) == set(released.statements(dialect)), (
        f"schema.py is not that of the release with version {schema.VERSION}: raise VERSION, and write a script"
    )
    with store.database.reading() as connection:
        new = released.catalogue(connection)
    for version in range(1, schema.VERSION + 1):
        made = latest if version == schema.VERSION else released.kept(version, dialect)
        assert made, f"the tables of version {version} were not written when it was released"
        with empty_like.begin_nested() as attempt:
            released.make(empty_like, made)
            before = released.catalogue(empty_like)
            migrations.upgrade(empty_like, version)
            after = released.catalogue(empty_like)
            attempt.rollback()
        assert after == new
        assert version in BREAKS or released.stops_earlier_kernels(before, after) == []


@pytest.mark.parametrize(
    ("does", "stopped"),
    [
        (GROWS, []),
        ('op.add_column("jobs", sa.Column("mood", sa.Text))', []),
        ('op.drop_column("runs", "ask")', ["runs.ask"]),
        ('op.alter_column("runs", "ask", new_column_name="question")', ["runs.ask"]),
        ('op.drop_table("turns")', ["turns.number"]),
    ],
)
def test_a_script_that_would_stop_earlier_kernels_is_found(
    store: Store, empty_like: Connection, script: Script, does: str, stopped: list[str]
) -> None:
    released.make(empty_like, released.statements(empty_like.dialect.name))
    before = released.catalogue(empty_like)
    script(does)
    migrations.upgrade(empty_like, 1)
    after = released.catalogue(empty_like)
    assert after != before
    assert released.stops_earlier_kernels(before, after) == stopped


def test_a_new_column_that_earlier_kernels_cannot_fill_is_found(
    postgresql: PostgresqlServer, script: Script
) -> None:
    script('op.add_column("jobs", sa.Column("mood", sa.Text, nullable=False))')
    engine = create_engine("postgresql+psycopg://", connect_args=parameters(postgresql.new_store()))
    with engine.connect() as connection:
        before = released.catalogue(connection)
        migrations.upgrade(connection, 1)
        assert released.stops_earlier_kernels(before, released.catalogue(connection)) == ["jobs.mood"]
    engine.dispose()


def test_a_schema_that_changes_after_its_release_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released.write(tmp_path / "released")
    for dialect in released.DIALECTS:
        assert set(released.kept(1, dialect, tmp_path / "released") or ()) == set(
            released.statements(dialect)
        )
    changed = MetaData()
    Table("jobs", changed, Column("mood", Text))
    monkeypatch.setattr(schema, "metadata", changed)
    for dialect in released.DIALECTS:
        assert set(released.kept(1, dialect, tmp_path / "released") or ()) != set(
            released.statements(dialect)
        )


def test_opening_a_store_of_this_version_imports_no_alembic(place: StorePlace) -> None:
    code = dedent("""
        import sys
        from rivya_nb.store.places import read_place
        from rivya_nb.store.store import Store
        Store.open(read_place(sys.argv[1])).close()
        print("alembic" in sys.modules)
    """)
    assert run(code, str(place)).stdout == "False\n"
