"""Lines and subtitles of drawn segments, whose words often just fit: compared with what is kept beside this test."""

from __future__ import annotations

import random

from db.export.lines import cues_of, lines_of, shown, tokens_of
from pipeline.records import Word
from tests.db.export.test_as_before import segment
from tests.pinned import assert_pinned

LABELS = ("", "", "A: ", "client: ")


def test_lines_and_subtitles_of_drawn_segments_are_as_before() -> None:
    drawn = random.Random(11)
    lines = []
    for number in range(80):
        texts = ["abcdefghijkl"[: drawn.choice((1, 2, 2, 3, 4, 5, 9, 12))] for _ in range(drawn.randrange(1, 9))]
        length_s = 0.5 * len(texts)
        words = None
        if drawn.random() < 0.5:
            words = tuple(
                Word(text=text, start_s=index / 2, end_s=(index + drawn.choice((-1, 1))) / 2, confidence=index / 8)
                for index, text in enumerate(texts)
            )
        spoken = segment(0, 0, 0.0, length_s, " ".join(texts), words=words)
        width, max_lines, longest_s = (
            drawn.choice((4, 6, 8, 11)),
            drawn.choice((1, 2, 3)),
            drawn.choice((0.5, 1.5, 9.0)),
        )
        label = drawn.choice(LABELS)
        lines.append(f"{number}: {texts} in {width} by {max_lines} within {longest_s} s, label {label!r}")
        tokens = tokens_of(spoken, width)
        lines.append(f"    all: {shown(lines_of(tokens, width, label), width, label)}")
        for cue in cues_of(spoken, width=width, max_lines=max_lines, longest_s=longest_s, label=label):
            times = ", ".join(f"{line.start_s:.2f} to {line.end_s:.2f}" for line in cue)
            told = [token.confidence for line in cue for token in line.tokens if not token.estimated]
            lines.append(f"    {shown(cue, width, label)} {times}, told with {told}")
    assert_pinned("lines.txt", "\n".join(lines))
