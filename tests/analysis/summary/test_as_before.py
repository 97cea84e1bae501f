"""Summaries and verdicts of calls that the method was made with: kept as they are, so that any change of one is seen.

What is right is in the other tests and in the benchmarks; a change for the better changes these files, too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace

import pytest

from analysis.encoder.vectors import EncoderChoice
from analysis.records import Summary, SummaryPart
from analysis.summary.composing import compose
from analysis.summary.drafts import draft_of
from analysis.summary.extractive import choose_lines, line_scores, lines_of
from analysis.summary.promises import promised
from analysis.summary.reading.promising import promising_clauses
from analysis.summary.reading.readings import read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.settling import settled
from analysis.summary.reading.substance import Substance
from analysis.summary.step import SummaryStep
from analysis.summary.summary_parts import reason_scores, summary_parts_of
from analysis.summary.support.clause import Clause
from analysis.summary.support.evidence import CallEvidence, Evidence
from analysis.summary.support.heard import Occurrence, Utterance, utterances_of
from analysis.summary.support.statements import read_statement
from analysis.summary.support.verdict import Judge
from analysis.summary.support.wording import wording_of
from analysis.text import sentences
from bench.statements import STATEMENTS, Labelled, read_statements
from bench.summaries import made_up_calls
from pipeline.config.areas.language import ExtractiveSummarySettings, SummarySettings
from pipeline.records import CallForAnalysis, Role, TranscriptChunk
from tests.analysis.calls import call as made_call
from tests.analysis.encoder.conftest import HashEncoder
from tests.pinned import assert_pinned

NUMBERS = [field.name for field in fields(Evidence)]


ABOUT = ("tuning", "model", "strangers_1", "strangers_2", "strangers_3")


@pytest.mark.parametrize("name", ABOUT)
def test_what_speaks_for_and_against_each_statement(name: str) -> None:
    assert_pinned(f"{name}.txt", "\n".join(evidence_lines(name)))


def statements(name: str) -> list[Labelled]:
    return read_statements(STATEMENTS / f"{name}.yaml", None)


def evidence_lines(name: str) -> Iterator[str]:
    calls: dict[str, tuple[CallEvidence, Judge]] = {}
    for labelled in statements(name):
        about = labelled.call
        if about.call_id not in calls:
            yield f"= {about.call_id}"
            believed = about.transcript.believed
            calls[about.call_id] = CallEvidence(believed, wording_of("en"), None), Judge(believed, "en")
        evidence, judge = calls[about.call_id]
        found = evidence.of(labelled.text)
        told = judge.judge(labelled.text)
        yield f"{labelled.text} -> {told.verdict} {told.probability:.4f} {' '.join(told.faults)} ({told.subject})"
        yield "  " + " ".join(f"{key}={value:.3g}" for key in NUMBERS if (value := float(getattr(found, key))))
        for clause in read_statement(labelled.text, wording_of("en"), {"karim": Role.AGENT, "ruth": Role.CLIENT}):
            yield f"  {clause.text}: {marks_of(clause, 'text')}"


FRAMES = (
    "asked for", "asked whether", "asked the other side to", "wanted", "promised to", "offered", "said that", "gave",
    "confirmed that", "refused", "was told that", "did not want", "will send", "agreed to", "complained about", "had",
    "has already received", "apologised for", "thanked the agent for", "sent the client", "needs", "is waiting for",
)  # fmt: skip


@pytest.mark.parametrize("name", ["tuning", "strangers_1", "strangers_2", "strangers_3"])
def test_what_speaks_for_and_against_drawn_statements(name: str) -> None:
    """Each statement with its sides changed, or with another verb: mostly false, in ways that nobody thought of."""
    lines = []
    for about, labelled in written_about(name).items():
        lines.append(f"= {about}")
        believed = labelled[0].call.transcript.believed
        evidence, judge = CallEvidence(believed, wording_of("en"), None), Judge(believed, "en")
        for text in (drawn_statement(one.text, random.Random(one.text)) for one in labelled):
            found, told = evidence.of(text), judge.judge(text)
            lines.append(f"{text} -> {told.verdict} {told.probability:.4f} {' '.join(told.faults)} ({told.subject})")
            numbers = {key: float(getattr(found, key)) for key in NUMBERS}
            lines.append("  " + " ".join(f"{key}={value:.3g}" for key, value in numbers.items() if value))
    assert_pinned(f"drawn_{name}.txt", "\n".join(lines))


def drawn_statement(text: str, generator: random.Random) -> str:
    sides = {"client": "agent", "agent": "client", "client's": "agent's", "agent's": "client's"}
    said = text.split()
    if generator.random() < 0.35:
        return " ".join(sides.get(word, word) for word in said)
    return f"The {generator.choice(('client', 'agent'))} {generator.choice(FRAMES)} {' '.join(said[3:])}"


def marks_of(record: Clause | Utterance | Occurrence, *without: str) -> str:
    """Its fields that are neither empty nor false."""
    named = ((field.name, getattr(record, field.name)) for field in fields(record) if field.name not in without)
    return " ".join(name if value is True else f"{name}={value}" for name, value in named if value)


def test_who_does_what_in_each_utterance() -> None:
    """Of the calls that statements are about: how each sentence is told in the third person, and who does its verbs."""
    wording = wording_of("en")
    verbs = wording.speech.keys() | wording.past | wording.infinitives
    lines = []
    for about in {one.call.call_id: one.call for name in ABOUT for one in statements(name)}.values():
        lines.append(f"= {about.call_id}")
        for utterance in utterances_of(about.transcript.believed, wording):
            flags = marks_of(utterance, "number", "chunk", "role", "text", "words", "stems", "content")
            lines.append(f"{utterance.told} {flags} {'announces' * utterance.announces}".rstrip())
            for index, word in enumerate(utterance.words):
                if word in verbs or word.endswith("ed"):
                    who = marks_of(utterance.occurrence(index, wording), "number", "speaker")
                    lines.append(f"  {word} {who}".rstrip())
    assert_pinned("utterances.txt", "\n".join(lines))


@pytest.mark.parametrize("name", ["seen", "mended", "ends_seen"])
def test_each_calls_summary(name: str) -> None:
    assert_pinned(f"{name}.txt", "\n".join(summaries_of(calls_of(name))))


@pytest.mark.parametrize("most", [12, 30])
def test_summaries_of_few_words(most: int) -> None:
    """Which sentences stay where there is no room for all."""
    settings = SummarySettings(extractive=ExtractiveSummarySettings(max_words=most, max_share=0.9))
    lines = summaries_of(calls_of("mended"), settings)
    assert_pinned(f"mended_{most}.txt", "\n".join(line for line in lines if not line.startswith("  ")))


@pytest.mark.parametrize("roles", [("agent", "client"), ("unknown", "unknown")])
def test_summaries_of_drawn_calls(roles: tuple[str, str]) -> None:
    """Sentences of all our calls in any order, by whoever says them: what no one thought of."""
    pool = {
        role: [text for name in ("seen", "mended") for about in calls_of(name) for chunk in about.transcript.chunks
               if chunk.role is role for text in sentences(chunk.text)]
        for role in (Role.AGENT, Role.CLIENT)
    }  # fmt: skip
    calls = []
    for number in range(80):
        generator = random.Random(number)
        said = [
            (
                roles[side],
                " ".join(generator.choices(pool[(Role.AGENT, Role.CLIENT)[side]], k=generator.choice([1, 1, 2]))),
            )
            for side in generator.choices([0, 1], k=generator.randint(1, 9))
        ]
        calls.append(made_call(*said, name=" | ".join(f"{role[0]}: {text}" for role, text in said)))
    lines = [line for line in summaries_of(calls) if not line.startswith("  Summary")]
    assert_pinned(f"drawn_{roles[0]}.txt", "\n".join(lines))


@pytest.mark.parametrize("form", ["written", "heard", "unknown", "one_side"])
def test_each_sentences_reading(form: str) -> None:
    """What is read of a sentence, and its scores as a reason, as what settles something, and as a line of its own."""
    substance = Substance(HashEncoder())
    lines = []
    for name in ("seen", "mended", "ends_seen"):
        for about in calls_of(name):
            lines.append(f"= {about.call_id}")
            chunks = [FORMS[form](chunk) for chunk in about.transcript.chunks]
            lines += readings_of([chunk for chunk in chunks if chunk is not None], substance)
    assert_pinned(f"readings_{form}.txt", "\n".join(lines))


FORMS: Mapping[str, Callable[[TranscriptChunk], TranscriptChunk | None]] = {
    "written": lambda chunk: chunk,
    "heard": lambda chunk: replace(chunk, text=re.sub(r"[.,?!;]+(?=\s|$)", "", chunk.text.lower())),
    "unknown": lambda chunk: replace(chunk, role=Role.UNKNOWN),
    "one_side": lambda chunk: chunk if chunk.role is Role.CLIENT else None,
}


def readings_of(chunks: Sequence[TranscriptChunk], substance: Substance) -> Iterator[str]:
    readings = read(sentences_of(chunks), substance)
    reasons = reason_scores(readings)
    clauses_of = promised(readings, None)
    parts = summary_parts_of(readings, clauses_of)
    settling = settled(readings, parts.of.get(SummaryPart.REASON, ()), clauses_of)
    chosen = {id(reading): part for part, of_part in parts.of.items() for reading in of_part}
    for reading in readings:
        sentence = reading.sentence
        marks = [mark for mark in ("polite", "figures", "names_moment", "identifies") if getattr(reading, mark)]
        told = sentence.role.value, sentence.turn, sentence.chunk, f"{sentence.start_s:.2f}", f"{sentence.end_s:.2f}"
        scores = f"{reading.small_talk:.3f} {reasons.get(reading, 0):.3f} {settling.get(reading, 0):.3f}"
        part = " " + chosen[id(reading)] if id(reading) in chosen else ""
        yield f"{told} {sentence.text}: {' '.join([*sorted(reading.acts), *marks])} {scores}{part}"
        yield from (f"  promises {clause}" for clause in promising_clauses(reading, readings))
    yield " ".join(f"{part}: {why}" for part, why in parts.missing.items())
    lines, settings = lines_of(chunks, "en"), ExtractiveSummarySettings()
    yield " ".join(f"{score:.3f}" for score in line_scores(lines, settings))
    yield from (f"  line {line.text}" for line in choose_lines(lines, settings))


def calls_of(name: str) -> list[CallForAnalysis]:
    return [call for _, call in made_up_calls(name)]


def summaries_of(calls: Sequence[CallForAnalysis], settings: SummarySettings | None = None) -> Iterator[str]:
    encoder = HashEncoder()
    choice = EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)
    step = SummaryStep(settings or SummarySettings(), encoder=choice)
    for call, result in zip(calls, step.run(calls, [{}] * len(calls)), strict=True):
        yield f"= {call.call_id}: {result.state} {result.reason}"
        if isinstance(result.payload, Summary):
            yield result.payload.text
            yield from (f"  action: {item}" for item in result.payload.action_items)
            yield from (f"  {found}" for found in result.payload.evidence)


SHORT_PARTS = {"max_transcript_chars": 700, "part_chars": 500}
HOW: Mapping[str, Mapping[str, object]] = {
    "drop": {"unsupported": "drop"},
    "flag": {"unsupported": "flag", **SHORT_PARTS},
    "own": {"unsupported": "drop", "max_key_points": 3, "max_action_items": 1, **SHORT_PARTS},
}


@pytest.mark.parametrize("how", HOW)
def test_what_a_model_wrote_is_composed_with_the_calls_own_sentences(how: str) -> None:
    """In one part where what is not supported is dropped; in short parts where it is flagged, or half is not told."""
    lines: list[str] = []
    for about, texts in written_about("tuning").items():
        lines += [f"= {about}", *composed(texts, SummarySettings.model_validate(HOW[how]), in_part=how == "own")]
    assert_pinned(f"composed_{how}.txt", "\n".join(lines))


def written_about(name: str) -> dict[str, list[Labelled]]:
    found: dict[str, list[Labelled]] = {}
    for labelled in statements(name):
        found.setdefault(labelled.call.call_id, []).append(labelled)
    return found


def composed(written: list[Labelled], settings: SummarySettings, *, in_part: bool) -> Iterator[str]:
    """The statements, true and false, shared out to the fields of each part; and two promises.

    `in_part`: of every second part nothing was written, and each part has own sentences of its own.
    """
    about = written[0].call
    draft = draft_of(about, settings)
    parts = len(draft.parts)
    texts = [
        {
            field: "" if in_part and part % 2 else " ".join(one.text for one in written[place + 3 * part :: 3 * parts])
            for place, field in enumerate(("reason", "done", "outcome"))
        }
        for part in range(parts)
    ]
    items = [
        {"what": " ", "who": "agent", "by_when": "today"},
        {"what": "send 77 camels to the moon", "who": "agent", "by_when": ""},
        {"what": "call back", "who": "agent", "by_when": "tomorrow"},
        {"what": written[0].text, "who": "client", "by_when": ""},
    ]
    encoder = HashEncoder()
    choice = EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)
    (alone,) = SummaryStep(SummarySettings(), encoder=choice).run([about], [{}])
    own = list(alone.payload.evidence) if isinstance(alone.payload, Summary) else []
    made = compose(
        draft, texts, settings, None, items=items, own=[own[part::parts] if in_part else own for part in range(parts)]
    )
    yield str(made.note)
    if made.summary is not None:
        for name in ("reason", "done", "outcome", "next_step", "key_points", "action_items", "check", "flags"):
            yield f"  {name}: {getattr(made.summary, name)}"
        yield from (f"  {found}" for found in made.summary.evidence)
