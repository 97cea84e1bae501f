"""Personal data out of a request before it leaves the machine, and back into the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.llm.provider import LLMRequest, TextRedactor
from pipeline.errors import TerminalError

_SEAM = "\n\x1e\n"
"""Between the texts of one request, redacted in one go so that equal placeholders mean equal things."""


class RedactionFailed(TerminalError):
    """The text could not be redacted, so it is not sent."""


def redact_request(request: LLMRequest, redactor: TextRedactor) -> tuple[LLMRequest, Mapping[str, str]]:
    """The request without personal data, and placeholder -> original.

    Raises:
        RedactionFailed: the redactor lost the seams between the texts.
    """
    texts = [request.system, request.user, *(message.text for message in request.follow_up)]
    joined = _SEAM.join(text.replace("\x1e", " ") for text in texts)
    redacted, originals = redactor.redact(joined)
    parts = redacted.split(_SEAM)
    if len(parts) != len(texts):
        raise RedactionFailed(f"redaction of request {request.key!r} ran its texts together; it is not sent")
    follow_up = tuple(replace(message, text=text) for message, text in zip(request.follow_up, parts[2:], strict=True))
    return replace(request, system=parts[0], user=parts[1], follow_up=follow_up), originals


def restore(data: Any, originals: Mapping[str, str]) -> Any:
    """Every placeholder in every string of `data` replaced by what it stands for."""
    if not originals:
        return data
    pattern = re.compile("|".join(re.escape(mark) for mark in sorted(originals, key=len, reverse=True)))
    return _restore(data, pattern, originals)


def _restore(data: Any, pattern: re.Pattern[str], originals: Mapping[str, str]) -> Any:
    if isinstance(data, str):
        return pattern.sub(lambda match: originals[match.group(0)], data)
    if isinstance(data, dict):
        return {key: _restore(value, pattern, originals) for key, value in data.items()}
    if isinstance(data, list):
        return [_restore(value, pattern, originals) for value in data]
    return data
