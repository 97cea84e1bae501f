"""The cloud recognisers through the vendors' own clients, against servers on loopback that answer as theirs do."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.areas.speech.prices import Price
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import ModelUnavailable
from pipeline.purse import SharedPurse
from pipeline.transcription.engine import (
    COST_CEILING,
    SERVICE_UNAVAILABLE,
    CallSpeech,
    SegmentPlace,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.engines.catalogue import ENGINES
from pipeline.transcription.engines.cloud.engine import CloudTranscriber
from pipeline.transcription.engines.expected import expected_name
from pipeline.transcription.engines.meter import Meter
from pipeline.weights.hub import Hub
from tests.loopback import Reply
from tests.pipeline.transcription.engines.cloud.servers import (
    BAD_REQUEST,
    BROKEN,
    BUSY,
    CUT,
    ELSEWHERE,
    NO_JSON,
    REFUSED_KEY,
    SLOW,
    AwsServer,
    AzureServer,
    CloudServer,
    DeepgramServer,
    GoogleServer,
)

KEY = "a-secret-key-of-some-length"


@dataclass(frozen=True)
class Vendor:
    name: str
    package: str
    server: Callable[[], CloudServer]
    options: Callable[[CloudServer], dict[str, Any]]


VENDORS = {
    "deepgram": Vendor("deepgram", "deepgram", DeepgramServer, lambda s: {"base_url": s.url}),
    "azure": Vendor("azure", "azure.ai.transcription", AzureServer, lambda s: {"endpoint": s.url}),
    "google": Vendor("google", "google.cloud.speech_v2", GoogleServer, lambda s: {"endpoint": s.url, "project": "p"}),
    "aws": Vendor(
        "aws", "boto3", AwsServer,
        lambda s: {
            "bucket": "b", "region": "eu-west-1", "endpoint_url": s.url, "s3_endpoint_url": s.url, "poll_s": 0.01,
        },
    ),
}  # fmt: skip


def importable(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


@dataclass
class Place:
    vendor: Vendor
    server: CloudServer
    model: str = ""

    def engine(self, **options: Any) -> CloudTranscriber:
        given = {
            **self.vendor.options(self.server),
            "backoff_initial_s": 0.001,
            "backoff_max_s": 0.002,
            "time_limit_s": 20.0,
            **options,
        }
        settings = TranscriptionSettings.model_validate({"engines": [self.vendor.name], self.vendor.name: given})
        engine = ENGINES[self.vendor.name](settings, Hub(allow_download=False, timeout_s=1.0))
        assert isinstance(engine, CloudTranscriber)
        self.model = engine.load().model
        assert expected_name(settings, self.vendor.name).model == self.model
        return engine


@pytest.fixture(params=list(VENDORS))
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    vendor = VENDORS[request.param]
    if not importable(vendor.package):
        pytest.skip(f"{vendor.package} is not installed: the extra {vendor.name} has it")
    for name in ("DEEPGRAM_API_KEY", "AZURE_SPEECH_KEY", "GOOGLE_SPEECH_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    server = vendor.server()
    yield Place(vendor, server)
    server.stop()


def sound(seconds: float) -> Any:
    return np.full(round(seconds * 16_000), 0.5, dtype=np.float32)


def asked(
    seconds: float, channel: int = 0, call: str = "a.wav", language: str | None = "en", context: str = ""
) -> SegmentRequest:
    place = SegmentPlace(file_name=call, audio_sha256=call, channel=channel, start_s=0.0)
    return SegmentRequest(
        key=f"{call}/{channel}/{seconds}", samples=sound(seconds), language=language, context=context, place=place
    )


def answers(engine: CloudTranscriber, *requests: SegmentRequest) -> list[SegmentResult]:
    by_key = {result.key: result for result in engine.transcribe(iter(requests))}
    assert len(by_key) == len(requests)
    return [by_key[request.key] for request in requests]


def test_both_channels_go_in_one_request_and_each_gets_its_own_words(place: Place) -> None:
    engine = place.engine()
    first, second = answers(engine, asked(1.5, 0), asked(0.5, 1))
    assert [channels.shape for channels in place.server.heard] == [(24_000, 2)]
    for result, said in ((first, "1.50"), (second, "0.50")):
        assert result.error is None
        assert said in result.text
        assert result.language == "en"
        assert result.confidence == pytest.approx(0.85)
        assert result.words is not None
        assert [word.text.strip(".").lower() for word in result.words] == ["hello", said]
        assert result.text.split() == [word.text for word in result.words]
        assert result.words[-1].end_s == pytest.approx(float(said), abs=0.002)
        assert all(word.confidence is not None and 0.8 <= word.confidence <= 0.9 for word in result.words)
    engine.close()


def test_a_channel_alone_and_channels_of_different_calls_go_alone(place: Place) -> None:
    engine = place.engine(concurrency=1)
    results = answers(engine, asked(1.0, 0), asked(0.9, 1, "b.wav"), asked(0.8, 1, "b.wav"), asked(0.7, 0, "b.wav"))
    assert [result.text.lower().replace(".", "")[-3:] for result in results] == ["100", "090", "080", "070"]
    assert [channels.shape[1] for channels in place.server.heard] == [1, 1, 2]
    engine.close()


def test_a_silent_channel_beside_speech_is_no_error(place: Place) -> None:
    engine = place.engine()
    mute = asked(1.0, 1)
    mute = SegmentRequest(key="mute", samples=np.zeros_like(mute.samples), language="en", place=mute.place)
    loud, silent = answers(engine, asked(1.0, 0), mute)
    assert "1.00" in loud.text
    assert (silent.text, silent.error, silent.confidence) == ("", None, None)
    engine.close()


def test_a_language_nobody_named_is_the_service_s(place: Place) -> None:
    engine = place.engine()
    (result,) = answers(engine, asked(1.0, language=None))
    assert result.language == "fr"
    told = place.server.asked[0]
    assert {
        "deepgram": told.get("detect_language") == ["true"],
        "azure": "locales" not in told,
        "google": told.get("languageCodes") == ["auto"],
        "aws": told.get("IdentifyLanguage") is True and "LanguageCode" not in told,
    }[place.vendor.name]
    engine.close()


def test_a_language_nobody_named_is_detected_among_those_configured(place: Place) -> None:
    engine = place.engine()
    answers(engine, replace(asked(1.0, language=None), languages=("fr", "de")))
    told = place.server.asked[0]
    chosen = {
        "deepgram": told.get("detect_language"),
        "azure": told.get("locales"),
        "google": told.get("languageCodes"),
        "aws": told.get("LanguageOptions"),
    }[place.vendor.name]
    assert chosen == (["fr", "de"] if place.vendor.name == "deepgram" else ["fr-FR", "de-DE"])
    assert place.vendor.name != "aws" or (told.get("IdentifyLanguage") is True and "LanguageCode" not in told)
    engine.close()


def in_call(request: SegmentRequest, longest_s: float) -> SegmentRequest:
    assert request.place is not None
    call = CallSpeech(call_id=request.place.file_name, read=lambda: sound(0.3), longest_s=longest_s)
    return replace(request, call=call)


def named(place: Place) -> list[bool]:
    """Of each request, whether it said that the language is French."""
    return [
        {
            "deepgram": told.get("language") == ["fr"],
            "azure": told.get("locales") == ["fr-FR"],
            "google": told.get("languageCodes") == ["fr-FR"],
            "aws": told.get("LanguageCode") == "fr-FR",
        }[place.vendor.name]
        for told in place.server.asked
    ]


def test_the_language_of_a_call_in_one_request_is_named_when_a_part_is_sent_again(place: Place) -> None:
    engine = place.engine(window_s=20.0)
    answers(engine, in_call(asked(1.5, 0, language=None), 10.0), in_call(asked(1.0, 1, language=None), 10.0))
    (again,) = answers(engine, in_call(asked(0.5, language=None), 10.0))
    assert named(place) == [False, True]
    assert [channels.shape[1] for channels in place.server.heard] == [2, 1]
    assert again.language == "fr"
    if place.vendor.name == "deepgram":
        assert again.language_probability == pytest.approx(0.9)
    engine.close()


def test_the_language_of_a_call_in_several_requests_is_detected_once_in_its_clearest_speech(place: Place) -> None:
    engine = place.engine(window_s=1.5)
    pieces = [in_call(asked(seconds, language=None), 3.0) for seconds in (1.5, 1.4, 1.3)]
    other = in_call(asked(1.2, 0, "b.wav", language=None), 1.2)
    results = answers(engine, *pieces, other)
    assert {result.language for result in results} == {"fr"}
    said = sorted(zip((len(channels) for channels in place.server.heard), named(place), strict=True))
    assert said == [(4800, False), (19_200, False), (20_800, True), (22_400, True), (24_000, True)]
    engine.close()


def test_a_language_that_could_not_be_detected_is_looked_for_by_the_next_request(place: Place) -> None:
    place.server.faults.append(BAD_REQUEST)
    engine = place.engine(window_s=1.5, concurrency=1)
    first, second = answers(engine, in_call(asked(1.5, language=None), 2.9), in_call(asked(1.4, language=None), 2.9))
    assert first.error is not None
    assert (second.error, second.language) == (None, "fr")
    assert named(place) == [False, False, True]
    engine.close()


@pytest.mark.parametrize("fault", [BUSY, BROKEN, NO_JSON, CUT], ids=["429", "500", "no JSON", "cut off"])
def test_passing_troubles_are_tried_again(place: Place, fault: Reply) -> None:
    place.server.faults.extend([fault, fault])
    engine = place.engine()
    began = time.monotonic()
    (result,) = answers(engine, asked(1.0))
    assert result.error is None, result.error
    assert "1.00" in result.text
    assert len(place.server.heard) == 3
    if fault is BUSY:
        assert time.monotonic() - began > 0.09, "Retry-After was not heeded"
    engine.close()


@pytest.mark.parametrize("fault", [BUSY, BROKEN, NO_JSON], ids=["429", "500", "no JSON"])
def test_troubles_that_stay_are_for_a_later_run_and_quote_nobody(place: Place, fault: Reply) -> None:
    place.server.faults.extend([fault] * 3)
    engine = place.engine(max_attempts=3)
    (result,) = answers(engine, asked(1.0))
    assert (result.text, result.flags) == ("", (SERVICE_UNAVAILABLE,))
    assert result.error is not None
    assert "secret" not in result.error
    assert "at most 3 attempts" in result.error
    engine.close()


def test_a_refused_request_costs_itself_only(place: Place) -> None:
    place.server.faults.append(BAD_REQUEST)
    engine = place.engine(concurrency=1)
    bad, good = answers(engine, asked(1.0, 0), asked(0.9, 0, "b.wav"))
    assert (bad.text, bad.flags) == ("", ())
    assert bad.error is not None
    assert "answered 400" in bad.error
    assert "secret" not in bad.error
    assert good.error is None
    assert len(place.server.heard) == 2
    engine.close()


def test_an_answer_of_another_service_is_no_transcript(place: Place) -> None:
    if place.vendor.name == "aws":
        pytest.skip("the answer of a job is read from the bucket")
    place.server.faults.append(ELSEWHERE)
    engine = place.engine()
    (result,) = answers(engine, asked(1.0))
    assert result.text == ""
    assert result.error is not None
    assert "secret" not in result.error
    engine.close()


def test_a_refused_key_is_no_request_s_fault_and_is_not_told(place: Place) -> None:
    place.server.faults.extend([REFUSED_KEY] * 5)  # Google's client asks three times by itself
    engine = place.engine()
    with pytest.raises(ModelUnavailable, match="credentials were refused") as refused:
        answers(engine, asked(1.0))
    assert KEY not in str(refused.value)
    assert "secret" not in str(refused.value)
    engine.close()


def test_a_slow_service_is_given_up_at_the_time_limit(place: Place) -> None:
    if place.vendor.name == "aws":
        pytest.skip("its client has one limit for every request; jobs are waited for until their own")
    place.server.faults.extend([SLOW] * 3)
    engine = place.engine(time_limit_s=1.0, max_attempts=1)
    (result,) = answers(engine, asked(1.0))
    assert result.flags == (SERVICE_UNAVAILABLE,), result
    engine.close()


def test_nobody_at_the_address(place: Place) -> None:
    place.server.stop()
    with pytest.raises(ModelUnavailable, match=place.vendor.name):
        place.engine(connect_timeout_s=0.5)


def test_a_service_that_goes_away_is_for_a_later_run(place: Place) -> None:
    engine = place.engine(max_attempts=1, connect_timeout_s=0.5)
    place.server.stop()
    (result,) = answers(engine, asked(1.0))
    assert (result.text, result.flags) == ("", (SERVICE_UNAVAILABLE,)), result
    engine.close()


def test_without_credentials_it_is_not_loaded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEEPGRAM_API_KEY", "AZURE_SPEECH_KEY", "GOOGLE_SPEECH_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    with pytest.raises(ModelUnavailable, match="set "):
        place.engine()
    assert place.server.heard == []


def test_no_request_is_sent_that_could_cross_the_ceiling(place: Place) -> None:
    engine, purse = place.engine(concurrency=4), SharedPurse()
    engine.meter = Meter(Price(usd_per_minute=60.0, bills_each_channel=True), 5.0, purse)
    results = answers(engine, *(asked(1.0, n % 2, f"{n // 2}.wav") for n in range(8)))
    served = [result for result in results if result.error is None]
    assert len(served) == 4, "two dollars for each pair"
    assert {result.flags for result in results if result.error} == {(COST_CEILING,)}
    assert (purse.now.cost_usd, purse.now.units) == (4.0, 4)
    assert len(place.server.heard) == 2
    engine.close()


@pytest.mark.parametrize(
    ("fault", "billed_s"),
    [(BUSY, 1), (BROKEN, 1), (BAD_REQUEST, 0), (NO_JSON, 2)],
    ids=["429", "500", "400", "no JSON"],
)
def test_what_the_service_refused_is_not_charged_and_what_it_did_is(place: Place, fault: Reply, billed_s: int) -> None:
    if place.vendor.name == "aws" and fault is NO_JSON:
        pytest.skip("the answer of a job is read from the bucket")
    place.server.faults.append(fault)
    engine, purse = place.engine(), SharedPurse()
    engine.meter = Meter(Price(usd_per_minute=6.0), None, purse)
    answers(engine, asked(1.0))
    assert purse.now.units == billed_s
    assert purse.now.cost_usd == pytest.approx(billed_s * 0.1)
    engine.close()


def test_of_an_aws_job_nothing_is_left_whatever_became_of_it(place: Place) -> None:
    if not isinstance(place.server, AwsServer):
        pytest.skip("only AWS keeps audio between two requests")
    engine = place.engine()
    answers(engine, asked(1.0), asked(1.0, 1))
    assert (place.server.objects, place.server.jobs) == ({}, {})
    place.server.fails = True
    (failed,) = answers(engine, asked(1.0))
    assert failed.error is not None
    assert "job failed" in failed.error
    assert (place.server.objects, place.server.jobs) == ({}, {})
    place.server.faults.append(BAD_REQUEST)
    answers(engine, asked(1.0))
    assert place.server.objects == {}
    engine.close()


def test_vocabulary_goes_where_the_service_takes_it(place: Place) -> None:
    engine = place.engine()
    answers(engine, asked(1.0, context="Visa, RIB"))
    told = place.server.asked[0]
    sent = {"deepgram": told.get("keyterm"), "azure": told.get("phraseList", {}).get("phrases")}
    assert sent.get(place.vendor.name) == (["Visa", "RIB"] if place.vendor.name in sent else None)
    assert place.vendor.name != "deepgram" or told["mip_opt_out"] == ["true"], "calls train nobody's models unasked"
    engine.close()
