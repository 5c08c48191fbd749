"""Kill kernels on two hosts, cut their connections, restart their server and pull a cable: what is billed?

    sudo python benchmarks/two_hosts.py [KILLS] [CUTS] [RESTARTS] [CABLES]

The hosts are two network, mount and PID namespaces, each joined to this one by a cable of its own (veth), with a
cache of its own. The PostgreSQL server, the pictures and the sandbox are here. In each round a kernel on each host
asks for the same pictures, and one of them dies by SIGKILL at a random moment; before every second death its
host's cache is removed. The other one has to get all pictures. It is measured how long it takes until nothing
unfinished has a dead owner. Nothing may be billed twice, and nothing may be missing.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import IO, Any

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

NETWORK = "10.97"
PICTURES = 4
LATENCY = 1.0
LONGEST_LIFE = 5.0
AT_ONCE = 4
PATIENCE = 120.0


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def be_host(gateway: str, port: int, url: str, store: str) -> None:
    """Within a host: fork a kernel for each prompt that is asked for, and kill it when that is asked for."""
    import rivya_nb.calls
    import rivya_nb.jobs.runner
    import rivya_nb.store.postgresql.database  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.fork() == 0:
        forward(gateway, port)
    kernels: dict[str, int] = {}
    for line in sys.stdin:
        what, prompt = json.loads(line)
        if what == "start":
            if (child := os.fork()) == 0:
                be_kernel(url, store, prompt)
            kernels[prompt] = child
        elif prompt in kernels:
            with suppress(ProcessLookupError):
                os.kill(kernels[prompt], signal.SIGKILL)


def forward(gateway: str, port: int) -> None:
    """Bring the sandbox to this host's own loopback address: keys go nowhere else without encryption."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", port), backlog=512) as listener:
        while True:
            near, _ = listener.accept()
            try:
                far = socket.create_connection((gateway, port))
            except OSError:  # the cable is pulled
                near.close()
                continue
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()


def be_kernel(url: str, store: str, prompt: str) -> None:
    """Ask for the pictures, tell the owner and how it ended, and end."""
    import rivya_nb as rv
    from rivya_nb.errors import DatabaseUnreachableError
    from rivya_nb.jobs import pacing
    from rivya_nb.sandbox.keys import DEFAULT_KEY

    pacing.FIRST = pacing.SECOND = pacing.LONGEST = 0.3
    code = 1
    try:
        session = rv.connect(DEFAULT_KEY, url, store=store)
        tell(prompt, "owner", session.store.owner.id)
        asked = rv.plan(
            prompt, model="ideogram-v3", seed=range(PICTURES), image_size="square", max_credits=10**6
        )
        while code:
            # A call waits 10 s for a server; a cable is pulled for longer. A user runs the cell again.
            with suppress(DatabaseUnreachableError):
                tell(prompt, "ended", len(asked.run().wait(PATIENCE).images))
                code = 0
    except BaseException as error:
        tell(prompt, "ended", repr(error))
    os._exit(code)


def tell(*words: object) -> None:
    os.write(1, (json.dumps(words) + "\n").encode())


class Host:
    """A machine of its own, as far as its network, its mounts, its processes and its cache go."""

    def __init__(
        self, number: int, folder: Path, port: int, url: str, server_port: int, database: str
    ) -> None:
        self.name, self.cable = f"rivya{number}", f"rivya{number}"
        self.cache = folder / f"cache-{number}"
        gateway = f"{NETWORK}.{number}.1"
        for left in (["ip", "netns", "del", self.name], ["ip", "link", "del", self.cable]):
            with suppress(subprocess.CalledProcessError):
                run(*left)
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{gateway}/24", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        inside = ("ip", "-n", self.name)
        run(*inside, "addr", "add", f"{NETWORK}.{number}.2/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")
        store = f"postgresql://postgres@{gateway}:{server_port}/{database}"
        me = [sys.executable, __file__, "--host", gateway, str(port), url, store]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *apart, *me],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(self.cache)},
        )
        self.told: dict[tuple[str, str], Any] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            if line.startswith("["):
                prompt, what, value = json.loads(line)
                with self._changed:
                    self.told[prompt, what] = value
                    self._changed.notify_all()

    def ask(self, what: str, prompt: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, prompt]) + "\n")
        self._process.stdin.flush()

    def wait(self, prompt: str, what: str) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: {(prompt, what), (prompt, "ended")} & self.told.keys(), PATIENCE)
        return self.told.get((prompt, what))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        run("ip", "netns", "del", self.name)


class Laboratory:
    """The server, the service and the hosts."""

    def __init__(self, stack: ExitStack) -> None:
        from servers import postgresql_server, unused_port

        from rivya_nb.sandbox.config import SandboxConfig
        from rivya_nb.sandbox.server import build
        from rivya_nb.store import store  # noqa: F401 - it knows all tables

        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.server = stack.enter_context(postgresql_server(port=unused_port(), listen="*"))
        rules = self.server.folder / "data" / "pg_hba.conf"
        rules.write_text(rules.read_text() + f"host all all {NETWORK}.0.0/16 trust\n")
        with self.server.connect() as admin:
            admin.execute("SELECT pg_reload_conf()")
        self.address = self.server.new_store()
        listener = stack.enter_context(socket.create_server(("0.0.0.0", 0), backlog=512))
        sandbox = build(SandboxConfig(latency=LATENCY, credits=10**8), self.folder)
        thread = threading.Thread(target=sandbox.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        given = (self.folder, port, url, self.server.port, self.address.database)
        self.hosts = [stack.enter_context(closing(Host(number, *given))) for number in (1, 2)]

    def billed(self, prompt: str) -> int:
        with closing(sqlite3.connect(self.folder / "sandbox.sqlite")) as database:
            found: int = database.execute(
                "SELECT count(*) FROM tasks WHERE prompt = ?", (prompt,)
            ).fetchone()[0]
        return found

    def left(self, owner: str) -> int:
        """The unfinished jobs of an owner."""
        with closing(self.server.connect(self.address.database)) as admin:
            found = admin.execute(
                "SELECT count(*) FROM jobs WHERE owner = %s AND status NOT IN ('succeeded', 'failed')",
                [owner],
            ).fetchone()
        return found[0] if found else 0

    def is_wrong(self, prompt: str, host: Host) -> str:
        ended, billed = host.wait(prompt, "ended"), self.billed(prompt)
        return "" if (ended, billed) == (PICTURES, PICTURES) else f"{prompt}: ended {ended}, billed {billed}"

    def taken_over(self, owner: str) -> float:
        """Seconds until nothing unfinished is a dead owner's."""
        began = time.monotonic()
        while self.left(owner) and time.monotonic() < began + PATIENCE:
            time.sleep(0.02)
        return time.monotonic() - began


def one_death(laboratory: Laboratory, number: int, moments: random.Random) -> tuple[str, float | None]:
    dying, other = random.Random(number).sample(laboratory.hosts, 2)
    prompt = f"A bottle, death {number}"
    for host in (dying, other):
        host.ask("start", prompt)
    owner = dying.wait(prompt, "owner")
    other.wait(prompt, "owner")
    time.sleep(moments.uniform(0, LONGEST_LIFE))
    if number % 2:
        shutil.rmtree(dying.cache, ignore_errors=True)
    dying.ask("kill", prompt)
    had = laboratory.left(owner)
    seconds = laboratory.taken_over(owner) if had else None
    return laboratory.is_wrong(prompt, other), seconds


def troubled(laboratory: Laboratory, name: str, times: int) -> list[str]:
    """Runs on both hosts during which all connections are cut, or the server is restarted, so many times."""
    wrong, done, number = [], 0, 0
    while done < times:
        number += 1
        prompts = [f"A bottle, {name} {number}.{each}" for each in range(AT_ONCE)]
        for prompt in prompts:
            for host in laboratory.hosts:
                host.ask("start", prompt)
        for prompt in prompts:
            for host in laboratory.hosts:
                host.wait(prompt, "owner")
        for _ in range(min(5 if name == "cut" else 2, times - done)):
            time.sleep(0.3)
            done += 1
            if name == "cut":
                with closing(laboratory.server.connect()) as admin:
                    admin.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                        [laboratory.address.database],
                    )
            else:
                laboratory.server.stop("fast")
                laboratory.server.start()
        wrong += [laboratory.is_wrong(prompt, host) for prompt in prompts for host in laboratory.hosts]
    return [each for each in wrong if each]


def pulled_cable(laboratory: Laboratory, number: int) -> tuple[str, float]:
    """The cable of one host is pulled in the middle of a run, and put back when the other host has all."""
    near, far = laboratory.hosts
    prompt = f"A bottle, cable {number}"
    far.ask("start", prompt)
    owner = far.wait(prompt, "owner")
    while not laboratory.left(owner):
        time.sleep(0.01)
    run("ip", "link", "set", far.cable, "down")
    near.ask("start", prompt)
    seconds = laboratory.taken_over(owner)
    wrong = laboratory.is_wrong(prompt, near)
    run("ip", "link", "set", far.cable, "up")
    return wrong or laboratory.is_wrong(prompt, far), seconds


def main(kills: int, cuts: int, restarts: int, cables: int) -> int:
    wrong: list[str] = []
    moments = random.Random(1)
    with ExitStack() as stack:
        laboratory = Laboratory(stack)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            deaths = list(pool.map(lambda number: one_death(laboratory, number, moments), range(kills)))
        wrong += [each for each, _ in deaths if each]
        late = sorted(seconds for _, seconds in deaths if seconds is not None)
        print(f"{kills} deaths, {len(late)} with jobs left: {len(wrong)} wrong", flush=True)
        if late:
            print(f"taken over after {late[len(late) // 2]:.2f} s, at most {late[-1]:.2f} s", flush=True)
        for name, times in (("cut", cuts), ("restart", restarts)):
            found = troubled(laboratory, name, times)
            print(f"{times} times {name}: {len(found)} wrong", flush=True)
            wrong += found
        for number in range(cables):
            found_wrong, seconds = pulled_cable(laboratory, number)
            print(f"pulled cable: taken over after {seconds:.1f} s {found_wrong}", flush=True)
            wrong += [found_wrong] if found_wrong else []
    print("\n".join(wrong) or "nothing is wrong")
    return len(wrong)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--host"]:
        be_host(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
    else:
        given = [int(argument) for argument in sys.argv[1:]]
        sys.exit(main(*(given + [200, 50, 10, 2][len(given) :])))
