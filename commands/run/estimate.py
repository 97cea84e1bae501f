"""How much sound there is to transcribe and how long that takes, as a dry run estimates it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from commands.run.trial import Trial, as_found, harmless, smallest_recording
from db.queries.runs import RunSpeed
from pipeline.config.areas.speech.cloud import CLOUD_ENGINES, CloudOptions
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.config.root import Settings
from pipeline.errors import EarshotError
from pipeline.plurals import counted
from pipeline.records import AudioHeader, FoundCall, SkippedFile
from pipeline.sources.bucket import BucketSource
from pipeline.sources.probe import bytes_per_second, probe_many
from pipeline.sources.source import CallSource
from pipeline.transcription.engine import CLEAREST_S
from pipeline.transcription.engines.expected import expected_name

TRIAL_LIMIT_S = 60.0
_TRIAL_SPEECH_S = 10.0
_LONGEST_FOR_TRIAL_S = 1200.0
"""Decoding a longer recording takes the trial's minute by itself."""
_RUNS_TOLD = 5
_CHANNELS = 2
"""Of a recording whose header was not read."""
_BEGINNING_BYTES = 65_536
_BEGINNINGS = 24
"""Objects of a bucket that are looked into; the others' lengths follow from their sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What there is to transcribe."""

    audio_s: float | None
    """None where it is unknown."""
    ruled_out: Counter[str] = field(default_factory=Counter)
    """Recordings whose headers say that they will not be processed, by reason."""
    first: FoundCall | None = None
    """The first recording that a trial can use."""
    how: str = ""
    """How it was estimated; empty where every header was read."""
    lengths: tuple[tuple[float, int], ...] = ()
    """Seconds and channels of each recording; two channels where that is unknown."""


def sound_of(settings: Settings, source: CallSource, calls: Sequence[FoundCall]) -> Sound:
    """From the headers; in a bucket, where nothing is downloaded, from the first bytes of some and the sizes of all."""
    if isinstance(source, BucketSource):
        return _from_beginnings(source, calls)
    audio_s, first = 0.0, None
    lengths: list[tuple[float, int]] = []
    ruled_out: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="earshot-dry-run-") as spool:
        for call, answer in probe_many(
            calls,
            source,
            Path(spool),
            settings.input,
            workers=settings.run.io_workers,
            fetch_limit_s=settings.run.fetch_timeout_s,
        ):
            if isinstance(answer, AudioHeader):
                audio_s += answer.duration_s or 0.0
                lengths.append((answer.duration_s or 0.0, answer.channels))
                if first is None and (answer.duration_s or 0.0) <= _LONGEST_FOR_TRIAL_S:
                    first = call
            else:
                ruled_out[answer.reason if isinstance(answer, SkippedFile) else type(answer).__name__] += 1
    return Sound(audio_s=audio_s, ruled_out=ruled_out, first=first, lengths=tuple(lengths))


def _from_beginnings(source: BucketSource, calls: Sequence[FoundCall]) -> Sound:
    if not calls:
        return Sound(audio_s=0.0)
    calls = [max(call.files, key=lambda file: file.size_bytes) for call in calls]  # two files are heard at once
    rates: dict[str, list[float]] = {}
    chosen = _some_of_each_kind(calls)
    with tempfile.TemporaryDirectory(prefix="earshot-dry-run-") as folder:
        for call in chosen:
            suffix = _suffix(call)
            piece = Path(folder) / f"piece{suffix}"
            with suppress(EarshotError):
                piece.write_bytes(source.beginning(call, min(_BEGINNING_BYTES, call.size_bytes)))
                rate = bytes_per_second(piece, call.size_bytes)
                rates.setdefault(suffix, []).append(rate)
    if not rates:
        return Sound(audio_s=None, how=f"the first bytes of {counted(len(chosen), 'recording')} gave no length")
    typical = {suffix: statistics.median(found) for suffix, found in rates.items()}
    usual = statistics.median(typical.values())
    lengths = tuple((call.size_bytes / typical.get(_suffix(call), usual), _CHANNELS) for call in calls)
    audio_s = sum(length_s for length_s, _ in lengths)
    known = sum(len(found) for found in rates.values())
    return Sound(
        audio_s=audio_s,
        lengths=lengths,
        how=f"estimated by size, from the first {_BEGINNING_BYTES // 1024} kB of {counted(known, 'recording')}; "
        "nothing was downloaded",
    )


def _some_of_each_kind(calls: Sequence[FoundCall]) -> list[FoundCall]:
    """At most _BEGINNINGS, evenly over the calls of each suffix."""
    kinds: dict[str, list[FoundCall]] = {}
    for call in calls:
        kinds.setdefault(_suffix(call), []).append(call)
    each = max(1, _BEGINNINGS // len(kinds))
    return [call for found in kinds.values() for call in found[:: -(-len(found) // each)]][:_BEGINNINGS]


def _suffix(call: FoundCall) -> str:
    return PurePosixPath(call.file_name).suffix.lower()


def suiting(speeds: Sequence[RunSpeed], settings: TranscriptionSettings) -> list[RunSpeed]:
    """The last runs of the recogniser that will probably be used: a configured engine with its configured model, in
    runs that could not use any engine listed before it either. Newest first; all of one engine and model."""
    chosen = next((run for run in speeds if _would_serve(run, settings)), None)
    if chosen is None:
        return []
    return [run for run in speeds if (run.engine, run.model) == (chosen.engine, chosen.model)][:_RUNS_TOLD]


def _would_serve(run: RunSpeed, settings: TranscriptionSettings) -> bool:
    if run.engine not in settings.engines:
        return False
    try:
        if run.model != expected_name(settings, run.engine).model:
            return False
    except OSError:
        return False
    before = settings.engines[: settings.engines.index(run.engine)]
    return all(any(why.startswith(f"{name}:") for why in run.passed_over) for name in before)


def time_from(speeds: Sequence[RunSpeed], audio_s: float) -> str:
    """The sentence for the runs that `suiting` returns."""
    speed = sum(run.audio_s for run in speeds) / sum(run.wall_s for run in speeds)
    return (
        f"time: about {told(audio_s / speed)} at {speed:.1f} × real time, as in the last "
        f"{counted(len(speeds), 'run')} by {speeds[0].engine} ({speeds[0].model})"
    )


def price_of(settings: TranscriptionSettings, sound: Sound) -> list[str]:
    """Sentences about what a transcription service would charge; none where the first engine is on this machine."""
    engine = settings.engines[0]
    if not settings.sends_audio(engine) or not sound.lengths:
        return []
    price = settings.price(engine)
    billed_s = sum(price.billed_s(length_s, channels) for length_s, channels in sound.lengths)
    billed_s += price.billed_s(CLEAREST_S) * sum(
        _asks_for_the_language(settings, length_s) for length_s, _ in sound.lengths
    )
    told = [f"the audio of calls would leave this machine: {engine} is sent it"]
    if price.usd_per_minute is None:
        unknown = f"transcription: at most {billed_s / 60:.1f} minutes billed by {engine}, price unknown"
        return [*told, f"{unknown} (transcription.{engine}.usd_per_minute)"]
    cost = billed_s * price.usd_per_minute / 60
    told.append(
        f"transcription: at most about {cost:.2f} USD for {billed_s / 60:.1f} minutes billed by {engine} at "
        f"{price.usd_per_minute:g} USD a minute; silence is not sent"
    )
    if settings.max_cost_usd is not None and cost > settings.max_cost_usd:
        told.append(f"the run stops before it crosses transcription.max_cost_usd ({settings.max_cost_usd:g} USD)")
    return told


def _asks_for_the_language(settings: TranscriptionSettings, length_s: float) -> bool:
    """Whether a call of this length may cost a request by which its language is detected."""
    engine = settings.engines[0]
    if engine not in CLOUD_ENGINES or settings.language is not None or settings.language_per == "segment":
        return False
    options: CloudOptions = getattr(settings, engine)
    return length_s > options.window_s


def time_by_trial(settings: Settings, sound: Sound) -> list[str]:
    """Sentences of a trial of up to a minute, on a piece of the first recording. It downloads and stores nothing."""
    assert sound.audio_s is not None
    engines = settings.transcription.engines
    local = sound.first is not None and sound.first.source_uri.startswith("file://")
    if settings.transcription.sends_audio(engines[0]):
        return [f"time: not known; a trial sends nothing, and {engines[0]} would be sent the audio"]
    path = smallest_recording(Path(settings.reporting.doctor.test_call))
    found = sound.first if local and sound.first is not None else as_found(path) if path is not None else None
    if found is None:
        return ["time: not known; no run has finished yet, and no recording is available for a trial"]
    trial = Trial(
        harmless(settings, [name for name in engines if not settings.transcription.sends_audio(name)]),
        time.monotonic() + TRIAL_LIMIT_S,
        _TRIAL_SPEECH_S,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="earshot-dry-run-") as spool:
            prepared = trial.prepare(found, Path(spool))
            identity = trial.recognise(found, prepared)
    except EarshotError as error:
        return [f"time: not known; a trial on {found.file_name} failed at {trial.stage}: {error}"]
    _, load, recognise = trial.times
    if not recognise.audio_s:
        return [f"time: not known; the trial found no speech in {found.file_name}"]
    speech_s = sum(s.end_s - s.start_s for c in prepared.channels if c.same_as_channel is None for s in c.segments)
    wall_s = load.wall_s + sound.audio_s * (speech_s / prepared.duration_s) * recognise.wall_s / recognise.audio_s
    said = sum(len(segment.text.split()) for segment in trial.segments)
    return [
        f"time: about {told(wall_s)} for transcribing, by a trial: {identity.engine} ({identity.model}) took "
        f"{recognise.wall_s:.1f} s for {recognise.audio_s:.0f} s of speech in {found.file_name} and found "
        f"{counted(said, 'word')}; loading took {load.wall_s:.1f} s. A language model takes extra time",
        *(f"not used in the trial, which downloads nothing: {why}" for why in identity.passed_over),
    ]


def told(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 90:
        return counted(round(seconds), "second")
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
