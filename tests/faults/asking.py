"""What the processes of these tests share: they ask for a picture or go on, and print how that ended."""

from __future__ import annotations

import json

import rivya_nb as rv
from rivya_nb.jobs import pacing
from rivya_nb.sandbox.keys import DEFAULT_KEY


def connect(url: str, store: str) -> None:
    pacing.FIRST, pacing.SECOND, pacing.LONGEST = 0.2, 0.2, 0.2
    rv.connect(DEFAULT_KEY, url, store=store)


def tell(run: rv.Run) -> None:
    """Wait, and print the jobs with the words that the user has before them."""
    try:
        words = run.wait(90).text()
    except rv.RunFailedError as error:
        words = f"{error}\n{run.text()}"
    print(json.dumps([{"status": job.status, "words": words} for job in run]))
