"""What a study asks of pictures; shared by runs, histories and grids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.media.frames import MIDDLE, Frames, read_choice
from rivya_nb.session.leaving import in_runs
from rivya_nb.store.marks import excluded
from rivya_nb.views.words import noun_of_files

if TYPE_CHECKING:
    from rivya_nb.session.showing.effects import Effects, Of
    from rivya_nb.session.showing.finding_effects import Study
    from rivya_nb.store.records import JobRecord, RunRecord
    from rivya_nb.store.store import Store


class Studying(ABC):
    """Has pictures at places, so that it can be told what moves them."""

    _store: Store

    @abstractmethod
    def _studied(self) -> tuple[RunRecord, Mapping[str, JobRecord]]:
        """The axes with each job's place on them, and the jobs by their ids."""

    def effects(
        self,
        of: Of,
        *,
        prompts: str | None = None,
        by: str | None = None,
        at: float | None = None,
        frames: int | None = None,
    ) -> Effects:
        """What moves the pictures, with an interval: the seed, the light, the words, or chance alone?

        `of` is a measure (`"sharpness"`, or as in `measure`); `"structure"` or `"colour"`, the distances that
        `differences` explains; `"votes"`, the judgements of `rank`; or a measure of pairs, taken as a distance. Of
        videos, `at` and `frames` say which frames are measured, as in `measure`; sounds are left out.

        For each axis, and for two axes together, it gives the share of what differs within a prompt: of the
        variance of a measure (as ω²), of the squared distances (as in PERMANOVA), or of the deviance of votes
        (Bradley–Terry). *The very same request*, from replicates, is the noise floor. Differences between two
        values of an axis are paired: the same prompt, seed and all else; with `by`, a fact, also for each of its
        values. Seeds count as a sample of many, the values of other axes as those you asked.

        Intervals are at 95 % and rest on prompts, which are the values of the axis `prompt` (`prompts` names
        another one): other prompts like these would give such shares. With fewer than 30 prompts the result says
        so, and a permutation test stands beside the interval, or in its place. Several tests are corrected (Holm).

        What it is not: a share is no size, and says nothing of which value is better. It holds for the values, the
        model and the kind of prompts that were asked, and for the service as it was then. Excluded pictures do not
        count. The page *Statistics* of the documentation explains all of it.

        Raises:
            UsageError: there is no such measure, axis or fact; no axis has two values; there are no votes; what
                moves the pictures cannot be told from chance; or a package is missing (the extra `analysis`).
            WaitInterruptedError: the kernel was interrupted.
        """
        from rivya_nb.session.showing.finding_effects import find_effects

        return find_effects(self._study(read_choice(at, frames)), of, prompts=prompts, by=by)

    def _study(self, frames: Frames = MIDDLE) -> Study:
        from rivya_nb.session.showing.finding_effects import Study

        record, jobs = self._studied()
        without = excluded(self._store, jobs)
        left_out = [each for job_id in without for each in jobs[job_id].pictures]
        note = f"{count(len(left_out), f'excluded {noun_of_files(left_out)}')} left out" if left_out else ""
        places = list(in_runs(record, jobs, self._store, without)[1])
        return Study(places, self._store, not record.id, note, frames)
