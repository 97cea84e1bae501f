"""Calls for the tests of the language steps."""

from __future__ import annotations

from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    CustomerSegment,
    EngineIdentity,
    Role,
    Transcript,
    TranscriptChunk,
)

IDENTITY = EngineIdentity(engine="scripted", model="", revision=None, options_hash="", rank=0, demonstration=False)


def chunk(
    place: int, role: Role, text: str, *, start_s: float | None = None, end_s: float | None = None
) -> TranscriptChunk:
    start = place * 4.0 if start_s is None else start_s
    return TranscriptChunk(
        channel=1 if role == Role.AGENT else 0,
        ordinal=place,
        role=role,
        start_s=start,
        end_s=start + 3.0 if end_s is None else end_s,
        text=text,
        speech=((start, start + 3.0 if end_s is None else end_s),),
    )


def call(
    *said: tuple[str, str],
    language: str | None = "en",
    segment: CustomerSegment | None = CustomerSegment.B2C,
    name: str = "call-1",
) -> CallForAnalysis:
    """`call(("client", "hi"), ("agent", "hello"))`: chunks of three seconds, one every four."""
    chunks = tuple(chunk(place, Role(role), text) for place, (role, text) in enumerate(said))
    return CallForAnalysis(
        call_id=name,
        audio_sha256=name,
        duration_s=4.0 * len(chunks) + 1.0,
        metadata=CallMetadata(customer_segment=segment),
        transcript=Transcript(fingerprint=f"t-{name}", identity=IDENTITY, language=language, chunks=chunks),
        audio=(),
    )
