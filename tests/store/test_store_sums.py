"""Counts and bills come from sums that the database keeps, and are what the jobs themselves say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from rivya_nb.store import search
from rivya_nb.store.postgresql import search as server_search
from rivya_nb.store.questions import Question
from rivya_nb.store.records import STATUSES, JobRecord, Marks, Spent
from rivya_nb.store.renaming import rename_services
from rivya_nb.store.store import Store

from .filling import PICTURE, a_job, add, done, ids

SERVICES = ("sandbox", "https://rivya.ai")
HOURS = (0.0, 3599.999, 3600.0, 7199.0, 7200.5, 10_000.0)
credits_ = st.none() | st.integers(0, 40)
job_fields = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "task_id": st.sampled_from((None, "t")),
        "price": credits_,
        "reserved_credits": credits_,
        "final_credits": credits_,
        "submitted_at": st.none() | st.sampled_from(HOURS),
        "service": st.sampled_from(SERVICES),
    }
)
prompts = st.lists(st.sampled_from(("studio", "cat", "猫", "猫夜", "a")), min_size=1, max_size=3).map(
    " ".join
)
asked_jobs = st.fixed_dictionaries(
    {
        "prompt": prompts,
        "params": st.fixed_dictionaries(
            {"aspect_ratio": st.sampled_from(("1:1", "16:9"))},
            optional={"seed": st.integers(0, 3), "strength": st.sampled_from((1, 1.0, "2"))},
        ),
        "model": st.sampled_from(("of-no-record", "another-one")),
        "service": st.sampled_from(SERVICES),
        "status": st.sampled_from(("succeeded", "failed")),
        "created_at": st.sampled_from(HOURS),
        "asked_by": st.sampled_from(("ada", "bob")),
    }
)
questions = st.builds(
    Question,
    service=st.none() | st.sampled_from(SERVICES),
    model=st.none() | st.sampled_from(("of-no-record", "another-one", "none")),
    seed=st.none() | st.integers(0, 3),
    prompt=st.none() | prompts | st.sampled_from(("tud", "夜", "猫猫")),
    params=st.dictionaries(
        st.sampled_from(("aspect_ratio", "seed", "strength")), st.sampled_from(("1:1", 1, 2))
    ),
    rating=st.none() | st.integers(0, 5),
    since=st.none() | st.sampled_from(HOURS),
    until=st.none() | st.sampled_from(HOURS),
    asked_by=st.none() | st.sampled_from((("ada",), ("bob", "ada"), ("bob", "zoe"))),
    hidden=st.booleans(),
    oldest_first=st.booleans(),
)
in_one_store = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@in_one_store
@given(first=st.lists(job_fields, min_size=1, max_size=4), then=st.lists(job_fields, max_size=4))
def test_what_was_spent_is_what_the_jobs_say_whatever_became_of_them(
    store: Store, first: list[dict[str, Any]], then: list[dict[str, Any]]
) -> None:
    made = [a_job(**fields) for fields in first]
    run = add(store, *made)
    for job, changes in zip(made, then, strict=False):
        store.update_job(
            job.id, **{key: value for key, value in changes.items() if key not in ("price", "service")}
        )
    everything = all_jobs(store)
    assert {cell.job_id for cell in run.cells} <= {job.id for job in everything}
    for service in SERVICES:
        own = [job for job in everything if job.service == service]
        assert store.spent(service) == Spent.by(own)
        assert type(store.spent(service).credits) is int, "as a user sees it"
        assert (service in store.services()) == bool(own)
        for since in (*HOURS, 3600.5, 1e9):
            late = [job for job in own if moment(job) >= since]
            assert store.spent(service, since) == Spent.by(late), since


def test_a_renamed_service_takes_its_sums_with_it(store: Store) -> None:
    add(store, done(final_credits=5), done(final_credits=7))
    rename_services(store.database, lambda name: "renamed" if name == "sandbox" else name)
    assert (store.services(), store.spent("renamed").credits, store.spent("sandbox").credits) == (
        ["renamed"],
        12,
        0,
    )
    assert [store.count(Question(service=name)) for name in ("renamed", "sandbox")] == [2, 0]


@in_one_store
@given(
    made=st.lists(asked_jobs, min_size=1, max_size=6),
    marks=st.lists(st.booleans()),
    asked=st.lists(questions),
)
def test_a_question_is_answered_as_a_filter_over_all_jobs_would(
    store: Store, made: list[dict[str, Any]], marks: list[bool], asked: list[Question]
) -> None:
    new = [a_job(**fields, pictures=(PICTURE,) if fields["status"] == "succeeded" else ()) for fields in made]
    add(store, *new)
    for job, hidden in zip(new, marks, strict=False):
        store.marks.change([job.id], hidden=hidden, rating=3)
        store.marks.change([job.id], rating=4)
    store.delete_pictures([job.id for job in new[4:]])
    everything = all_jobs(store)
    marked = store.marks.of(ids(everything))
    for question in asked:
        fitting = [job for job in everything if fits(job, marked[job.id], question)]
        found = store.history(question)
        assert ids(found) == ids(fitting if question.oldest_first else fitting[::-1]), question
        assert store.count(question) == len(found), question


def moment(job: JobRecord) -> float:
    return job.created_at if job.submitted_at is None else job.submitted_at


def all_jobs(store: Store) -> list[JobRecord]:
    """Every job, in the order in which they were asked for."""
    return store.unfinished(statuses=STATUSES)


def fits(job: JobRecord, marks: Marks, question: Question) -> bool:
    params = {
        key: f"{float(value):g}" if key != "aspect_ratio" else value for key, value in job.params.items()
    }
    wanted = {key: str(value) for key, value in question.params.items()}
    return (
        bool(job.pictures)
        and (question.hidden or not marks.hidden)
        and question.service in (None, job.service)
        and question.model in (None, job.model)
        and (question.seed is None or params.get("seed") == str(question.seed))
        and all(word in job.prompt for word in (question.prompt or "").split())
        and all(params.get(key) == value for key, value in wanted.items())
        and marks.rating >= (question.rating or 0)
        and (question.since is None or job.created_at >= question.since)
        and (question.asked_by is None or job.asked_by in question.asked_by)
        and (question.until is None or job.created_at <= question.until)
    )


def test_a_documented_seed_is_found_beside_seeds_that_were_sent(store: Store) -> None:
    documented = {"model": "happyhorse-1-0"}
    silent, sent, other = done(params={}, **documented), done(params={"seed": 0}), done(params={"seed": 1})
    another = done(params={"seed": 1}, **documented)
    add(store, silent, sent, other, another)
    assert ids(store.history(Question(params={"seed": 0}))) == ids([sent, silent])
    assert ids(store.history(Question(params={"seed": 0}, **documented))) == [silent.id]
    assert ids(store.history(Question(params={"seed": 1}))) == ids([another, other])
    assert ids(store.history(Question(seed=0))) == [sent.id]
    assert store.count(Question(params={"seed": 0})) == 2


@pytest.mark.sqlite
@pytest.mark.parametrize("indexed_words", ["xylophonist", "棚", "棚外", "棚棚"])
def test_no_question_with_few_answers_reads_every_job(store: Store, indexed_words: str) -> None:
    add(store, done("a xylophonist, 棚外"), *(done(f"a cat {seed}", {"seed": seed}) for seed in range(50)))
    plans = plans_of(
        store,
        lambda: (
            store.count(Question()),
            store.count(Question(hidden=True, service="sandbox")),
            store.count(Question(params={"aspect_ratio": "16:9", "resolution": "2K"})),
            store.history(Question(params={"aspect_ratio": "16:9", "seed": 7}), limit=24),
            store.count(Question(params={"aspect_ratio": "16:9", "seed": 7})),
            store.history(Question(prompt=indexed_words), limit=24),
            store.history(Question(asked_by=("ada",)), limit=24),
            store.count(Question(asked_by=("ada",), service="sandbox")),
            store.users.names(),
            store.count(Question(prompt=indexed_words, model="imagen-4")),
            store.spent("sandbox"),
            store.spent("sandbox", since=1e6),
            store.services(),
            store.runs.summaries(24),
        ),
    )
    assert plans
    assert [step for step in plans if step.startswith(("SCAN jobs", "SCAN prompts"))] == []


def plans_of(store: Store, work: Any) -> list[str]:
    """The steps of SQLite's plans for all that `work` reads."""
    read: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            read.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(store.folder / "rivya.db")) as connection:
        return [
            step
            for statement, parameters in read
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


def test_a_long_tag_is_gone_through_and_a_shown_number_says_more_where_it_stops(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [done("a cat" if seed % 2 else "a dog", {"seed": seed}) for seed in range(12)]
    add(store, *jobs)
    store.marks.tag(ids(jobs), ["keep"])
    question = Question(prompt="cat", tags=("keep",))
    wanted = ids([job for job in jobs if "cat" in job.prompt][::-1])
    assert (store.history_ids(question), store.counted(question).words) == (wanted, "6")
    for module in (search, server_search):
        monkeypatch.setattr(module, "_FEW_JOBS", 3)
    for each in (search.SqliteSearch, server_search.PostgresqlSearch):
        monkeypatch.setattr(each, "candidates", 4)
        monkeypatch.setattr(each, "many", 5)
    assert store.history_ids(question, limit=3, offset=1) == wanted[1:4]
    assert (store.count(question), store.counted(question).words) == (6, "more than 2")
    assert store.counted(Question(prompt="cat")).words == "more than 5"
    assert store.counted(Question(tags=("keep",))).words == "more than 5"
    assert store.counted(Question()).words == "12"
