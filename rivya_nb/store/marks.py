"""The user's marks on pictures: favourites, ratings, tags, notes, what is hidden or excluded; with undo.

Marks are shared by all users, and each user takes back the own steps, strictly from the last one on, no matter
which kernel took them. All share one journal: where others have marked a picture since, an undo leaves it as it
is, so that it never restores an older value over a newer one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, distinct, func, select, update

from rivya_nb.contract.text import check_whole, count, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.columns import insert_many
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import all_numbers_of, insert_one, numbers_of
from rivya_nb.store.news import News
from rivya_nb.store.ownership import Owner
from rivya_nb.store.records import HIGHEST_RATING, MarkChanges, Marks
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, mark_changes, mark_steps, marks, tags

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rivya_nb.store.store import Store

STEPS_KEPT = 200
"""The number of steps that can be undone, for each user on average; older ones are deleted."""

_WORDS = {
    "rating": "rating",
    "favourite": "favourite",
    "hidden": "hiding",
    "note": "note",
    "tags": "tags",
    "excluded": "exclusion",
}
_NONE = Marks()


class MarkBook:
    """The marks of one store's jobs. Each call that changes marks is one transaction and one step for `undo`.

    `changes` notifies of each step, and of each undo.
    """

    def __init__(self, database: Database, owner: Owner, user: str) -> None:
        self.changes = News()
        self._user = user
        self._database = database
        self._kernel = owner.id

    def of(self, job_ids: Iterable[str]) -> dict[str, Marks]:
        """The marks by job id, for every id."""
        wanted = list(dict.fromkeys(job_ids))
        with self._database.reading() as connection:
            numbers = numbers_of(connection, wanted)
            found = _load(connection, numbers.values())
        return {job_id: found.get(numbers.get(job_id, 0), _NONE) for job_id in wanted}

    def change(self, job_ids: Iterable[str], **changes: Unpack[MarkChanges]) -> None:
        """Set these marks of all the jobs.

        Raises:
            UsageError: a rating that is not 0 to 5, an empty tag, or half of a character in a text.
            StoreError: the store has no such job.
        """
        wanted = _checked(changes)
        what = " and ".join(_WORDS[name] for name in wanted)
        self._step(job_ids, what, lambda before: replace(before, **wanted))

    def tag(self, job_ids: Iterable[str], tags: Iterable[str]) -> None:
        """Add tags to those of the jobs. Raises as `change` does."""
        added = _tags(tags)
        self._step(job_ids, "tags", lambda before: replace(before, tags=_tags((*before.tags, *added))))

    def untag(self, job_ids: Iterable[str], tags: Iterable[str]) -> None:
        """Remove tags; tags that a job does not have are ignored. Raises as `change` does."""
        gone = _tags(tags)
        self._step(
            job_ids,
            "tags",
            lambda before: replace(before, tags=tuple(tag for tag in before.tags if tag not in gone)),
        )

    def last_step(self) -> int | None:
        """The id of this user's last step, in any kernel; None if there is none."""
        with self._database.reading() as connection:
            last: int | None = connection.execute(
                select(func.max(mark_steps.c.id)).where(*self._mine)
            ).scalar_one()
        return last

    @property
    def _mine(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Which steps this user may take back."""
        return mark_steps.c.made_by == self._user, ~mark_steps.c.undone

    def undo(self, only: int | None = None) -> str | None:
        """Undo this user's last step, in any kernel, and return what it was, in words; None if there is none.

        A picture that was marked in the same way since then stays as it is, which the words say.

        Raises:
            UsageError: `only` is not the last step; nothing is undone.
        """
        with self._database.writing() as connection:
            last = select(mark_steps).where(*self._mine).order_by(mark_steps.c.id.desc()).limit(1)
            step = connection.execute(last.with_for_update()).mappings().one_or_none()
            if step is None:
                return None
            if only not in (None, step["id"]):
                raise UsageError("Other marks were set since; rv.undo() takes back the last step first.")
            changed = select(mark_changes.c.job_number, mark_changes.c.before)
            changed = changed.where(mark_changes.c.step_id == step["id"])
            before = {number: json.loads(text) for number, text in connection.execute(changed)}
            _hold(connection, before)
            newer = _newer(connection, step["id"], before)
            back = {number: values for number, values in before.items() if number not in newer}
            current = _load(connection, back)
            _save(
                connection,
                {
                    number: replace(current.get(number, _NONE), **_restored(values))
                    for number, values in back.items()
                },
            )
            _take_out(connection, step["id"], back, is_whole=not newer)
        self.changes.tell()
        elsewhere = "" if step["owner"] == self._kernel else ", made in another kernel"
        if not newer:
            return f"{step['what']}{elsewhere}"
        them = "it" if len(newer) == 1 else "them"
        who = listing(sorted({name or "another user" for name in newer.values()}))
        if not back:
            return f"nothing of {step['what']}{elsewhere}; {who} marked {them} since"
        return f"{step['what']}{elsewhere}, but for {count(len(newer), 'picture')}; {who} marked {them} since"

    def known_tags(self) -> list[str]:
        """All tags in use, the most frequent first."""
        statement = select(tags.c.tag).group_by(tags.c.tag).order_by(func.count().desc(), tags.c.tag)
        with self._database.reading() as connection:
            return list(connection.execute(statement).scalars())

    def _step(self, job_ids: Iterable[str], what: str, change: Callable[[Marks], Marks]) -> None:
        with self._database.writing() as connection:
            numbers = all_numbers_of(connection, list(dict.fromkeys(job_ids))).values()
            _hold(connection, numbers)
            earlier = _load(connection, numbers)
            before = {number: earlier.get(number, _NONE) for number in numbers}
            after = {number: change(marks) for number, marks in before.items()}
            changed = {number: marks for number, marks in after.items() if marks != before[number]}
            if not changed:
                return
            _save(connection, changed)
            self._note_down(
                connection,
                f"{what} of {count(len(changed), 'picture')}",
                {number: _difference(before[number], marks) for number, marks in changed.items()},
            )
        self.changes.tell()

    def _note_down(
        self, connection: Connection, what: str, before: Mapping[int, Mapping[str, object]]
    ) -> None:
        step = {"what": what, "owner": self._kernel, "made_by": self._user}
        step_id = insert_one(connection, mark_steps, step)
        insert_many(
            connection,
            mark_changes,
            [
                {"step_id": step_id, "job_number": number, "before": json.dumps(values, ensure_ascii=False)}
                for number, values in before.items()
            ],
        )
        users = connection.execute(select(func.count(distinct(mark_steps.c.made_by)))).scalar_one()
        connection.execute(delete(mark_steps).where(mark_steps.c.id <= step_id - STEPS_KEPT * users))


def excluded(store: Store, job_ids: Iterable[str]) -> set[str]:
    """The ids of those jobs whose pictures count in no figure."""
    return {job_id for job_id, marks in store.marks.of(job_ids).items() if marks.excluded}


def _checked(changes: MarkChanges) -> dict[str, Any]:
    wanted: dict[str, Any] = dict(changes)
    rating = wanted.get("rating", 0)
    if isinstance(rating, bool) or rating not in range(HIGHEST_RATING + 1):
        raise UsageError(
            [Mistake("rating", f"{short_repr(rating)} is not a rating; give 1 to 5, or 0 to remove it")]
        )
    check_whole("note", wanted.get("note"))
    check_whole("exclude", wanted.get("excluded"))
    if "tags" in wanted:
        wanted["tags"] = _tags(wanted["tags"])
    return wanted


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in alphabetical order, each once, without spaces around."""
    cleaned = {" ".join(tag.split()) for tag in tags}
    check_whole("tags", *cleaned)
    if "" in cleaned:
        raise UsageError([Mistake("tags", "a tag must not be empty")])
    return tuple(sorted(cleaned))


def _difference(before: Marks, after: Marks) -> dict[str, object]:
    old, new = asdict(before), asdict(after)
    return {name: value for name, value in old.items() if value != new[name]}


def _restored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name == "tags" else value for name, value in values.items()}


def _hold(connection: Connection, numbers: Collection[int]) -> None:
    """Let nobody else change the marks of these jobs before this transaction ends."""
    for some in portions(sorted(numbers)):
        held = select(jobs.c.number).where(jobs.c.number.in_(some)).order_by(jobs.c.number)
        connection.execute(held.with_for_update(key_share=True))


def _newer(
    connection: Connection, step_id: int, before: Mapping[int, Mapping[str, object]]
) -> dict[int, str]:
    """Those of these jobs that a later step has changed in the same way, each with the user who did it last."""
    found: dict[int, str] = {}
    for some in portions(list(before)):
        later = (
            select(mark_changes.c.job_number, mark_changes.c.before, mark_steps.c.made_by)
            .join(mark_steps, mark_steps.c.id == mark_changes.c.step_id)
            .where(mark_changes.c.step_id > step_id, mark_changes.c.job_number.in_(some))
            .order_by(mark_changes.c.step_id)
        )
        for number, text, user in connection.execute(later):
            if json.loads(text).keys() & before[number].keys():
                found[number] = user
    return found


def _take_out(connection: Connection, step_id: int, numbers: Collection[int], *, is_whole: bool) -> None:
    """Take an undone step out of the journal, but for the jobs that it left as they are."""
    if is_whole:
        connection.execute(delete(mark_steps).where(mark_steps.c.id == step_id))
        return
    for some in portions(list(numbers)):
        gone = (mark_changes.c.step_id == step_id) & mark_changes.c.job_number.in_(some)
        connection.execute(delete(mark_changes).where(gone))
    connection.execute(update(mark_steps).where(mark_steps.c.id == step_id).values(undone=True))


def _load(connection: Connection, numbers: Collection[int]) -> dict[int, Marks]:
    """The marks of those jobs that have any, by job number."""
    found: dict[int, Marks] = {}
    tagged: dict[int, list[str]] = {}
    for some in portions(list(numbers)):
        for row in connection.execute(select(marks).where(marks.c.job_number.in_(some))).mappings():
            found[row["job_number"]] = Marks(
                row["rating"], row["favourite"], row["hidden"], row["note"], excluded=row["excluded"]
            )
        for number, tag in connection.execute(select(tags).where(tags.c.job_number.in_(some))):
            tagged.setdefault(number, []).append(tag)
    for number, names in tagged.items():
        found[number] = replace(found.get(number, _NONE), tags=tuple(sorted(names)))
    return found


def fill_in(connection: Connection, marks: Mapping[int, Marks]) -> int:
    """Set the marks of those of these jobs, by number, that have none yet; gives their number. It is no step that
    can be undone."""
    _hold(connection, marks)
    here = _load(connection, list(marks))
    new = {number: each for number, each in marks.items() if number not in here and each != _NONE}
    _save(connection, new)
    return len(new)


def _save(connection: Connection, changed: Mapping[int, Marks]) -> None:
    """Replace the marks of these jobs; a job without marks has no row."""
    for some in portions(list(changed)):
        connection.execute(delete(marks).where(marks.c.job_number.in_(some)))
        connection.execute(delete(tags).where(tags.c.job_number.in_(some)))
    plain = [
        {"job_number": number} | {name: value for name, value in asdict(each).items() if name != "tags"}
        for number, each in changed.items()
        if replace(each, tags=()) != _NONE
    ]
    tagged = [{"job_number": number, "tag": tag} for number, each in changed.items() for tag in each.tags]
    for table, values in ((marks, plain), (tags, tagged)):
        if values:
            insert_many(connection, table, values)
