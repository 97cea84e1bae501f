"""Rooms for live calls, with what a test need not have replaced by fakes of the real signatures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.materials.recordings import sample_speech
from commands.serving.live import live_hearing
from pipeline.config.areas.live import LiveSettings
from pipeline.config.root import Settings
from pipeline.live.events import Analysis, Turn, TurnMood
from pipeline.live.ports import CallStart, HandedOver, LiveHeader
from pipeline.live.recogniser import HearsTurns, TurnToHear
from pipeline.live.room import LiveRoom
from pipeline.live.sound import Encoding
from pipeline.live.tools import LiveTools
from pipeline.live.turns import TurnMaker
from pipeline.records import CallForAnalysis, CallMetadata, EngineIdentity, Role, TranscriptChunk
from pipeline.transcription.engine import SegmentResult

IDENTITY = EngineIdentity(engine="heard", model="none", revision=None, options_hash="0", rank=0, demonstration=False)
RATE_HZ = 16_000
TWO = (Role.CLIENT, Role.AGENT)


def speech(limit_s: float = 20.0) -> npt.NDArray[np.int16]:
    """Two tracks at 16 kHz, shape (samples, 2)."""
    return sample_speech(limit_s)


class SaysItsPlace:
    """`HearsTurns`: each turn's text is its place; answered in a thread, as the real ones are."""

    def __init__(self) -> None:
        self.identity: EngineIdentity | None = IDENTITY
        self.backlog_s = 0.0
        self.warmed = 0
        self.silent = False
        """While it is set nothing is answered."""
        self.waiting: list[TurnToHear] = []

    def warm(self) -> None:
        self.warmed += 1

    def hear(self, turn: TurnToHear) -> None:
        if self.silent:
            self.waiting.append(turn)
        else:
            threading.Thread(target=turn.answer, args=(result_of(turn),)).start()

    def answer_all(self) -> None:
        waiting, self.waiting = self.waiting, []
        for turn in waiting:
            turn.answer(result_of(turn))

    def forget_partials(self, prefix: str) -> None:
        self.waiting = [turn for turn in self.waiting if not turn.key.startswith(prefix)]

    def close(self) -> None:
        pass


def result_of(turn: TurnToHear) -> SegmentResult:
    (segment,) = turn.task.segments
    return SegmentResult(key=turn.key, text=f"heard from {segment.start_s:.1f} to {segment.end_s:.1f}", language="en")


class Content:
    """`Moods`: everybody is content."""

    def mood_of(self, chunks: Sequence[TranscriptChunk], metadata: CallMetadata) -> TurnMood:
        return TurnMood(label="positive", probabilities={"negative": 0.1, "neutral": 0.1, "positive": 0.8})


@dataclass
class Rows:
    """`LiveStore` in memory."""

    begun: dict[str, LiveHeader] = field(default_factory=dict)
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    handed: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    ended: dict[str, tuple[str, float | None, Analysis | None]] = field(default_factory=dict)

    def begin(self, header: LiveHeader) -> None:
        self.begun[header.session] = header

    def add_turn(self, session: str, turn: Turn) -> None:
        self.turns.setdefault(session, []).append(turn)

    def handed_over(self, session: str, source_uri: str | None, job: str | None) -> None:
        self.handed[session] = (source_uri, job)

    def end(self, session: str, reason: str, duration_s: float | None, analysis: Analysis | None) -> None:
        self.ended[session] = (reason, duration_s, analysis)


@dataclass
class TakesRecordings:
    """`HandOver` to a folder."""

    folder: Path
    fault: Exception | None = None
    taken: dict[str, Path] = field(default_factory=dict)

    def __call__(self, recording: Path, header: LiveHeader) -> HandedOver:
        if self.fault is not None:
            raise self.fault
        self.folder.mkdir(exist_ok=True)
        place = self.folder / recording.name
        place.write_bytes(recording.read_bytes())
        self.taken[header.session] = place
        return HandedOver(job=f"job of {header.session}", source_uri=place.as_uri())


def told(call: CallForAnalysis) -> Analysis:
    """`EndAnalysis`: counts turns."""
    return Analysis(topic="testing", summary=f"{len(call.transcript.chunks)} turns", moods={"client": "positive"})


@dataclass
class LiveBed:
    """A room and all that was put around it."""

    room: LiveRoom
    recogniser: HearsTurns
    rows: Rows
    recordings: TakesRecordings
    directory: Path
    closed: list[str] = field(default_factory=list)


def live_bed(
    folder: Path,
    recogniser: HearsTurns | None = None,
    *,
    analyse: Callable[[CallForAnalysis], Analysis] | None = told,
    fault: Exception | None = None,
    live: Mapping[str, object] | None = None,
) -> LiveBed:
    """A room below `folder`; `live`: settings."""
    chosen = LiveSettings.model_validate({"directory": folder / "live", **(live or {})})
    rows, recordings = Rows(), TakesRecordings(folder / "recordings", fault)
    hears = SaysItsPlace() if recogniser is None else recogniser
    closed: list[str] = []
    tools = LiveTools(
        hearing=live_hearing(Settings(live=chosen)),
        recogniser=hears,
        turns=TurnMaker(lambda text, _: text.strip(), Content()),
        analyse=analyse,
        hand_over=recordings,
        store=rows,
        warm=lambda: None,
        close=lambda: closed.append("tools"),
    )
    return LiveBed(LiveRoom(chosen, tools), hears, rows, recordings, folder / "live", closed)


def start_of(owner: str = "local", roles: tuple[Role, ...] = TWO) -> CallStart:
    return CallStart(sample_rate_hz=RATE_HZ, encoding=Encoding.PCM_S16LE, roles=roles, owner=owner)
