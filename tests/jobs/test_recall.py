"""Requests read back from pictures: ours, and what the common web UIs wrote."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.samples import FOLDER
from PIL import Image

from jobs.carrying import png, with_exif
from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request, build_request
from rivya_nb.errors import UsageError
from rivya_nb.imaging.containers import png_chunks, png_text
from rivya_nb.jobs import recall as recalling
from rivya_nb.jobs.found import find_request
from rivya_nb.jobs.recall import recall
from rivya_nb.store.exif import write_comment
from rivya_nb.store.inscriptions import read_inscriptions
from rivya_nb.store.provenance import Provenance, sidecar_of, stamp
from rivya_nb.store.records import JobRecord, PictureRecord, planned_job
from rivya_nb.store.stamping import stamped
from rivya_nb.store.store import Store

A1111 = (
    "a girl in a beret, <lora:ink:0.6>\nsoft light\n"
    "Negative prompt: ugly, fat\nobese\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 1344x768, Model hash: 45dee52b, "
    'Model: dream, Lora hashes: "ink: 12ab", Version: v1.10.1'
)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42,
            "steps": 20,
            "model": ["4", 0],
            "positive": ["9", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 768, "height": 1024, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "ugly", "clip": ["4", 1]}},
    "8": {"class_type": "PrimitiveString", "inputs": {"value": "a lighthouse"}},
    "9": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["6", 0], "guidance": 3.5}},
}
CUSTOM = {
    "1": {"class_type": "BasicGuider", "inputs": {"conditioning": ["2", 0], "model": ["9", 0]}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["9", 1]}},
    "3": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
    "4": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"noise": ["3", 0], "guider": ["1", 0], "latent_image": ["5", 0]},
    },
    "5": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024}},
}
INVOKE = {
    "positive_prompt": "a barn",
    "negative_prompt": "fog",
    "seed": 5,
    "width": 1024,
    "height": 576,
    "model": {"name": "sdxl"},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "store")) as opened:
        yield opened


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "another store")) as opened:
        yield opened


def read(data: bytes, store: Store) -> Request:
    return recall(data, store, bundled())


def asked(store: Store, request: Request, data: bytes) -> JobRecord:
    """A job of the store with one picture."""
    sha256 = store.files.put(data, "image/png")
    job = planned_job(request, "sandbox", 1_800_000_000.0)
    store.asking.add_run(name=None, service="sandbox", axes=(), cells=(), jobs=[job])
    store.finish_job(job.id, [PictureRecord(sha256, "image/png", 8, 8, len(data))], status="succeeded")
    return store.job(job.id)


def provenance(store: Store, request: Request) -> Provenance:
    record = asked(store, request, png())
    return Provenance(record, record.pictures[0])


BOTTLE = Request("wan-2-7-image-pro", "A bottle\nแสงเช้า", {"seed": 7, "aspect_ratio": "16:9"})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_saved_copy_gives_its_request_back(
    kind: str, store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    source, target = tmp_path / "original", tmp_path / f"bottle.{kind.lower()}"
    Image.new("RGB", (8, 8), "teal").save(source, kind)
    done = stamp(source, target, provenance(store, BOTTLE))
    assert (done.sidecar is not None) is (kind == "GIF")
    for told in (recall(str(target), elsewhere, bundled()), recall(target, store, bundled())):
        assert (told, told.notes) == (BOTTLE, ())


def test_the_json_beside_a_picture_is_read_by_itself_too(store: Store, tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(b"GIF89a, or nearly")
    done = stamp(tmp_path / "original", tmp_path / "bottle.gif", provenance(store, BOTTLE))
    assert done.sidecar == sidecar_of(done.path)
    assert recall(done.sidecar, store, bundled()) == BOTTLE


def test_a_recalled_request_says_what_it_makes_and_whether_its_price_is_certain(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    request = build_request(bundled()["elevenlabs-sound-effect-v2"], "Rain", {})
    (tmp_path / "original").write_bytes(b"RIFF, or nearly")
    done = stamp(tmp_path / "original", tmp_path / "rain.wav", provenance(store, request))
    told = recall(done.path, elsewhere, bundled())
    assert (told.makes, told.price_is_least, told.base_credits) == ("audio", True, 3)


@pytest.mark.parametrize("name", ["film.webm", "film.mp4", "piped.wav", "plain.mp3"])
def test_a_video_or_sound_of_any_size_gives_its_request_back(
    name: str, store: Store, elsewhere: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FOLDER / name
    done = stamp(original, tmp_path / name, provenance(store, BOTTLE))
    assert done.path.read_bytes() == original.read_bytes()
    for largest in (recalling.LARGEST, 100):
        monkeypatch.setattr(recalling, "LARGEST", largest)
        assert recall(done.path, elsewhere, bundled()) == BOTTLE
    assert done.sidecar is not None
    done.sidecar.unlink()
    with pytest.raises(UsageError, match="no request lies beside it"):
        recall(done.path, elsewhere, bundled())


def test_an_original_is_known_by_its_content_and_the_newest_job_counts(store: Store) -> None:
    data = png()
    asked(store, Request(BOTTLE.model, "An earlier one"), data)
    record = asked(store, BOTTLE, data)
    assert read(data, store) == BOTTLE
    assert recall(record.pictures[0].sha256, store, bundled()) == BOTTLE
    with pytest.raises(UsageError, match="no result with this hash"):
        recall("0" * 64, store, bundled())


def test_references_are_known_by_hash_and_missing_ones_are_told(store: Store, elsewhere: Store) -> None:
    cat = Reference(store.files.put(png(), "image/png"), "image", "image/png", "cat.png", 90)
    request = Request(BOTTLE.model, "A cat", {}, (cat,))
    copy = stamped(png(), "", provenance(store, request).to_json())
    assert (read(copy, store), read(copy, store).notes) == (request, ())
    told = read(copy, elsewhere)
    assert told == request
    assert told.notes == ("cat.png: this reference is not in the store any more; give its file again",)


@pytest.mark.parametrize(
    "data",
    [
        png(parameters=A1111),
        with_exif("JPEG", {}, write_comment(A1111)),
        with_exif("WEBP", {}, b"UNICODE\0" + A1111.encode("utf-16-le")),
        with_exif("JPEG", {}, b"ASCII\0\0\0" + A1111.encode()),
    ],
    ids=["png", "jpeg", "webp", "ascii"],
)
def test_what_a1111_wrote_is_taken_as_far_as_it_fits(data: bytes, store: Store) -> None:
    told = read(data, store)
    assert told.prompt == "a girl in a beret, <lora:ink:0.6>\nsoft light"
    assert (told.model, dict(told.params)) == (
        "wan-2-7-image-pro",
        {"seed": 965400086, "aspect_ratio": "16:9"},
    )
    assert told.notes == (
        "model: 'dream' is not in the catalogue; wan-2-7-image-pro is used instead",
        "size: 1344 × 768 becomes aspect_ratio 16:9",
        "negative_prompt: wan-2-7-image-pro has no such param; 'ugly, fat\\nobese' is left out",
        "the web UI wrote settings that mean nothing here; "
        "left out: Steps, Sampler, CFG scale, Model hash, Lora hashes",
    )


def test_the_plain_text_of_a_saved_copy_is_enough(store: Store) -> None:
    told = read(png(parameters=provenance(store, BOTTLE).parameters), store)
    assert (told, told.notes) == (BOTTLE, ())


@pytest.mark.parametrize(
    ("data", "prompt", "params"),
    [
        (png(prompt=json.dumps(GRAPH)), "a lighthouse", {"seed": 42, "aspect_ratio": "3:4"}),
        (png(prompt=json.dumps(CUSTOM)), "a fox", {"seed": 7, "aspect_ratio": "1:1"}),
        (
            with_exif("WEBP", {0x0110: f"prompt:{json.dumps(GRAPH)}"}),
            "a lighthouse",
            {"seed": 42, "aspect_ratio": "3:4"},
        ),
        (png(invokeai_metadata=json.dumps(INVOKE)), "a barn", {"seed": 5, "aspect_ratio": "16:9"}),
        (
            png(
                parameters=json.dumps(
                    {"sui_image_params": {"prompt": "a mill", "seed": 3, "width": 9, "height": 16}}
                )
            ),
            "a mill",
            {"seed": 3, "aspect_ratio": "9:16"},
        ),
        (
            png(
                parameters=json.dumps(
                    {"prompt": "a dam", "seed": "4", "resolution": "(1024, 1024)", "base_model": "x"}
                )
            ),
            "a dam",
            {"seed": 4, "aspect_ratio": "1:1"},
        ),
    ],
    ids=["comfy", "comfy custom", "comfy webp", "invoke", "swarm", "fooocus"],
)
def test_other_web_uis_tell_prompt_seed_and_size(
    data: bytes, prompt: str, params: dict[str, object], store: Store
) -> None:
    told = read(data, store)
    assert (told.prompt, dict(told.params)) == (prompt, params)
    assert told.notes


def test_a_seed_or_size_that_does_not_fit_is_told(store: Store) -> None:
    told = read(png(parameters="a pier\nSteps: 1, Seed: -1, Size: 4096x64, Model: wan-2-7-image-pro"), store)
    assert dict(told.params) == {}
    assert [note.partition(":")[0] for note in told.notes] == [
        "seed",
        "size",
        "the web UI wrote settings that mean nothing here; left out",
    ]


HOSTILE = {
    "nothing": png(),
    "gif": b"GIF89a",
    "deep": png(invokeai_metadata='{"a":' * 100_000 + "1" + "}" * 100_000),
    "broken": png(prompt='{"3": {"inputs": '),
    "loop": png(prompt=json.dumps({"1": {"inputs": {"positive": ["1", 0], "seed": ["1", 0]}}})),
    "shapes": png(rivya_nb=json.dumps({"tool": "rivya_nb", "prompt": [1], "params": 3, "references": {}})),
    "no prompt": png(parameters="\nSteps: 1, Seed: 2, Size: 1x1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_tells_nothing_says_so(name: str, store: Store) -> None:
    with pytest.raises(UsageError, match="no request can be read"):
        read(HOSTILE[name], store)


def test_a_compressed_bomb_is_unpacked_to_a_few_megabytes(store: Store) -> None:
    bomb = zlib.compress(bytes(40_000_000), 1)
    content = b"parameters\0\0" + bomb
    chunk = b"zTXt" + content
    bare = png()
    data = (
        bare[:33] + len(content).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + bare[33:]
    )
    chunk_of_it = next(part for part in png_chunks(data) if part.kind == b"zTXt")
    assert len(png_text(data, chunk_of_it)) == len(read_inscriptions(data)["parameters"]) == 4 << 20


def test_a_reference_that_names_a_path_instead_of_a_hash_is_left_out(store: Store) -> None:
    told = {
        "tool": "rivya_nb",
        "prompt": "a pier",
        "model": BOTTLE.model,
        "references": [{"sha256": "../../etc"}],
    }
    request = read(png(rivya_nb=json.dumps(told)), store)
    assert (request.references, request.notes) == (
        (),
        ("rivya_nb wrote settings that mean nothing here; left out: references",),
    )


@pytest.mark.parametrize(
    "line",
    [
        "Steps: 1, Seed: 2, " + "a: [, " * 100_000,
        'Steps: 1, Seed: 2, , k: [", ' * 50_000,
        'a:"' * 100_000,
        "a" * 1_000_000,
        " " * 1_000_000 + "x",
        "a: b, " * 200_000,
    ],
)
def test_long_lines_are_read_at_once(line: str) -> None:
    assert find_request({"parameters": f"a pier\n{line}"}) is not None


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "tool",
                        "prompt",
                        "params",
                        "references",
                        "sha256",
                        "job",
                        "seed",
                        "inputs",
                        "positive",
                        "image",
                        "width",
                        "height",
                        "model",
                        "1",
                        "sui_image_params",
                        "positive_prompt",
                        "resolution",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=25,
    ),
    st.sampled_from(["rivya_nb", "prompt", "parameters", "invokeai_metadata", "sd-metadata"]),
)
def test_any_json_is_read_or_says_nothing(told: object, key: str) -> None:
    if isinstance(told, dict):
        told = {"tool": "rivya_nb", **told}
    found = find_request({key: json.dumps(told)})
    assert found is None or isinstance(found.prompt, str)


def test_a_path_that_is_none_is_refused(store: Store, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png", "a\0b"):
        with pytest.raises(UsageError, match=r"no such file|this is a folder"):
            recall(path, store, bundled())
