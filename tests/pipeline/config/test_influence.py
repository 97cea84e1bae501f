"""Every setting's mark, tried both ways: what it says changes does change, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from analysis.glossary.choice import load_catalogues
from analysis.sentiment.steps import build_sentiment_steps
from analysis.summary.step import SummaryStep
from analysis.topics.step import TopicStep
from pipeline.config.influence import Influence, MarkedSetting, Result, mark_of, marked_settings
from pipeline.config.root import Settings
from pipeline.ports import AnalysisStep
from pipeline.records import CallForAnalysis, CallMetadata, Transcript
from pipeline.run.planning.recipes import diarisation, expected_identity, recipe_hash
from pipeline.transcription.fingerprint import digest
from tests.analysis.calls import IDENTITY
from tests.pipeline.config.changing import get_at, other_values, set_at

SETTINGS = {setting.path: setting for setting in marked_settings(Settings)}

WITH: Mapping[str, dict[str, Any]] = {
    "transcription.transformers_ctc": {"transcription.transformers_ctc.model": "./ctc"},
    "transcription.openai_audio": {"transcription.openai_audio.base_url": "http://127.0.0.1:1/v1"},
    "transcription.google": {"transcription.google.project": "p"},
    "transcription.aws": {"transcription.aws.bucket": "b"},
    "ask.providers": {"llm.openai_chat.model": "m"},
    "encryption.recordings": {"encryption.key": "env:KEY"},
    "encryption.spool": {"encryption.key": "env:KEY"},
    "transcription.azure": {"transcription.azure.endpoint": "http://127.0.0.1:1"},
    "transcription.openai_audio.word_times": {"transcription.openai_audio.response_format": "verbose_json"},
    "service.access.jwt.issuer": {"service.access.jwt.audience": ["earshot"], "service.access.jwt.keys": "keys.json"},
    "sentiment.acoustic.agent_scaler": {"sentiment.acoustic.agent_model": "./own.joblib"},
    "sentiment.acoustic.client_scaler": {"sentiment.acoustic.client_model": "./own.joblib"},
    "sentiment.text.transformers": {
        "sentiment.text.transformers.agent.model": "./agent",
        "sentiment.text.transformers.client.model": "./client",
    },
}
"""What a setting needs beside it to be valid, by the beginning of its path."""
VALUES: Mapping[str, Any] = {
    "input.sidecar.delimiter": ";",
    "input.sidecar.encoding": "cp1252",
    "output.csv.delimiter": ";",
    "retention.exports": ["elsewhere"],
    "transcription.languages": ["en", "fr"],
    "redaction.patterns": [{"name": "CONTRACT", "pattern": "[0-9]{7}"}],
    "reporting.notify.on": None,
    "reporting.notify.smtp.host": None,
    "attention.notify": None,
    "watch.notify": None,
    "ask.providers": ["openai_chat"],
    "encryption.key": "env:KEY",
    "encryption.old_keys": ["env:OLD_KEY"],
    "service.access.trusted_proxies": ["10.0.0.0/8"],
    "service.access.jwt.scopes": {"readers": "read"},
    "service.tls_certificate_file": None,
    "service.tls_key_file": None,
    "input.events.queue_url": None,
    "input.deltas.key_dates": "%Y/%m/%d/",
    "output.upload_to": "s3://results/earshot",
    "summary.template": "diary_note",
    "database.url": "postgresql://earshot@127.0.0.1:1/earshot",
    "llm.providers": None,
    "llm.servers": {"mistral": {"model": "m"}},
    "llm.prices": {"m": {"input": 1, "output": 2}},
    **{
        f"llm.{provider}.{price}_usd_per_million_tokens": None
        for provider in ("bedrock", "openai_chat", "anthropic")
        for price in ("input", "output")
    },
}
"""Where the type does not say what is valid; None where only a whole section is, which a test of its own covers."""


def switches(path: str) -> Iterator[tuple[str, Influence]]:
    """The marks with a switch, on the setting and the sections around it; each with the path of its switch."""
    area: type[BaseModel] = Settings
    parts = path.split(".")
    for place, part in enumerate(parts):
        info = area.model_fields[part]
        mark = mark_of(info)
        if mark is not None and mark.switch is not None:
            yield ".".join((*parts[:place], mark.switch)), mark
        if place + 1 < len(parts):
            assert isinstance(info.annotation, type)
            area = info.annotation


def in_use(path: str) -> dict[str, Any]:
    """A configuration in which the setting is in use."""
    values: dict[str, Any] = {}
    for start, needed in WITH.items():
        if f"{path}.".startswith(f"{start}."):
            for key, value in needed.items():
                values = set_at(values, key, value)
    for switch, mark in switches(path):
        owner = switch.rpartition(".")[0]
        chosen = path.removeprefix(f"{owner}.").partition(".")[0] if mark.holds_for is None else mark.holds_for[0]
        values = set_at(values, switch, chosen)
    return values


def changed(path: str, values: dict[str, Any]) -> tuple[Settings, Settings] | None:
    """The configuration, and the same with another value of the setting."""
    before = Settings.model_validate(values)
    now = get_at(before, path)
    candidates = [VALUES[path]] if path in VALUES else other_values(SETTINGS[path].info, now)
    for value in candidates:
        try:
            after = Settings.model_validate(set_at(values, path, value))
        except ValidationError:
            continue
        if get_at(after, path) != now:
            return before, after
    return None


HASHES: Mapping[Result, Callable[[Settings], object]] = {
    Result.TRANSCRIPT: lambda settings: recipe_hash(settings, settings.transcription.engines[0]),
    Result.SPEAKERS: lambda settings: digest(diarisation(settings)),
}


CALL = CallForAnalysis(
    call_id="1",
    audio_sha256="a" * 64,
    duration_s=1.0,
    metadata=CallMetadata(),
    transcript=Transcript(fingerprint="t", identity=IDENTITY, language=None, chunks=()),
    audio=(),
)
STEP_AREAS = ("sentiment", "glossary", "topics", "summary")
READERS = {Result.TEXT: Result.FUSION, Result.ACOUSTIC: Result.FUSION}
"""Steps that read another's results change with it."""


def step_fingerprints(settings: Settings) -> dict[Result, str]:
    steps: list[AnalysisStep] = [
        *build_sentiment_steps(settings.sentiment),
        TopicStep(load_catalogues(settings.glossary), settings.topics),
        SummaryStep(settings.summary),
    ]
    return {Result(step.name): step.fingerprint(CALL) for step in steps}


def differences(before: Settings, after: Settings, path: str) -> set[Result]:
    different = {result for result, of in HASHES.items() if of(before) != of(after)}
    if path.partition(".")[0] in STEP_AREAS and not is_identity(path):
        first, second = step_fingerprints(before), step_fingerprints(after)
        different |= {step for step in first if first[step] != second[step]}
    return different


def is_identity(path: str) -> bool:
    """Compared as what it stands for: the files named here are not there."""
    influence = SETTINGS[path].influence
    return influence is not None and Result.IDENTITY in influence.results


def hashed(setting: MarkedSetting) -> set[Result]:
    assert setting.influence is not None
    results = set(setting.influence.results)
    results |= {READERS[result] for result in results & set(READERS)}
    in_no_fingerprint = {Result.IDENTITY, Result.VOCABULARY, Result.REPLY, Result.METADATA}
    return results - in_no_fingerprint


@pytest.mark.parametrize("path", SETTINGS)
def test_a_setting_changes_what_its_mark_says_and_nothing_else(path: str) -> None:
    setting = SETTINGS[path]
    assert setting.influence is not None, f"{path} has no mark: say what it changes, or NOTHING"
    pair = changed(path, in_use(path))
    if pair is None:
        assert VALUES.get(path, "") is None, f"no other valid value was found for {path}: add one to VALUES"
        return
    assert differences(*pair, path) == hashed(setting)


@pytest.mark.parametrize("path", [path for path in SETTINGS if any(True for _ in switches(path))])
def test_a_setting_that_is_not_in_use_changes_nothing(path: str) -> None:
    others: dict[str, Any] = {
        "audio.crosstalk.compare_words": True,
        "audio.crosstalk.cancel_echo": True,
        "voice_activity.detectors": "pyannote" if "silero" in path or "energy" in path else "silero",
        "transcription.engines": "scripted" if "sphinx" in path else "sphinx",
        "transcription.faster_whisper.word_times": False,
        "transcription.mlx_qwen3.word_times": False,
        "transcription.mlx_qwen3.quantize_bits": None,
        "transcription.scripted.missing": "empty",
        "redaction.redact_stored": False,
        "diarisation.engine": "none",
        "sentiment.text.engine": "off",
        "sentiment.fusion.method": "off",
    }
    for switch, _ in switches(path):
        values = set_at(in_use(path), switch, others[switch])
        if switch == path:
            continue
        pair = changed(path, values)
        if pair is not None:
            assert differences(*pair, path) == set()


@pytest.mark.parametrize(
    ("path", "value", "engine"),
    [
        ("transcription.engines", "sphinx", "mlx_qwen3"),
        ("transcription.faster_whisper.model", "owner/name", "faster_whisper"),
        ("transcription.faster_whisper.revision", "b" * 40, "faster_whisper"),
        ("transcription.transformers_ctc.model", "owner/name", "transformers_ctc"),
        ("transcription.openai_audio.model", "whisper-2", "openai_audio"),
        ("transcription.openai_audio.revision", "2", "openai_audio"),
        ("transcription.scripted.missing", "hash", "scripted"),
    ],
)
def test_which_recogniser_and_which_weights_are_the_identity(path: str, value: str, engine: str) -> None:
    values = set_at(in_use(path), "transcription.engines", engine)
    before = expected_identity(Settings.model_validate(values))
    after = expected_identity(Settings.model_validate(set_at(values, path, value)))
    assert before is not None
    assert after is not None
    assert (before.engine, before.model, before.revision) != (after.engine, after.model, after.revision)
