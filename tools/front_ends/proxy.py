"""A Jupyter server as a JupyterHub runs it: under a base URL, with a token, behind the Hub's own proxy."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.browser.harness import free_port
from tools.front_ends.browser import SECONDS, Server
from tools.front_ends.environments import CACHE

BASE_URL = "/user/anna/"
TOKEN = "known-to-anna"


@contextmanager
def behind_proxy(server: Server) -> Iterator[Server]:
    """The server as it is seen through configurable-http-proxy, which npm installs."""
    folder = CACHE / "proxy"
    npm = ["npm", "install", "--silent", "--prefix", str(folder), "configurable-http-proxy"]
    subprocess.run(npm, check=True, capture_output=True)
    origin = urlsplit(server.url)
    port = free_port()
    command = [
        str(folder / "node_modules" / ".bin" / "configurable-http-proxy"), "--ip=127.0.0.1", f"--port={port}",
        "--api-ip=127.0.0.1", f"--api-port={free_port()}", f"--default-target={origin.scheme}://{origin.netloc}",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}{origin.path}"
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{url}/api/status?token={server.token}", timeout=5).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield Server(url, server.folder, server.token)
    finally:
        process.terminate()
        process.wait()
