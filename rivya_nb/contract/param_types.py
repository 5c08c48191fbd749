"""The params of the documented models, for type checkers and editors. Made by tools/param_types.py.

Every model's params stand here together: whether the asked one takes a param, and a value, is checked when it is
planned. What is missing here (`model`, which is an argument's name, or a param of a newer service) is given as
`params={…}`. Any text is taken where options are listed, since options differ between models; an editor offers
those that are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar


class Array(Protocol):
    """Numpy's arrays and numbers, and the columns of a DataFrame of pandas."""

    def tolist(self) -> Any: ...


T = TypeVar("T")

Values: TypeAlias = T | Sequence[T | None] | Array | None
"""One value, or several, which are an axis. None is not sent."""

Number: TypeAlias = int | float
Text: TypeAlias = str | int | float | bool
"""What is sent as text. Numbers are written out, and a bool becomes `true` or `false`."""


class ModelParams(TypedDict, total=False):
    """The params of all documented models, by the names that the service has for them."""

    aspect_ratio: Values[
        Text
        | Literal[
            "1:1",
            "16:9",
            "9:16",
            "3:4",
            "4:3",
            "2:3",
            "3:2",
            "auto",
            "5:4",
            "4:5",
            "21:9",
            "4:1",
            "1:4",
            "8:1",
            "1:8",
            "adaptive",
            "landscape",
            "portrait",
        ]
    ]
    """Of google-imagen4, google-imagen4-fast, google-imagen4-ultra and 19 more."""
    aspectRatio: Values[Text | Literal["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9", "Auto"]]
    """Of flux-2-flex, flux-2-pro, flux-kontext-max and 7 more."""
    audio_setting: Values[Text | Literal["auto", "origin"]]
    """Of happyhorse-1-0, wan-2-7-video."""
    camera_fixed: Values[Text | Literal["false", "true"]]
    """Of seedance-1-0-pro."""
    cfg_scale: Values[Number]
    """Of kling-v2-1-master."""
    duration: Values[Text | Literal["5", "10", "3", "4", "6", "7", "8", "9", "11", "12", "13", "14", "15"]]
    """Of grok-imagine-video, happyhorse-1-0, kling-2-6 and 9 more."""
    duration_seconds: Values[Number]
    """Of elevenlabs-sound-effect-v2."""
    enable_pro: Values[Text | Literal["false", "true"]]
    """Of grok-imagine."""
    enable_prompt_expansion: Values[Text | Literal["false", "true"]]
    """Of wan-2-5-video."""
    enable_safety_checker: Values[Text | Literal["true", "false"]]
    """Of seedance-1-0-pro."""
    enableTranslation: Values[Text | Literal["true", "false"]]
    """Of flux-kontext-max, flux-kontext-pro, veo3-1-fast and 1 more."""
    expand_prompt: Values[Text | Literal["true", "false"]]
    """Of ideogram-v3."""
    fixed_lens: Values[Text | Literal["false", "true"]]
    """Of seedance-1-5-pro."""
    generate_audio: Values[Text | Literal["false", "true"]]
    """Of seedance-1-5-pro, seedance-2."""
    generationType: Values[Text | Literal["FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"]]
    """Of veo3-1-fast."""
    google_search: Values[Text | Literal["false", "true"]]
    """Of nano-banana-2."""
    guidance_scale: Values[Number]
    """Of seedream-3-0."""
    image_resolution: Values[Text | Literal["1K", "2K", "4K"]]
    """Of seedream-4-0."""
    image_size: Values[
        Text
        | Literal[
            "square",
            "square_hd",
            "portrait_4_3",
            "portrait_16_9",
            "landscape_4_3",
            "landscape_16_9",
            "1:1",
            "3:4",
            "4:3",
            "9:16",
            "16:9",
            "portrait_3_2",
            "landscape_3_2",
            "landscape_21_9",
        ]
    ]
    """Of ideogram-v3, qwen-image, qwen2-image and 2 more."""
    imageSize: Values[
        Text
        | Literal[
            "1:1",
            "9:16",
            "16:9",
            "3:4",
            "4:3",
            "3:2",
            "2:3",
            "5:4",
            "4:5",
            "21:9",
            "auto",
        ]
    ]
    """Of nano-banana."""
    instrumental: Values[Text | Literal["false", "true"]]
    """Of suno-music."""
    language_code: Values[Text]
    """Of elevenlabs-turbo-2-5."""
    loop: Values[Text | Literal["false", "true"]]
    """Of elevenlabs-sound-effect-v2."""
    max_images: Values[Number]
    """Of seedream-4-0."""
    mode: Values[Text | Literal["fun", "normal", "spicy", "std", "pro"]]
    """Of grok-imagine-video, kling-3-0."""
    multi_shots: Values[Text | Literal["false", "true"]]
    """Of kling-3-0."""
    n_frames: Values[Text | Literal["10", "15"]]
    """Of sora-2, sora-2-pro."""
    negative_prompt: Values[Text]
    """Of google-imagen4, google-imagen4-fast, google-imagen4-ultra and 3 more."""
    next_text: Values[Text]
    """Of elevenlabs-turbo-2-5."""
    nsfw_checker: Values[Text | Literal["false", "true"]]
    """Of qwen2-image, seedream-4-0, seedance-2."""
    output_format: Values[
        Text
        | Literal[
            "png",
            "jpeg",
            "jpg",
            "mp3_22050_32",
            "mp3_44100_32",
            "mp3_44100_64",
            "mp3_44100_96",
            "mp3_44100_128",
            "mp3_44100_192",
            "pcm_8000",
            "pcm_16000",
            "pcm_22050",
            "pcm_24000",
            "pcm_44100",
            "pcm_48000",
            "ulaw_8000",
            "alaw_8000",
            "opus_48000_32",
            "opus_48000_64",
            "opus_48000_96",
            "opus_48000_128",
            "opus_48000_192",
        ]
    ]
    """Of nano-banana, nano-banana-2, nano-banana-pro and 3 more."""
    outputFormat: Values[Text | Literal["jpeg", "png"]]
    """Of flux-kontext-max, flux-kontext-pro."""
    previous_text: Values[Text]
    """Of elevenlabs-turbo-2-5."""
    prompt_extend: Values[Text | Literal["true", "false"]]
    """Of wan-2-7-video."""
    prompt_influence: Values[Number]
    """Of elevenlabs-sound-effect-v2."""
    prompt_optimizer: Values[Text | Literal["false", "true"]]
    """Of hailuo-pro."""
    promptUpsampling: Values[Text | Literal["false", "true"]]
    """Of flux-kontext-max, flux-kontext-pro."""
    quality: Values[Text | Literal["medium", "high", "basic"]]
    """Of gpt-image-1-5, seedream-4-5, seedream-5-lite."""
    remove_watermark: Values[Text | Literal["false", "true"]]
    """Of sora-2, sora-2-pro."""
    rendering_speed: Values[Text | Literal["TURBO", "BALANCED", "QUALITY"]]
    """Of ideogram-v3."""
    resolution: Values[Text | Literal["1K", "2K", "4K", "480p", "720p", "1080p"]]
    """Of flux-2-flex, flux-2-pro, gpt-image-2 and 13 more."""
    return_last_frame: Values[Text | Literal["false", "true"]]
    """Of seedance-2."""
    safetyTolerance: Values[Number]
    """Of flux-kontext-max, flux-kontext-pro."""
    seed: Values[Text]
    """Of google-imagen4, google-imagen4-fast, google-imagen4-ultra and 10 more."""
    seedance_scene: Values[Text | Literal["text", "frames", "reference"]]
    """Of seedance-2."""
    seeds: Values[Number]
    """Of veo3-1-fast, veo3-1-lite."""
    similarity_boost: Values[Number]
    """Of elevenlabs-turbo-2-5."""
    size: Values[Text | Literal["1:1", "3:2", "2:3", "standard", "high"]]
    """Of 4o-image, sora-2-pro."""
    sound: Values[Text | Literal["false", "true"]]
    """Of kling-2-6, kling-3-0."""
    soundKey: Values[
        Text
        | Literal[
            "Any",
            "Cm",
            "C#m",
            "Dm",
            "D#m",
            "Em",
            "Fm",
            "F#m",
            "Gm",
            "G#m",
            "Am",
            "A#m",
            "Bm",
            "C",
            "C#",
            "D",
            "D#",
            "E",
            "F",
            "F#",
            "G",
            "G#",
            "A",
            "A#",
            "B",
        ]
    ]
    """Of suno-sounds."""
    soundLoop: Values[Text | Literal["false", "true"]]
    """Of suno-sounds."""
    soundTempo: Values[Number]
    """Of suno-sounds."""
    speed: Values[Text | Literal["relaxed", "fast", "turbo"]]
    """Of midjourney, elevenlabs-turbo-2-5."""
    stability: Values[Number]
    """Of elevenlabs-turbo-2-5."""
    style: Values[Text | Literal["AUTO", "GENERAL", "REALISTIC", "DESIGN"]]
    """Of ideogram-v3, elevenlabs-turbo-2-5."""
    timestamps: Values[Text | Literal["false", "true"]]
    """Of elevenlabs-turbo-2-5."""
    upload_method: Values[Text | Literal["s3", "oss"]]
    """Of sora-2, sora-2-pro."""
    version: Values[Text | Literal["7", "6.1", "6", "niji7", "niji6"]]
    """Of midjourney."""
    voice: Values[
        Text
        | Literal[
            "TX3LPaxmHKxFdv7VOQHJ",
            "cgSgspJ2msm6clMCkdW9",
            "pNInz6obpgDQGcFmaJgB",
            "BIvP0GN1cAtSRTxNHnWS",
            "aMSt68OGf4xUZAnLpTU8",
        ]
    ]
    """Of elevenlabs-turbo-2-5."""
    watermark: Values[Text | Literal["false", "true"]]
    """Of flux-kontext-max, flux-kontext-pro, wan-2-7-image and 4 more."""
    web_search: Values[Text | Literal["false", "true"]]
    """Of seedance-2."""
