"""Sentences of speech: cut where they end by their marks, and where a new one begins by its words.

Recognisers set commas, or nothing, where people would set stops. So what stands between two marks is cut where a
logistic regression with L1 penalty (Tibshirani 1996) over the words around a gap says that a sentence ends, as maximum
entropy models of sentence ends are made (Reynar & Ratnaparkhi 1997); pauses count as commas. From left to right: each
cut begins a clause. `python -m bench.clause_weights` fits it and says from what. A stretch without any mark is cut by
`phrases`.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.clauses.gaps import Said, features, may_end, plain_word
from analysis.clauses.phrases import cut_by_phrases
from analysis.text import sentence_spans
from pipeline.records import TranscriptChunk, Word

WEIGHTS = Path(__file__).parent / "weights.json"
_LIKELY, _LIKELY_AT_COMMA = 0.9, 0.6
"""At a comma the worst is a comma read as a stop; where there is nothing, half a sentence is quoted."""
PAUSE_S = 0.4
"""From here on a silence between two words is worth a comma."""
_SHORTEST = 6
"""Words of a sentence that is looked at."""
_LONGEST = 4000
"""Characters of a text that is looked at."""
_MARKED_END = re.compile(r"[,;:]\s|[.!?]$")
_WORD = re.compile(r"[^\W_]+(?:['’.:-][^\W_]+)*")
_BREAK = re.compile(r"\s*[,;:–—]")
_MARKED = re.compile(r"\[[^\]]*\]|<[^>]*>")

Span = tuple[int, int]


def clause_spans(text: str, pauses: Sequence[int] = ()) -> list[Span]:
    """From where to where each sentence or clause goes in an English text, without the blanks and commas around it.

    Args:
        pauses: places in the text at which a word ends that a pause follows.
    """
    return list(_clause_spans(text, tuple(pauses)))


@functools.lru_cache(maxsize=2048)
def _clause_spans(text: str, pauses: tuple[int, ...]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for start, end in sentence_spans(text):
        if end - start > _LONGEST:
            spans.append((start, end))
        elif _MARKED_END.search(text[start:end]):
            spans += _cut(text, start, end, frozenset(pauses))
        else:
            spans += cut_by_phrases(text, start, end)
    return tuple(spans)


def clauses_of(chunk: TranscriptChunk) -> list[str]:
    """Of one chunk, with `[noise]` left out."""
    found = (" ".join(_MARKED.sub(" ", chunk.text[start:end]).split()) for start, end in chunk_spans(chunk))
    return [text for text in found if _WORD.search(text)]


def chunk_spans(chunk: TranscriptChunk) -> list[Span]:
    """As `clause_spans`, with the pauses between the chunk's words where they were timed."""
    return clause_spans(chunk.text, pauses_of(chunk.text, chunk.words or ()))


def pauses_of(text: str, words: Sequence[Word]) -> list[int]:
    """Places in the text at which a word ends that a pause follows."""
    places, until = [], 0
    for word, following in itertools.pairwise(words):
        said = word.text.strip()
        start = text.find(said, until)
        if start < 0:
            break
        until = start + len(said)
        if following.start_s - word.end_s >= PAUSE_S:
            places.append(until)
    return places


def _cut(text: str, start: int, end: int, pauses: frozenset[int]) -> list[Span]:
    masked = _MARKED.sub(lambda mark: " " * len(mark.group()), text[start:end])
    words = [(start + found.start(), start + found.end(), found.group()) for found in _WORD.finditer(masked)]
    if len(words) < _SHORTEST:
        return [(start, end)]
    said = Said(
        [plain_word(word) for _, _, word in words],
        frozenset(
            index
            for index, (_, after, _) in enumerate(words)
            if _BREAK.match(text, after) or any(after <= pause <= after + 1 for pause in pauses)
        ),
    )
    starts = [0]
    for index in range(len(words) - 1):
        if ends_after(said, index, starts[-1]):
            starts.append(index + 1)
    spans = [
        (start if not first else words[first][0], words[last - 1][1]) for first, last in _pairs(starts, len(words))
    ]
    return [*spans[:-1], (spans[-1][0], end)]


def _pairs(starts: Sequence[int], count: int) -> list[Span]:
    return list(zip(starts, [*starts[1:], count], strict=True))


def ends_after(said: Said, index: int, start: int) -> bool:
    """Whether a sentence that began with the word at `start` is cut after the word at `index`."""
    least = _LIKELY_AT_COMMA if index in said.breaks else _LIKELY
    return may_end(said, index, start) and likelihood(said, index, start) >= least


def likelihood(said: Said, index: int, start: int) -> float:
    """That a sentence ends after the word at `index`, 0 to 1."""
    weights = fitted()
    return 1.0 / (1.0 + math.exp(-sum(weights.get(name, 0.0) for name in features(said, index, start))))


@functools.cache
def fitted() -> Mapping[str, float]:
    """The weight of each feature that has one."""
    found: dict[str, float] = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return found
