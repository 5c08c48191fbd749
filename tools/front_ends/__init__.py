"""Which front ends the product works in, found out by driving each of them. The table is in `docs/front_ends.md`.

    python -m tools.front_ends                 # which rows there are
    python -m tools.front_ends lab-newest      # drive one, from the checkout's root
    python -m tools.front_ends --table         # write the table anew from docs/front_ends.json

It needs `uv`, a Chromium and what the extra `test` brings; for the row behind a proxy also `npm`. Each row gets an
environment of its own from the package index, with the checkout's wheel in it, and a fresh home. What the pages
showed is in `.ci/screenshots/front_ends`: look at it, a condition that holds is not yet a page that looks right.
"""
