from __future__ import annotations

import pickle
from collections.abc import Collection
from typing import Any

import pytest

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import EarshotError, ModelUnavailable
from pipeline.purse import SharedPurse
from pipeline.transcription.engine import CallSpeech, HeardLanguage, Samples, SegmentRequest, SegmentResult
from pipeline.transcription.engines.meter import CostCeilingReached, Meter
from pipeline.transcription.recogniser import GatedRecogniser, build_recogniser
from pipeline.transcription.text.vocabulary import context_terms, context_text
from tests.pipeline.transcription.fakes import FakeTranscriber, babble, hiss, request, silence


def _with(engine: FakeTranscriber, vocabulary: tuple[str, ...] = (), **settings: object) -> GatedRecogniser:
    values = TranscriptionSettings.model_validate({"engines": ["sphinx"], **settings})
    recogniser = GatedRecogniser(values, vocabulary, builders={"sphinx": lambda *_: engine})
    recogniser.load()
    return recogniser


def test_vocabulary_and_language_reach_the_engine() -> None:
    engine = FakeTranscriber()
    recogniser = _with(engine, ("Visa", "savings account"), language="fr", trust_gates={"enabled": False})
    own = SegmentRequest(key="own", samples=babble(2), language="ar", context="RIB")
    list(recogniser.transcribe([request(babble(2), "plain", language=None), own]))
    assert [(one.language, one.context) for one in engine.seen] == [("fr", "Visa, savings account"), ("ar", "RIB")]
    recogniser.close()
    assert engine.closed
    with pytest.raises(EarshotError, match="load"):
        recogniser.transcribe([])


def test_an_engine_that_takes_no_vocabulary_is_given_none() -> None:
    engine = FakeTranscriber(takes_context=False)
    list(_with(engine, ("Visa",)).transcribe([request(babble(2), "plain"), request(babble(2), "own", context="RIB")]))
    assert [seen.context for seen in engine.seen] == ["", ""]


def test_the_gates_stand_in_between_and_count() -> None:
    engine = FakeTranscriber(answer=lambda one: SegmentResult(key=one.key, text="so it is", language="en"))
    recogniser = _with(engine)
    (result,) = recogniser.transcribe([request(hiss(3), "noise")])
    assert (result.text, result.flags) == ("", ("text_without_speech",))


class Hearer(FakeTranscriber):
    """Hears French in everything, and counts how often it is asked."""

    asked: int = 0
    among: Collection[str] = ()

    def hear_language(self, samples: Samples, among: Collection[str] = ()) -> HeardLanguage | None:
        self.asked += 1
        self.among = among
        if not samples.any():
            raise MemoryError
        return HeardLanguage(code="fr", probability=0.8)


def _of_call(call_id: str, key: str, language: str | None = None, silent: bool = False) -> SegmentRequest:
    speech = CallSpeech(call_id=call_id, read=lambda: silence(2) if silent else babble(2), longest_s=2.0)
    return SegmentRequest(key=key, samples=babble(2), language=language, call=speech)


def test_a_call_s_language_is_heard_once_and_reported_with_its_probability() -> None:
    engine = Hearer()
    asked = [_of_call(call, f"{call}{i}") for i in range(3) for call in "ab"]
    results = list(_with(engine).transcribe(asked))
    assert engine.asked == 2
    assert {(one.language, one.language_probability) for one in results} == {("fr", 0.8)}


def test_the_calls_that_were_heard_first_are_forgotten_first() -> None:
    engine = Hearer()
    recogniser = _with(engine)
    for call, asked in [("first", 1), *((str(number), 2 + number) for number in range(255))]:
        list(recogniser.transcribe([_of_call(call, call)]))
        assert engine.asked == asked
    list(recogniser.transcribe([_of_call("first", "k")]))
    assert engine.asked == 256, "256 are remembered"
    list(recogniser.transcribe([_of_call("one more", "k"), _of_call("0", "k2")]))
    assert engine.asked == 257
    list(recogniser.transcribe([_of_call("first", "k")]))
    assert engine.asked == 258


class Paid(FakeTranscriber):
    """Costs something."""

    meter = Meter()


def test_an_engine_that_is_paid_is_metered_at_its_price_below_the_ceiling() -> None:
    engine, purse = Paid(engine="openai_audio"), SharedPurse()
    values = {"engines": ["sphinx"], "openai_audio": {"usd_per_minute": 0.5}, "max_cost_usd": 5.0}
    settings = TranscriptionSettings.model_validate(values)
    GatedRecogniser(settings, (), builders={"sphinx": lambda *_: engine}, purse=purse).load()
    with engine.meter.request(60.0):
        pass
    assert purse.now.cost_usd == 0.5
    with pytest.raises(CostCeilingReached), engine.meter.request(600.0):
        pass


def test_a_call_s_language_is_one_of_those_that_are_configured() -> None:
    engine = Hearer()
    list(_with(engine, languages=("fr", "de")).transcribe([_of_call("a", "k")]))
    assert engine.among == ("fr", "de")
    assert [one.languages for one in engine.seen] == [("fr", "de")]


def test_languages_the_model_does_not_know_are_refused_when_it_is_loaded() -> None:
    with pytest.raises(ModelUnavailable, match="knows none of the languages fr, de"):
        _with(FakeTranscriber(languages=frozenset({"en"})), languages=("fr", "de"))


@pytest.mark.parametrize(
    ("request_", "settings", "language", "asked"),
    [
        pytest.param(_of_call("a", "k", language="it"), {}, "it", 0, id="named by the call's metadata"),
        pytest.param(_of_call("a", "k"), {"language": "de"}, "de", 0, id="named by the configuration"),
        pytest.param(_of_call("a", "k"), {"language_per": "segment"}, None, 0, id="each segment by itself"),
        pytest.param(request(babble(2), language=None), {}, None, 0, id="nothing of the call to hear"),
        pytest.param(_of_call("a", "k", silent=True), {}, None, 1, id="no memory to hear it"),
    ],
)
def test_no_language_is_heard_where_it_is_known_or_changes(
    request_: SegmentRequest, settings: dict[str, Any], language: str | None, asked: int
) -> None:
    engine = Hearer()
    (result,) = _with(engine, **settings).transcribe([request_])
    assert {one.language for one in engine.seen} == {language}
    assert engine.asked == asked
    by_segment = settings.get("language_per") == "segment"
    assert {one.call for one in engine.seen} == {None if by_segment else request_.call}
    assert result.language_probability is None


def test_what_the_process_is_given_pickles_and_builds() -> None:
    settings = TranscriptionSettings(engines=("scripted",))
    build, arguments = pickle.loads(pickle.dumps((build_recogniser, (settings, ("Visa",)))))
    description, identity = build(*arguments).load()
    assert description.engine == identity.engine == "scripted"


@pytest.mark.parametrize(
    ("terms", "limit", "text"),
    [
        ((), 100, ""),
        (("a", "b", "a"), 100, "a, b"),
        (("long term", "x"), 5, "x"),
        (("comma, inside", " "), 100, "comma inside"),
        (("abc", "def"), 8, "abc, def"),
        (("abc", "def"), 7, "abc"),
        (("abc",), 0, ""),
    ],
)
def test_context(terms: tuple[str, ...], limit: int, text: str) -> None:
    assert context_text(terms, limit) == text
    assert context_text(context_terms(text), 1000) == text


@pytest.mark.parametrize(("most", "text"), [(0, ""), (1, "abc"), (2, "abc, d"), (None, "abc, d, e")])
def test_a_context_of_so_many_terms(most: int | None, text: str) -> None:
    """A term that does not fit costs none that does."""
    assert context_text(("abc", "too long a term", "d", "e"), 12, most) == text
