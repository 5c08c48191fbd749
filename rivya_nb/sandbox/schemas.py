"""The documented shapes of requests and answers; the OpenAPI document is made from these."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class GenerationBody(BaseModel):
    """`POST /generations`. Params are checked by the model's own record."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "example": {
                "model": "wan-2-7-image-pro",
                "prompt": "A clean editorial product image on a soft studio background",
                "params": {"aspect_ratio": "1:1", "resolution": "2K", "watermark": "false", "seed": 0},
            }
        },
    )

    model: str
    prompt: str = Field("", description="Required by the image models; each has its own maximum length.")
    params: dict[str, Any] = Field(default_factory=dict)
    client_request_id: str = Field(
        "", description="A trace id of the caller; it has no effect on idempotency."
    )

    @model_validator(mode="before")
    @classmethod
    def _holds_whole_characters(cls, body: Any) -> Any:
        # JSON can contain half of a character, which UTF-8 cannot.
        try:
            json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half of a character (a lone surrogate)") from None
        return body


class TaskResult(BaseModel):
    primary_url: str
    urls: list[str]


class TaskFailure(BaseModel):
    code: Literal["generation_failed"]
    message: str


class GenerationTask(BaseModel):
    """A task. `final_credits` and the two times may be absent."""

    id: str = Field(examples=["task_…"])
    status: Literal["queued", "processing", "succeeded", "failed"]
    model: str
    reserved_credits: int
    final_credits: int = 0
    created_at: str = Field("", description="ISO 8601, UTC")
    updated_at: str = Field("", description="ISO 8601, UTC")
    result: TaskResult | None
    error: TaskFailure | None


class PublicApiFile(BaseModel):
    """An uploaded file. Its id is under `id` or under `file_id`; a video or audio file has a `duration_token`."""

    id: str = ""
    file_id: str = ""
    url: str
    kind: Literal["image", "video", "audio"]
    name: str
    mime_type: str
    size: int = Field(description="bytes")
    created_at: str
    expires_at: str | None
    duration_token: str = Field("", description="Opaque: what a reference to this file has to give back.")


class Credits(BaseModel):
    current_credits: int


class ModelRange(BaseModel):
    min: float | None
    max: float | None
    step: float | None


class ModelParam(BaseModel):
    key: str
    type: str
    required: bool
    default: str | int | float | None
    range: ModelRange | None
    options: list[str] | None


class MediaRule(BaseModel):
    max_size_mb: float | None
    mime_types: list[str] | None
    min_duration_seconds: float | None
    max_duration_seconds: float | None


class ReferenceMedia(BaseModel):
    max_files: int | None
    kinds: list[str] | None
    per_kind: dict[str, MediaRule]


class PublicModel(BaseModel):
    id: str
    display_name: str
    category: str
    runtime: str
    base_credits: int | None
    billing_type: str | None
    supported_modes: list[str]
    max_prompt_length: int | None
    reference_media: ReferenceMedia | None
    params: list[ModelParam]
    api_status: Literal["available", "coming_soon", "studio_only"]
    api_input_status: Literal[
        "available_text", "available_url_input", "partial_requires_files", "requires_files_api"
    ]
    supported_api_inputs: list[str]
    requires_files_api: bool
    requires_upload_for_modes: list[str]
    url_input_supported: bool
    file_kinds: list[str]
    chat_capabilities: dict[str, Any] | None
    notices: list[str]


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[PublicModel]


class ErrorBody(BaseModel):
    code: str = Field(description="Documented, unlike the message.")
    message: str
    requestId: str  # noqa: N815 - the service's own spelling


class ErrorEnvelope(BaseModel):
    error: ErrorBody
