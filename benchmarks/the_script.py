"""The script that a user would write, to compare with: pictures of many requests at once, and a grid of them.

It is a good one: it does not ask again for a picture that it has, waits when the service is busy, and leaves
files and pictures to threads.
"""

from __future__ import annotations

import asyncio
import base64
import html
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

AT_ONCE = 256


async def fetch(url: str, key: str, bodies: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Save the picture of each body as `<name>.png` in a folder."""
    places = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
        limits=httpx.Limits(max_connections=None),
    ) as client:

        async def call(method: str, path: str, **more: Any) -> dict[str, Any]:
            answer = await client.request(method, path, **more)
            if answer.status_code == 429:
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
                return await call(method, path, **more)
            task: dict[str, Any] = answer.raise_for_status().json()
            return task

        async def one(name: str, body: Mapping[str, Any]) -> None:
            target = folder / f"{name}.png"
            async with places:
                if target.exists():
                    return
                task = await call("POST", "/api/v1/generations", json=body)
                while task["status"] not in ("succeeded", "failed"):
                    await asyncio.sleep(1)
                    task = await call("GET", f"/api/v1/generations/{task['id']}")
                if task["status"] == "succeeded":
                    picture = await client.get(task["result"]["primary_url"])
                    await asyncio.to_thread(target.write_bytes, picture.content)

        await asyncio.gather(*(one(name, body) for name, body in bodies.items()))


def grid(folder: Path, columns: int = 8) -> str:
    """All pictures of a folder as an HTML table of thumbnails."""
    paths = sorted(folder.glob("*.png"))
    with ThreadPoolExecutor() as pool:
        cells = [
            f'<td><img src="data:image/webp;base64,{small}"><br>{html.escape(path.stem)}</td>'
            for path, small in zip(paths, pool.map(thumbnail, paths), strict=True)
        ]
    rows = ["".join(cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def thumbnail(path: Path) -> str:
    with Image.open(path) as picture:
        picture.thumbnail((256, 256))
        small = io.BytesIO()
        picture.save(small, "WEBP", quality=80)
    return base64.b64encode(small.getvalue()).decode()
