"""What makes a rule hold, and what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.conversation.step import ConversationStep
from analysis.records import CallSentiment, Evidence, RoleSentiment, Sentiment, Topic
from analysis.results import done
from analysis.rules.book import RuleFile
from analysis.rules.heard import MAX_QUOTE_CHARS, Heard
from analysis.rules.judge import judge_call
from analysis.rules.reader import load_rules
from analysis.rules.step import RulesStep
from pipeline.records import CallForAnalysis, Role, StepResult, TranscriptChunk, Word
from tests.analysis.calls import call, chunk

CALL = call(
    ("agent", "Good morning, this call is recorded. How can I help?"),
    ("client", "Hello. My bill is wrong again! I want to cancel my contract."),
    ("agent", "I am sorry. I'll call you back."),
    ("client", "No, I don't want a call. I said I cancel it."),
    ("agent", "I understand. Goodbye."),
)


def judged(when: Mapping[str, Any], made: CallForAnalysis = CALL, **steps: object) -> Any:
    """What comes of one rule: its match, None, or why it was not judged."""
    book = RuleFile.model_validate({"rules": [{"name": "rule", "title": "A rule", "when": when}]})
    earlier = {name: done(name, "f", payload) for name, payload in steps.items()}
    attention, _ = judge_call(book, Heard(made, earlier))
    return attention.matches[0] if attention.matches else attention.not_judged.get("rule")


def said(**asked: Any) -> Mapping[str, Any]:
    return {"said": asked}


def of(made: CallForAnalysis, *chunks: TranscriptChunk) -> CallForAnalysis:
    """The call with these chunks instead of its own."""
    return replace(made, transcript=replace(made.transcript, chunks=chunks))


def measured(made: CallForAnalysis) -> Mapping[str, object]:
    (result,) = ConversationStep().run([made], [{}])
    return {"conversation": result.payload}


def mood(role: Role, sentiment: Sentiment | None, *quarters: float | None, at_s: float | None = None) -> CallSentiment:
    one = RoleSentiment(role=role, sentiment=sentiment, quarters=quarters, lowest_at_s=at_s, reason="too short")
    return CallSentiment(roles=(one,), chunks=())


CROSS = Sentiment(0.8, 0.15, 0.05)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"any_of": "cancel my contract"}, True),
        ({"any_of": ["refund", "cancel my contract"]}, True),
        ({"any_of": "refund"}, False),
        ({"any_of": "cancel", "role": "client"}, True),
        ({"any_of": "cancel", "role": "agent"}, False),
        ({"any_of": "recorded", "role": "agent", "first_s": 5}, True),
        ({"any_of": "recorded", "last_s": 5}, False),
        ({"any_of": "goodbye", "last_share": 0.2}, True),
        ({"any_of": "goodbye", "first_share": 0.5}, False),
        ({"any_of": "recorded", "role": "agent", "missing": True}, False),
        ({"any_of": "terms and conditions", "role": "agent", "missing": True}, True),
        ({"any_of": "cancel", "at_least": 2}, True),
        ({"any_of": "cancel", "at_least": 3}, False),
        ({"any_of": "cancel", "at_least": 2, "apart_s": 60}, False),
        ({"any_of": "cancel", "near": {"any_of": "contract", "within_words": 2}}, True),
        ({"any_of": "cancel", "near": {"any_of": "bill", "within_words": 2}}, False),
        ({"any_of": "cancel", "near": {"any_of": "sorry", "role": "agent", "within_s": 5, "side": "after"}}, True),
        ({"any_of": "cancel", "near": {"any_of": "recorded", "role": "agent", "within_s": 5, "side": "after"}}, False),
        ({"any_of": "want", "not_near": {"any_of": "not", "side": "before", "within_words": 1}}, True),
        ({"any_of": "want a call", "not_near": {"any_of": "not", "side": "before", "within_words": 1}}, False),
    ],
)
def test_phrases(asked: Mapping[str, Any], holds: bool) -> None:
    assert (judged(said(**asked)) is not None) is holds


def test_a_match_has_reason_quote_role_and_time() -> None:
    match = judged(said(any_of="cancel my contract"))
    assert match.quote == "I want to cancel my contract."
    assert match.role is Role.CLIENT
    assert match.reason == "the customer said “cancel my contract” at 0:06"
    assert CALL.transcript.chunks[1].start_s < match.start_s < match.end_s <= CALL.transcript.chunks[1].end_s


def test_times_are_the_recognisers_where_it_gives_them() -> None:
    line = replace(
        chunk(0, Role.CLIENT, "please cancel it"),
        words=tuple(
            Word(text=text, start_s=start_s, end_s=end_s)
            for text, start_s, end_s in (("please", 0.0, 0.3), ("cancel", 2.0, 2.4), ("it.", 2.4, 2.5))
        ),
    )
    made = of(CALL, line)
    match = judged(said(any_of="cancel"), made)
    assert (match.start_s, match.end_s) == (2.0, 2.4)


def test_a_phrase_goes_on_in_the_next_chunk_of_its_side() -> None:
    made = call(("client", "I want to cancel"), ("client", "my contract now"))
    match = judged(said(any_of="cancel my contract"), made)
    assert match.quote == "I want to cancel my contract now"
    far = of(made, made.transcript.chunks[0], chunk(9, Role.CLIENT, "my contract"))
    assert judged(said(any_of="cancel my contract"), far) is None


def test_words_in_doubt_are_not_believed_and_make_what_is_missing_uncertain() -> None:
    first, *others = CALL.transcript.chunks
    made = of(CALL, replace(first, flags=("loop",)), *others)
    assert judged(said(any_of="recorded", role="agent"), made) is None
    assert "in doubt" in judged(said(any_of="recorded", role="agent", missing=True), made)
    late = said(any_of="recorded", role="agent", missing=True, last_s=4)
    assert judged(late, made).reason == "the agent did not say “recorded” in the last 4 s"


def test_what_the_agent_says_is_unknown_where_no_side_is_known() -> None:
    made = call(("unknown", "this call is recorded"))
    assert "not known" in judged(said(any_of="goodbye", role="agent", missing=True), made)
    assert judged(said(any_of="recorded"), made).role is Role.UNKNOWN


def test_a_long_sentence_is_cut_around_its_words() -> None:
    text = f"{'very ' * 200}cancel my contract{' really' * 200}"
    match = judged(said(any_of="cancel my contract"), call(("client", text)))
    assert "cancel my contract" in match.quote
    assert len(match.quote) <= MAX_QUOTE_CHARS


def test_mood() -> None:
    when = {"mood": {"role": "client", "is": "negative", "confidence_at_least": 0.7}}
    match = judged(when, fusion=mood(Role.CLIENT, CROSS, at_s=4.5))
    assert match.reason == "the customer's mood is negative (80%)"
    assert match.quote == CALL.transcript.chunks[1].text
    assert judged(when, fusion=mood(Role.CLIENT, Sentiment(0.6, 0.3, 0.1))) is None
    assert judged(when, text=mood(Role.CLIENT, CROSS)).role is Role.CLIENT, "text where there is no fusion"
    assert "no mood" in judged(when)
    assert "too short" in judged(when, fusion=mood(Role.CLIENT, None))


@pytest.mark.parametrize(
    ("quarters", "holds"),
    [
        ((0.2, 0.1, 0.0, -0.5), True),
        ((-0.5, 0.1, 0.2, 0.2), False),
        ((0.2, None, None, -0.5), True),
        ((0.9, 0.9, 0.2, 0.2), False),
        ((0.1, -0.6, 0.0, 0.5), True),
    ],
)
def test_mood_that_falls(quarters: tuple[float | None, ...], holds: bool) -> None:
    when = {"mood_fall": {"role": "client", "by": 0.6, "to_at_most": -0.3}}
    assert (judged(when, fusion=mood(Role.CLIENT, CROSS, *quarters)) is not None) is holds


def test_mood_of_one_quarter_cannot_fall() -> None:
    when = {"mood_fall": {"role": "client", "by": 0.1}}
    assert "one quarter" in judged(when, fusion=mood(Role.CLIENT, CROSS, None, -0.4, None, None))


def held(pause_s: float) -> CallForAnalysis:
    chunks = (chunk(0, Role.AGENT, "please hold"), chunk(1, Role.AGENT, "thank you", start_s=3.0 + pause_s))
    return replace(of(CALL, *chunks), duration_s=10.0 + pause_s)


def test_silence_has_its_place() -> None:
    when = {"silence": {"longest_over_s": 60}}
    match = judged(when, held(75), **measured(held(75)))
    assert (match.start_s, match.end_s, match.quote) == (3.0, 78.0, None)
    assert judged(when, held(50), **measured(held(50))) is None
    assert "not known" in judged(when, held(75))


def test_overtalk_interruptions_length_and_shares() -> None:
    talk = measured(CALL)
    assert judged({"overtalk": {"over_s": 5}}, CALL, **talk) is None
    assert judged({"overtalk": {"over_s": 0, "share_over": 0}}, CALL, **talk) is None, "more than, not as much as"
    assert judged({"interruptions": {"role": "agent", "over": 0}}, CALL, **talk) is None
    assert "not known" in judged({"interruptions": {"role": "agent", "over": 0}})
    assert judged({"silence": {"share_over": 0.1}}, CALL, **talk) is not None
    assert judged({"length": {"over_s": 20}}).reason == "the recording has 0:21"
    assert judged({"length": {"over_s": 20, "under_s": 21}}) is None


def test_topic() -> None:
    quote = Evidence(quote="My bill is wrong", channel=0, ordinal=1, start_s=4.0)
    topic = Topic(topic="Billing", subtopic="Refund", confidence=None, evidence=(quote,))
    assert judged({"topic": {"any_of": "billing"}}, topic=topic).quote == "My bill is wrong"
    assert judged({"topic": {"any_of": "Billing > Refund"}}, topic=topic)
    assert judged({"topic": {"any_of": ["Billing > Payment", "Delivery"]}}, topic=topic) is None
    assert "no topic" in judged({"topic": {"any_of": "Billing"}})


def test_doubts() -> None:
    first, *others = CALL.transcript.chunks
    made = replace(of(CALL, replace(first, flags=("loop",)), *others), flags=("clipped",))
    match = judged({"doubts": {"share_over": 0.1}}, made)
    assert match.reason == "1 of 5 chunks are in doubt (loop)"
    assert match.start_s == first.start_s
    assert judged({"doubts": {"share_over": 0.2}}, made) is None
    assert judged({"doubts": {"any_flag": ["clipped", "silent"]}}, made).reason == "flagged clipped"
    assert judged({"doubts": {"any_flag": "silent"}}, made) is None


def test_conditions_are_combined() -> None:
    yes, no, unknown = said(any_of="cancel"), said(any_of="refund"), {"topic": {"any_of": "Billing"}}
    assert judged({"all": [yes, yes]}).reason.count("said") == 2
    assert judged({"all": [yes, no]}) is None
    assert "no topic" in judged({"all": [yes, unknown]})
    assert judged({"all": [no, unknown]}) is None, "false, whatever the topic"
    assert judged({"any": [no, yes]})
    assert judged({"any": [unknown, yes]})
    assert "no topic" in judged({"any": [unknown, no]})
    assert judged({"any": [no, no]}) is None
    assert judged({"not": no}).reason == "somebody did not say it"
    assert judged({"not": yes}) is None
    assert "no topic" in judged({"not": unknown})
    assert judged({**yes, "length": {"over_s": 1}}).quote == "I want to cancel my contract."


def test_a_rule_for_another_language_or_another_case_is_not_judged() -> None:
    rule = {"name": "rule", "title": "A rule", "when": said(any_of="cancel")}
    french = replace(CALL, transcript=replace(CALL.transcript, language="fr"))
    for file, made, why in (
        ({"languages": ["en"], "rules": [rule]}, french, "the call is in fr"),
        ({"languages": ["fr"], "rules": [{**rule, "languages": ["de", "en"]}]}, french, "for de, en"),
        ({"rules": [{**rule, "applies_when": said(any_of="refund")}]}, CALL, "does not apply"),
    ):
        attention, _ = judge_call(RuleFile.model_validate(file), Heard(made, {}))
        assert why in attention.not_judged["rule"]
        assert attention.matches == ()
    attention, _ = judge_call(
        RuleFile.model_validate({"languages": ["en"], "rules": [{**rule, "languages": []}]}), Heard(french, {})
    )
    assert attention.matches


def test_a_rule_for_scorecards_alone_asks_for_no_attention() -> None:
    file = {"rules": [{"name": "rule", "title": "A rule", "attention": False, "when": said(any_of="cancel")}]}
    attention, verdicts = judge_call(RuleFile.model_validate(file), Heard(CALL, {}))
    assert attention.matches == ()
    assert verdicts["rule"].reason.startswith("the customer said")


def fingerprint(rules: Mapping[str, Any]) -> str:
    return RulesStep(RuleFile.model_validate(rules)).fingerprint(CALL)


def test_the_fingerprint_is_of_what_the_rules_say() -> None:
    rule = {"name": "rule", "title": "A rule", "when": said(any_of=["cancel"])}
    first = fingerprint({"rules": [rule]})
    assert fingerprint({"rules": [dict(reversed(rule.items()))], "lists": {"unused": ["word"]}}) == first
    for other in ({**rule, "weight": 2}, {**rule, "when": said(any_of=["quit"])}, {**rule, "title": "Another"}):
        assert fingerprint({"rules": [other]}) != first


def test_a_call_without_a_word_has_no_phrases_and_misses_none() -> None:
    made = of(CALL)
    book = RuleFile.model_validate(
        {
            "rules": [
                {"name": "said", "title": "Said", "when": said(any_of="cancel", role="client")},
                {"name": "missing", "title": "Missing", "when": said(any_of="cancel", role="agent", missing=True)},
                {"name": "long", "title": "Long", "when": {"length": {"over_s": 1}}},
            ]
        }
    )
    earlier: Mapping[str, StepResult] = {}
    (result,) = RulesStep(book).run([made], [earlier])
    payload: Any = result.payload
    assert [match.rule for match in payload.matches] == ["long"]
    assert set(payload.not_judged) == {"missing"}


BY_LANGUAGE = {"said": {"role": "client", "any_of": {"en": ["cancel my contract"], "fr": ["résilier mon contrat"]}}}
FRENCH = call(("agent", "Bonjour."), ("client", "Je veux résilier mon contrat."))


def spoken(made: CallForAnalysis, language: str | None) -> CallForAnalysis:
    return replace(made, transcript=replace(made.transcript, language=language))


def test_phrases_are_those_of_the_language_of_the_call() -> None:
    assert judged(BY_LANGUAGE, spoken(CALL, "en")).rule == "rule"
    assert judged(BY_LANGUAGE, spoken(FRENCH, "fr")).rule == "rule"
    assert judged(BY_LANGUAGE, spoken(FRENCH, "en")) is None
    assert judged(BY_LANGUAGE, spoken(FRENCH, None)).rule == "rule", "where no language is known, all of them"


@pytest.mark.parametrize("part", ["said", "near", "not_near", "missing"])
def test_a_language_without_phrases_is_not_judged(part: str) -> None:
    """Silence about a call would say that nothing was wrong with it."""
    other = {"any_of": {"en": ["now"]}, "within_words": 3}
    asked: dict[str, Any] = {"any_of": {"en": ["cancel"]}} if part in ("said", "missing") else {"any_of": ["kündigen"]}
    asked |= {"missing": True} if part == "missing" else {part: other} if part != "said" else {}
    german = spoken(call(("client", "Ich will kündigen.")), "de")
    assert judged({"said": asked}, german) == "the call is in de, the rule has phrases in en"


def test_the_shipped_rules_know_french_and_say_what_they_do_not_know() -> None:
    book = load_rules(Path(__file__).parents[3] / "rules" / "attention.yaml")
    matches = judge_call(book, Heard(spoken(FRENCH, "fr"), {}))[0].matches
    assert [match.rule for match in matches] == ["cancellation_threat"]
    german, verdicts = judge_call(book, Heard(spoken(FRENCH, "de"), {}))
    assert german.matches == ()
    assert "phrases in en, fr" in german.not_judged["cancellation_threat"]
    assert "transcript_doubtful" not in german.not_judged
    asking = [rule.name for rule in book.rules if rule.attention]
    assert german.not_judged_in_language == sum("is in de" in german.not_judged.get(name, "") for name in asking) > 0
    assert judge_call(book, Heard(spoken(FRENCH, "fr"), {}))[0].not_judged_in_language == 0
    assert len(verdicts) == len(book.rules)
