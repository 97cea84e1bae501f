"""Small calls for the sentiment tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    ChannelAudio,
    EngineIdentity,
    Role,
    Transcript,
    TranscriptChunk,
)

MakeCall = Callable[..., CallForAnalysis]


@pytest.fixture
def make_call() -> MakeCall:
    """(role, start_s, end_s, text[, language]) per chunk; agent on channel 1, everybody else on 0."""

    def make(
        lines: Sequence[tuple[Role, float, float, str]],
        *,
        language: str | None = "en",
        metadata_language: str | None = None,
        audio: tuple[ChannelAudio, ...] = (),
        duration_s: float = 40.0,
        call_id: str = "c1",
    ) -> CallForAnalysis:
        counts: dict[int, int] = {}
        chunks = []
        for role, start_s, end_s, text in lines:
            channel = 1 if role is Role.AGENT else 0
            chunks.append(
                TranscriptChunk(
                    channel=channel,
                    ordinal=counts.setdefault(channel, 0),
                    role=role,
                    start_s=start_s,
                    end_s=end_s,
                    text=text,
                    language=None,
                )
            )
            counts[channel] += 1
        identity = EngineIdentity(
            engine="scripted", model="m", revision=None, options_hash="h", rank=0, demonstration=False
        )
        return CallForAnalysis(
            call_id=call_id,
            audio_sha256="a" * 64,
            duration_s=duration_s,
            metadata=CallMetadata(language=metadata_language),
            transcript=Transcript(fingerprint="t1", identity=identity, language=language, chunks=tuple(chunks)),
            audio=audio,
        )

    return make
