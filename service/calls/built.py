"""From what the database answers to what the API answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.records import Sentiment
from db.queries import listing, reading
from pipeline.records import Role
from service.answers import alike
from service.calls import answers

MOODS = ("negative", "neutral", "positive")


def call_answer(
    call: reading.ShownCall, steps: Sequence[reading.ShownStep], rules: Sequence[reading.ShownRule], *, words: bool
) -> answers.Call:
    """The call; without `words` nothing that anybody said or wrote of it."""
    return answers.Call(**{
        **alike(answers.Call, call),
        "moods": {role: moods_of(call.moods[role]) for role in Role if any((call.moods.get(role) or {}).values())},
        "mood_turn": _mood_turn(call),
        "topic": _topic(call, words=words),
        "summary": _summary(call) if words else None,
        "action_items": _promises(call) if words else None,
        "talk": answers.TalkMeasures.model_validate(call),
        "attention": tuple(_rule(rule, words=words) for rule in rules),
        "missing": call.missing_reasons,
        "error": _failure(call),
        "recording": answers.Recording(
            **alike(answers.Recording, call),
            size_bytes=call.source_size_bytes,
            modified_at=call.source_modified_at,
            sha256=call.audio_sha256,
        ),
        "recogniser": _recogniser(call),
        "steps": tuple(map(answers.Step.model_validate, steps)),
    })  # fmt: skip


def mood_of(probabilities: Mapping[str, float] | None) -> answers.Mood | None:
    if probabilities is None:
        return None
    return answers.Mood(label=str(Sentiment(**probabilities).label), **{name: probabilities[name] for name in MOODS})


def moods_of(by_step: Mapping[str, Mapping[str, float] | None]) -> answers.Moods:
    """`by_step`: probabilities by fusion, text and acoustic."""
    return answers.Moods(**{name: mood_of(by_step.get(name)) for name in answers.Moods.model_fields})


def _mood_turn(call: reading.ShownCall) -> answers.MoodTurn | None:
    if call.mood_turned_at_s is None:
        return None
    line = call.mood_turned_line or {}
    return answers.MoodTurn(
        at_s=call.mood_turned_at_s,
        by=None if call.mood_turned_by is None else Role(call.mood_turned_by),
        to=call.mood_turned_to,
        channel=line.get("channel"),
        ordinal=line.get("chunk"),
    )


def _topic(call: reading.ShownCall, *, words: bool) -> answers.TopicOfCall | None:
    if call.topic is None:
        return None
    return answers.TopicOfCall(
        **alike(answers.TopicOfCall, call),
        confidence=call.topic_confidence,
        second_confidence=call.second_topic_confidence,
        catalogue=call.topic_catalogue,
        evidence=tuple(
            answers.Quote.model_validate({**quote, "text": quote["quote"] if words else None})
            for quote in call.topic_evidence or ()
        ),
    )


def _summary(call: reading.ShownCall) -> answers.SummaryOfCall | None:
    if call.summary is None:
        return None
    details = call.summary_details or {}
    return answers.SummaryOfCall(
        text=call.summary,
        **{name: details.get(name) for name in ("reason", "done", "outcome", "next_step", "language")},
        key_points=tuple(details.get("key_points") or ()),
        evidence=tuple(
            answers.SummarySentence.model_validate({**sentence, "ordinal": sentence["chunk"]})
            for sentence in call.summary_evidence or ()
        ),
        check=call.summary_check,
    )


def _promises(call: reading.ShownCall) -> tuple[answers.Promise, ...] | None:
    if call.action_items is None:
        return None
    return tuple(
        answers.Promise(**{name: promise.get(name) for name in answers.Promise.model_fields})
        for promise in call.action_items
    )


def _rule(rule: reading.ShownRule, *, words: bool) -> answers.RuleThatHolds:
    answer = answers.RuleThatHolds.model_validate(rule)
    return answer if words else answer.model_copy(update={"reason": None, "quote": None})


def _failure(call: reading.ShownCall) -> answers.FailureOfCall | None:
    if call.error_type is None:
        return None
    return answers.FailureOfCall(
        type=call.error_type,
        message=call.error_message,
        stage=call.error_stage,
        another_try_may_help=call.error_transient,
    )


def _recogniser(call: reading.ShownCall) -> answers.Recogniser | None:
    if call.asr_engine is None:
        return None
    return answers.Recogniser(
        engine=call.asr_engine,
        model=call.asr_model,
        revision=call.asr_revision,
        demonstration=bool(call.asr_demonstration),
        passed_over=call.asr_passed_over,
        transcript_fingerprint=call.transcript_fingerprint,
    )


def listed_answer(call: listing.ListedCall, *, words: bool) -> answers.ListedCall:
    """A call of a list; without `words` no summary."""
    return answers.ListedCall(**{
        **alike(answers.ListedCall, call),
        "attention": call.rules,
        "missing": call.missing_reasons,
        "summary": call.summary if words else None,
    })  # fmt: skip
