"""What is done in a sentence, by classes of words (`acts.yaml`): the features that are weighed without the encoder."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path

from pipeline.config.yaml_reader import read_yaml_file

_FILE = Path(__file__).parent / "acts.yaml"
_FIRST = re.compile(
    r"^(?:(?:now|so|and|please|kindly|just|then|okay|also|but|simply|right|robot|computer|machine|bot|hey \w+),? )*"
    r"(?=\w)",
    re.IGNORECASE,
)
_BRIEF, _LONG = 4, 30
"""Words."""


def acts_in(text: str) -> dict[str, float]:
    """Features of a sentence: the classes it has words of, which stand before which, and by which it begins."""
    places = {
        name: [match.start() for match in found.finditer(text)]
        for name, found in _classes().items()
        if found.search(text)
    }
    features = dict.fromkeys(places, 1.0)
    for before, after in itertools.permutations(places, 2):
        if places[before][0] < places[after][-1]:
            features[f"{before} {after}"] = 1.0
    first = _FIRST.match(text)
    features |= {f"first {name}": 1.0 for name, found in places.items() if first and found[0] == first.end()}
    length = len(text.split())
    features["brief"] = float(length <= _BRIEF)
    features["length"] = min(length, _LONG) / _LONG
    features["question"] = float(text.rstrip().endswith("?"))
    return features


@functools.lru_cache(maxsize=1)
def _classes() -> dict[str, re.Pattern[str]]:
    return {name: _any_of(str(listed).split()) for name, listed in read_yaml_file(_FILE).value.items()}


def _any_of(words: list[str]) -> re.Pattern[str]:
    """`·` stands for a space; what begins with a mark or with `^` needs no word's beginning before it."""
    plain = [word.replace("·", " ") for word in words]
    return re.compile(
        "|".join(word if word[0] in "^[" else rf"\b{word}" for word in plain).join(("(?:", r")\b")), re.IGNORECASE
    )
