"""What a sentence looks like to whoever asks whether it promises something: named numbers, beside its vector."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analysis.summary.reading.moments import by_when
from analysis.summary.reading.readings import Reading, answer_to, question_before

_WORD = re.compile(r"n't|'(?:ll|ve|re|m|d|s)\b|\w+?(?=n't)|\w+")
_SAME = ((re.compile(r"\bgonna\b"), "going to"), (re.compile(r"\bwon't\b"), "willn't"),
         (re.compile(r"\b(i|we|you|they|he|she|it) will\b"), r"\1'll"))  # fmt: skip
_LONG = 30
"""Words of a long sentence."""


def features_of(reading: Reading, readings: Sequence[Reading], *, by_rule: bool) -> dict[str, float]:
    """`by_rule`: whether the rules see a promise in it."""
    role = reading.sentence.role.value
    said = tokens(reading.text)
    features = {
        "length": min(len(said), _LONG) / _LONG,
        "small talk": max(-1.0, min(1.0, reading.small_talk)),
    }
    features |= dict.fromkeys(_told(reading, role, by_rule=by_rule), 1.0)
    features |= dict.fromkeys(_wording(said), 1.0)
    return features | dict.fromkeys(_around(reading, readings), 1.0)


def tokens(text: str) -> list[str]:
    """Words in small letters; what is added to one is one of its own: "I will" and "I'll" are both "i", "'ll"."""
    text = text.casefold().replace("’", "'")
    for pattern, replacement in _SAME:
        text = pattern.sub(replacement, text)
    return _WORD.findall(text)


def _told(reading: Reading, role: str, *, by_rule: bool) -> Iterator[str]:
    yield f"role {role}"
    for act in reading.acts:
        yield from (f"act {act}", f"act {act} {role}")
    if by_rule:
        yield from ("rule", f"rule {role}")
    if by_when(reading.text):
        yield from ("moment", f"moment {role}")
    if reading.figures:
        yield "figures"
    if reading.sentence.asks:
        yield "asks"


def _wording(said: Sequence[str]) -> Iterator[str]:
    yield from (f"word {word}" for word in said)
    yield from (f"words {first} {second}" for first, second in zip(("<", *said), (*said, ">"), strict=True))


def _around(reading: Reading, readings: Sequence[Reading]) -> Iterator[str]:
    """What the other side said just before, and says to it."""
    if question_before(reading, readings) is not None:
        yield "answers"
    before = next(
        (other for other in reversed(readings[: reading.place]) if other.sentence.channel != reading.sentence.channel),
        None,
    )
    if before is not None:
        yield from (f"before {act}" for act in before.acts)
        if before.sentence.asks:
            yield "before asks"
    for after in answer_to(reading, readings)[:1]:
        yield from (f"after {act}" for act in after.acts)
        yield from (f"after word {word}" for word in tokens(after.text)[:1])
        if after.sentence.asks:
            yield "after asks"
