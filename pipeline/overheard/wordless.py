"""Speech without words that is only the other channel's: the recogniser wrote nothing for the echo."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.overheard.said import Said
from pipeline.overheard.shared_words import MIN_LIKENESS, REACH_S, SAME_LEVEL_DB, Hear, Owner, whose
from pipeline.overheard.spans import less
from pipeline.records import SpeechSpan

_LEAST_S = 1.0
"""A shorter stretch is a pause between words, or too short to tell whose it is."""
_WORD_MARGIN_S = 0.15
"""What recognisers leave out at the edges of a word."""


def wordless_copies(
    words: Sequence[Said], speech: Sequence[SpeechSpan], others: Sequence[Said], hear: Hear
) -> list[SpeechSpan]:
    """Where a segment's speech is the other channel's alone.

    Args:
        words: of the segment that are its own.
        speech: of the segment.
        others: the other channel's words.
    """
    own = [(word.start_s - _WORD_MARGIN_S, word.end_s + _WORD_MARGIN_S) for word in words]
    stretches = [(start_s, end_s) for start_s, end_s in less(speech, own) if end_s - start_s >= _LEAST_S]
    said = [(word.start_s, word.end_s + REACH_S) for word in others] if stretches else []
    return [stretch for stretch in stretches if not less([stretch], said) and _is_copy(stretch, hear)]


def _is_copy(stretch: SpeechSpan, hear: Hear) -> bool:
    copy = hear(*stretch)
    return (
        copy is not None
        and copy.likeness >= MIN_LIKENESS
        and copy.louder_db is not None
        and copy.louder_db >= SAME_LEVEL_DB
        and whose(copy, stretch[1] - stretch[0]) is Owner.OTHER
    )
