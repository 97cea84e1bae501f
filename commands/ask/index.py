"""Passages and their vectors of new and changed calls, for questions across calls."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from analysis.encoder.vectors import EncoderChoice
from analysis.questions.choice import encoder_of_questions
from analysis.questions.indexing import accepted_recipes, encode, recipe_of
from db.connection import Database
from db.ledger.passages import (
    StoredPassage,
    TranscriptToIndex,
    drop_superseded_passages,
    left_to_index,
    make_room_for_vectors,
    store_passages,
    transcripts_to_index,
    why_no_vectors,
)
from pipeline.config.root import Settings
from pipeline.errors import ModelUnavailable

log = logging.getLogger("earshot.ask")

_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What indexing did."""

    transcripts: int
    passages: int
    vectors: int
    """Passages that have one."""
    left: int
    """Transcripts that are still to be done: the time was over, or they changed meanwhile."""
    without_vectors: str | None
    """Why passages have no vectors."""


def index_calls(
    database: Database,
    settings: Settings,
    *,
    max_s: float = math.inf,
    tell: Callable[[int, int], None] | None = None,
    encoder: EncoderChoice | None = None,
) -> Indexed:
    """Index what is new, changed, or was indexed by another encoder.

    Args:
        max_s: no transcript is begun after so many seconds.
        tell: transcripts done, and to be done.
        encoder: another than the configured one.
    """
    choice, why_not = _with_vectors(database, encoder or encoder_of_questions(settings))
    accepted = accepted_recipes(choice)
    drop_superseded_passages(database)
    whole, done, passages, vectors = left_to_index(database, accepted), 0, 0, 0
    if whole and choice.encoder is not None:
        choice, why_not = _loaded(database, choice)
        accepted = accepted_recipes(choice)
    recipe = recipe_of(choice.identity)
    deadline = time.monotonic() + max_s
    for transcript in takewhile(lambda _: time.monotonic() < deadline, _to_index(database, accepted)):
        stored = _store(database, transcript, choice, recipe)
        if stored is not None:
            done += 1
            passages += len(stored)
            vectors += sum(passage.vector is not None for passage in stored)
        if tell is not None:
            tell(done, whole)
    return Indexed(
        transcripts=done,
        passages=passages,
        vectors=vectors,
        left=left_to_index(database, accepted),
        without_vectors=why_not,
    )


def _to_index(database: Database, accepted: Sequence[str]) -> Iterator[TranscriptToIndex]:
    """Each transcript that is to be indexed, once: one that changes meanwhile as it was and as it is."""
    tried: set[tuple[str, str]] = set()
    while batch := [
        transcript
        for transcript in transcripts_to_index(database, accepted, _BATCH)
        if (transcript.fingerprint, transcript.chunks_hash) not in tried
    ]:
        for transcript in batch:
            tried.add((transcript.fingerprint, transcript.chunks_hash))
            yield transcript


def _with_vectors(database: Database, choice: EncoderChoice) -> tuple[EncoderChoice, str | None]:
    """The encoder where the database can hold vectors; else none, and why."""
    if choice.encoder is None:
        return choice, choice.reason
    why = why_no_vectors(database)
    return (choice, None) if why is None else (_without(choice, why), why)


def _loaded(database: Database, choice: EncoderChoice) -> tuple[EncoderChoice, str | None]:
    """The encoder, and a column for its vectors; none where it does not load, and why."""
    assert choice.encoder is not None
    try:
        dimensions = choice.encoder.encode(["one"]).shape[1]
    except ModelUnavailable as error:
        return _without(choice, str(error)), str(error)
    make_room_for_vectors(database, dimensions)
    return choice, None


def _without(choice: EncoderChoice, why: str) -> EncoderChoice:
    return EncoderChoice(encoder=None, expected=choice.expected, expected_space=choice.expected_space, reason=why)


def _store(
    database: Database, transcript: TranscriptToIndex, choice: EncoderChoice, recipe: str
) -> list[StoredPassage] | None:
    """What was stored; None where the transcript changed or went meanwhile."""
    found = [
        StoredPassage(made.cut.start_s, made.cut.until_s, made.vector)
        for made in encode(transcript.chunks, transcript.language, choice)
    ]
    stored = store_passages(database, transcript, recipe, found, vectors=choice.encoder is not None)
    return found if stored else None
