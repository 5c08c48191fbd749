"""A process whose clock jumps; run as a script.

    python jumping.py URL STORE generate|resume SECONDS

Asked to generate, it starts with the right time and jumps when the service has the task; asked to resume, it
has the wrong time from the start.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from asking import connect, tell

import rivya_nb as rv

if TYPE_CHECKING:
    from collections.abc import Callable


def wrong(clock: Callable[[], float], seconds: float) -> Callable[[], float]:
    return lambda: clock() + seconds


if __name__ == "__main__":
    url, store, what, seconds = sys.argv[1:]
    jumped = wrong(time.time, float(seconds))
    connect(url, store)
    if what == "resume":
        time.time = jumped
        tell(rv.resume(rv.runs()[0]))
    else:
        run = rv.generate("A bottle", seed=1, model="ideogram-v3", image_size="square")

        def jump() -> None:
            if run[0].task_id is not None:
                time.time = jumped

        run[0].live.subscribe(jump)
        tell(run)
