"""`--model`: the recogniser a model is for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.materials.tiny_whisper import build_tiny_whisper
from pipeline.config.loader import load_settings
from pipeline.config.model_choice import _COMMITS, _SHORT_NAMES, settings_of_model
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError


def described(**description: object) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps(description), encoding="utf-8")

    return fill


def ctranslate2(folder: Path) -> None:
    build_tiny_whisper(folder / "made")
    for path in (folder / "made").iterdir():
        path.rename(folder / path.name)


@pytest.mark.parametrize(
    ("name", "engine", "model"),
    [
        ("small", "faster_whisper", "Systran/faster-whisper-small"),
        ("base", "faster_whisper", "Systran/faster-whisper-base"),
        ("large", "faster_whisper", "Systran/faster-whisper-large-v3"),
        ("turbo", "faster_whisper", "mobiuslabsgmbh/faster-whisper-large-v3-turbo"),
        ("Systran/faster-whisper-medium", "faster_whisper", "Systran/faster-whisper-medium"),
        ("Qwen/Qwen3-ASR-0.6B", "mlx_qwen3", "Qwen/Qwen3-ASR-0.6B"),
        ("Qwen/Qwen3-ASR-1.7B", "mlx_qwen3", "Qwen/Qwen3-ASR-1.7B"),
        (f"mlx-community/Qwen3-ASR-0.6B-8bit@{'a' * 40}", "mlx_qwen3", "mlx-community/Qwen3-ASR-0.6B-8bit"),
        (f"Systran/faster-whisper-large-v1@{'b' * 40}", "faster_whisper", "Systran/faster-whisper-large-v1"),
    ],
)
def test_a_name_tells_its_recogniser_and_is_pinned(name: str, engine: str, model: str) -> None:
    values = settings_of_model(name)
    settings = load_settings(None, [f"{key}={json.dumps(value)}" for key, value in values.items()]).settings
    assert settings.transcription.engines == (engine,)
    options = getattr(settings.transcription, engine)
    assert options.model == model
    assert options.revision == (name.partition("@")[2] or _COMMITS[model])


@pytest.mark.parametrize(
    ("fill", "engine", "option"),
    [
        (described(model_type="qwen3_asr", architectures=["Qwen3ASRForConditionalGeneration"]), "mlx_qwen3", "model"),
        (described(model_type="wav2vec2-bert", architectures=["Wav2Vec2BertForCTC"]), "transformers_ctc", "model"),
        (described(model_type="hubert", architectures=["HubertForCTC"]), "transformers_ctc", "model"),
        (ctranslate2, "faster_whisper", "model"),
        (lambda folder: (folder / "en-us.lm.bin").touch(), "sphinx", "model_dir"),
    ],
)
def test_a_folder_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: Callable[[Path], None], engine: str, option: str
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    fill(folder)
    key = f"transcription.{engine}.{option}"
    assert settings_of_model(str(folder)) == {"transcription.engines": [engine], key: str(folder)}
    monkeypatch.chdir(tmp_path)
    assert settings_of_model("weights")[key] == "./weights"


@pytest.mark.parametrize(
    ("fill", "part"),
    [
        (lambda _: None, "holds nothing that shows its kind"),
        (described(model_type="whisper", architectures=["WhisperForConditionalGeneration"]), "ct2-transformers-conver"),
        (described(model_type="qwen3", architectures=["Qwen3ForCausalLM"]), "a model of kind qwen3 (Qwen3ForCausalLM)"),
        (described(architectures=["BartForQuestions"]), "of kind unknown (BartForQuestions)"),
        (described(model_type="bart"), "of kind bart (of no named class)"),
        (described(model_type="qwen3_forced_aligner", architectures=["Qwen3ASRForcedAligner"]), "forced_aligner"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json cannot be read"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "holds nothing that shows its kind"),
    ],
)
def test_a_folder_no_recogniser_reads_is_refused(tmp_path: Path, fill: Callable[[Path], object], part: str) -> None:
    fill(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        settings_of_model(str(tmp_path))
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("smal", "no such folder, and the name does not say"),
        ("/models/missing", "no such folder, and the name does not say"),
        ("openai/whisper-small", "no such folder, and the name does not say"),
        ("deep/er/faster-whisper-small", "no such folder, and the name does not say"),
        ("someone/faster-whisper-own", "someone/faster-whisper-own@COMMIT"),
        (__file__, "is a file; name its folder"),
    ],
)
def test_a_name_that_tells_no_recogniser_is_refused(name: str, part: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_of_model(name)
    assert part in str(caught.value)


@pytest.mark.parametrize("engine", ["mlx_qwen3", "faster_whisper"])
def test_the_default_model_has_one_commit(engine: str) -> None:
    options = getattr(Settings().transcription, engine)
    assert _COMMITS[options.model] == options.revision


def test_short_names_are_those_of_the_library() -> None:
    from faster_whisper.utils import _MODELS

    assert {name: _MODELS[name] for name in _SHORT_NAMES} == _SHORT_NAMES
