"""Topic by a language model: what is offered, what is asked, and how the answer is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.encoder.vectors import WITHOUT, EncoderChoice, Vectors
from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import Catalogues, load_catalogues
from analysis.injection.patterns import gives_orders
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.records import Topic
from analysis.topics.questions import Question, opening, topic_request
from analysis.topics.shortlist import Offered, shortlist
from analysis.topics.step import TopicMethods, TopicStep
from analysis.topics.support import lines_about
from bench.materials.reference_calls import samples
from db.ledger.rows import missing_reasons
from pipeline.config.areas.language import GlossarySettings, TopicSettings
from pipeline.records import CallForAnalysis, CustomerSegment, Direction, StepResult, StepState
from tests.analysis.calls import call

ROOT = Path(__file__).resolve().parents[3]
CATALOGUES = load_catalogues(
    GlossarySettings(b2b=ROOT / "glossaries" / "b2b.yaml", b2c=ROOT / "glossaries" / "b2c.yaml")
)
BILL = call(("client", "I was charged twice on my bill."), ("agent", "I see."), segment=None)
B2C = CATALOGUES.by_segment[CustomerSegment.B2C]


class WordsEncoder:
    """Texts are as close as the words they share: a place of the vector for each of a few words."""

    space = identity = "words"
    _WORDS = ("charged", "bill", "card", "lost", "parcel", "loan")

    def knows(self, language: str | None) -> bool:
        return language in (None, "en")

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.asarray([[word in text.casefold() for word in self._WORDS] for text in texts], dtype=np.float32)
        vectors: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return vectors.astype(np.float32)

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self.encode(words)

    def close(self) -> None:
        pass


ENCODER = EncoderChoice(encoder=WordsEncoder(), expected="words")


class Answers:
    """A router that answers with the number of a label, or as a test says; `shares` are of labels, too."""

    models = ("test/model",)

    def __init__(
        self,
        label: str | None,
        *,
        terms: Sequence[str] = (),
        shares: Mapping[str, float] | None = None,
        extractive: bool = False,
    ) -> None:
        self.requests: list[LLMRequest] = []
        self.extractive = extractive
        self._label, self._terms, self._shares = label, list(terms), shares or {}

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        self.requests += requests
        return [self._answer(request) for request in requests]

    def _answer(self, request: LLMRequest) -> LLMAnswer:
        if self._label is None:
            return LLMAnswer(key=request.key, data=None, reason="test: timed out")
        data: dict[str, Any] = {"terms": self._terms}
        shares = {}
        if request.purpose == "topic":
            data = {"why": "x", "number": numbers(request)[self._label]}
            shares = {"number": {numbers(request)[label]: share for label, share in self._shares.items()}}
        return LLMAnswer(key=request.key, data=data, provider="test", label_probabilities=shares)


def numbers(request: LLMRequest) -> dict[str, str]:
    """Label as it stands in the prompt -> its number."""
    found = re.findall(r"^(\d+)\. ([^:\n]+)", request.system, re.MULTILINE)
    return {label: number for number, label in found} | {"none": "0"}


def ask(router: Answers, one: CallForAnalysis = BILL, **chosen: Any) -> StepResult:
    methods = TopicMethods(router=router, encoder=ENCODER)
    return TopicStep(CATALOGUES, TopicSettings(**chosen), methods).run([one], [{}])[0]


def test_a_call_of_an_unknown_segment_is_asked_about_labels_of_both_catalogues() -> None:
    router = Answers("Billing > Wrong amount", shares={"Billing > Wrong amount": 0.8})
    topic = ask(router, scoring={"shortlist": 30}).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic, topic.confidence, topic.catalogue) == ("Billing", "Wrong amount", None, "b2c")
    (request,) = router.requests
    assert list(request.schema["properties"]) == ["why", "number"], "the model writes before it chooses"
    assert request.schema["properties"]["number"]["enum"][-1] == "0"


def test_the_prompt_holds_the_shortlist_and_not_the_glossary() -> None:
    router = Answers("none")
    ask(router)
    assert len(numbers(router.requests[0])) == 9 + len({"0. none of these", "none"})
    assert "Lost or stolen" not in router.requests[0].system
    short = len(router.requests[0].system)
    ask(whole := Answers("none"), scoring={"shortlist": 200})
    assert short < 0.5 * len(whole.requests[0].system)


def test_the_sentence_before_the_number_is_in_the_language_asked_for_or_left_out() -> None:
    ask(french := Answers("none"), pre_summary_language="fr")
    assert "one sentence in French" in french.requests[0].system
    ask(bare := Answers("none"), pre_summary=False)
    assert list(bare.requests[0].schema["properties"]) == ["number"]
    assert "why" not in (bare.requests[0].choice or pytest.fail("no choice")).others


@pytest.mark.parametrize("extractive", [False, True])
def test_an_outage_costs_the_topic_unless_keywords_may_stand_in(extractive: bool) -> None:
    router = Answers(None, extractive=extractive)
    result = ask(router)
    assert "timed out" in (result.reason or "")
    if extractive:
        assert isinstance(result.payload, Topic)
        assert (result.provider or "").startswith("keywords")
        assert result.fingerprint.endswith("~fallback") or "fallback" in result.fingerprint
    else:
        assert (result.state, result.payload) == (StepState.FAILED, None)


def test_many_calls_are_asked_together_and_answered_in_order() -> None:
    router = Answers("Billing > Wrong amount")
    step = TopicStep(CATALOGUES, TopicSettings(), TopicMethods(router=router, encoder=ENCODER))
    calls = [call(("client", "I was charged twice"), name="a"), call(name="b"), BILL]
    results = step.run(calls, [{}, {}, {}])
    assert [result.state for result in results] == [StepState.DONE, StepState.MISSING, StepState.DONE]
    assert [request.purpose for request in router.requests] == ["topic"] * 2


def test_terms_are_asked_for_only_where_no_label_fits_and_only_what_was_said_is_kept() -> None:
    router = Answers("none", terms=["Charged twice", "made up", "twice on"], shares={"none": 0.7})
    topic = ask(router).payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic, topic.confidence) == ("other", None, None)
    assert topic.proposed_terms == ("charged twice", "twice on")
    assert [request.purpose for request in router.requests] == ["topic", "topic_terms"]
    ask(fits := Answers("Billing > Wrong amount", terms=["charged twice"]))
    assert [request.purpose for request in fits.requests] == ["topic"]
    ask(silent := Answers("none"), max_proposed_terms=0)
    assert [request.purpose for request in silent.requests] == ["topic"]


def test_where_every_label_has_a_share_the_topic_with_the_largest_sum_is_taken() -> None:
    """Two subtopics of one topic divide its share between them; the model's own first choice is another topic."""
    glossary = Glossary(
        name="b2c",
        languages=("en",),
        labels=(
            Label(topic="Cards"),
            Label(topic="Cards", subtopic="Lost"),
            Label(topic="Cards", subtopic="Stolen"),
            Label(topic="Loans"),
        ),
    )
    router = Answers(
        "Loans", shares={"Cards": 0.05, "Cards > Lost": 0.3, "Cards > Stolen": 0.2, "Loans": 0.35, "none": 0.1}
    )
    step = TopicStep(Catalogues({CustomerSegment.B2C: glossary}, None), TopicSettings(), TopicMethods(router=router))
    topic = step.run([call(("client", "My card is gone."))], [{}])[0].payload
    assert isinstance(topic, Topic)
    assert (topic.topic, topic.subtopic) == ("Cards", "Lost")
    assert topic.confidence == pytest.approx(0.55)


def test_the_choice_weighs_the_clients_first_words_under_each_label_and_under_none() -> None:
    said = call(
        ("agent", "Good morning."), ("client", "[noise]"), ("client", "Hello, I lost my card <|im_end|> today."),
        ("client", "And something much later."),
    )  # fmt: skip
    offered = tuple(Offered(label, B2C) for label in B2C.labels[:2])
    request = topic_request(Question(said, offered), "1", TopicSettings.model_validate({"scoring": {"words": 7}}))
    assert request.choice is not None
    assert [option.value for option in request.choice.options] == ["1", "2", "0"]
    texts = {option.said for option in request.choice.options}
    assert len(texts) == 1
    assert texts.pop() == "Hello, I lost my card today. And"
    assert all("lost my card" not in option.given for option in request.choice.options)
    assert "What it is about" not in request.choice.options[-1].given


def test_of_a_call_from_the_company_both_sides_are_heard() -> None:
    one = call(("client", "Miller speaking."), ("agent", "Your contract ends."), ("client", "I see."))
    assert opening(one, 40) == "Miller speaking. I see."
    outbound = replace(one, metadata=replace(one.metadata, direction=Direction.OUTBOUND))
    assert opening(outbound, 2) == "Miller speaking. Your contract"
    agent_only = call(("agent", "Is anybody there?"))
    assert opening(agent_only, 40) == "Is anybody there?"


def test_the_closest_labels_are_offered_and_all_of_them_where_no_encoder_knows_the_language() -> None:
    few = shortlist("I lost my card", "en", (B2C,), ENCODER, 3)
    assert few[0].label.path == "Cards > Lost or stolen"
    assert len(few) == 3
    assert all(offered.label.topic != "Billing" for offered in few)
    with_billing = shortlist("I lost my card", "en", (B2C,), ENCODER, 3, topic="Billing")
    assert with_billing[:2] == few[:2]
    assert with_billing[2].label.topic == "Billing", "what keywords point to is offered, however far"
    assert shortlist("I lost my card", "en", (B2C,), ENCODER, 3, topic="Cards") == few
    for language, encoder in (("fr", ENCODER), ("en", WITHOUT)):
        assert [offered.label for offered in shortlist("x", language, (B2C,), encoder, 3)] == list(B2C.labels)


@pytest.mark.parametrize("encoder", [ENCODER, WITHOUT], ids=["encoder", "words"])
def test_the_lines_quoted_are_about_the_label(encoder: EncoderChoice) -> None:
    said = call(
        ("agent", "You lost your card, is that right?"),
        ("client", "Good morning to you. I lost my card on the train. It was raining very hard."),
        ("client", "Thank you very much indeed."),
    )
    label = Label(topic="Cards", subtopic="Lost", definition="A card was lost.")
    assert [evidence.quote for evidence in lines_about(said, label, encoder, 3)] == ["I lost my card on the train"]
    assert lines_about(said, Label(topic="Opening hours"), encoder, 3) == ()


class Trained:
    """Finds the same topic in every call."""

    identity = "trained"

    def __init__(self, topic: str | None) -> None:
        self._found = None if topic is None else Topic(topic=topic, subtopic=None, confidence=0.9, catalogue="b2c")

    def classify(self, calls: Sequence[CallForAnalysis]) -> Sequence[tuple[Topic | None, str | None]]:
        return [(self._found, None) for _ in calls]


@pytest.mark.parametrize(
    ("label", "trained", "told"),
    [
        ("Billing > Wrong amount", "Billing", None),
        ("Billing > Wrong amount", None, None),
        ("Billing > Wrong amount", "Cards", "the trained model points to another topic: Cards"),
        ("none", "other", "keywords point to another topic: Billing"),
        (
            "none", "Cards",
            "keywords point to another topic: Billing; the trained model points to another topic: Cards",
        ),
    ],
)  # fmt: skip
def test_where_keywords_or_the_trained_model_disagree_the_row_says_so(
    label: str, trained: str | None, told: str | None
) -> None:
    methods = TopicMethods(router=Answers(label), trained=Trained(trained), encoder=ENCODER)
    step = TopicStep(CATALOGUES, TopicSettings(max_proposed_terms=0), methods)
    bill = call(("client", "I was charged twice on my bill."), segment=CustomerSegment.B2C)
    result = step.run([bill], [{}])[0]
    assert result.reason == told
    assert missing_reasons(result).get("topic") == told
    alone = TopicStep(CATALOGUES, TopicSettings(max_proposed_terms=0), replace(methods, trained=None))
    assert result.fingerprint == alone.fingerprint(bill), "a second opinion makes no answer stale"


def test_answers_to_the_former_prompts_stand() -> None:
    """They were paid for. Without a model the fingerprint holds no prompt."""
    step = TopicStep(CATALOGUES, TopicSettings(), TopicMethods(router=Answers("none"), former_model="test/before"))
    assert len({step.fingerprint(BILL), *step.former_fingerprints(BILL)}) == 3
    bare = TopicStep(CATALOGUES, TopicSettings())
    assert bare.former_fingerprints(BILL) == (bare.fingerprint(BILL),)


ATTACKS = [
    line
    for line in (ROOT / "bench" / "labels" / "attacks.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("# ")
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_topic_beside_words_meant_for_the_model_is_flagged(attack: str) -> None:
    """bench.choosing --attacks shows what a real model makes of them; none may succeed silently."""
    one = call(("client", "I was charged twice on my bill."), ("client", attack))
    for result in (
        ask(Answers("Billing > Wrong amount"), one),
        *TopicStep(CATALOGUES, TopicSettings()).run([one], [{}]),
    ):
        assert isinstance(result.payload, Topic)
        assert result.payload.flags == ("orders_in_speech",)
        # The row shows it: flags of a step's payload are in no column.
        assert "as one speaks to a language model" in (result.reason or "")


@pytest.mark.parametrize("one", [pair[0] for pair in samples()], ids=lambda one: one.call_id[:20])
def test_ordinary_calls_of_ours_have_no_such_flag(one: CallForAnalysis) -> None:
    assert not any(gives_orders(chunk.text) for chunk in one.transcript.chunks)


@pytest.mark.parametrize(
    "said", ["uh <unk> monday [noise]", "the category of event is music", "which topic shall we begin with"]
)
def test_a_recogniser_s_marks_and_plain_words_are_no_orders(said: str) -> None:
    assert not gives_orders(said)
