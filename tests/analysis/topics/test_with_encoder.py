"""Topics by keywords and encoder together, and what is the same and said where there is no encoder."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.encoder.everyday import EVERYDAY
from analysis.encoder.vectors import WITHOUT, EncoderChoice, SentenceEncoder, Vectors
from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import Catalogues
from analysis.glossary.reader import load_glossary
from analysis.records import Topic
from analysis.topics.keywords import KeywordTopics
from analysis.topics.likelihood import FEATURES, IN_A_CONE, WITH_ENCODER, WORDS_ALONE, fitted, for_encoder, rivals
from analysis.topics.likeness import LabelLikeness
from analysis.topics.step import TopicMethods, TopicStep
from bench.materials.asked_calls import DEVELOPED, asked_calls
from bench.materials.reference_calls import call_of, harper_valley, samples
from bench.materials.topic_glossaries import HARPER_VALLEY
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, CustomerSegment, StepResult, StepState
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import HashEncoder, real_encoder  # noqa: F401 - a fixture
from tests.analysis.topics.test_topics import CATALOGUES

LABELS = (
    Label(topic="Parcel", keywords=("parcel", "courier")),
    Label(topic="Bill", keywords=("bill",)),
    Label(topic="Bill", subtopic="Too high", keywords=("too high",)),
)
GLOSSARY = Glossary(name="b2c", languages=("en",), labels=LABELS)


class Directions:
    """An encoder whose vectors point where their words do: one direction for each subject, one for anything else."""

    space = identity = "directions"
    SUBJECTS: tuple[tuple[str, ...], ...] = (("parcel", "courier", "box"), ("bill", "invoice", "too high"))

    def knows(self, language: str | None) -> bool:
        return language in (None, "en")

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for place, said in enumerate(self.SUBJECTS):
                row[place] = float(any(word in text.lower() for word in said))
            row[2 + zlib.crc32(text.encode()) % 62] += 0.3
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self.encode(words)

    def close(self) -> None: ...


def choice_of(encoder: SentenceEncoder) -> EncoderChoice:
    return EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)


MISSING = EncoderChoice(encoder=None, expected="directions", reason="no package is installed")


def step(encoder: EncoderChoice, glossary: Glossary = GLOSSARY, **settings: float) -> TopicStep:
    catalogues = Catalogues({CustomerSegment.B2C: glossary}, None)
    return TopicStep(catalogues, TopicSettings.model_validate(settings), TopicMethods(encoder=encoder))


def ask(one: CallForAnalysis, encoder: EncoderChoice, glossary: Glossary = GLOSSARY, **settings: float) -> StepResult:
    return step(encoder, glossary, **settings).run([one], [{}])[0]


def test_a_reason_without_a_keyword_is_found_by_its_meaning() -> None:
    one = call(("client", "A box of mine is lost."))
    assert ask(one, WITHOUT).payload is None
    result = ask(one, choice_of(Directions()))
    assert isinstance(result.payload, Topic)
    assert (result.payload.topic, result.provider, result.reason) == ("Parcel", WITH_ENCODER, None)
    assert [quote.quote for quote in result.payload.evidence] == ["A box of mine is lost"]


@pytest.mark.parametrize(("encoder", "why"), [(MISSING, "no package is installed"), (WITHOUT, "switched off")])
def test_without_an_encoder_words_decide_and_the_row_says_so(encoder: EncoderChoice, why: str) -> None:
    result = ask(call(("client", "My bill is wrong.")), encoder)
    assert isinstance(result.payload, Topic)
    assert (result.payload.topic, result.provider) == ("Bill", WORDS_ALONE)
    assert result.reason is not None
    assert "by keywords alone" in result.reason
    assert why in result.reason


@pytest.mark.parametrize("encoder", [WITHOUT, choice_of(Directions())], ids=["words", "encoder"])
def test_a_confidence_is_always_stored(encoder: EncoderChoice) -> None:
    topic = ask(call(("client", "My bill is too high.")), encoder).payload
    assert isinstance(topic, Topic)
    assert topic.confidence is not None
    assert 0 < topic.confidence <= 1


def test_what_nothing_fits_has_no_topic_and_the_reason_names_the_nearest() -> None:
    result = ask(call(("client", "A swing in the park squeaks.")), choice_of(Directions()))
    assert (result.state, result.payload) == (StepState.MISSING, None)
    assert "no topic is likely enough" in (result.reason or "")


def test_the_threshold_is_a_setting() -> None:
    one = call(("client", "My bill is too high."))
    assert ask(one, choice_of(Directions()), min_confidence=0.05).payload is not None
    assert ask(one, choice_of(Directions()), min_confidence=1.0).payload is None


def test_two_reasons_are_two_topics() -> None:
    one = call(("client", "My parcel is lost."), ("agent", "Anything else?"), ("client", "Yes, my bill is too high."))
    topic = ask(one, choice_of(Directions())).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.second_topic, topic.second_subtopic) == ("Parcel", "Bill", "Too high")
    assert topic.second_confidence is not None
    once = ask(call(("client", "My parcel is lost. Also, the courier was rude.")), choice_of(Directions())).payload
    assert isinstance(once, Topic)
    assert (once.topic, once.second_topic, once.second_confidence) == ("Parcel", None, None)


class EqualSubtopics(Directions):
    """Every text about the bill is as near to one subtopic as to the other."""

    SUBJECTS = (("parcel",), ("bill", "too high", "too late"))


def test_of_two_subtopics_that_are_nearly_as_likely_none_is_given() -> None:
    late = Label(topic="Bill", subtopic="Too late", keywords=("too late",))
    both = replace(GLOSSARY, labels=(*LABELS, late))
    topic = ask(call(("client", "My bill is too high and too late.")), choice_of(EqualSubtopics()), both).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic) == ("Bill", None)
    assert topic.subtopic_missing is not None
    assert topic.subtopic_missing.startswith("two are nearly as likely: Too ")
    alone = ask(call(("client", "My bill is too high.")), choice_of(Directions()), both).payload
    assert isinstance(alone, Topic)
    assert (alone.topic, alone.subtopic, alone.subtopic_missing) == ("Bill", "Too high", None)


FRENCH = Glossary(
    name="b2c",
    languages=("fr",),
    labels=(Label(topic="Facturation", keywords=("facture",)), Label(topic="Panne", keywords=("panne", "coupure"))),
)
ARABIC = Glossary(
    name="b2c",
    languages=("ar",),
    labels=(Label(topic="فواتير", keywords=("فاتورة",)), Label(topic="توصيل", keywords=("طرد", "توصيل"))),
)


@pytest.mark.parametrize(
    ("glossary", "language", "said", "topic"),
    [
        (FRENCH, "fr", "Bonjour, ma facture est trop élevée ce mois-ci.", "Facturation"),
        (FRENCH, "fr", "Nous avons une coupure depuis hier.", "Panne"),
        (ARABIC, "ar", "عندي مشكلة في الفاتورة", "فواتير"),
        (ARABIC, "ar", "لم يصل الطرد بعد", "توصيل"),
    ],
)
def test_languages_the_encoder_does_not_know_keep_their_keywords(
    glossary: Glossary, language: str, said: str, topic: str
) -> None:
    one = call(("client", said), language=language)
    with_encoder, without = ask(one, choice_of(Directions()), glossary), ask(one, WITHOUT, glossary)
    assert isinstance(with_encoder.payload, Topic)
    assert with_encoder.payload == without.payload
    assert with_encoder.payload.topic == topic
    assert f"does not know {language}" in (with_encoder.reason or "")


def test_a_row_made_without_the_encoder_is_redone_when_it_comes_and_stands_when_it_goes() -> None:
    one = call(("client", "my bill"))
    here, gone = step(choice_of(Directions())), step(MISSING)
    assert here.fingerprint(one) != gone.fingerprint(one)
    assert here.fingerprint(one) in gone.former_fingerprints(one)
    assert gone.fingerprint(one) not in here.former_fingerprints(one)


@given(st.lists(st.floats(-50, 50), min_size=8, max_size=48), st.floats(0, 15), st.sampled_from(sorted(FEATURES)))
def test_the_shares_of_the_labels_and_of_none_sum_to_one(values: list[float], narrowness: float, method: str) -> None:
    size = len(FEATURES[method])
    features = np.asarray(values[: len(values) // size * size]).reshape(-1, size)
    shares, none = fitted(method).shares(features, narrowness)
    assert shares.sum() + none == pytest.approx(1.0)
    assert (shares >= 0).all()


def test_more_of_a_feature_is_never_less_likely_and_a_narrow_glossary_is_more_careful() -> None:
    likelihood = fitted(WITH_ENCODER)
    assert min(likelihood.label) >= 0
    row = np.asarray([[3.0, 3.0, 3.0, 3.0, 0.5, 0.5, 0.5, 3.0], [0.0] * 8])
    more = row + np.asarray([[1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 1.0], [0.0] * 8])
    assert likelihood.shares(more)[0][0] > likelihood.shares(row)[0][0]
    assert likelihood.shares(row, narrowness=8.0)[1] > likelihood.shares(row, narrowness=3.0)[1]


class InACone(Directions):
    """The same directions, and beside them much that all texts have in common."""

    COMMON = 2.5

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.concatenate([super().encode(texts), np.full((len(texts), 1), self.COMMON)], axis=1)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_an_encoder_has_the_weights_of_the_one_that_it_is_like() -> None:
    """All cosines of the E5 family are over 0.7: by MiniLM's weights no topic of theirs was likely enough."""
    wide, cone = (LabelLikeness(LABELS, encoder) for encoder in (Directions(), InACone()))
    assert (wide.in_a_cone, cone.in_a_cone) == (False, True)
    assert for_encoder(in_a_cone=False) == fitted(WITH_ENCODER)
    assert for_encoder(in_a_cone=True) == fitted(IN_A_CONE) != fitted(WITH_ENCODER)


@pytest.mark.parametrize("encoder", [Directions(), InACone()], ids=["wide", "cone"])
def test_topics_are_found_whatever_all_vectors_have_in_common(encoder: SentenceEncoder) -> None:
    result = ask(call(("client", "A box of mine is lost.")), choice_of(encoder))
    assert isinstance(result.payload, Topic)
    assert result.payload.topic == "Parcel"
    assert ask(call(("client", "A swing in the park squeaks.")), choice_of(encoder)).payload is None


def test_the_default_encoder_has_the_weights_that_were_fitted_with_it(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    assert not LabelLikeness(LABELS, real_encoder).in_a_cone


def test_likeness_is_measured_from_everyday_sentences() -> None:
    likeness = LabelLikeness(LABELS, HashEncoder())
    everyday = likeness.by_line(EVERYDAY)
    assert everyday.shape == (len(EVERYDAY), len(LABELS), 4)
    assert float(everyday[:, :, :3].mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(everyday[:, :, :3].std()) == pytest.approx(1.0, abs=1e-6)
    assert not everyday[:, :, 3].any(), "none of the labels has examples"


def test_one_near_example_is_less_than_two_and_one_alone_counts_whole(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    near, like, far = "Our dog limps.", "The dog is limping.", "The bakery opens at six."
    told = [Label(topic="vet", examples=examples) for examples in ((near,), (near, like, far), (near, far, far))]
    one, two, alone = (float(LabelLikeness([label], real_encoder).by_line([near])[0, 0, 3]) for label in told)
    assert one > two > alone + 2


@pytest.mark.parametrize(("likenesses", "expected"), [([4.0], 0.0), ([1.0, 4.0], 1.0), ([9.0, 1, 2, 3, 4, 5, 0], 3.0)])
def test_rivals_are_the_labels_after_the_nearest(likenesses: list[float], expected: float) -> None:
    rows = np.asarray(likenesses)[None, :, None]
    assert rivals(rows, 3.0).tolist() == [expected]
    assert rivals(rows, 6.0).tolist() == [expected / 2]
    assert rivals(rows, 0.0).tolist() == [expected]


def test_what_is_a_little_like_everything_asks_for_nothing() -> None:
    one, all_alike = np.zeros((6, 8)), np.zeros((6, 8))
    one[0, 0] = all_alike[:, 0] = 3.0
    for method in (WITH_ENCODER, IN_A_CONE):
        likelihood = fitted(method)
        assert likelihood.none_per_rivals >= 0
    assert fitted(WITH_ENCODER).shares(all_alike)[0][0] < fitted(WITH_ENCODER).shares(one)[0][0]


def test_a_catalogue_of_like_labels_is_narrower(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    cards = [Label(topic=name) for name in ("lost card", "stolen card", "card arrival", "card not working")]
    many = [Label(topic=name) for name in ("lost card", "weather forecast", "haircut", "train tickets")]
    assert LabelLikeness(cards, real_encoder).narrowness > LabelLikeness(many, real_encoder).narrowness + 2


def test_many_labels_make_no_catalogue_narrow(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    """Each label of a broad catalogue has a near neighbour; by that one it was as narrow as a bank's."""
    names: tuple[str, ...] = (
        "weather forecast",
        "rain tomorrow",
        "haircut",
        "hairdresser",
        "train ticket",
        "rail fare",
        "flat to rent",
    )
    names += ("apartment", "dentist", "toothache", "pizza delivery", "order food", "concert", "live music", "lost cat")
    broad = LabelLikeness([Label(topic=name) for name in names], real_encoder)
    pairs = broad.by_line(list(names))[:, :, :3].mean(axis=2)
    np.fill_diagonal(pairs, -np.inf)
    assert broad.narrowness < float(pairs.max(axis=1).mean()) - 1


def test_with_the_real_encoder_the_samples_keep_their_topics(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    topics = KeywordTopics(tuple(CATALOGUES.by_segment.values()), TopicSettings(), choice_of(real_encoder))
    for one, labels in samples():
        topic, reason = topics.classify(one, CATALOGUES.for_call(one.metadata.customer_segment))
        assert topic is not None, reason
        assert topic.topic == labels["topic"]


def test_with_the_real_encoder_no_developed_call_gets_a_wrong_topic(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    """A topic may be withheld. `python -m bench.topics` counts, also calls that nothing was made with."""
    topics = KeywordTopics(tuple(CATALOGUES.by_segment.values()), TopicSettings(), choice_of(real_encoder))
    given = 0
    for one in asked_calls(DEVELOPED):
        topic, _ = topics.classify(one.call, CATALOGUES.for_call(one.call.metadata.customer_segment))
        assert topic is None or topic.topic in one.topics, one.call.call_id
        given += topic is not None
    assert given >= 22


def test_with_the_real_encoder_the_harper_valley_tasks_are_found(
    real_encoder: SentenceEncoder,  # noqa: F811
    reference_data: Path,
) -> None:
    glossary = load_glossary(HARPER_VALLEY)
    topics = KeywordTopics((glossary,), TopicSettings(), choice_of(real_encoder))
    found = [(topics.classify(one, (glossary,))[0], task["task_type"]) for one, task in harper_valley(reference_data)]
    assert len(found) == 6
    assert all(topic is not None and topic.topic == task for topic, task in found)


def test_recordings_a_hang_up_and_what_is_off_the_list_have_no_topic(
    real_encoder: SentenceEncoder,  # noqa: F811
    reference_data: Path,
) -> None:
    topics = KeywordTopics(tuple(CATALOGUES.by_segment.values()), TopicSettings(), choice_of(real_encoder))
    found = {}
    for line in (reference_data / "cases" / "no_topic_calls.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        turns = [
            {**turn, "channel": 0, "start": 4.0 * place, "end": 4.0 * place + 3}
            for place, turn in enumerate(case["turns"])
        ]
        topic, reason = topics.classify(call_of(case["name"], turns), CATALOGUES.for_call(None))
        assert (topic is None) == bool(reason)
        if case["expected"] is None:
            assert topic is None, case["name"]
        found[case["name"]] = topic.topic if topic else None
    assert found["negated_topic"] not in (None, "Cancellation")
    assert found["quoted_hold"] == "Delivery"
