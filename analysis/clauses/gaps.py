"""What the words around a gap show of it: does a sentence end there?"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.yaml_reader import read_yaml_file

_CLASSES = Path(__file__).parent / "word_classes.yaml"
_BEFORE, _AFTER = "<", ">"
_VERBS = frozenset({"pronoun_and_verb", "be", "auxiliary", "do", "have"})
_SUBJECTS = frozenset({"pronoun", "pronoun_and_verb", "demonstrative", "determiner"})
"""What a subject begins with."""
_DEPENDENT = frozenset({"subordinates", "asks"})
_LONGEST_LEFT, _LONGEST_RIGHT, _AHEAD = 8, 6, 5
_FEWEST_BEGUN, _REACH_OF_ASKING = 3, 3


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of speech without stops."""

    words: Sequence[str]
    """Case-folded, without marks; digits as `#`."""
    breaks: Collection[int]
    """Places of words after which there is a comma or a pause."""


def plain_word(text: str) -> str:
    return "#" if any(letter.isdigit() for letter in text) else text.casefold().replace("’", "'")


def features(said: Said, index: int, start: int) -> list[str]:
    """Of the gap after the word at `index`, in a clause that began with the word at `start`.

    Words and classes of words on both sides, alone and together; whether the clause has a verb so far and is one that
    depends on another, and whether a verb follows; how long both sides are; a comma or a pause.
    """
    words = said.words
    two_before, before, last, first, second, third = (_word(words, index + step, start) for step in range(-2, 4))
    kinds = [class_of(word) for word in (two_before, before, last, first, second, third)]
    c, a, b, x, y, z = kinds
    left = [class_of(word) for word in words[start : index + 1]]
    verb_before = any(kind in _VERBS or kind == "ed" for kind in left)
    verb_after = any(class_of(word) in _VERBS for word in words[index + 1 : index + 1 + _AHEAD])
    state = f"{verb_before:d}{left[0] in _DEPENDENT:d}{verb_after:d}"
    mark = "," if index in said.breaks else ""
    return [
        f"{mark}gap", f"b={last}", f"a={before}", f"x={first}", f"y={second}", f"ab={before} {last}",
        f"bx={last} {first}", f"xy={first} {second}", f"xyz={first} {second} {third}", f"bxy={last} {first} {second}",
        f"{mark}B={b}", f"{mark}X={x}", f"{mark}BX={b} {x}", f"{mark}XY={x} {y}", f"ABX={a} {b} {x}",
        f"{mark}BXY={b} {x} {y}", f"XYZ={x} {y} {z}", f"CABX={c} {a} {b} {x}", f"ABXY={a} {b} {x} {y}",
        f"BXYZ={b} {x} {y} {z}", f"{mark}S={state}", f"SX={state} {x}", f"SXY={state[:2]} {x} {y}", f"SB={state} {b}",
        f"left={min(index - start + 1, _LONGEST_LEFT)}", f"right={min(len(words) - index - 1, _LONGEST_RIGHT)}",
        f"{mark}x={first}", f"{mark}b={last}",
    ]  # fmt: skip


def _word(words: Sequence[str], index: int, start: int) -> str:
    if index < start:
        return _BEFORE
    return words[index] if index < len(words) else _AFTER


@functools.cache
def _listed() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for kind, listed in read_yaml_file(_CLASSES).value.items():
        for word in listed.split():
            found.setdefault(word, kind)
    return found


@functools.lru_cache(maxsize=8192)
def class_of(word: str) -> str:
    """As `word_classes.yaml` lists it, or how the word ends."""
    if word in (_BEFORE, _AFTER):
        return word
    if word == "#":
        return "number"
    ending = next((end for end in ("ing", "ed", "ly", "s") if word.endswith(end)), "other")
    return _listed().get(word, ending)


def has_verb(words: Sequence[str]) -> bool:
    """Whether one of the plain words is a verb as far as the classes know."""
    return any(class_of(word) in _VERBS or class_of(word) in ("verb", "ed") for word in words)


def may_end(said: Said, index: int, start: int) -> bool:
    """Whether a main clause may end at the gap and another begin.

    What begins has a subject, asks, or thanks and greets; what ends depends on nothing.
    """
    first, second = index + 1, index + 2
    tag = len(said.words) - first < _FEWEST_BEGUN  # ", I'm afraid"
    following, then = class_of(said.words[first]), class_of(_word(said.words, second, start))
    if tag:
        begins = following == "answer"
    elif following == "determiner":  # "the report yet" is none
        begins = _has_verb(said, first, first + _AHEAD)
    else:
        begins = following in _SUBJECTS or following == "answer"
    asks = (following in _VERBS and then in _SUBJECTS) or (following == "asks" and then in _VERBS)
    depends = class_of(said.words[start]) in _DEPENDENT or any(
        class_of(word) == "asks" for word in said.words[max(start, index + 1 - _REACH_OF_ASKING) : index + 1]
    )  # "which address you have"
    leads = class_of(said.words[start]) == "preposition" and not _has_verb(said, start, index + 1)  # "for two hundred"
    return (begins or (asks and not tag)) and not depends and not leads


def _has_verb(said: Said, first: int, end: int) -> bool:
    """Whether there is one before the end and before a comma."""
    for index in range(first, min(end, len(said.words))):
        if class_of(said.words[index]) in _VERBS:
            return True
        if index in said.breaks:
            return False
    return False
