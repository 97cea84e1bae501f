"""What a transcript depends on, as SHA-256 over canonical JSON: the same in every process and on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.records import EngineIdentity, Role

_NO_INFLUENCE = frozenset(
    {
        "allow_download",
        "hub_timeout_s",
        "batch_size",
        "batch_audio_s",
        "look_ahead",
        "look_ahead_segments",
        "encoder_batch_s",
        "max_memory_gb",
        "segment_time_limit_s",
        "blas_probe_ms",
        "min_gflops",
        "cpu_threads",
        "concurrency",
        "connect_timeout_s",
        "max_attempts",
        "backoff_initial_s",
        "backoff_max_s",
        "breaker_failures",
        "breaker_pause_s",
        "api_key_env",
        "base_url",
        "sleep_per_audio_s",
        "load_sleep_s",
        "crash_on",
        "crash_once_marker",
        "hang_on",
        "error_on",
        "out_of_memory_on",
        "unavailable",
        "model",
        "revision",
    }
)
"""Engine options that do not change the text, or that stand elsewhere in the identity."""


_MAKES_THE_TEXT = ("engine", "model", "revision", "options_hash", "vocabulary_hash")


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; models and paths become plain values. Raises ValueError for NaN."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def options_hash(settings: TranscriptionSettings, engine: str, vocabulary: Sequence[str] = ()) -> str:
    """Everything in the settings that changes what `engine` writes: its options, language, gates, rules, vocabulary."""
    options = getattr(settings, engine).model_dump(mode="json")
    return digest(
        {
            "options": {key: value for key, value in options.items() if key not in _NO_INFLUENCE},
            "language": settings.language,
            "trust_gates": settings.trust_gates,
            "text_rules": settings.text_rules,
            "max_context_chars": settings.max_context_chars if vocabulary else None,
            "vocabulary": list(vocabulary),
        }
    )


def transcript_fingerprint(
    *,
    audio_sha256: str,
    channel_roles: Sequence[Role],
    preparation: Mapping[str, object] | BaseModel,
    identity: EngineIdentity,
    context: str = "",
    language: str | None = None,
) -> str:
    """Key of a transcript: audio bytes, channel map, preparation (decoding and VAD options), recogniser, context.

    Args:
        channel_roles: index is the channel.
        preparation: the settings that decide which samples reach the recogniser.
        context: vocabulary of this call, where it differs from call to call.
        language: of this call, where its metadata names it.

    Why an engine was chosen (`rank`, `passed_over`, `demonstration`) is no part of it.
    """
    return digest(
        {
            "audio_sha256": audio_sha256,
            "channel_roles": [role.value for role in channel_roles],
            "preparation": preparation,
            "engine": identity.engine,
            "model": identity.model,
            "revision": identity.revision,
            "options_hash": identity.options_hash,
            "context": context,
            "language": language,
        }
    )


def same_engine(one: EngineIdentity, other: EngineIdentity) -> bool:
    """Whether both make the same transcripts; how they were chosen does not matter."""
    return all(getattr(one, name) == getattr(other, name) for name in _MAKES_THE_TEXT)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
