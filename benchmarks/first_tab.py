"""How long the first TAB on a line of the magics takes in a fresh kernel, from the request to the reply.

    python benchmarks/first_tab.py [rounds]

Every figure is of a kernel of its own that has loaded the extension and nothing else. Beside it stands the second
TAB in the same place. The aim is 50 ms or less.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

AIM = 50.0  # milliseconds
LINES = ("%%rivya ", "%%rivya seed=", "%%rivya --model ", "%rivya ")
HEAVY = ("httpx", "PIL", "ipywidgets", "sqlalchemy", "jinja2")
SECONDS = 60


def tab(client: BlockingKernelClient, line: str) -> tuple[float, int]:
    """Milliseconds until a TAB at the end of the line is answered, and how many completions there are."""
    start = time.perf_counter()
    reply = client.complete(line, reply=True, timeout=SECONDS)
    return (time.perf_counter() - start) * 1000, len(reply["content"]["matches"])


def value(client: BlockingKernelClient, expression: str) -> str:
    """The text of an expression in the kernel."""
    reply = client.execute("", user_expressions={"it": expression}, reply=True, timeout=SECONDS)
    return str(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])


def measure(line: str) -> tuple[float, float, str]:
    """The first and the second TAB in milliseconds, and the heavy packages that were imported for them."""
    manager, client = start_new_kernel(startup_timeout=SECONDS)
    try:
        client.execute("%load_ext rivya_nb\nimport sys", reply=True, timeout=SECONDS)
        before = set(value(client, "' '.join(sys.modules)")[1:-1].split())
        first, some = tab(client, line)
        second, _ = tab(client, line)
        after = set(value(client, "' '.join(sys.modules)")[1:-1].split())
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if not some:
        sys.exit(f"{line!r} has no completions")
    return first, second, " ".join(sorted(set(HEAVY) & (after - before)))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as home:
        os.environ["IPYTHONDIR"] = home
        for line in LINES:
            taken = [measure(line) for _ in range(rounds)]
            first = [each[0] for each in taken]
            print(
                f"{line + '⇥':<20} first: median {statistics.median(first):6.1f} ms, best {min(first):6.1f} ms   "
                f"second: {statistics.median(each[1] for each in taken):5.1f} ms   "
                f"aim {AIM:g} ms: {'met' if statistics.median(first) <= AIM else 'MISSED'}   "
                f"heavy packages: {' '.join({each[2] for each in taken}).strip() or 'none'}"
            )


if __name__ == "__main__":
    main()
