"""Reading answers: JSON where the contract promises it, an error by its code, or one that says what came."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from rivya_nb.errors import (
    API_ERRORS,
    ApiError,
    InsufficientCreditsError,
    RateLimitedError,
    RivyaError,
    UnexpectedResponseError,
)

MAX_JSON = 16_000_000
"""Bytes an answer may have; the longest of the contract, the list of models, is far below."""

EXCERPT = 120
"""Characters of an unexpected answer that are shown."""

MAX_MESSAGE = 500
"""Characters of the service's own message that are shown."""

_BY_STATUS = {402: InsufficientCreditsError, 429: RateLimitedError}
"""What a status means by itself, where its code is none that is known."""

Scrub = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `retry_after` in seconds."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None
    location: str | None = None
    request_id: str | None = None


def make_answer(status: int, headers: Mapping[str, str], body: bytes, scrub: Scrub) -> Answer:
    """An answer from the parts of it that matter. `headers` are looked up in lower case.

    Whatever the service repeats of the key is taken out at this door, so that nothing behind it can show it.
    """
    clean = scrub(body.decode("utf-8", "replace")).encode()
    location, request_id = (headers.get(name) for name in ("location", "x-request-id"))
    if status >= 400:
        request_id = _error_of(_parse(clean)).get("requestId") or request_id
    return Answer(
        status,
        clean,
        retry_after=parse_retry_after(headers.get("retry-after"), headers.get("date")),
        location=None if location is None else scrub(location),
        request_id=None if request_id is None else printable(scrub(request_id), EXCERPT),
    )


def read_json(answer: Answer, call: str) -> object:
    """The JSON of a successful answer.

    Raises:
        ApiError: the service refused with a code; an unknown one is a plain ApiError where its status is 4xx.
        UnexpectedResponseError: anything else; with an unknown code and a 5xx too, because only a documented
            code is a word on whether the request was taken.
    """
    status = answer.status
    if 300 <= status < 400:
        target = _host(answer.location)
        message = f"{call}: the service redirects to {target}, and the key goes to no other address"
        raise UnexpectedResponseError(f"{message}; is the base URL right?", http_status=status)
    data = _parse(answer.body)
    if 200 <= status < 300 and data is not None:
        return data
    if status >= 400:
        refusal = _refusal(answer, _error_of(data))
        if refusal is not None:
            raise refusal
    came = _kind(answer.body, data)
    shown = excerpt(answer.body)
    raise UnexpectedResponseError(
        f"{call}: the service answered {status} with {came} where JSON of the API was expected: {shown}",
        http_status=status,
        retry_after=answer.retry_after,
    )


def unexpected_shape(call: str, expected: str, data: object) -> UnexpectedResponseError:
    """The error for JSON that is whole and is not what the contract says."""
    shown = excerpt(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return UnexpectedResponseError(f"{call}: the answer has no {expected}: {shown}", http_status=200)


def excerpt(body: bytes) -> str:
    """The beginning of what came, as a Python literal: no control character and no line break."""
    if not body:
        return "nothing"
    text = " ".join(body[: 64 * EXCERPT].decode("utf-8", "replace").split())
    return repr(text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…")


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as an HTTP date; None where it says neither.

    A date is counted from the answer's own `Date` where it has one, so that a wrong clock here does no harm.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment, now = _moment(value), _moment(date)
        if moment is None:
            return None
        seconds = moment - (time.time() if now is None else now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _moment(value: str | None) -> float | None:
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _parse(body: bytes) -> object | None:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed


def _error_of(data: object) -> Mapping[str, str]:
    """The texts in an error object; empty where there is none."""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return {}
    return {key: value for key, value in error.items() if isinstance(value, str)}


def _refusal(answer: Answer, error: Mapping[str, str]) -> RivyaError | None:
    code = error.get("code")
    if not code:
        return None
    message = printable(error.get("message", ""), MAX_MESSAGE) or "the service gave no reason"
    request_id = answer.request_id
    kind = API_ERRORS.get(code)
    if kind is None and answer.status >= 500:
        suffix = f" (request {request_id})" if request_id else ""
        return UnexpectedResponseError(
            f"the service failed ({answer.status}), {printable(code, EXCERPT)}: {message}{suffix}",
            http_status=answer.status,
            retry_after=answer.retry_after,
        )
    if kind is None:
        kind = _BY_STATUS.get(answer.status, ApiError)
    return kind(
        message,
        code=printable(code, EXCERPT),
        http_status=answer.status,
        request_id=request_id,
        retry_after=answer.retry_after,
    )


def printable(text: str, limit: int) -> str:
    """Foreign text for one line of a terminal: no control characters, at most `limit` characters."""
    text = "".join(char if char.isprintable() else " " for char in text).strip()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _kind(body: bytes, data: object | None) -> str:
    if data is not None:
        return "JSON of another shape"
    if not body.strip():
        return "no content"
    return "a page of HTML" if body.lstrip()[:1] == b"<" else "broken JSON"


def _host(location: str | None) -> str:
    try:
        host = urlsplit(location or "").netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return repr(printable(host, EXCERPT)) if host else "another path"
