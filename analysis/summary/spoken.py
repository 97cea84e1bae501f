"""A summary without a language model: the parts of `parts.py`, told in the call's own sentences, up to a length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.calls import in_order
from analysis.recordings import without_recordings
from analysis.records import Summary, SummaryEvidence, SummaryPart
from analysis.summary.extractive import Line, line_scores
from analysis.summary.learned.promise_weights import shipped_for
from analysis.summary.promises import promised, promises
from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.substance import Substance
from analysis.summary.summary_parts import SummaryParts, summary_parts_of
from analysis.summary.templates import as_sentence
from analysis.text import stop_words, words
from pipeline.config.areas.language import ExtractiveSummarySettings
from pipeline.records import Role, TranscriptChunk

_TAKEN_FIRST = (
    SummaryPart.OUTCOME,
    SummaryPart.REASON,
    SummaryPart.DETAIL,
    SummaryPart.DONE,
    SummaryPart.PROMISE,
    SummaryPart.OPEN,
)
"""Where the words do not suffice."""
_TOLD = (
    SummaryPart.REASON,
    SummaryPart.DETAIL,
    SummaryPart.DONE,
    SummaryPart.OUTCOME,
    SummaryPart.PROMISE,
    SummaryPart.OPEN,
    SummaryPart.LINE,
)
_CENTRE = 1.0
_REASON = 0.3
_POLITE = 0.5
_REPEATED = 0.3
"""Weights chosen on the half of DialogSum that is not put aside."""
_ENGLISH_SHARE = 0.3
"""Share of English function words from which a text of unknown language counts as English. The English calls and
dialogues of docs/summaries.md have at least 0.43, French, German, Spanish and Arabic sentences at most 0.11."""


def is_english(chunks: Sequence[TranscriptChunk], language: str | None) -> bool:
    if language is not None:
        return language.partition("-")[0].lower() == "en"
    said = [word for chunk in chunks for word in words(chunk.text)]
    return bool(said) and sum(word in stop_words("en") for word in said) >= _ENGLISH_SHARE * len(said)


def spoken_summary(
    chunks: Sequence[TranscriptChunk], substance: Substance, settings: ExtractiveSummarySettings
) -> tuple[Summary | None, str | None]:
    """The summary without its text, and what it lacks; None, with the reason, where nothing but small talk is said.

    Menus, announcements and voicemail greetings are no part of it.
    """
    people, recordings = without_recordings(in_order(chunks))
    if recordings and not people:
        return None, f"there is nothing but {recordings[0].value}"
    readings = read(sentences_of(people), substance)
    clauses_of = promised(readings, shipped_for(substance.space))
    parts = summary_parts_of(readings, clauses_of)
    roles_unknown = len(readings) > 1 and all(reading.sentence.role is Role.UNKNOWN for reading in readings)
    if roles_unknown or not parts.of:
        kept = _most_telling(readings, parts, chunks, settings)
    else:
        kept = _up_to(parts, settings.parts_max_words)
    evidence = _evidence(kept)
    note = "; ".join(f"no {part}: {why}" for part, why in parts.missing.items()) or None
    if not evidence:
        return None, "nothing but greetings and small talk is said"
    details = kept[SummaryPart.DETAIL]
    summary = Summary(
        text="",
        reason=_told(kept[SummaryPart.REASON]),
        done=_told(kept[SummaryPart.DONE]),
        outcome=_told(kept[SummaryPart.OUTCOME]),
        key_points=tuple(
            f"{as_sentence(question.text)} {as_sentence(answer.text)}"
            for question, answer in zip(details[::2], details[1::2], strict=True)
        ),
        action_items=promises(readings, clauses_of, settings.max_action_items),
        next_step=_told(kept[SummaryPart.OPEN]),
        evidence=evidence,
        language="en",
        template=settings.template,
    )
    return summary, note


def _most_telling(
    readings: Sequence[Reading],
    parts: SummaryParts,
    chunks: Sequence[TranscriptChunk],
    settings: ExtractiveSummarySettings,
) -> dict[SummaryPart, list[Reading]]:
    """Of talk in which nobody knows who is who, where parts are told less surely: what tells most, whatever it says.

    Scored like the lines of `extractive`, by how near a sentence is to the middle of the talk (centroid, Radev et al.
    2004) and whether it seems to be the reason; greetings, closings and filler are worth less, and so is what is near
    to a chosen one (maximal marginal relevance, Carbonell & Goldstein 1998). What came of it is told too unsurely to
    count for more. A chosen sentence without a part is a `line`.
    """
    where = {(chunk.channel, chunk.ordinal): chunk for chunk in chunks}
    lines = [
        Line(
            where[reading.sentence.channel, reading.sentence.chunk],
            reading.text,
            (*sorted(reading.stems),),
            len(words(reading.text)),
        )
        for reading in readings
    ]
    middle = sum(
        (reading.vector for reading in readings if not reading.polite), start=np.zeros_like(readings[0].vector)
    )
    length = float(np.linalg.norm(middle)) or 1.0
    part_of = {reading: part for part in reversed(_TOLD) for reading in parts.of.get(part, ())}
    scores = {
        reading: score
        + _CENTRE * float(reading.vector @ middle) / length
        + _REASON * (part_of.get(reading) is SummaryPart.REASON)
        - _POLITE * (reading.polite and bool(reading.acts))
        for reading, score in zip(readings, line_scores(lines, settings), strict=True)
    }
    kept: dict[SummaryPart, list[Reading]] = {part: [] for part in _TOLD}
    chosen: list[Reading] = []
    left = settings.parts_max_words
    nearest = dict.fromkeys(scores, 0.0)
    while scores:
        best = max(scores, key=lambda reading: scores[reading] - _REPEATED * nearest[reading])
        chosen.append(best)
        left -= len(words(best.text))
        scores = {
            reading: score
            for reading, score in scores.items()
            if reading is not best and len(words(reading.text)) <= left
        }
        for reading in scores:
            nearest[reading] = max(nearest[reading], float(reading.vector @ best.vector))
    for reading in sorted(chosen, key=lambda reading: reading.place):
        part = part_of.get(reading, SummaryPart.LINE)
        kept[SummaryPart.LINE if part is SummaryPart.DETAIL else part].append(reading)
    return kept


def _told(readings: Sequence[Reading]) -> str | None:
    return " ".join(as_sentence(reading.text) for reading in readings) or None


def _evidence(kept: dict[SummaryPart, list[Reading]]) -> tuple[SummaryEvidence, ...]:
    return tuple(reading.sentence.evidence(part) for part in _TOLD for reading in kept[part])


def _up_to(parts: SummaryParts, max_words: int) -> dict[SummaryPart, list[Reading]]:
    """The sentences of each part while words are left; the first of the outcome and of the reason in any case.

    A sentence that stands in an earlier part costs nothing again; an answer goes with its question.
    """
    kept: dict[SummaryPart, list[Reading]] = {part: [] for part in _TOLD}
    counted: set[Reading] = set()
    left = max_words
    for part in _TAKEN_FIRST:
        step = 2 if part is SummaryPart.DETAIL else 1
        chosen = parts.of.get(part, ())
        for index in range(0, len(chosen), step):
            group = chosen[index : index + step]
            length = sum(len(words(reading.text)) for reading in group if reading not in counted)
            always = index == 0 and part in (SummaryPart.OUTCOME, SummaryPart.REASON)
            if length <= left or always:
                kept[part].extend(group)
                counted.update(group)
                left -= length
    return kept
