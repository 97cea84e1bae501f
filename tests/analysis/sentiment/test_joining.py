"""Words and voice joined, rows of probabilities read, distances from a speaker: each number by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from analysis.records import Sentiment
from analysis.sentiment.features import FEATURE_NAMES
from analysis.sentiment.fusion import FUSION_FEATURES, build_fusion, fusion_features
from analysis.sentiment.normalise import Averages, against_everybody, against_speaker
from analysis.sentiment.probabilities import settled, to_sentiments
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.errors import ModelUnavailable
from pipeline.records import Role

WORDS = Sentiment(0.5, 0.3, 0.2)
CALM, CROSS = Sentiment(0.2, 0.6, 0.2), Sentiment(0.7, 0.2, 0.1)


def fixed(agent: float = 0.8, client: float = 0.6) -> Any:
    fusion = build_fusion(SentimentSettings.model_validate(
        {"fusion": {"method": "fixed", "agent_text_weight": agent, "client_text_weight": client}}))  # fmt: skip
    assert fusion is not None
    return fusion


@pytest.mark.parametrize(
    ("voice", "role", "weight", "negative"),
    [
        (CALM, Role.CLIENT, 0.6, 0.5),
        (CALM, Role.AGENT, 0.8, 0.5),
        (CALM, Role.CLIENT, 0.0, 0.2),
        (CROSS, Role.CLIENT, 0.6, 0.6 * 0.5 + 0.4 * 0.7),
        (CROSS, Role.UNKNOWN, 0.6, 0.6 * 0.5 + 0.4 * 0.7),
        (CROSS, Role.AGENT, 0.8, 0.8 * 0.5 + 0.2 * 0.7),
    ],
)
def test_a_voice_counts_where_it_stands_out(voice: Sentiment, role: Role, weight: float, negative: float) -> None:
    fusion = fixed(agent=weight) if role is Role.AGENT else fixed(client=weight)
    assert fusion.join(WORDS, voice, role).negative == pytest.approx(negative)


def test_how_sides_are_weighed_is_in_the_identity_and_off_is_nothing() -> None:
    assert fixed(0.75, 0.5).identity() == "fixed, where the voice stands out, agent=0.75 client=0.5"
    assert build_fusion(SentimentSettings.model_validate({"fusion": {"method": "off"}})) is None


def test_fusion_reads_the_logarithms_of_both_sides() -> None:
    assert FUSION_FEATURES == (
        "words_log_negative", "words_log_neutral", "words_log_positive",
        "voice_log_negative", "voice_log_neutral", "voice_log_positive",
    )  # fmt: skip
    made = fusion_features(WORDS, Sentiment(0.0, 0.0005, 0.9995))
    assert made == pytest.approx([math.log(share) for share in (0.5, 0.3, 0.2, 0.001, 0.001, 0.9995)])


@pytest.mark.parametrize(
    ("classes", "row", "shares"),
    [
        (("negative", "neutral", "positive"), [0.2, 0.3, 0.5], (0.2, 0.3, 0.5)),
        (("Positive", "NEGATIVE", "neutral"), [0.2, 0.3, 0.5], (0.3, 0.5, 0.2)),
        (("positive", "negative"), [2.0, 6.0], (0.75, 0.0, 0.25)),
        (("negative", "neutral", "positive"), [-1.0, 1.0, 3.0], (0.0, 0.25, 0.75)),
        (("negative", "neutral", "positive"), [1.0, 1.0, 1.0], (0.333333333, 0.333333333, 0.333333334)),
    ],
)
def test_rows_become_sentiments_by_their_names(
    classes: tuple[str, ...], row: list[float], shares: tuple[float, ...]
) -> None:
    (found,) = to_sentiments([row], classes, None)
    assert found.shares == shares


@pytest.mark.parametrize(
    ("classes", "row", "why"),
    [
        (("angry", "neutral"), [0.5, 0.5], r"the model answers \['angry'\], not negative, neutral, positive"),
        (("negative", "neutral"), [0.0, -1.0], "which are no probabilities"),
        (("negative", "neutral"), [math.nan, 0.5], None),
    ],
)
def test_what_is_no_answer_is_refused(classes: tuple[str, ...], row: list[float], why: str | None) -> None:
    if why is None:
        assert to_sentiments([row], classes, None)[0].neutral == pytest.approx(1.0)
        return
    with pytest.raises(ModelUnavailable, match=why):
        to_sentiments([row], classes, None)


def test_weights_settle_to_nine_digits_that_sum_to_one() -> None:
    assert settled(1.0, 1.0, 2.0).shares == (0.25, 0.25, 0.5)
    assert settled(2.0, 1.0, 0.0).shares == (0.666666667, 0.333333333, 0.0)


COUNT = len(FEATURE_NAMES)
LEVEL = FEATURE_NAMES.index("level_db")
EVERYBODY = Averages(np.full(COUNT, 1.0), np.full(COUNT, 2.0))


def test_averages_are_of_the_rows_and_come_back_from_a_card() -> None:
    made = Averages.of(np.asarray([[1.0, 4.0], [3.0, 4.0]]))
    assert made.mean.tolist() == [2.0, 4.0]
    assert made.std == pytest.approx([1.0, 1e-9])
    again = Averages.of_options({"averages": made.as_options()})
    assert (again.mean.tolist(), again.std.tolist()) == (made.mean.tolist(), made.std.tolist())
    with pytest.raises(ModelUnavailable, match="lacks the training averages"):
        Averages.of_options({})


def test_a_speaker_is_measured_against_his_own_lines_and_some_imagined_ones() -> None:
    values = np.tile([[3.0], [5.0]], (1, COUNT))
    found = against_speaker(values, EVERYBODY, 2.0)
    mean = (3 + 5 + 2 * 1) / 4
    std = math.sqrt(((3 - mean) ** 2 + (5 - mean) ** 2 + 2 * 2.0**2) / 4)
    assert np.delete(found[0], LEVEL) == pytest.approx((3 - mean) / std)
    assert np.delete(found[1], LEVEL) == pytest.approx((5 - mean) / std)
    level_std = math.sqrt((1 + 1 + 2 * 2.0**2) / 4)
    assert found[:, LEVEL] == pytest.approx([-1 / level_std, 1 / level_std])


def test_one_line_without_imagined_ones_stands_at_its_own_mean_and_far_is_cut() -> None:
    assert against_speaker(np.full((1, COUNT), 7.0), EVERYBODY, 0.0) == pytest.approx(np.zeros((1, COUNT)))
    values = np.zeros((40, COUNT))
    values[0] = 1000.0
    assert against_speaker(values, EVERYBODY, 0.0)[0] == pytest.approx(4.0)


def test_against_everybody_the_level_is_left_out() -> None:
    found = against_everybody(np.full((1, COUNT), 4.0), EVERYBODY)
    assert np.delete(found[0], LEVEL) == pytest.approx(1.5)
    assert found[0, LEVEL] == 0.0
    assert against_everybody(np.full((1, COUNT), 400.0), EVERYBODY).max() == 4.0
    assert against_everybody(np.full((1, COUNT), -400.0), EVERYBODY).min() == -4.0
