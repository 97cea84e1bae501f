"""The baseline: what faster-whisper's own documentation does, and nothing of ours.

Each channel is decoded whole by the library, its own voice activity filter on, every other parameter at its default.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from commands.evaluate.comparison.kept import Effort, KeptTranscript, KeptTranscripts
from commands.evaluate.comparison.running import CallsWithTruth, SystemResult, Told, Transcribed
from pipeline.children.worker import Worker
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, ModelUnavailable, described
from pipeline.judging.scores import HeardCall
from pipeline.records import SAMPLE_RATE_HZ, CallStatus, EngineIdentity, FoundCall, Role, Transcript, TranscriptChunk
from pipeline.run.performance import PerformanceRecorder
from pipeline.sources.source import build_source
from pipeline.transcription.engines.expected import whisper_weights
from pipeline.transcription.fingerprint import digest
from pipeline.weights.content import MEMORY
from pipeline.weights.hub import Hub, WeightsFound

COMPUTE_TYPE = "int8"
THREADS = 1
_ENGINE = "faster_whisper alone"
_SAMPLE_EVERY_S = 0.5
_STEREO = 2


@dataclass(frozen=True, slots=True)
class _Recording:
    """A task of the process."""

    paths: tuple[Path, ...]
    """One, or one for each side."""
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    chunks: tuple[TranscriptChunk, ...]
    language: str | None
    duration_s: float
    flags: tuple[str, ...]
    recognised_processor_s: float
    decoded_processor_s: float
    wall_s: float


def run_plain(  # noqa: PLR0917
    settings: Settings,
    names: Iterable[str],
    kept: KeptTranscripts,
    machine: str,
    tell: Told,
    fresh: bool = False,
) -> SystemResult:
    """Transcribe the recordings of `input.path` that are among `names`.

    Raises ModelUnavailable (no weights, no faster-whisper), InputUnavailable.
    """
    speech = settings.transcription
    weights = Hub(allow_download=speech.allow_download, timeout_s=speech.hub_timeout_s).find(
        whisper_weights(speech.faster_whisper)
    )
    source = CallsWithTruth(build_source(settings.input), frozenset(names))
    recorder = PerformanceRecorder(_SAMPLE_EVERY_S)
    worker = Worker(
        _ENGINE,
        build_plain,
        (weights.folder,),
        settings.run.recogniser_load_timeout_s,
        limit_key="run.segment_timeout_s",
    )
    result = SystemResult()
    settings.run.spool_dir.mkdir(parents=True, exist_ok=True)
    recorder.start()
    try:
        with tempfile.TemporaryDirectory(prefix="compare-", dir=settings.run.spool_dir) as spool:
            for found in source.discover():
                plain = _Plain(worker, weights, kept, recorder, machine, settings)
                why = _transcribe(found, source, Path(spool), plain, result, fresh)
                tell(found, CallStatus.FAILED if why else CallStatus.DONE, why)
    finally:
        recorder.stop()
        worker.close()
    return result


def _transcribe(  # noqa: PLR0917
    found: FoundCall, source: CallsWithTruth, spool: Path, plain: _Plain, result: SystemResult, fresh: bool
) -> str:
    """Why it failed; empty where it did not."""
    name = source.name_of(found)
    try:
        with ExitStack() as fetched:
            paths = tuple(fetched.enter_context(source.fetch(file, spool)) for file in found.files)
            result.calls[name] = plain.transcribed(name, paths, found.metadata.language, fresh)
    except ModelUnavailable:
        raise
    except EarshotError as error:
        result.failures[name] = described(error)
    return result.failures.get(name, "")


@dataclass(frozen=True, slots=True)
class _Plain:
    """The loaded baseline, and where its transcripts are kept."""

    worker: Worker
    weights: WeightsFound
    kept: KeptTranscripts
    recorder: PerformanceRecorder
    machine: str
    settings: Settings

    def transcribed(self, name: str, paths: tuple[Path, ...], language: str | None, fresh: bool) -> Transcribed:
        """Raises EarshotError for a recording that cannot be decoded or takes too long."""
        language = language or self.settings.transcription.language
        hashes = [MEMORY.sha256(path) for path in paths]
        fingerprint = digest(
            {
                "plain": metadata.version("faster-whisper"),
                "audio": hashes[0] if len(hashes) == 1 else hashes,
                "model": [self.weights.model, self.weights.revision, COMPUTE_TYPE],
                "language": language,
            }
        )
        kept = None if fresh else self.kept.get(fingerprint)
        reused = kept is not None
        if kept is None:
            kept = self._made(fingerprint, paths, language)
            if not self.settings.redaction.redact_stored:
                self.kept.put(kept)
        transcript, effort = kept.transcript, kept.effort
        assert effort is not None
        heard = HeardCall.of(transcript, name=name, duration_s=effort.audio_s, flags=transcript.flags)
        return Transcribed(heard=heard, effort=effort, reused=reused)

    def _made(self, fingerprint: str, paths: tuple[Path, ...], language: str | None) -> KeptTranscript:
        run = self.settings.run
        size_bytes = sum(path.stat().st_size for path in paths)
        limit_s = run.segment_timeout_s + run.prepare_timeout_per_mb_s * 60 * size_bytes / 1e6
        answer: _Answer = self.worker.call(_Recording(paths, language), limit_s)
        identity = EngineIdentity(
            engine=_ENGINE,
            model=self.weights.model,
            revision=self.weights.revision,
            options_hash="",
            rank=0,
            demonstration=False,
        )
        effort = Effort(
            audio_s=answer.duration_s,
            processor_s=answer.recognised_processor_s,
            other_processor_s=answer.decoded_processor_s,
            wall_s=answer.wall_s,
            peak_memory_bytes=max((sample.memory_bytes for sample in self.recorder.samples), default=0),
            machine=self.machine,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        transcript = Transcript(
            fingerprint=fingerprint,
            identity=identity,
            language=answer.language,
            chunks=answer.chunks,
            flags=answer.flags,
        )
        return KeptTranscript(transcript=transcript, effort=effort)


def build_plain(folder: Path) -> Callable[[_Recording], _Answer]:
    """Runs in the spawned process."""
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type=COMPUTE_TYPE, cpu_threads=THREADS)
    return lambda recording: _heard(model, recording)


def _heard(model: Any, recording: _Recording) -> _Answer:
    import av

    began, decoding_s = time.perf_counter(), time.process_time()
    try:
        channels, flags = _decoded(recording.paths)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise EarshotError(f"{recording.paths[0].name}: faster-whisper cannot decode it ({error})") from error
    recognising_s = time.process_time()
    chunks: list[TranscriptChunk] = []
    languages: list[tuple[float, str]] = []
    for number, samples in enumerate(channels):
        segments, info = model.transcribe(samples, language=recording.language, vad_filter=True)
        for segment in segments:
            chunks.append(
                TranscriptChunk(
                    channel=number,
                    ordinal=sum(chunk.channel == number for chunk in chunks),
                    role=Role.UNKNOWN,
                    start_s=float(segment.start),
                    end_s=float(segment.end),
                    text=segment.text.strip(),
                    language=info.language,
                )
            )
        languages.append((info.duration_after_vad, info.language))
    return _Answer(
        chunks=tuple(sorted(chunks, key=lambda chunk: (chunk.start_s, chunk.end_s, chunk.channel))),
        language=max(languages, default=(0.0, None))[1],
        duration_s=max((samples.size for samples in channels), default=0) / SAMPLE_RATE_HZ,
        flags=flags,
        recognised_processor_s=time.process_time() - recognising_s,
        decoded_processor_s=recognising_s - decoding_s,
        wall_s=time.perf_counter() - began,
    )


def _decoded(paths: tuple[Path, ...]) -> tuple[list[Any], tuple[str, ...]]:
    """The channels the library gives, 16 kHz; a copied channel only once."""
    import av
    import numpy as np
    from faster_whisper import decode_audio

    if len(paths) > 1:
        return [decode_audio(str(path)) for path in paths], ()
    (path,) = paths
    with av.open(str(path)) as container:
        channels = container.streams.audio[0].channels if container.streams.audio else 0
    if channels < _STEREO:
        return [decode_audio(str(path))], ("mono",)
    left, right = decode_audio(str(path), split_stereo=True)
    return ([left], ("dual_mono",)) if np.array_equal(left, right) else ([left, right], ())
