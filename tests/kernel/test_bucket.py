"""Pictures in a bucket, in real kernels with caches of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from buckets import Buckets, environment
from kernels import NEWEST, Kernel

CELL = "%%rivya seed=1..4 image_size=square --model ideogram-v3 --out bottles\nA bottle"


def test_a_cell_shows_what_is_in_the_bucket_and_another_machine_fetches_only_what_it_shows(
    served: Callable[..., dict[str, str]],
    start_kernel: Callable[..., Kernel],
    buckets: Buckets,
    tmp_path: Path,
) -> None:
    bucket = buckets.new()
    env = {**served(), "RIVYA_PICTURES": f"s3://{bucket}/pictures"}
    here = start_kernel(NEWEST, {**env, **environment(buckets.url, tmp_path / "here")})
    here.ok("%load_ext rivya_nb\nimport rivya_nb as rv")
    asked = here.ok(CELL)
    assert shown(asked.displays[-1]["data"]["text/html"]) == 4
    names = buckets.names(bucket)
    assert sum(name.startswith("pictures/") for name in names) == 4
    assert sum(name.startswith("thumbnails/") for name in names) == 8
    assert not (tmp_path / "store" / "pictures").exists()

    there = start_kernel(NEWEST, {**env, **environment(buckets.url, tmp_path / "there")})
    there.ok("%load_ext rivya_nb\nimport rivya_nb as rv")
    looked = there.ok("rv.runs(1)")
    (html,) = [each["data"]["text/html"] for each in contents(looked) if "text/html" in each.get("data", {})]
    assert shown(html) == 4
    cached = tmp_path / "there" / "rivya_nb"
    assert list(cached.glob("*/thumbnails/*/*"))
    assert not list(cached.glob("*/pictures/*/*"))
    assert there.ok("rv.runs(1)[0].path.is_file(), rv.runs(1)[0].image.size[0] > 0").result == "(True, True)"
    assert len(list(cached.glob("*/pictures/*/*"))) == 1


def test_what_is_wrong_with_the_bucket_is_one_line_in_the_cell(
    served: Callable[..., dict[str, str]],
    start_kernel: Callable[..., Kernel],
    buckets: Buckets,
    tmp_path: Path,
) -> None:
    kernel = start_kernel(NEWEST, {**served(), **environment(buckets.url, tmp_path / "here")})
    kernel.ok("%load_ext rivya_nb")
    for address, words in (
        ("s3://me:s3cr3t@lab/pictures", "no key, password or option in it"),
        ("ftp://lab/pictures", "known are s3://bucket/prefix"),
        # This one is found out only once a session is open, which keeps it.
        ("s3://no-such-bucket/pictures", "there is no such bucket; make it, or correct the address"),
    ):
        kernel.ok(f"%env RIVYA_PICTURES={address}")
        refused = kernel.run(CELL)
        assert words in refused.error
        assert len(refused.traceback) == 1
        assert "s3cr3t" not in str(refused.outputs)


def contents(request: object) -> list[dict[str, dict[str, str]]]:
    return [message["content"] for message in request.outputs]  # type: ignore[attr-defined]


def shown(html: str) -> int:
    return len(re.findall(r'src="data:image/', html))
