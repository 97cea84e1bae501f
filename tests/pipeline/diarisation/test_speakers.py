"""Who the two speakers of one channel are, from a transcript."""

from __future__ import annotations

import pytest

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.speakers import guess_of
from pipeline.records import Role, TranscriptChunk

LINES = ((1, "Hallo?"), (0, "Was kann ich für Sie tun?"), (1, "Ich hätte gern eine neue Karte."))


@pytest.mark.parametrize(("language", "sure"), [("de", True), (None, True), ("en", False)])
def test_lines_are_read_in_their_language(language: str | None, sure: bool) -> None:
    chunks = [
        TranscriptChunk(
            channel=speaker, ordinal=number, role=Role.UNKNOWN, start_s=2.0 * number, end_s=2.0 * number + 1, text=text,
            language=language,
        )
        for number, (speaker, text) in enumerate(LINES)
    ]  # fmt: skip
    guess = guess_of(chunks, DiarisationSettings(), None)
    assert (guess.roles == (Role.AGENT, Role.CLIENT) and guess.confidence > 0.8) is sure
