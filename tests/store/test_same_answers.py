"""Both databases give the same answer to any question to the history."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import PostgresqlServer

from rivya_nb.store import search
from rivya_nb.store.measurements import Subject
from rivya_nb.store.places import StorePlace
from rivya_nb.store.postgresql import search as server_search
from rivya_nb.store.questions import MeasureOrder, Question
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord
from rivya_nb.store.store import Store

from .filling import PICTURE, done

JOBS = 60
LETTERS = (
    "fox",
    "Fox",
    "FUCHS",
    "straße",
    "STRASSE",
    "ΣΑΣ",
    "σας",
    "İstanbul",
    "ﬁne",
    "a",
    "é",
    "e\u0301",
    "Ｗide",
)
SIGNS = (
    "50%", "%", "_", "a_b", "\\", "\\%", "/", "//", "'", '"', '"red fox"', '""', "-", "-fox", "--", "OR", "|",
)  # fmt: skip
OTHERS = (
    "🦊", "🦊🦊🦊", "👩\u200d🎨", "ภาพถ่าย", "ภาพ", "่", "棚", "棚外", "山水猫",
    "\0", "a\0b", "\ufdd0", "\ufdd01", "\u200b",
)  # fmt: skip
PIECES = (*LETTERS, *SIGNS, *OTHERS, "$1", ":x")
LOWEST = MeasureOrder("sharp", lowest_first=True)
VALUES = ("1:1", "16:9", 7, 7.5, "7", "007", True, "a\0b", "%", 10**18, 9 * 10**18, "x" * 50)
SEEDS = (0, 1, 7, -3, "7", "007", 7.5, "x", 2**31, 2**62, 2**63 - 1)

prompts = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    min_size=1,
    max_size=4,
).map(" ".join)
seeds = st.sampled_from(SEEDS)
ranges = st.builds(range, st.integers(-5, 8), st.integers(9, 40), st.integers(1, 3)) | st.just(
    range(2**61, 2**63 - 1)
)
asked_values = st.sampled_from(VALUES) | st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)) | ranges
TAGS = ("keep", "a%b", "ภาพ", "x\0y")
times = st.sampled_from([1000.0, 1010.0, 1030.5, 1059.0, 1e12])


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Up to three things that are asked for, in any order."""
    options = {
        "model": st.sampled_from(["imagen", ("imagen", "seedream-4"), "no-such"]),
        "seed": seeds | ranges | st.tuples(seeds, seeds),
        "prompt": prompts,
        "params": st.dictionaries(st.sampled_from(["size", "style", "seed"]), asked_values, min_size=1),
        "rating": st.integers(1, 5),
        "favourite": st.just(True),
        "tags": st.lists(st.sampled_from([*TAGS, "none"]), min_size=1, max_size=2, unique=True).map(tuple),
        "runs": st.lists(st.integers(1, 4), min_size=1, max_size=2, unique=True).map(tuple),
        "since": times,
        "until": times,
        "width": st.sampled_from([512, 1024, range(500, 900), (512, 2048)]),
        "height": st.sampled_from([768, range(700, 800, 4)]),
        "facts": st.dictionaries(st.sampled_from(["place", "n\0"]), asked_values, min_size=1),
        "asked_by": st.sampled_from([("ada",), ("ada", "bob"), ("nobody",)]),
        "hidden": st.just(True),
        "excluded": st.booleans(),
        "service": st.sampled_from(["sandbox", "other"]),
        "order": st.sampled_from(["rating", "seed", MeasureOrder("sharp"), LOWEST]),
        "oldest_first": st.just(True),
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(sorted(options)), max_size=4, unique=True))
    return Question(**{name: draw(options[name]) for name in names})


def fill(store: Store, jobs: list[JobRecord]) -> None:
    """Four runs of these jobs, with facts, marks, tags and numbers of a measure."""
    values = [str(value) for value in VALUES]
    for start in range(0, JOBS, JOBS // 4):
        some = jobs[start : start + JOBS // 4]
        facts = tuple({"place": values[at % len(values)], "n\0": values[at % 5]} for at in range(len(some)))
        axes = (AxisRecord("row", tuple(map(str, range(len(some)))), facts),)
        cells = [CellRecord(job.id, (at,)) for at, job in enumerate(some)]
        store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=some)
    ids = [job.id for job in jobs]
    for rating in range(1, 6):
        store.marks.change(ids[rating::7], rating=rating)
    store.marks.change(ids[::4], favourite=True)
    store.marks.change(ids[::9], hidden=True)
    store.marks.change(ids[::6], excluded="blurred")
    for at, tag in enumerate(TAGS, 2):
        store.marks.tag(ids[::at], [tag])
    store.measurements.keep(
        "sharp",
        "1",
        "",
        [
            (Subject(job.pictures[0].sha256, "", frames), {"": at % number})
            for at, job in enumerate(jobs[::2])
            for frames, number in (("at=0.5" if at % 3 else "", 7.0), ("frames=8", 3.0))
        ],
    )


@pytest.fixture
def both(tmp_path: Path, postgresql: PostgresqlServer) -> Iterator[tuple[Store, Store]]:
    """A store of each kind with the same jobs."""
    rng = random.Random(15)
    jobs = []
    for at in range(JOBS):
        params = {"size": rng.choice(VALUES), "style": rng.choice(VALUES), "seed": rng.choice(SEEDS)}
        if rng.random() < 0.2:
            del params["seed"]
        picture = replace(PICTURE, sha256=f"{at:064x}", width=rng.choice([512, 1024]), height=768)
        about = {"model": rng.choice(["imagen", "seedream-4"]), "asked_by": rng.choice(["ada", "bob"])}
        prompt = " ".join(rng.choices(PIECES, k=3))
        jobs.append(done(prompt, params, pictures=(picture,), created_at=1000.0 + at, **about))
    places: tuple[StorePlace, ...] = (tmp_path / "store", postgresql.new_store())
    first, second = map(Store.open, places)
    with closing(first), closing(second):
        fill(first, jobs)
        fill(second, jobs)
        yield first, second


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions(), st.sampled_from([0, 2, 10, 1000]), st.integers(1, 8), st.integers(0, 12))
def test_any_question_has_the_same_answer(
    both: tuple[Store, Store], question: Question, few: int, limit: int, offset: int
) -> None:
    first, second = both
    with pytest.MonkeyPatch.context() as patch:
        # With so few jobs, each way to find them is taken.
        for module in (search, server_search):
            patch.setattr(module, "_FEW_JOBS", few)
        patch.setattr(server_search, "_NEWEST", few)
        expected = first.history_ids(question)
        assert second.history_ids(question) == expected
        assert second.count(question) == first.count(question) == len(expected)
        assert second.counted(question) == first.counted(question)
        page = expected[offset : offset + limit]
        assert second.history_ids(question, limit, offset) == page
        assert first.history_ids(question, limit, offset) == page
