"""Drawn turns of speakers over drawn segments, many boundaries exactly at a limit: cut and counted as they were."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.diarisation.error_rate import DiarisationErrors, diarisation_errors
from pipeline.diarisation.recut import by_speaker, speaker_changes, tidy
from pipeline.records import SpeechSegment
from tests.pinned import assert_pinned

SETTINGS = DiarisationSettings(min_turn_ms=250, min_piece_ms=500)


def drawn_turns(draw: random.Random, speakers: int = 3) -> list[SpeakerTurn]:
    """Some of them overlap, some are too short."""
    turns: list[SpeakerTurn] = []
    end_s = 0.0
    for _ in range(draw.randrange(7)):
        start_s = end_s + draw.choice((-0.25, 0.0, 0.25, 0.5, 1.0))
        end_s = start_s + draw.choice((0.125, 0.25, 0.5, 1.0, 2.0))
        turns.append(SpeakerTurn(start_s, end_s, draw.randrange(speakers)))
    return turns


def drawn_segments(draw: random.Random) -> list[SpeechSegment]:
    segments: list[SpeechSegment] = []
    end_s = 0.0
    for ordinal in range(draw.randrange(1, 5)):
        overlap_s = draw.choice((0.0, 0.0, 0.5)) if ordinal else 0.0
        start_s = end_s - overlap_s + (0.0 if overlap_s else draw.choice((0.0, 0.25, 0.5)))
        end_s = start_s + draw.choice((0.5, 1.0, 1.5, 3.0))
        middle_s = (start_s + end_s) / 2
        speech = draw.choice((None, ((start_s, middle_s - 0.125), (middle_s, end_s)), ((start_s, end_s),)))
        segments.append(
            SpeechSegment(channel=0, ordinal=ordinal, start_s=start_s, end_s=end_s, overlap_s=overlap_s, speech=speech)
        )
    return segments


def spans(turns: Iterable[SpeakerTurn]) -> str:
    return " ".join(f"{turn.speaker}:{turn.start_s:g}-{turn.end_s:g}" for turn in turns) or "nobody"


def lines_of_pieces() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(120):
        turns, segments = drawn_turns(draw), drawn_segments(draw)
        tidied = tidy(turns, 0.25)
        yield f"{spans(turns)}: {spans(tidied)}; changes {[(f'{at:g}', who) for at, who in speaker_changes(tidied)]}"
        yield "  " + " ".join(f"{part.start_s:g}-{part.end_s:g}({part.overlap_s:g})" for part in segments)
        for pieces in by_speaker(segments, turns, SETTINGS):
            yield "  " + " ".join(
                f"{part.channel}.{part.ordinal}:{part.start_s:g}-{part.end_s:g}({part.overlap_s:g})"
                f"{'' if part.speech is None else [f'{first:g}-{last:g}' for first, last in part.speech]}"
                for part in pieces
            )


def lines_of_errors() -> Iterable[str]:
    draw = random.Random(2)
    total = DiarisationErrors()
    for _ in range(60):
        marked, heard = drawn_turns(draw), drawn_turns(draw, 2)
        span_s = draw.choice(((0.0, 4.0), (0.5, 6.0), (0.0, 12.0)))
        yield f"{spans(marked)} as {spans(heard)} in {span_s}"
        for how in ({}, {"collar_s": 0.0}, {"collar_s": 0.5, "skip_overlap": True}):
            found = diarisation_errors(marked, heard, span_s, **how)  # type: ignore[arg-type]
            rate = "no rate" if found.rate is None else f"{found.rate:.4f}"
            yield (
                f"  {how}: missed {found.missed_s:.3f} false {found.false_alarm_s:.3f} confused "
                f"{found.confusion_s:.3f} of {found.speech_s:.3f}, {rate}"
            )
            total += found
    yield f"in all {total.missed_s:.3f} {total.false_alarm_s:.3f} {total.confusion_s:.3f} {total.speech_s:.3f}"


@pytest.mark.parametrize("lines", [lines_of_pieces, lines_of_errors])
def test_turns(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(lines()))
