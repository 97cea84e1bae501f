from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import EngineIdentity, Role
from pipeline.transcription.fingerprint import canonical_json, transcript_fingerprint

IDENTITY = EngineIdentity(
    engine="sphinx", model="en-us", revision="5.1.1", options_hash="0", rank=0, demonstration=True
)
BASE: dict[str, Any] = {
    "audio_sha256": "a" * 64,
    "channel_roles": [Role.AGENT, Role.CLIENT],
    "preparation": {"threshold": 0.5},
    "identity": IDENTITY,
}


@pytest.mark.parametrize(
    "change",
    [
        {"audio_sha256": "b" * 64},
        {"channel_roles": [Role.CLIENT, Role.AGENT]},
        {"preparation": {"threshold": 0.6}},
        {"identity": replace(IDENTITY, engine="scripted")},
        {"identity": replace(IDENTITY, model="x")},
        {"identity": replace(IDENTITY, revision=None)},
        {"identity": replace(IDENTITY, options_hash="1")},
        {"context": "Visa"},
        {"language": "fr"},
    ],
)
def test_what_it_depends_on(change: dict[str, Any]) -> None:
    assert transcript_fingerprint(**{**BASE, **change}) != transcript_fingerprint(**BASE)


def test_what_it_does_not_depend_on() -> None:
    identity = replace(IDENTITY, rank=2, passed_over=("mlx_qwen3: no weights",), demonstration=False)
    assert transcript_fingerprint(**{**BASE, "identity": identity}) == transcript_fingerprint(**BASE)


def test_canonical_json() -> None:
    assert canonical_json({"b": (1, None), "a": Path("x"), "é": Role.AGENT}) == '{"a":"x","b":[1,null],"é":"agent"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
