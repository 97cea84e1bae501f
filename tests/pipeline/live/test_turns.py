"""What is told of a turn, from what the recogniser made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.live.events import TurnMood
from pipeline.live.ports import Shown
from pipeline.live.track import Utterance
from pipeline.live.turns import TurnMaker, hearing_of
from pipeline.records import CallMetadata, Role, SpeechSegment, TranscriptChunk
from pipeline.transcription.engine import SegmentResult


class Moods:
    """Tells which turns it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def mood_of(self, chunks: Sequence[TranscriptChunk], metadata: CallMetadata) -> TurnMood:
        self.shown = [chunk.text for chunk in chunks]
        return TurnMood(label="calm")


def call_of(*roles: Role, folder: Path = Path("spool")) -> Any:
    start = SimpleNamespace(roles=roles, metadata=CallMetadata(language="en"))
    tracks = [SimpleNamespace(path=folder / f"track_{place}.f32") for place in range(len(roles))]
    header = SimpleNamespace(start=start, file_name="live.wav")
    return SimpleNamespace(session="s", header=header, tracks=tracks, chunks=[], told={})


def segment(ordinal: int, channel: int = 1, start_s: float | None = None) -> SpeechSegment:
    begin_s = float(ordinal) if start_s is None else start_s
    return SpeechSegment(channel=channel, ordinal=ordinal, start_s=begin_s, end_s=begin_s + 0.5, overlap_s=0.0)


def heard(text: str, **values: Any) -> SegmentResult:
    return SegmentResult(key="k", text=text, language="en", confidence=0.5, **values)


def maker(moods: Moods | None = None, shown: Shown | None = None) -> TurnMaker:
    return TurnMaker(lambda text, _: text.upper(), moods or Moods(), shown)


CALL = (Role.AGENT, Role.CLIENT)


def test_a_turn_is_told_by_the_rules_with_its_role_and_mood() -> None:
    call = call_of(*CALL)
    turn = maker().final(call, segment(3), heard("hello"))
    assert (turn.track, turn.ordinal, turn.role, turn.start_s, turn.end_s) == (1, 3, Role.CLIENT, 3.0, 3.5)
    assert (turn.text, turn.language, turn.confidence, turn.flags) == ("HELLO", "en", 0.5, ())
    assert turn.mood == TurnMood(label="calm")
    assert [(chunk.ordinal, chunk.text) for chunk in call.chunks] == [(3, "HELLO")]


def test_a_turn_without_words_is_told_empty_and_kept_only_if_it_says_why() -> None:
    call = call_of(*CALL)
    silent = maker().final(call, segment(0), heard(""))
    assert (silent.text, silent.flags, silent.mood, call.chunks) == ("", (), TurnMood(label=None), [])
    failed = maker().final(call, segment(1), heard("half", error="no answer"))
    assert (failed.text, failed.flags) == ("", ("recognition_failed",))
    assert [chunk.ordinal for chunk in call.chunks] == [1]


def test_a_mood_is_told_from_the_six_turns_before_by_their_time() -> None:
    call, moods = call_of(*CALL), Moods()
    for ordinal in (7, 0, 1, 2, 3, 4, 5, 6):
        maker(moods).final(call, segment(ordinal), heard(f"turn {ordinal}"))
    maker(moods).final(call, segment(8), heard("now"))
    assert moods.shown == [f"TURN {place}" for place in (2, 3, 4, 5, 6, 7)] + ["NOW"]


def test_what_may_not_be_shown_is_neither_told_nor_kept() -> None:
    call, moods = call_of(*CALL), Moods()
    masked = maker(moods, lambda chunk: replace(chunk, text=chunk.text.replace("4111", "#")))
    assert masked.final(call, segment(0), heard("card 4111")).text == "CARD #"
    assert call.chunks[0].text == "CARD #"
    assert moods.shown == ["CARD #"]
    partial = masked.partial(call, segment(1), heard("card 4111"))
    assert partial is not None
    assert partial.text == "CARD #"


@pytest.mark.parametrize(
    ("result", "told", "text"),
    [
        (heard("hello"), {}, "HELLO"),
        (heard("hello"), {1: 1}, "HELLO"),
        (heard("hello"), {1: 2}, None),
        (heard("hello"), {1: 3}, None),
        (heard("hello"), {0: 9}, "HELLO"),
        (heard(""), {}, None),
        (heard("", flags=("unsure",)), {}, None),
        (heard("hello", error="no answer"), {}, None),
    ],
)
def test_a_partial_turn_is_told_while_it_lasts(result: SegmentResult, told: dict[int, int], text: str | None) -> None:
    call = call_of(*CALL)
    call.told = told
    partial = maker().partial(call, segment(2), result)
    assert (partial and (partial.text, partial.role, partial.ordinal)) == (text and (text, Role.CLIENT, 2))
    assert call.chunks == []


def test_a_turn_is_given_to_the_recogniser_where_it_lies(tmp_path: Path) -> None:
    call = call_of(*CALL, folder=tmp_path)
    final = hearing_of(call, Utterance(segment(3), final=True), lambda _: None)
    partial = hearing_of(call, Utterance(segment(3), final=False), lambda _: None)
    (task,) = final.task.segments
    assert (task.key, partial.task.segments[0].key) == ("s/1/3", "s/1/3/3.50")
    assert (task.start_s, task.end_s, task.language, task.samples_path) == (3.0, 3.5, "en", tmp_path / "track_1.f32")
    assert task.place is not None
    assert (task.place.file_name, task.place.channel, task.place.start_s) == ("live.wav", 1, 3.0)
    assert (final.final, partial.final, final.length_s, final.task.call_id) == (True, False, 0.5, "s")
