"""Remedies in their order, laziness kept, counts told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import (
    OUT_OF_MEMORY,
    HeardLanguage,
    Samples,
    SegmentPlace,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.gated import GatedTranscriber
from pipeline.transcription.windows import join
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


# ------------------------------------------------------------------------------------------- windows


def _window(*seconds: float, context: str = "", heard: HeardLanguage | None = None) -> SegmentRequest:
    language = heard.code if heard else "en"
    pieces = [
        SegmentRequest(key=f"s{i}", samples=babble(s, seed=i), language=language, context=context, heard=heard)
        for i, s in enumerate(seconds)
    ]
    return join(pieces, [None] * (len(pieces) - 1))


def _words(request: SegmentRequest, *texts: str, confidence: float = 0.9) -> SegmentResult:
    """Each text in the middle of its part."""
    words = []
    for part, text in zip(request.parts, texts, strict=True):
        middle_s = (part.first + part.last) / 2 / SAMPLE_RATE_HZ
        words += [Word(text=w, start_s=middle_s, end_s=middle_s, confidence=confidence) for w in text.split()]
    return SegmentResult(key=request.key, text=" ".join(texts), language=request.language, words=tuple(words))


@dataclass
class Polyglot(FakeTranscriber):
    """Hears the language that `tongue` finds in the samples."""

    tongue: HeardLanguage | None = None
    """None: it has no memory to listen."""
    asked: list[int] = field(default_factory=list)

    def hear_language(self, samples: Samples) -> HeardLanguage | None:
        self.asked.append(samples.size)
        if self.tongue is None:
            raise RuntimeError("out of memory")
        return self.tongue


def test_no_memory_to_hear_another_language_costs_no_text() -> None:
    engine = Polyglot(answer=lambda one: SegmentResult(key=one.key, text="mumble", language="en", confidence=0.2))
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.5), TrustGateSettings())
    (result,) = gated.transcribe([request(babble(3), "a")])
    assert engine.asked
    assert (result.text, result.error, result.flags) == ("mumble", None, ("low_confidence",))


def test_a_window_comes_back_as_its_segments() -> None:
    engine = FakeTranscriber(answer=lambda one: _words(one, "so it is", "is it", "yes"))
    results = list(_gated(engine).transcribe([_window(2, 2, 2)]))
    assert [(one.key, one.text) for one in results] == [("s0", "so it is"), ("s1", "is it"), ("s2", "yes")]
    assert len(engine.seen) == 1


@pytest.mark.parametrize("enabled", [True, False])
def test_only_the_suspect_segment_of_a_window_is_recognised_again(enabled: bool) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        return _words(one, "so it is", "", "yes") if one.parts else _said("here I am")

    engine = _answering(answer)
    results = {one.key: one for one in _gated(engine, enabled=enabled).transcribe([_window(2, 3, 2)])}
    assert [one.key for one in engine.seen] == (["s0", "s1"] if enabled else ["s0"])
    assert {key: one.text for key, one in results.items()} == {
        "s0": "so it is", "s1": "here I am" if enabled else "", "s2": "yes"
    }  # fmt: skip
    assert results["s1"].flags == (("speech_without_text_cured",) if enabled else ())


def test_a_loop_in_a_window_makes_all_of_it_suspect() -> None:
    engine = _answering(lambda one: _words(one, "so it is", "no " * 12) if one.parts else _said(f"alone {one.key}"))
    results = {one.key: one for one in _gated(engine).transcribe([_window(3, 3)])}
    assert {key: (one.text, one.flags) for key, one in results.items()} == {
        "s0": ("alone s0", ("loop_cured",)), "s1": ("alone s1", ("loop_cured",))
    }  # fmt: skip


def test_a_window_that_fails_falls_apart_into_its_segments() -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.parts or one.key == "s1":
            return _said("", error="no memory", flags=(OUT_OF_MEMORY,))
        return _said("so it is")

    results = {one.key: one for one in _gated(_answering(answer)).transcribe([_window(2, 2, 2)])}
    assert {key: (one.text, one.error) for key, one in results.items()} == {
        "s0": ("so it is", None), "s1": ("", "no memory"), "s2": ("so it is", None)
    }  # fmt: skip


def test_words_the_engine_hardly_believes_are_tried_by_themselves_then_flagged() -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.parts:
            return _words(one, "so it is", "mumble", confidence=0.3)
        return _said("better", confidence=0.8) if one.key == "s0" else _said("mumble", confidence=0.2)

    engine = _answering(answer)
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.5), TrustGateSettings())
    results = {one.key: one for one in gated.transcribe([_window(2, 2)])}
    assert (results["s0"].text, results["s0"].flags) == ("better", ("low_confidence_cured",))
    assert (results["s1"].text, results["s1"].flags) == ("mumble", ("low_confidence",))


def _alone_with_its_surroundings(seconds: float) -> SegmentRequest:
    quiet: Samples = np.zeros(4000, dtype=np.float32)
    return join([SegmentRequest(key="s0", samples=babble(seconds), language="en")], [], quiet, quiet)


def test_a_window_of_one_segment_is_tried_in_halves() -> None:
    """By itself it would be decoded as before, less the sound around it."""
    engine = _answering(lambda one: _words(one, "no " * 12) if one.parts else _said("half"))
    (result,) = _gated(engine).transcribe([_alone_with_its_surroundings(3)])
    assert [one.key for one in engine.seen] == ["s0", "s0#0", "s0#1"]
    assert (result.key, result.text, result.flags) == ("s0", "half half", ("loop_cured",))


def test_a_window_of_one_segment_that_fails_is_not_asked_for_again() -> None:
    engine = _answering(lambda _: _said("", error="no answer"))
    (result,) = _gated(engine).transcribe([_alone_with_its_surroundings(3)])
    assert (len(engine.seen), result.key, result.error) == (1, "s0", "no answer")


def test_an_engine_whose_confidence_nobody_compared_is_not_doubted_for_it() -> None:
    (result,) = _gated(_answering(lambda one: _said("so it is", confidence=0.01))).transcribe([request(babble(3), "a")])
    assert result.flags == ()


@pytest.mark.parametrize(
    ("tongue", "given", "language", "flags"),
    [
        pytest.param(HeardLanguage(code="fr", probability=0.95), None, "fr", ["other_language"], id="clearly another"),
        pytest.param(HeardLanguage(code="fr", probability=0.6), None, "en", [], id="perhaps another"),
        pytest.param(HeardLanguage(code="en", probability=0.95), None, "en", [], id="the call's"),
        pytest.param(HeardLanguage(code="fr", probability=0.95), "en", "en", ["other_language"], id="given"),
    ],
)
def test_a_doubtful_segment_in_another_language_is_recognised_in_it(
    tongue: HeardLanguage, given: str | None, language: str, flags: list[str]
) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.parts:
            return _words(one, "so it is", "mumble mumble")
        return SegmentResult(key=one.key, text="bonjour", language=one.language, confidence=0.99)

    engine = Polyglot(answer=answer, tongue=tongue)
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.95), TrustGateSettings())
    call = None if given else HeardLanguage(code="en", probability=0.7)
    results = {one.key: one for one in gated.transcribe([_window(0.6, 3, heard=call)])}
    assert [one.language for one in engine.seen if not one.parts and one.key == "s1"] == [language]
    assert results["s1"].language == language
    assert [flag for flag in results["s1"].flags if flag == "other_language"] == flags
    assert len(engine.asked) == 1, "0.6 s is too short to hear a language in"


@pytest.mark.parametrize(("sure", "language"), [(True, "en"), (False, None)])
def test_the_call_s_language_is_reported_where_it_is_more_than_a_guess(sure: bool, language: str | None) -> None:
    heard = HeardLanguage(code="en", probability=0.4, sure=sure)
    engine = FakeTranscriber(answer=lambda one: _words(one, "so it is", "yes"))
    results = list(_gated(engine).transcribe([_window(2, 2, heard=heard)]))
    assert [(one.language, one.language_probability) for one in results] == [(language, 0.4)] * 2


def test_notes_beside_words_are_no_words() -> None:
    words = tuple(Word(text=text, start_s=i, end_s=i + 1) for i, text in enumerate(["[laughs", "out]", "yes", "(555)"]))
    engine = _answering(lambda one: _said("[laughs out] yes (555)", words=words))
    (result,) = _gated(engine).transcribe([request(babble(4), "a")])
    assert result.text == "yes (555)"
    assert [word.text for word in result.words or ()] == ["yes", "(555)"]
    assert result.flags == ("annotation_removed",)


def test_music_is_not_kept_as_words() -> None:
    (result,) = _gated(_answering(lambda one: _said("(upbeat music)"))).transcribe([request(babble(1.5), "a")])
    assert (result.text, result.flags) == ("", ("annotation",))


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("ขอบคุณครับ so it is", True),
        ("ขอบคุณครับ", False),
        ("so it is", False),
        ("я хочу обновить iPhone", False),
        ("okay", False),
    ],
)
def test_a_text_of_several_scripts_in_an_unknown_language_is_suspect(text: str, fires: bool) -> None:
    engine = FakeTranscriber(answer=lambda one: SegmentResult(key=one.key, text=text, language=None))
    (result,) = _gated(engine, split=False).transcribe([request(babble(3), "a", language=None)])
    assert ("wrong_script" in result.flags) is fires


@pytest.mark.parametrize(
    ("bare", "text", "heard"),
    [
        pytest.param("so the brunch of ours", "so the branch of ours", ["", CONTEXT], id="sounds like a term"),
        pytest.param("so the visor of hours", "so the visor of hours", ["", CONTEXT], id="sounds like another term"),
        pytest.param("so the branch of hours", "so the branch of hours", [""], id="has it already"),
        pytest.param("i lost it", "i lost it", [""], id="nothing like it"),
    ],
)
@pytest.mark.parametrize("windowed", [True, False])
def test_a_term_of_the_vocabulary_is_looked_for_where_something_sounds_like_it(
    bare: str, text: str, heard: list[str], windowed: bool
) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        said = "a ill-sposed branch of ours" if one.context else bare
        return _words(one, said, "yes") if one.parts else _said(said)

    engine = _answering(answer)
    asked = _window(2, 2, context=CONTEXT) if windowed else request(babble(3), "s0", context=CONTEXT)
    results = {one.key: one for one in _gated(engine).transcribe([asked])}
    assert results["s0"].text == text
    assert [one.context for one in engine.seen] == heard
