"""The step `topic`: by keywords, by a model, and what happens where neither can say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import Catalogues, load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.records import Topic
from analysis.topics.asked import asked_in
from analysis.topics.keywords import Ranked
from analysis.topics.matching import Candidate, TopicMatcher
from analysis.topics.proposals import proposed_terms
from analysis.topics.step import TopicStep
from analysis.topics.subtopics import Below
from bench.materials.reference_calls import harper_valley, samples
from bench.materials.topic_glossaries import HARPER_VALLEY
from pipeline.config.areas.language import GlossarySettings, KeywordTopicSettings, TopicSettings
from pipeline.records import CallForAnalysis, CustomerSegment, StepResult, StepState
from tests.analysis.calls import call

ROOT = Path(__file__).resolve().parents[3]
CATALOGUES = load_catalogues(
    GlossarySettings(b2b=ROOT / "glossaries" / "b2b.yaml", b2c=ROOT / "glossaries" / "b2c.yaml")
)
STEP = TopicStep(CATALOGUES, TopicSettings())


def ask(one: CallForAnalysis, step: TopicStep = STEP) -> StepResult:
    return step.run([one], [{}])[0]


def test_the_samples_topics_are_found() -> None:
    wrong = []
    for one, labels in samples():
        topic = ask(one).payload
        if not isinstance(topic, Topic) or topic.topic != labels["topic"]:
            wrong.append((one.call_id, topic))
        else:
            texts = {(chunk.channel, chunk.ordinal): chunk.text for chunk in one.transcript.chunks}
            assert topic.evidence
            assert all(quote.quote in texts[quote.channel, quote.ordinal] for quote in topic.evidence)
    assert not wrong


def test_the_harper_valley_tasks_are_found(reference_data: Path) -> None:
    glossary = load_glossary(HARPER_VALLEY)
    step = TopicStep(Catalogues({CustomerSegment.B2C: glossary}, None), TopicSettings())
    found = [(ask(one, step).payload, task["task_type"]) for one, task in harper_valley(reference_data)]
    assert len(found) == 6
    assert all(isinstance(topic, Topic) and topic.topic == task for topic, task in found)


def test_the_opening_outweighs_what_is_mentioned_later() -> None:
    one = call(
        ("client", "I want to cancel my subscription."),
        *[("agent", "One moment please.")] * 3,
        *[("client", "All right, I see.")] * 4,
        ("client", "My parcel also came late once, the parcel was late."),
    )
    topic = ask(one).payload
    assert isinstance(topic, Topic)
    assert topic.topic == "Cancellation"


MISSING = [
    (call(("client", "the weather is lovely in autumn")), "nothing in this call matches|matches well enough"),
    (call(("client", "")), "nobody speaks"),
    (call(), "nobody speaks"),
    (call(("client", "Meine Rechnung ist zu hoch"), language="de"), "no glossary for this call: language de"),
    (call(("client", "我的账单"), language="zh"), "written without spaces"),
]


@pytest.mark.parametrize(("one", "told"), MISSING)
def test_no_topic_is_none_with_the_reason(one: CallForAnalysis, told: str) -> None:
    result = ask(one)
    assert (result.state, result.payload) == (StepState.MISSING, None)
    assert result.reason is not None
    assert any(part in result.reason for part in told.split("|"))


PAYING = Glossary(
    name="b2c",
    languages=("en",),
    labels=(
        Label(topic="Money", keywords=("bank",)),
        Label(topic="Money", subtopic="North", keywords=("transfer", "debit")),
        Label(topic="Money", subtopic="South", keywords=("transfer", "cheque")),
        Label(topic="Lamp", keywords=("router",)),
        Label(topic="Book", keywords=("router",)),
    ),
)


@pytest.mark.parametrize(
    ("said", "subtopic", "missing"),
    [("a debit", "North", None), ("the cheque", "South", None), ("a transfer by cheque", "South", None),
     ("my transfer", None, "two match equally well: South and North"),
     ("it is my bank", None, "nothing in this call matches one")],
)  # fmt: skip
def test_of_subtopics_that_match_equally_none_is_chosen(said: str, subtopic: str | None, missing: str | None) -> None:
    step = TopicStep(Catalogues({CustomerSegment.B2C: PAYING}, None), TopicSettings())
    topic = ask(call(("client", said)), step).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic, topic.subtopic_missing) == ("Money", subtopic, missing)


@pytest.mark.parametrize("margin", [0.02, 0.0])
def test_of_topics_that_match_equally_none_is_chosen(margin: float) -> None:
    settings = TopicSettings(keywords=KeywordTopicSettings(min_margin=margin))
    step = TopicStep(Catalogues({CustomerSegment.B2C: PAYING}, None), settings)
    result = ask(call(("client", "the router")), step)
    assert (result.payload, result.reason) == (None, "two topics match equally well: Lamp and Book")


@pytest.mark.parametrize(
    ("scores", "lead"), [((), 1.0), ((0.0,), 1.0), ((4.0, 3.0, 1.0), 0.25), ((0.5, 0.5), 0.0), ((0.0, 0.0), 0.0)]
)
def test_how_far_the_best_topic_leads_is_a_share_of_its_score(scores: tuple[float, ...], lead: float) -> None:
    candidates = tuple(Candidate(str(score), Below(None), score, frozenset()) for score in scores)
    assert Ranked(PAYING, candidates, scores).lead == pytest.approx(lead)
    assert Ranked(PAYING, candidates, scores).confidence == (scores or (0.0,))[0]


def test_a_topic_whose_subtopics_are_all_in_another_language_is_matched_by_its_own_words() -> None:
    """The step had failed on every call that held a word of it."""
    labels = (
        Label(topic="Card"),
        Label(topic="Card", subtopic="Perdue", languages=("fr",), keywords=("perdue",)),
        Label(topic="Bill", keywords=("bill",)),
    )
    matcher = TopicMatcher(Glossary(name="b2c", languages=("en", "fr"), labels=labels), KeywordTopicSettings())
    lines = asked_in(call(("client", "It is about my card.")).transcript.chunks, "en", KeywordTopicSettings()).lines
    (found,) = matcher.candidates(lines, "en")
    assert (found.topic, found.below.subtopic) == ("Card", None)


def test_a_keyword_of_one_word_is_worth_as_much_in_a_label_of_many_keywords() -> None:
    few, many = ("quote",), ("quote", "order list", "bulk", "discount", "wholesale", "pallet price", "reorder")
    lines = asked_in(call(("client", "I need a quote.")).transcript.chunks, "en", KeywordTopicSettings()).lines
    found = []
    for keywords in (few, many):
        labels = (Label(topic="Orders", keywords=keywords), Label(topic="Lamp", keywords=("router shop",)))
        matcher = TopicMatcher(Glossary(name="b2b", languages=("en",), labels=labels), KeywordTopicSettings())
        found.append(matcher.keyword_found(lines, "en"))
    assert found[0][Label(topic="Orders", keywords=few)] == found[1][Label(topic="Orders", keywords=many)] == 1.0
    assert all(one[Label(topic="Lamp", keywords=("router shop",))] == 0.0 for one in found)
    half = asked_in(call(("client", "Is there a shop?")).transcript.chunks, "en", KeywordTopicSettings()).lines
    assert matcher.keyword_found(half, "en")[Label(topic="Lamp", keywords=("router shop",))] == pytest.approx(0.5)


def router_score(*said: tuple[str, str]) -> float:
    lines = asked_in(call(*said).transcript.chunks, "en", KeywordTopicSettings()).lines
    return TopicMatcher(PAYING, KeywordTopicSettings()).candidates(lines, "en")[0].score


@pytest.mark.parametrize("role", ["agent", "unknown"])
def test_in_a_call_without_a_client_everybodys_words_count_as_a_clients(role: str) -> None:
    assert router_score((role, "the router")) == router_score(("client", "the router"))
    # The opening turns are everybody's, too: what is said later counts less.
    before = [(role, "green chairs")] * 4
    as_client = router_score(*[("client", "green chairs")] * 4, ("client", "the router"))
    assert router_score(*before, (role, "the router")) == as_client
    assert as_client < router_score((role, "the router"))


def test_with_a_client_in_the_call_the_agents_words_count_less() -> None:
    by_agent = router_score(("client", "green chairs"), ("agent", "so you mean the router"))
    assert by_agent < router_score(("client", "green chairs"), ("client", "the router"))


def test_a_segment_without_catalogue_has_no_topic() -> None:
    only = Catalogues({CustomerSegment.B2C: CATALOGUES.by_segment[CustomerSegment.B2C]}, None)
    result = ask(call(("client", "my bill is wrong"), segment=CustomerSegment.B2B), TopicStep(only, TopicSettings()))
    assert result.state is StepState.MISSING


def test_the_catalogue_of_an_unknown_segment_is_the_one_that_matches_better() -> None:
    b2b = ask(call(("client", "We want to reorder pallets, our purchase order is late."), segment=None)).payload
    b2c = ask(call(("client", "I forgot my password and I am locked out of my account."), segment=None)).payload
    assert isinstance(b2b, Topic)
    assert isinstance(b2c, Topic)
    assert (b2b.catalogue, b2c.catalogue) == ("b2b", "b2c")


def test_other_languages_match_by_their_own_stems() -> None:
    labels = (
        Label(topic="Facturation", keywords=("facture", "prélèvement")),
        Label(topic="Panne", keywords=("panne",)),
    )
    glossary = Glossary(name="fr", languages=("fr",), labels=labels)
    step = TopicStep(Catalogues({CustomerSegment.B2C: glossary}, None), TopicSettings())
    topic = ask(
        call(("client", "J'appelle pour mes factures, les prélèvements sont faux."), language="fr"), step
    ).payload
    assert isinstance(topic, Topic)
    assert topic.topic == "Facturation"


@given(st.lists(st.tuples(st.sampled_from(["agent", "client", "unknown"]), st.text(max_size=60)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_whatever_is_said_the_label_is_of_the_glossary(said: list[tuple[str, str]]) -> None:
    result = ask(call(*said, segment=None))
    if isinstance(result.payload, Topic):
        labels = [label for glossary in CATALOGUES.by_segment.values() for label in glossary.labels]
        assert (result.payload.topic, result.payload.subtopic) in [(label.topic, label.subtopic) for label in labels]
    else:
        assert result.reason


BILL = call(("client", "I was charged twice on my bill."), ("agent", "I see."), segment=None)


def test_a_changed_glossary_changes_the_fingerprint_and_nothing_else_does() -> None:
    changed = Glossary(name="b2c", languages=("en",), labels=(Label(topic="Billing", keywords=("bill",)),))
    other = TopicStep(Catalogues({CustomerSegment.B2C: changed}, None), TopicSettings())
    assert other.fingerprint(BILL) != STEP.fingerprint(BILL)
    assert TopicStep(CATALOGUES, TopicSettings()).fingerprint(BILL) == STEP.fingerprint(BILL)


def test_proposals_are_counted_once_per_call() -> None:
    topics = [
        Topic(topic="other", subtopic=None, confidence=None, proposed_terms=("solar roof", "Solar Roof", "meter")),
        Topic(topic="other", subtopic=None, confidence=None, proposed_terms=("solar roof",)),
        Topic(topic="Billing", subtopic=None, confidence=None, proposed_terms=("meter",)),
    ]
    assert [(one.term, one.calls) for one in proposed_terms(topics)] == [("solar roof", 2), ("meter", 1)]
