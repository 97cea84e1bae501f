"""Detectors: the same scores for any blocks, speech found, silence left alone, falling back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.segments import find_speech
from pipeline.audio.vad.choice import DETECTORS, choose_detector
from pipeline.audio.vad.detector import VoiceActivityDetector
from pipeline.audio.vad.energy import EnergyDetector
from pipeline.audio.vad.silero import _SileroStream, find_graph
from pipeline.config.areas.speech.voice_activity import EnergySettings, SileroSettings, VoiceActivitySettings
from pipeline.errors import ModelUnavailable
from tests.pipeline.audio.sounds import RATE, Samples, silence

NAMES = ("silero", "energy")


def scores(detector: VoiceActivityDetector, samples: Samples, blocks: list[int]) -> Samples:
    stream = detector.stream()
    parts, start = [], 0
    for block in blocks:
        parts.append(stream.push(samples[start : start + block]))
        start += block
    parts.extend((stream.push(samples[start:]), stream.finish()))
    return np.concatenate(parts)


@pytest.fixture(scope="module", params=NAMES)
def detector(request: pytest.FixtureRequest) -> VoiceActivityDetector:
    return DETECTORS[request.param](VoiceActivitySettings())


@settings(max_examples=15, deadline=None)
@given(blocks=st.lists(st.integers(0, 40_000), max_size=6))
def test_the_blocks_make_no_difference(
    detector: VoiceActivityDetector, both_sides: tuple[Samples, Samples], blocks: list[int]
) -> None:
    samples = both_sides[1][: 5 * RATE + 77]
    whole = scores(detector, samples, [])
    assert len(whole) == -(-len(samples) // detector.step_samples)
    np.testing.assert_allclose(scores(detector, samples, blocks), whole, atol=1e-4)


def test_the_same_graph_one_window_at_a_time_agrees(both_sides: tuple[Samples, Samples]) -> None:
    samples = both_sides[0][: 10 * RATE]
    together = DETECTORS["silero"](VoiceActivitySettings())
    alone = DETECTORS["silero"](VoiceActivitySettings(silero=SileroSettings(windows_per_run=1)))
    np.testing.assert_allclose(scores(together, samples, []), scores(alone, samples, []), atol=1e-4)


class OneForEachWindow:
    """In place of the graph: every window it is given is speech."""

    def run(self, outputs: None, inputs: dict[str, Samples]) -> tuple[Samples, Samples, Samples]:
        return np.ones(len(inputs["input"]), dtype=np.float32), inputs["h"], inputs["c"]


@given(
    loud=st.lists(st.integers(0, 59), max_size=4),
    blocks=st.lists(st.integers(0, 10 * 512), max_size=6),
    reach=st.integers(0, 5),
)
def test_a_window_near_a_loud_one_is_scored_whichever_blocks_they_came_in(
    loud: list[int], blocks: list[int], reach: int
) -> None:
    samples = np.full(60 * 512, 1e-5, dtype=np.float32)
    for window in loud:
        samples[window * 512 : (window + 1) * 512] = 0.1
    stream = _SileroStream(OneForEachWindow(), SileroSettings(idle_margin_ms=reach * 32))
    parts, start = [], 0
    for block in blocks:
        parts.append(stream.push(samples[start : start + block]))
        start += block
    given_scores = np.concatenate((*parts, stream.push(samples[start:]), stream.finish()))
    near = [float(any(abs(window - other) <= reach for other in loud)) for window in range(60)]
    assert given_scores.tolist() == near


def test_what_is_quieter_than_the_limit_is_never_speech_however_far_above_the_noise() -> None:
    quiet = np.concatenate((silence(2, -110), silence(1, -62, seed=1), silence(2, -110)))
    heard = [scores(EnergyDetector(EnergySettings(min_level_dbfs=limit)), quiet, []).max() for limit in (-55.0, -80.0)]
    assert heard == [0.0, pytest.approx(1.0, abs=0.01)]


def test_who_speaks_most_of_the_time_is_not_the_noise_floor() -> None:
    talk = np.concatenate([piece for _ in range(10) for piece in (silence(1.0, -60), silence(3.0, -25))])
    heard = scores(EnergyDetector(EnergySettings()), talk, [])
    is_loud = np.sqrt(np.mean(talk[: len(talk) // 512 * 512].reshape(-1, 512) ** 2, axis=1)) > 10 ** (-40 / 20)
    assert heard[: len(is_loud)][is_loud].min() > 0.9
    assert heard[: len(is_loud)][~is_loud].max() < 0.1


def test_leaving_silence_out_changes_next_to_nothing(both_sides: tuple[Samples, Samples]) -> None:
    samples = np.concatenate((both_sides[0], silence(5, -75)))
    default = VoiceActivitySettings()
    everything = VoiceActivitySettings(silero=SileroSettings(idle_below_dbfs=-200))
    spans = [
        find_speech(scores(DETECTORS["silero"](s), samples, []), 512, len(samples), s) for s in (default, everything)
    ]
    assert len(spans[0]) == len(spans[1])
    for ours, theirs in zip(*spans, strict=True):
        assert abs(ours.start - theirs.start) <= 0.1 * RATE
        assert abs(ours.end - theirs.end) <= 0.1 * RATE


def test_speech_scores_high_and_silence_low(detector: VoiceActivityDetector, speech: Samples) -> None:
    loud = np.sqrt(np.mean(speech[: len(speech) // 512 * 512].reshape(-1, 512) ** 2, axis=1))
    heard = scores(detector, speech, [])[: len(loud)]
    assert heard[loud > 0.05].mean() > 0.85
    assert scores(detector, silence(5, -70), []).max() < 0.5


def test_nothing_gives_nothing(detector: VoiceActivityDetector) -> None:
    assert len(scores(detector, np.zeros(0, dtype=np.float32), [])) == 0
    assert len(scores(detector, np.ones(1, dtype=np.float32), [])) == 1


def broken(_: VoiceActivitySettings) -> VoiceActivityDetector:
    raise ModelUnavailable("its graph is gone")


def test_the_next_detector_serves_and_the_reason_is_kept() -> None:
    chosen = choose_detector(VoiceActivitySettings(), {"silero": broken, "energy": DETECTORS["energy"]})
    assert chosen.detector.name == "energy"
    assert chosen.passed_over == ("silero: its graph is gone",)


def test_strict_refuses_to_fall_back() -> None:
    with pytest.raises(ModelUnavailable, match="its graph is gone"):
        choose_detector(VoiceActivitySettings(strict=True), {"silero": broken, "energy": DETECTORS["energy"]})


def test_an_unknown_detector_is_passed_over_saying_so() -> None:
    chosen = choose_detector(VoiceActivitySettings(detectors=("pyannote", "energy")), {"energy": DETECTORS["energy"]})
    assert chosen.passed_over[0].startswith("pyannote: ")


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_graph_that_is_not_the_pinned_one_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "silero.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        DETECTORS["silero"](VoiceActivitySettings(silero=SileroSettings(model_path=path)))
    with pytest.raises(ModelUnavailable, match="cannot load"):
        DETECTORS["silero"](VoiceActivitySettings(silero=SileroSettings(model_path=path, model_sha256="")))
    absent = VoiceActivitySettings(silero=SileroSettings(model_path=tmp_path / "absent.onnx"))
    with pytest.raises(ModelUnavailable, match="model_path"):
        DETECTORS["silero"](absent)


def test_the_graph_of_the_wheel_is_found_without_importing_it() -> None:
    assert find_graph(SileroSettings()).name.endswith(".onnx")


@pytest.mark.data
def test_human_turns_are_found(reference_data: Path) -> None:
    """Against the baseline of the same graph elsewhere: F1 0.87 over both sides, 0.77 on the worst."""
    from bench.voice_activity import quality

    calls = sorted((reference_data / "calls" / "harper_valley").glob("*.wav"))
    found = quality(calls, VoiceActivitySettings())
    speech = found["speech"]
    worst = found["worst_side_f1"]
    assert isinstance(speech, dict)
    assert isinstance(worst, dict)
    assert speech["all"]["f1"] >= 0.87
    assert speech["all"]["recall"] >= 0.94
    assert worst["ours"] >= 0.77
