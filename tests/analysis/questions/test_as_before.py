"""Questions asked across calls in memory: what is found, quoted and grouped, with its figures, is kept as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
import pytest

from analysis.encoder.vectors import EncoderChoice, SentenceEncoder, Vectors
from analysis.questions.asking import Asker
from analysis.questions.passages import cut
from analysis.questions.quoting import Quoter
from analysis.questions.records import Answer, Hit, Passage, Quote, Searched
from analysis.questions.wanted import Wanted
from analysis.text import content_stems, words
from bench.summaries import made_up_calls
from pipeline.config.areas.ask import AskSettings
from tests.analysis.questions.encoders import MISSING
from tests.pinned import assert_pinned

QUESTIONS = (
    "Who wants to cancel?", "Why do customers leave us?", "What was promised to whom?", "refunds",
    "Which parcels are late?",
    "Who threatened to leave?", "What did agents promise about the delivery?", "all complaints about the price",
    "When will the technician come?", "Who lost a card on the train?", "Whose appointment was moved to another day?",
    "Who asked for a supervisor", "How was the internet outage settled?", "why did they call about the bill",
    "Who was told that nothing can be done?", "Which calls mention a broken lamp, and what was offered?",
    "Who will call back tomorrow?", "appointmnt moved", "Who bought a submarine?", "What is the weather on Mars?",
    "every threat", "How much was the refund?", "Who agreed to pay the fee?", "Where should the order be sent?",
    "Qui veut résilier son contrat ?", "What did the client decide in the end?", "cancel", "Does anybody praise us?",
)  # fmt: skip


class WordsEncoder:
    """Texts that share words are near: each word has an axis, and a sign by its hash."""

    space = identity = "words"

    def knows(self, language: str | None) -> bool:
        return language in (None, "en")

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.full((len(texts), 96), 0.05, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for stem in content_stems(text, "en"):
                row[crc32(stem.encode()) % 96] += 1.0
        lengths: Vectors = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / lengths

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self.encode(words)

    def close(self) -> None:
        pass


class WordsInACone(WordsEncoder):
    """The same, and beside it much that all texts have in common, as with the E5 family."""

    space = identity = "words in a cone"

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.concatenate([super().encode(texts), np.full((len(texts), 1), 2.0, dtype=np.float32)], axis=1)
        return np.asarray(rows / np.sqrt(5.0), dtype=np.float32)


class InMemory:
    """Passages of the calls that summaries were made with."""

    def __init__(self, encoder: SentenceEncoder | None, spoken: Mapping[str, int]) -> None:
        self._encoder, self._spoken = encoder, spoken
        self._passages: dict[tuple[str, int], Passage] = {}
        self._texts: dict[tuple[str, int], str] = {}
        calls = [call for name in ("seen", "mended") for _, call in made_up_calls(name)]
        self._chunks = [set(words(chunk.text)) for call in calls for chunk in call.transcript.chunks]
        self._calls = len(calls)
        for day, call in enumerate(calls):
            for number, piece in enumerate(cut(call.transcript.chunks)):
                before = [chunk for chunk in call.transcript.chunks if chunk.start_s < piece.start_s]
                passage = Passage(
                    call_id=call.call_id,
                    number=number,
                    file_name=f"{call.call_id}.wav",
                    started_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day),
                    agent_id=f"A{day % 3}",
                    language="en" if day % 5 else None,
                    lines=piece.chunks,
                    lead=tuple(before[-2:]),
                )
                self._passages[passage.key], self._texts[passage.key] = passage, piece.text
        self._stems = {key: set(content_stems(text, "en")) for key, text in self._texts.items()}
        self._rows = None if encoder is None else encoder.encode(list(self._texts.values()))

    def searched(self, recipe: str) -> Searched:
        vectors = None if self._encoder is None else "vector"
        return Searched(calls=self._calls + 1, indexed=self._calls, alike=3, vectors=vectors, spoken=self._spoken)

    def nearest(self, vector: Sequence[float], recipe: str, limit: int) -> list[Hit]:
        assert self._rows is not None
        likeness = self._rows @ np.asarray(vector, dtype=np.float32)
        return self._best(dict(zip(self._texts, likeness.tolist(), strict=True)), limit)

    def frequencies(self, words: Sequence[str]) -> dict[str, float]:
        return {word: sum(word in said for said in self._chunks) / len(self._chunks) for word in words}

    def said(self, weights: dict[str, float], limit: int) -> list[Hit]:
        asked = [(set(content_stems(word, "en")), weight) for word, weight in weights.items()]
        scores = {key: sum(weight for own, weight in asked if own & held) for key, held in self._stems.items()}
        return self._best({key: score for key, score in scores.items() if score > 0}, limit)

    def passages(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Passage]:
        return {key: self._passages[key] for key in keys if key in self._passages}

    def _best(self, scores: Mapping[tuple[str, int], float], limit: int) -> list[Hit]:
        best = sorted(scores.items(), key=lambda scored: (-round(scored[1], 6), scored[0]))[:limit]
        return [Hit(call_id=call_id, number=number, score=score) for (call_id, number), score in best]


@pytest.mark.parametrize("name", ["with_vectors", "by_words"])
def test_answers_to_questions_across_calls(name: str) -> None:
    encoder = WordsEncoder() if name == "with_vectors" else None
    choice = MISSING
    if encoder is not None:
        choice = EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)
    finds = InMemory(encoder, {"en": 30, "fr": 4, "de": 1} if encoder else {})
    settings = AskSettings(most_quotes=8, most_groups=5, passages=24)
    lines: list[str] = []
    with Asker(settings, choice) as asker:
        for question in QUESTIONS:
            lines += [f"= {question}", *answer_lines(asker.ask(question, finds))]
            evidence = asker.evidence(question, finds)
            lines += [
                f"  {name}: {like if like is None else f'{like:.3f}'} {said:.3f}" for name, like, said in evidence
            ]
    assert_pinned(f"answers_{name}.txt", "\n".join(lines))


WANTED = [frozenset[Wanted](), *(frozenset({kind}) for kind in Wanted), *(frozenset(kinds) for kinds in (
    (Wanted.REASON, Wanted.TROUBLE), (Wanted.REASON, Wanted.PERSON), (Wanted.MOMENT, Wanted.RESULT),
    (Wanted.OFFER, Wanted.AMOUNT), (Wanted.THREAT, Wanted.REASON, Wanted.OFFER), (Wanted.PROMISE, Wanted.MOMENT),
))]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_how_well_each_line_suits_what_is_wanted(language: str) -> None:
    """Of each line of our calls, with those before it as lead: by its wording in English, by its side in French."""
    lines = []
    for call in [call for name in ("seen", "mended", "ends_seen") for _, call in made_up_calls(name)]:
        lines.append(f"= {call.call_id}")
        started_at = datetime(2026, 1, 1, tzinfo=UTC)
        for place, line in enumerate(call.transcript.chunks):
            passage = Passage(
                call_id=call.call_id, number=0, file_name="", started_at=started_at, agent_id=None, language=language,
                lines=(line,), lead=call.transcript.chunks[max(0, place - 3) : place],
            )  # fmt: skip
            found: dict[str, list[str]] = {}
            for wanted in WANTED:
                chosen = Quoter({}, wanted, None, None).choose(passage, None)
                if chosen is not None:
                    before = f" after {chosen.before.ordinal}" if chosen.before else ""
                    does = [name for name in ("suits", "outright", "says_why") if getattr(chosen.does, name)]
                    told = f"{chosen.score:.2f} {' '.join(does)}{before}"
                    found.setdefault(told, []).append("+".join(sorted(wanted)) or "nothing")
            lines.append(f"{line.role} {line.text}")
            lines += [f"  {told}: {', '.join(kinds)}" for told, kinds in found.items()]
    assert_pinned(f"suits_{language}.txt", "\n".join(lines))


def test_what_all_vectors_have_in_common_makes_nothing_alike() -> None:
    """Of E5 any two texts have a cosine over 0.7, and "not in these calls" was never said."""
    encoder = WordsInACone()
    choice = EncoderChoice(encoder=encoder, expected=encoder.identity, expected_space=encoder.space)
    with Asker(AskSettings(), choice) as asker:
        evidence = asker.evidence("Who repaired a violin?", InMemory(encoder, {"en": 30}))
    likenesses = [likeness for _, likeness, _ in evidence if likeness is not None]
    assert likenesses
    assert max(likenesses) < 0.6


def answer_lines(answer: Answer) -> Iterator[str]:
    yield f"{answer.question}: {answer.found}, {answer.answering_calls} calls"
    yield from answer.notes
    for number, group in enumerate(answer.groups):
        yield f"- group {number}: {len(group.calls)} calls"
        yield from map(quote_line, group.quotes)
    yield from (f"nearest {quote_line(quote)}" for quote in answer.nearest)


def quote_line(quote: Quote) -> str:
    like = "-" if quote.likeness is None else f"{quote.likeness:.3f}"
    before = f" after “{quote.before.role} {quote.before.start_s} {quote.before.text}”" if quote.before else ""
    place = f"{quote.agent_id} {quote.started_at:%d} {quote.role} {quote.channel}.{quote.ordinal} {quote.start_s}"
    return f"{quote.rank} {quote.call_id} {place} {like} {quote.text}{before}"
