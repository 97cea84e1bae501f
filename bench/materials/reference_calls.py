"""Transcripts as the steps read them: Harper Valley calls, our samples, and calls as Whisper base heard them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    CustomerSegment,
    Direction,
    EngineIdentity,
    Role,
    Transcript,
    Word,
)
from pipeline.records import TranscriptChunk as Chunk

ROLES = {"agent": Role.AGENT, "caller": Role.CLIENT, "client": Role.CLIENT}
SECONDS_PER_WORD = 0.4
_LABELS = Path(__file__).resolve().parents[1] / "labels"
LISTENED = _LABELS / "listened.yaml"
HEARD_WORDS = _LABELS / "heard_words.jsonl"
SAMPLES_TRUTH = Path(__file__).resolve().parents[2] / "samples" / "truth"


def call_of(
    name: str, turns: Sequence[Mapping[str, Any]], language: str | None = "en", segment: CustomerSegment | None = None
) -> CallForAnalysis:
    """A call from turns with `channel`, `role`, `start`, `end`, `text`."""
    ordinals: dict[int, int] = {}
    chunks = []
    for turn in turns:
        channel = int(turn["channel"])
        ordinal = ordinals.get(channel, 0)
        ordinals[channel] = ordinal + 1
        chunks.append(
            Chunk(
                channel=channel,
                ordinal=ordinal,
                role=ROLES.get(str(turn["role"]), Role.UNKNOWN),
                start_s=float(turn["start"]),
                end_s=float(turn["end"]),
                text=str(turn["text"]),
            )
        )
    identity = EngineIdentity(engine="human", model="", revision=None, options_hash="", rank=0, demonstration=False)
    transcript = Transcript(fingerprint=name, identity=identity, language=language, chunks=tuple(chunks))
    return CallForAnalysis(
        call_id=name,
        audio_sha256=name,
        duration_s=max((chunk.end_s for chunk in chunks), default=0.0) + 1.0,
        metadata=CallMetadata(customer_segment=segment),
        transcript=transcript,
        audio=(),
    )


def dialogue_of(
    name: str,
    turns: Iterable[tuple[str, str]],
    *,
    every_s: float = 5.0,
    language: str = "en",
    segment: CustomerSegment | None = None,
    in_turn: bool = False,
) -> CallForAnalysis:
    """A call from roles and words: a turn begins every so many seconds and ends a second before the next.

    The client has the first channel, everybody else the second; with `in_turn` they have them in turn.
    """
    laid = [
        {
            "channel": index % 2 if in_turn else int(role != "client"),
            "role": role,
            "start": every_s * index,
            "end": every_s * index + every_s - 1.0,
            "text": text,
        }
        for index, (role, text) in enumerate(turns)
    ]
    return call_of(name, laid, language, segment)


def spoken_at_pace(
    name: str,
    turns: Iterable[Sequence[Any]],
    *,
    pause_s: float = 0.0,
    language: str = "en",
    segment: CustomerSegment | None = None,
) -> CallForAnalysis:
    """A call from (role, words) or (role, words, seconds of pause before), at 150 words a minute."""
    laid: list[Mapping[str, Any]] = []
    clock_s = 0.0
    for role, text, *pause in turns:
        start_s = clock_s + (float(pause[0]) if pause else pause_s)
        clock_s = start_s + SECONDS_PER_WORD * len(str(text).split())
        laid.append({"channel": int(role == "agent"), "role": role, "start": start_s, "end": clock_s, "text": text})
    return call_of(name, laid, language, segment)


def harper_valley(data: Path) -> list[tuple[CallForAnalysis, Mapping[str, Any]]]:
    """The human transcripts, each with its task."""
    calls = []
    for path in sorted((data / "calls" / "harper_valley").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        calls.append((call_of(path.stem, document["turns"]), document["tasks"][0]))
    return calls


def samples() -> list[tuple[CallForAnalysis, Mapping[str, Any]]]:
    """The true text of our own sample calls, each with its labels."""
    calls = []
    for path in sorted(SAMPLES_TRUTH.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        turns = [{**turn, "start": turn["start_s"], "end": turn["end_s"]} for turn in document["turns"]]
        segment = next((value for value in CustomerSegment if f"_{value}_" in path.name), None)
        call = call_of(path.stem, turns, document.get("language"), segment)
        direction = next((value for value in Direction if f"_{value}_" in path.name), None)
        calls.append((replace(call, metadata=replace(call.metadata, direction=direction)), document["labels"]))
    return calls


def name_of(call: Mapping[str, Any]) -> str:
    """Of a spoken call's recording."""
    return f"listened-{call['number']:02d}"


def heard_calls() -> dict[str, CallForAnalysis]:
    """By name; without metadata, each chunk with its words where the recogniser timed them."""
    found = {}
    for line in HEARD_WORDS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        turns = [{**chunk, "start": chunk["start_s"], "end": chunk["end_s"]} for chunk in row["chunks"]]
        call = call_of(row["name"], turns)
        chunks = [
            replace(chunk, words=_timed(said["words"]))
            for chunk, said in zip(call.transcript.chunks, row["chunks"], strict=True)
        ]
        found[row["name"]] = replace(call, transcript=replace(call.transcript, chunks=tuple(chunks)))
    return found


def _timed(said: Sequence[tuple[str, float, float]]) -> tuple[Word, ...] | None:
    return tuple(Word(text=text, start_s=start_s, end_s=end_s) for text, start_s, end_s in said) or None


def heard(name: str, segment: CustomerSegment | None) -> CallForAnalysis:
    call = heard_calls()[name]
    return replace(call, metadata=replace(call.metadata, customer_segment=segment))


def heard_samples() -> list[tuple[CallForAnalysis, Mapping[str, Any]]]:
    """The samples as they were heard, each with its labels."""
    words = heard_calls()
    return [(replace(call, transcript=words[call.call_id].transcript), labels) for call, labels in samples()]
