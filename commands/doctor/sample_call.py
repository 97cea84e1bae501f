"""One short sample through the stages of a run, timed. Nothing is stored, downloaded or sent to a service."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from commands.doctor.finding import Finding, State
from commands.run.wiring import analysis_steps, vocabulary
from pipeline.children.worker import Worker
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, StageTimeout
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    ChannelAudio,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    SegmentText,
    SpeechSegment,
    StepState,
)
from pipeline.run.analyser import AnalyseAnswer, AnalyseTask, CallToAnalyse, build_analyser
from pipeline.run.context import PrepareTask
from pipeline.run.preparer import build_preparer
from pipeline.run.recogniser_child import SegmentTask
from pipeline.run.recogniser_process import RecogniserProcess
from pipeline.run.transcripts import Transcripts, build_recogniser_process
from pipeline.transcription.chunks import segment_text
from pipeline.transcription.engine import SegmentPlace


def time_sample_call(settings: Settings, engine: str, deadline: float) -> list[Finding]:
    """Seconds and × real time by stage; what is not finished by `deadline` (monotonic) is said to be so."""
    path = _sample(Path(settings.reporting.doctor.test_call))
    if path is None:
        detail = f"{settings.reporting.doctor.test_call}: no recording; set reporting.doctor.test_call"
        return [Finding(area="test call", name="sample", state=State.NOTE, detail=detail)]
    trial = _Trial(_harmless(settings, engine), deadline)
    with tempfile.TemporaryDirectory(prefix="earshot-doctor-") as spool:
        try:
            trial.run(path, Path(spool))
        except EarshotError as error:
            late = isinstance(error, StageTimeout)
            limit_s = settings.reporting.doctor.time_limit_s
            why = f"not finished within reporting.doctor.time_limit_s ({limit_s:g} s)" if late else str(error)
            state = State.WARNING if late else State.BROKEN
            trial.findings.append(Finding(area="test call", name=trial.stage, state=state, detail=why))
    return trial.findings


def _sample(place: Path) -> Path | None:
    if place.is_file():
        return place
    found = [path for path in place.glob("*") if path.suffix in {".wav", ".flac", ".ogg", ".mp3", ".m4a"}]
    return min(found, key=lambda path: path.stat().st_size, default=None)


def _harmless(settings: Settings, engine: str) -> Settings:
    """The same settings with one engine, no downloads, and no language model: those may cost money."""
    transcription = settings.transcription.model_copy(
        update={
            "engines": (engine,),
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


class _Trial:
    def __init__(self, settings: Settings, deadline: float) -> None:
        self._settings = settings
        self._deadline = deadline
        self.findings: list[Finding] = []
        self.stage = "prepare"

    def run(self, path: Path, spool: Path) -> None:
        found = _found(path)
        prepared = self._prepare(found, spool)
        segments, identity, recognised_s = self._recognise(found, prepared)
        maker = Transcripts(self._settings)
        fingerprint = maker.fingerprint(found, prepared, identity)
        call = CallForAnalysis(
            call_id="doctor",
            audio_sha256=prepared.audio_sha256,
            duration_s=prepared.duration_s,
            metadata=found.metadata,
            transcript=maker.assemble(prepared, fingerprint, identity, segments),
            audio=tuple(
                ChannelAudio(channel=c.channel, role=c.role, samples_path=c.samples_path, samples=c.samples)
                for c in prepared.channels
            ),
            flags=prepared.flags,
        )
        self._analyse(call, recognised_s)

    def _left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise StageTimeout("out of time")
        return left_s

    @contextmanager
    def _timed(self, stage: str) -> Iterator[list[float]]:
        """Yields a list; the block puts in how many seconds of recording the stage worked on."""
        self.stage = stage
        audio_s: list[float] = []
        began = time.perf_counter()
        yield audio_s
        wall_s = time.perf_counter() - began
        speed = audio_s[0] / wall_s if audio_s and audio_s[0] and wall_s else None
        detail = f"{wall_s:.2f} s" + (f" for {audio_s[0]:.0f} s of sound, {speed:.1f} × real time" if speed else "")
        figures = {"wall_s": round(wall_s, 3), "audio_s": audio_s[0] if audio_s else None, "times_real_time": speed}
        self.findings.append(Finding(area="test call", name=stage, state=State.OK, detail=detail, figures=figures))

    def _prepare(self, found: FoundCall, spool: Path) -> PreparedCall:
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
            limit_key="reporting.doctor.time_limit_s",
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

    def _recognise(self, found: FoundCall, prepared: PreparedCall) -> tuple[list[SegmentText], EngineIdentity, float]:
        left_s = self._left_s()
        process = RecogniserProcess(
            build_recogniser_process, (self._settings, vocabulary(self._settings)), left_s, left_s
        )
        segments = [s for c in prepared.channels if c.same_as_channel is None for s in c.segments]
        segments.sort(key=lambda segment: segment.start_s)
        chosen: dict[str, SpeechSegment] = {}
        speech_s = 0.0
        paths = {channel.channel: channel.samples_path for channel in prepared.channels}
        for segment in segments:
            if chosen and speech_s >= self._settings.reporting.doctor.test_call_speech_s:
                break
            chosen[f"{segment.channel}/{segment.ordinal}"] = segment
            speech_s += segment.end_s - segment.start_s
        try:
            with self._timed("load"):
                description, identity = process.start()
            self.findings[-1] = _named(self.findings[-1], f"{description.engine}, {description.model}")
            with self._timed("recognise") as audio_s:
                for key, segment in chosen.items():
                    place = SegmentPlace(
                        audio_sha256=prepared.audio_sha256,
                        file_name=found.file_name,
                        channel=segment.channel,
                        start_s=segment.start_s,
                    )
                    task = SegmentTask(
                        key=key,
                        samples_path=paths[segment.channel],
                        start_s=segment.start_s,
                        end_s=segment.end_s,
                        language=None,
                        place=place,
                    )
                    process.submit(task)
                texts: list[SegmentText] = []
                while process.outstanding:
                    self._left_s()
                    texts += [segment_text(chosen[r.key], r) for r in process.results(timeout_s=0.5)]
                audio_s.append(speech_s)
        finally:
            process.kill()
        return texts, identity, speech_s

    def _analyse(self, call: CallForAnalysis, recognised_s: float) -> None:
        worker = Worker(
            "analysis",
            build_analyser,
            (analysis_steps, (self._settings,)),
            start_timeout_s=self._left_s(),
            limit_key="reporting.doctor.time_limit_s",
        )
        try:
            with self._timed("analyse") as audio_s:
                task = AnalyseTask((CallToAnalyse(call=call, wanted=None, earlier={}),))
                answer: AnalyseAnswer = worker.call(task, self._left_s())
                audio_s.append(recognised_s)
        finally:
            worker.close()
        for result in answer.results[0]:
            if result.state is StepState.FAILED:
                detail = result.reason or "failed"
                self.findings.append(
                    Finding(area="test call", name=f"step {result.step}", state=State.WARNING, detail=detail)
                )


def _named(finding: Finding, what: str) -> Finding:
    return replace(finding, detail=f"{what}: {finding.detail}")


def _found(path: Path) -> FoundCall:
    stat = path.stat()
    return FoundCall(
        source_uri=path.resolve().as_uri(),
        file_name=path.name,
        size_bytes=stat.st_size,
        modified_at=datetime.fromtimestamp(stat.st_mtime, UTC),
        metadata=CallMetadata(),
    )
