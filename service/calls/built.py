"""From what the database answers to what the API answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.records import Sentiment
from db.queries import listing, reading
from pipeline.records import Role
from service.calls import answers

MOODS = ("negative", "neutral", "positive")


def call_answer(
    call: reading.ShownCall, steps: Sequence[reading.ShownStep], rules: Sequence[reading.ShownRule], *, words: bool
) -> answers.Call:
    """The call; without `words` nothing that anybody said or wrote of it."""
    return answers.Call(
        call_id=uuid.UUID(call.call_id),
        file_name=call.file_name,
        status=call.status,
        started_at=call.started_at,
        duration_s=call.duration_s,
        direction=call.direction,
        agent_id=call.agent_id,
        customer_segment=call.customer_segment,
        queue=call.queue,
        extension=call.extension,
        related_call=call.related_call,
        customer=call.customer,
        caller=call.caller,
        metadata=call.metadata,
        language=call.language,
        flags=call.flags,
        moods={role: moods_of(call.moods[role]) for role in Role if any((call.moods.get(role) or {}).values())},
        mood_turn=_mood_turn(call),
        topic=_topic(call, words=words),
        summary=_summary(call) if words else None,
        action_items=_promises(call) if words else None,
        talk=answers.TalkMeasures.model_validate(call),
        attention_weight=call.attention_weight,
        attention=tuple(_rule(rule, words=words) for rule in rules),
        missing=call.missing_reasons,
        error=_failure(call),
        recording=_recording(call),
        recogniser=_recogniser(call),
        steps=tuple(map(answers.Step.model_validate, steps)),
        run_id=None if call.run_id is None else uuid.UUID(call.run_id),
        processed_at=call.processed_at,
    )


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
        topic=call.topic,
        subtopic=call.subtopic,
        confidence=call.topic_confidence,
        second_topic=call.second_topic,
        second_subtopic=call.second_subtopic,
        second_confidence=call.second_topic_confidence,
        catalogue=call.topic_catalogue,
        evidence=tuple(
            answers.Quote(
                text=quote["quote"] if words else None,
                channel=quote["channel"],
                ordinal=quote["ordinal"],
                start_s=quote["start_s"],
            )
            for quote in call.topic_evidence or ()
        ),
    )


def _summary(call: reading.ShownCall) -> answers.SummaryOfCall | None:
    if call.summary is None:
        return None
    details = call.summary_details or {}
    return answers.SummaryOfCall(
        text=call.summary,
        reason=details.get("reason"),
        done=details.get("done"),
        outcome=details.get("outcome"),
        key_points=tuple(details.get("key_points") or ()),
        next_step=details.get("next_step"),
        language=details.get("language"),
        evidence=tuple(
            answers.SummarySentence(
                ordinal=sentence["chunk"],
                **{name: sentence[name] for name in ("part", "text", "role", "channel", "start_s", "end_s")},
            )
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


def _recording(call: reading.ShownCall) -> answers.Recording:
    return answers.Recording(
        source_uri=call.source_uri,
        size_bytes=call.source_size_bytes,
        modified_at=call.source_modified_at,
        sha256=call.audio_sha256,
        container=call.container,
        codec=call.codec,
        channels=call.channels,
        sample_rate_hz=call.sample_rate_hz,
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
    same = set(answers.ListedCall.model_fields) - {"call_id", "attention", "missing", "summary"}
    values: dict[str, Any] = {name: getattr(call, name) for name in same}
    return answers.ListedCall(
        call_id=uuid.UUID(call.call_id),
        attention=call.rules,
        missing=call.missing_reasons,
        summary=call.summary if words else None,
        **values,
    )
