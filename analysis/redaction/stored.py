"""Personal data out of a transcript before it is stored (`redaction.redact_stored`)."""

from __future__ import annotations

from dataclasses import replace

from analysis.calls import in_order
from analysis.redaction.redactor import Redactor
from pipeline.records import Transcript


def redact_transcript(transcript: Transcript, redactor: Redactor) -> Transcript:
    """The same chunks without personal data, numbers dictated over several chunks included; not to be undone.

    A chunk that changes loses its words (their texts and times would give the data away) and gets the flag `redacted`.
    """
    chunks = in_order(transcript.chunks)
    texts, _ = redactor.redact_lines([chunk.text for chunk in chunks])
    changed = {
        (chunk.channel, chunk.ordinal): replace(
            chunk, text=text, words=None, flags=tuple(sorted({*chunk.flags, "redacted"}))
        )
        for chunk, text in zip(chunks, texts, strict=True)
        if text != chunk.text and "[" in text
    }
    kept = tuple(changed.get((chunk.channel, chunk.ordinal), chunk) for chunk in transcript.chunks)
    return replace(transcript, chunks=kept)
