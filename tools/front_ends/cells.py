"""What is asked in every front end. All seeds are written, and each run has its own, so that nothing is reused."""

from __future__ import annotations

LOAD = "%load_ext rivya_nb\nimport rivya_nb as rv"
CELL = "%%rivya seed=1..2 aspect_ratio=1:1,16:9 resolution=1K --out bottles\nA glass bottle"
WAIT = 'waited = rv.generate("A jug", seed=[21, 22], resolution="1K")\nwaited.wait()'
AWAIT = 'awaited = await rv.generate("A jug", seed=[23, 24], resolution="1K")\nawaited'
COUNT = "print(*(len(run.images) for run in (bottles, waited, awaited)))"
COUNTED = "4 2 2"
RUN_ALL = (LOAD, CELL, WAIT, AWAIT, COUNT)
"""A notebook whose cells are queued at once."""

FOUR = r"4 pictures · 48 credits · \d+ s"
TWO = r"2 pictures · 24 credits · \d+ s"
"""What is said of a run of so many pictures when it has ended."""

PICTURES = {1: 4, 2: 2, 3: 2}
"""How many pictures its cells show."""

LIVE = "%%rivya seed=11..14 resolution=1K --parallel 1 --out lamps\nA lamp"
RELOADED = "%%rivya seed=31..34 resolution=1K --parallel 1 --out boats\nA boat"
LONG = "%%rivya seed=101..140 resolution=1K --parallel 1 --out foxes\nA fox in snow"
"""At one picture at a time this would take minutes: it is interrupted."""
LATE = "%%rivya seed=51..52 resolution=1K --background --out late\nA late lamp"
JOIN = "late.wait()"
LEFT = "%%rivya seed=61..62 resolution=1K --background\nA left lamp"
"""In the background: waited for by a later cell, and by none."""

PANEL = "rv.panel()"
VIEW = "lamps.view()"
"""After the live run, which shows four pictures."""
COMPLETED = "%%rivya resol"
