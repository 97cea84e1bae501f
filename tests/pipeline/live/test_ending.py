"""The end of a live call, whatever fails at it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import EarshotError, SourceUnreadable, TerminalError
from pipeline.live.ending import Endings
from pipeline.live.events import Analysis, Ended, EventLog, Notice
from pipeline.live.ports import HandedOver
from pipeline.live.refusals import EndReason
from pipeline.records import CallMetadata, Role, TranscriptChunk
from tests.analysis.calls import IDENTITY


class Kept:
    """Says what is done with the folders."""

    def __init__(self, left: list[tuple[Any, Path]] | None = None) -> None:
        self.done: list[tuple[str, str]] = []
        self._left = left or []

    def forget(self, session: str) -> None:
        self.done.append(("forget", session))

    def leave(self, session: str) -> None:
        self.done.append(("leave", session))

    def remove(self, session: str) -> None:
        self.done.append(("remove", session))

    def left_behind(self) -> list[tuple[Any, Path]]:
        return self._left


class Store:
    def __init__(self) -> None:
        self.ended: list[tuple[str, str, float | None]] = []
        self.handed: list[tuple[str, str | None, str | None]] = []

    def end(self, session: str, reason: str, duration_s: float | None, analysis: Analysis | None) -> None:
        self.ended.append((session, reason, duration_s))

    def handed_over(self, session: str, source_uri: str | None, job: str | None) -> None:
        self.handed.append((session, source_uri, job))


def call_of(*texts: str, frames: int = 100, in_time: bool = True) -> Any:
    chunks = [
        TranscriptChunk(
            channel=0, ordinal=place, role=Role.CLIENT, start_s=-float(place), end_s=1.0, text=text, language="fr"
        )
        for place, text in enumerate(texts)
    ]
    start = SimpleNamespace(roles=(Role.CLIENT,), metadata=CallMetadata())
    return SimpleNamespace(
        session="s", header=SimpleNamespace(start=start, session="s"), folder=Path("folder"), events=EventLog(),
        recording=SimpleNamespace(frames=frames, path=Path("s.wav")), reason=None, duration_s=2.5, audio=(),
        chunks=chunks, pending_answered=lambda limit_s: in_time, ended_at=None,
        done=SimpleNamespace(set=lambda: None),
    )  # fmt: skip


def tools(store: Store, hand_over: object = None, **values: Any) -> Any:
    def hands_over(path: Path, header: Any) -> HandedOver:
        if isinstance(hand_over, Exception):
            raise hand_over
        return HandedOver(job="7", source_uri="file:///s.wav")

    given = {"analyse": None, "recogniser": SimpleNamespace(identity=IDENTITY), **values}
    return SimpleNamespace(hand_over=hands_over, store=store, **given)


def ended(call: Any, made: Any, kept: Kept) -> list[object]:
    some: Any = kept
    Endings(some, made, lambda write: write()).end(call)
    assert call.ended_at is not None
    return [event for _, event in call.events.after(0)]


def test_a_call_is_handed_over_and_told_to_have_ended() -> None:
    store, kept, call = Store(), Kept(), call_of("hello")
    call.reason = EndReason.SILENCE
    events = ended(call, tools(store), kept)
    assert events == [Ended(reason=EndReason.SILENCE, duration_s=2.5, job="7")]
    assert (store.ended, store.handed) == ([("s", EndReason.SILENCE, 2.5)], [("s", "file:///s.wav", "7")])
    assert kept.done == [("forget", "s")]


@pytest.mark.parametrize(
    ("error", "told", "done"),
    [
        (TerminalError("broken"), "the recording cannot be used: broken", [("forget", "s")]),
        (SourceUnreadable("disk"), "the recording is kept, and processed as soon as that is possible", []),
    ],
)
def test_a_recording_that_is_not_taken_is_told(error: EarshotError, told: str, done: list[tuple[str, str]]) -> None:
    store, kept = Store(), Kept()
    events = ended(call_of("hello"), tools(store, error), kept)
    assert events == [Notice(text=told), Ended(reason=EndReason.STOPPED, duration_s=2.5, job=None)]
    assert (kept.done, store.handed, len(store.ended)) == (done, [], 1)


def test_a_call_without_any_sound_leaves_nothing() -> None:
    store, kept = Store(), Kept()
    events = ended(call_of(frames=0), tools(store), kept)
    assert events == [Ended(reason=EndReason.STOPPED, duration_s=2.5, job=None)]
    assert (kept.done, store.handed) == ([("forget", "s")], [])


@pytest.mark.parametrize(
    ("texts", "identity", "asked"),
    [(["b", "a"], True, True), (["b"], False, False), ([], True, False), ([""], True, False)],
)
def test_a_call_with_words_is_told_what_it_was_about(texts: list[str], identity: bool, asked: bool) -> None:
    shown: list[Any] = []

    def analyse(call: Any) -> Analysis:
        shown.append(call)
        return Analysis(missing={"summary": "no model"})

    recogniser = SimpleNamespace(identity=IDENTITY if identity else None)
    events = ended(call_of(*texts), tools(Store(), analyse=analyse, recogniser=recogniser), Kept())
    missing = {"summary": "no model"} if asked else {"topic": "no words", "summary": "no words"}
    assert events[0] == Analysis(missing=missing)
    assert [[chunk.text for chunk in one.transcript.chunks] for one in shown] == ([["a", "b"]] if asked else [])
    assert [(one.transcript.language, one.duration_s) for one in shown] == ([("fr", 2.5)] if asked else [])


def test_turns_that_come_too_late_are_told() -> None:
    events = ended(call_of("hello", in_time=False), tools(Store()), Kept())
    assert events[0] == Notice(text="the last turns were not recognised in time")


def test_a_call_ends_though_its_end_fails() -> None:
    def analyse(call: Any) -> Analysis:
        raise ValueError("a bug")

    store = Store()
    events = ended(call_of("hello"), tools(store, analyse=analyse), Kept())
    assert events == [Ended(reason=EndReason.STOPPED, duration_s=2.5, job="7")]
    assert store.ended == []


def test_calls_of_a_killed_server_are_handed_over_one_by_one() -> None:
    headers = [SimpleNamespace(session=name) for name in ("broken", "later", "good")]
    kept: Any = Kept([(header, Path(f"{header.session}.wav")) for header in headers])
    store = Store()
    errors = {"broken": TerminalError("no sound"), "later": SourceUnreadable("disk")}

    def hand_over(path: Path, header: Any) -> HandedOver:
        if header.session in errors:
            raise errors[header.session]
        return HandedOver(job="8", source_uri=None)

    made: Any = SimpleNamespace(hand_over=hand_over, store=store)
    assert Endings(kept, made, lambda write: write()).recover() == headers[2:]
    assert kept.done == [("remove", "broken"), ("leave", "later"), ("remove", "good")]
    assert store.handed == [("good", None, "8")]
    assert store.ended == [("good", EndReason.KILLED, None)]
