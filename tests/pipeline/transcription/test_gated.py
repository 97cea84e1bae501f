"""Remedies in their order, laziness kept, counts told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import (
    OUT_OF_MEMORY,
    SegmentPlace,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.gated import GatedTranscriber
from tests.pipeline.transcription.fakes import FakeTranscriber, babble, description, hiss, request, silence

ECHO = "visa debit card branch"
CONTEXT = "visa, debit card, branch"
BARE = "my visor debt card at the brunch"


def _said(text: str, **values: object) -> SegmentResult:
    return SegmentResult(key="", text=text, language="en", **values)  # type: ignore[arg-type]


def _gated(engine: FakeTranscriber, **settings: object) -> GatedTranscriber:
    return GatedTranscriber(engine, description(), TrustGateSettings.model_validate(settings))


def _answering(function: object, batch: int = 1) -> FakeTranscriber:
    def answer(one: SegmentRequest) -> SegmentResult:
        result: SegmentResult = function(one)  # type: ignore[operator]
        return SegmentResult(
            key=one.key,
            text=result.text,
            language=result.language,
            words=result.words,
            confidence=result.confidence,
            flags=result.flags,
            error=result.error,
        )

    return FakeTranscriber(answer=answer, batch=batch)


def test_a_good_result_passes_untouched() -> None:
    engine = _answering(lambda one: _said("so it is", confidence=0.5))
    gated = _gated(engine)
    assert list(gated.transcribe([request(babble(3), "a")])) == [
        SegmentResult(key="a", text="so it is", language="en", confidence=0.5)
    ]
    assert len(engine.seen) == 1


def test_first_remedy_is_without_context() -> None:
    engine = _answering(lambda one: _said(ECHO if one.context else "i lost my card"))
    gated = _gated(engine, support=False)
    (result,) = gated.transcribe([request(babble(3), "a", context=CONTEXT)])
    assert (result.key, result.text, result.flags) == ("a", "i lost my card", ("context_echo_cured",))
    assert [one.context for one in engine.seen] == [CONTEXT, ""]


def test_second_remedy_is_two_halves_joined_on_the_segments_clock() -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        seconds = one.samples.size / SAMPLE_RATE_HZ
        if seconds > 7:
            return _said("and so on " * 8)
        half = "first half" if one.key.endswith("#0") else "second half"
        return _said(half, words=(Word(text=half, start_s=0.5, end_s=1.0),), confidence=0.25 * (1 + int(one.key[-1])))

    engine = _answering(answer)
    place = SegmentPlace(file_name="f", audio_sha256="0", channel=1, start_s=100.0)
    samples = babble(8)
    asked = SegmentRequest(key="a", samples=samples, language="en", context="x", place=place)
    gated = _gated(engine)
    (result,) = gated.transcribe([asked])
    assert result.key == "a"
    assert result.text == "first half second half"
    assert result.flags == ("loop_cured",)
    first, second = engine.seen[-2:]
    assert first.samples.size + second.samples.size == samples.size
    offset_s = first.samples.size / SAMPLE_RATE_HZ
    assert result.words is not None
    assert [word.start_s for word in result.words] == pytest.approx([0.5, 0.5 + offset_s])
    assert first.place == place
    assert second.place is not None
    assert second.place.start_s == pytest.approx(100.0 + offset_s)
    assert result.confidence is not None
    assert 0.25 < result.confidence < 0.5
    assert [one.context for one in engine.seen] == ["", "", ""]


@pytest.mark.parametrize(("samples", "halves"), [(3 * SAMPLE_RATE_HZ - 1, 0), (3 * SAMPLE_RATE_HZ, 2)])
def test_a_segment_is_split_from_its_least_length_on(samples: int, halves: int) -> None:
    engine = _answering(lambda one: _said("so it is" if "#" in one.key else "and so on " * 8))
    asked = request(babble(4)[:samples], "a")
    (result,) = _gated(engine, split_min_s=3.0, support=False, retry_without_context=False).transcribe([asked])
    assert [one.key for one in engine.seen] == ["a", *(f"a#{half}" for half in range(halves))]
    assert result.text == ("so it is so it is" if halves else "and so on " * 8)


def test_the_confidence_of_two_halves_is_weighted_by_their_lengths() -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if "#" not in one.key:
            return _said("and so on " * 8)
        return _said("half", confidence={"0": 0.2, "1": 0.8}[one.key[-1]])

    engine = _answering(answer)
    samples = np.concatenate([babble(2.4), silence(0.2), babble(5.4)])
    (result,) = _gated(engine).transcribe([request(samples, "a")])
    first, second = (one.samples.size / samples.size for one in engine.seen[-2:])
    assert first == pytest.approx(2.5 / 8, abs=0.02)
    assert result.confidence == pytest.approx(0.2 * first + 0.8 * second)


def test_what_no_remedy_helps_is_flagged_and_counted() -> None:
    engine = _answering(lambda one: _said("and so on " * 8))
    gated = _gated(engine, support=False)
    (result,) = gated.transcribe([request(babble(8), "a", context="x")])
    assert result.flags == ("loop",)
    assert result.text == "and so on " * 8
    assert len(engine.seen) == 4


def test_words_where_nobody_spoke_are_taken_out() -> None:
    gated = _gated(_answering(lambda one: _said("so it is", confidence=0.9)))
    (result,) = gated.transcribe([request(hiss(4), "a")])
    assert (result.text, result.words, result.confidence) == ("", None, None)
    assert result.flags == ("text_without_speech",)


def test_a_broken_retry_does_not_cost_the_text() -> None:
    engine = _answering(lambda one: _said("", error="out of memory") if not one.context else _said(ECHO))
    (result,) = _gated(engine, split=False, support=False).transcribe([request(babble(3), "a", context=CONTEXT)])
    assert result.error is None
    assert (result.text, result.flags) == (ECHO, ("context_echo",))


def test_a_broken_hearing_with_the_vocabulary_does_not_cost_the_text() -> None:
    engine = _answering(
        lambda one: _said("", error="no memory", flags=(OUT_OF_MEMORY,)) if one.context else _said(BARE)
    )
    (result,) = _gated(engine).transcribe([request(babble(3), "a", context=CONTEXT)])
    assert (result.text, result.error, result.flags) == (BARE, None, ())
    assert [one.context for one in engine.seen] == ["", CONTEXT]


def test_errors_and_unsupported_languages_are_not_retried() -> None:
    engine = _answering(
        lambda one: _said("", error="planted") if one.key == "e" else _said("", flags=("language_unsupported",))
    )
    results = {one.key: one for one in _gated(engine).transcribe([request(babble(4), "e"), request(babble(4), "l")])}
    assert results["e"].error == "planted"
    assert results["l"].flags == ("language_unsupported",)
    assert len(engine.seen) == 2


@pytest.mark.parametrize("off", [{"enabled": False}, {"retry_without_context": False, "split": False}])
def test_remedies_can_be_switched_off(off: dict[str, bool]) -> None:
    engine = _answering(lambda one: _said("and so on " * 8))
    (result,) = _gated(engine, **off).transcribe([request(babble(8), "a", context="x")])
    assert len(engine.seen) == 1
    assert result.flags == (() if "enabled" in off else ("loop",))


def test_requests_are_pulled_only_when_the_engine_asks() -> None:
    pulled: list[str] = []

    def stream() -> Iterator[SegmentRequest]:
        for i in range(10):
            pulled.append(str(i))
            yield request(babble(3), str(i))

    results = _gated(_answering(lambda one: _said("so it is"), batch=2)).transcribe(stream())
    next(results)
    assert pulled == ["0", "1"]


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_every_request_comes_back_once_whatever_the_batch(batch: int) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.context and one.key in {"1", "4"}:
            return _said(ECHO)
        return _said("and so on " * 8) if one.key in {"2", "5"} else _said("so it is")

    engine = _answering(answer, batch=batch)
    gated = _gated(engine)
    results = list(gated.transcribe(request(babble(8, seed=i), str(i), context=CONTEXT) for i in range(7)))
    assert sorted(one.key for one in results) == [str(i) for i in range(7)]
    assert next(gated.transcribe([request(babble(3), "again")])).key == "again"


def test_retries_go_ahead_of_new_requests() -> None:
    engine = _answering(lambda one: _said(ECHO if one.context else BARE))
    list(_gated(engine).transcribe(request(babble(3), str(i), context=CONTEXT) for i in range(3)))
    assert [one.key for one in engine.seen] == ["0", "0", "1", "1", "2", "2"]


ARABIC = "مرحبا، كيف يمكنني مساعدتك اليوم؟"


@pytest.mark.parametrize(
    ("first", "second", "language"),
    [
        pytest.param(("", "en"), (ARABIC, "ar"), "ar", id="noise, then words"),
        pytest.param((ARABIC, "ar"), ("", "en"), "ar", id="words, then noise"),
        pytest.param(("ok", "en"), (ARABIC, "ar"), "ar", id="most of it decides"),
        pytest.param(("", "en"), (ARABIC, None), None, id="noise says nothing of words in an unknown language"),
        pytest.param(("ok", "en"), (ARABIC, None), None, id="nor does the smaller half"),
        pytest.param((ARABIC, "ar"), ("so it is, is it, so it is as it", "en"), "ar", id="of equals the first"),
    ],
)
def test_the_language_of_two_halves_is_that_of_most_of_the_text(
    first: tuple[str, str | None], second: tuple[str, str | None], language: str | None
) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        text, spoken = {"#0": first, "#1": second}.get(one.key[-2:], ("", "en"))
        return SegmentResult(key=one.key, text=text, language=spoken)

    engine = FakeTranscriber(answer=answer)
    (result,) = _gated(engine).transcribe([request(babble(8), "a", language=None)])
    assert result.text == f"{first[0]} {second[0]}".strip()
    assert result.language == language
    assert "wrong_script" not in result.flags


def test_of_equally_suspicious_attempts_one_with_words_is_kept() -> None:
    """Nothing was heard at first; the halves give words, though fewer than there should be."""

    def answer(one: SegmentRequest) -> SegmentResult:
        if "#" not in one.key:
            return _said("")
        return _said("i would like to", flags=("decode_truncated",) if one.key.endswith("#1") else ())

    gated = _gated(_answering(answer))
    (result,) = gated.transcribe([request(babble(8), "a")])
    assert result.text == "i would like to i would like to"
    assert "truncation" in result.flags
