"""Programs of their own: the sandbox, and ffmpeg."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from rivya_nb.contract.service import SANDBOX
from rivya_nb.doctor.verdicts import Verdicts, note, ok, wrong


def sandbox() -> Verdicts:
    """Whether the sandbox can be started and answers."""
    from rivya_nb.sandbox.process import SERVER_MODULES, join

    if missing := [name for name in SERVER_MODULES if find_spec(name) is None]:
        is_asked_for = os.environ.get("RIVYA_BASE_URL") == SANDBOX
        words = f"not installed here ({', '.join(missing)}): pip install 'rivya-nb[sandbox]'"
        yield wrong(f"{words}; RIVYA_BASE_URL names it") if is_asked_for else note(words)
        return
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="rivya-doctor-"))
    try:
        lease = join(folder)
        try:
            asyncio.run(_asked(lease.url))
        finally:
            lease.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield ok(f"it started within {time.monotonic() - started:.1f} s, answered, and was ended")


async def _asked(url: str) -> None:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.key import Key
    from rivya_nb.sandbox.keys import DEFAULT_KEY

    async with RivyaClient(Key(DEFAULT_KEY), url) as client:
        await client.credits.retrieve()


def ffmpeg() -> Verdicts:
    """Whether there is an ffmpeg that starts."""
    from rivya_nb.media.ffmpeg import find_ffmpeg

    program = find_ffmpeg()
    if program is None:
        yield note("none: videos and sounds get plain cards and no previews: pip install 'rivya-nb[video]'")
        return
    try:
        done = subprocess.run([program, "-version"], capture_output=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        yield wrong(f"{program} does not run ({type(error).__name__}): pip install 'rivya-nb[video]'")
        return
    words = done.stdout.decode("utf-8", "replace").split()
    yield ok(f"{words[2] if len(words) > 2 else 'of an unknown version'} at {program}")
