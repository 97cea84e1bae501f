"""Transcripts for programs: Earshot's own JSON, and the shapes of AWS Post-Call Analytics and Contact Lens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from db.export.document import Document, Segment
from db.export.lines import Line, lines_of, tokens_of
from db.export.subtitles import speaker
from pipeline.config.areas.output import TranscriptFileSettings

DESCRIBED = (
    "file_name",
    "source_uri",
    "status",
    "language",
    "duration_s",
    "direction",
    "agent_id",
    "customer_segment",
    "flags",
    "topic",
    "subtopic",
    "topic_confidence",
    "second_topic",
    "second_subtopic",
    "second_topic_confidence",
    "summary",
    "summary_evidence",
    "summary_check",
    "action_items",
    "asr_engine",
    "asr_model",
    "asr_revision",
    "asr_demonstration",
    "transcript_fingerprint",
)
"""Columns of `calls` that the document repeats."""


def own_json(document: Document, settings: TranscriptFileSettings) -> str:
    """Document -> segments -> lines -> words; times in seconds from the first sample.

    `words` is null where the recogniser gave none; times of `estimated` lines are estimated by length.
    """
    call = document.call
    return _dump(
        {
            "call_id": document.call_id,
            "started_at": call["started_at"].isoformat() if call["started_at"] else None,
            **{name: call[name] for name in DESCRIBED},
            "segments": [_segment(segment, settings.max_line_chars) for segment in document.segments],
        }
    )


_OF_SEGMENT = ("channel", "ordinal", "role", "start_s", "end_s", "text", "confidence", "flags")


def _segment(segment: Segment, width: int) -> dict[str, Any]:
    lines = lines_of(tokens_of(segment, width), width)
    return {
        **{name: getattr(segment, name) for name in _OF_SEGMENT},
        "sentiment": dict(segment.sentiments),
        "lines": [_line(line) for line in lines],
    }


def _line(line: Line) -> dict[str, Any]:
    estimated = any(token.estimated for token in line.tokens)
    words = [
        {"text": token.text, "start_s": token.start_s, "end_s": token.end_s, "confidence": token.confidence}
        for token in line.tokens
    ]
    return {
        "text": line.text,
        "start_s": line.start_s,
        "end_s": line.end_s,
        "estimated": estimated,
        "words": None if estimated else words,
    }


# ---------------------------------------------------------------------------- AWS Post-Call Analytics


def pca_json(document: Document, _settings: TranscriptFileSettings) -> str:
    """The shape of aws-samples' amazon-transcribe-post-call-analytics. Scores are in -5..5, as there; times are UTC."""
    call = document.call
    labels = {f"spk_{segment.channel}": speaker(segment) for segment in document.segments}
    return _dump(
        {
            "ConversationAnalytics": {
                "GUID": document.call_id,
                "Agent": call["agent_id"],
                "ConversationTime": _utc(call["started_at"]),
                "LanguageCode": call["language"],
                "Duration": call["duration_s"],
                "SpeakerLabels": [{"Speaker": key, "DisplayText": name} for key, name in sorted(labels.items())],
                "SentimentTrends": _pca_trends(document),
                "SpeakerTime": _pca_speaker_time(document),
                "Summary": {"Summary": call["summary"], "Topic": call["topic"], "Actions": call["action_items"]},
                "SourceInformation": [
                    {
                        "TranscribeJobInfo": {
                            "MediaOriginalUri": call["source_uri"],
                            "MediaSampleRateHertz": call["sample_rate_hz"],
                            "ChannelIdentification": int((call["channels"] or 1) > 1),
                            "TranscriptionJobName": call["file_name"],
                            "CLMName": call["asr_model"],
                        }
                    }
                ],
            },
            "SpeechSegments": [_pca_segment(segment) for segment in document.segments],
        }
    )


def _utc(moment: datetime | None) -> str | None:
    """The moment in UTC, whatever time zone the database session returns."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%fZ") if moment else None


def _pca_trends(document: Document) -> dict[str, Any]:
    trends = document.call["sentiment_trends"].get("fusion") or document.call["sentiment_trends"].get("text") or {}
    channels = {segment.role.value: segment.channel for segment in document.segments}
    return {
        f"spk_{channels[role]}": {
            "SentimentPerQuarter": [
                {"Quarter": number, "Score": None if score is None else round(5 * score, 3)}
                for number, score in enumerate(trend["quarters"], start=1)
            ]
        }
        for role, trend in trends.items()
        if role in channels
    }


def _pca_speaker_time(document: Document) -> dict[str, Any]:
    times: dict[str, float] = {}
    for segment in document.segments:
        key = f"spk_{segment.channel}"
        times[key] = times.get(key, 0.0) + segment.end_s - segment.start_s
    total = {key: {"TotalTimeSecs": round(seconds, 3)} for key, seconds in sorted(times.items())}
    return {**total, "NonTalkTime": {"TotalTimeSecs": document.call["silence_s"]}}


def _pca_segment(segment: Segment) -> dict[str, Any]:
    mood = segment.mood
    return {
        "SegmentStartTime": segment.start_s,
        "SegmentEndTime": segment.end_s,
        "SegmentSpeaker": f"spk_{segment.channel}",
        "OriginalText": segment.text,
        "DisplayText": segment.text,
        "SentimentIsPositive": int(_label(mood) == "positive"),
        "SentimentIsNegative": int(_label(mood) == "negative"),
        "SentimentScore": None if mood is None else round(5 * (mood["positive"] - mood["negative"]), 3),
        "WordConfidence": [
            {"Text": word.text, "Confidence": word.confidence, "StartTime": word.start_s, "EndTime": word.end_s}
            for word in segment.words or ()
        ],
    }


# --------------------------------------------------------------------------------------- Contact Lens


def contact_lens_json(document: Document, _settings: TranscriptFileSettings) -> str:
    """The shape of Amazon Connect Contact Lens' output file for voice."""
    call = document.call
    roles = {_contact_lens_role(segment) for segment in document.segments}
    return _dump(
        {
            "Version": "1.1.0",
            "Channel": "VOICE",
            "JobStatus": "COMPLETED",
            "LanguageCode": call["language"],
            "CustomerMetadata": {"ContactId": document.call_id, "InputS3Uri": call["source_uri"]},
            "Participants": [{"ParticipantId": role, "ParticipantRole": role} for role in sorted(roles)],
            "ConversationCharacteristics": {
                "TotalConversationDurationMillis": _milliseconds(call["duration_s"]),
                "TalkTime": {"DetailsByParticipant": _by_role(call, "talk_s", "TotalTimeMillis", 1000)},
                "NonTalkTime": {"TotalTimeMillis": _milliseconds(call["silence_s"])},
                "TalkSpeed": {
                    "DetailsByParticipant": _by_role(call, "words_per_minute", "AverageWordsPerMinute", 1),
                },
                "Interruptions": {
                    "InterruptionsByInterrupter": _by_role(call, "interruptions", "TotalCount", 1),
                },
                "Sentiment": {"OverallSentiment": _overall(call)},
                "ContactSummary": {"PostContactSummary": {"Content": call["summary"]}},
            },
            "Transcript": [
                {
                    "Id": f"{document.call_id}-{segment.channel}-{segment.ordinal}",
                    "ParticipantId": _contact_lens_role(segment),
                    "ParticipantRole": _contact_lens_role(segment),
                    "Content": segment.text,
                    "BeginOffsetMillis": _milliseconds(segment.start_s),
                    "EndOffsetMillis": _milliseconds(segment.end_s),
                    "Sentiment": (_label(segment.mood) or "").upper() or None,
                }
                for segment in document.segments
            ],
        }
    )


def _contact_lens_role(segment: Segment) -> str:
    return {"agent": "AGENT", "client": "CUSTOMER"}.get(segment.role.value, f"SPEAKER_{segment.channel}")


def _by_role(call: Mapping[str, Any], column: str, name: str, factor: int) -> dict[str, Any]:
    sides = {"AGENT": call[f"agent_{column}"], "CUSTOMER": call[f"client_{column}"]}
    return {role: {name: round(factor * value)} for role, value in sides.items() if value is not None}


def _overall(call: Mapping[str, Any]) -> dict[str, float]:
    scores = {}
    for role, side in (("AGENT", "agent"), ("CUSTOMER", "client")):
        mood = call[f"{side}_fusion_probabilities"] or call[f"{side}_text_probabilities"]
        if mood:
            scores[role] = round(5 * (mood["positive"] - mood["negative"]), 3)
    return scores


def _label(mood: Mapping[str, float] | None) -> str | None:
    """Argmax; on a tie the milder one, as `analysis.records.Sentiment`."""
    return max(("neutral", "negative", "positive"), key=mood.__getitem__) if mood else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _dump(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
