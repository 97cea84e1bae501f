"""Puts live calls together: recogniser, moods, analysis, rows and what follows them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from commands.permissions import check_writable
from commands.run.wiring import analysis_steps, vocabulary
from commands.serving.background import Task
from pipeline.children.worker import Worker
from pipeline.config.areas.speech.cloud import CLOUD_ENGINES
from pipeline.config.areas.speech.voice_activity import SileroSettings, VoiceActivitySettings
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, ModelUnavailable, described
from pipeline.live.events import Analysis, TurnMood
from pipeline.live.ports import HandOver, LiveStore
from pipeline.live.recogniser import SharedRecogniser
from pipeline.live.room import LiveRoom
from pipeline.live.tools import LiveTools
from pipeline.live.track import Hearing
from pipeline.live.turns import TurnMaker
from pipeline.ports import AnalysisStep
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    EngineIdentity,
    Role,
    StepResult,
    Transcript,
    TranscriptChunk,
)
from pipeline.run.processes.analyser import AnalyseAnswer, AnalyseTask, CallToAnalyse, build_analyser
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.run.transcripts import build_recogniser_process
from pipeline.threads import begun
from pipeline.transcription.text.rules import TextRules

if TYPE_CHECKING:
    from db.connection import Database
    from service.jobs.room import JobRoom

log = logging.getLogger("earshot.live")

_MOOD_LIMIT_S = 3.0
"""A turn is told without its mood where that takes longer."""
_LOADING_LIMIT_S = 300.0
_MOOD_LIMIT_KEY = "moods take too long; live calls no longer wait for them"
_ENGINE_AGAIN_S = 30.0
_RECOVER_EVERY_S = 300.0
_NOBODY = EngineIdentity(engine="live", model="", revision=None, options_hash="", rank=0, demonstration=False)


def live_room(settings: Settings, database: Database, jobs: JobRoom) -> LiveRoom | None:
    """The room of `run.py serve`; None where no live calls are to be taken, or none can be heard."""
    from db.ledger.live import PostgresLiveStore
    from service.live.hand_over import RecordingsToJobs

    if not settings.live.enabled:
        return None
    check_writable(settings.live.directory)
    hand_over = RecordingsToJobs(jobs, settings.input, settings.live.priority)
    try:
        return open_live_room(settings, PostgresLiveStore(database), hand_over)
    except ModelUnavailable as error:
        log.warning("live calls are not accepted: %s", error)
        return None


def live_tasks(room: LiveRoom | None) -> list[Task]:
    """Recordings of calls in whose midst a server was killed are handed over."""

    def look() -> None:
        assert room is not None
        for header in room.recover():
            log.warning(
                "live call %s of %s was cut off: its recording is handed over", header.session, header.started_at
            )

    return [] if room is None else [Task(name="take up live calls", beat=look, every_s=_RECOVER_EVERY_S)]


def open_live_room(settings: Settings, store: LiveStore, hand_over: HandOver) -> LiveRoom:
    """The room of a server; closed by its caller. Raises ModelUnavailable where speech cannot be found as it comes."""
    moods = WordMoods(Worker("live moods", build_analyser, (_text_step, (settings,)), limit_key=_MOOD_LIMIT_KEY))
    analysis = CallAnalysis(_analysing(settings), settings.run.analysis_timeout_s) if settings.live.analysis else None

    def close() -> None:
        moods.close()
        if analysis is not None:
            analysis.close()

    room = LiveRoom(
        settings.live,
        LiveTools(
            hearing=live_hearing(settings),
            recogniser=SharedRecogniser(
                partial(_recogniser, settings),
                settings.live.turns_at_once,
                settings.live.partials_at_once,
                _ENGINE_AGAIN_S,
            ),
            turns=TurnMaker(TextRules(settings.transcription.text_rules).shown, moods, _shown(settings)),
            analyse=analysis,
            hand_over=hand_over,
            store=store,
            warm=moods.warm,
            close=close,
        ),
    )
    if settings.live.preload:
        room.warm()
    return room


def live_hearing(settings: Settings) -> Hearing:
    """Speech is found window by window, as it comes. Raises ModelUnavailable."""
    from pipeline.audio.vad.silero import SileroDetector

    if "silero" not in settings.voice_activity.detectors:
        raise ModelUnavailable(
            "live calls find speech with silero, which voice_activity.detectors does not name; name it there, or set "
            "live.enabled: false"
        )
    # No window waits for those after it: none is left out for being quiet.
    at_once = {"idle_below_dbfs": -200.0, "idle_margin_ms": 0.0, "windows_per_run": 1}
    silero = SileroSettings.model_validate(settings.voice_activity.silero.model_dump() | at_once)
    # The silence that ends a turn is that of live calls; a turn that is cut goes on where it was cut.
    of_turns = {"silero": silero, "min_silence_ms": settings.live.end_silence_ms, "overlap_s": 0.0}
    voice_activity = VoiceActivitySettings.model_validate(settings.voice_activity.model_dump() | of_turns)
    return Hearing(
        detector=SileroDetector(silero), voice_activity=voice_activity, resample_quality=settings.audio.resampling
    )


def _recogniser(settings: Settings) -> RecogniserProcess:
    limit_s = settings.transcription.segment_time_limit_s
    return RecogniserProcess(
        build_recogniser_process,
        (settings, vocabulary(settings)),
        settings.run.recogniser_load_timeout_s,
        settings.run.segment_timeout_s,
        None if settings.transcription.engines[0] in CLOUD_ENGINES else limit_s,
    )


class WordMoods:
    """`Moods` by the step `text`, in a process of its own. A turn does not wait while that is being loaded."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._ready = threading.Event()

    def warm(self) -> None:
        """Load what moods need. Waits for it."""
        if self._ready.is_set():
            return
        chunk = TranscriptChunk(channel=0, ordinal=0, role=Role.CLIENT, start_s=0.0, end_s=1.0, text="good morning")
        try:
            self._results([chunk], CallMetadata(language="en"), _LOADING_LIMIT_S)
            self._ready.set()
        except EarshotError as error:
            log.warning("live calls: no moods yet: %s", described(error))

    def close(self) -> None:
        self._worker.close()

    def mood_of(self, chunks: Sequence[TranscriptChunk], metadata: CallMetadata) -> TurnMood:
        from analysis.records import CallSentiment

        if not self._ready.is_set():
            return TurnMood(label=None, reason="what moods need is still being loaded")
        try:
            (result,) = self._results(chunks, metadata, _MOOD_LIMIT_S)
        except EarshotError as error:
            self._ready.clear()  # its process has ended, and is started again
            begun("live moods again", self.warm)
            return TurnMood(label=None, reason=described(error))
        if not isinstance(result.payload, CallSentiment):
            return TurnMood(label=None, reason=result.reason)
        said = result.payload.chunks[-1]
        if said.sentiment is None:
            return TurnMood(label=None, reason=said.reason)
        shares = dict(zip(("negative", "neutral", "positive"), said.sentiment.shares, strict=True))
        return TurnMood(label=str(said.sentiment.label), probabilities=shares)

    def _results(
        self, chunks: Sequence[TranscriptChunk], metadata: CallMetadata, limit_s: float
    ) -> Sequence[StepResult]:
        transcript = Transcript(fingerprint="live", identity=_NOBODY, language=None, chunks=tuple(chunks))
        call = CallForAnalysis(
            call_id="live",
            audio_sha256="",
            duration_s=max(chunk.end_s for chunk in chunks),
            metadata=metadata,
            transcript=transcript,
            audio=(),
        )
        task = AnalyseTask((CallToAnalyse(call=call, wanted=None, earlier={}),))
        answer: AnalyseAnswer = self._worker.call(task, limit_s)
        return answer.results[0]


def _text_step(settings: Settings) -> Sequence[AnalysisStep]:
    """Runs in the spawned process."""
    from analysis.encoder.choice import open_encoder
    from analysis.sentiment.steps import TextSentimentStep
    from analysis.sentiment.text import build_text_engines

    sentiment = settings.sentiment
    return [TextSentimentStep(sentiment, build_text_engines(sentiment, open_encoder(settings.encoder)))]


def _analysing(settings: Settings) -> Worker:
    steps = (analysis_steps, (settings,))
    return Worker("live analysis", build_analyser, steps, one_core=True, limit_key="run.analysis_timeout_s")


class CallAnalysis:
    """`EndAnalysis` by the steps of an ordinary run, in a process of its own that starts with the first call's end."""

    def __init__(self, worker: Worker, limit_s: float) -> None:
        self._worker, self._limit_s = worker, limit_s

    def __call__(self, call: CallForAnalysis) -> Analysis:
        try:
            task = AnalyseTask((CallToAnalyse(call=call, wanted=None, earlier={}),))
            answer: AnalyseAnswer = self._worker.call(task, self._limit_s)
        except EarshotError as error:
            return Analysis(missing={"analysis": described(error)})
        return told_of(answer.results[0])

    def close(self) -> None:
        self._worker.close()


def told_of(results: Sequence[StepResult]) -> Analysis:
    """Topic, summary and moods of the steps' results; where one is missing, why."""
    from analysis.records import CallSentiment, Summary, Topic

    by_step = {result.step: result for result in results}
    topic, summary = (by_step[name].payload if name in by_step else None for name in ("topic", "summary"))
    mood = next(
        (p for name in ("fusion", "text") if name in by_step and isinstance(p := by_step[name].payload, CallSentiment)),
        None,
    )
    missing = {
        result.step: result.reason or "no value"
        for result in results
        if result.payload is None and result.step in ("topic", "summary", "text")
    }
    if isinstance(topic, Topic) and topic.subtopic_missing is not None:
        missing["subtopic"] = topic.subtopic_missing
    return Analysis(
        topic=topic.topic if isinstance(topic, Topic) else None,
        subtopic=topic.subtopic if isinstance(topic, Topic) else None,
        summary=summary.text if isinstance(summary, Summary) else None,
        moods={str(role.role): str(role.sentiment.label) for role in mood.roles if role.sentiment} if mood else {},
        missing=missing,
    )


def _shown(settings: Settings) -> partial[TranscriptChunk] | None:
    """With `redaction.redact_stored` personal data is taken out of every turn before it is told or stored."""
    if not settings.redaction.redact_stored:
        return None
    from analysis.redaction import redactor_of

    return partial(_redacted, redactor=redactor_of(settings))


def _redacted(chunk: TranscriptChunk, redactor: object) -> TranscriptChunk:
    from analysis.redaction.redactor import Redactor
    from analysis.redaction.stored import redact_transcript

    assert isinstance(redactor, Redactor)
    transcript = Transcript(fingerprint="live", identity=_NOBODY, language=chunk.language, chunks=(chunk,))
    return redact_transcript(transcript, redactor).chunks[0]
