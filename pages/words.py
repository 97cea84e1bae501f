"""What flags, roles, moods and states mean, in words for a person."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.records import ORDERS_FLAG, CallStatus

MOODS: Mapping[str, str] = {"negative": "Negative", "neutral": "Neutral", "positive": "Positive"}
DIRECTIONS: Mapping[str, str] = {"inbound": "Inbound", "outbound": "Outbound", "internal": "Internal"}
STATUSES: Mapping[CallStatus, str] = {
    CallStatus.DONE: "Done",
    CallStatus.TRANSCRIBED: "Transcribed, not analysed yet",
    CallStatus.FAILED: "Failed",
    CallStatus.QUARANTINED: "Failed in several runs, not tried again",
    CallStatus.SKIPPED: "Skipped, not a call",
}
STEPS: Mapping[str, str] = {
    "text": "Mood from the words",
    "acoustic": "Mood from the voice",
    "fusion": "Mood from words and voice",
    "topic": "Topic",
    "summary": "Summary",
    "conversation": "Talk measures",
}

CALL_FLAGS: Mapping[str, str] = {
    "bad_header": "The file's header contradicts its content",
    "clipped": "Parts are distorted by overload",
    "crosstalk": "One side can be heard on the other's channel",
    "cut_at_max_duration": "The end was not read: the call is longer than the limit",
    "dc_offset": "The sound had a constant offset, which was removed",
    "decode_errors": "Parts of the file are damaged and silent here",
    "diarised": "Both sides share a channel; they were told apart by their voices",
    "dual_mono": "Both channels hold the same sound",
    "format_change": "The sound's format changes within the file",
    "gaps_filled": "The recorder left gaps, which are silent here",
    "hold_music": "Contains hold music",
    "key_tone": "Contains key tones",
    "mono": "Both sides are on one channel",
    "no_speech": "Nobody speaks",
    "non_finite_samples": "Parts of the sound are not valid and silent here",
    "not_diarised": "The two sides could not be told apart",
    "other_side_missing": "Only one side's file was there",
    ORDERS_FLAG: "Somebody speaks as one speaks to a language model; topic and summary leave that out",
    "over_full_scale": "The sound was too loud and was lowered",
    "ringing": "Contains ringing",
    "roles_from_map": "Who is on which channel is taken from the configuration",
    "roles_from_metadata": "Who is on which channel is taken from the file's data",
    "roles_unknown": "It is not known who the agent is",
    "several_tracks": "The file has several audio tracks",
    "sides_differ_in_length": "One side's sound ends long before the other's",
    "silence": "The recording is silent",
    "silent_channel": "One channel is silent",
    "silent_track": "A silent track was left out",
    "too_quiet": "The speech is very quiet and was raised",
    "truncated": "The recording ends too early",
    "undecodable_track": "One track or file could not be read",
}
"""Flags of a call."""
_GATES: Mapping[str, str] = {
    "annotation": "only notes in brackets or credits, no words",
    "context_echo": "hardly anything but vocabulary words",
    "loop": "the text repeats itself",
    "low_confidence": "the recogniser is far from sure of it",
    "speech_without_text": "somebody speaks, but no words were found",
    "text_without_speech": "words where nobody seems to speak",
    "truncation": "the text was cut short",
    "vocabulary_unsupported": "a vocabulary term was removed, because it is not heard",
    "words_per_second": "more words than anybody can say in this time",
    "wrong_script": "letters of another script than the language's",
}
CHUNK_FLAGS: Mapping[str, str] = {
    **_GATES,
    **{f"{gate}_cured": f"recognised again, because {why}" for gate, why in _GATES.items()},
    "annotation_removed": "notes in brackets were removed",
    "decode_truncated": "the recogniser stopped before the end",
    "language_unsupported": "the recogniser does not know this language",
    "other_language": "another language is spoken here",
    "out_of_memory": "the recogniser ran out of memory",
    "overheard": "words overheard from the other side were removed",
    "recogniser_crash": "the recogniser crashed on it",
    "recogniser_error": "the recogniser failed on it",
    "recogniser_timeout": "the recogniser took too long",
    "redacted": "personal data was removed",
    "side_uncertain": "it is not clear which side says this",
    "word_times_missing": "the words have no times of their own",
}
"""Flags of a stretch of speech, as the end of a sentence."""
ORDINARY = frozenset(
    {"roles_from_map", "roles_from_metadata", "key_tone", "ringing", "dc_offset", *(f"{gate}_cured" for gate in _GATES)}
)
"""Flags of a call that say nothing a reader has to mind."""

_REMARKS: Mapping[str, str] = {
    "_unreadable": "could not be read",
    "_ambiguous": "can be read in two ways",
    "_shifted": "does not exist on the clock and was moved by an hour",
}


def call_flag(flag: str) -> str:
    """A call's flag in words; one that is not known here as it stands."""
    if flag in CALL_FLAGS:
        return CALL_FLAGS[flag]
    if flag in CHUNK_FLAGS:
        return f"In places: {CHUNK_FLAGS[flag]}"
    if flag.startswith("vad_fallback_"):
        return f"Speech was found by the second choice of detector ({flag.removeprefix('vad_fallback_')})"
    for ending, meaning in _REMARKS.items():
        if flag.endswith(ending):
            return f"{_plain(flag.removesuffix(ending))} {meaning}"
    return _plain(flag)


def chunk_flag(flag: str) -> str:
    """The same for a stretch of speech."""
    return CHUNK_FLAGS.get(flag) or _plain(flag).lower()


def _plain(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
