"""`rivya-nb limits` and the workers of several users, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox
from servers import PostgresqlServer
from wcwidth import wcswidth

import rivya_nb as rv
from rivya_nb.errors import CreditLimitError
from rivya_nb.limit_commands import limits_text
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.credit_limits import CreditLimit, CreditUse
from rivya_nb.store.places import StorePlace
from rivya_nb.store.store import Store

MAIN = "from rivya_nb.cli import main; raise SystemExit(main())"
Command = Callable[..., tuple[int, str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """Where an empty store is, of each kind in turn."""
    if request.param == "sqlite":
        Store.open(tmp_path / "store").close()
        yield tmp_path / "store"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    address = server.new_store()
    yield address
    server.drop(address)


@pytest.fixture
def command(place: StorePlace) -> Command:
    """`command("limits", …)` runs `rivya-nb` on the store, and gives its exit code and all that it said."""

    def run(*words: str, user: str = "ada", **more: str) -> tuple[int, str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
        environ |= {"JUPYTERHUB_USER": user, "RIVYA_STORE": str(place), "RIVYA_API_KEY": DEFAULT_KEY, **more}
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words],
            env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout
        return done.returncode, done.stdout

    return run


@pytest.fixture
def connected(place: StorePlace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., rv.Session]]:
    """`connected("ada")` is a session of hers on the store and one sandbox; its address is `session.address`."""
    with ExitStack() as stack:
        url = stack.enter_context(running_sandbox(SandboxConfig(latency=0, credits=10_000)))

        def connect(user: str) -> rv.Session:
            monkeypatch.setenv("JUPYTERHUB_USER", user)
            session = rv.connect(DEFAULT_KEY, url, store=str(place))
            session.store.users.me = user
            return stack.enter_context(closing(session))

        yield connect


def test_bars_stand_below_each_other_whatever_the_script_of_a_name() -> None:
    names = ("王小明", "พิมพ์", "J̈org", "❤️", "")
    uses = [CreditUse(CreditLimit(name, "day", 30), 24, 0, 0.0) for name in names]
    assert {wcswidth(line.partition("━")[0]) for line in limits_text(uses).splitlines()} == {26}


def pictures(number: int, first: int = 0) -> rv.Plan:
    return rv.plan("A bottle", seed=range(first, first + number), resolution="1K")


def test_limits_are_set_shown_and_taken_away(
    command: Command, place: StorePlace, connected: Callable[..., rv.Session]
) -> None:
    assert command("limits") == (
        0,
        f"There are no credit limits in {place}; `rivya-nb limits set --user NAME --per month CREDITS` sets "
        "one.\n",
    )
    code, said = command("limits", "set", "--user", "ada", "--per", "month", "30", "--unknown", "5")
    assert code == 0
    assert said.splitlines()[0].split("until")[0] == f"  ada  a month  {'┄' * 20}  0 of 30 credits  "
    assert said.splitlines()[0].endswith("prices not known: count as 5")
    assert said.splitlines()[1] == "Nobody called ada has asked for anything in this store yet."
    assert command("limits", "set", "--store-wide", "--per", "day", "1000")[0] == 0
    session = connected("ada")
    plan = pictures(2)
    assert "would pass" not in str(plan)
    plan.run().wait()
    more = pictures(1, 2)
    said_first = "12 credits more would pass ada's limit of 30 credits a month: 24 are used"
    assert said_first in more._repr_mimebundle_()["text/plain"]
    with pytest.raises(CreditLimitError, match=said_first):
        more.run()
    assert session.store.runs.count() == 1
    code, said = command("limits", "--store", str(place))
    lines = said.splitlines()
    assert lines[0] == f"Credit limits in {place}"
    assert lines[1].split("until")[0] == f"  the whole store  a day    {'┄' * 20}  24 of 1,000 credits  "
    assert lines[1].endswith(" UTC  prices not known: refused")
    assert (
        lines[2].split("until")[0]
        == f"  ada              a month  {'━' * 16}{'┄' * 4}     24 of 30 credits  "
    )
    code, said = command("limits", "set", "--user", "adda", "--per", "week", "1")
    assert said.splitlines()[1].endswith("has asked for anything in this store yet; did you mean 'ada'?")
    assert command("limits", "unset", "--user", "ada") == (0, "1 limit of ada taken away.\n")
    assert command("limits", "unset", "--user", "ada") == (
        1,
        "rivya-nb: There is no limit for ada; nothing was changed.\n",
    )
    more.run().wait()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "--per", "day", "5"), "one of the arguments --user --store-wide is required"),
        (("set", "--user", "", "--per", "day", "5"), "a user's name must not be empty"),
        (("set", "--user", "ada", "5"), "the following arguments are required: --per"),
        (
            ("set", "--user", "ada", "--per", "day", "5.5"),
            "'5.5' is not a whole number from 0 to 1,000,000,000,000",
        ),
        (("set", "--user", "ada", "--per", "day", "-5"), "rivya-nb limits set"),
        (("set", "--user", "ada", "--per", "year", "5"), "invalid choice: 'year'"),
    ],
)
def test_a_wrong_word_is_named(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "limits", *words],
        env={**os.environ, "RIVYA_STORE": str(tmp_path / "s")}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_worker_sends_its_own_users_runs_and_with_for_all_everybodys(
    command: Command, connected: Callable[..., rv.Session]
) -> None:
    session = connected("ada")
    hers = pictures(2).defer()
    session.store.users.me = "bob"
    his = pictures(3, 10).defer()
    key = {"RIVYA_BASE_URL": session.address}

    def left() -> list[int]:
        return [
            sum(job.status != "succeeded" for job in session.store.jobs(each.job_ids).values())
            for each in (hers, his)
        ]

    code, said = command("work", "--until-idle", user="cyd", **key)
    assert (code, left()) == (0, [2, 3])
    assert "what cyd deferred" in said
    assert "2 runs that other users deferred are left to their workers; --for-all sends all." in said
    code, said = command("work", "--until-idle", user="bob", **key)
    assert (code, left()) == (0, [2, 0])
    assert "1 run that other users deferred is left" in said
    code, said = command("work", "--until-idle", "--for-all", user="cyd", **key)
    assert (code, left()) == (0, [0, 0])
    assert "what all users deferred, with this worker's key" in said
    assert {job.asked_by for job in session.store.jobs(hers.job_ids).values()} == {"ada"}


def test_a_worker_leaves_what_a_limit_of_this_period_does_not_allow(
    command: Command, connected: Callable[..., rv.Session], place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connected("ada")
    now = session.store.database.now()
    with monkeypatch.context() as yesterday:
        yesterday.setattr(session.store.database, "now", lambda: now - 86_400)
        run = pictures(5).defer()
    assert command("limits", "set", "--user", "ada", "--per", "day", "30")[0] == 0
    code, said = command("work", "--until-idle", RIVYA_BASE_URL=session.address)
    assert code == 3
    assert (
        "Run 1 stays deferred: 12 credits more would pass ada's limit of 30 credits a day: 24 are used"
        in said
    )
    states = sorted(job.status for job in session.store.jobs(run.job_ids).values())
    assert states == ["planned"] * 3 + ["succeeded"] * 2


def test_the_key_never_enters_the_store(connected: Callable[..., rv.Session], place: StorePlace) -> None:
    session = connected("ada")
    pictures(1).run().wait()
    assert session.store.runs.newest()[0].asked_by == "ada"
    with session.store.database.reading() as connection:
        from sqlalchemy import select

        from rivya_nb.store.schema import metadata

        rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    assert len(rows) > 10
    assert not any(DEFAULT_KEY in str(row) for row in rows)
