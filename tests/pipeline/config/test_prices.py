"""What a request to a transcription service costs, and which configurations need to know."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.config.areas.speech.cloud import CLOUD_ENGINES
from pipeline.config.areas.speech.prices import Price
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from tests.house import PROJECT

SERVER: dict[str, Any] = {"base_url": "http://127.0.0.1:1/v1"}


@pytest.mark.parametrize(
    ("price", "duration_s", "channels", "billed_s", "cost_usd"),
    [
        (Price(usd_per_minute=0.6), 60.0, 1, 60, 0.6),
        (Price(usd_per_minute=0.6), 60.0, 2, 60, 0.6),
        (Price(usd_per_minute=0.6, bills_each_channel=True), 60.0, 2, 120, 1.2),
        (Price(usd_per_minute=0.6), 0.3, 1, 1, 0.01),
        (Price(usd_per_minute=0.6, billed_at_least_s=15), 0.3, 1, 15, 0.15),
        (Price(usd_per_minute=0.6, billed_at_least_s=15), 0.0, 1, 0, 0.0),
        (Price(usd_per_minute=0.0), 60.0, 1, 60, 0.0),
        (Price(usd_per_minute=None), 60.0, 1, 60, None),
    ],
    ids=["a minute", "two channels at the price of one", "each", "begun", "at least", "nothing", "free", "unknown"],
)
def test_a_request_is_charged_by_its_seconds(
    price: Price, duration_s: float, channels: int, billed_s: int, cost_usd: float | None
) -> None:
    assert price.billed_s(duration_s, channels) == billed_s
    assert price.cost_usd(duration_s, channels) == pytest.approx(cost_usd)


@given(st.lists(st.floats(0, 7200), max_size=20), st.floats(0, 60))
def test_less_is_never_charged_than_was_sent(durations_s: list[float], at_least_s: float) -> None:
    price = Price(usd_per_minute=1.0, billed_at_least_s=at_least_s)
    assert sum(price.billed_s(duration_s) for duration_s in durations_s) >= math.floor(sum(durations_s))


def test_engines_on_this_machine_cost_nothing_and_an_unknown_price_stays_unknown() -> None:
    settings = TranscriptionSettings.model_validate({"engines": ["openai_audio"], "openai_audio": SERVER})
    assert settings.price("faster_whisper").cost_usd(60.0) == 0.0
    assert settings.price("openai_audio").cost_usd(60.0) is None


def test_a_ceiling_needs_the_price_of_every_engine_that_may_serve() -> None:
    wanted: dict[str, Any] = {"engines": ["openai_audio", "faster_whisper"], "max_cost_usd": 5}
    with pytest.raises(ValidationError, match=r"transcription.openai_audio.usd_per_minute \(0 for your own server\)"):
        TranscriptionSettings.model_validate({**wanted, "openai_audio": SERVER})
    priced = TranscriptionSettings.model_validate({**wanted, "openai_audio": {**SERVER, "usd_per_minute": 0.006}})
    assert priced.max_cost_usd == 5


@pytest.mark.parametrize(
    ("chosen", "wrong"),
    [
        ({"engines": ["faster_whisper", "deepgram"]}, "names deepgram as a fallback.*cloud_as_fallback"),
        ({"engines": ["deepgram", "azure"], "azure": {"endpoint": "https://a"}}, "names azure as a fallback"),
        ({"engines": ["deepgram", "faster_whisper"]}, None),
        ({"engines": ["faster_whisper", "deepgram"], "cloud_as_fallback": True}, None),
        ({"engines": ["google"]}, r"transcription\.google\.project is empty"),
        ({"engines": ["aws"]}, r"transcription\.aws\.bucket is empty"),
        ({"engines": ["azure"]}, r"transcription\.azure\.endpoint is empty"),
    ],
)
def test_audio_goes_to_a_cloud_only_where_that_is_meant(chosen: dict[str, Any], wrong: str | None) -> None:
    if wrong is None:
        TranscriptionSettings.model_validate(chosen)
        return
    with pytest.raises(ValidationError, match=wrong):
        TranscriptionSettings.model_validate(chosen)


def test_a_cloud_request_must_end_before_its_process_is_taken_for_hung() -> None:
    chosen: dict[str, Any] = {"transcription": {"engines": ["deepgram"]}, "run": {"segment_timeout_s": 200}}
    with pytest.raises(ValidationError, match=r"deepgram\.time_limit_s \(270\) must be under run\.segment_timeout_s"):
        Settings.model_validate(chosen)
    Settings.model_validate({**chosen, "run": {"segment_timeout_s": 271}})


EXAMPLES = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs" / "recognisers.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documents_are_valid(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPGRAM_USD_PER_MINUTE", "0.5")
    path = tmp_path / "config.yaml"
    path.write_text(example, "utf-8")
    chosen = load_settings(path).settings.transcription
    assert chosen.engines[0] in CLOUD_ENGINES
    assert chosen.engines[0] != "deepgram" or chosen.price("deepgram").usd_per_minute == 0.5
