"""Videos and sounds: every documented model of which enough is known answers, each request with one of its own."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops, ImageStat
from sandboxes import INSTANT, code, sandbox_client, upload
from variants import variants

from rivya_nb.contract.catalogue import Model, bundled
from rivya_nb.contract.raw_sound import RawSound
from rivya_nb.media.facts import read_facts
from rivya_nb.media.ffmpeg import find_ffmpeg, frame
from rivya_nb.media.formats import MP4
from rivya_nb.media.raw import write_head
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.drawing import draw
from rivya_nb.sandbox.moving import RATE, loop
from rivya_nb.sandbox.mp4 import can_write_mp4
from rivya_nb.sandbox.own_models import OWN_MODELS
from rivya_nb.sandbox.sizes import audio_seconds, video_seconds, video_size
from rivya_nb.sandbox.soundtracks import COUNT, soundtrack
from rivya_nb.sandbox.tones import melody, samples_of

SMALL = (160, 90)
MODELS = [
    model
    for model in (*bundled().values(), *OWN_MODELS)
    if model.category in ("video", "audio") and model.complete
]


MP4_ALONE = ("wan-2-6", "happyhorse-1-0")
"""Models whose references may be MP4, and not WebM."""

_KEY_FRAME = re.compile(rb"\xa3(?:([\x40-\x7f].)|([\x20-\x3f]..))\x81..\x80(?=...\x9d\x01\x2a)", re.DOTALL)
"""The head of a block of track 1 with a key frame of VP8; its group is the block's size, of two bytes or three."""


def frames(data: bytes) -> list[Image.Image]:
    """The frames of a video whose every frame is a key frame of VP8, by what WebP makes of each."""
    found = []
    for head in _KEY_FRAME.finditer(data):
        size = head[1] or head[2]
        length = (int.from_bytes(size, "big") & (1 << 7 * len(size)) - 1) - 4
        frame = data[head.end() : head.end() + length]
        chunk = b"VP8 " + struct.pack("<I", length) + frame + bytes(length % 2)
        webp = b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
        found.append(Image.open(io.BytesIO(webp)).convert("RGB"))
    return found


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of a channel's values, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def clip(prompt: str = "a vase", seed: str = "1", seconds: float = 1, **more: Any) -> bytes:
    return loop(prompt, seed=seed, size=SMALL, seconds=seconds, **more)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with sandbox_client(replace(INSTANT, credits=10**6)) as client:
        yield client


def ask(client: httpx.Client, model: str, prompt: str = "A vase", **params: Any) -> dict[str, Any]:
    required = {"voice": "TX3LPaxmHKxFdv7VOQHJ"} if model == "elevenlabs-turbo-2-5" else {}
    body = {"model": model, "prompt": prompt, "params": required | params}
    answer = client.post("/api/v1/generations", json=body)
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    return task


def effect(client: httpx.Client, output_format: str) -> bytes:
    """Half a second of a sound in a format."""
    asked = {"output_format": output_format, "duration_seconds": 0.5}
    return result(ask(client, "elevenlabs-sound-effect-v2", **asked)).content


def result(task: dict[str, Any]) -> httpx.Response:
    # Without the key.
    return httpx.get(task["result"]["primary_url"], timeout=60)


@pytest.mark.parametrize(
    "model",
    variants(
        MODELS,
        lambda model: (
            model.id in ("sora-2", "wan-2-6", "elevenlabs-sound-effect-v2", "sandbox-clip", "sandbox-tune")
        ),
    ),
    ids=lambda model: model.id,
)
def test_every_model_of_which_enough_is_known_answers(
    client: httpx.Client, model: Model, tmp_path: Path
) -> None:
    answer = result(ask(client, model.id))
    path = tmp_path / "result"
    path.write_bytes(answer.content)
    facts = read_facts(path)
    assert facts is not None
    assert facts.whole
    assert answer.headers["content-type"] == facts.mime_type
    made = "video/mp4" if model.id in MP4_ALONE and can_write_mp4() else "video/webm"
    assert facts.mime_type == (made if model.category == "video" else "audio/wav")
    assert 0.5 <= (facts.duration or 0) <= 3
    listed = {each["id"]: each for each in client.get("/api/v1/models").json()["data"]}
    assert listed[model.id]["api_status"] == "available"
    assert any("The sandbox answers with" in notice for notice in listed[model.id]["notices"])


def test_a_video_of_which_too_little_is_known_is_refused(client: httpx.Client) -> None:
    body = {"model": "wan-2-7-video", "prompt": "x"}
    assert code(client.post("/api/v1/generations", json=body)) == (400, "validation_failed")


def test_a_part_of_a_video_can_be_had(client: httpx.Client) -> None:
    task = ask(client, "sora-2", aspect_ratio="portrait")
    whole = result(task).content
    part = httpx.get(task["result"]["primary_url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (640, 360)),
        ({"aspect_ratio": "9:16", "resolution": "480p"}, (240, 426)),
        ({"aspectRatio": "21:9", "resolution": "1080p"}, (1260, 540)),
        ({"aspect_ratio": "portrait", "size": "high"}, (360, 640)),
        ({"aspect_ratio": "landscape", "size": "standard"}, (640, 360)),
        ({"aspectRatio": "Auto"}, (640, 360)),
        ({"aspect_ratio": "adaptive"}, (640, 360)),
        ({"aspect_ratio": "2:3"}, (360, 540)),
    ],
)
def test_a_videos_size_follows_shape_and_resolution(params: dict[str, str], size: tuple[int, int]) -> None:
    assert video_size(params) == size


def test_a_longer_video_is_longer_and_none_is_long() -> None:
    lengths = [video_seconds({"duration": asked}) for asked in (3, "5", 8, "10", 12, 15, 30)]
    assert lengths == sorted(lengths)
    assert 1 <= lengths[0] < lengths[-1] == 3
    assert video_seconds({"n_frames": "15"}) > video_seconds({"n_frames": "10"})
    assert video_seconds({"seconds": 2.5}) == 2.5
    assert len(frames(clip(seconds=1.5))) == round(1.5 * RATE)


def test_a_sound_takes_what_was_asked_for_or_what_its_words_take() -> None:
    assert [audio_seconds({"duration_seconds": asked}, "x") for asked in (0.5, 2, 22)] == [0.5, 2, 3]
    assert 0.5 <= audio_seconds({}, "two words") < audio_seconds({}, "four of these words") < 3
    assert audio_seconds({"speed": 1.2}, "four of these words") < audio_seconds({}, "four of these words")


@pytest.mark.parametrize("prompt", ["two tulips", "a fox in the snow", "mountains", "a house in rain", "x"])
def test_a_video_moves_and_ends_as_it_begins(prompt: str) -> None:
    shown = frames(clip(prompt, seconds=2))
    steps = [difference(one, other) for one, other in pairwise(shown)]
    assert min(steps) > 0.2
    assert max(difference(shown[0], other) for other in shown) > 3
    assert difference(shown[-1], shown[0]) < 1.5 * max(steps)


def test_the_same_request_gives_the_same_video_and_another_another() -> None:
    assert clip() == clip()
    one, other = (frames(clip(seed=seed)) for seed in ("1", "2"))
    assert difference(one[0], other[0]) > 10
    assert clip("a vase on a table") != clip("a vase"), "also where it looks the same"
    assert difference(frames(clip("a vase, night"))[0], one[0]) > 10
    assert difference(frames(clip(light=0.2))[0], one[0]) > 20


def test_a_video_shows_the_scene_of_the_picture_of_its_seed() -> None:
    still = Image.open(io.BytesIO(draw("a red ball", seed="4", size=SMALL))).convert("RGB")
    own, other = (frames(clip("a red ball", seed=seed)) for seed in ("4", "5"))
    assert min(difference(still, frame) for frame in own) + 8 < min(
        difference(still, frame) for frame in other
    )


def test_a_first_reference_is_the_first_frame() -> None:
    still = draw("a lighthouse", seed="9", size=SMALL)
    shown = frames(clip("a vase", references=[still]))
    expected = Image.open(io.BytesIO(still)).convert("RGB")
    assert difference(shown[0], expected) < 6
    assert difference(shown[len(shown) // 2], expected) > 10


def test_a_reference_that_cannot_be_decoded_changes_the_video() -> None:
    assert clip(references=[clip()]) != clip()


def test_a_video_bears_the_sandboxs_mark() -> None:
    assert b"rivya sandbox" in clip()
    size = (640, 360)
    plain, larger = (
        frames(loop("a vase", seed="1", size=size, seconds=0.1, watermark=watermark))[0]
        for watermark in (False, True)
    )
    changed = ImageChops.difference(plain, larger).point([255 * (v > 40) for v in range(256)] * 3).getbbox()
    assert changed is not None
    assert changed[0] > size[0] / 2
    assert changed[1] > size[1] * 0.8


def test_a_video_has_sound_where_it_is_asked_for(client: httpx.Client) -> None:
    silent, loud = (
        result(ask(client, "sandbox-clip", seed=1, sound=sound)).content for sound in ("false", "true")
    )
    assert b"A_OPUS" not in silent
    assert b"A_OPUS" in loud
    assert len(frames(loud)) == len(frames(silent))
    assert difference(frames(loud)[0], frames(silent)[0]) == 0, "it changes nothing that is seen"
    heard = [soundtrack(str(number), 1.5) for number in range(60)]
    assert len(heard[0].packets) == 75
    assert len(set(heard)) == COUNT
    assert b"A_OPUS" in result(ask(client, "seedance-2")).content, "its default"


def test_seeds_are_the_seed_whatever_a_model_calls_them(client: httpx.Client) -> None:
    first, again, other = (
        result(ask(client, "veo3-1-lite", seeds=seed)).content for seed in (10000, 10000, 10001)
    )
    assert first == again != other


def test_a_melody_is_the_requests_own() -> None:
    def play(**changes: Any) -> bytes:
        return melody(**{"seed": "1", "seconds": 1, "comment": "rivya sandbox x"} | changes)

    assert play() == play()
    assert b"rivya sandbox x" in play()
    others = [play(seed="2"), play(comment="y"), play(style="z"), play(key="Cm", tempo=200)]
    assert len({play(), *others}) == 5
    for tempo in (1, 300):
        with wave.open(io.BytesIO(play(tempo=tempo, seconds=2)), "rb") as file:
            assert file.getnframes() == 2 * file.getframerate()
            loud = struct.unpack(f"<{file.getnframes()}h", file.readframes(file.getnframes()))
            assert 5_000 < max(loud) < 32_768
            assert abs(loud[0]) < 500 > abs(loud[-1]), "it neither begins nor ends with a click"


@pytest.mark.parametrize(
    ("output_format", "rate"), [("opus_48000_32", 48000), ("mp3_44100_128", 44100), ("mp3_22050_32", 22050)]
)
def test_a_sound_has_the_sampling_rate_that_was_asked_for(
    client: httpx.Client, output_format: str, rate: int
) -> None:
    with wave.open(io.BytesIO(effect(client, output_format)), "rb") as file:
        assert (file.getframerate(), file.getnframes()) == (rate, rate // 2)


def test_bare_samples_are_those_of_the_same_melody(client: httpx.Client) -> None:
    plain = struct.unpack("<4000h", effect(client, "pcm_8000"))
    assert max(plain) > 5000
    assert [len(effect(client, each)) for each in ("ulaw_8000", "alaw_8000")] == [4000, 4000]


@pytest.mark.skipif(find_ffmpeg() is None, reason="the other side is ffmpeg's decoder")
@pytest.mark.parametrize("coding", ["ulaw", "alaw"])
def test_the_telephones_codes_are_those_that_others_read(tmp_path: Path, coding: str) -> None:
    sound = melody(seed="1", seconds=1, comment="x", rate=8000)
    plain = struct.unpack("<8000h", samples_of(sound, "pcm"))
    (tmp_path / "a.wav").write_bytes(samples_of(sound, coding))
    write_head(tmp_path / "a.wav", RawSound(coding, 8000))
    heard = subprocess.run(
        [find_ffmpeg() or "", "-v", "error", "-i", tmp_path / "a.wav", "-f", "s16le", "-"],
        capture_output=True,
        check=True,
    ).stdout
    # Loud samples have few levels: a step is at most a sixteenth.
    steps = [
        abs(one - other) / (abs(one) + 64)
        for one, other in zip(plain, struct.unpack("<8000h", heard), strict=True)
    ]
    assert max(steps) < 0.25


@pytest.mark.parametrize(
    ("model", "prompt", "params", "expected"),
    [
        ("seedance-2", "x", {"duration": 15}, 175),
        ("suno-music", "x", {}, 12),
        ("elevenlabs-sound-effect-v2", "x", {}, 3),
        ("elevenlabs-sound-effect-v2", "x", {"duration_seconds": 0.5}, 3),
        ("elevenlabs-sound-effect-v2", "x", {"duration_seconds": 22}, 24),
        ("elevenlabs-turbo-2-5", "x", {}, 6),
        ("elevenlabs-turbo-2-5", "word " * 500, {}, 18),
        ("sandbox-clip", "x", {}, 20),
    ],
)
def test_a_metered_model_costs_its_base_credits_at_least(
    client: httpx.Client, model: str, prompt: str, params: dict[str, Any], expected: int
) -> None:
    before = client.get("/api/v1/credits").json()["current_credits"]
    task = ask(client, model, prompt, **params)
    assert (task["reserved_credits"], task["final_credits"]) == (expected, expected)
    assert before - client.get("/api/v1/credits").json()["current_credits"] == expected


def test_a_video_can_be_made_to_fail_and_costs_nothing_then(client: httpx.Client) -> None:
    before = client.get("/api/v1/credits").json()["current_credits"]
    failed = ask(client, "kling-3-0", "x sandbox:fail(duration=10)", duration="10")
    assert (failed["status"], failed["final_credits"]) == ("failed", 0)
    assert client.get("/api/v1/credits").json()["current_credits"] == before


def test_videos_and_sounds_take_longer_than_pictures() -> None:
    config = SandboxConfig(latency=0.001, video_slowness=60_000, audio_slowness=30_000)
    with sandbox_client(config) as client:
        assert ask(client, "kling-3-0")["status"] == "queued"
        assert ask(client, "suno-sounds")["status"] == "queued"
        picture = ask(client, "wan-2-7-image-pro")
        while picture["status"] != "succeeded":
            picture = client.get(f"/api/v1/generations/{picture['id']}").json()


def test_a_result_is_the_next_reference(client: httpx.Client) -> None:
    video = result(ask(client, "sandbox-clip", seconds=2)).content
    file = upload(client, video, kind="video", model="sandbox-clip").json()
    item = {
        "url": file["url"],
        "kind": "video",
        "durationSeconds": 2,
        "durationToken": file["duration_token"],
    }
    assert ask(client, "sandbox-clip", referenceMediaItems=[item])["status"] == "succeeded"
    sound = result(ask(client, "sandbox-tune", seconds=1)).content
    file = upload(client, sound, kind="audio", model="sandbox-tune").json()
    item = {"url": file["url"], "kind": "audio", "durationToken": file["duration_token"]}
    assert result(ask(client, "sandbox-tune", seconds=1, seed=1, referenceMediaItems=[item])).content != sound


@pytest.mark.skipif(not can_write_mp4(), reason="this Pillow has no AVIF")
def test_what_a_model_makes_that_takes_mp4_alone_is_its_next_reference(client: httpx.Client) -> None:
    video = result(ask(client, "wan-2-6")).content
    for model in MP4_ALONE:
        file = upload(client, video, kind="video", model=model).json()
        item = {"url": file["url"], "kind": "video", "durationToken": file["duration_token"]}
        item["durationSeconds"] = video_seconds({"duration": "5"})
        assert ask(client, model, referenceMediaItems=[item])["status"] == "succeeded"


@pytest.mark.skipif(not can_write_mp4(), reason="this Pillow has no AVIF")
def test_an_mp4_is_the_same_video_as_a_webm(tmp_path: Path) -> None:
    still = draw("a lighthouse", seed="9", size=SMALL)
    one, other = (clip(references=[still], as_mp4=True) for _ in range(2))
    assert one == other, "it does not tell when it was made"
    assert b"rivya sandbox" in one
    (tmp_path / "clip.mp4").write_bytes(one)
    facts = read_facts(tmp_path / "clip.mp4")
    assert facts is not None
    assert (facts.mime_type, facts.duration, facts.width, facts.height) == ("video/mp4", 1, *SMALL)
    assert facts.whole
    if find_ffmpeg() is None:
        pytest.skip("nothing decodes it here")
    shown = [frame(tmp_path / "clip.mp4", MP4, at) for at in (0, 0.5)]
    expected = frames(clip(references=[still]))
    for seen, wanted in zip(shown, (expected[0], expected[RATE // 2]), strict=True):
        assert seen is not None
        assert difference(seen, wanted) < 6
