"""What `%rivya credits`, `resume` and `retry` say and allow about money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox, until

import rivya_nb as rv
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60


@pytest.fixture
def session(tmp_path: Path) -> Iterator[rv.Session]:
    with (
        running_sandbox(SandboxConfig(latency=0, credits=1000)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as connected,
    ):
        yield connected


def test_spending_is_told_for_each_service_also_where_none_answers(
    session: rv.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    rv.generate("A bottle", seed=1, resolution="1K").wait(TIMEOUT)
    COMMANDS["credits"].act(())
    assert f"Left      988 credits on {session.service}" in capsys.readouterr().out
    with (
        closing(rv.connect(None, "https://rivya.invalid", store=session.store.folder)),
        pytest.raises(rv.NotConnectedError, match=r"no key for https://rivya\.invalid"),
    ):
        COMMANDS["credits"].act(())
    told = capsys.readouterr().out.split("Spent     on ")
    assert [part.splitlines()[0] for part in told[1:]] == [
        "https://rivya.invalid:",
        f"{session.service}:",
    ]
    assert "0 from this store" in told[1]
    assert all(
        f"12 {when}" in told[2] for when in ("by this kernel", "in the last 24 hours", "from this store")
    )


def test_stopping_what_was_sent_says_that_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        running_sandbox(SandboxConfig(latency=60)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "slow")),
    ):
        run = rv.generate("A bottle", seed=1, resolution="1K")
        assert until(lambda: run[0].status in ("queued", "processing"))
        COMMANDS["stop"].act((str(run.id),))
        assert "Nothing is left to stop; what was sent goes on\n" in capsys.readouterr().out


def test_the_way_on_that_a_limit_names_can_be_gone(session: rv.Session) -> None:
    failed = rv.generate("A bottle", seed=45)
    failed.wait(TIMEOUT)
    session.store.update_job(failed[0].id, status="failed")
    run = rv.generate("A bottle", seed=range(45), max_credits=600)
    run.hold()
    run.finished().result(TIMEOUT)
    held = sum(job.status == "planned" for job in run.jobs)
    with pytest.raises(rv.UsageError, match="--max-credits needs a whole number of credits"):
        COMMANDS["resume"].act((str(run.id), "--unsent", "--max-credits"))
    with pytest.raises(rv.CreditLimitError, match=f"{held} new pictures .* limit is 9"):
        COMMANDS["resume"].act((str(run.id), "--unsent", "--max-credits", "9"))
    failed = session.run(failed.id)
    with pytest.raises(rv.CreditLimitError, match=r"1 new picture would .* limit is 0"):
        COMMANDS["retry"].act(("--max-credits=0", str(failed.id)))
    [resumed] = COMMANDS["resume"].act((str(run.id), "--unsent", "--max-credits=600"))  # type: ignore[misc]
    assert isinstance(resumed, rv.Run)
    assert resumed.is_working
    resumed.hold()


def test_retrying_all_leaves_the_runs_of_another_service(
    session: rv.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = rv.generate("A bottle", seed=45)
    failed.wait(TIMEOUT)
    session.store.update_job(failed[0].id, status="failed")
    with (
        running_sandbox(SandboxConfig(latency=0)) as url,
        closing(rv.connect(DEFAULT_KEY, url, store=session.store.folder)),
    ):
        assert COMMANDS["retry"].act(()) == []
        assert "Nothing to retry: no result of this kernel's runs has failed" in capsys.readouterr().out
        whole = rv.generate("A bottle", seed=46).wait(TIMEOUT)
        mine = rv.generate("A bottle sandbox:fail", seed=47)
        with pytest.raises(rv.RunFailedError):
            mine.wait(TIMEOUT)
        assert COMMANDS["retry"].act(()) == [mine]
        assert COMMANDS["retry"].act((str(whole.id),)) == [whole]


def test_commands_know_a_run_by_its_name(session: rv.Session, capsys: pytest.CaptureFixture[str]) -> None:
    run = rv.generate("A bottle", seed=45, name="my bottles").wait(TIMEOUT)
    for command in ("wait", "retry", "resume"):
        assert COMMANDS[command].act(("my bottles",)) == [run]
        with pytest.raises(rv.UsageError, match="no run named 'my bottle'; did you mean 'my bottles'"):
            COMMANDS[command].act(("my bottle",))
    COMMANDS["stop"].act(("my bottles",))
    assert f"Run {run.id}: " in capsys.readouterr().out
