"""Whether the files of a store are those that its rows name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from sqlalchemy import Connection, select

from rivya_nb.store.backup import named_contents
from rivya_nb.store.checking.findings import FROM_BACKUP, MOST, Finding
from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.schema import jobs, panel_states, pictures
from rivya_nb.store.tombstones import tombstones

_AT_ONCE = 4
"""Files that are read at the same time."""

_HASH = re.compile(r"[0-9a-f]{64}")

Content = tuple[str, str]


def named_files(
    database: Database, files: ContentFiles, progress: Callable[[int, int], None]
) -> Iterator[Finding]:
    """Files that are gone or damaged, or of another size than their pictures say."""
    with database.reading() as connection:
        contents = named_contents(connection)
        shown = connection.execute(select(pictures.c.sha256, pictures.c.size))
        sizes: dict[str, int] = dict(iter(shown))
    wrong: dict[Content, str] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        examined = pool.map(lambda content: files.examine(*content), contents)
        for number, (content, found) in enumerate(zip(contents, examined, strict=True), 1):
            progress(number, len(contents))
            if found is None:
                wrong[content] = "is gone"
            elif found[0] != content[0]:
                wrong[content] = "is damaged: its bytes are not those that were kept"
            elif found[1] != sizes.get(content[0], found[1]):
                # SQLite keeps anything as a number.
                wrong[content] = f"has {found[1]:,} bytes, and its picture's record says {sizes[content[0]]}"
    if not wrong:
        return
    with database.reading() as connection:
        # Somebody may have deleted the picture meanwhile.
        still = [content for content in named_contents(connection) if content in wrong]
        for number, content in enumerate(still):
            # Only the first ones are told one by one.
            owners = _listed(_jobs_with(connection, content[0])) if number < MOST else "a job"
            yield Finding(f"the file {files.path(*content).name} of {owners} {wrong[content]}", FROM_BACKUP)


def orphans(database: Database, files: ContentFiles) -> Iterator[Finding]:
    """Files that nothing in the store needs."""
    names = list(files.names())
    # Asked after the files were listed: a file comes before its record.
    with database.reading() as connection:
        needed = {sha256 for sha256, _ in named_contents(connection)}
        needed |= set(connection.execute(select(tombstones.c.sha256)).scalars())
        for state in connection.execute(select(panel_states.c.state)).scalars():
            needed.update(_HASH.findall(state))
    for name in sorted(names):
        if PurePosixPath(name).stem not in needed:
            yield Finding(
                f"the file pictures/{name} belongs to no picture and no reference",
                "it may be a reference of a plan that was not run; else delete it",
            )


def _jobs_with(connection: Connection, sha256: str) -> list[str]:
    """Ids of jobs that have this content as a picture or a reference."""
    shown = (
        select(jobs.c.id)
        .join(pictures, pictures.c.job_number == jobs.c.number)
        .where(pictures.c.sha256 == sha256)
    )
    found = list(connection.execute(shown).scalars())
    given = select(jobs.c.id, jobs.c.references).where(jobs.c.references != "[]")
    for job_id, references in connection.execute(given):
        if any(each.get("sha256") == sha256 for each in json.loads(references)):
            found.append(job_id)
    return list(dict.fromkeys(found))


def _listed(job_ids: list[str]) -> str:
    shown = ", ".join(job_id[:8] for job_id in job_ids[:3])
    more = f" and {len(job_ids) - 3:,} more" if len(job_ids) > 3 else ""
    return f"job {shown}" if len(job_ids) == 1 else f"jobs {shown}{more}"
