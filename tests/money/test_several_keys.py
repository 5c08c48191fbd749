"""Colleagues on one store, each with a key of an account of their own."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence

import pytest
from PIL import Image

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import OTHER_KEY
from rivya_nb.session.session import Session

from .test_several_kernels import PRICE, TIMEOUT, bought, cell

Connect = Callable[..., rv.Session]
Other = Callable[..., Session]
MODEL = "wan-2-7-image-pro"
DAY = 86_400.0


@pytest.fixture
def session(connect: Connect) -> rv.Session:
    return connect(SandboxConfig(latency=0.1, credits=10_000))


def died(session: Session, **state: object) -> rv.Run:
    """The run of one picture that this kernel has bought, whose record says what it said at its death."""
    run = cell(session, [1]).wait(TIMEOUT)
    session.store.finish_job(run[0].id, [], owner=session.store.owner.id, **state)  # type: ignore[arg-type]
    session.store.owner.close()
    return run


def test_a_submit_without_an_answer_is_repeated_with_its_own_key_alone(
    session: rv.Session, other_kernel: Other
) -> None:
    colleague = other_kernel(session, OTHER_KEY)
    died(colleague, status="submitting", task_id=None)
    for _ in range(2):
        mine = cell(session, [1])
        mine.finished().result(TIMEOUT)
        assert (mine[0].status, bought(session)) == ("unknown", 0)
        assert "made with another API key" in str(mine[0].error)
    again = other_kernel(session, OTHER_KEY)
    assert len(again.resume(mine.id).wait(TIMEOUT).images) == 1
    assert (bought(session), bought(colleague)) == (0, 1)


def test_leave_to_bill_again_sends_it_with_the_key_at_hand(session: rv.Session, other_kernel: Other) -> None:
    colleague = other_kernel(session, OTHER_KEY)
    run = died(colleague, status="submitting", task_id=None)
    assert len(session.resume(run.id, unsent=True).wait(TIMEOUT).images) == 1
    assert (bought(session), bought(colleague)) == (1, 1)
    assert session.store.job(run[0].id).sent_with == session.connection.label


def test_a_task_of_another_key_is_collected_where_that_key_is(
    session: rv.Session, other_kernel: Other
) -> None:
    colleague = other_kernel(session, OTHER_KEY)
    died(colleague, status="processing")
    mine = cell(session, [1])
    mine.finished().result(TIMEOUT)
    assert (mine[0].status, bought(session)) == ("unknown", 0)
    assert str(mine[0].error).startswith("the service does not show this task with the API key here")
    assert len(other_kernel(session, OTHER_KEY).resume(mine.id).wait(TIMEOUT).images) == 1
    assert (bought(session), bought(colleague)) == (0, 1)


def test_each_key_uploads_a_reference_that_all_share_once(session: rv.Session, other_kernel: Other) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(file, "PNG")
    colleague = other_kernel(session, OTHER_KEY)

    def asked(kernel: Session, seeds: Sequence[int]) -> rv.Run:
        taken, _ = kernel.take({"": [file.getvalue()]}, kernel.models_of([MODEL])[0], shrink=False)
        params = [{"resolution": "1K", "seed": seed} for seed in seeds]
        requests = [rv.Request(MODEL, "A bottle", each, taken[""], PRICE) for each in params]
        return kernel.plan_requests(requests, name=None, max_credits=None, fresh=False).run().wait(TIMEOUT)

    for first in (0, 10):
        for number, kernel in enumerate((session, colleague)):
            asked(kernel, range(first + 2 * number, first + 2 * number + 2))
    # Nothing was refused for a file of the other account.
    assert session.store.unfinished(statuses={"failed"}) == []


@pytest.mark.parametrize(("hours", "status"), [(23, "succeeded"), (25, "unknown")])
def test_the_stores_clock_says_how_old_a_submit_is(
    hours: int, status: str, session: rv.Session, other_kernel: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    until: list[float | None] = []
    create = session.connection.client.generations.create

    async def noted(*args: object, **options: object) -> object:
        until.append(options["repeat_until"])  # type: ignore[arg-type]
        return await create(*args, **options)  # type: ignore[arg-type]

    # This machine's own clock is 30 hours behind.
    monkeypatch.setattr(session.store.database, "now", lambda: time.time() + 30 * 3600)
    monkeypatch.setattr(session.connection.client.generations, "create", noted)
    died(
        other_kernel(session),
        status="submitting",
        task_id=None,
        submitted_at=time.time() + (30 - hours) * 3600,
    )
    mine = cell(session, [1])
    mine.finished().result(TIMEOUT)
    assert (mine[0].status, bought(session)) == (status, 1)
    if until:
        assert until[0] == pytest.approx(time.time() + DAY - hours * 3600, abs=60)
