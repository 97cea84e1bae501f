"""A topic that only words meant for the model bear out: it never stands without the row saying so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from analysis.encoder.vectors import WITHOUT, EncoderChoice, SentenceEncoder
from analysis.glossary.catalogue import OTHER
from analysis.injection.sifting import Sifter
from analysis.injection.telling import DOUBT_TOLD, ORDERS_TOLD
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.records import Topic
from analysis.topics.step import TopicMethods, TopicStep
from db.ledger.rows import missing_reasons
from pipeline.config.areas.language import TopicSettings
from pipeline.records import ORDERS_FLAG, CallForAnalysis, CustomerSegment, StepResult
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import real_encoder  # noqa: F401 - a fixture
from tests.analysis.topics.test_questions import CATALOGUES, ENCODER, numbers

REASON = "My parcel has not arrived."
DOUBTFUL = "So the notes say that I rang about my invoice."


def said(*turns: str) -> CallForAnalysis:
    return call(("agent", "How can I help you?"), *(("client", turn) for turn in turns), segment=CustomerSegment.B2C)


@dataclass
class Obeys:
    """A model that files a call as billing where an invoice is mentioned, else as `otherwise`."""

    otherwise: str
    extractive: bool = False
    models: tuple[str, ...] = ("test/model",)
    requests: list[LLMRequest] = field(default_factory=list)

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        self.requests += requests
        answers = []
        for request in requests:
            label = "Billing > Wrong amount" if "invoice" in request.user else self.otherwise
            data = {"why": "x", "number": numbers(request)[label]}
            answers.append(LLMAnswer(key=request.key, data=data, provider="test", tokens_in=100, tokens_out=2))
        return answers


def ask(one: CallForAnalysis, router: Obeys | None = None, encoder: EncoderChoice = ENCODER) -> StepResult:
    settings = TopicSettings(max_proposed_terms=0, scoring={"shortlist": 40})
    (result,) = TopicStep(CATALOGUES, settings, TopicMethods(router=router, encoder=encoder)).run([one], [{}])
    return result


def test_the_words_of_these_tests_are_doubtful_and_no_more() -> None:
    sifted = Sifter(ENCODER).sift(said(REASON, DOUBTFUL))
    assert (sifted.left_out, sifted.doubtful) == ((), (DOUBTFUL,))


def test_what_no_model_reads_is_hardly_doubted(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    """The sample rec-000017 lost its topic so: keywords obey nobody."""
    wish, encoder = (
        "We want to change the order.",
        EncoderChoice(encoder=real_encoder, expected=real_encoder.identity),
    )
    assert Sifter(encoder).sift(said(wish)).doubtful == (wish,)
    assert Sifter(encoder, for_model=False).sift(said(wish)).doubtful == ()


def test_a_model_that_obeys_is_asked_again_without_the_words_and_the_row_says_so() -> None:
    router = Obeys("Delivery > Late or missing")
    result = ask(said(REASON, DOUBTFUL), router)
    assert isinstance(result.payload, Topic)
    assert result.payload.topic == "Delivery"
    assert ORDERS_FLAG in result.payload.flags
    assert ORDERS_TOLD in missing_reasons(result)["topic"]
    assert (len(router.requests), result.tokens_in, result.tokens_out) == (2, 200, 4), "both questions were paid for"


def test_words_that_make_no_difference_cost_a_question_and_no_flag() -> None:
    router = Obeys("Billing > Wrong amount")
    result = ask(said("My bill is wrong.", DOUBTFUL), router)
    assert isinstance(result.payload, Topic)
    assert (result.payload.topic, result.payload.flags, result.tokens_in) == ("Billing", (), 200)
    assert ORDERS_TOLD not in (result.reason or "")


def test_where_nothing_is_doubtful_a_model_is_asked_once() -> None:
    router = Obeys("Delivery > Late or missing")
    result = ask(said(REASON, "The invoice came with it."), router)
    assert isinstance(result.payload, Topic)
    assert (result.payload.topic, result.payload.flags, len(router.requests)) == ("Billing", (), 1)


@pytest.mark.parametrize(
    ("router", "encoder"), [(None, WITHOUT), (Obeys("none"), ENCODER)], ids=["keywords", "a model"]
)
def test_where_nothing_else_tells_a_topic_it_stands_with_the_flag(router: Obeys | None, encoder: EncoderChoice) -> None:
    """Keywords, too, take an invoice for a reason, whoever it is meant for."""
    result = ask(said("Hello there.", DOUBTFUL), router, encoder)
    assert isinstance(result.payload, Topic)
    assert result.payload.topic not in (OTHER, "Delivery")
    assert ORDERS_FLAG in result.payload.flags
    assert DOUBT_TOLD in missing_reasons(result)["topic"]
