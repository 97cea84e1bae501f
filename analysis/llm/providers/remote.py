"""What the HTTP providers share: turns of a chat, errors by status, reading Retry-After."""

from __future__ import annotations

import email.utils
import os
import time
from collections.abc import Mapping

from analysis.llm.provider import LLMRequest, RequestRefused, Throttled
from pipeline.errors import EarshotError, InvalidReply, ServiceUnavailable
from pipeline.outside import refusal

TOOL_NAME = "answer"
TOOL_DESCRIPTION = "Give the answer. Every answer goes through this tool."
_PASSING = frozenset({408, 409, 425})


def chat_turns(request: LLMRequest) -> list[dict[str, str]]:
    """User and assistant turns in order, without the system prompt."""
    turns = [{"role": "user", "content": request.user}]
    turns.extend({"role": message.role, "content": message.text} for message in request.follow_up)
    return turns


def environment_key(name: str) -> str | None:
    """A credential; None when the variable is unset or empty."""
    return os.environ.get(name) or None


def error_for_status(
    service: str, status: int, body: object = None, headers: Mapping[str, str] | None = None, message: str = ""
) -> EarshotError:
    """The error of our tree that an HTTP status stands for; `pipeline.outside.refusal` writes the message."""
    said = refusal(service, status, body, message)
    if status == 429 and "insufficient_quota" not in said:
        return Throttled(said, retry_after_s(headers or {}))
    if status == 503 and headers and retry_after_s(headers) is not None:
        return Throttled(said, retry_after_s(headers))
    if status in _PASSING or status >= 500:
        return ServiceUnavailable(said)
    if status in {400, 413, 422}:
        return InvalidReply(f"{said} (the request itself was refused)")
    return RequestRefused(f"{said}; check the model's name, the address and the credentials")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `Retry-After` (seconds or HTTP date, RFC 9110 10.2.3); None when absent."""
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None:
        try:
            return max(0.0, float(milliseconds) / 1000)
        except ValueError:
            pass
    value = headers.get("retry-after") or headers.get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
