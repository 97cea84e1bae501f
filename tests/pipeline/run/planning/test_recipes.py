"""What planning compares: today's recipe against stored transcripts, without loading a recogniser."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.areas.run import Reprocess
from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
from pipeline.config.root import Settings
from pipeline.records import (
    VAD_FALLBACK,
    AudioHeader,
    CallMetadata,
    CallStatus,
    EngineIdentity,
    FoundCall,
    KnownCall,
    PreparedCall,
)
from pipeline.run.planning.decisions import decide
from pipeline.run.planning.plan import Action
from pipeline.run.planning.recipes import build_recipe, recipe_hash
from pipeline.run.transcripts import Transcripts
from pipeline.transcription.engines.expected import FORMER_WHISPER
from pipeline.weights.former import recogniser_revision
from tests.pipeline.config.changing import set_at

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
FOUND = FoundCall(source_uri="file:///a.wav", file_name="a.wav", size_bytes=100, modified_at=NOON)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "whisper"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.bin").write_bytes(bytes(range(256)) * 4096)
    return folder


def settings(**values: Any) -> Settings:
    nested: dict[str, Any] = {}
    for path, value in values.items():
        nested = set_at(nested, path.replace("__", "."), value)
    return Settings.model_validate(nested)


def whisper_in(folder: Path, **more: Any) -> Settings:
    return settings(transcription__engines="faster_whisper", transcription__faster_whisper__model=str(folder), **more)


def stored(made_by: EngineIdentity | None) -> KnownCall:
    """A call whose transcript that recogniser made."""
    assert made_by is not None
    return KnownCall(
        call_id="id",
        source_uri=FOUND.source_uri,
        size_bytes=100,
        modified_at=NOON,
        etag=None,
        audio_sha256="sha",
        status=CallStatus.DONE,
        error_transient=None,
        failed_runs=0,
        transcript_fingerprint="t",
        engine=made_by.engine,
        engine_model=made_by.model,
        engine_revision=made_by.revision,
        engine_options_hash=made_by.options_hash,
        engine_rank=0,
        engine_demonstration=made_by.demonstration,
    )


def action(known: KnownCall, today: Settings) -> Action:
    return decide(FOUND, known, Reprocess.NONE, build_recipe(today)).action


def test_weights_in_a_folder_leave_no_call_undecided(weights: Path, tmp_path: Path) -> None:
    """Every call was undecided each night, and the recogniser loaded to find out that there is nothing to do."""
    call = stored(build_recipe(whisper_in(weights)).first)
    assert action(call, whisper_in(weights)) is Action.UNCHANGED
    moved = Path(shutil.move(weights, tmp_path / "elsewhere"))
    assert action(call, whisper_in(moved)) is Action.UNCHANGED
    (moved / "model.bin").write_bytes(bytes(256 * 4096))
    assert action(call, whisper_in(moved)) is Action.UNDECIDED


@pytest.mark.parametrize("engine", ["mlx_qwen3", "faster_whisper", "sphinx", "scripted", "openai_audio"])
def test_no_engine_need_be_loaded_to_see_that_nothing_changed(engine: str) -> None:
    today = settings(transcription__engines=engine, transcription__openai_audio__base_url="http://127.0.0.1:1/v1")
    assert action(stored(build_recipe(today).first), today) is Action.UNCHANGED


def test_a_folder_that_cannot_be_read_is_told_by_loading(weights: Path) -> None:
    call = stored(build_recipe(whisper_in(weights)).first)
    (weights / "model.bin").unlink()
    (weights / "model.bin").symlink_to("/proc/self/mem")  # reading its first byte fails, for root too
    assert build_recipe(whisper_in(weights)).first is None
    assert action(call, whisper_in(weights)) is Action.UNDECIDED


def test_what_earlier_versions_called_a_folder_is_known(weights: Path) -> None:
    first = build_recipe(whisper_in(weights)).first
    assert first is not None
    former = recogniser_revision(weights, ("*.json", "model.bin", "vocabulary.*"))
    call = stored(replace(first, model=str(weights), revision=former))
    assert action(call, whisper_in(weights)) is Action.UNCHANGED
    assert action(replace(call, engine_revision="local-" + "0" * 40), whisper_in(weights)) is Action.UNDECIDED


def test_what_the_former_default_of_whisper_wrote_stays_under_todays_default() -> None:
    today = settings(transcription__engines="faster_whisper")
    first = build_recipe(today).first
    assert first is not None
    call = stored(replace(first, model=FORMER_WHISPER.model, revision=FORMER_WHISPER.revision))
    assert action(call, today) is Action.UNCHANGED
    chosen = {"transcription__faster_whisper__model": "owner/name", "transcription__faster_whisper__revision": "b" * 40}
    assert action(call, settings(transcription__engines="faster_whisper", **chosen)) is Action.UNDECIDED


def test_the_default_of_whisper_is_the_one_that_comes_in_packages() -> None:
    from pipeline.weights.published import WHISPER_BASE, published

    options = FasterWhisperOptions()
    assert published(options.model, options.revision) is WHISPER_BASE


@pytest.mark.parametrize(
    "before",
    [
        {"audio__block_s": 4.0},
        {"audio__max_channels": 2},
        {"voice_activity__strict": True},
        {"voice_activity__silero__windows_per_run": 7},
        {"voice_activity__energy__margin_db": 20.0},
        {"transcription__text_rules__compared": {"default": ["spaces"]}},
    ],
)
def test_a_setting_without_influence_makes_no_transcript_stale_neither_before_nor_now(before: dict[str, Any]) -> None:
    """Earlier versions counted these; what they stored under any of them is today's result all the same."""
    then, now = build_recipe(settings(**before)), build_recipe(settings())
    assert then.first == now.first
    former = then.former["mlx_qwen3"].options_hash
    assert former != now.former["mlx_qwen3"].options_hash
    assert then.first is not None
    call = stored(replace(then.first, options_hash=former or ""))
    assert action(call, settings(**before)) is Action.UNCHANGED


def test_a_recipe_of_defaults_is_hashed_as_before_the_marks() -> None:
    """By f99fb40, so that transcripts of that time keep their keys."""
    segments = settings(transcription__faster_whisper__word_times=False)
    assert recipe_hash(segments, "faster_whisper") == (
        "be1c01c997e13cc0546a72d14c97c064cd175f9f1a2408e602fa2e7bfe0f70dd"
    )
    assert recipe_hash(settings(), "sphinx") == "0fd63fa4facadec0b45276a1e9ac0f792826cb36d73212a60da4d99c654f6dc1"


def prepared(*flags: str) -> PreparedCall:
    header = AudioHeader(container="wav", codec="pcm", sample_rate_hz=8000, channels=1, duration_s=1.0)
    return PreparedCall(audio_sha256="a", header=header, channels=(), flags=flags, duration_s=1.0, timings_s={})


def test_a_transcript_is_keyed_by_the_detector_that_served() -> None:
    made_by = EngineIdentity(engine="e", model="m", revision="r", options_hash="o", rank=0, demonstration=False)
    found = replace(FOUND, metadata=CallMetadata())
    usual, other = settings(), settings(voice_activity__energy__margin_db=20.0)

    def key(today: Settings, *flags: str) -> str:
        return Transcripts(today).fingerprint(found, prepared(*flags), made_by)

    assert key(usual) == key(other)
    assert key(usual, f"{VAD_FALLBACK}energy") != key(other, f"{VAD_FALLBACK}energy")
