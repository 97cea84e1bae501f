"""What was learned of promises, beside the rules: from when on one is told, what never is, where the rules decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from analysis.encoder.vectors import SentenceEncoder
from analysis.summary.learned.features import features_of, tokens
from analysis.summary.learned.promise_weights import PromiseWeights, shipped_for
from analysis.summary.promises import LEARNED_FROM, RULES_FROM, promised, promises, promises_in
from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.settling import settled
from analysis.summary.reading.substance import Substance
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import HashEncoder, real_encoder  # noqa: F401 - a fixture

SURE, NEAR = 9.0, 0.01
Said = tuple[str, str]


def readings_of(*said: Said) -> list[Reading]:
    return read(sentences_of(call(*said).transcript.chunks), None)


def weights(constant: float = 0.0, **features: float) -> PromiseWeights:
    return PromiseWeights(
        constant, {name.replace("_", " "): value for name, value in features.items()}, np.zeros(1), "test"
    )


def told(of: PromiseWeights | None, *said: Said) -> list[str]:
    readings = readings_of(*said)
    return [item.what for item in promises(readings, promised(readings, of), 9)]


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def test_what_no_rule_sees_is_told_from_its_probability_on() -> None:
    said = ("agent", "Fix is going out tonight.")
    assert told(None, said) == []
    assert told(weights(logit(LEARNED_FROM + NEAR)), said) == [said[1]]
    assert told(weights(logit(LEARNED_FROM - NEAR)), said) == []


def test_what_a_rule_sees_stays_unless_it_is_unlikely() -> None:
    said = ("agent", "I'll send it on Friday.")
    assert told(weights(logit(RULES_FROM + NEAR)), said) == told(None, said) == [said[1]]
    assert told(weights(logit(RULES_FROM - NEAR)), said) == []


@pytest.mark.parametrize(
    ("said", "never"),
    [
        ([("agent", "Fix is going out tonight?")], "Fix is going out tonight?"),
        ([("client", "If you don't, I'm going to cancel it.")], "If you don't, I'm going to cancel it."),
        ([("client", "Then I'll send this to my lawyer.")], "Then I'll send this to my lawyer."),
        ([("agent", "Call us back on Thursday.")], "Call us back on Thursday."),
        ([("client", "And if it isn't?"), ("agent", "A tanker's coming round.")], "A tanker's coming round."),
        (
            [("agent", "Fix is going out Monday."), ("agent", "No, wait, I meant Tuesday.")],
            "Fix is going out Monday.",
        ),
    ],
)
def test_however_likely_some_things_are_never_promises(said: list[Said], never: str) -> None:
    assert never not in told(weights(SURE), *said)


def test_who_and_by_when_are_told_of_it() -> None:
    readings = readings_of(("client", "Dropping it off tomorrow morning."))
    found = promises(readings, promised(readings, weights(SURE)), 1)
    assert [(item.who, item.by_when) for item in found] == [("client", "tomorrow morning")]


def test_what_is_promised_in_words_no_rule_knows_weighs_as_a_promise() -> None:
    readings = readings_of(("client", "My fan is broken."), ("agent", "Fix is going out."), ("agent", "Line is long."))
    fix = readings[1]
    weighed = {who: settled(readings, readings[:1], who).get(fix, 0.0) for who in ((), (fix,))}
    assert weighed[(fix,)] > weighed[()]


def test_features_and_the_vector_count_together() -> None:
    of = PromiseWeights(-1.0, {"moment": 3.0, "length": 2.0}, np.array([0.5, 1.0]), "test")
    vector = np.array([2.0, -1.0], dtype=np.float32)
    features: Mapping[str, float] = {"moment": 1.0, "length": 0.5, "never learned": 7.0}
    assert of.probability(features, vector) == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_words_are_the_same_however_they_are_joined() -> None:
    assert tokens("We’ll, we will; I won't. You don't!") == [
        "we",
        "'ll",
        "we",
        "'ll",
        "i",
        "will",
        "n't",
        "you",
        "do",
        "n't",
    ]


def test_a_sentence_is_seen_with_what_is_said_around_it() -> None:
    readings = readings_of(("client", "Can you send it again?"), ("agent", "Will do."), ("client", "Marvellous."))
    features = features_of(readings[1], readings, by_rule=False)
    assert {
        "role agent",
        "before asks",
        "before request",
        "after word marvellous",
        "words will do",
        "words do >",
    } <= set(features)
    assert "rule" not in features
    assert {"rule", "rule agent"} <= set(features_of(readings[1], readings, by_rule=True))


def test_with_another_encoder_the_rules_decide() -> None:
    assert shipped_for("hash") is None
    said = call(("client", "Can you?"), ("agent", "Consider it done."), ("agent", "I'll send it on Friday."))
    found = promises_in(said.transcript.chunks, "en", 9, Substance(HashEncoder()))
    assert found == promises_in(said.transcript.chunks, "en", 9)
    assert [item.what for item in found] == ["I'll send it on Friday."]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([("client", "Could you mail me the form again?"), ("agent", "Yes, no bother, you'll have it tonight.")], 1),
        ([("client", "when can someone look at it"), ("agent", "our man's coming round wednesday afternoon")], 1),
        ([("agent", "Can you bring the old one in?"), ("client", "I'll bring it in on Saturday.")], 1),
        ([("client", "if this isn't sorted by friday i'm cancelling the lot"), ("agent", "i understand")], 0),
        ([("client", "How long does that take?"), ("agent", "It's usually about three working days.")], 0),
        ([("client", "is it in stock"), ("agent", "let me just have a look for you")], 0),
        ([("client", "You said I'd have it by Monday, and I never got it."), ("agent", "Oh dear.")], 0),
    ],
)
def test_plain_talk_by_the_weights_that_come_with_it(
    said: list[Said],
    expected: int,
    real_encoder: SentenceEncoder,  # noqa: F811 - the fixture
) -> None:
    found = promises_in(call(*said).transcript.chunks, "en", 9, Substance(real_encoder))
    assert [item.who for item in found] == [said[-1][0]] * expected
