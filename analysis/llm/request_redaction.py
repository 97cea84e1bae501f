"""Personal data out of a request before it leaves the machine, and back into the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from analysis.llm.provider import LLMRequest, TextRedactor
from pipeline.errors import TerminalError

_SEAM = "\n\x1e\n"
"""Separates the texts of one request. They are redacted together so that equal placeholders mean equal things."""
_MIN_KNOWN_CHARS = 4
_MAX_KNOWN_CHARS = 80
_SPACING = re.compile(r"[ .,/'’-]{0,2}|\s+")


class RedactionFailed(TerminalError):
    """The text could not be redacted, so it is not sent."""


def redact_request(request: LLMRequest, redactor: TextRedactor) -> tuple[LLMRequest, Mapping[str, str]]:
    """The request without personal data, and placeholder -> original.

    Personal data found in one text is removed from all of them: "my account is 445566" in the transcript shows what
    445566 is in a retelling of the call, where no such word comes before it.

    Raises:
        RedactionFailed: the redactor lost the boundaries between the texts.
    """
    options = request.choice.options if request.choice is not None else ()
    said = dict.fromkeys(option.said for option in options)
    texts = [request.system, request.user, *(message.text for message in request.follow_up), *said, request.source]
    joined = _SEAM.join(text.replace("\x1e", " ") for text in texts)
    redacted, originals = redactor.redact(joined)
    parts = redacted.split(_SEAM)
    if len(parts) != len(texts):
        raise RedactionFailed(f"redaction of request {request.key!r} ran its texts together; it is not sent")
    parts = [parts[0], *(_without_known(part, originals) for part in parts[1:-1])]
    turns, clean = (
        parts[2 : 2 + len(request.follow_up)],
        dict(zip(said, parts[2 + len(request.follow_up) :], strict=True)),
    )
    follow_up = tuple(replace(message, text=text) for message, text in zip(request.follow_up, turns, strict=True))
    choice = request.choice and replace(
        request.choice, options=tuple(replace(option, said=clean[option.said]) for option in options)
    )
    return replace(request, system=parts[0], user=parts[1], follow_up=follow_up, choice=choice, source=""), originals


def _without_known(text: str, originals: Mapping[str, str]) -> str:
    """The text without what is known to be personal data, however its digits and words are spaced.

    One look-up per word and length of what is known, so that the work does not grow with how much is known.
    """
    known: dict[str, str] = {}
    for mark, value in originals.items():
        compact = _compact(value)
        if _MIN_KNOWN_CHARS <= len(compact) <= _MAX_KNOWN_CHARS:
            known.setdefault(compact, mark)
    if not known:
        return text
    lengths = sorted({len(value) for value in known}, reverse=True)
    characters = [(position, character) for position, character in enumerate(text) if character.isalnum()]
    stream = "".join(character.casefold()[:1] for _, character in characters)
    parts: list[str] = []
    done = first = 0
    while first < len(characters):
        length = next(
            (n for n in lengths if stream[first : first + n] in known and _is_whole(text, characters, first, n)), 0
        )
        if length:
            parts += [text[done : characters[first][0]], known[stream[first : first + length]]]
            done = characters[first + length - 1][0] + 1
        first += length or 1
    return "".join((*parts, text[done:]))


def _compact(value: str) -> str:
    return "".join(character.casefold()[:1] for character in value if character.isalnum())


def _is_whole(text: str, characters: Sequence[tuple[int, str]], first: int, length: int) -> bool:
    """Whether these characters begin and end with a word, and no more than a little lies between any two."""
    if first + length > len(characters):
        return False
    start, end = characters[first][0], characters[first + length - 1][0] + 1
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    if (before and (before.isalnum() or before in "_[")) or (after and (after.isalnum() or after == "_")):
        return False
    places = [position for position, _ in characters[first : first + length]]
    return all(_SPACING.fullmatch(text, earlier + 1, later) for earlier, later in pairwise(places))


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
