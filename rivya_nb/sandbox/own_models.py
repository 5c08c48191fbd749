"""Models that only the sandbox has: they take what none of the documented models takes, audio and limited
durations."""

from __future__ import annotations

from rivya_nb.contract.catalogue import FIXED, MEGABYTE, Model, Param, ReferenceRule, ReferenceRules

OWN_NOTICE = "A model of the sandbox's own: the service has no such model."

_AUDIO_TYPES = ("audio/mpeg", "audio/wav", "audio/mp4", "audio/ogg", "audio/flac")
_SEED = Param("seed", "number", minimum=0, maximum=2**31 - 1, step=1)
_IMAGES = ReferenceRule("image", 10 * MEGABYTE, ("image/jpeg", "image/png", "image/webp"))
_VIDEOS = ReferenceRule(
    "video",
    50 * MEGABYTE,
    ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska"),
    min_duration=0.5,
    max_duration=10,
)
_SOUNDS = ReferenceRule("audio", 20 * MEGABYTE, _AUDIO_TYPES, max_duration=30)

CLIP = Model(
    id="sandbox-clip",
    display_name="Sandbox Clip",
    category="video",
    inputs=("text", "file"),
    base_credits=20,
    billing_type=FIXED,
    max_prompt_length=5000,
    params=(
        Param("seconds", "number", default=2, minimum=1, maximum=3, step=0.5),
        Param("aspect_ratio", "select", default="16:9", options=("16:9", "9:16", "1:1", "4:3", "3:4")),
        Param("resolution", "select", default="720p", options=("480p", "720p")),
        Param("sound", "select", default="false", options=("false", "true")),
        _SEED,
    ),
    references=ReferenceRules(4, ("image", "video", "audio"), (_IMAGES, _VIDEOS, _SOUNDS)),
    complete=True,
)
TUNE = Model(
    id="sandbox-tune",
    display_name="Sandbox Tune",
    category="audio",
    inputs=("text", "file"),
    base_credits=3,
    billing_type=FIXED,
    max_prompt_length=500,
    params=(Param("seconds", "number", default=2, minimum=1, maximum=3, step=0.5), _SEED),
    references=ReferenceRules(1, ("audio",), (_SOUNDS,)),
    complete=True,
)
OWN_MODELS = (CLIP, TUNE)
