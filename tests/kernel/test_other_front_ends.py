"""Front ends that lack what ipykernel has: what is paid for is made and can be waited for all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from sandboxes import running_sandbox

from rivya_nb.sandbox import DEFAULT_KEY
from rivya_nb.sandbox.config import SandboxConfig

SCRIPT = """
import contextlib, io, json, sys
import rivya_nb as rv
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

def refuse(*_, **__):
    raise RuntimeError("nobody\\nlooks")

missing = property(lambda self: object().missing)

class Reading(DisplayPublisher):
    def publish(self, data, metadata=None):
        pass

class Refusing(DisplayPublisher):
    publish = refuse

LACKS = {
    "get_parent": {},
    "a parent": {"get_parent": lambda self: None},
    "a header": {"get_parent": lambda self: {}},
    "a context": {"get_parent": refuse},
    "a kernel": {"kernel": missing},
    "a publisher": {"display_pub": missing},
    "a display id": {"display_pub": property(lambda self: Reading())},
    "displays": {"display_pub": property(lambda self: Refusing())},
    "hooks": {"input_transformers_post": missing},
    "a loop runner": {"loop_runner_map": missing},
    "a next input": {
        "get_parent": lambda self: {"header": {"msg_type": "execute_request", "msg_id": "cell"}},
        "set_next_input": missing,
    },
    "variables": {"push": refuse},
}

class Kernel(InteractiveShell):
    kernel = None

plain = Kernel.instance()
key, url, folder = sys.argv[1:]
rv.connect(key, url, store=folder)
outcomes = {}
for seed, (name, lacking) in enumerate(LACKS.items()):
    before = {part: Kernel.__dict__[part] for part in lacking if part in Kernel.__dict__}
    for part, substitute in lacking.items():
        setattr(Kernel, part, substitute)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        rv.load_ipython_extension(plain)
        asked = plain.run_cell_magic("rivya", f"seed={seed} resolution=1K --out asked", "A cup")
        called = rv.generate("A jug", seed=seed, resolution="1K")
        called.show()
        called.wait(60)
        called._ipython_display_()
        called[0].as_cell()
        rv.unload_ipython_extension(plain)
    outcomes[name] = {"pictures": len(asked.images) + len(called.images), "said": said.getvalue()}
    for part in lacking:
        setattr(Kernel, part, before[part]) if part in before else delattr(Kernel, part)
widgets = [called.view(), rv.history().view(), rv.history(prompt="jug").rank(by="seed").judge(), rv.panel()]
print(json.dumps(outcomes))
"""

LACKS = {
    "get_parent": "",
    "a parent": "",
    "a header": "",
    "a context": "",
    "a kernel": "",
    "a publisher": "cannot be shown here (AttributeError: ",
    "a display id": "cannot be shown here (TypeError: ",
    "displays": "cannot be shown here (RuntimeError: nobody looks)",
    "hooks": "",
    "a loop runner": "",
    "a next input": "",
    "variables": "the variable asked cannot be bound here (RuntimeError: ",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What came of two runs of one picture each in each front end, and what was said."""
    folder = tmp_path_factory.mktemp("store")
    with running_sandbox(SandboxConfig(latency=0, credits=10_000)) as url:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, DEFAULT_KEY, url, str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "IPYTHONDIR": str(folder)},
        )
    assert (done.returncode, done.stderr) == (0, ""), "widgets that end with Python say nothing"
    return json.loads(done.stdout)


@pytest.mark.parametrize(("lacking", "said"), LACKS.items(), ids=LACKS)
def test_a_front_end_may_lack_anything(outcomes: dict[str, Any], lacking: str, said: str) -> None:
    outcome = outcomes[lacking]
    assert outcome["pictures"] == 2
    assert said in outcome["said"]
    # One line for each thing that could not be done, or none.
    lines = outcome["said"].splitlines()
    assert all(line.startswith("rivya_nb: ") for line in lines)
    assert len(lines) <= 2
    assert bool(lines) == bool(said)
