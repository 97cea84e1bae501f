"""What a word looks like, and what was asked before it."""

from __future__ import annotations

import pytest

from analysis.redaction.learned.features import described
from analysis.redaction.other_numbers import find_others
from analysis.redaction.talk import Talk

TALK = (
    "\n#1 agent: What's your date of birth?\n#2 client: Just a second."
    "\n#3 agent: Of course.\n#4 client: It's 3/4/71, my card ends 3120 then.\n#5 client: Order number W-44812 for £9."
)


def features_of(word: str) -> frozenset[str]:
    """Of the first word of the talk that is written so."""
    talk = Talk(TALK, ("en",))
    others = find_others(talk)
    words = (found for number in range(len(talk.turns)) for found in described(talk, others, number))
    return next(found.features for found in words if found.word.written == word)


@pytest.mark.parametrize(
    ("word", "there", "absent"),
    [
        ("birth", {"in phrase", "agent", "asks", "turn 0"}, {"client", "same side"}),
        ("second", {"asked birth", "asked back 1", "asked by other side", "client"}, {"in phrase", "asks"}),
        ("course", {"asked back 2", "asked by own side"}, {"asked by other side"}),
        ("71", {"asked back 3", "run", "before it's", "mark before /", "run mark after ,", "figures 2"},
         {"asked here birth"}),
        ("3120", {"asked here card", "figures 4", "before ends", "before it card", "after then", "after it end"},
         {"asked birth", "of others"}),
        ("44812", {"of others", "same side", "turn 4", "mixed", "mark before -", "before number"}, {"capital"}),
        ("9", {"mark before £", "counted", "run mark before £"}, {"mixed"}),
        ("Of", {"first", "capital first", "everyday", "short"}, {"number", "run", "known name"}),
    ],
)  # fmt: skip
def test_a_word_has_the_features_of_its_place(word: str, there: set[str], absent: set[str]) -> None:
    found = features_of(word)
    assert there <= found, there - found
    assert not absent & found
