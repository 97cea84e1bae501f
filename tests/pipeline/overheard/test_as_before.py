"""Made-up talk that one channel overhears from the other, in many ways: what is left of it, as it was."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from pipeline.overheard.compare import tell_apart
from pipeline.records import SegmentText
from tests.pinned import assert_pinned
from tests.pipeline.overheard.test_compare import AGENT, CLIENT, SAID, Echo, segment, speech_of

EARS = {
    "an echo": Echo(),
    "a faint one": Echo(likeness=0.3, louder_db=3.0),
    "a late one": Echo(delay_s=0.9),
    "the other way": Echo(source=CLIENT, own=AGENT),
    "as loud": Echo(louder_db=0.0, delay_s=0.0),
    "for a while": Echo(within=(10.0, 20.0)),
    "with a voice over it": Echo(own_voice=(12.0, 18.0)),
    "none": Echo(likeness=0.05),
}


def talk(ears: Echo, seed: int) -> list[SegmentText]:
    """The agent's turns; between them the client's, which hold a part of the agent's words as misheard as they come."""
    chance, at_s, made = Random(seed), 1.0, list[SegmentText]()
    counts = {CLIENT: 0, AGENT: 0}

    def says(channel: int, start_s: float, words: list[str], timed: bool) -> None:
        if words:
            made.append(segment(channel, counts[channel], start_s, " ".join(words), timed=timed))
            counts[channel] += 1

    for _ in range(6):
        words = [chance.choice(SAID) for _ in range(chance.randint(2, 7))]
        says(AGENT, at_s, words, True)
        heard = [word if chance.random() < 0.8 else "hm" for word in words if chance.random() < 0.9]
        answer = [chance.choice(SAID)] if chance.random() < 0.4 else []
        says(CLIENT, at_s + ears.delay_s, heard + answer, chance.random() < 0.7)
        at_s += 0.4 * len(words) + chance.choice((0.3, 1.0, 2.5))
        says(CLIENT, at_s, [chance.choice(SAID) for _ in range(chance.randint(0, 3))], True)
        at_s += 2.0
    return made


@pytest.mark.parametrize("name", EARS)
def test_words_stand_where_they_stood(name: str) -> None:
    lines = []
    for seed in range(3):
        ears = replace(EARS[name], asked=[])
        segments = talk(ears, seed)
        found = tell_apart(segments, speech_of(*segments), ears)
        for one in found.segments:
            times = "untimed" if one.words is None else " ".join(f"{word.start_s:.2f}" for word in one.words)
            spoken = found.speech.get((one.channel, one.ordinal))
            spans = "unknown" if spoken is None else " ".join(f"{start:.2f}-{end:.2f}" for start, end in spoken)
            lines.append(
                f"{seed} {one.channel}/{one.ordinal} {one.start_s:.2f}-{one.end_s:.2f} {one.text!r} {one.flags} "
                f"at {times}, speech {spans}"
            )
        lines.append("heard again: " + " ".join(f"{start:.2f}-{end:.2f}" for start, end in sorted(set(ears.asked))))
    assert_pinned(f"{name.replace(' ', '_')}.txt", "\n".join(lines))
