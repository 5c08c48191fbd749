"""The catalogue as `GET /models` returns it."""

from __future__ import annotations

from rivya_nb.contract.catalogue import MEGABYTE, Catalogue, Model, Param, ReferenceRules
from rivya_nb.media.formats import MP4, WEBM
from rivya_nb.sandbox.own_models import OWN_MODELS, OWN_NOTICE
from rivya_nb.sandbox.schemas import MediaRule, ModelList, ModelParam, ModelRange, PublicModel, ReferenceMedia

_ANSWERS = {
    "video": [
        "The sandbox answers with a loop of 1 to 3 seconds, with half the pixels per side: as MP4 if the model's "
        "references may be MP4 and not WebM, and Pillow encodes AVIF here, else as WebM."
    ],
    "audio": [
        "The sandbox answers with a melody of at most 3 seconds: bare samples for the output formats pcm, ulaw "
        "and alaw, else a WAV."
    ],
}
"""What is not as it was asked for."""


def model_list(catalogue: Catalogue, *, url_input: bool = False) -> ModelList:
    """Every model; the video and audio models whose records are not complete are listed as coming soon."""
    return ModelList(data=[_model(model, url_input) for model in catalogue.values()])


def is_available(model: Model) -> bool:
    return model.category == "image" or model.complete


def takes_mp4_alone(model: Model) -> bool:
    """True if a video that the model takes may be an MP4, and no WebM."""
    types = () if model.references is None else model.references.rule("video").mime_types or ()
    return MP4.mime_type in types and WEBM.mime_type not in types


def _model(model: Model, url_input: bool) -> PublicModel:
    takes_files = model.references is not None
    modes = [f"text-to-{model.category}", *([f"reference-to-{model.category}"] if takes_files else [])]
    return PublicModel(
        id=model.id,
        display_name=model.display_name,
        category=model.category,
        runtime="sandbox",
        base_credits=model.base_credits,
        billing_type=model.billing_type,
        supported_modes=modes,
        max_prompt_length=model.max_prompt_length,
        reference_media=None if model.references is None else _references(model.references),
        params=[_param(param) for param in model.params],
        api_status="available" if is_available(model) else "coming_soon",
        api_input_status="partial_requires_files" if takes_files else "available_text",
        supported_api_inputs=list(model.inputs),
        requires_files_api=False,
        requires_upload_for_modes=modes[1:],
        url_input_supported=url_input and takes_files,
        file_kinds=list(model.references.kinds or ()) if model.references else [],
        chat_capabilities=None,
        notices=_notices(model),
    )


def _notices(model: Model) -> list[str]:
    own = [OWN_NOTICE] if model in OWN_MODELS else []
    return own + _ANSWERS.get(model.category, [])


def _param(param: Param) -> ModelParam:
    limits = ModelRange(min=param.minimum, max=param.maximum, step=param.step)
    return ModelParam(
        key=param.key,
        type=param.type,
        required=param.required,
        default=param.default,
        range=limits if param.type == "number" else None,
        options=None if param.options is None else list(param.options),
    )


def _references(rules: ReferenceRules) -> ReferenceMedia:
    return ReferenceMedia(
        max_files=rules.max_files,
        kinds=None if rules.kinds is None else list(rules.kinds),
        per_kind={
            rule.kind: MediaRule(
                max_size_mb=None if rule.max_bytes is None else rule.max_bytes / MEGABYTE,
                mime_types=None if rule.mime_types is None else list(rule.mime_types),
                min_duration_seconds=rule.min_duration,
                max_duration_seconds=rule.max_duration,
            )
            for rule in rules.rules
        },
    )
