"""How long the kernel's loop stands still while 64 pictures of 2048 × 2048 pixels arrive together.

    python benchmarks/arriving.py [PICTURES] [--kinds PNG JPEG WEBP]

A `%%rivya` cell runs in a real kernel, against a service in another process that has its pictures ready: all tasks
have ended when they are first polled. A ticker on the kernel's loop sleeps 2 ms at a time and notes how much later
than that it wakes; "idle" is the same ticker while nothing is done, which is what the machine itself costs.

Beside each of the longest stalls stands how much of it the loop's thread computed, and (on Linux) how long it
waited for a processor; the rest is waiting for the interpreter lock. The last numbers are the longest without the
wait for a processor, which on a busy machine is due to others, too. Aim: no stall above 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import tempfile
from pathlib import Path
from typing import Any

from grids import draw
from jupyter_client.manager import start_new_kernel
from PIL import Image

PICTURES = 64
DIFFERENT = 8
KINDS = {"PNG": {}, "JPEG": {"quality": 92}, "WEBP": {"quality": 90}}

CONNECT = """import asyncio, json, threading, time
from pathlib import Path
import rivya_nb as rv
%load_ext rivya_nb
rv.connect(max_credits=100_000)
SCHEDULED = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
def now():
    queued = int(SCHEDULED.read_text().split()[1]) / 1e9 if SCHEDULED.exists() else 0.0
    return time.perf_counter(), time.thread_time(), queued
async def tick():
    while True:
        before = now()
        await asyncio.sleep(0.002)
        late, computed, queued = (1000 * (new - old) for new, old in zip(now(), before))
        stalls.append((late - 2, computed, queued))
def report():
    ticking.cancel()
    stalls.sort(reverse=True)
    own = sorted((late - queued for late, _, queued in stalls), reverse=True)
    print(json.dumps({"stalls": stalls[:4], "own": own[:4], "number": len(stalls)}))
"""
TICK = "stalls = []\nticking = asyncio.get_running_loop().create_task(tick())"
IDLE = "await asyncio.sleep(5)"
ASK = "%%rivya seed=1..{} --fresh\nA glass bottle"
REPORT = "report()"


def pictures(kind: str) -> list[bytes]:
    """Different pictures of one format."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(DIFFERENT):
            path = Path(folder) / "drawn.png"
            draw(path, number)
            out = io.BytesIO()
            Image.open(path).save(out, kind, **KINDS[kind])
            made.append(out.getvalue())
    return made


async def serve(bodies: list[bytes], ready: multiprocessing.connection.Connection) -> None:
    """The calls that a run makes, answered at once."""
    tasks: dict[str, dict[str, Any]] = {}
    origin = ""

    def answer_to(method: str, path: str, body: bytes) -> tuple[str, bytes]:
        last = path.rpartition("/")[2]
        if path.startswith("/picture/"):
            # Other bytes behind the picture's end, so that each is a picture of its own.
            return "image/any", bodies[int(last) % len(bodies)] + int(last).to_bytes(4, "big")
        if path.endswith("/credits"):
            return "application/json", b'{"current_credits": 1000000}'
        if method == "POST":
            last = f"task_{len(tasks)}"
            url = f"{origin}/picture/{len(tasks)}"
            tasks[last] = {
                "id": last, "model": json.loads(body)["model"], "reserved_credits": 12, "final_credits": 12,
                "result": {"primary_url": url, "urls": [url]}, "error": None,
            }  # fmt: skip
            return "application/json", json.dumps(
                {**tasks[last], "status": "queued", "result": None}
            ).encode()
        return "application/json", json.dumps({**tasks.get(last, {}), "status": "succeeded"}).encode()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                method, path, _ = head.split(" ", 2)
                length = head.partition("content-length: ")[2].partition("\r\n")[0]
                kind, body = answer_to(method.upper(), path, await reader.readexactly(int(length or 0)))
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    ready.send(origin)
    await server.serve_forever()


def run_service(bodies: list[bytes], ready: multiprocessing.connection.Connection) -> None:
    asyncio.run(serve(bodies, ready))


def execute(client: Any, code: str) -> str:
    """Run one cell; what it prints."""
    printed: list[str] = []

    def note(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "error":
            raise SystemExit("\n".join(content["traceback"]))
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])

    client.execute_interactive(code, timeout=300, output_hook=note)
    return "".join(printed)


def measure(kind: str, count: int, folder: Path) -> None:
    here, there = multiprocessing.Pipe()
    service = multiprocessing.get_context("spawn").Process(
        target=run_service, args=(pictures(kind), there), daemon=True
    )
    service.start()
    os.environ.update(
        RIVYA_STORE=str(folder / kind), RIVYA_BASE_URL=here.recv(), RIVYA_API_KEY="not-a-real-" + "key"
    )
    manager, client = start_new_kernel()
    try:
        execute(client, CONNECT)
        for label, cell in (("idle", IDLE), (f"{count} pictures", ASK.format(count))):
            execute(client, TICK)
            execute(client, cell)
            told = json.loads(execute(client, REPORT))
            longest = "  ".join(
                f"{late:5.0f} ({used:2.0f}, {queued:3.0f})" for late, used, queued in told["stalls"]
            )
            own = " ".join(f"{late:4.0f}" for late in told["own"])
            print(f"  {kind:<5} {label:<12} {longest}   without the processor: {own}", flush=True)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        service.kill()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", nargs="?", type=int, default=PICTURES)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    asked = parser.parse_args()
    print("The longest stalls of the kernel's loop in ms (computed, waited for a processor)")
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.kinds:
            measure(kind, asked.pictures, Path(folder))


if __name__ == "__main__":
    main()
