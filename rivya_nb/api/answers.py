"""Reads answers: as JSON, or as an error that says by its code or its content what came."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from rivya_nb.api.key import Key, speaks_of_keys
from rivya_nb.api.reasons import page_text, words_of
from rivya_nb.contract.text import printable
from rivya_nb.errors import (
    API_ERRORS,
    ApiError,
    ApiKeyInvalidError,
    InsufficientCreditsError,
    RateLimitedError,
    RivyaError,
    UnexpectedResponseError,
)

MAX_JSON = 16_000_000
"""The most bytes of an answer; the longest of the contract, the list of models, is far below."""

EXCERPT = 120
"""The most characters of an unexpected answer that are shown."""

HTML = "a page of HTML"

MAX_MESSAGE = 500
"""The most characters of the service's message that are shown."""

_BY_STATUS = {401: ApiKeyInvalidError, 402: InsufficientCreditsError, 429: RateLimitedError}
"""The errors of HTTP statuses, for answers without a known code."""

_PERHAPS_TAKEN = frozenset({408, 499})
"""Statuses of a proxy that has waited in vain: it may have passed the request on before."""

_AS_THEY_ARE = frozenset({"id", "file_id", "url", "urls", "primary_url", "duration_token", "prompt"})
"""Fields that are kept whole: a part of them would be useless."""

_NUMBERS = frozenset({"requestId", "request_id"})
"""Fields that may end like the key by chance."""

_MESSAGES = frozenset({"error", "errors", "message", "detail"})

_LONGEST_MESSAGE = 8_000
"""The most characters of a message that are searched for the key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, without the key if the service repeats it; `retry_after` in seconds.

    `data` is its JSON, None if it is not JSON; `text` is its beginning as it came.
    """

    status: int
    data: object | None = field(repr=False)
    text: str = field(repr=False)
    retry_after: float | None = None
    location: str | None = None
    request_id: str | None = None


def make_answer(status: int, headers: Mapping[str, str], body: bytes, key: Key) -> Answer:
    """An answer from its relevant parts. `headers` are looked up in lower case.

    If the service repeats the key, it is removed here, so that no later code can show it.
    """
    whole = body.decode("utf-8-sig", "replace")
    text = whole[:_LONGEST_MESSAGE]
    about_keys = status >= 400 and speaks_of_keys(text)
    data = _parse(whole, key, about_keys=about_keys)
    location, request_id = (headers.get(name) for name in ("location", "x-request-id"))
    if status >= 400:
        request_id = _error_of(data).get("requestId") or request_id
    return Answer(
        status,
        data,
        key.scrub(text, about_keys=about_keys),
        retry_after=parse_retry_after(headers.get("retry-after"), headers.get("date")),
        location=None if location is None else key.scrub(location),
        request_id=None if request_id is None else printable(key.scrub(request_id), EXCERPT),
    )


def read_json(answer: Answer, call: str) -> object:
    """The JSON of a successful answer.

    Raises:
        ApiError: the service refused, with a documented code, or with a 4xx of any shape.
        UnexpectedResponseError: for anything else; also for a 5xx with an unknown code, because only documented
            codes tell whether the request was taken.
    """
    status = answer.status
    if 300 <= status < 400:
        target = _host(answer.location)
        message = f"{call}: the service redirects to {target}, and the key goes to no other address"
        raise UnexpectedResponseError(f"{message}; is the base URL right?", http_status=status)
    if 200 <= status < 300 and answer.data is not None:
        return answer.data
    if status >= 400:
        refusal = _refusal(answer)
        if refusal is not None:
            raise refusal
    raise UnexpectedResponseError(
        f"{call}: the service answered {status} with {_kind(answer)} where JSON of the API was expected: "
        f"{excerpt(answer.text)}",
        http_status=status,
        retry_after=answer.retry_after,
    )


def unexpected_shape(call: str, expected: str, data: object, key: Key) -> UnexpectedResponseError:
    """The error for valid JSON of another shape than the contract's."""
    shown = excerpt(key.scrub(json.dumps(data, ensure_ascii=False)[: 64 * EXCERPT]))
    return UnexpectedResponseError(f"{call}: the answer has no {expected}: {shown}", http_status=200)


def excerpt(text: str) -> str:
    """The beginning of an answer as a Python literal: no control character and no line break."""
    return repr(printable(text, EXCERPT)) if text else "nothing"


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """The seconds of a Retry-After header, a number or an HTTP date; None if it is neither.

    A date is compared with the answer's own `Date` if there is one, so that a wrong clock here does not
    matter.
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


def _parse(text: str, key: Key, *, about_keys: bool) -> object | None:
    try:
        data: object = json.loads(text)
        # Skipped for long answers without the key, such as the list of models.
        return _clean(data, key, about_keys) if key.may_be_in(text) else data
    except (ValueError, RecursionError):
        return None


def _clean(data: object, key: Key, about_keys: bool) -> object:
    """JSON without the key; if it is `about_keys`, also without the key's last characters."""
    if isinstance(data, str):
        return key.scrub(data[:_LONGEST_MESSAGE], about_keys=True) if about_keys else key.scrub(data)
    if isinstance(data, list):
        return [_clean(each, key, about_keys) for each in data]
    if not isinstance(data, dict):
        return data
    clean: dict[str, object] = {}
    for name, each in data.items():
        if name in _AS_THEY_ARE:
            clean[name] = each
        else:
            message = about_keys or (name in _MESSAGES and speaks_of_keys(str(each)))
            clean[key.scrub(name)] = _clean(each, key, message and name not in _NUMBERS)
    return clean


def _error_of(data: object) -> Mapping[str, str]:
    """The texts in an error object; empty if there is none."""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return {}
    return {name: value for name, value in error.items() if isinstance(value, str)}


def _refusal(answer: Answer) -> RivyaError | None:
    """The error of a refusal; None if the answer does not tell whether the request was taken."""
    status = answer.status
    code = _code(answer.data, any_shape=status < 500)
    kind = API_ERRORS.get(code)
    if (kind is None and status in _PERHAPS_TAKEN) or (not code and status >= 500):
        return None
    message = printable(words_of(answer.data), MAX_MESSAGE) or "the service gave no reason"
    request_id = answer.request_id
    if kind is None and status >= 500:
        suffix = f" (request {request_id})" if request_id else ""
        return UnexpectedResponseError(
            f"the service failed ({status}), {code}: {message}{suffix}",
            http_status=status,
            retry_after=answer.retry_after,
        )
    return (kind or _BY_STATUS.get(status, ApiError))(
        message if code else _told(answer),
        code=code,
        http_status=status,
        request_id=request_id,
        retry_after=answer.retry_after,
    )


def _code(data: object, *, any_shape: bool) -> str:
    """The code of an error, empty if it has none; with `any_shape`, a documented code is also found
    elsewhere."""
    code = _error_of(data).get("code", "")
    if not code and any_shape and isinstance(data, dict):
        others = [data.get("code"), data.get("error")]
        code = next((each for each in others if isinstance(each, str) and each in API_ERRORS), "")
    return printable(code, EXCERPT)


def _told(answer: Answer) -> str:
    """The message of a refusal without a code: its status and the content of its body."""
    head = f"the service answered {answer.status}"
    if answer.data is not None:
        words = printable(words_of(answer.data), MAX_MESSAGE)
        return f"{head}: {words}" if words else f"{head} with JSON of another shape: {excerpt(answer.text)}"
    kind = _kind(answer)
    words = printable(page_text(answer.text) if kind == HTML else answer.text, MAX_MESSAGE)
    return f"{head} with {kind}: {words}" if words else f"{head} with {kind}"


def _kind(answer: Answer) -> str:
    if answer.data is not None:
        return "JSON of another shape"
    text = answer.text.strip()
    if not text:
        return "no content"
    if text[0] == "<":
        return HTML
    return "broken JSON" if text[0] in '{["' else "plain text"


def _host(location: str | None) -> str:
    try:
        host = urlsplit(location or "").netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return repr(printable(host, EXCERPT)) if host else "another path"
