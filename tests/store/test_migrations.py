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
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from servers import PostgresqlServer
from sqlalchemy import inspect, text

from rivya_nb.errors import StoreError
from rivya_nb.store import migrations, schema
from rivya_nb.store.places import StorePlace
from rivya_nb.store.records import Question
from rivya_nb.store.store import Store

from .filling import add, done, ids

GROWS = dedent("""
    op.add_column("jobs", sa.Column("mood", sa.Text, nullable=False, server_default="calm"))
    op.create_table("moods", sa.Column("name", sa.Text, primary_key=True))
    op.create_index("jobs_by_mood", "jobs", ["mood"])
    op.execute("INSERT INTO moods SELECT DISTINCT mood FROM jobs")
""")

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


@pytest.mark.sqlite
def test_an_earlier_store_that_may_only_be_read_says_what_to_do(
    store: Store, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GROWS)
    monkeypatch.setattr(schema, "expected", lambda: {("jobs", "mood")})
    monkeypatch.setattr("rivya_nb.store.sqlite_version.expected", lambda: {("jobs", "mood")})
    monkeypatch.setattr("rivya_nb.store.store.why_read_only", lambda _: "the disk is read-only")
    with pytest.raises(StoreError, match=r"an earlier rivya_nb .* Open it once where it may be written"):
        Store.open(store.place)


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection", "ignore:autogenerate skipping")
def test_the_tables_are_those_of_the_latest_version(store: Store) -> None:
    assert ScriptDirectory(str(migrations.SCRIPTS)).get_current_head() == str(schema.VERSION)
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        assert compare_metadata(context, schema.metadata) == []


def _is_ours(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Leaves out the word index, and indexes, which each database has of its own."""
    return kind != "index" and not (name or "").startswith(
        ("prompt_index", "prompt_pieces", "store_settings")
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
