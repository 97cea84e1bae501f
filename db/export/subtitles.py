"""Transcripts for people: TXT, SubRip (.srt) and WebVTT (.vtt, W3C), with the speaker's name."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import NamedTuple

from db.export.document import Document, Segment
from db.export.lines import Line, cues_of, shown
from pipeline.config.areas.output import TranscriptFileSettings
from pipeline.records import Role
from pipeline.roles import ROLE_NAMES


class Cue(NamedTuple):
    """One subtitle; times in whole milliseconds, the end after the start."""

    start_ms: int
    end_ms: int
    speaker: str
    lines: tuple[str, ...]


def speaker(segment: Segment) -> str:
    return f"Speaker {segment.channel + 1}" if segment.role is Role.UNKNOWN else ROLE_NAMES[segment.role]


def txt(document: Document, _settings: TranscriptFileSettings) -> str:
    """A line per segment: `[00:01:02.500] Agent: …`."""
    lines = [
        f"[{clock(round(segment.start_s * 1000), '.')}] {speaker(segment)}: {' '.join(segment.text.split())}"
        for segment in document.segments
        if segment.text.strip()
    ]
    return "".join(f"{line}\n" for line in lines)


def srt(document: Document, settings: TranscriptFileSettings) -> str:
    blocks = []
    for number, cue in enumerate(_cues(document, settings, labelled=True), start=1):
        text = "\n".join(cue.lines).replace("-->", "->")
        blocks.append(f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{text}\n")
    return "\n".join(blocks)


def vtt(document: Document, settings: TranscriptFileSettings) -> str:
    blocks = ["WEBVTT\n"]
    for cue in _cues(document, settings, labelled=False):
        text = html.escape("\n".join(cue.lines), quote=False)
        blocks.append(f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n<v {cue.speaker}>{text}</v>\n")
    return "\n".join(blocks)


def clock(milliseconds: int, mark: str) -> str:
    """`HH:MM:SS,mmm`; hours go on beyond 99."""
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{fraction:03d}"


def _cues(document: Document, settings: TranscriptFileSettings, *, labelled: bool) -> Iterator[Cue]:
    """In time order over both sides, as both formats ask for; subtitles of overtalk overlap.

    `labelled`: the speaker's name stands in front, and takes room.
    """
    width, longest_s = settings.max_line_chars, settings.max_cue_s
    cues: list[Cue] = []
    for segment in document.segments:
        label = f"{speaker(segment)}: " if labelled else ""
        broken = cues_of(segment, width=width, max_lines=settings.max_lines, longest_s=longest_s, label=label)
        cues.extend(_cue(segment, lines, longest_s, shown(lines, width, label)) for lines in broken)
    yield from sorted(cues)


def _cue(segment: Segment, lines: list[Line], longest_s: float, texts: tuple[str, ...]) -> Cue:
    start_ms = round(max(0.0, lines[0].start_s) * 1000)
    end_ms = min(round(lines[-1].end_s * 1000), start_ms + round(longest_s * 1000))
    return Cue(start_ms, max(end_ms, start_ms + 1), speaker(segment), texts)
