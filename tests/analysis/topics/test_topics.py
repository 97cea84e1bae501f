"""The step `topic`: by keywords, by a model, and what happens where neither can say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import Catalogues, load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.records import Topic
from analysis.topics.matching import TopicMatcher
from analysis.topics.proposals import proposed_terms
from analysis.topics.step import TopicMethods, TopicStep
from bench.materials.reference_calls import harper_valley, samples
from bench.topics import GLOSSARIES as BENCH_GLOSSARIES
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
    glossary = load_glossary(BENCH_GLOSSARIES / "harper_valley.yaml")
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
    ("said", "subtopic"),
    [("a debit", "North"), ("the cheque", "South"), ("my transfer", None), ("a transfer by cheque", "South"),
     ("it is my bank", None)],
)  # fmt: skip
def test_of_subtopics_that_match_equally_none_is_chosen(said: str, subtopic: str | None) -> None:
    step = TopicStep(Catalogues({CustomerSegment.B2C: PAYING}, None), TopicSettings())
    topic = ask(call(("client", said)), step).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic) == ("Money", subtopic)


def test_of_topics_that_match_equally_none_is_chosen() -> None:
    step = TopicStep(Catalogues({CustomerSegment.B2C: PAYING}, None), TopicSettings())
    result = ask(call(("client", "the router")), step)
    assert (result.payload, result.reason) == (None, "two topics match equally well: Lamp and Book")


def router_score(*said: tuple[str, str]) -> float:
    return TopicMatcher(PAYING, KeywordTopicSettings()).candidates(call(*said).transcript.chunks, "en")[0].score


@pytest.mark.parametrize("role", ["agent", "unknown"])
def test_in_a_call_without_a_client_everybodys_words_count_as_a_clients(role: str) -> None:
    assert router_score((role, "the router")) == router_score(("client", "the router"))
    # The opening turns are everybody's, too: what is said later counts less.
    before = [(role, "green chairs")] * 4
    as_client = router_score(*[("client", "green chairs")] * 4, ("client", "the router"))
    assert router_score(*before, (role, "the router")) == as_client
    assert as_client < router_score((role, "the router"))


def test_with_a_client_in_the_call_the_agents_words_count_less() -> None:
    by_agent = router_score(("client", "green chairs"), ("agent", "the router"))
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


class Answers:
    """A router that answers each purpose as a test says."""

    models = ("test/model",)

    def __init__(
        self, answers: dict[str, dict[str, Any] | None], *, extractive: bool = False, share: float | None = None
    ) -> None:
        self.requests: list[LLMRequest] = []
        self.extractive = extractive
        self._answers = answers
        self._share = share

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        self.requests += requests
        return [self._answer(request) for request in requests]

    def _answer(self, request: LLMRequest) -> LLMAnswer:
        data = self._answers[request.purpose]
        shares = {"label": {data["label"]: self._share}} if data and self._share and "label" in data else {}
        return LLMAnswer(
            key=request.key,
            data=data,
            reason=None if data else "test: timed out",
            provider="test" if data else None,
            label_probabilities=shares,
        )


BILL = call(("client", "I was charged twice on my bill."), ("agent", "I see."), segment=None)
CHOSEN = {"label": "Billing > Wrong amount", "evidence": ["charged twice"], "proposed_terms": []}


def test_a_model_settles_the_segment_first_and_then_chooses_within_it() -> None:
    router = Answers({"pre_summary": {"account": "Charged twice.", "customer": "private"}, "topic": CHOSEN}, share=0.8)
    step = TopicStep(CATALOGUES, TopicSettings(pre_summary_language="fr"), TopicMethods(router=router))
    topic = ask(BILL, step).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic, topic.confidence, topic.catalogue) == ("Billing", "Wrong amount", 0.8, "b2c")
    first, second = router.requests
    assert "Écrivez en français" in first.system
    assert "<account>\nCharged twice.\n</account>" in second.user
    b2c = CATALOGUES.by_segment[CustomerSegment.B2C]
    assert second.schema["properties"]["label"]["enum"] == [*(label.path for label in b2c.labels), "other"]
    assert second.label_fields == ("label",)


@pytest.mark.parametrize("extractive", [False, True])
def test_an_outage_costs_the_topic_unless_keywords_may_stand_in(extractive: bool) -> None:
    router = Answers({"pre_summary": None, "topic": None}, extractive=extractive)
    step = TopicStep(CATALOGUES, TopicSettings(), TopicMethods(router=router))
    result = ask(BILL, step)
    assert "timed out" in (result.reason or "")
    if extractive:
        assert isinstance(result.payload, Topic)
        assert result.provider == "keywords"
        assert result.fingerprint != step.fingerprint(BILL)
    else:
        assert (result.state, result.payload) == (StepState.FAILED, None)


def test_many_calls_are_asked_together_and_answered_in_order() -> None:
    router = Answers({"pre_summary": {"account": "x", "customer": "private"}, "topic": CHOSEN})
    step = TopicStep(CATALOGUES, TopicSettings(), TopicMethods(router=router))
    calls = [call(("client", "I was charged twice"), name="a"), call(name="b"), BILL]
    results = step.run(calls, [{}, {}, {}])
    assert [result.state for result in results] == [StepState.DONE, StepState.MISSING, StepState.DONE]
    assert [request.purpose for request in router.requests] == ["pre_summary"] * 2 + ["topic"] * 2


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


def by_model(**answer: Any) -> StepResult:
    router = Answers({"pre_summary": {"account": "x", "customer": "private"}, "topic": {**CHOSEN, **answer}})
    return ask(BILL, TopicStep(CATALOGUES, TopicSettings(), TopicMethods(router=router)))


def test_other_comes_with_the_terms_that_were_said() -> None:
    topic = by_model(
        label="other", proposed_terms=["Charged twice", "made up", "twice on"], evidence=["never said"]
    ).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic) == ("other", None)
    assert topic.proposed_terms == ("charged twice", "twice on")
    assert (topic.evidence, topic.flags) == ((), ("evidence_not_said",))


def test_a_label_of_the_glossary_proposes_nothing() -> None:
    topic = by_model(proposed_terms=["charged twice"]).payload
    assert isinstance(topic, Topic)
    assert (topic.proposed_terms, topic.flags) == ((), ())
    assert [evidence.quote for evidence in topic.evidence] == ["charged twice"]


def test_a_label_outside_the_glossary_is_no_topic() -> None:
    result = by_model(label="Gardening")
    assert (result.state, result.reason) == (StepState.FAILED, "the model's label is not in the glossary")


def test_without_the_account_the_catalogue_is_the_one_whose_words_match() -> None:
    pallets = call(("client", "We want to reorder pallets, our purchase order is late."), segment=None)
    for account in (None, {"account": "x", "customer": "unknown"}):
        router = Answers({"pre_summary": account, "topic": {**CHOSEN, "label": "other"}})
        topic = ask(pallets, TopicStep(CATALOGUES, TopicSettings(), TopicMethods(router=router))).payload
        assert isinstance(topic, Topic)
        assert topic.catalogue == "b2b"
