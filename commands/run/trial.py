"""A piece of one recording through the stages of a run, timed. Nothing is stored, downloaded or sent to a service."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commands.run.wiring import analysis_steps, vocabulary
from pipeline.children.worker import Worker
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, ModelUnavailable, StageTimeout
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    ChannelAudio,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    SegmentText,
    SpeechSegment,
    StepResult,
    StepState,
)
from pipeline.run.processes.analyser import AnalyseAnswer, AnalyseTask, CallToAnalyse, build_analyser
from pipeline.run.processes.preparer import PrepareTask, build_preparer
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.run.stages.under_way import segment_key, window_task, windows_to_do
from pipeline.run.transcripts import Transcripts, build_recogniser_process
from pipeline.transcription.chunks import segment_text
from pipeline.transcription.engine import EngineDescription


def harmless(settings: Settings, engines: Sequence[str]) -> Settings:
    """The same settings with these engines, no downloads, and no language model: those may cost money."""
    transcription = settings.transcription.model_copy(
        update={
            "engines": tuple(engines),
            "allow_download": False,
            "mlx_qwen3": settings.transcription.mlx_qwen3.model_copy(update={"allow_download": False}),
        }
    )
    return settings.model_copy(
        update={
            "transcription": transcription,
            "diarisation": settings.diarisation.model_copy(update={"engine": "none"}),
            "input": settings.input.model_copy(update={"path": ".", "min_age_s": 0.0}),
            "llm": settings.llm.model_copy(update={"providers": ("extractive",)}),
            "topics": settings.topics.model_copy(update={"method": "auto"}),
            "summary": settings.summary.model_copy(update={"method": "auto"}),
        }
    )


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long one stage took. `audio_s`: seconds of sound it worked on, None for loading."""

    stage: str
    wall_s: float
    audio_s: float | None

    @property
    def times_real_time(self) -> float | None:
        return self.audio_s / self.wall_s if self.audio_s and self.wall_s else None


class Trial:
    """Used once, stage by stage: `prepare`, `recognise`, `analyse`. Each raises EarshotError, StageTimeout when late.

    Args:
        settings: made `harmless`.
        deadline: of `time.monotonic`.
        speech_s: seconds of speech that are recognised; a segment that has begun is finished.
    """

    def __init__(self, settings: Settings, deadline: float, speech_s: float) -> None:
        self._settings = settings
        self._deadline = deadline
        self._speech_s = speech_s
        self.times: list[StageTime] = []
        self.stage = "prepare"
        """The stage in progress, or the last one."""
        self.identity: EngineIdentity | None = None
        self.segments: list[SegmentText] = []
        """What was recognised."""

    def _left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise StageTimeout("out of time")
        return left_s

    @contextmanager
    def _timed(self, stage: str) -> Iterator[list[float]]:
        """Yields a list; the block appends how many seconds of sound the stage worked on."""
        self.stage = stage
        audio_s: list[float] = []
        began = time.perf_counter()
        yield audio_s
        self.times.append(StageTime(stage, time.perf_counter() - began, audio_s[0] if audio_s else None))

    def prepare(self, found: FoundCall, spool: Path) -> PreparedCall:
        worker = Worker(
            "decoder",
            build_preparer,
            (
                self._settings.input,
                self._settings.audio,
                self._settings.voice_activity,
                self._settings.diarisation,
            ),
            start_timeout_s=self._left_s(),
            limit_key="the trial's time limit",
        )
        try:
            with self._timed("prepare") as audio_s:
                answer = worker.call(PrepareTask(found, spool), self._left_s())
                if not isinstance(answer, PreparedCall):
                    raise EarshotError(f"{found.file_name}: {getattr(answer, 'message', answer)}")
                audio_s.append(answer.duration_s)
        finally:
            worker.close()
        return answer

    def recognise(self, found: FoundCall, prepared: PreparedCall) -> EngineIdentity:
        left_s = self._left_s()
        process = RecogniserProcess(
            build_recogniser_process, (self._settings, vocabulary(self._settings)), left_s, left_s
        )
        try:
            with self._timed("load"):
                description, self.identity = _started(process)
            with self._timed("recognise") as audio_s:
                windows = self._piece(prepared, description.window_s)
                chosen = {segment_key("", segment): segment for window in windows for segment in window}
                for window in windows:
                    process.submit(window_task("", found, prepared, window, description.longest_window_s))
                while process.outstanding:
                    self._left_s()
                    self.segments += [segment_text(chosen[r.key], r) for r in process.results(timeout_s=0.5)]
                audio_s.append(sum(segment.end_s - segment.start_s for segment in chosen.values()))
        finally:
            process.kill()
        return self.identity

    def _piece(self, prepared: PreparedCall, window_s: float | None) -> list[tuple[SpeechSegment, ...]]:
        chosen: list[tuple[SpeechSegment, ...]] = []
        speech_s = 0.0
        for window in sorted(windows_to_do(prepared, (), window_s), key=lambda window: window[0].start_s):
            if not chosen or speech_s < self._speech_s:
                chosen.append(window)
                speech_s += sum(segment.duration_s for segment in window)
        return chosen

    def analyse(self, found: FoundCall, prepared: PreparedCall, identity: EngineIdentity) -> list[StepResult]:
        """Steps that failed."""
        maker = Transcripts(self._settings)
        fingerprint = maker.fingerprint(found, prepared, identity)
        call = CallForAnalysis(
            call_id="trial",
            audio_sha256=prepared.audio_sha256,
            duration_s=prepared.duration_s,
            metadata=found.metadata,
            transcript=maker.assemble(prepared, fingerprint, identity, self.segments),
            audio=tuple(
                ChannelAudio(channel=c.channel, role=c.role, samples_path=c.samples_path, samples=c.samples)
                for c in prepared.channels
            ),
            flags=prepared.flags,
        )
        worker = Worker(
            "analysis",
            build_analyser,
            (analysis_steps, (self._settings,)),
            start_timeout_s=self._left_s(),
            limit_key="the trial's time limit",
        )
        try:
            with self._timed("analyse") as audio_s:
                task = AnalyseTask((CallToAnalyse(call=call, wanted=None, earlier={}),))
                answer: AnalyseAnswer = worker.call(task, self._left_s())
                audio_s.append(self.times[-1].audio_s or 0.0)
        finally:
            worker.close()
        return [result for result in answer.results[0] if result.state is StepState.FAILED]


def _started(process: RecogniserProcess) -> tuple[EngineDescription, EngineIdentity]:
    """Raises StageTimeout where the trial's time was over: a run gives its recogniser longer to load."""
    try:
        return process.start()
    except ModelUnavailable as error:
        if isinstance(error.__cause__, StageTimeout):
            raise StageTimeout("out of time") from error
        raise


def as_found(path: Path) -> FoundCall:
    """A file as a source would offer it."""
    stat = path.stat()
    return FoundCall(
        source_uri=path.resolve().as_uri(),
        file_name=path.name,
        size_bytes=stat.st_size,
        modified_at=datetime.fromtimestamp(stat.st_mtime, UTC),
        metadata=CallMetadata(),
    )


def smallest_recording(given: Path) -> Path | None:
    """The file itself, or the smallest recording of a folder."""
    if given.is_file():
        return given
    found = [path for path in given.glob("*") if path.suffix in {".wav", ".flac", ".ogg", ".mp3", ".m4a"}]
    return min(found, key=lambda path: path.stat().st_size, default=None)
