"""A process whose files cannot grow beyond a limit; run as a script.

python limited.py URL STORE BYTES
"""

from __future__ import annotations

import resource
import sys

from asking import connect, tell

import rivya_nb as rv

if __name__ == "__main__":
    url, store, size = sys.argv[1:]
    connect(url, store)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    tell(rv.generate("A bottle", seed=1, resolution="2K"))
