from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.records import EngineIdentity, Role
from pipeline.transcription.fingerprint import canonical_json, options_hash, transcript_fingerprint
from tests.conftest import PROJECT

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


def test_the_same_in_another_process() -> None:
    code = (
        "from pipeline.config.areas.speech.transcription import TranscriptionSettings as T;"
        "from pipeline.transcription.fingerprint import options_hash;"
        "print(options_hash(T(), 'sphinx', ('Visa', 'épargne')))"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == options_hash(TranscriptionSettings(), "sphinx", ("Visa", "épargne"))


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ({"sphinx": {"language_weight": 7.0}}, True),
        ({"language": "en"}, True),
        ({"trust_gates": {"max_words_per_s": 6.0}}, True),
        ({"text_rules": {"shown": {"default": ["spaces"]}}}, True),
        ({"faster_whisper": {"beam_size": 1}}, False),
        ({"engines": ["sphinx"]}, False),
        ({"strict": True}, False),
        ({"hub_timeout_s": 1.0}, False),
        ({"max_context_chars": 5}, False),
    ],
)
def test_options_that_change_what_this_engine_writes(values: dict[str, Any], differs: bool) -> None:
    settings = TranscriptionSettings.model_validate(values)
    assert (options_hash(settings, "sphinx") != options_hash(TranscriptionSettings(), "sphinx")) is differs


def test_canonical_json() -> None:
    assert canonical_json({"b": (1, None), "a": Path("x"), "é": Role.AGENT}) == '{"a":"x","b":[1,null],"é":"agent"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
