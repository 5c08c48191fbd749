"""How long `%load_ext rivya_nb` takes on top of a running IPython, beside IPython's own `autoreload`.

    python benchmarks/load_ext.py [rounds]

Every figure comes from a fresh process, the two extensions in turn, so that both see the same machine.
The aim is 15 ms or less.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

AIM = 15.0  # milliseconds
EXTENSIONS = ("rivya_nb", "autoreload")
HEAVY = ("httpx", "PIL", "ipywidgets", "sqlalchemy", "jinja2")

LOAD = """
import sys, time
from IPython.terminal.ipapp import TerminalIPythonApp
app = TerminalIPythonApp.instance()
app.initialize(["--no-banner", "--HistoryManager.enabled=False"])
before = set(sys.modules)
start = time.perf_counter()
app.shell.run_line_magic("load_ext", {extension!r})
took = time.perf_counter() - start
assert any(name.endswith({extension!r}) for name in app.shell.extension_manager.loaded)
print("took", took * 1000, *sorted({heavy!r} & (set(sys.modules) - before)))
"""


def measure(extension: str, home: str) -> tuple[float, list[str]]:
    """Milliseconds that loading takes in a fresh process, and which heavy packages it imported."""
    code = LOAD.format(extension=extension, heavy=set(HEAVY))
    env = {**os.environ, "IPYTHONDIR": home}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or "took" not in words:
        sys.exit(f"{extension} could not be loaded:\n{done.stdout}{done.stderr}")
    at = words.index("took")
    return float(words[at + 1]), words[at + 2 :]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    times: dict[str, list[float]] = {extension: [] for extension in EXTENSIONS}
    heavy: set[str] = set()
    with tempfile.TemporaryDirectory() as home:
        for extension in EXTENSIONS:
            measure(extension, home)  # writes the compiled files that every later start finds
        for _ in range(rounds):
            for extension in EXTENSIONS:
                took, imported = measure(extension, home)
                times[extension].append(took)
                if extension == "rivya_nb":
                    heavy.update(imported)
    for extension, taken in times.items():
        print(
            f"%load_ext {extension:<10} median {statistics.median(taken):6.1f} ms   best {min(taken):6.1f} ms"
        )
    ours, theirs = (statistics.median(times[extension]) for extension in EXTENSIONS)
    print(f"ratio {ours / theirs:.2f}, aim {AIM:g} ms: {'met' if ours <= AIM else 'MISSED'}")
    print(f"heavy packages imported: {', '.join(sorted(heavy)) or 'none'}")


if __name__ == "__main__":
    main()
