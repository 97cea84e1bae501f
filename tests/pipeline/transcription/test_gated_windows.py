"""Gates over windows: segments that were heard together are judged one by one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import OUT_OF_MEMORY, HeardLanguage, Samples, SegmentRequest, SegmentResult
from pipeline.transcription.gated import GatedTranscriber, _spoken
from pipeline.transcription.windows import join
from tests.pipeline.transcription.fakes import FakeTranscriber, babble, description, request
from tests.pipeline.transcription.test_gated import CONTEXT, _answering, _gated, _said


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

    def hear_language(self, samples: Samples, among: Collection[str] = ()) -> HeardLanguage | None:
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


@pytest.mark.parametrize(
    ("probabilities", "spoken_here", "languages"),
    [
        pytest.param((0.95, 0.95), (), ["fr", "fr", "en"], id="he speaks it in the next, too"),
        pytest.param((0.95, 0.6), (), ["fr", "fr", "en"], id="he probably speaks it in the next"),
        pytest.param((0.95, 0.4), (), ["fr", "en", "en"], id="he may speak it in the next"),
        pytest.param((0.6, 0.95), (), ["en", "en", "en"], id="no segment is doubtful and clearly another"),
        pytest.param((0.95, 0.95), ("en", "fr"), ["fr", "fr", "en"], id="it is one of those configured"),
        pytest.param((0.95, 0.95), ("en", "th"), ["en", "en", "en"], id="nobody speaks it here"),
    ],
)
def test_beside_a_segment_in_another_language_the_others_are_heard_too(
    probabilities: tuple[float, float], spoken_here: tuple[str, ...], languages: list[str]
) -> None:
    """Whisper had written the German "that is very kind of you" as English, and was sure of it."""

    def answer(one: SegmentRequest) -> SegmentResult:
        if one.parts:
            said = _words(one, "mumble mumble", "thank you very much", "yes", confidence=0.99)
            sure = tuple(replace(w, confidence=0.2 if w.text == "mumble" else 0.99) for w in said.words or ())
            return replace(said, words=sure)
        return SegmentResult(key=one.key, text=one.language or "", language=one.language, confidence=0.96)

    class Listener(Polyglot):
        def hear_language(self, samples: Samples, among: Collection[str] = ()) -> HeardLanguage | None:
            first = samples.size == 3 * SAMPLE_RATE_HZ
            return HeardLanguage(code="fr", probability=probabilities[0 if first else 1])

    engine = Listener(answer=answer)
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.95), TrustGateSettings())
    window = replace(_window(3, 2, 0.6, heard=HeardLanguage(code="en", probability=0.7)), languages=spoken_here)
    results = list(gated.transcribe([window]))
    assert [one.language for one in sorted(results, key=lambda one: one.key)] == languages
    flagged = {one.key for one in results if "other_language" in one.flags}
    assert flagged == {f"s{n}" for n, language in enumerate(languages) if language == "fr"}
    assert not any("other_language_cured" in one.flags for one in results)


FRENCH = HeardLanguage(code="fr", probability=0.95)


@pytest.mark.parametrize(
    ("window", "seconds", "call", "enabled", "languages"),
    [
        pytest.param(FRENCH, (3, 2, 0.6), "en", True, ["fr", "fr", "en"], id="clearly another"),
        pytest.param(FRENCH, (3,), "en", True, ["fr"], id="one segment"),
        pytest.param(FRENCH, (1.5,), "en", True, ["fr"], id="one segment too short to split"),
        pytest.param(FRENCH, (3, 2), "fr", True, ["fr", "fr"], id="the call's"),
        pytest.param(FRENCH, (3, 2), "en", False, ["en", "en"], id="gates switched off"),
        pytest.param(replace(FRENCH, probability=0.8), (3, 2), "en", True, ["en", "en"], id="perhaps another"),
        pytest.param(None, (3, 2), "en", True, ["en", "en"], id="the engine does not tell"),
    ],
)
def test_a_window_clearly_in_another_language_is_recognised_in_it_however_sure_its_words(
    window: HeardLanguage | None,
    seconds: tuple[float, ...],
    call: str,
    enabled: bool,
    languages: list[str],
) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.language == call:
            texts = ["thank you very much"] * len(one.parts)
            said = _words(one, *texts, confidence=0.99) if one.parts else _said("thank you very much")
            return replace(said, key=one.key, language=call, sounds_like=window)
        return SegmentResult(key=one.key, text="merci beaucoup", language=one.language, confidence=0.97)

    engine = Polyglot(answer=answer, tongue=replace(FRENCH, probability=0.6))
    settings = TrustGateSettings(enabled=enabled)
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.5), settings)
    results = list(gated.transcribe([_window(*seconds, heard=HeardLanguage(code=call, probability=0.7))]))
    results.sort(key=lambda one: one.key)
    assert [one.language for one in results] == languages
    assert [one.language for one in engine.seen][1:] == [one for one in languages if one != call], "in it alone"
    assert [one.flags for one in results] == [("other_language",) if language != call else () for language in languages]


@pytest.mark.parametrize(
    ("tongue", "among", "language"),
    [
        pytest.param("th", (), "fr", id="a third language is misheard"),
        pytest.param("en", (), "en", id="the call's"),
        pytest.param("fr", ("en", "de"), "en", id="nobody speaks it in these calls"),
    ],
)
def test_a_segment_of_a_window_in_another_language_is_in_that_or_the_calls(
    tongue: str, among: tuple[str, ...], language: str
) -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.parts:
            return replace(_words(one, "mumble mumble", "so it is", confidence=0.6), sounds_like=FRENCH)
        return SegmentResult(key=one.key, text="merci beaucoup", language=one.language, confidence=0.97)

    engine = Polyglot(answer=answer, tongue=HeardLanguage(code=tongue, probability=0.95))
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.5), TrustGateSettings())
    window = replace(_window(3, 2, heard=HeardLanguage(code="en", probability=0.7)), languages=among)
    assert {one.language for one in gated.transcribe([window])} == {language}


def test_a_window_in_another_language_than_was_given_is_flagged_alone() -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        return replace(_words(one, "thank you very much", "so it is", confidence=0.99), sounds_like=FRENCH)

    engine = Polyglot(answer=answer, tongue=FRENCH)
    gated = GatedTranscriber(engine, description(), TrustGateSettings())
    results = list(gated.transcribe([_window(3, 2)]))
    assert [(one.language, one.flags) for one in results] == [("en", ("other_language",))] * 2
    assert len(engine.seen) == 1


def test_what_was_recognised_in_another_language_is_in_its_script() -> None:
    def answer(one: SegmentRequest) -> SegmentResult:
        if one.parts:
            return _words(one, "so it is", "mumble mumble")
        return SegmentResult(key=one.key, text="شكرا جزيلا على المساعدة", language=one.language, confidence=0.99)

    engine = Polyglot(answer=answer, tongue=HeardLanguage(code="ar", probability=0.95))
    gated = GatedTranscriber(engine, replace(description(), low_confidence=0.95), TrustGateSettings())
    call = HeardLanguage(code="en", probability=0.7)
    results = {one.key: one for one in gated.transcribe([_window(0.6, 3, heard=call)])}
    assert results["s1"].language == "ar"
    assert "wrong_script" not in results["s1"].flags


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


@pytest.mark.parametrize(
    ("text", "words", "kept"),
    [
        ("so [sighs] be it", "so [sighs] be it", "so be it"),
        ("(music) so be it (music)", "(music) so be it (music)", "so be it"),
        ("so [heavy breath] be it", "so [heavy breath] be it", "so be it"),
        ("so be it", "so be it", "so be it"),
        ("so [sighs] be it", None, None),
        ("so [sighs] be it", "so other words", "so other words"),  # which word is which is not known: all stay
    ],
)
def test_notes_in_brackets_are_no_words(text: str, words: str | None, kept: str | None) -> None:
    timed = None if words is None else tuple(Word(text=word, start_s=0.0, end_s=1.0) for word in words.split())
    spoken = _spoken(SegmentResult(key="k", text=text, language="en", words=timed, flags=("odd",)))
    assert spoken.text == "so be it"
    assert (None if spoken.words is None else " ".join(word.text for word in spoken.words)) == kept
    assert spoken.flags == ("odd", *(("annotation_removed",) if text != "so be it" else ()))
