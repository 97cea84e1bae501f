"""Summaries without a language model: reason, details, what was done, outcome, promises, open points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.encoder.vectors import NO_ENCODER, WITHOUT, EncoderChoice, SentenceEncoder
from analysis.records import Summary, SummaryPart
from analysis.summary.step import SummaryStep
from bench.materials.reference_calls import heard_samples
from bench.summaries import expectations, harper_calls, keeps_slot, made_up_calls, sample_calls, tells_end
from pipeline.config.areas.language import ExtractiveSummarySettings, SummarySettings
from pipeline.records import CallForAnalysis, Role, StepResult, StepState
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import HashEncoder, real_encoder

__all__ = ["real_encoder"]


def choice_of(encoder: SentenceEncoder) -> EncoderChoice:
    return EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)


@pytest.fixture
def step(real_encoder: SentenceEncoder) -> SummaryStep:
    return SummaryStep(SummarySettings(), encoder=choice_of(real_encoder))


def summed_up(step: SummaryStep, one: CallForAnalysis) -> tuple[Summary, StepResult]:
    result = step.run([one], [{}])[0]
    assert isinstance(result.payload, Summary), result.reason
    return result.payload, result


def of_part(summary: Summary, part: SummaryPart) -> list[str]:
    return [one.text for one in summary.evidence if one.part is part]


CALL = call(
    ("agent", "Good morning, North Star Telecom, how can I help you?"),
    ("client", "Hello. My internet has been down since Monday."),
    ("agent", "I am sorry to hear that. Let me check the line."),
    ("client", "Thank you."),
    ("agent", "Okay, so the line is fixed now, and I will send you ten dollars by Friday."),
    ("client", "Great, thanks. That's all."),
    ("agent", "You're welcome. Have a nice day."),
)


@pytest.mark.parametrize(
    ("name", "outcome", "promised"),
    [
        ("cancellation", "I will cancel it for you.", [None, None]),
        ("internet-outage", "It is booked for Thursday. You will get a message", [None]),
        ("wrong-charge", "I have started the refund now. You will have", ["within three working days", "today"]),
        (
            "server-down",
            "I will raise it to the highest priority now.",
            [None, "within 30 minutes", "by tomorrow evening"],
        ),
    ],
)
def test_words_with_commas_for_stops_are_told_as_well(
    step: SummaryStep, name: str, outcome: str, promised: list[str | None]
) -> None:
    """As Whisper base heard the samples: whole turns were one sentence, and the outcome stood in another's."""
    (one,) = [heard for heard, _ in heard_samples() if heard.call_id.endswith(name)]
    summary, _ = summed_up(step, one)
    assert outcome in (summary.outcome or "")
    assert [item.by_when for item in summary.action_items][: len(promised)] == promised
    assert "goodbye" not in summary.text.casefold()


def test_nothing_comes_of_a_talk_in_which_nobody_wants_anything(step: SummaryStep) -> None:
    """A read sentence was its outcome."""
    said = call(("agent", "The horizon seems extremely distant."), ("client", "The grass is wet in the evening."))
    summary = step.run([said], [{}])[0].payload
    assert not isinstance(summary, Summary) or summary.outcome is None


def test_a_question_that_nobody_says_yes_to_is_no_outcome(step: SummaryStep) -> None:
    said = call(
        ("client", "Hello, my car shows a warning and I would like to have it looked at."),
        ("agent", "Sure. What was your last name so I can look you up in the system?"),
        ("client", "Jackson."),
    )
    summary, _ = summed_up(step, said)
    assert summary.outcome is None


@pytest.mark.parametrize(("which", "least"), [("ends_seen", 8), ("ends_aside", 18)])
def test_how_calls_end_is_told(step: SummaryStep, which: str, least: int) -> None:
    """Somebody who tried what the agent said told that it worked, and the summary ended with the instruction."""
    calls = made_up_calls(which)
    results = step.run([one for _, one in calls], [{}] * len(calls))
    told = [
        tells_end(expected["outcome"], result.payload) for (expected, _), result in zip(calls, results, strict=True)
    ]
    assert sum(told) >= least


def test_a_summary_is_a_paragraph_of_the_calls_own_sentences(step: SummaryStep) -> None:
    summary, result = summed_up(step, CALL)
    assert summary.text == (
        "Reason for the call: “My internet has been down since Monday.” "
        "Outcome: “The line is fixed now, and I will send you ten dollars by Friday.”"
    )
    assert (result.provider, result.reason, summary.language) == ("extractive", None, "en")
    assert summary.reason == "My internet has been down since Monday."
    assert [(item.what, item.who, item.by_when) for item in summary.action_items] == [
        ("I will send you ten dollars by Friday.", "agent", "by Friday")
    ]


def test_each_sentence_is_linked_to_its_moment(step: SummaryStep) -> None:
    summary, _ = summed_up(step, CALL)
    chunks = {(one.channel, one.ordinal): one for one in CALL.transcript.chunks}
    assert summary.evidence
    for one in summary.evidence:
        chunk = chunks[one.channel, one.chunk]
        assert one.text in chunk.text
        assert (one.role, one.start_s, one.end_s) == (chunk.role, chunk.start_s, chunk.end_s)


@pytest.mark.parametrize(
    ("expected", "one"),
    [pytest.param(*both, id=both[0]["name"]) for both in (*made_up_calls("seen"), *made_up_calls("mended"))],
)
def test_calls_of_many_trades(step: SummaryStep, expected: dict[str, Any], one: CallForAnalysis) -> None:
    payload = step.run([one], [{}])[0].payload
    summary = payload if isinstance(payload, Summary) else None
    assert [what for what, kept in expectations(expected, summary) if not kept] == [], summary


def test_calls_put_aside_keep_what_is_expected_of_them(step: SummaryStep) -> None:
    results = []
    for expected, one in made_up_calls("aside"):
        payload = step.run([one], [{}])[0].payload
        results += expectations(expected, payload if isinstance(payload, Summary) else None)
    assert sum(kept for _, kept in results) >= 0.9 * len(results), [what for what, kept in results if not kept]


def test_no_greeting_and_no_filler_gets_into_the_samples(step: SummaryStep) -> None:
    for sample in sample_calls():
        text = summed_up(step, sample.call)[0].text.casefold()
        for said in (
            "good morning",
            "good afternoon",
            "how can i help",
            "thank you for calling",
            "goodbye",
            "nice day",
        ):
            assert said not in text, (sample.name, text)


def test_slot_values_of_real_calls_are_kept(step: SummaryStep, reference_data: Path) -> None:
    calls = list(harper_calls(reference_data))
    kept = [[keeps_slot(summed_up(step, one.call)[0].text, value) for value in one.slots] for one in calls]
    assert (len(calls), sum(map(len, kept))) == (6, 12)
    assert sum(map(all, kept)) >= 5
    assert sum(map(sum, kept)) >= 11  # one name is misspelt in the truth


def test_what_is_not_said_is_not_made_up_and_the_reason_says_so(step: SummaryStep) -> None:
    talk = [("agent", "Northgate Bank, how can I help?"), ("client", "i lost my debit card"), ("client", "bye")]
    summary, result = summed_up(step, call(*talk))
    assert summary.outcome is None
    assert result.reason == "no outcome: nobody says what came of it"
    assert "What came of it is not said." in summary.text


def test_a_call_of_small_talk_alone_has_no_summary(step: SummaryStep) -> None:
    result = step.run([call(("agent", "Hello, how can I help you?"), ("client", "Bye."))], [{}])[0]
    assert (result.state, result.payload) == (StepState.MISSING, None)
    assert result.reason == "nothing but greetings and small talk is said"


def test_a_voicemail_that_only_greets_has_no_summary_and_the_reason_says_so(step: SummaryStep) -> None:
    greeting = "You have reached the office of Lund and Sons. Please leave a message after the tone."
    result = step.run([call(("agent", greeting))], [{}])[0]
    assert (result.state, result.payload) == (StepState.MISSING, None)
    assert result.reason == "there is nothing but a voicemail greeting"


def test_a_correction_takes_the_place_of_what_it_corrects(step: SummaryStep) -> None:
    summary, _ = summed_up(
        step,
        call(
            ("client", "I need to move my appointment."),
            ("agent", "I've moved it to the fourth of March at nine."),
            ("client", "No wait, the fifth."),
            ("agent", "I've moved it to the fifth of March at ten."),
        ),
    )
    assert of_part(summary, SummaryPart.OUTCOME) == ["I've moved it to the fifth of March at ten."]
    assert "fourth" not in summary.text


def test_without_roles_the_most_telling_sentences_serve(step: SummaryStep) -> None:
    roleless = tuple(replace(chunk, role=Role.UNKNOWN) for chunk in CALL.transcript.chunks)
    summary, _ = summed_up(step, replace(CALL, transcript=replace(CALL.transcript, chunks=roleless)))
    assert "My internet has been down since Monday." in [one.text for one in summary.evidence]
    assert "client" not in summary.text


def test_the_length_is_kept_and_reason_and_outcome_go_first(real_encoder: SentenceEncoder) -> None:
    short = SummarySettings(extractive=ExtractiveSummarySettings(parts_max_words=10))
    _, one = made_up_calls("seen")[2]
    summary, _ = summed_up(SummaryStep(short, encoder=choice_of(real_encoder)), one)
    assert {one.part for one in summary.evidence} == {SummaryPart.REASON, SummaryPart.OUTCOME}
    assert len(summary.evidence) == 2


def test_an_own_template_tells_the_parts(real_encoder: SentenceEncoder, tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{{ summary.reason }} -> {{ summary.outcome }}", encoding="utf-8")
    settings = SummarySettings(templates_dir=tmp_path, extractive=ExtractiveSummarySettings(template="mine"))
    step = SummaryStep(settings, encoder=choice_of(real_encoder))
    before = step.fingerprint(CALL)
    assert summed_up(step, CALL)[0].text.startswith("My internet has been down since Monday. -> The line is fixed")
    (tmp_path / "mine.j2").write_text("{{ summary.outcome }}", encoding="utf-8")
    assert SummaryStep(settings, encoder=choice_of(real_encoder)).fingerprint(CALL) != before


@pytest.mark.parametrize(
    ("language", "said", "kept"),
    [
        (
            "fr",
            (
                ("agent", "Bonjour, service client, que puis-je faire pour vous ?"),
                ("client", "Bonjour, ma facture de mars est trop élevée, on m'a compté deux fois l'abonnement."),
                ("agent", "Je vois, c'est une erreur. Je vous rembourse quarante euros avant vendredi."),
                ("client", "Merci beaucoup, au revoir."),
            ),
            "ma facture de mars est trop élevée",
        ),
        (
            "ar",
            (
                ("agent", "مرحبا، كيف يمكنني مساعدتك؟"),
                ("client", "أريد إلغاء اشتراكي في الإنترنت لأن الخدمة بطيئة جدا."),
                ("agent", "تم إلغاء الاشتراك ابتداء من يوم الخميس."),
                ("client", "شكرا، مع السلامة."),
            ),
            "أريد إلغاء اشتراكي في الإنترنت",
        ),
    ],
)
def test_other_languages_keep_their_lines_and_the_reason_says_so(
    language: str, said: tuple[tuple[str, str], ...], kept: str
) -> None:
    encoder = HashEncoder()
    summary, result = summed_up(
        SummaryStep(SummarySettings(), encoder=choice_of(encoder)), call(*said, language=language)
    )
    assert encoder.asked == []
    assert kept in summary.text
    assert {one.part for one in summary.evidence} == {SummaryPart.LINE}
    assert summary.flags == ("parts_not_told",)
    assert f"in English only, not in {language}" in (result.reason or "")


def test_a_french_call_whose_language_nobody_knows_is_not_read_as_english() -> None:
    talk = [("client", "Bonjour, je vous appelle parce que ma facture de mars est trop élevée, je ne comprends pas.")]
    step = SummaryStep(SummarySettings(), encoder=choice_of(HashEncoder()))
    assert summed_up(step, call(*talk, language=None))[0].flags == ("parts_not_told",)


def test_without_the_encoder_the_lines_serve_and_the_reason_says_so() -> None:
    missing = EncoderChoice(encoder=None, expected="minilm", reason="its package is not installed")
    summary, result = summed_up(SummaryStep(SummarySettings(), encoder=missing), CALL)
    assert "its package is not installed" in (result.reason or "")
    assert summary.flags == ("parts_not_told",)
    assert [item.by_when for item in summary.action_items] == ["by Friday"]


def test_a_summary_is_made_anew_when_the_encoder_has_come_and_kept_when_it_goes() -> None:
    there = SummaryStep(SummarySettings(), encoder=choice_of(HashEncoder()))
    gone = SummaryStep(SummarySettings(), encoder=EncoderChoice(encoder=None, expected="hash", reason="not installed"))
    never = SummaryStep(SummarySettings(), encoder=WITHOUT)
    assert never.fingerprint(CALL) != there.fingerprint(CALL)
    assert gone.former_fingerprints(CALL) == (there.fingerprint(CALL),)
    assert there.former_fingerprints(CALL) == never.former_fingerprints(CALL) == ()
    assert NO_ENCODER == "none"


@pytest.mark.parametrize(
    "said",
    [
        [("client", "A long road leads down to the harbour."), ("agent", "The mountains seem very far away.")],
        [("unknown", "The old lamp threw a pale light on the wall.")],
        [("client", "Fold the cloth before you wash the cups.")],
    ],
    ids=["two sides", "one voice", "one voice says you"],
)
def test_read_prose_is_no_conversation(said: list[tuple[str, str]], step: SummaryStep) -> None:
    summary, result = summed_up(step, call(*said))
    assert {one.part for one in summary.evidence} == {SummaryPart.LINE}
    assert (summary.reason, summary.outcome) == (None, None)
    assert result.reason == "no reason: nobody is spoken to; no outcome: nobody is spoken to"


@pytest.mark.parametrize("end", ["?", "."])
def test_what_was_asked_for_was_not_done_however_a_recogniser_ends_the_question(end: str, step: SummaryStep) -> None:
    """It stood under what was done: a piece without a verb, with a full stop."""
    asked = f"And the last four digits of your social security number{end}"
    summary, _ = summed_up(
        step,
        call(
            ("client", "Hello. I'd like to send six hundred dollars from my savings to my checking account please."),
            ("agent", f"Thank you. {asked}"),
            ("client", "Nine one three five."),
            ("agent", "Perfect. I've transferred the six hundred dollars. It shows up right away."),
            ("client", "And can you order new checks for me as well?"),
            ("agent", "Of course. They will be mailed to your home in about a week."),
            ("client", "Super. That's everything then."),
        ),
    )
    told = [evidence.text for evidence in summary.evidence]
    assert any("transferred the six hundred" in text for text in told)
    assert not any("last four digits" in text for text in told)
