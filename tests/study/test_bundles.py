"""A whole study to a colleague's store and back, and bundles that somebody has tampered with."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.errors import UsageError
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.credit_limits import EVERYBODY, CreditLimit
from rivya_nb.store.measurements import Subject
from rivya_nb.store.records import Marks
from rivya_nb.store.vote_records import Judgements, RankingPair, RankingRecord, RaterRecord, VoteRecord
from rivya_nb.study.bundle_files import opened
from rivya_nb.study.bundle_reading import read_bundle

PRICE = 12
Connect = Callable[[str], rv.Session]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
def connect(tmp_path: Path, service: str) -> Iterator[Connect]:
    """`connect(name)`: a session with a store of that name."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(
            closing(rv.connect(DEFAULT_KEY, service, store=tmp_path / name))
        )


FRAMES = ("", "at=0.25", "frames=8", "frames=8 sd")
"""Of which frames of a video a number is: none for a picture."""


def study(session: rv.Session, folder: Path) -> rv.Run:
    """Two prompts by two seeds of a table, with a reference, marks, numbers and a vote."""
    Image.new("RGB", (64, 48), (200, 90, 10)).save(folder / "private-cat.png")
    rows = [{"prompt": "a fox", "kind": "mammal"}, {"prompt": "an owl", "kind": "bird"}]
    plan = rv.plan(
        rows, model="nano-banana", references=[folder / "private-cat.png"], repeat=2, name="beasts"
    )
    run = plan.run().wait()
    first, second = (job.record for job in run.jobs[:2])
    run.jobs[0].rate(4).tag("keep")
    run.jobs[1].exclude("hand cut off")
    store = session.store
    sha256 = first.pictures[0].sha256
    numbers = [(Subject(sha256, "", frames), {"": 0.5}) for frames in FRAMES]
    store.measurements.keep("mine", "1", "ab", numbers)
    ranking = RankingRecord("r1", ("seed",), 9.0, (first.id, second.id), (RankingPair(first.id, second.id),))
    vote = VoteRecord("r1", 0, first.id, second.id, "one", "A", 10.0, 1.5, False)
    store.votes.merge(Judgements((ranking,), (RaterRecord("r1", "A", "o1"),), (vote,)))
    return run


def content(session: rv.Session, run: rv.Run) -> dict[str, Any]:
    """What a study says, whatever number its run has."""
    store = session.store
    record = store.runs.get(run.id)
    jobs = store.jobs(cell.job_id for cell in record.cells)
    first = next(iter(jobs.values()))
    return {
        "axes": record.axes,
        "cells": [(cell.job_id, cell.coordinates) for cell in record.cells],
        "made": (record.name, record.created_at, record.service),
        "jobs": {
            job_id: (job.identity, job.prompt, job.pictures, job.status) for job_id, job in jobs.items()
        },
        "marks": store.marks.of(jobs),
        "numbers": store.measurements.known(
            "mine", "1", [Subject(first.pictures[0].sha256, "", frames) for frames in FRAMES]
        ),
        "votes": store.votes.among(jobs),
    }


def counts(session: rv.Session) -> tuple[int, ...]:
    files = [path for path in session.store.files.folder.rglob("*") if path.is_file()]
    jobs = {cell.job_id for run in session.store.runs.newest() for cell in run.cells}
    return session.store.runs.count(), len(jobs), len(files), len(session.store.votes.among(jobs))


@pytest.mark.parametrize("name", ["beasts.zip", "beasts"])
def test_a_study_goes_to_another_store_and_back(connect: Connect, tmp_path: Path, name: str) -> None:
    mine = connect("mine")
    run = study(mine, tmp_path)
    before, amounts = content(mine, run), counts(mine)
    shown = run.export(tmp_path / name, format="bundle")._repr_mimebundle_()["text/plain"]
    assert f"({len(run.images)} pictures; 1 run)" in shown

    theirs = connect("theirs")
    rv.generate("something of their own", seed=1).wait()
    came = rv.import_bundle(tmp_path / name)
    assert [each.id for each in came.runs] == [2], "it has a number of that store"
    assert content(theirs, came.runs[0]) == before
    assert (came.new, came.known) == (len(run.jobs), 0)
    assert "run 2 (beasts)" in came.summary

    again, there = rv.import_bundle(tmp_path / name), counts(theirs)
    assert (again.new, again.known, [each.id for each in again.runs]) == (0, len(run.jobs), [2])
    assert counts(theirs) == there
    assert content(theirs, again.runs[0]) == before

    came.runs[0].jobs[2].exclude("blurred")
    came.runs[0].export(tmp_path / f"back-{name}", format="bundle")
    home = connect("mine")
    back = rv.import_bundle(tmp_path / f"back-{name}")
    assert ([each.id for each in back.runs], back.new, counts(home)) == ([run.id], 0, amounts)
    assert home.store.marks.of([run.jobs[2].id])[run.jobs[2].id].excluded == "blurred"
    assert home.store.jobs([run.jobs[0].id])[run.jobs[0].id].task_id, "what is here stays as it was"


def test_what_somebody_else_paid_costs_nothing_here(connect: Connect, tmp_path: Path) -> None:
    mine = connect("mine")
    rv.generate("a fox", seed=[1, 2], resolution="1K").wait()
    spent = mine.store.spent(mine.service)
    assert spent.credits == 2 * PRICE
    rv.history().export(tmp_path / "a.zip", format="bundle")
    theirs = connect("theirs")
    theirs.store.credit_limits.set(CreditLimit(EVERYBODY, "month", 100))
    run = rv.import_bundle(tmp_path / "a.zip").runs[0]
    assert {run.asked_by, *(job.asked_by for job in run.jobs)} == {""}
    assert [use.used for use in theirs.store.credit_limits.uses()] == [0]
    assert theirs.store.spent(theirs.service).credits == 0
    assert theirs.store.spent(theirs.service).perhaps_billed == 0
    assert (run.credits, [job.credits for job in run.jobs]) == (0, [0, 0])
    plan = rv.plan("a fox", seed=[1, 2, 3], resolution="1K")
    assert plan.credits == PRICE, "an imported picture stands for an identical request"
    assert rv.plan("a fox", seed=[1, 2], resolution="1K", fresh=True).credits == 2 * PRICE
    mine = connect("mine")
    rv.import_bundle(tmp_path / "a.zip")
    assert mine.store.spent(mine.service) == spent


def test_nobody_goes_on_with_what_another_store_has_sent(connect: Connect, tmp_path: Path) -> None:
    mine = connect("mine")
    run = rv.generate("a fox", seed=[1, 2, 3]).wait()
    for job, status in zip(run.jobs, ("unknown", "queued", "undelivered"), strict=True):
        mine.store.finish_job(job.id, (), status=status)
    run.export(tmp_path / "a", format="bundle")
    theirs = connect("theirs")
    came = rv.import_bundle(tmp_path / "a").runs[0]
    records = theirs.store.jobs(job.id for job in came.jobs).values()
    assert {(job.status, job.task_id, job.body) for job in records} == {("stopped", None, None)}
    assert theirs.store.spent(theirs.service).perhaps_billed == 0
    assert rv.plan("a fox", seed=[1, 2, 3]).credits == 3 * PRICE
    with pytest.raises(UsageError, match=r"[Nn]othing"):
        rv.resume(unsent=True)


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_a_bundle_holds_no_key_no_path_and_no_name(
    connect: Connect, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada.of.the.lab")
    mine = connect("mine")
    run = study(mine, tmp_path)
    mine.store.update_job(run.jobs[3].id, error_message=f"{tmp_path}: the disk is full")
    run.export(tmp_path / name, format="bundle")
    with opened(tmp_path / name) as files:
        text = files.text().decode()
    tasks = [job.task_id or "-" for job in run.jobs]
    assert run.asked_by == "ada.of.the.lab"
    secrets = (DEFAULT_KEY, str(tmp_path), str(Path.home()), run.asked_by, *tasks)
    assert not [word for word in secrets if word in text]
    assert "private-cat.png" in text


def test_an_edited_study_of_a_colleague_goes_on_here(connect: Connect, tmp_path: Path) -> None:
    run = study(connect("mine"), tmp_path)
    run.export(tmp_path / "a.zip", format="bundle")
    (tmp_path / "private-cat.png").unlink()
    connect("theirs")
    came = rv.import_bundle(tmp_path / "a.zip").runs[0]
    more = came.extend(repeat=1)
    assert len(more) == 2


def test_an_export_leaves_alone_what_is_not_its_own(connect: Connect, tmp_path: Path) -> None:
    run = study(connect("mine"), tmp_path)
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "letter.txt").write_text("dear", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.writestr("letter.txt", "dear")
    for name in ("mail", "mine.zip"):
        with pytest.raises(UsageError, match="something else is there"):
            run.export(tmp_path / name, format="bundle")
    for name in ("a", "a.zip"):
        run.export(tmp_path / name, format="bundle")
        run.export(tmp_path / name, format="bundle")
    with pytest.raises(UsageError, match="did you mean 'bundle'"):
        run.export(tmp_path / "b", format="bundel")
    assert [path.name for path in tmp_path.glob(".*.part")] == []


# Hostile bundles


@pytest.fixture(scope="module")
def made(service: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as a folder."""
    folder = tmp_path_factory.mktemp("made")
    with closing(rv.connect(DEFAULT_KEY, service, store=folder / "mine")) as session:
        study(session, folder).export(folder / "bundle", format="bundle")
    return folder / "bundle"


@pytest.fixture
def bundle(made: Path, connect: Connect, tmp_path: Path) -> Path:
    """A copy of it, and a session with another store."""
    connect("theirs")
    return Path(shutil.copytree(made, tmp_path / "bundle"))


def changed(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((bundle / "study.json").read_text(encoding="utf-8"))
    change(record)
    (bundle / "study.json").write_text(json.dumps(record), encoding="utf-8")


def refused(bundle: Path, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        rv.import_bundle(bundle)
    assert len(str(caught.value)) < 1500
    assert len(rv.runs()) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r.update(format="x"), "no bundle of rivya_nb"),
        (lambda r: r.update(version=2), "upgrade rivya-nb"),
        (lambda r: r.update(version="1"), "version"),
        (lambda r: r.update(jobs={}), "jobs"),
        (lambda r: r["jobs"][0].update(id="../x"), "jobs 1.id"),
        (lambda r: r["jobs"][0].update(id=7), "jobs 1.id"),
        (lambda r: r["jobs"][0].update(status="planned"), "jobs 1.status"),
        (lambda r: r["jobs"][0].update(status="failed"), "jobs 1.status"),
        (lambda r: r["jobs"][0].update(prompt="\ud800"), "jobs 1.prompt"),
        (lambda r: r["jobs"][0].update(prompt="x" * 300_000), "jobs 1.prompt"),
        (lambda r: r["jobs"][0].update(params={"seed": [1]}), "jobs 1.params.seed"),
        (lambda r: r["jobs"][0].update(params={"seed": 10**400}), "jobs 1.params.seed"),
        (lambda r: r["jobs"][0].update(created_at="now"), "jobs 1.created_at"),
        (lambda r: r["jobs"][0].update(replicate=0), "jobs 1.replicate"),
        (lambda r: r["jobs"][0].update(service="https://me@evil"), "jobs 1.service"),
        (lambda r: r["jobs"][0]["pictures"][0].update(sha256="../../x"), "sha256"),
        (lambda r: r["jobs"][0]["pictures"][0].update(sha256="0" * 64), "the bundle does not have"),
        (lambda r: r["jobs"][0]["pictures"][0].update(mime_type="text/html"), "mime_type"),
        (lambda r: r["jobs"][0]["pictures"][0].update(size=10), "over the limit"),
        (lambda r: r["jobs"][0]["pictures"][0].update(size=10**12), "size"),
        (lambda r: r["jobs"][0]["references"][0].update(url="file:///etc/passwd"), "https"),
        (lambda r: r["runs"][0].update(cells=[]), "runs 1.cells"),
        (lambda r: r["runs"][0]["cells"][0].__setitem__(1, [99, 0]), "runs 1.cells 1"),
        (lambda r: r["runs"][0]["cells"][0].__setitem__(1, [0]), "runs 1.cells 1"),
        (lambda r: r["runs"][0]["cells"][0].__setitem__(0, "nobody"), "does not have 'nobody'"),
        (lambda r: r["runs"][0].update(study="[study]\nversion = 9"), "runs 1.study"),
        (lambda r: r["runs"][0].update(study="import os"), "runs 1.study"),
        (lambda r: r["runs"][0].update(study='[study]\nversion = 1\nprompts = "/etc/passwd"'), "rows in itself"),
        (lambda r: r["runs"][0]["axes"][0].update(facts=[{}]), "facts"),
        (lambda r: r["marks"].update(nobody={"rating": 5}), "nobody"),
        (lambda r: r["marks"].update({next(iter(r["marks"])): {"rating": 9}}), "rating"),
        (lambda r: r["measures"][0]["numbers"][0].__setitem__(0, "x"), "measures 1.numbers 1"),
        (lambda r: r["measures"][0]["numbers"][0].append("at=2"), "measures 1.numbers 1"),
        (lambda r: r["measures"][0]["numbers"][0].append(["at=0.5"]), "measures 1.numbers 1"),
        (lambda r: r["measures"][0]["numbers"][0].__setitem__(2, {"": float("nan")}), "NaN"),
        (lambda r: r["votes"][0].update(outcome="both"), "votes 1"),
        (lambda r: r["votes"][0].update(pair=7), "votes 1.pair"),
        (lambda r: r["votes"][0].update(rater="B"), "votes 1"),
        (lambda r: r["rankings"][0]["pairs"][0].update(one="nobody"), "rankings 1.pairs 1"),
        (lambda r: r["rankings"][0]["pairs"][0].update(other=r["jobs"][0]["id"]), "a pair has two pictures"),
        (lambda r: r["jobs"].append({**r["jobs"][0], "prompt": "another"}), "jobs 5: the bundle has it twice"),
        (lambda r: r["votes"].append({**r["votes"][0], "outcome": "tie"}), "votes 2: the bundle has it twice"),
        (lambda r: r["raters"].append({**r["raters"][0], "origin": "o2"}), "raters 2: the bundle has it twice"),
        (lambda r: r["votes"][0].update(seconds=1e200), "votes 1.seconds"),
        (lambda r: r["raters"][0].update(name="a\nb"), "no name"),
    ],
)  # fmt: skip
def test_a_bundle_of_a_wrong_shape_is_refused_as_a_whole(
    bundle: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    changed(bundle, change)
    refused(bundle, told)


def test_files_of_a_bundle_are_what_their_names_say(bundle: Path, tmp_path: Path) -> None:
    picture = next((bundle / "pictures").glob("*/*.png"))
    whole = picture.read_bytes()
    picture.write_bytes(whole[:-1] + b"x")
    refused(bundle, "not what its name says")
    picture.write_bytes(whole)
    (bundle / "extra.py").write_text("import os", encoding="utf-8")
    refused(bundle, "no part of a bundle")
    (bundle / "extra.py").unlink()
    (bundle / "pictures" / "00").mkdir(exist_ok=True)
    spare = bundle / "pictures" / "00" / f"{'0' * 64}.png"
    spare.write_bytes(whole)
    refused(bundle, "no request of the bundle has it")
    spare.unlink()
    picture.rename(tmp_path / "outside.png")
    picture.symlink_to(tmp_path / "outside.png")
    refused(bundle, "this is a link")


def zipped(bundle: Path, *more: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    target = bundle.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(bundle.rglob("*")):
            archive.write(path, path.relative_to(bundle).as_posix())
        for name, data in more:
            archive.writestr(name, data)
    return target


def test_a_hostile_zip_is_refused(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rivya_nb.study.bundle_files.LARGEST_TEXT", 2_000_000)
    link = zipfile.ZipInfo(f"pictures/00/{'0' * 64}.png")
    link.external_attr = 0o120777 << 16
    for name, data in (
        *((each, b"x") for each in ("../evil.png", "/etc/evil", "pictures/../../evil", "C:\\evil")),
        (link, b"/etc/passwd"),
    ):
        refused(zipped(bundle, (name, data)), "no part of a bundle|this is a link")
    bomb = bundle / "study.json"
    text = bomb.read_bytes()
    bomb.write_bytes(text[:-1] + b" " * 2_000_000 + b"}")
    refused(zipped(bundle), "over the limit")
    bomb.write_bytes(b"[" * 1_000_000)
    refused(zipped(bundle), "no JSON of a bundle")
    bomb.write_bytes(text)
    (tmp_path / "not.zip").write_bytes(b"PK\3\4 something")
    refused(tmp_path / "not.zip", "this is no bundle")
    refused(tmp_path / "gone.zip", "no such file")
    assert not (tmp_path.parent / "evil.png").exists()
    assert rv.import_bundle(zipped(bundle)).new == 4, "a folder that somebody has packed is a bundle"


def test_a_job_that_is_another_one_here_is_refused(bundle: Path) -> None:
    rv.import_bundle(bundle)
    changed(bundle, lambda record: record["jobs"][0].update(prompt="another prompt"))
    with pytest.raises(UsageError, match="another job with this id; nothing was imported"):
        rv.import_bundle(bundle)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 20_000), bits=st.binary(min_size=1, max_size=8), cut=st.integers(0, 30))
def test_no_damage_of_a_bundle_is_an_error_of_ours(bundle: Path, at: int, bits: bytes, cut: int) -> None:
    for path in (bundle / "study.json", zipped(bundle)):
        whole = path.read_bytes()
        start = at % len(whole)
        path.write_bytes(whole[:start] + bits + whole[start + cut :])
        try:
            with opened(bundle if path.suffix == ".json" else path) as files:
                files.names()
                read_bundle(files.text())
        except UsageError:
            pass
        finally:
            path.write_bytes(whole)


def test_marks_here_are_not_replaced(bundle: Path) -> None:
    run = rv.import_bundle(bundle).runs[0]
    run.jobs[0].rate(1)
    changed(bundle, lambda record: record["marks"][run.jobs[0].id].update(rating=5))
    rv.import_bundle(bundle)
    session = run._store
    assert session.marks.of([run.jobs[0].id])[run.jobs[0].id] == replace(Marks(rating=1), tags=("keep",))


def test_a_picture_of_ones_own_stands_before_an_imported_one(connect: Connect, tmp_path: Path) -> None:
    connect("mine")
    rv.generate("a fox", seed=1, resolution="1K").wait().export(tmp_path / "a.zip", format="bundle")
    connect("theirs")
    own = rv.generate("a fox", seed=1, resolution="1K").wait()
    came = rv.import_bundle(tmp_path / "a.zip").runs[0]
    assert came.jobs[0].id != own.jobs[0].id
    again = rv.generate("a fox", seed=1, resolution="1K").wait()
    assert [job.id for job in again.jobs] == [own.jobs[0].id]


def test_votes_of_another_rater_of_that_name_are_left_out_and_told(bundle: Path) -> None:
    first = rv.import_bundle(bundle)
    assert "1 vote came with them" in first.summary
    changed(bundle, lambda record: record["raters"][0].update(origin="somebody else"))
    again = rv.import_bundle(bundle)
    assert "Its votes were left out: rater: there are votes of another rater 'A'" in again.summary
    assert (again.new, again.known) == (0, first.new)


def test_votes_on_another_list_of_pairs_are_left_out_and_told(bundle: Path) -> None:
    rv.import_bundle(bundle)

    def longer(record: dict[str, Any]) -> None:
        record["rankings"][0]["pairs"] *= 5
        record["votes"][0].update(pair=4)

    changed(bundle, longer)
    again = rv.import_bundle(bundle)
    assert "Its votes were left out: ranking r1: this store has another list of pairs" in again.summary
    assert [vote.pair for vote in rv.runs()[0]._store.votes.of("r1")] == [0]


def test_every_number_that_a_measure_may_give_comes_back(bundle: Path) -> None:
    changed(bundle, lambda record: record["measures"][0]["numbers"][0].__setitem__(2, {"": -1.7e308}))
    assert rv.import_bundle(bundle).new == 4
