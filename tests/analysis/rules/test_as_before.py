"""Many conditions on a few calls, each verdict with its words, kept as they are: any change of one is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from analysis.conversation.step import ConversationStep
from analysis.records import CallSentiment, Evidence, RoleSentiment, Sentiment, Topic
from analysis.results import done
from analysis.rules.book import Condition, RuleFile
from analysis.rules.heard import Heard
from analysis.rules.judge import judge
from pipeline.records import CallForAnalysis, Role, StepResult, TranscriptChunk, Word
from tests.analysis.calls import call, chunk
from tests.pinned import assert_pinned

PLAIN = call(
    ("agent", "Good morning, this call is recorded. How can I help?"),
    ("client", "Hello. My bill is wrong again! I want to cancel my contract."),
    ("agent", "I am sorry. I'll call you back."),
    ("client", "No, I don't want a call. I said I cancel it, and I cancel it now."),
    ("agent", "I understand. Goodbye."),
)


def of(made: CallForAnalysis, *chunks: TranscriptChunk, flags: tuple[str, ...] = ()) -> CallForAnalysis:
    return replace(made, flags=flags, transcript=replace(made.transcript, chunks=chunks))


def worded(place: int, role: Role, text: str, start_s: float, *, each_s: float = 0.4) -> TranscriptChunk:
    """Each word takes `each_s`, with a tenth of a second before the next one."""
    spoken = text.split()
    words = tuple(
        Word(text=word, start_s=start_s + number * (each_s + 0.1), end_s=start_s + number * (each_s + 0.1) + each_s)
        for number, word in enumerate(spoken)
    )
    made = chunk(place, role, text, start_s=start_s, end_s=words[-1].end_s)
    return replace(made, words=words)


GAPPED = of(
    PLAIN,
    worded(0, Role.AGENT, "Hello you are through to Ann", 1.0),
    worded(0, Role.CLIENT, "I want my money back because of the broken phone", 3.0),
    worded(1, Role.AGENT, "Please hold the line", 6.0),
    worded(1, Role.CLIENT, "Are you there? I want my money back", 47.0),
    replace(chunk(2, Role.AGENT, "money is coming", start_s=52.0, end_s=55.0), flags=("low_confidence",)),
    flags=("one_sided",),
)
UNKNOWN = of(PLAIN, *(replace(one, role=Role.UNKNOWN) for one in PLAIN.transcript.chunks))
SILENT = of(PLAIN)
FRENCH = replace(PLAIN, transcript=replace(PLAIN.transcript, language="fr"))
CALLS = {"plain": PLAIN, "gapped": GAPPED, "unknown": UNKNOWN, "silent": SILENT, "french": FRENCH}


def mood(role: Role, shares: tuple[float, float, float] | None, *quarters: float | None, at_s: float | None = None,
         reason: str | None = None) -> RoleSentiment:  # fmt: skip
    made = None if shares is None else Sentiment(*shares)
    return RoleSentiment(role=role, sentiment=made, quarters=quarters, lowest_at_s=at_s, reason=reason)


EARLIER: Mapping[str, Mapping[str, object]] = {
    "nothing": {},
    "moods": {
        "text": CallSentiment(chunks=(), roles=(
            mood(Role.CLIENT, (0.8, 0.15, 0.05), 0.5, None, -0.2, -0.7, at_s=5.0),
            mood(Role.AGENT, None, reason="too short"),
        )),
        "fusion": CallSentiment(chunks=(), roles=(mood(Role.CLIENT, (0.2, 0.3, 0.5), 0.1, -0.1, 0.4, at_s=99.0),)),
        "topic": Topic(topic="Billing", subtopic="Refund", confidence=0.5, evidence=(
            Evidence(quote="My bill is wrong", channel=0, ordinal=1, start_s=4.0),)),
    },
    "one quarter": {
        "text": CallSentiment(chunks=(), roles=(mood(Role.CLIENT, (0.1, 0.8, 0.1), None, 0.3),)),
        "topic": Topic(topic="Orders", subtopic=None, confidence=0.5),
    },
}  # fmt: skip


def said(*phrases: str, **more: Any) -> dict[str, Any]:
    return {"said": {"any_of": list(phrases), **more}}


SAID = [
    said("cancel", role="client"),
    said("cancel", role="client", at_least=3),
    said("cancel", role="client", at_least=4),
    said("cancel", role="client", apart_s=8.0),
    said("cancel", role="client", apart_s=9.0, at_least=2),
    said("cancel", role="agent"),
    said("sorry", "apolog"),
    said("want ... back", "money"),
    said("=calls", "=call"),
    said("i will", "goodbye"),
    said("call", first_s=4.0),
    said("call", first_s=3.0, role="client"),
    said("money", last_s=5.0),
    said("money", last_s=3.0),
    said("cancel", first_share=0.3),
    said("cancel", last_share=0.5, role="client"),
    said("money", last_share=0.1),
    said("recorded", missing=True, role="agent", first_s=10.0),
    said("recorded", "taped", missing=True, role="client"),
    said("taped", missing=True),
    said("taped", missing=True, role="agent", last_s=4.0),
    said("taped", missing=True, role="agent", last_share=0.25),
    said("want", near={"any_of": ["money"], "within_words": 1}),
    said("want", near={"any_of": ["money"], "within_words": 2, "side": "before"}),
    said("money", near={"any_of": ["want"], "within_words": 1, "side": "before"}),
    said("money", near={"any_of": ["phone"], "within_words": 4, "side": "after"}),
    said("money", near={"any_of": ["phone"], "within_words": 5, "side": "after"}),
    said("cancel", not_near={"any_of": ["bill"], "within_s": 2.0}),
    said("sorry", near={"any_of": ["cancel"], "within_s": 3.0, "role": "client"}),
    said("sorry", near={"any_of": ["cancel"], "within_s": 1.0, "role": "client", "side": "before"}),
    {"said": {"any_of": {"en": ["cancel"], "de": ["kündigen"]}, "role": "client"}},
]
OTHER: list[dict[str, Any]] = [
    {"mood": {"role": "client", "is": "negative"}},
    {"mood": {"role": "client", "is": "negative", "source": "text"}},
    {"mood": {"role": "client", "is": "negative", "source": "text", "confidence_at_least": 0.8}},
    {"mood": {"role": "client", "is": "negative", "source": "text", "confidence_at_least": 0.81}},
    {"mood": {"role": "client", "is": "positive", "confidence_at_least": 0.5}},
    {"mood": {"role": "agent", "is": "neutral", "source": "text"}},
    {"mood_fall": {"role": "client", "by": 1.2, "source": "text"}},
    {"mood_fall": {"role": "client", "by": 1.21, "source": "text"}},
    {"mood_fall": {"role": "client", "by": 0.6, "to_at_most": -0.2, "source": "text"}},
    {"mood_fall": {"role": "client", "by": 0.1, "to_at_most": -0.1}},
    {"mood_fall": {"role": "client", "by": 0.1, "to_at_most": -0.2}},
    {"silence": {"longest_over_s": 30.0}},
    {"silence": {"longest_over_s": 45.0}},
    {"silence": {"share_over": 0.5}},
    {"silence": {"share_over": 0.99}},
    {"silence": {"longest_over_s": 30.0, "share_over": 0.5}},
    {"overtalk": {"over_s": 0.0}},
    {"overtalk": {"over_s": 0.5}},
    {"overtalk": {"share_over": 0.001}},
    {"overtalk": {"share_over": 0.5, "over_s": 0.0}},
    {"interruptions": {"role": "agent", "over": 0}},
    {"interruptions": {"role": "client", "over": 0}},
    {"topic": {"any_of": ["billing"]}},
    {"topic": {"any_of": ["Billing > refund", "x"]}},
    {"topic": {"any_of": ["Billing > Invoice"]}},
    {"length": {"over_s": 20.0}},
    {"length": {"over_s": 21.0}},
    {"length": {"under_s": 21.0}},
    {"length": {"under_s": 22.0, "over_s": 20.0}},
    {"doubts": {"share_over": 0.2}},
    {"doubts": {"share_over": 0.19}},
    {"doubts": {"any_flag": ["one_sided", "low_confidence", "x"]}},
    {"doubts": {"any_flag": ["y"], "share_over": 0.1}},
    {"not": {"length": {"over_s": 20.0}}},
    {"not": said("taped")},
    {"not": {"topic": {"any_of": ["billing"]}}},
    {"all": [said("cancel"), {"length": {"over_s": 20.0}}, {"not": said("taped")}]},
    {"all": [{"length": {"over_s": 20.0}}, said("money")]},
    {"all": [{"length": {"over_s": 99.0}}, {"topic": {"any_of": ["billing"]}}]},
    {"any": [{"length": {"over_s": 99.0}}, {"topic": {"any_of": ["billing"]}}]},
    {"any": [{"length": {"over_s": 99.0}}, said("taped")]},
    {"any": [said("taped"), said("cancel"), said("money")]},
    {"length": {"over_s": 20.0}, "said": {"any_of": ["cancel"]}},
    {"length": {"over_s": 20.0}, "not": said("taped")},
    {"not": said("taped"), "all": [{"not": {"length": {"under_s": 20.0}}}]},
]


def test_every_condition_on_every_call() -> None:
    assert_pinned("verdicts.txt", "\n".join(verdicts()))


def verdicts() -> Iterator[str]:
    for name, made in CALLS.items():
        (measured,) = ConversationStep().run([made], [{}])
        yield f"== {name}"
        kinds = EARLIER if name == "plain" else ("moods",)
        for kind, conditions in (("nothing", SAID), *((kind, OTHER) for kind in kinds)):
            earlier: dict[str, StepResult] = {
                step: done(step, "f", payload) for step, payload in EARLIER[kind].items()
            } | {"conversation": measured}
            heard = Heard(made, earlier)
            for condition in conditions:
                yield f"{condition} [{kind}]: {judge(Condition.model_validate(condition), heard)}"


def test_what_a_rule_file_may_hold() -> None:
    """Every key with its bounds, as a schema."""
    assert_pinned("schema.json", json.dumps(RuleFile.model_json_schema(), indent=1, sort_keys=True))
