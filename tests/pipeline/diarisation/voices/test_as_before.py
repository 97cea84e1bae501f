"""What is heard in voices made up for the purpose, as it was."""

from __future__ import annotations

import numpy as np

from pipeline.diarisation.voices.two_voices import divide, evidence, places, speakers
from pipeline.diarisation.voices.windows import Loudness, centres
from pipeline.records import SpeechSegment
from tests.pinned import assert_pinned
from tests.pipeline.diarisation.voices.test_two_voices import ALTERNATING, talk

CALLS = {
    "clear": (ALTERNATING, 0.4),
    "blurred": (ALTERNATING, 1.1),
    "hardly told apart": (ALTERNATING, 1.8),
    "one voice": ([(0, 30), (0, 25)], 0.8),
    "a word in between": ([(0, 20), (1, 1), (0, 20), (1, 6)], 0.9),
    "two turns": ([(0, 6), (1, 6)], 0.7),
}


def test_voices_are_told_apart_as_before() -> None:
    lines = []
    for name, (turns, spread) in CALLS.items():
        windows, _ = talk(turns, spread, seed=5)
        voices = divide(windows.vectors)
        assert voices is not None
        found, on_line = evidence(windows, voices), places(windows.vectors, voices)
        labels = "".join(map(str, speakers(windows, voices).tolist()))
        lines += [
            f"{name}: {found.separation:.1f} {found.persistence:.2f} {found.total:.1f}",
            # Which window of one voice falls to which half is chance: it may differ from one processor to another.
            f"  {'-' if name == 'one voice' else labels.translate({48: '1', 49: '0'}) if labels[0] == '1' else labels}",
            f"  {np.abs(on_line).mean():.2f} {np.abs(on_line).max():.2f}",
        ]
    assert_pinned("voices.txt", "\n".join(lines))


def test_windows_lie_as_before() -> None:
    spans = [(0.0, 0.2, 0.0), (1.0, 3.7, 0.0), (3.5, 9.0, 0.2), (10.0, 10.0, 0.0)]
    segments = [
        SpeechSegment(channel=0, ordinal=place, start_s=start_s, end_s=end_s, overlap_s=overlap_s)
        for place, (start_s, end_s, overlap_s) in enumerate(spans)
    ]
    moments, owners = centres(segments)
    power = np.abs(np.sin(np.arange(300) * 0.031)).astype(np.float32) + 0.01
    quiet = [Loudness(5.0, power).quietest_s(from_s, to_s) for from_s, to_s in ((5.0, 8.0), (5.2, 5.9), (7.5, 12.0))]
    text = [
        " ".join(f"{owner}:{moment:.3f}" for moment, owner in zip(moments, owners, strict=True)),
        " ".join(f"{moment:.3f}" for moment in quiet),
    ]
    assert_pinned("windows.txt", "\n".join(text))
