"""The real loading path and decoder, on a tiny model of random weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.materials.tiny_whisper import Shape, build_tiny_whisper
from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engine import OUT_OF_MEMORY, SegmentRequest, SegmentResult
from pipeline.transcription.engines.faster_whisper import FasterWhisperTranscriber, _joined, _Member, _span
from pipeline.weights.hub import Hub
from tests.pipeline.transcription.fakes import babble, request


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_whisper(tmp_path_factory.mktemp("whisper"))


def _engine(folder: Path, **options: object) -> FasterWhisperTranscriber:
    values = {"model": str(folder), "beam_size": 1, "max_new_tokens": 30, "cpu_threads": 1, **options}
    return FasterWhisperTranscriber(
        FasterWhisperOptions.model_validate(values), Hub(allow_download=False, timeout_s=1.0)
    )


def _answers(engine: FasterWhisperTranscriber, requests: list[SegmentRequest]) -> dict[str, SegmentResult]:
    return {result.key: result for result in engine.transcribe(iter(requests))}


def test_a_batch_says_what_each_segment_alone_says(folder: Path) -> None:
    requests = [request(babble(0.7 + 0.4 * i, seed=i), key=str(i)) for i in range(5)]
    alone = _engine(folder, batch_size=1)
    together = _engine(folder, batch_size=5)
    described = together.load()
    alone.load()
    assert described.detail.startswith("cpu, int8")
    assert described.languages is not None
    assert {"en", "fr", "ar"} <= described.languages
    assert "it" not in described.languages  # no token for it in this vocabulary
    expected, got = _answers(alone, requests), _answers(together, requests)
    assert {key: one.text for key, one in got.items()} == {key: one.text for key, one in expected.items()}
    assert all(one.text and one.confidence is not None and 0 < one.confidence <= 1 for one in got.values())


@pytest.mark.parametrize(("options", "takes"), [({}, False), ({"send_context": True}, True)])
def test_whisper_is_given_no_vocabulary_unless_asked(folder: Path, options: dict[str, object], takes: bool) -> None:
    """Found with real weights: as hotwords, a glossary's words turned up where nobody said them."""
    assert _engine(folder, **options).load().takes_context is takes


def test_no_segment_of_a_batch_loses_its_text_to_the_rounding_of_its_place(folder: Path) -> None:
    """Found in the main job: 0.08 of the segments came back empty, since 20.08 s * 100 is frame 2007 to the library."""
    rng = np.random.default_rng(0)
    requests = [request(babble(float(rng.uniform(0.4, 12.0)), seed=i), key=str(i)) for i in range(48)]
    together = _engine(folder, batch_size=16)
    together.load()
    assert {key for key, one in _answers(together, requests).items() if one.text} == {one.key for one in requests}


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(min_value=800, max_value=480_000), min_size=1, max_size=40))
def test_every_clip_is_found_again_by_the_frame_the_library_names(lengths: list[int]) -> None:
    members = [_Member(request(np.zeros(length, np.float32), key=str(i)), "en") for i, length in enumerate(lengths)]
    clips, audio = _joined(members)
    assert len({clip.frame for clip in clips}) == len(clips)
    for clip, span in zip(clips, map(_span, clips), strict=True):
        start, end = (int(span[name] * 16_000) for name in ("start", "end"))  # the library's own arithmetic, twice
        assert int(start / 16_000 * 100) == clip.frame
        assert (start, end - start) == (clip.start, clip.request.samples.size)
    assert clips[-1].start + clips[-1].request.samples.size <= audio.size


def test_context_and_language_change_what_is_decoded(folder: Path) -> None:
    engine = _engine(folder)
    engine.load()
    samples = babble(2.0)
    answers = _answers(
        engine,
        [
            request(samples, "plain"),
            request(samples, "context", context="bank, card"),
            request(samples, "french", language="fr"),
            request(samples, "detected", language=None),
        ],
    )
    assert len(answers) == 4
    assert answers["plain"].text != answers["context"].text
    assert answers["french"].language == "fr"
    assert answers["detected"].language in {"en", "zh", "de", "es", "ru", "fr", "ar"}


def test_odd_segments(folder: Path) -> None:
    engine = _engine(folder)
    engine.load()
    answers = _answers(
        engine,
        [request(np.zeros(0, np.float32), "empty"), request(babble(1.0), "lacking", language="it")],
    )
    assert answers["empty"].text == ""
    assert answers["lacking"].flags == ("language_unsupported",)
    assert answers["lacking"].text == ""


def test_word_times_lie_inside_their_segment(folder: Path) -> None:
    engine = _engine(folder, word_times=True, batch_size=3)
    engine.load()
    requests = [request(babble(1.0 + i, seed=i), key=str(i)) for i in range(3)]
    for key, answer in _answers(engine, requests).items():
        assert answer.words
        assert " ".join(word.text for word in answer.words) == answer.text
        assert all(0 <= word.start_s <= word.end_s <= 1.0 + int(key) for word in answer.words)


def test_the_times_of_words_do_not_depend_on_where_in_a_batch_their_segment_is(folder: Path) -> None:
    """Two runs over the same calls stored 3.983 and 3.982999999999998 s: their batches held other segments."""
    requests = [request(babble(1.37 + 0.61 * i, seed=i), key=str(i)) for i in range(6)]
    alone, together = (_engine(folder, word_times=True, batch_size=rows) for rows in (1, 6))
    for engine in (alone, together):
        engine.load()
    expected, got = (
        {key: [(word.start_s, word.end_s) for word in one.words or ()] for key, one in _answers(engine, given).items()}
        for engine, given in ((alone, requests), (together, requests[::-1]))
    )
    assert expected == got
    assert all(expected.values())


@pytest.mark.parametrize("limit", [3, 30, 224])
def test_a_decode_that_would_not_end_is_cut_and_flagged(tmp_path: Path, limit: int) -> None:
    """224 is all Whisper has room for."""
    engine = _engine(build_tiny_whisper(tmp_path / "endless", shape=Shape(end_bias=-99.0)), max_new_tokens=limit)
    engine.load()
    answers = _answers(engine, [request(babble(1.0), "plain"), request(babble(1.0), "context", context="bank, card")])
    assert all("decode_truncated" in answer.flags for answer in answers.values())
    assert all(limit <= len(answer.text.split()) <= limit + 4 for answer in answers.values())


def _wrapping(folder: Path) -> Path:
    """The same model with a tokenizer that puts specials around what it encodes, as Whisper's own do."""
    told = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    specials = {one["content"]: one["id"] for one in told["added_tokens"]}
    before, after = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"), ("<|endoftext|>",)
    told["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            *({"SpecialToken": {"id": name, "type_id": 0}} for name in before),
            {"Sequence": {"id": "A", "type_id": 0}},
            *({"SpecialToken": {"id": name, "type_id": 0}} for name in after),
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": [specials[name]], "tokens": [name]} for name in (*before, *after)},
    }
    (folder / "tokenizer.json").write_text(json.dumps(told), "utf-8")
    return folder


@pytest.mark.parametrize("limit", [30, 224])
@pytest.mark.parametrize("context", ["", "bank, card", ", ".join(["card"] * 300)])
def test_a_tokenizer_that_adds_specials_hides_no_cut_decode(tmp_path: Path, limit: int, context: str) -> None:
    folder = _wrapping(build_tiny_whisper(tmp_path / "endless", shape=Shape(end_bias=-99.0)))
    engine = _engine(folder, max_new_tokens=limit)
    engine.load()
    answer = _answers(engine, [request(babble(1.0), "a", context=context)])["a"]
    assert answer.flags == ("decode_truncated",)
    assert len(answer.text.split()) <= limit + 4


@pytest.mark.parametrize(("least", "reported"), [(0.0, True), (1.0, False)])
def test_a_language_too_unlikely_is_reported_as_unknown_and_decoded_all_the_same(
    folder: Path, least: float, reported: bool
) -> None:
    engine = _engine(folder, language_detection_min_probability=least, batch_size=3)
    engine.load()
    likeliest, probability, _ = WhisperModel(str(folder), device="cpu", compute_type="int8").detect_language(
        babble(2.0)
    )
    assert 0.0 < probability < 1.0
    answers = _answers(
        engine,
        [request(babble(2.0), "detected", language=None), request(babble(2.0), "told", language=likeliest)],
    )
    assert answers["detected"].language == (likeliest if reported else None)
    assert answers["told"].language == likeliest
    assert answers["detected"].text == answers["told"].text != ""


def test_each_clip_tells_what_it_sounds_like_whatever_it_is_decoded_in(folder: Path) -> None:
    engine = _engine(folder, batch_size=4)
    engine.load()
    model = WhisperModel(str(folder), device="cpu", compute_type="int8")
    clips = (babble(25.0, seed=0), babble(0.5, seed=1), babble(10.0, seed=2) * np.float32(0.02))
    asked = [request(clip, str(number), language="en") for number, clip in enumerate(clips)]
    for _ in range(2):
        answers = _answers(engine, asked)
        for one in asked:
            likeliest, probability, _ = model.detect_language(one.samples)
            heard = answers[one.key].sounds_like
            assert heard is not None
            assert heard.code == likeliest
            assert heard.probability == pytest.approx(probability, abs=0.02), "they are 0.06 apart"
            assert answers[one.key].language == one.language


def test_a_language_is_detected_among_those_that_are_named(folder: Path) -> None:
    engine = _engine(folder, language_detection_min_probability=0.0)
    engine.load()
    *_, every = WhisperModel(str(folder), device="cpu", compute_type="int8").detect_language(babble(2.0))
    shares = dict(every)
    (first, *_, second, last) = sorted(shares, key=shares.__getitem__)[-4:]  # not the likeliest, which is last
    assert shares[first] < shares[second] < shares[last]
    heard = engine.hear_language(babble(2.0), (first, second))
    assert heard is not None
    assert heard.code == second
    assert heard.probability == pytest.approx(shares[second] / (shares[first] + shares[second]), rel=1e-4)
    asked = replace(request(babble(2.0), "a", language=None), languages=(first, second))
    assert _answers(engine, [asked])["a"].language == second


def test_a_segment_over_30_s_is_an_error_and_not_a_text_of_its_beginning(folder: Path) -> None:
    engine = _engine(folder, batch_size=3)
    engine.load()
    answers = _answers(engine, [request(babble(seconds), f"{seconds:g}") for seconds in (30.0, 30.1, 2.0)])
    assert (answers["30.1"].text, answers["30.1"].words, answers["30.1"].confidence) == ("", None, None)
    assert "30.1 s is over Whisper's limit of 30 s" in (answers["30.1"].error or "")
    assert "voice_activity.max_segment_s" in (answers["30.1"].error or "")
    assert all(answers[key].text and answers[key].error is None for key in ("30", "2"))


def test_no_speech_gives_no_text(folder: Path) -> None:
    engine = _engine(folder, no_speech_threshold=0.0, log_prob_threshold=0.0)
    engine.load()
    answer = _answers(engine, [request(babble(1.0), "a")])["a"]
    assert (answer.text, answer.confidence) == ("", None)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [("model.bin", b"\0\0garbage", "cannot be loaded"), ("tokenizer.json", b"{", "cannot be loaded")],
)
def test_corrupt_weights_are_refused_with_a_remedy(
    folder: Path, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / name).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=told) as raised:
        _engine(broken).load()
    assert "transcription.faster_whisper.model" in str(raised.value)


def test_missing_weights_are_named(folder: Path, tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    shutil.copytree(folder, partial)
    (partial / "model.bin").unlink()
    with pytest.raises(ModelUnavailable, match=r"model\.bin missing"):
        _engine(partial).load()


class Forgetful:
    """A loaded model whose language detection finds no memory, or breaks."""

    def __init__(self, model: Any, error: Exception) -> None:
        self._model = model
        self._error = error

    def detect_language(self, audio: Any) -> Any:
        raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def test_no_memory_to_detect_a_language_is_no_memory_for_the_segment(folder: Path) -> None:
    engine = _engine(folder)
    engine.load()
    engine._model = Forgetful(engine._model, RuntimeError("CUDA failed with error out of memory"))
    answers = _answers(engine, [request(babble(2.0), "unknown", language=None), request(babble(2.0), "english")])
    assert answers["unknown"].flags == (OUT_OF_MEMORY,)
    assert answers["english"].error is None
    engine._model = Forgetful(engine._model, RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        list(engine.transcribe(iter([request(babble(2.0), "unknown", language=None)])))


class Small:
    """Decodes clips of so many samples in all at most; more do not fit the memory."""

    def __init__(self, batched: Any, most_samples: int, error: Exception) -> None:
        self._batched = batched
        self._most_samples = most_samples
        self._error = error
        self.asked: list[int] = []

    def transcribe(self, audio: Any, **options: Any) -> Any:
        self.asked.append(len(options["clip_timestamps"]))
        if audio.size > self._most_samples:
            raise self._error
        return self._batched.transcribe(audio, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batched, name)


def test_a_batch_that_does_not_fit_is_halved_until_its_parts_do(folder: Path) -> None:
    engine = _engine(folder, batch_size=4)
    engine.load()
    requests = [request(babble(seconds, seed=place), str(place)) for place, seconds in enumerate((1.0, 1.0, 4.0, 1.0))]
    whole = _answers(engine, requests)
    small = Small(engine._batched, 3 * 16_000, MemoryError())
    engine._batched = small
    answers = _answers(engine, requests)
    assert small.asked == [4, 2, 2, 1, 1]
    assert answers["2"].flags == (OUT_OF_MEMORY,)
    assert "out of memory for one segment" in (answers["2"].error or "")
    assert {key: answers[key].text for key in "013"} == {key: whole[key].text for key in "013"}
    engine._batched = Small(small._batched, 0, RuntimeError("the model is broken"))
    with pytest.raises(RuntimeError, match="is broken"):
        _answers(engine, requests)
