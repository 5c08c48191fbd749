"""Video and audio as references, from a call to the service and back, over a real socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sandbox.recorded import mp4, wav
from sandboxes import running_sandbox, until

import rivya_nb as rv
from rivya_nb.magics.cell import plan_cell
from rivya_nb.planning.line import parse_line
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

TIMEOUT = 60
CLIP = "sandbox-clip"


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[SandboxConfig], rv.Session]]:
    """`connect(config)`: a session with a sandbox of its own, whose models it knows."""
    with ExitStack() as stack:

        def connected(config: SandboxConfig) -> rv.Session:
            url = stack.enter_context(running_sandbox(config))
            session = stack.enter_context(closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")))
            session.refresh_models()
            return session

        yield connected


@pytest.fixture
def session(connect: Callable[[SandboxConfig], rv.Session]) -> rv.Session:
    return connect(SandboxConfig(latency=0))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(mp4(3))
    return path


def asked(references: object, **more: Any) -> rv.Run:
    run = rv.generate("Rain", model=CLIP, references=references, **{"seed": 1, **more})
    run.wait(TIMEOUT)
    return run


def items(job: rv.Job) -> list[dict[str, Any]]:
    return json.loads(job.record.body or "")["params"]["referenceMediaItems"]  # type: ignore[no-any-return]


def spoil_token(session: rv.Session, job: rv.Job) -> None:
    """Let the store have a token that the service does not accept any more."""
    [reference] = job.request.references
    upload = session.store.uploads.get(session.service, job.model, reference.sha256, session.connection.label)
    assert upload is not None
    assert upload.duration_token
    session.store.uploads.add(replace(upload, duration_token="dur_old"))


def test_video_and_audio_are_sent_with_their_durations_and_the_tokens_of_their_uploads(
    session: rv.Session, clip: Path
) -> None:
    run = asked([clip, wav(1.25)])
    film, sound = items(run[0])
    assert (film["kind"], film["mimeType"], film["name"]) == ("video", "video/mp4", "clip.mp4")
    assert (sound["kind"], sound["mimeType"]) == ("audio", "audio/wav")
    assert (film["durationSeconds"], sound["durationSeconds"]) == (3, 1.25)
    assert film["durationToken"] != sound["durationToken"]
    assert run[0].status == "succeeded"
    # The same files are not uploaded again.
    again = asked([clip, wav(1.25)], seed=2)
    assert [item["durationToken"] for item in items(again[0])] == [
        film["durationToken"],
        sound["durationToken"],
    ]


def test_a_token_that_is_refused_is_fetched_anew_for_a_new_job_and_billed_once(
    session: rv.Session, clip: Path
) -> None:
    first = asked(clip)
    spoil_token(session, first[0])
    balance = session.balance()
    second = rv.generate("Rain", model=CLIP, references=clip, seed=[2, 3])
    planned = {job.id for job in second}
    second.wait(TIMEOUT)
    assert [job.status for job in second] == ["succeeded", "succeeded"]
    assert not planned & {job.id for job in second}, "another body needs another idempotency key"
    new = items(second[0])[0]
    assert new["durationToken"] not in ("dur_old", items(first[0])[0]["durationToken"])
    assert items(second[1]) == [new], "the file was uploaded once for both"
    refused = session.store.jobs(planned).values()
    assert {(job.status, job.error_code, job.final_credits) for job in refused} == {
        ("failed", "validation_failed", 0)
    }
    assert session.balance() == balance - second.credits == balance - 40


def test_a_token_that_is_refused_again_is_not_fetched_for_ever(
    connect: Callable[[SandboxConfig], rv.Session], clip: Path
) -> None:
    session = connect(SandboxConfig(latency=0, token_seconds=0))
    run = rv.generate("Rain", model=CLIP, references=clip, seed=1)
    planned = run[0].id
    with pytest.raises(rv.RunFailedError, match="durationToken has expired; upload the file again"):
        run.wait(TIMEOUT)
    assert len(run.jobs) == 1
    assert run[0].id != planned
    assert session.balance() == 10_000


def test_a_file_that_the_service_has_lost_is_sent_anew_after_a_task_that_failed(
    session: rv.Session, clip: Path
) -> None:
    run = rv.generate("Rain sandbox:fail", model=CLIP, references=clip, seed=1)
    with pytest.raises(rv.RunFailedError):
        run.wait(TIMEOUT)
    [reference] = run[0].request.references
    place = (session.service, CLIP, reference.sha256, session.connection.label)
    upload = session.store.uploads.get(*place)
    assert upload is not None, "what was sent just now is not lost"
    with pytest.raises(rv.RunFailedError):
        session.retry(run.id).wait(TIMEOUT)
    assert session.store.uploads.get(*place) == upload
    # The service says that it does not know the file, after a day.
    session.store.uploads.add(replace(upload, created_at=upload.created_at - 86_400, file_id="file_gone"))
    with pytest.raises(rv.RunFailedError):
        session.retry(run.id).wait(TIMEOUT)
    assert session.store.uploads.get(*place) is None
    with pytest.raises(rv.RunFailedError):
        session.retry(run.id).wait(TIMEOUT)
    new = session.store.uploads.get(*place)
    assert new is not None
    assert new.url != upload.url


def test_a_submit_that_may_have_been_taken_is_never_made_anew_for_its_token(
    connect: Callable[[SandboxConfig], rv.Session], clip: Path
) -> None:
    # A service that has forgotten the key says nothing of the first submit: it refuses the second by its token.
    session = connect(SandboxConfig(latency=0, idempotency_seconds=0))
    run = asked(clip)
    body = (run[0].record.body or "").replace(items(run[0])[0]["durationToken"], "dur_old")
    lost: dict[str, Any] = {
        "status": "submitting",
        "task_id": None,
        "submitted_at": time.time(),
        "body": body,
    }
    session.store.finish_job(run[0].id, [], **lost)
    balance = session.balance()
    resumed = rv.resume(run)
    resumed.finished().result(TIMEOUT)
    assert [(job.id, job.status) for job in resumed] == [(run[0].id, "unknown")]
    assert "durationToken is not the token of this file" in (resumed[0].error or "")
    assert session.balance() == balance


def test_a_service_that_gives_no_token_is_sent_none(
    connect: Callable[[SandboxConfig], rv.Session], clip: Path
) -> None:
    session = connect(SandboxConfig(latency=0, token_required=False))
    run = asked(clip)
    sha256, label = run[0].request.references[0].sha256, session.connection.label
    upload = session.store.uploads.get(session.service, CLIP, sha256, label)
    assert upload is not None
    session.store.uploads.add(replace(upload, duration_token=None))
    again = asked(clip, seed=2)
    assert "durationToken" not in items(again[0])[0]
    assert items(again[0])[0]["durationSeconds"] == 3
    assert again[0].status == "succeeded"


def test_a_picture_of_the_history_is_the_first_frame_of_a_video(session: rv.Session) -> None:
    still = rv.generate("A bottle", resolution="1K", seed=1).wait(TIMEOUT)
    run = rv.generate("Rain", model="sora-2", references=still).wait(TIMEOUT)
    [item] = items(run[0])
    assert (item["kind"], item["mimeType"]) == ("image", still[0].record.pictures[0].mime_type)
    assert not {"durationSeconds", "durationToken"} & item.keys()


def test_a_video_of_a_run_is_the_next_reference_in_a_cell(session: rv.Session, clip: Path) -> None:
    first = asked(clip)
    [film] = first[0].record.pictures
    plan = plan_cell(session, parse_line(f"seed=2 --model {CLIP} --ref {{run[0]}}"), "Rain", {"run": first})
    [reference] = plan.requests[0].references
    assert (reference.kind, reference.sha256, reference.duration) == ("video", film.sha256, film.duration)
    second = plan.run()
    second.wait(TIMEOUT)
    assert items(second[0])[0]["durationSeconds"] == pytest.approx(film.duration, abs=0.001)


def test_a_model_that_takes_no_webm_goes_on_with_its_own_videos(session: rv.Session, clip: Path) -> None:
    first = rv.generate("Rain", model="wan-2-6").wait(TIMEOUT)
    assert first[0].media[0].mime_type == "video/mp4"
    second = rv.generate("Rain", model="wan-2-6", references=first).wait(TIMEOUT)
    [item] = items(second[0])
    assert item["mimeType"] == "video/mp4"
    assert item["durationSeconds"] == pytest.approx(first[0].media[0].duration, abs=0.001)
    with pytest.raises(
        rv.InvalidRequestError, match=r"its bytes are video/webm; accepted are .* ffmpeg converts it"
    ):
        rv.plan("Rain", model="wan-2-6", references=asked(clip))


def test_a_result_that_is_deleted_before_it_is_uploaded_is_told_and_nothing_is_sent(
    session: rv.Session,
) -> None:
    first = rv.generate("Rain", model=CLIP, seed=1).wait(TIMEOUT)
    plan = rv.plan("Rain", model=CLIP, references=first, seed=2)
    first[0].media[0].path.unlink()
    balance, run = session.balance(), plan.run()
    with pytest.raises(
        rv.RunFailedError, match="this reference is not in the store any more; give its file again"
    ):
        run.wait(TIMEOUT)
    assert (run[0].status, session.balance()) == ("uploading", balance)
    with pytest.raises(rv.InvalidRequestError, match="not in the store any more"):
        rv.plan("Rain", model=CLIP, references=first)


def test_a_result_that_its_user_has_deleted_is_no_reference(session: rv.Session) -> None:
    run = rv.generate("Rain", model=CLIP, seed=1).wait(TIMEOUT)
    run[0].delete(confirm=True)
    with pytest.raises(rv.UsageError, match=rf"job {run[0].id[:8]} has no video \(it was deleted\)"):
        rv.plan("Rain", model=CLIP, references=run)


def test_a_cell_takes_a_file_by_its_path(
    session: rv.Session, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip.parent)
    plan = plan_cell(session, parse_line("duration=5,10 --model wan-2-6 --ref clip.mp4"), "Rain", {})
    [reference] = plan.requests[0].references
    assert (reference.kind, reference.duration, reference.origin) == ("video", 3, "clip.mp4")
    assert (plan.summary, len(plan)) == (
        "2 videos · 140 credits · no seed: paid anew each time this is run",
        2,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--ref clip.mp4", "clip.mp4: a reference of kind video is not accepted; accepted: image"),
        ("--model seedance-2 --ref clip.mp4", "references: seedance-2 takes none"),
        ("--model wan-2-6 --ref clip.mp4 --ref clip.mp4", "references: 2 are too many; wan-2-6 takes 1"),
        ("--model wan-2-6 --ref clip.mp3", "clip.mp3: there is no such file"),
        (f"--model {CLIP} --ref long.mp4", "long.mp4: it is 10.042 s long, and has to be from 0.5 s to 10 s"),
    ],
)
def test_a_cell_with_a_wrong_file_says_it_in_one_line_and_nothing_is_sent(
    session: rv.Session, clip: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.chdir(clip.parent)
    Path("long.mp4").write_bytes(mp4(10.042))
    with pytest.raises(rv.InvalidRequestError) as caught:
        plan_cell(session, parse_line(line), "Rain", {})
    assert [str(mistake) for mistake in caught.value.mistakes if message in str(mistake)]
    assert all("\n" not in str(mistake) for mistake in caught.value.mistakes)
    assert not rv.runs()
    assert session.balance() == 10_000


def test_a_video_is_polled_later_than_a_picture(
    connect: Callable[[SandboxConfig], rv.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.jobs.pacing.SLOWER", 1000.0)
    session = connect(SandboxConfig(latency=0.3))
    film = rv.generate("Rain", model=CLIP, seed=1)
    rv.generate("A bottle", resolution="1K", seed=1).wait(TIMEOUT)

    def has_ended() -> bool:
        call = session.connection.client.generations.retrieve(film[0].task_id or "")
        return session.work_loop.wait(session.work_loop.start(call)).finished

    assert until(has_ended)
    # Another picture is asked for and there, and nobody has looked at the video meanwhile.
    rv.generate("A bottle", resolution="1K", seed=2).wait(TIMEOUT)
    assert film[0].status in ("queued", "processing")
