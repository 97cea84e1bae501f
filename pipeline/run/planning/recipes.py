"""How today's configuration would make a transcript, as planning compares it with what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.areas.speech.diarisation import PyannoteWeights
from pipeline.config.influence import SPEAKERS, TRANSCRIPT, Result, counted, over
from pipeline.config.root import Settings
from pipeline.diarisation.checkpoints import pipeline_weights
from pipeline.diarisation.speakers import served_by
from pipeline.diarisation.voices.weights import encoder_weights
from pipeline.records import EngineIdentity, KnownCall
from pipeline.run.planning import first_recipe
from pipeline.transcription.engines.expected import (
    DEMONSTRATIONS,
    expected_name,
    former_names,
    punctuation_weights,
    qwen3_aligner,
)
from pipeline.transcription.fingerprint import digest
from pipeline.weights.content import MEMORY, is_content, same_weights
from pipeline.weights.hub import WeightsWanted, name_of


@dataclass(frozen=True, slots=True)
class FormerNames:
    """The names under which earlier versions stored what an engine would do today."""

    options_hash: str | None = None
    weights: frozenset[tuple[str, str | None]] = frozenset()
    """Model and revision."""


_NOTHING_FORMER = FormerNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What planning needs to know of today's recognisers."""

    engines: tuple[str, ...]
    """`transcription.engines`, best first."""
    first: EngineIdentity | None
    """What the first of them would be, without loading it; None where its weights cannot be read."""
    former: Mapping[str, FormerNames] = field(default_factory=dict)
    """By engine."""
    allow_downgrade: bool = False
    keep_stale: bool = False
    """Any transcript by the same engine is taken as today's."""


def build_recipe(settings: Settings) -> Recipe:
    return Recipe(
        engines=settings.transcription.engines,
        first=expected_identity(settings),
        former={engine: _former(settings, engine) for engine in settings.transcription.engines},
        allow_downgrade=settings.run.allow_downgrade,
        keep_stale=settings.run.stale_transcripts == "keep",
    )


def expected_identity(settings: Settings) -> EngineIdentity | None:
    """What the first engine would be if it loads; None where only loading tells."""
    engine = settings.transcription.engines[0]
    try:
        name = expected_name(settings.transcription, engine)
    except OSError:
        return None  # loading it says what is wrong
    return EngineIdentity(
        engine=engine,
        model=name.model,
        revision=name.revision,
        options_hash=recipe_hash(settings, engine),
        rank=0,
        demonstration=engine in DEMONSTRATIONS,
    )


def same_recipe(known: KnownCall, identity: EngineIdentity, recipe: Recipe) -> bool:
    """Whether the stored transcript was made the way `identity` would make it."""
    if known.engine != identity.engine:
        return False
    if recipe.keep_stale:
        return True
    model, revision = known.engine_model or "", known.engine_revision
    former = recipe.former.get(identity.engine, _NOTHING_FORMER)
    same_options = known.engine_options_hash in {identity.options_hash, former.options_hash} - {None}
    same_model = same_weights(model, revision, identity.model, identity.revision)
    return same_options and (same_model or (model, revision) in former.weights)


def recipe_hash(settings: Settings, engine: str) -> str:
    """Everything in the settings that shapes a transcript by `engine`, except its weights and the vocabulary.

    A changed glossary must re-classify calls, not transcribe them again: the vocabulary is part of the transcript's
    fingerprint, and is left out of what planning compares.
    """
    text = _text(settings, engine, first_recipe.TEXT, first_recipe.ENGINES.get(engine, {}))
    return digest({"options": digest(text), "preparation": preparation(settings)})


def preparation(settings: Settings, detector: str | None = None) -> dict[str, Any]:
    """The settings beside the recogniser's own that decide what a transcript says: samples, redaction.

    `detector`: the voice activity detector that served, where it was not the first-listed.
    """
    return _preparation(settings, _first_preparation(settings), detector)


def diarisation(settings: Settings, diariser: str | None = None) -> dict[str, Any]:
    """The settings that decide who said which words in a diarised call.

    `diariser`: the engine that served, where the configuration leaves it open (`auto`).
    """
    options: dict[str, Any] = counted(served_by(settings.diarisation, diariser), Result.SPEAKERS, inherited=SPEAKERS)
    if "pyannote" in options:
        _name_pyannote(options["pyannote"], settings.diarisation.pyannote)
    if "voices" in options:
        _name(options["voices"], encoder_weights(settings.diarisation.voices), "model", "revision")
    return options


def _first_preparation(settings: Settings) -> dict[str, Any]:
    first = deepcopy(first_recipe.PREPARATION)
    if "pyannote" in settings.voice_activity.detectors:
        first["voice_activity"]["pyannote"] = first_recipe.PYANNOTE_DETECTOR
    return first


def _preparation(settings: Settings, first: Mapping[str, Any], detector: str | None = None) -> dict[str, Any]:
    chosen = {"detectors": detector} if detector else {}
    marked = counted(settings, Result.TRANSCRIPT, chosen=chosen)
    made = over(first, {name: marked[name] for name in ("audio", "voice_activity", "redaction") if name in marked})
    if made["redaction"] is not None:
        made["redaction"]["kinds"] = [
            kind for kind in made["redaction"]["kinds"] if kind in first_recipe.REDACTED_KINDS
        ]
    listening = made["voice_activity"]
    if "pyannote" in marked["voice_activity"]:
        _name_pyannote(listening["pyannote"], settings.voice_activity.pyannote)
    graph = settings.voice_activity.silero
    if "silero" in marked["voice_activity"] and graph.model_path is not None and not graph.model_sha256:
        listening["silero"]["model_sha256"] = MEMORY.sha256(graph.model_path) if graph.model_path.is_file() else ""
    return made


_OF_ALL_ENGINES = ("language", "languages", "language_per", "trust_gates", "text_rules")


def _text(
    settings: Settings, engine: str, first: Mapping[str, Any], first_options: Mapping[str, Any]
) -> dict[str, Any]:
    marked = counted(settings.transcription, Result.TRANSCRIPT, chosen={"engines": engine}, inherited=TRANSCRIPT)
    made = over(first, {name: marked[name] for name in _OF_ALL_ENGINES if name in marked})
    options = over(first_options, marked.get(engine, {}))
    if engine == "mlx_qwen3" and settings.transcription.mlx_qwen3.word_times:
        _name(options, qwen3_aligner(settings.transcription.mlx_qwen3), "aligner_model", "aligner_revision")
    if engine == "transformers_ctc":
        wanted = punctuation_weights(settings.transcription.transformers_ctc)
        if wanted is not None:
            _name(options, wanted, "punctuation_model", "punctuation_revision")
    return {**made, "options": options, "max_context_chars": None, "vocabulary": []}


def _former(settings: Settings, engine: str) -> FormerNames:
    """The names from before settings were marked: hashed with today's values of the settings in `first_recipe`."""
    today, speech = settings.model_dump(mode="json"), settings.transcription
    stored = today["redaction"] if settings.redaction.redact_stored else None
    prepared = {**_as_set(_first_preparation(settings), today), "redaction": stored}
    options = _as_set(first_recipe.ENGINES.get(engine, {}), today["transcription"][engine])
    text = _text(settings, engine, _as_set(first_recipe.TEXT, today["transcription"]), options)
    try:
        names = former_names(speech, engine)
    except OSError:
        names = frozenset()
    hashed = digest({"options": digest(text), "preparation": _preparation(settings, prepared)})
    return FormerNames(options_hash=hashed, weights=names)


def _as_set(first: Mapping[str, Any], today: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys, with the values of today's configuration. A section has all its keys in both."""
    return {
        key: _as_set(value, today[key]) if isinstance(value, dict) and key != "compared" else today.get(key, value)
        for key, value in first.items()
    }


def _name_pyannote(options: dict[str, Any], weights: PyannoteWeights) -> None:
    _name(options, pipeline_weights(weights), "model", "revision")


def _name(options: dict[str, Any], wanted: WeightsWanted, model: str, revision: str) -> None:
    """Name weights in a folder by their content, so that moving them changes nothing."""
    try:
        name = name_of(wanted)
    except OSError:
        return  # loading them says what is wrong
    options[model] = None if is_content(name.revision) else name.model
    options[revision] = name.revision
