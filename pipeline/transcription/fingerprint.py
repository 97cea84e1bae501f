"""What a transcript depends on, as SHA-256 over canonical JSON: the same in every process and on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from pipeline.records import EngineIdentity, Role
from pipeline.weights.content import is_content

_MAKES_THE_TEXT = ("engine", "model", "revision", "options_hash", "vocabulary_hash")


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; models and paths become plain values. Raises ValueError for NaN."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


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

    The reason an engine was chosen (`rank`, `passed_over`, `demonstration`) is not part of it.
    """
    return digest(
        {
            "audio_sha256": audio_sha256,
            "channel_roles": [role.value for role in channel_roles],
            "preparation": preparation,
            "engine": identity.engine,
            "model": None if is_content(identity.revision) else identity.model,
            "revision": identity.revision,
            "options_hash": identity.options_hash,
            "context": context,
            "language": language,
        }
    )


def same_engine(first: EngineIdentity, second: EngineIdentity) -> bool:
    """Whether both make the same transcripts; how they were chosen does not matter."""
    return all(getattr(first, name) == getattr(second, name) for name in _MAKES_THE_TEXT)


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
