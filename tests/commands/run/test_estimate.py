"""What a dry run says of time and length, and from what it knows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from bench.materials.recordings import sample_speech, write_wav
from commands.run.estimate import Sound, price_of, sound_of, suiting, time_by_trial, time_from, told
from commands.run.trial import as_found
from db.queries.runs import RunSpeed
from pipeline.config.root import Settings
from pipeline.sources.source import build_source
from pipeline.transcription.engines.expected import expected_name
from tests.house import PROJECT
from tests.pipeline.sources.bucket_server import serving

SMALL = expected_name(Settings().transcription, "faster_whisper").model
"""What runs report as their model where none is configured."""


def ran(engine: str, model: str = SMALL, *passed_over: str, audio_s: float = 100.0) -> RunSpeed:
    return RunSpeed(engine=engine, model=model, passed_over=passed_over, audio_s=audio_s, wall_s=10.0)


def with_engines(*engines: str, **more: Any) -> Settings:
    return Settings.model_validate({"transcription": {"engines": list(engines), **more}})


@pytest.mark.parametrize(
    ("engines", "runs", "chosen"),
    [
        (("faster_whisper",), [], 0),
        (("faster_whisper",), [ran("faster_whisper")], 1),
        (("faster_whisper",), [ran("sphinx", "en-us")], 0),
        (("faster_whisper",), [ran("faster_whisper", "another/model")], 0),
        (("faster_whisper",), [ran("sphinx", "en-us"), ran("faster_whisper"), ran("faster_whisper")], 2),
        (("mlx_qwen3", "faster_whisper"), [ran("faster_whisper")], 0),
        (("mlx_qwen3", "faster_whisper"), [ran("faster_whisper", SMALL, "mlx_qwen3: no weights")], 1),
        (("faster_whisper",), [ran("faster_whisper")] * 9, 5),
    ],
)
def test_only_runs_of_the_recogniser_that_will_serve_tell_the_time(
    engines: tuple[str, ...], runs: list[RunSpeed], chosen: int
) -> None:
    """A run by a demonstration engine at 1 × real time told the time of Whisper's run."""
    assert len(suiting(runs, with_engines(*engines).transcription)) == chosen


def test_the_time_names_the_recogniser_it_is_from() -> None:
    told = time_from([ran("faster_whisper"), ran("faster_whisper", audio_s=300.0)], 7200.0)
    assert told == f"time: about 6 minutes at 20.0 × real time, as in the last 2 runs by faster_whisper ({SMALL})"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = write_wav(tmp_path / "20260901-100000_inbound.wav", sample_speech(12.0)[:96_000])
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    return path


def test_before_the_first_run_a_piece_of_the_first_recording_is_tried(recording: Path) -> None:
    settings = with_engines("scripted", scripted={"missing": "hash"})
    (line,) = time_by_trial(settings, Sound(audio_s=36_000.0, first=as_found(recording)))
    assert "by a trial: scripted" in line
    assert f"of speech in {recording.name} and found " in line
    assert list(recording.parent.iterdir()) == [recording]


def test_a_trial_that_cannot_be_made_says_why_and_invents_no_time(recording: Path) -> None:
    settings = with_engines("scripted", scripted={"unavailable": "planted reason"})
    (line,) = time_by_trial(settings, Sound(audio_s=36_000.0, first=as_found(recording)))
    assert line.startswith(f"time: not known; a trial on {recording.name} failed at load")
    assert "planted reason" in line


def test_in_a_bucket_the_length_comes_from_beginnings_and_sizes(recording: Path) -> None:
    """Every recording was downloaded for its header."""
    content = recording.read_bytes()
    samples = sorted((PROJECT / "samples" / "calls").glob("*"))
    objects = {f"night/{number}.wav": content for number in range(60)}
    objects |= {f"night/{path.name}": path.read_bytes() for path in samples}
    settings = Settings.model_validate(
        {
            "input": {
                "path": "s3://recordings/night",
                "min_age_s": 0,
                "s3": {"anonymous": True, "addressing": "path", "region": "eu-central-1"},
            }
        }
    )
    with serving(objects) as bucket:
        source_settings = settings.input.model_copy(
            update={"s3": settings.input.s3.model_copy(update={"endpoint_url": bucket.url})}
        )
        source = build_source(source_settings)
        calls: Any = [call for call in source.discover() if hasattr(call, "metadata")]
        listed = len(bucket.requests)
        sound = sound_of(settings, source, calls)
        asked = bucket.requests[listed:]
        sent = bucket.sent_bytes
    local = settings.model_copy(update={"input": settings.input.model_copy(update={"path": str(samples[0].parent)})})
    folder = build_source(local.input)
    true: Any = sound_of(local, folder, [call for call in folder.discover() if hasattr(call, "metadata")])  # type: ignore[misc]
    assert sound.audio_s == pytest.approx(true.audio_s + 60 * 6.0, rel=0.15)
    assert "nothing was downloaded" in sound.how
    assert len(asked) <= 24
    assert sent <= 24 * 65_536 < sum(map(len, objects.values()))


@pytest.mark.parametrize(
    ("more", "billed"),
    [
        pytest.param({}, "2.5 minutes", id="detected once in the clearest 29 s of the call that needs two requests"),
        pytest.param({"language": "en"}, "2.0 minutes", id="named"),
        pytest.param({"language_per": "segment"}, "2.0 minutes", id="detected in every request"),
    ],
)
def test_the_price_of_detecting_the_language_is_in_the_estimate(more: dict[str, Any], billed: str) -> None:
    settings = with_engines("google", google={"project": "p", "usd_per_minute": 0.6}, **more)
    told = price_of(settings.transcription, Sound(audio_s=120.0, lengths=((90.0, 1), (30.0, 1))))
    assert f"for {billed} billed by google" in " ".join(told)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 seconds"), (1.0, "1 second"), (89.9, "90 seconds"), (90.0, "2 minutes"), (7199.0, "120 minutes"),
        (7200.0, "2.0 hours"), (9000.0, "2.5 hours"),
    ],
)  # fmt: skip
def test_a_duration_is_told_as_a_person_would(seconds: float, said: str) -> None:
    assert told(seconds) == said


@pytest.mark.parametrize(
    ("more", "lengths", "said"),
    [
        ({"engines": ["faster_whisper"]}, [60.0], []),
        ({"engines": ["deepgram"]}, [], []),
        ({"engines": ["deepgram"], "deepgram": {"usd_per_minute": None}}, [60.0],
         ["the audio of calls would leave this machine: deepgram is sent it",
          "transcription: at most 2.0 minutes billed by deepgram, price unknown "
          "(transcription.deepgram.usd_per_minute)"]),
        ({"engines": ["deepgram"], "language": "en", "deepgram": {"usd_per_minute": 0.5}}, [60.0, 30.0],
         ["the audio of calls would leave this machine: deepgram is sent it",
          "transcription: at most about 1.50 USD for 3.0 minutes billed by deepgram at 0.5 USD a minute; silence is "
          "not sent"]),
        ({"engines": ["deepgram"], "language": "en", "deepgram": {"usd_per_minute": 0.5}, "max_cost_usd": 1.0},
         [60.0, 30.0],
         ["the audio of calls would leave this machine: deepgram is sent it",
          "transcription: at most about 1.50 USD for 3.0 minutes billed by deepgram at 0.5 USD a minute; silence is "
          "not sent",
          "the run stops before it crosses transcription.max_cost_usd (1 USD)"]),
    ],
)  # fmt: skip
def test_what_a_service_would_charge_is_told(more: dict[str, Any], lengths: list[float], said: list[str]) -> None:
    settings = Settings.model_validate({"transcription": more}).transcription
    sound = Sound(audio_s=sum(lengths), lengths=tuple((length_s, 2) for length_s in lengths))
    assert price_of(settings, sound) == said
