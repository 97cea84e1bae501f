"""Transcripts without personal data, and when it was said."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from analysis.redaction import build_redactor
from analysis.redaction.stored import PersonalStretch, personal_stretches, redact_transcript, without_personal_data
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.root import Settings
from pipeline.records import Transcript, TranscriptChunk, Word
from pipeline.roles import Role
from tests.analysis.calls import call

REDACTOR = build_redactor(RedactionSettings())


def with_words(transcript: Transcript) -> Transcript:
    """Every word a quarter of a second, from the beginning of its chunk."""
    return replace(transcript, chunks=tuple(replace(chunk, words=timed(chunk)) for chunk in transcript.chunks))


def timed(chunk: TranscriptChunk) -> tuple[Word, ...]:
    return tuple(
        Word(text=text, start_s=chunk.start_s + place / 4, end_s=chunk.start_s + (place + 1) / 4)
        for place, text in enumerate(chunk.text.split())
    )


def asked() -> Transcript:
    return with_words(
        call(("agent", "And the code on the back?"), ("client", "Sure, it's nine four two, okay?")).transcript
    )


def test_the_words_of_a_stretch_become_one_with_the_time_of_all() -> None:
    stored = redact_transcript(asked(), REDACTOR)
    agent, client = stored.chunks
    begin = client.start_s
    assert client.text == "Sure, it's [CARD_1], okay?"
    assert client.words == (
        Word(text="Sure,", start_s=begin, end_s=begin + 0.25),
        Word(text="it's", start_s=begin + 0.25, end_s=begin + 0.5),
        Word(text="[CARD_1]", start_s=begin + 0.5, end_s=begin + 1.25),
        Word(text="okay?", start_s=begin + 1.25, end_s=begin + 1.5),
    )
    assert agent.words is not None


def test_words_that_are_not_those_of_the_text_are_dropped_with_it() -> None:
    spoken = asked()
    other = replace(spoken.chunks[1], words=(Word(text="nine", start_s=0.0, end_s=1.0),))
    stored = redact_transcript(replace(spoken, chunks=(spoken.chunks[0], other)), REDACTOR)
    assert stored.chunks[1].words is None


def test_the_times_of_personal_data_are_those_of_its_words() -> None:
    spoken = asked()
    begin, channel = spoken.chunks[1].start_s, spoken.chunks[1].channel
    expected = PersonalStretch(channel=channel, start_s=begin + 0.5, end_s=begin + 1.25, mark="[CARD_1]", exact=True)
    assert personal_stretches(spoken, REDACTOR) == (expected,)
    stored = redact_transcript(spoken, REDACTOR)
    assert personal_stretches(stored, REDACTOR) == (expected,), "known from the stored words, too"


def test_without_words_the_whole_chunk_is_meant_and_said_to_be() -> None:
    spoken = call(("agent", "Your PIN?"), ("client", "7 3 1 9")).transcript
    (stretch,) = personal_stretches(spoken, REDACTOR)
    chunk = spoken.chunks[1]
    assert (stretch.start_s, stretch.end_s, stretch.exact) == (chunk.start_s, chunk.end_s, False)


SAID = [
    "my",
    "card",
    "number",
    "is",
    "4111",
    "one",
    "two",
    "Anna",
    "Kowalska",
    "call",
    "me",
    "on",
    "555",
    "0147,",
    "oh",
]


@given(st.lists(st.lists(st.sampled_from(SAID), min_size=1, max_size=8).map(" ".join), min_size=1, max_size=5))
def test_words_and_text_show_the_same_placeholders(lines: list[str]) -> None:
    for chunk in redact_transcript(with_words(call(*(("client", line) for line in lines)).transcript), REDACTOR).chunks:
        words = " ".join(word.text for word in chunk.words or ())
        assert re.findall(r"\[[A-Z]+_\d+\]", words) == re.findall(r"\[[A-Z]+_\d+\]", chunk.text)
        assert re.sub(r"\W", "", words) == re.sub(r"\W", "", chunk.text)


def test_typed_lines_are_redacted_with_their_sides() -> None:
    """By the words alone the agent's second line would be an answer too."""
    lines, roles = ["Which city are you in?", "In Brindle.", "Marble Orchard is on there."], [
        Role.AGENT, Role.CLIENT, Role.AGENT,
    ]  # fmt: skip
    stored = Settings(redaction=RedactionSettings(redact_stored=True), encoder=EncoderSettings(engine="off"))
    assert without_personal_data(lines, roles, stored) == [lines[0], "In [ADDRESS_1].", lines[2]]
    assert without_personal_data(lines, roles, Settings()) == lines
