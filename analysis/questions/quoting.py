"""Which line of a passage answers a question.

Nearness alone picks whatever repeats the question's words: the agent's greeting, a question about the same thing. So
each sentence is read as a summary reads it (`analysis.summary.reading.readings`): who says it, what it does, whether it
is small talk. A "why" wants what the client says moved them, "promised" an agent's promise, "when" a moment. Greetings,
fillers and agents' questions answer nothing; a "yes, please" answers with the question before it. Other languages than
English have no wording of acts: there a question mark, the side that speaks, and figures tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.encoder.everyday import Scale
from analysis.encoder.vectors import SentenceEncoder, Vectors
from analysis.questions.records import Passage
from analysis.questions.relevance import coverage
from analysis.questions.wanted import Wanted, wanted_in
from analysis.summary.reading.moments import by_when
from analysis.summary.reading.readings import Reading, question_before, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.settling import says_yes
from analysis.summary.reading.substance import Substance
from analysis.summary.reading.wording import LANGUAGES, Act
from analysis.text import words
from pipeline.records import Role, TranscriptChunk

COVERED = 0.25
"""Of a line's share of the question's words, beside its cosine. This and the weights below by hand, on the developed
half of bench/labels/question_lines.yaml."""
_MOVES = frozenset({Act.PURPOSE, Act.REQUEST, Act.PROBLEM, Act.THREAT})
_EXPLAINS = frozenset({Act.FINDING, Act.RESULT, Act.DECLINE})
"""With these an agent says why something is so; the rest of what agents say is no reason of a client."""
_BRIEF = 4
"""Words up to which a line is hardly understood without the one before it."""
_LEANS = frozenset(
    [
        "yes",
        "yeah",
        "yep",
        "no",
        "nope",
        "it",
        "that",
        "they",
        "he",
        "she",
        "these",
        "those",
        "them",
        "neither",
        "both",
        "sure",
        "exactly",
    ]
)
_IDENTIFIES = 0.2
_TOLD_WHY = 0.3
"""An answer to the agent's "why" says the reason, though it seldom repeats what it is the reason of."""
_BECAUSE = frozenset({"because", "since"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The line of a passage that answers best."""

    line: TranscriptChunk
    before: TranscriptChunk | None
    """What the other side said right before, where the line is hardly understood without it."""
    score: float
    likeness: float | None
    """Cosine of the sentence to the question; None without vectors."""
    vector: Vectors | None
    """Of the sentence."""
    does: Does
    """What is wanted, as far as its wording tells."""


@dataclass(frozen=True, slots=True)
class Does:
    """Whether a line does what is wanted; nothing of it where nothing is."""

    suits: bool = False
    outright: bool = False
    """Whatever it is about: an agent's promise, a client's complaint."""
    says_why: bool = False
    """The client said it when the agent asked for the reason."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    line: TranscriptChunk
    before: TranscriptChunk | None
    text: str
    """What is compared with the question."""
    bonus: float
    does: Does


class Quoter:
    """Chooses for one question."""

    def __init__(
        self,
        weights: Mapping[str, float],
        wanted: frozenset[Wanted],
        question: Vectors | None,
        substance: Substance | None,
    ) -> None:
        """
        Args:
            weights: of the question's words.
            question: its vector; None where only words are compared.
            substance: of the encoder that made it.
        """
        self._weights, self._wanted, self._question, self._substance = weights, wanted, question, substance
        self._scale: Scale | None = None

    def choose(self, passage: Passage, encoder: SentenceEncoder | None) -> Chosen | None:
        """None where nothing in the passage can answer anything: greetings, fillers, questions of the agent."""
        english = (passage.language or "en").partition("-")[0].lower() in LANGUAGES
        found = self._by_acts(passage) if english else self._by_sides(passage)
        if not found:
            return None
        near: list[float | None] = [None] * len(found)
        vectors: Vectors | None = None
        if encoder is not None and self._question is not None:
            vectors = encoder.encode([candidate.text for candidate in found])
            near = [float(cosine) for cosine in self._scale_of(encoder).of(vectors @ self._question)]
            if english and self._substance is not None:
                small = self._substance.small_talk(vectors)
                found = [
                    replace(candidate, bonus=candidate.bonus - 0.1 * max(0.0, float(talk)))
                    for candidate, talk in zip(found, small, strict=True)
                ]
        scores = [
            (cosine or 0.0) + COVERED * coverage(self._weights, [candidate.text], passage.language) + candidate.bonus
            for candidate, cosine in zip(found, near, strict=True)
        ]
        index = max(range(len(found)), key=lambda number: (scores[number], -number))
        best = found[index]
        vector = None if vectors is None else vectors[index]
        return Chosen(best.line, best.before, scores[index], near[index], vector, best.does)

    def _scale_of(self, encoder: SentenceEncoder) -> Scale:
        if self._scale is None:
            self._scale = Scale(encoder)
        return self._scale

    # ------------------------------------------------------------------------------------------ English

    def _by_acts(self, passage: Passage) -> list[_Candidate]:
        chunks = [chunk for chunk in (*passage.lead, *passage.lines) if not chunk.doubts]
        own = {(line.channel, line.ordinal) for line in passage.lines}
        readings = read(sentences_of(chunks), None)
        found = []
        for reading in readings:
            candidate = self._candidate(reading, readings, chunks)
            if candidate is not None and (candidate.line.channel, candidate.line.ordinal) in own:
                found.append(candidate)
        return found

    def _candidate(
        self, reading: Reading, readings: Sequence[Reading], chunks: Sequence[TranscriptChunk]
    ) -> _Candidate | None:
        asked = question_before(reading, readings)
        confirms = asked is not None and asked.sentence.role is not reading.sentence.role and says_yes(reading.text)
        if reading.polite and not confirms:
            return None
        if (
            reading.sentence.asks
            and reading.sentence.role is Role.AGENT
            and not (Wanted.OFFER in self._wanted and Act.OFFER in reading.acts)
        ):
            return None
        if Wanted.REASON in self._wanted and reading.sentence.role is Role.AGENT and not reading.acts & _EXPLAINS:
            return None
        line = _line_of(reading, chunks)
        says_why = self._says_why(reading, asked)
        leans = asked is not None and (confirms or says_why or _leans(reading.text))
        before = _line_of(asked, chunks) if leans and asked is not None else None
        text = f"{asked.text} {reading.text}" if leans and asked is not None else reading.text
        if before is None and _leans(line.text):
            before = _said_before(line, chunks)
        fitness, does = self._fitness(reading)
        bonus = fitness + _TOLD_WHY * says_why - _IDENTIFIES * reading.identifies
        return _Candidate(line, before, text, bonus, replace(does, suits=does.suits or says_why, says_why=says_why))

    def _says_why(self, reading: Reading, asked: Reading | None) -> bool:
        """Whether a reason is wanted, and this is what the client said when the agent asked for one."""
        return (
            Wanted.REASON in self._wanted
            and asked is not None
            and asked.sentence.role is Role.AGENT
            and reading.sentence.role is Role.CLIENT
            and not reading.sentence.asks
            and Wanted.REASON in wanted_in(asked.text, "en")
        )

    def _fitness(self, reading: Reading) -> tuple[float, Does]:
        """How well what the sentence does suits what is wanted, and whether it does that at all."""
        agent, client = reading.sentence.role is Role.AGENT, reading.sentence.role is Role.CLIENT
        if Wanted.PROMISE in self._wanted:
            promises = Act.PROMISE in reading.acts and not client and not reading.acts & {Act.THREAT, Act.CONDITION}
            settles = bool(reading.acts & {Act.RESULT, Act.OFFER}) and not client
            bonus = 0.35 if promises else 0.1 if settles else -0.2 * client
            return bonus, Does(suits=promises or settles, outright=promises)
        bonus, suits, outright = 0.0, False, False
        if Wanted.THREAT in self._wanted:
            suits = outright = {Act.THREAT, Act.CONDITION} <= reading.acts and not agent
            bonus += 0.35 * suits - 0.2 * agent
        if Wanted.OFFER in self._wanted:
            suits = outright = Act.OFFER in reading.acts and not client
            bonus += 0.25 * suits - 0.1 * client
        if Wanted.RESULT in self._wanted:
            settles = bool(reading.acts & {Act.RESULT, Act.FINDING, Act.PROMISE}) and not client
            bonus, suits = bonus + 0.25 * settles, suits or settles
        if Wanted.MOMENT in self._wanted:
            told = not reading.sentence.asks and (by_when(reading.text) is not None or reading.figures)
            bonus, suits = bonus + 0.35 * told - 0.2 * reading.sentence.asks, suits or told
        if Wanted.AMOUNT in self._wanted:
            told = not reading.sentence.asks and reading.figures
            bonus, suits = bonus + 0.35 * told - 0.2 * reading.sentence.asks, suits or told
        if Wanted.REASON in self._wanted:
            wonders = reading.sentence.asks and Act.REQUEST not in reading.acts
            moves = bool(reading.acts & _MOVES or _BECAUSE & set(words(reading.text))) and not agent and not wonders
            bonus += 0.1 * moves + 0.1 * (moves and Act.PROBLEM in reading.acts) - 0.25 * agent - 0.15 * wonders
            suits = suits or moves
            outright = outright or (moves and (Act.PROBLEM in reading.acts or Wanted.TROUBLE not in self._wanted))
        elif Wanted.PERSON in self._wanted:
            bonus += 0.1 * client - 0.05 * agent
        return bonus, Does(suits=suits, outright=outright)

    # ------------------------------------------------------------------------------- other languages

    def _by_sides(self, passage: Passage) -> list[_Candidate]:
        chunks = [chunk for chunk in (*passage.lead, *passage.lines) if not chunk.doubts and words(chunk.text)]
        found = []
        for line in passage.lines:
            asks = line.text.rstrip(" \"'»”").endswith("?")
            if line.doubts or not words(line.text) or (asks and line.role is Role.AGENT):
                continue
            before = _said_before(line, chunks) if len(words(line.text)) <= _BRIEF else None
            text = " ".join(line.text.split())
            found.append(_Candidate(line, before, text, self._fitness_by_side(line, asks=asks), Does(suits=not asks)))
        return found

    def _fitness_by_side(self, line: TranscriptChunk, *, asks: bool) -> float:
        agent, client = line.role is Role.AGENT, line.role is Role.CLIENT
        bonus = -0.1 * asks
        if self._wanted & {Wanted.MOMENT, Wanted.AMOUNT}:
            bonus += 0.2 * any(character.isdigit() for character in line.text)
        if self._wanted & {Wanted.PROMISE, Wanted.OFFER, Wanted.RESULT}:
            bonus += 0.2 * agent - 0.2 * client
        elif self._wanted & {Wanted.REASON, Wanted.PERSON}:
            bonus += 0.2 * client - 0.2 * agent
        return bonus


def _leans(text: str) -> bool:
    """Whether the line says little without the one before it."""
    said = words(text)
    return len(said) <= _BRIEF or said[0] in _LEANS


def _said_before(line: TranscriptChunk, chunks: Sequence[TranscriptChunk]) -> TranscriptChunk | None:
    """The last line of the other side before this one, where nobody else spoke in between."""
    earlier = [
        chunk
        for chunk in chunks
        if (chunk.start_s, chunk.channel, chunk.ordinal) < (line.start_s, line.channel, line.ordinal)
    ]
    for chunk in reversed(earlier):
        if words(chunk.text):
            return chunk if chunk.channel != line.channel else None
    return None


def _line_of(reading: Reading, chunks: Sequence[TranscriptChunk]) -> TranscriptChunk:
    """The chunk of the sentence; of several, the one that says most of it."""
    sentence = reading.sentence
    begins = next(chunk for chunk in chunks if (chunk.channel, chunk.ordinal) == (sentence.channel, sentence.chunk))
    parts = [
        chunk
        for chunk in chunks
        if chunk.channel == sentence.channel
        and (chunk is begins or begins.start_s < chunk.start_s < sentence.end_s)
        and words(chunk.text)
    ]
    return max(parts or [begins], key=lambda chunk: (len(words(chunk.text)), chunk.ordinal))
