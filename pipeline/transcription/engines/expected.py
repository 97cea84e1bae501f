"""Which weights each engine asks for, and the model and revision of its transcripts, found without loading weights."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.config.areas.speech.recognisers import (
    FasterWhisperOptions,
    ScriptedOptions,
    SphinxOptions,
    TransformersCtcOptions,
)
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.weights.content import content_revision
from pipeline.weights.former import recogniser_revision
from pipeline.weights.hub import WeightsName, WeightsWanted, name_of

DEMONSTRATIONS = frozenset({"sphinx"})
AWS_MODEL = "amazon-transcribe"
"""Recorded where no custom language model is set."""
FORMER_WHISPER = WeightsName(model="Systran/faster-whisper-small", revision="536b0662742c02347bc0e980a01041f333bce120")
"""Default of `transcription.faster_whisper` until 2026-11: better, slower, and 0.5 GB to fetch."""


def qwen3_weights(options: MlxQwen3Options) -> WeightsWanted:
    return _qwen3(options.model, options.revision, "transcription.mlx_qwen3.model")


def qwen3_aligner(options: MlxQwen3Options) -> WeightsWanted:
    return _qwen3(options.aligner_model, options.aligner_revision, "transcription.mlx_qwen3.aligner_model")


def _qwen3(model: str, revision: str | None, setting: str) -> WeightsWanted:
    return WeightsWanted(
        model=model,
        revision=revision,
        patterns=("*.json", "*.safetensors", "*.txt", "*.model"),
        required=("config.json", "*.safetensors", "vocab.json", "merges.txt"),
        setting=setting,
    )


def whisper_weights(options: FasterWhisperOptions) -> WeightsWanted:
    return WeightsWanted(
        model=options.model,
        revision=options.revision,
        patterns=("*.json", "model.bin", "vocabulary.*"),
        required=("config.json", "model.bin", "tokenizer.json"),
        setting="transcription.faster_whisper.model",
    )


_TRANSFORMERS = ("*.json", "*.safetensors", "*.txt")


def ctc_weights(options: TransformersCtcOptions) -> WeightsWanted:
    return WeightsWanted(
        model=options.model,
        revision=options.revision,
        patterns=_TRANSFORMERS,
        required=("config.json", "*.safetensors", "preprocessor_config.json", "vocab.json"),
        setting="transcription.transformers_ctc.model",
    )


def punctuation_weights(options: TransformersCtcOptions) -> WeightsWanted | None:
    """None where no punctuation model is set."""
    if not options.punctuation_model:
        return None
    return WeightsWanted(
        model=options.punctuation_model,
        revision=options.punctuation_revision,
        patterns=(*_TRANSFORMERS, "*.model"),
        required=("config.json", "*.safetensors"),
        setting="transcription.transformers_ctc.punctuation_model",
    )


def weights_of(settings: TranscriptionSettings, engine: str) -> WeightsWanted | None:
    """The main checkpoint of an engine; None where a package or a server provides the weights."""
    if engine == "mlx_qwen3":
        return qwen3_weights(settings.mlx_qwen3)
    if engine == "faster_whisper":
        return whisper_weights(settings.faster_whisper)
    if engine == "transformers_ctc":
        return ctc_weights(settings.transformers_ctc)
    return None


def expected_name(settings: TranscriptionSettings, engine: str) -> WeightsName:
    """Model and revision that the engine will report when it loads. Raises OSError for a folder it cannot read."""
    wanted = weights_of(settings, engine)
    if wanted is not None:
        return name_of(wanted)
    if engine == "sphinx":
        return sphinx_name(settings.sphinx)
    if engine == "scripted":
        return scripted_name(settings.scripted)
    if engine == "openai_audio":
        return WeightsName(model=settings.openai_audio.model, revision=settings.openai_audio.revision)
    return WeightsName(model=getattr(settings, engine).model or AWS_MODEL, revision=None)


def sphinx_name(options: SphinxOptions) -> WeightsName:
    """The wheel's own model is named by the wheel's version, any other by its content. Raises OSError."""
    if options.model_dir is None:
        try:
            return WeightsName(model="en-us", revision=metadata.version("pocketsphinx"))
        except metadata.PackageNotFoundError as error:
            raise FileNotFoundError("pocketsphinx is not installed") from error
    return WeightsName(model=str(options.model_dir), revision=content_revision(options.model_dir))


def scripted_name(options: ScriptedOptions) -> WeightsName:
    """Named by the content of the transcripts. Raises OSError."""
    if options.transcripts is None:
        return WeightsName(model="scripted", revision=options.missing)
    folder, pattern = transcript_files(options.transcripts)
    return WeightsName(model="scripted", revision=content_revision(folder, (pattern,)))


def transcript_files(transcripts: Path) -> tuple[Path, str]:
    """The folder of the `scripted` engine's transcripts, and the glob of the files in it."""
    return (transcripts, "*.json") if transcripts.is_dir() else (transcripts.parent, transcripts.name)


def former_names(settings: TranscriptionSettings, engine: str) -> frozenset[tuple[str, str | None]]:
    """Names under which earlier versions stored today's model and revision: their rows are not made again.

    A folder was named by samples of its files. Whisper's former default counts too where today's default is configured:
    that is no reason to replace what the larger model wrote. Raises OSError.
    """
    names: set[tuple[str, str | None]] = set()
    wanted = weights_of(settings, engine)
    if wanted is not None and (folder := Path(wanted.model).expanduser()).is_dir():
        names.add((wanted.model, recogniser_revision(folder, wanted.patterns)))
    if engine == "sphinx" and settings.sphinx.model_dir is not None:
        names.add((str(settings.sphinx.model_dir), sphinx_name(SphinxOptions()).revision))
    if engine == "scripted" and settings.scripted.transcripts is not None:
        folder, pattern = transcript_files(settings.scripted.transcripts)
        names.add(("scripted", recogniser_revision(folder, (pattern,))))
    default = FasterWhisperOptions()
    if engine == "faster_whisper" and settings.faster_whisper.model == default.model:
        names.add((FORMER_WHISPER.model, FORMER_WHISPER.revision))
    return frozenset(names)
