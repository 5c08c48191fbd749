"""`%rivya connect` before somebody who can type a key, and where nobody sits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from kernels import NEWEST, Kernel

KEY = "rvya_sk_" + "typed-in-a-test"


def kernel_with_keyring(start: Callable[..., Kernel], folder: Path) -> Kernel:
    kernel = start(
        NEWEST,
        {
            "RIVYA_STORE": "store",
            "PYTHON_KEYRING_BACKEND": "keyring_backends.Working",
            "KEYRING_FILE": str(folder / "keyring.json"),
        },
    )
    kernel.ok("%load_ext rivya_nb")
    return kernel


def test_a_key_is_typed_where_somebody_can_and_kept_only_when_asked_and_until_it_is_taken_out(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kept = tmp_path / "keyring.json"
    kernel = kernel_with_keyring(start_kernel, tmp_path)
    alone = kernel.run("%rivya connect")
    assert alone.error.startswith(
        "NotConnectedError: There is no key for https://rivya.ai, and nobody to ask"
    )
    assert "RIVYA_API_KEY" in alone.error
    assert len(alone.traceback) == 1
    assert alone.prompts == []
    nothing = kernel.type_in("%rivya connect --remember", "")
    assert nothing.error.startswith("NotConnectedError: No key was typed")
    assert not kept.exists()

    assert "Key       given" in kernel.type_in("%rivya connect", KEY).stdout
    assert not kept.exists()

    asked = kernel.type_in("%rivya connect --remember", KEY)
    assert [prompt["password"] for prompt in asked.prompts] == [True]
    assert "The keyring now has the key for https://rivya.ai" in asked.stdout
    assert json.loads(kept.read_text()) == {"rivya_nb https://rivya.ai": KEY}

    later = kernel_with_keyring(start_kernel, tmp_path)
    assert "Key       from the keyring" in later.ok("%rivya connect").stdout
    forgotten = later.ok("%rivya connect --forget").stdout
    assert "The keyring has no key any more for https://rivya.ai" in forgotten
    assert "Key       none" in forgotten
    assert json.loads(kept.read_text()) == {}
