from __future__ import annotations

import pickle

import pytest

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import EarshotError
from pipeline.transcription.engine import SegmentRequest, SegmentResult
from pipeline.transcription.recogniser import GatedRecogniser, build_recogniser
from pipeline.transcription.text.vocabulary import context_terms, context_text
from tests.pipeline.transcription.fakes import FakeTranscriber, babble, hiss, request


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
    engine = FakeTranscriber(answer=lambda one: SegmentResult(key=one.key, text="thanks for watching", language="en"))
    recogniser = _with(engine)
    (result,) = recogniser.transcribe([request(hiss(3), "noise")])
    assert (result.text, result.flags) == ("", ("text_without_speech",))


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
