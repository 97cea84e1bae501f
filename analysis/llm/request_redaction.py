"""Personal data out of a request before it leaves the machine, and back into the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.llm.provider import LLMRequest, TextRedactor
from pipeline.errors import TerminalError

_SEAM = "\n\x1e\n"
"""Separates the texts of one request. They are redacted together so that equal placeholders mean equal things."""
_MIN_KNOWN_CHARS = 4


class RedactionFailed(TerminalError):
    """The text could not be redacted, so it is not sent."""


def redact_request(request: LLMRequest, redactor: TextRedactor) -> tuple[LLMRequest, Mapping[str, str]]:
    """The request without personal data, and placeholder -> original.

    Personal data found in one text is removed from all of them: "my account is 445566" in the transcript shows what
    445566 is in a retelling of the call, where no such word comes before it.

    Raises:
        RedactionFailed: the redactor lost the boundaries between the texts.
    """
    texts = [request.system, request.user, *(message.text for message in request.follow_up), request.source]
    joined = _SEAM.join(text.replace("\x1e", " ") for text in texts)
    redacted, originals = redactor.redact(joined)
    parts = redacted.split(_SEAM)
    if len(parts) != len(texts):
        raise RedactionFailed(f"redaction of request {request.key!r} ran its texts together; it is not sent")
    parts = [parts[0], *(_without_known(part, originals) for part in parts[1:-1])]
    follow_up = tuple(replace(message, text=text) for message, text in zip(request.follow_up, parts[2:], strict=True))
    return replace(request, system=parts[0], user=parts[1], follow_up=follow_up, source=""), originals


def _without_known(text: str, originals: Mapping[str, str]) -> str:
    """The text without what is known to be personal data, however its digits are grouped."""
    for mark, value in sorted(originals.items(), key=lambda pair: -len(pair[1])):
        pattern = _whole(value)
        if pattern is not None:
            text = pattern.sub(lambda _, mark=mark: mark, text)  # type: ignore[misc]
    return text


def _whole(value: str) -> re.Pattern[str] | None:
    """Matches the value as whole words; None for one too short to be told from other words."""
    characters = re.findall(r"\w", value)
    if len(characters) < _MIN_KNOWN_CHARS:
        return None
    if all(character.isdigit() for character in characters):
        spelled = r"[ .,/-]{0,2}".join(characters)
    else:
        spelled = r"\s+".join(re.escape(part) for part in value.split())
    return re.compile(rf"(?<![\w\[]){spelled}(?!\w)", re.IGNORECASE)


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
